package handler

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
)

// The forms of the endpoints, by the API they belong to.
var (
	openaiForm    = exchange.Form{Errors: translate.ByName("openai"), IDHeader: "X-Request-Id"}
	responsesForm = exchange.Form{Errors: translate.ByName("responses"), IDHeader: "X-Request-Id"}
	anthropicForm = exchange.Form{Errors: translate.ByName("claude"), IDHeader: "Request-Id"}
	filesForm     = openaiForm
	modelForm     = openaiForm // or Anthropic's, where the client speaks it: modelsForm
	bedrockForm   = exchange.Form{Errors: translate.ByName("converse"), IDHeader: "X-Amzn-Requestid", Native: true}
)
