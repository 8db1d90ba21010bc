package translation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// A reply of Responses, whole and streamed, and the model on Bedrock that has no other API.
const (
	gpt55     = "openai.gpt-5.5"
	responded = `{"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"model":"m","output":[{"type":"message","id":"msg_1","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[]}]}],"usage":{"input_tokens":9,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":14}}`
	atGPT55   = "/openai/v1/responses"
)

// TestGPTByResponses shows what Bedrock's Responses are sent for each client, and what that client gets of the reply.
func TestGPTByResponses(t *testing.T) {
	start(t).run(t, []row{
		{
			rule: "usage tells apart what was read from the cache and written to it", model: gpt55, request: hi, path: atGPT55, reply: gatewaytest.Reply{Body: responded},
			sent: `{"model":"openai.gpt-5.5","input":[{"role":"user","content":"Hi"}],"store":false,"include":["reasoning.encrypted_content"],"reasoning":{"summary":"auto"}}`,
			get:  `{"id":"*","object":"chat.completion","created":"*","model":"openai.gpt-5.5","choices":[{"index":0,"message":{"role":"assistant","content":"Hello","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"completion_tokens_details":{"reasoning_tokens":3}}}`,
		},
		{
			rule: "usage that nobody counted is not made up", model: gpt55, request: hi, path: atGPT55,
			reply: gatewaytest.Reply{Body: `{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"A"}]}]}`},
			get:   `{"id":"*","object":"chat.completion","created":"*","model":"openai.gpt-5.5","choices":[{"index":0,"message":{"role":"assistant","content":"A","refusal":null},"logprobs":null,"finish_reason":"stop"}]}`,
		},
		{
			rule: "a reply that failed is an error", model: gpt55, request: hi, path: atGPT55, status: 502,
			reply: gatewaytest.Reply{Body: `{"status":"failed","output":[],"error":{"code":"server_error","message":"Went wrong"}}`},
			get:   `{"error":{"message":"Went wrong","type":"api_error","param":null,"code":"server_error"}}`,
		},
		{
			rule: "stop sequences, seeds and several choices are not Responses'", model: gpt55, path: atGPT55,
			request: hi + `,"stop":"x","seed":1,"top_k":3`, reply: gatewaytest.Reply{Body: responded}, headers: map[string]string{"Bedrock-Gateway-Dropped": "top_k, seed, stop"},
		},
		{rule: "several choices", model: gpt55, request: hi + `,"n":2`, status: 400, get: `{"error":{"message":"*","type":"invalid_request_error","param":"n","code":"unsupported_parameter"}}`},
	})
}

// TestResponsesOff shows that clients of Responses are answered by chat where the server has nothing else.
func TestResponsesOff(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-gateway {\n\t\tbase_url %s/v1\n\t\tresponses off\n\t}\n\tfiles off\n}", u.URL))
	u.Play(gatewaytest.Reply{Body: `{"choices":[{"message":{"role":"assistant","content":"Hello"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}`})
	a := g.Post(t, "/v1/responses", `{"model":"gpt-4o","input":"Hi","instructions":"Be brief.","max_output_tokens":99}`)
	seen := u.Seen()
	const sent = `{"model":"gpt-4o","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}],"max_completion_tokens":99}`
	if len(seen) != 1 || seen[0].Path != "/v1/chat/completions" || !gatewaytest.SameJSON(seen[0].Body, sent) {
		t.Errorf("the upstream was asked %+v", seen)
	}
	if a.Status != 200 || !strings.Contains(a.Body, `"object":"response"`) || !strings.Contains(a.Body, `"text":"Hello"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
