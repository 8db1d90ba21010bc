package stored

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// Kept says which upstream keeps a response, or an item of one. It holds no content.
type Kept struct {
	ID       string `json:"id"`
	Owner    string `json:"owner,omitempty"`
	Upstream string `json:"upstream"` // its name in the configuration
	Model    string `json:"model"`    // as the client asked for it; "" if it named none
}

// maxKeptID bounds the id of another's response, in bytes: OpenAI's have 55.
const maxKeptID = 256

// SaveKept records which upstream keeps a response. It takes a second at most.
func (s *Store) SaveKept(ctx context.Context, k *Kept) error {
	if k.ID == "" || len(k.ID) > maxKeptID {
		return fmt.Errorf("an id of %d bytes", len(k.ID))
	}
	record := *k
	record.Owner = files.OwnerKey(k.Owner)
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	err = s.objects.PutObject(ctx, files.Object{
		Owner: k.Owner, Kind: files.KindKept, ID: k.ID, Body: body, ExpiresAt: time.Now().Add(files.KeptTTL),
	}, false)
	if err == nil {
		known := *k
		s.keepers.put(&known)
	}
	return err
}

// SaveKeptAll records which upstream keeps several ids, as SaveKept does for one, all within a second. Clients that believe
// their conversation stored refer to each of its items.
func (s *Store) SaveKeptAll(ctx context.Context, all []Kept) error {
	if len(all) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range all {
		g.Go(func() error { return s.SaveKept(ctx, &all[i]) })
	}
	return g.Wait()
}

// LoadKept returns which upstream keeps a response; files.ErrNotFound if none is known to for the owner.
func (s *Store) LoadKept(ctx context.Context, owner, id string) (*Kept, error) {
	if id == "" || len(id) > maxKeptID {
		return nil, files.ErrNotFound
	}
	o, err := s.objects.GetObject(ctx, owner, files.KindKept, id)
	if err != nil {
		return nil, err
	}
	k := new(Kept)
	if err := json.Unmarshal(o.Body, k); err != nil {
		return nil, errors.Join(errDamaged, err)
	}
	if k.ID != id || k.Owner != files.OwnerKey(owner) {
		return nil, files.ErrNotFound
	}
	k.Owner = owner
	return k, nil
}

// DeleteKept forgets which upstream keeps a response.
func (s *Store) DeleteKept(ctx context.Context, owner, id string) error {
	s.keepers.remove(owner, id)
	return s.objects.DeleteObject(ctx, owner, files.KindKept, id)
}

// counted is what the id of a response has behind it where it is noted that its tokens were counted. No id of a client's choice
// finds that: it is no record.
const counted = "/counted"

// First reports whether this is the first call for a response, on any gateway of the store, and notes that it was.
func (s *Store) First(ctx context.Context, owner, id string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, Patience)
	defer cancel()
	err := s.objects.PutObject(ctx, files.Object{
		Owner: owner, Kind: files.KindKept, ID: id + counted, Body: []byte("{}"), ExpiresAt: time.Now().Add(files.KeptTTL),
	}, true)
	if errors.Is(err, files.ErrExists) {
		return false, nil
	}
	return err == nil, err
}
