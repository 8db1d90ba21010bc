package translation_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const (
	sonnet45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0" // takes formats, and one of temperature and top_p
	sonnet5  = "us.anthropic.claude-sonnet-5"                 // takes no sampling and no format
)

// claudeRow is a request in Anthropic's form to Bedrock's Claude, and the rule that it shows.
type claudeRow struct {
	rule    string
	model   string // "": sonnet45
	members string // of the body, behind model, max_tokens and messages
	betas   string // the client's anthropic-beta
	sent    string // what the upstream must have been sent besides anthropic_version, max_tokens and messages
	dropped string
	reply   string // of the upstream; "": a plain word
	get     string // "": anything
}

// claudeReply is a reply of Bedrock's Claude; model is Bedrock's own name for it.
func claudeReply(model, content, stop string) string {
	return `{"model":"` + model + `","id":"msg_bdrk_1","type":"message","role":"assistant","content":[` + content + `],"stop_reason":"` + stop + `","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":2}}`
}

// chunked is a stream of InvokeModel of these payloads.
func chunked(payloads ...string) gatewaytest.Reply {
	for i, p := range payloads {
		payloads[i] = `chunk {"bytes":"` + base64.StdEncoding.EncodeToString([]byte(p)) + `"}`
	}
	return gatewaytest.Reply{Body: gatewaytest.Frames(payloads...)}
}

// ask sends a body in Anthropic's form.
func (tb *table) ask(t *testing.T, path, body, betas string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Api-Key", secret)
	req.Header.Set("Anthropic-Version", "2023-06-01")
	if betas != "" {
		req.Header.Set("Anthropic-Beta", betas)
	}
	return tb.g.Do(t, req)
}

// TestClaudeBodies shows that what a Claude model refuses is left out of Anthropic's own bodies as it is of chats, and
// listed: LiteLLM, LangChain and pydantic-ai send sampling and formats to every model, agents what Anthropic alone takes.
func TestClaudeBodies(t *testing.T) {
	const (
		format = `{"type":"json_schema","schema":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}`
		word   = `{"type":"text","text":"Word"}`
		forced = `"tools":[{"name":"structured_output","description":"Gives the final answer in the required structure.","input_schema":{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"],"additionalProperties":false}}],"tool_choice":{"type":"tool","name":"structured_output"}`
	)
	tb := onBedrock(t)
	for _, r := range []claudeRow{
		{rule: "a body that Bedrock takes goes on as it is", members: `"temperature":0.5,"tools":[{"name":"f","input_schema":{"type":"object"}}]`, sent: `"temperature":0.5,"tools":[{"name":"f","input_schema":{"type":"object"}}]`},
		{rule: "sampling of a model that takes none", model: sonnet5, members: `"temperature":0.5,"top_k":9`, dropped: "temperature, top_k"},
		{rule: "its default changes nothing, so nothing is lost", model: sonnet5, members: `"temperature":1.0`},
		{rule: "temperature with top_p", members: `"top_p":0.5,"temperature":0.5`, sent: `"temperature":0.5`, dropped: "top_p"},
		{rule: "sampling while the model thinks", members: `"temperature":0.5,"thinking":{"type":"enabled","budget_tokens":1024}`, sent: `"thinking":{"type":"enabled","budget_tokens":1024}`, dropped: "temperature"},
		{rule: "a format of a model that takes it", members: `"output_config":{"format":` + format + `}`, sent: `"output_config":{"format":` + format + `}`},
		{rule: "its older place, which Bedrock never had", members: `"output_format":` + format, betas: "structured-outputs-2025-11-13", sent: `"output_config":{"format":` + format + `}`, dropped: "anthropic_beta: structured-outputs-2025-11-13"},
		{
			rule: "a format of a model that takes none is a tool that it must call, and its input the text", model: sonnet5, members: `"output_config":{"format":` + format + `}`, sent: forced,
			reply: claudeReply("claude-sonnet-5", `{"type":"tool_use","id":"toolu_1","name":"structured_output","input":{"n":7}}`, "tool_use"),
			get:   `{"model":"` + sonnet5 + `","id":"*","type":"message","role":"assistant","content":[{"type":"text","text":"{\"n\":7}"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":2}}`,
		},
		{
			rule:    "what agents add to tools and cache marks",
			members: `"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral","scope":"global"}}],"tools":[{"name":"f","custom":{"defer_loading":true},"defer_loading":true,"input_schema":{"type":"custom"}}]`,
			betas:   "claude-code-20250219,prompt-caching-scope-2026-01-05",
			sent:    `"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}}],"tools":[{"name":"f","input_schema":{"type":"object"}}]`,
			dropped: "anthropic_beta: claude-code-20250219, anthropic_beta: prompt-caching-scope-2026-01-05, cache_control.scope, tools.custom, tools.defer_loading, tools.input_schema.type",
		},
		{rule: "a beta that Bedrock takes, and its member", members: `"context_management":{"edits":[]}`, betas: "context-management-2025-06-27", sent: `"context_management":{"edits":[]},"anthropic_beta":["context-management-2025-06-27"]`},
		{rule: "a beta that it does not take goes with its member", members: `"container":{"skills":[]}`, betas: "skills-2025-10-02", dropped: "anthropic_beta: skills-2025-10-02, container"},
		{
			rule:  "the model is named as the client named it, whatever Bedrock calls it",
			reply: claudeReply("claude-sonnet-4-5-20250929", word, "end_turn"),
			get:   "=" + claudeReply(sonnet45, word, "end_turn"),
		},
	} {
		t.Run(r.rule, func(t *testing.T) {
			if r.model == "" {
				r.model = sonnet45
			}
			if r.reply == "" {
				r.reply = claudeReply("claude", word, "end_turn")
			}
			members, sent := "", ""
			if r.members != "" {
				members = "," + r.members
			}
			if r.sent != "" {
				sent = "," + r.sent
			}
			tb.u.Play(gatewaytest.Reply{Body: r.reply})
			a := tb.ask(t, "/v1/messages", fmt.Sprintf(`{"model":%q,"max_tokens":5000,%s%s}`, r.model, hi, members), r.betas)
			seen := tb.u.Seen()
			if a.Status != http.StatusOK || len(seen) != 1 {
				t.Fatalf("got %d %s; the upstream was asked %d times", a.Status, a.Body, len(seen))
			}
			if want := `{"anthropic_version":"bedrock-2023-05-31","max_tokens":5000,` + hi + sent + `}`; !gatewaytest.SameJSON(seen[0].Body, want) {
				t.Errorf("the upstream was sent\n%s\nnot\n%s", seen[0].Body, want)
			}
			if want := "/model/" + url.QueryEscape(r.model) + "/invoke"; seen[0].Path != want {
				t.Errorf("the upstream was asked at %s, not %s", seen[0].Path, want)
			}
			if got := a.Header.Get("Bedrock-Gateway-Dropped"); !sameNames(got, r.dropped) {
				t.Errorf("dropped %q, want %q", got, r.dropped)
			}
			exact, is := strings.CutPrefix(r.get, "=")
			if is && a.Body != exact || !is && r.get != "" && !gatewaytest.SameJSON(a.Body, r.get) {
				t.Errorf("the client got\n%s\nnot\n%s", a.Body, r.get)
			}
		})
	}
}

// sameNames reports whether two lists of a header have the same elements, in any order.
func sameNames(got, want string) bool {
	left := map[string]int{}
	for name := range strings.SplitSeq(got, ", ") {
		left[name]++
	}
	for name := range strings.SplitSeq(want, ", ") {
		left[name]--
	}
	for _, n := range left {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestModelInReplies shows that replies name the model as the client did. Claude Code 2.1.197 takes thinking blocks for
// another model's where the names differ: it leaves them out of the next request, which is then refused for it.
func TestModelInReplies(t *testing.T) {
	const (
		start     = `{"type":"message_start","message":{"model":"claude-sonnet-4-5-20250929","id":"msg_bdrk_1","type":"message","role":"assistant","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}}`
		stop      = `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":2}}`
		end       = `{"type":"message_stop"}`
		native    = "claude-sonnet-4-5-20250929"
		chunkGPT  = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o-2024-11-20","choices":[{"index":0,"delta":{"content":"W"},"finish_reason":"stop"}]}`
		wholeGPT  = `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o-2024-11-20","choices":[{"index":0,"message":{"role":"assistant","content":"W"},"finish_reason":"stop"}]}`
		anthropic = `"anthropic_version":"bedrock-2023-05-31",`
	)
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf(`log
bedrock_gateway {
	openai sk-gateway {
		base_url %[1]s/v1
	}
	bedrock us-east-1 {
		endpoint %[1]s
		credentials AKIDEXAMPLE secret
	}
	route my-gpt {
		to openai gpt-4o
	}
	route my-claude {
		to bedrock `+sonnet45+`
	}
}`, u.URL))}
	whole := gatewaytest.Reply{Body: claudeReply(native, `{"type":"text","text":"W"}`, "end_turn")}
	for _, tc := range []struct {
		rule, path, model, members string
		reply                      gatewaytest.Reply
		has, hasNot                string // in the answer
	}{
		{"Claude, whole", "/v1/messages", sonnet45, `"max_tokens":9`, whole, `"model":"` + sonnet45 + `"`, native},
		{"Claude, streamed", "/v1/messages", sonnet45, `"max_tokens":9,"stream":true`, chunked(start, stop, end), `"message":{"model":"` + sonnet45 + `","id"`, native},
		{"Claude, renamed by a route", "/v1/messages", "my-claude", `"max_tokens":9,"stream":true`, chunked(start, stop, end), `"message":{"model":"my-claude","id"`, native},
		{"OpenAI under its own name keeps the version", "/v1/chat/completions", "gpt-4o", `"n":1`, gatewaytest.Reply{Body: wholeGPT}, `"model":"gpt-4o-2024-11-20"`, "gpt-4o"},
		{"OpenAI, renamed by a route", "/v1/chat/completions", "my-gpt", `"n":1`, gatewaytest.Reply{Body: wholeGPT}, `"model":"my-gpt"`, "gpt-4o-2024-11-20"},
		{"OpenAI, renamed and streamed", "/v1/chat/completions", "my-gpt", `"stream":true`, gatewaytest.Reply{Body: gatewaytest.SSE(chunkGPT, chunkGPT, "[DONE]")}, `"model":"my-gpt"`, "gpt-4o-2024-11-20"},
		{"translated", "/v1/chat/completions", "my-claude", `"n":1`, content(`{"text":"W"}`, "end_turn"), `"model":"my-claude"`, sonnet45},
		// AWS's clients never asked for another name than Bedrock's own.
		{"Bedrock's own path keeps Bedrock's name", "/model/" + url.QueryEscape(sonnet45) + "/invoke", "", anthropic + `"max_tokens":9`, whole, `"model":"` + native + `"`, sonnet45},
		{"but for a name that only a route knows", "/model/my-claude/invoke", "", anthropic + `"max_tokens":9`, whole, `"model":"my-claude"`, native},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			u.Play(tc.reply)
			body := "{" + tc.members + "," + hi + "}"
			if tc.model != "" {
				body = fmt.Sprintf(`{"model":%q,%s,%s}`, tc.model, tc.members, hi)
			}
			a := tb.ask(t, tc.path, body, "")
			if a.Status != http.StatusOK || a.Broken != nil || !strings.Contains(a.Body, tc.has) || strings.Contains(a.Body, `"`+tc.hasNot+`"`) {
				t.Errorf("got %d %v %s", a.Status, a.Broken, a.Body)
			}
		})
	}
	t.Run("streamed on Bedrock's own path, as frames that AWS's readers take", func(t *testing.T) {
		u.Play(chunked(start, stop, end))
		a := tb.ask(t, "/model/my-claude/invoke-with-response-stream", "{"+anthropic+`"max_tokens":9,`+hi+"}", "")
		want := chunked(strings.Replace(start, native, "my-claude", 1))
		if a.Broken != nil || !strings.Contains(a.Body, want.Body[len(want.Body)-60:len(want.Body)-4]) || !strings.Contains(a.Body, base64.StdEncoding.EncodeToString([]byte(end))) {
			t.Errorf("got %v %q", a.Broken, a.Body)
		}
	})
	t.Run("the upstream's own name is in the log", func(t *testing.T) {
		u.Play(whole)
		tb.ask(t, "/v1/messages", fmt.Sprintf(`{"model":%q,"max_tokens":9,%s}`, sonnet45, hi), "")
		if line := tb.logged(t, "served_model"); !strings.Contains(line, `"served_model":"`+native+`"`) {
			t.Errorf("got %s", line)
		}
	})
}

// TestAnthropicsOwnIDs shows that the ids of Anthropic's own API lead to the Bedrock model of that name, through the region's
// profile, where no route takes them: agents have these names built in.
func TestAnthropicsOwnIDs(t *testing.T) {
	const word = `{"type":"text","text":"W"}`
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	openai sk-gateway {
		base_url %[1]s/v1
	}
	bedrock us-east-1 {
		endpoint %[1]s
		control_endpoint %[1]s/control
		credentials AKIDEXAMPLE secret
	}
	route claude-opus-4-1 {
		to openai gpt-4o
	}
}`, u.URL))}
	ask := func(t *testing.T, path, model string) (*gatewaytest.Answer, []string) {
		t.Helper()
		a := tb.ask(t, path, fmt.Sprintf(`{"model":%q,"max_tokens":9,%s}`, model, hi), "")
		var paths []string
		for _, s := range u.Seen() {
			paths = append(paths, s.Path)
		}
		return a, paths
	}
	whole := gatewaytest.Reply{Body: claudeReply("claude", word, "end_turn")}
	for model, id := range map[string]string{
		"claude-haiku-4-5-20251001": "anthropic.claude-haiku-4-5-20251001-v1%3A0", "claude-sonnet-5": "anthropic.claude-sonnet-5",
	} {
		u.Play(whole)
		a, paths := ask(t, "/v1/messages", model)
		if a.Status != http.StatusOK || len(paths) != 1 || paths[0] != "/model/"+id+"/invoke" || !strings.Contains(a.Body, `"model":"`+model+`"`) {
			t.Errorf("%s: got %d %s; asked at %q", model, a.Status, a.Body, paths)
		}
	}
	t.Run("through the region's profile", func(t *testing.T) {
		const plain, profile = "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke", "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke"
		u.Play()
		u.PlayAt(plain, gatewaytest.Reply{Status: 400, Header: map[string]string{"X-Amzn-ErrorType": "ValidationException"}, Body: `{"message":"Invocation of model ID anthropic.claude-sonnet-4-5-20250929-v1:0 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."}`})
		u.PlayAt("/control/inference-profiles", gatewaytest.Reply{Body: `{"inferenceProfileSummaries":[{"inferenceProfileId":"us.anthropic.claude-sonnet-4-5-20250929-v1:0","type":"SYSTEM_DEFINED","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-sonnet-4-5-20250929-v1:0"}]}]}`})
		u.PlayAt(profile, whole)
		a, paths := ask(t, "/v1/messages", "claude-sonnet-4-5")
		if a.Status != http.StatusOK || paths[len(paths)-1] != profile || a.Header.Get("Bedrock-Gateway-Profile") != "us.anthropic.claude-sonnet-4-5-20250929-v1:0" || !strings.Contains(a.Body, `"model":"claude-sonnet-4-5"`) {
			t.Errorf("got %d %s %q; asked at %q", a.Status, a.Body, a.Header.Get("Bedrock-Gateway-Profile"), paths)
		}
	})
	t.Run("a route's own comes first", func(t *testing.T) {
		u.Play(gatewaytest.Reply{Body: `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"W"},"finish_reason":"stop"}]}`})
		if a, paths := ask(t, "/v1/messages", "claude-opus-4-1"); a.Status != http.StatusOK || len(paths) != 1 || paths[0] != "/v1/chat/completions" {
			t.Errorf("got %d %s; asked at %q", a.Status, a.Body, paths)
		}
	})
}

// TestCountTokensBodies shows that the body of a count is edited as that of a call, and for what the counter alone refuses.
func TestCountTokensBodies(t *testing.T) {
	tb := onBedrock(t)
	counted := func(t *testing.T, s gatewaytest.Seen) string {
		t.Helper()
		_, text, _ := strings.Cut(s.Body, `"body":"`)
		text, _, _ = strings.Cut(text, `"`)
		body, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	body := fmt.Sprintf(`{"model":%q,"temperature":0.5,"top_p":0.5,"tools":[{"name":"f","eager_input_streaming":true,"input_schema":{"type":"object"}}],%s}`, sonnet45, hi)
	refused := gatewaytest.Reply{Status: 400, Header: map[string]string{"X-Amzn-ErrorType": "ValidationException"}, Body: `{"message":"invalid beta flag"}`}
	tb.u.Play(refused, gatewaytest.Reply{Body: `{"inputTokens":7}`})
	a := tb.ask(t, "/v1/messages/count_tokens", body, "fine-grained-tool-streaming-2025-05-14")
	seen := tb.u.Seen()
	if a.Status != http.StatusOK || a.Body != `{"input_tokens":7}` || len(seen) != 2 {
		t.Fatalf("got %d %s after %d tries", a.Status, a.Body, len(seen))
	}
	const rest = `"temperature":0.5,"tools":[{"name":"f","input_schema":{"type":"object"}}],` + hi + `,"anthropic_version":"bedrock-2023-05-31"`
	if got, want := counted(t, seen[0]), `{`+rest+`,"max_tokens":4096,"anthropic_beta":["fine-grained-tool-streaming-2025-05-14"]}`; !gatewaytest.SameJSON(got, want) {
		t.Errorf("counted was first\n%s\nnot\n%s", got, want)
	}
	if got, want := counted(t, seen[1]), `{`+rest+`,"max_tokens":4096}`; !gatewaytest.SameJSON(got, want) {
		t.Errorf("counted was then\n%s\nnot\n%s", got, want)
	}
	if got := a.Header.Get("Bedrock-Gateway-Dropped"); !sameNames(got, "top_p, tools.eager_input_streaming, anthropic_beta: fine-grained-tool-streaming-2025-05-14") {
		t.Errorf("dropped %q", got)
	}
}
