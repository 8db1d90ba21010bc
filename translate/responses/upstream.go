package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// unready is the error of what the dialect cannot do yet.
func unready() *chat.Error {
	return &chat.Error{Kind: chat.ErrUnsupported, Fallback: true, Message: "Responses is not translated yet"}
}

// EncodeRequest writes the body that a Responses upstream gets.
func (Dialect) EncodeRequest([]byte, *chat.Request, *chat.Exchange) ([]byte, error) {
	return nil, unready()
}

// Splice copies a client's body for a Responses upstream.
func (Dialect) Splice([]byte, *chat.Body, *chat.Edits, *chat.Exchange) ([]byte, error) {
	return nil, unready()
}

// DecodeResponse reads a response object.
func (Dialect) DecodeResponse([]byte, *chat.Exchange) (*chat.Response, error) { return nil, unready() }

// NewStreamDecoder returns a decoder for one streamed reply.
func (Dialect) NewStreamDecoder(*chat.Exchange) chat.StreamDecoder { return streamDecoder{} }

type streamDecoder struct{}

func (streamDecoder) Decode(out []chat.Event, _, _ []byte) ([]chat.Event, error) {
	return out, unready()
}
func (streamDecoder) Done() bool { return false }
