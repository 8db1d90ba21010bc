package bedrock

import "net/http"

// NewMantle returns a simulated bedrock-mantle host: OpenAI's chat, Responses and model list below /v1 and /openai/v1,
// Anthropic's Messages and its token counter below /anthropic. It takes signatures of the services bedrock-mantle and
// bedrock, and the Bedrock API keys. Model ids have no region prefix and no version. A guardrail's headers change
// nothing, as on the real host. It is safe for concurrent use.
func NewMantle(o Options) http.Handler {
	s := newServer(o)
	s.mantle = true
	return s
}
