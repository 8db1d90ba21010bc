package storetest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// Memory keeps objects in memory, for tests of what is above a store. Its zero value is empty. It is safe for concurrent
// use.
type Memory struct {
	// Fail, if it is set, is asked before each call, and its error is the call's. It may wait for ctx.
	Fail func(ctx context.Context) error

	mu      sync.Mutex
	objects map[memoryKey]files.Object
}

type memoryKey struct{ owner, kind, id string }

func (m *Memory) fail(ctx context.Context) error {
	if m.Fail != nil {
		if err := m.Fail(ctx); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// PutObject implements files.Objects.
func (m *Memory) PutObject(ctx context.Context, o files.Object, ifAbsent bool) error {
	if err := m.fail(ctx); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	k := memoryKey{o.Owner, o.Kind, o.ID}
	if old, ok := m.objects[k]; ok && ifAbsent && !old.Expired(time.Now()) {
		return files.ErrExists
	}
	if m.objects == nil {
		m.objects = map[memoryKey]files.Object{}
	}
	o.Body = slices.Clone(o.Body)
	m.objects[k] = o
	return nil
}

// GetObject implements files.Objects.
func (m *Memory) GetObject(ctx context.Context, owner, kind, id string) (files.Object, error) {
	if err := m.fail(ctx); err != nil {
		return files.Object{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[memoryKey{owner, kind, id}]
	if !ok || o.Expired(time.Now()) {
		return files.Object{}, files.ErrNotFound
	}
	o.Body = slices.Clone(o.Body)
	return o, nil
}

// DeleteObject implements files.Objects.
func (m *Memory) DeleteObject(ctx context.Context, owner, kind, id string) error {
	if _, err := m.GetObject(ctx, owner, kind, id); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, memoryKey{owner, kind, id})
	return nil
}

// ObjectDefaults implements files.Objects.
func (*Memory) ObjectDefaults() files.ObjectBounds { return files.ObjectBounds{TTL: time.Hour} }

// BoundObjects implements files.Objects. There are no bounds.
func (*Memory) BoundObjects(string, files.ObjectBounds) {}

// ObjectUsage implements files.Objects.
func (m *Memory) ObjectUsage(kind string) files.ObjectUsage {
	m.mu.Lock()
	defer m.mu.Unlock()
	var u files.ObjectUsage
	for k, o := range m.objects {
		if k.kind == kind {
			u.Objects++
			u.Bytes += int64(len(o.Body))
		}
	}
	return u
}

// OwnersUsage implements files.Objects.
func (m *Memory) OwnersUsage(kind string) map[string]int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := map[string]int64{}
	for k, o := range m.objects {
		if k.kind == kind {
			all[k.owner] += int64(len(o.Body))
		}
	}
	return all
}

// OwnerUsage implements files.Objects.
func (m *Memory) OwnerUsage(kind, owner string) int64 { return m.OwnersUsage(kind)[owner] }

// Objects returns all that is kept of a kind, by id.
func (m *Memory) Objects(kind string) []files.Object {
	m.mu.Lock()
	defer m.mu.Unlock()
	all := slices.Collect(maps.Values(m.objects))
	all = slices.DeleteFunc(all, func(o files.Object) bool { return o.Kind != kind })
	slices.SortFunc(all, func(a, b files.Object) int { return strings.Compare(a.ID, b.ID) })
	return all
}

var _ files.Objects = (*Memory)(nil)
