package responses

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"

// DecodeRequest reads a body of POST /v1/responses.
func (Dialect) DecodeRequest([]byte, *chat.Exchange) (*chat.Request, error) { return nil, unready() }
