package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// NewStreamEncoder returns an encoder for one reply.
func (Dialect) NewStreamEncoder(*chat.Exchange) chat.StreamEncoder { return streamEncoder{} }

type streamEncoder struct{}

func (streamEncoder) Encode(dst []byte, _ *chat.Event) []byte { return dst }
func (streamEncoder) Error(dst []byte, _ *chat.Error) []byte  { return dst }
func (streamEncoder) ContentType() string                     { return "text/event-stream; charset=utf-8" }
func (streamEncoder) KeepAlive(dst []byte) []byte             { return dst }
