package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// EncodeResponse appends a response object.
func (Dialect) EncodeResponse([]byte, *chat.Response, *chat.Exchange) ([]byte, error) {
	return nil, unready()
}
