package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// unready is the error of what the dialect cannot do yet.
func unready() *chat.Error {
	return &chat.Error{Kind: chat.ErrUnsupported, Fallback: true, Message: "Responses is not translated yet"}
}
