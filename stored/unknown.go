package stored

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// The errors for what is not there, in OpenAI's words. An id that is another owner's is not there.

// retryRead is when a client may come back whose response could not be read.
const retryRead = time.Second

// NoResponse is the 404 of a response's own paths.
func NoResponse(id string) *chat.Error {
	return &chat.Error{Kind: chat.ErrNotFound, Message: "Response with id '" + chat.Clip(id) + "' not found."}
}

// noResponse is the error for a request that goes on with a response of which nothing is known.
func (s *Store) noResponse(id string) *chat.Error {
	e := s.nobodys(paramPrevious)
	if e == nil {
		e = chat.Invalid(paramPrevious, "Previous response with id '%s' not found.", chat.Clip(id))
		if s.Off {
			e.Message += " This gateway stores no responses; send the whole conversation in 'input'."
		}
	}
	e.Code = "previous_response_not_found"
	return e
}

// noItem is the error for a reference to an item of which nothing is known.
func (s *Store) noItem(id string) *chat.Error {
	if e := s.nobodys(paramInput); e != nil {
		e.Code = "previous_response_not_found"
		return e
	}
	return &chat.Error{
		Kind: chat.ErrNotFound, Param: paramInput,
		Message: fmt.Sprintf("Item with id '%s' not found. Items are not persisted when `store` is set to false, and not for longer than responses are; send the item itself.", chat.Clip(id)),
	}
}

// nobodys is the error where nothing is kept, not even who made what an upstream keeps; nil where something is.
func (s *Store) nobodys(param string) *chat.Error {
	if s != nil {
		return nil
	}
	return chat.Invalid(param, "'%s' names what an upstream keeps for all users of this gateway, and nobody can tell whose it is; send the whole conversation in 'input'", param)
}

// tooLarge is the error for a conversation that has grown past what a request may have.
func (r *recall) tooLarge() *chat.Error {
	return &chat.Error{
		Kind: chat.ErrTooLarge, Code: "request_too_large", Param: paramInput,
		Message: fmt.Sprintf("the request with the conversation that it goes on with is larger than %d bytes, the most that is taken here (max_body)", r.asker.MaxBody),
	}
}

// absent reports whether an error of reading says that there is nothing; what cannot be read is logged, and nothing too.
func (s *Store) absent(err error, id string) bool {
	if errors.Is(err, errDamaged) {
		s.Logger.Warn("a stored response cannot be read: it is as if it was not there", zap.String("id", id), zap.Error(err))
		return true
	}
	return errors.Is(err, files.ErrNotFound)
}

// readError is the error where the store did not answer.
func readError(err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the client left
	}
	return &chat.Error{
		Kind: chat.ErrOverloaded, Code: "stored_responses_unavailable", RetryAfter: retryRead, Cause: err,
		Message: "the store of responses cannot be read now; try again shortly",
	}
}
