// Package responses is the dialect of OpenAI's Responses API: POST /v1/responses and its streams, as the openai-python
// library v3.57.0 types them (types/responses), and as Codex, the Agents SDKs and the AI SDK use them.
//
// It is stateless: every request holds the whole conversation, and what a model's reasoning needs to come back travels in
// encrypted_content.
package responses

// Name is the dialect's name.
const Name = "responses"

// Dialect speaks Responses in both directions. It holds no state and is safe for concurrent use.
type Dialect struct{}

// Name is "responses".
func (Dialect) Name() string { return Name }
