package stored

import (
	"context"
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Find returns what is known of a response's id: the owner's record, or else which upstream keeps it for the owner; neither
// where it is unknown, another owner's, or of a model that the caller may not ask for. s may be nil: nothing is known.
func (s *Store) Find(ctx context.Context, a *Asker, id string) (*Record, *Kept, error) {
	if s == nil {
		return nil, nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	if Ours(id) {
		r, err := s.Load(ctx, a.Owner, id)
		switch {
		case err == nil && a.May(r.Model):
			return r, nil, nil
		case err == nil:
			return nil, nil, nil
		case errors.Is(err, ErrTooLarge):
			return nil, nil, &chat.Error{Kind: chat.ErrTooLarge, Code: "response_too_large", Message: "the stored response is larger than what is taken here now (max_body)", Cause: err}
		case !s.absent(err, id):
			return nil, nil, readError(err)
		}
	}
	k, err := s.keeper(ctx, a.Owner, id)
	if k == nil || !a.May(k.Model) {
		return nil, nil, err
	}
	return nil, k, nil
}

// Forget removes the owner's record of a response.
func (s *Store) Forget(ctx context.Context, owner, id string) *chat.Error {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	switch err := s.Delete(ctx, owner, id); {
	case err == nil:
		return nil
	case errors.Is(err, files.ErrNotFound):
		return NoResponse(id)
	default:
		return &chat.Error{
			Kind: chat.ErrOverloaded, Code: "stored_responses_unavailable", RetryAfter: retryRead, Cause: err,
			Message: "the store of responses cannot be written now; try again shortly",
		}
	}
}
