package stored

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The bounds of what one request may name. A record holds its whole conversation, so that a conversation of any length is
// gone on with by one.
const (
	maxReferences = 4096
	maxRecords    = 32
)

// readPatience is how long a request waits for what it names.
const readPatience = 10 * time.Second

// Asker is whose request it is, and what it may take.
type Asker struct {
	Owner string
	// May reports whether the caller may ask for a model: it sees the responses of no other.
	May func(model string) bool
	// MaxBody bounds the request with what it names, in bytes.
	MaxBody int64
	// Hold is asked for memory before it is used.
	Hold func(bytes int64) error
}

// Recalled is a request with what it named in its input.
type Recalled struct {
	Body []byte // nil: as it was
	// Before are the items of earlier turns that now stand before its own, a JSON array, and Input its own, as they came
	// but for what was referred to; nil where they are the body's.
	Before, Input json.Value
	// Upstream is the one that keeps what is left of the names, and Model what was asked for there; "" where nothing is
	// left, or nobody knows.
	Upstream, Model string
	// Unknown is the error for a name that nothing is known of; nil if there is none. It is left in the body.
	Unknown *chat.Error
}

// recall is one request on its way.
type recall struct {
	Recalled
	ctx   context.Context
	store *Store // nil: nothing is kept
	asker Asker
	body  *chat.Body
	names Names

	record  *Record // that the request goes on with
	size    int64   // of the body with what was found so far
	held    int64
	records int // read so far
}

// Recall puts what a request names of its owner's responses into its input: the conversation up to the previous response
// before it, items in place of references to them. What an upstream keeps stays as it is. s may be nil: it keeps nothing.
func (s *Store) Recall(ctx context.Context, a Asker, b *chat.Body, n Names) (Recalled, error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	if len(n.references) > maxReferences {
		return Recalled{}, chat.Invalid(paramInput, "the input refers to more than %d items; go on with 'previous_response_id', or send the items themselves", maxReferences)
	}
	n.references = slices.Clone(n.references)
	r := recall{ctx: ctx, store: s, asker: a, body: b, names: n, size: int64(len(b.Raw))}
	if err := s.learn(ctx, a.Owner, n.references); err != nil {
		return Recalled{}, err
	}
	for _, step := range [...]func() error{r.previous, r.references, r.compared, r.splice} {
		if err := step(); err != nil {
			return Recalled{}, err
		}
	}
	return r.Recalled, nil
}

// previous looks for the response that the request goes on with.
func (r *recall) previous() error {
	id := r.names.previous
	if id == "" {
		return nil
	}
	record, err := r.load(id)
	if err != nil {
		return err
	}
	if record == nil {
		known, err := r.keptAt(id, paramPrevious)
		if err == nil && !known {
			r.unknown(r.store.noResponse(id))
		}
		return err
	}
	r.record = record
	if err := r.find(record); err != nil {
		return err
	}
	return r.grow(int64(len(record.Before) + len(record.Input) + len(record.Output())))
}

// references looks for the items that stand for others. It begins with the last one: the record of the latest response has
// those of the earlier ones, too.
func (r *recall) references() error {
	for i := len(r.names.references) - 1; i >= 0; i-- {
		ref := &r.names.references[i]
		if ref.item != nil {
			continue
		}
		if response, ours := OfItem(ref.id); ours {
			record, err := r.load(response)
			if err != nil {
				return err
			}
			if record != nil {
				if err := r.find(record); err != nil {
					return err
				}
			}
		}
		if ref.item != nil {
			continue
		}
		known, err := r.keptAt(ref.id, paramInput)
		if err != nil {
			return err
		}
		if ref.kept = known; !known {
			r.unknown(r.store.noItem(ref.id))
		}
	}
	return nil
}

// compared looks for the response whose cache is compared. Its content is not needed, and what is the gateway's own means
// nothing to an upstream.
func (r *recall) compared() error {
	id := r.names.compared
	if id == "" {
		return nil
	}
	known, err := r.keptAt(id, paramCompared)
	if err == nil && !known {
		e := r.store.noResponse(id)
		e.Param = paramCompared
		r.unknown(e)
	}
	return err
}

// load returns the owner's record; nil if there is none.
func (r *recall) load(id string) (*Record, error) {
	if r.store == nil || !Ours(id) {
		return nil, nil
	}
	if r.records++; r.records > maxRecords {
		return nil, chat.Invalid(paramInput, "the input refers to items of more than %d responses; go on with 'previous_response_id', or send the items themselves", maxRecords)
	}
	record, err := r.store.Load(r.ctx, r.asker.Owner, id)
	switch {
	case errors.Is(err, ErrTooLarge):
		return nil, r.tooLarge()
	case err != nil && r.store.absent(err, id):
		return nil, nil
	case err != nil:
		return nil, readError(err)
	case !r.asker.May(record.Model):
		return nil, nil
	}
	// One record is looked at after the other: what the largest takes is enough.
	if size := int64(len(record.Before) + len(record.Input) + len(record.Response)); size > r.held {
		if err := r.asker.Hold(size - r.held); err != nil {
			return nil, err
		}
		r.held = size
	}
	return record, nil
}

// find takes the items that are referred to out of a record.
func (r *recall) find(record *Record) error {
	wanted := map[string]bool{}
	for i := range r.names.references {
		if r.names.references[i].item == nil {
			wanted[r.names.references[i].id] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	found := map[string]json.Value{}
	for _, list := range [...]json.Value{record.Before, record.Input, record.Output()} {
		w := json.WalkAt(list, 0)
		for ok := w.Array(); ok && w.Element(); {
			item := w.Value()
			if id := json.Find(item, "id"); len(id) > 1 && id[0] == '"' {
				if name := json.String(id).Unquote(); wanted[name] {
					found[name] = item
				}
			}
		}
	}
	for i := range r.names.references { // before they are copied
		if ref := &r.names.references[i]; ref.item == nil && found[ref.id] != nil {
			if err := r.grow(int64(len(found[ref.id]) - (ref.end - ref.start))); err != nil {
				return err
			}
		}
	}
	for name, item := range found {
		found[name] = bytes.Clone(item) // the record's memory is free again when the next one is read
	}
	for i := range r.names.references {
		if ref := &r.names.references[i]; ref.item == nil {
			ref.item = found[ref.id]
		}
	}
	return nil
}

// keptAt notes the upstream that keeps an id, and reports whether one is known. All that a request names must be kept by one.
func (r *recall) keptAt(id, param string) (bool, error) {
	k, err := r.store.keeper(r.ctx, r.asker.Owner, id)
	if k == nil || !r.asker.May(k.Model) {
		return false, err
	}
	if r.Upstream != "" && r.Upstream != k.Upstream {
		return false, chat.Invalid(param, "what the request names is kept by several upstreams, '%s' and '%s'; send the whole conversation in 'input'", r.Upstream, k.Upstream)
	}
	if r.Upstream == "" {
		r.Upstream, r.Model = k.Upstream, k.Model
	}
	return true, nil
}

// grow counts what the body gets more.
func (r *recall) grow(n int64) error {
	if r.size += n; r.size > r.asker.MaxBody {
		return r.tooLarge()
	}
	return nil
}

// unknown keeps the error for the first name of which nothing is known.
func (r *recall) unknown(e *chat.Error) {
	if r.Unknown == nil {
		r.Unknown = e
	}
}
