package translation_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestHealing shows that a request which an upstream refuses for a member that it does not know is sent once more without
// it, where the reply means the same without it: what models take changes faster than any table.
func TestHealing(t *testing.T) {
	const (
		word   = `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}]}`
		claude = `{"model":"c","id":"msg_1","type":"message","role":"assistant","content":[{"type":"text","text":"Word"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}`
		tool   = `"tools":[{"name":"f","strict":true,"input_schema":{"type":"object"}}]`
		noTool = `"tools":[{"name":"f","input_schema":{"type":"object"}}]`
		seeded = `"seed":7`
		extra  = ": Extra inputs are not permitted"
	)
	ok := gatewaytest.Reply{Body: word}
	no := func(message string) gatewaytest.Reply {
		return gatewaytest.Reply{Status: 400, Body: fmt.Sprintf(`{"error":{"message":%q,"type":"invalid_request_error"}}`, message)}
	}
	bedrockNo := func(message string) gatewaytest.Reply {
		return gatewaytest.Reply{Status: 400, Body: fmt.Sprintf(`{"message":%q}`, message), Header: map[string]string{"X-Amzn-ErrorType": "ValidationException"}}
	}
	fine := gatewaytest.Reply{Body: claude}
	for name, tc := range map[string]struct {
		words          string // of the gateway
		path           string // "": OpenAI's chat
		model, members string
		betas          string
		replies        []gatewaytest.Reply
		has            []string // in each body that was sent, "!" before what must not be there
		status         int
		get            string
		dropped        string
	}{
		"a member that may be missing": {model: "gpt-4o", members: seeded, replies: []gatewaytest.Reply{no("seed" + extra), ok}, has: []string{`"seed":7`, "!seed"}, dropped: "seed"},
		"in OpenAI's own words":        {model: "gpt-4o", members: `"verbosity":"low"`, replies: []gatewaytest.Reply{no("Unknown parameter: 'verbosity'."), ok}, has: []string{"verbosity", "!verbosity"}, dropped: "verbosity"},
		"in a stream": {
			model: "gpt-4o", members: seeded + `,"stream":true`, has: []string{"seed", "!seed"}, dropped: "seed", get: "Word",
			replies: []gatewaytest.Reply{no("seed" + extra), {Body: gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"Word"},"finish_reason":"stop"}]`), "[DONE]")}},
		},
		"of tools, by Bedrock's Claude": {path: "/v1/messages", model: sonnet45, members: `"max_tokens":9,` + tool, replies: []gatewaytest.Reply{bedrockNo("tools.0.custom.strict" + extra), fine}, has: []string{`"strict":true`, noTool}, dropped: "tools.strict"},
		"by Bedrock's schema":           {path: "/v1/messages", model: sonnet45, members: `"max_tokens":9,"metadata":{"user_id":"u"}`, replies: []gatewaytest.Reply{bedrockNo("Malformed input request: #: extraneous key [metadata] is not permitted, please reformat your input and try again."), fine}, has: []string{"metadata", "!metadata"}, dropped: "metadata"},
		"of Converse":                   {model: sonnet35, members: `"top_k":5`, replies: []gatewaytest.Reply{bedrockNo("The model returned the following errors: top_k" + extra), content(`{"text":"Word"}`, "end_turn")}, has: []string{`"top_k":5`, "!top_k"}, dropped: "top_k"},
		"two, one after the other":      {model: "gpt-4o", members: seeded + `,"user":"u"`, replies: []gatewaytest.Reply{no("seed" + extra), no("user" + extra), ok}, has: []string{"seed", "!seed", `!"user":`}, dropped: "seed, user"},
		"and no third": {
			model: "gpt-4o", members: seeded + `,"user":"u","top_p":0.5`, replies: []gatewaytest.Reply{no("seed" + extra), no("user" + extra), no("top_p" + extra)}, has: []string{"seed", "!seed", `!"user":`},
			status: 400, get: "top_p", dropped: "seed, user",
		},
		"betas count among the two": {
			path: "/v1/messages", model: sonnet45, members: `"max_tokens":9,"metadata":{"user_id":"u"},` + tool, betas: "context-1m-2025-08-07", has: []string{"context-1m", "!context-1m", "!metadata"},
			replies: []gatewaytest.Reply{bedrockNo("invalid beta flag"), bedrockNo("metadata" + extra), bedrockNo("tools.0.custom.strict" + extra)},
			status:  400, get: "strict", dropped: "anthropic_beta: context-1m-2025-08-07, metadata",
		},
		"what came out first stays out when betas go": {
			path: "/v1/messages", model: sonnet45, members: `"max_tokens":9,"metadata":{"user_id":"u"}`, betas: "context-1m-2025-08-07", has: []string{"metadata", "!metadata", `!"metadata"`},
			replies: []gatewaytest.Reply{bedrockNo("metadata" + extra), bedrockNo("invalid beta flag"), fine}, dropped: "metadata, anthropic_beta: context-1m-2025-08-07",
		},
		"never what the request is about": {model: "gpt-4o", members: `"stop":["x"]`, replies: []gatewaytest.Reply{no("stop" + extra)}, has: []string{"stop"}, status: 400, get: "stop: Extra"},
		"nor tools":                       {model: "gpt-4o", members: `"tools":[{"type":"function","function":{"name":"f"}}]`, replies: []gatewaytest.Reply{no("tools" + extra)}, has: []string{"tools"}, status: 400, get: "tools: Extra"},
		"nor what was not sent":           {model: "gpt-4o", members: seeded, replies: []gatewaytest.Reply{no("user" + extra)}, has: []string{"seed"}, status: 400, get: "user: Extra"},
		"nor for another reason":          {model: "gpt-4o", members: seeded, replies: []gatewaytest.Reply{no("seed: Input should be a valid integer")}, has: []string{"seed"}, status: 400, get: "valid integer"},
		"nor where it is to be refused":   {words: "unsupported_params reject", model: "gpt-4o", members: seeded, replies: []gatewaytest.Reply{no("seed" + extra)}, has: []string{"seed"}, status: 400, get: "seed: Extra"},
	} {
		t.Run(name, func(t *testing.T) {
			tb := start(t, tc.words)
			if tc.path == "" {
				tc.path = "/v1/chat/completions"
			}
			tb.u.Play(tc.replies...)
			a := tb.ask(t, tc.path, fmt.Sprintf(`{"model":%q,%s,%s}`, tc.model, tc.members, hi), tc.betas)
			seen := tb.u.Seen()
			if a.Status != max(tc.status, 200) || !strings.Contains(a.Body, tc.get) || len(seen) != len(tc.has) {
				t.Fatalf("got %d %s after %d tries", a.Status, a.Body, len(seen))
			}
			for i, s := range seen {
				if text, not := strings.CutPrefix(tc.has[i], "!"); strings.Contains(s.Body, text) == not {
					t.Errorf("try %d was sent %s", i+1, s.Body)
				}
			}
			if got := a.Header.Get("Bedrock-Gateway-Dropped"); !sameNames(got, tc.dropped) {
				t.Errorf("dropped %q, want %q", got, tc.dropped)
			}
			attempts := ""
			if len(seen) > 1 {
				attempts = fmt.Sprint(len(seen))
			}
			if got := a.Header.Get("Bedrock-Gateway-Attempts"); got != attempts {
				t.Errorf("attempts %q, want %q", got, attempts)
			}
		})
	}

	t.Run("what helped is remembered, for that model alone", func(t *testing.T) {
		tb := start(t)
		ask := func(model string, replies ...gatewaytest.Reply) (*gatewaytest.Answer, []gatewaytest.Seen) {
			tb.u.Play(replies...)
			a := tb.ask(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s,%s}`, model, seeded, hi), "")
			return a, tb.u.Seen()
		}
		if a, seen := ask("gpt-4o", no("seed"+extra), no("it is down")); a.Status != http.StatusBadRequest || len(seen) != 2 {
			t.Fatalf("got %d after %d tries", a.Status, len(seen))
		}
		if a, seen := ask("gpt-4o", no("seed"+extra), ok); a.Status != 200 || len(seen) != 2 {
			t.Fatalf("what did not help was remembered: got %d after %d tries", a.Status, len(seen))
		}
		a, seen := ask("gpt-4o", ok)
		if len(seen) != 1 || strings.Contains(seen[0].Body, "seed") || a.Header.Get("Bedrock-Gateway-Dropped") != "seed" || a.Header.Get("Bedrock-Gateway-Attempts") != "" {
			t.Errorf("after %d tries: sent %s, dropped %q", len(seen), seen[0].Body, a.Header.Get("Bedrock-Gateway-Dropped"))
		}
		if a, seen := ask("gpt-4o-mini", ok); !strings.Contains(seen[0].Body, "seed") || a.Header.Get("Bedrock-Gateway-Dropped") != "" {
			t.Errorf("another model: sent %s, dropped %q", seen[0].Body, a.Header.Get("Bedrock-Gateway-Dropped"))
		}
	})
}

// TestCuresAreNoFailures shows that a refusal that the gateway cures does not count against the target, even where its status
// does: the target is well, the request was not.
func TestCuresAreNoFailures(t *testing.T) {
	const word = `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}]}`
	g, u := failing(t, "max_fails 1\n\tunhealthy_status 400", "")
	refused := gatewaytest.Reply{Status: 400, Body: `{"error":{"message":"seed: Extra inputs are not permitted","type":"invalid_request_error"}}`}
	u.PlayAt("/a/chat/completions", refused, gatewaytest.Reply{Body: word}, gatewaytest.Reply{Body: word})
	for call, tries := range []int{2, 3} { // of both calls
		a := g.Post(t, "/v1/chat/completions", `{"model":"two","seed":7,`+hi+`}`)
		seen := u.Seen()
		if a.Status != http.StatusOK || a.Header.Get("Bedrock-Gateway-Upstream") != "openai" || len(seen) != tries {
			t.Errorf("call %d: got %d from %q after %d tries", call, a.Status, a.Header.Get("Bedrock-Gateway-Upstream"), len(seen))
		}
	}
}
