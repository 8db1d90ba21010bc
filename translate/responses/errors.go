package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// EncodeError appends {"error":{message,type,param,code}}. An error body of OpenAI's own is given as it came.
func (Dialect) EncodeError(dst []byte, e *chat.Error, _ string) []byte {
	dst = append(dst, `{"error":{"message":`...)
	dst = json.AppendQuoted(dst, e.Message)
	return append(dst, `,"type":"api_error","param":null,"code":null}}`...)
}
