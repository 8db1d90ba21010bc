package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// Splice copies a client's body for a Responses upstream.
func (Dialect) Splice([]byte, *chat.Body, *chat.Edits, *chat.Exchange) ([]byte, error) {
	return nil, unready()
}
