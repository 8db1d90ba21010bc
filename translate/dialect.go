// Package translate turns chat in one dialect into chat in another: bytes ↔ the canonical chat of package chat. Each
// dialect is a folder with the same few verbs; there are no pairwise translators. Nothing here does I/O.
package translate

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// Dialect is one way to write a chat. Dialects hold no state: all methods are safe for concurrent use.
//
// Encode and Splice verbs append to dst and return the longer slice, as append does; on an error dst's contents are
// undefined. Errors are a *chat.Error when the client can mend them.
type Dialect interface {
	// Name is the dialect's name in target_format, logs and placeholders.
	Name() string
	// DecodeRequest reads a client's body. The request shares the body's memory.
	DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error)
	// EncodeRequest writes the body that the upstream gets. It may note in x what it dropped or renamed.
	EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error)
	// Splice copies a client's body for an upstream of the same dialect, with the listed edits and no other change. With a
	// nil dst and nothing to edit it returns the body itself.
	Splice(dst []byte, body *chat.Body, e *chat.Edits, x *chat.Exchange) ([]byte, error)
	// DecodeResponse reads an upstream's whole reply. The response shares the body's memory.
	DecodeResponse(body []byte, x *chat.Exchange) (*chat.Response, error)
	// EncodeResponse writes the body that the client gets.
	EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error)
	// NewStreamDecoder returns a decoder for one streamed reply.
	NewStreamDecoder(x *chat.Exchange) chat.StreamDecoder
	// NewStreamEncoder returns an encoder for one streamed reply.
	NewStreamEncoder(x *chat.Exchange) chat.StreamEncoder
	// EncodeError writes an error body in the dialect's shape. requestID is the gateway's; "" if there is none.
	EncodeError(dst []byte, e *chat.Error, requestID string) []byte
}

// Limited is a Dialect without words for all that an answer may hold.
type Limited interface {
	Dialect
	// CanAnswer returns why the answer to r cannot be expressed in this dialect; nil if it can. It is asked before anything is
	// sent: an answer must not be lost for want of words.
	CanAnswer(r *chat.Request) error
}
