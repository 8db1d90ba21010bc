package responses

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// mantleGPT is what is known of a call to GPT on Bedrock's mantle, openAI of one to OpenAI's own.
func mantleGPT() *chat.Exchange {
	x := runtimeGPT()
	x.TargetModel, x.Access = "openai.gpt-5.6-sol", model.Access{API: model.Responses, Host: model.Mantle, Path: "/openai/v1"}
	return x
}

// gemma and grok are models of mantle's that do not reason, and that always do.
func gemma() *chat.Exchange { return onMantle("google.gemma-4-31b") }

func grok() *chat.Exchange { return onMantle("xai.grok-4.3") }

func onMantle(id string) *chat.Exchange {
	return &chat.Exchange{
		Model: id, TargetModel: id, Access: model.Access{API: model.Responses, Host: model.Mantle, Path: "/openai/v1"}, Facts: model.Lookup(id).ByResponses(),
	}
}

func openAI() *chat.Exchange {
	return &chat.Exchange{Model: "gpt-5", TargetModel: "gpt-5", Facts: model.Lookup("gpt-5")}
}

// accepted sends a body to the simulated API that x is for, which refuses what the real one refuses.
func accepted(t *testing.T, x *chat.Exchange, body []byte) string {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/v1/responses", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+simulator.DefaultKey)
	w := httptest.NewRecorder()
	if !copied(x) {
		simulator.New(simulator.Options{}).ServeHTTP(w, r)
	} else {
		l := simulator.Limits{
			Reasons: reasons(x), Efforts: []string{"none", "minimal", "low", "medium", "high", "xhigh"}, SamplingWithoutEffort: true, InlineImages: true,
			Tools: copyTools[x.Access.Host], RefusedItems: []string{"agent_message", "context_compaction", "local_shell_call", "local_shell_call_output"},
		}
		if x.Access.Host == model.Mantle {
			l.RefusedItems = append(l.RefusedItems, "additional_tools")
			l.Tiers, l.Summaries = []string{"auto", "default"}, []string{"auto"}
		}
		simulator.NewCopies().With(func(id string) (simulator.Model, *simulator.Refusal) {
			return simulator.Model{ID: id, Context: 400_000, Output: 128_000, Limits: l}, nil
		}).Respond(w, r, body)
	}
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s\nto %s", w.Code, w.Body, body)
	}
	return w.Body.String()
}

func parsed(t testing.TB, raw string) *chat.Body {
	t.Helper()
	var b chat.Body
	if err := b.ParseBody([]byte(raw)); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestSplice(t *testing.T) {
	const (
		head = `{"model":"m","store":false,"input":[{"role":"user","content":"Hi"}`
		seal = `"encrypted_content":"gAAAAsimulated-YQ=="`
	)
	for _, c := range []struct {
		name, in, want string // want: "" for the same bytes
		dropped        string
		x              func() *chat.Exchange
		edits          chat.Edits
	}{
		{
			name: "OpenAI's own body keeps its bytes", x: openAI,
			in: `{ "model": "gpt-5", "input":[{"role":"user","content":[{"type":"input_text","text":"a"}]}], "tools":[{"type":"web_search"},{"type":"local_shell"}],"service_tier":"flex","new_member":1,` +
				`"temperature":1,"reasoning":{"summary":"detailed"}}`,
		},
		{name: "a copy stores nothing", in: `{"model":"m","input":"Hi"}`, want: `{"model":"m","input":"Hi","store":false}`, x: runtimeGPT},
		{name: "and says so where it is asked to", in: `{"model":"m","store":true,"input":"Hi"}`, want: `{"model":"m","store":false,"input":"Hi"}`, dropped: "store", x: runtimeGPT},
		{name: "what is stored nowhere keeps its bytes", in: head + `]}`, x: runtimeGPT},
		{name: "the model's name", in: head + `]}`, want: strings.Replace(head, `"m"`, `"n"`, 1) + `]}`, x: runtimeGPT, edits: chat.Edits{Model: "n"}},
		{
			name: "tools that a copy does not know", x: runtimeGPT,
			in:      head + `],"tools":[{"type":"web_search"},{"type":"function","name":"f","parameters":{},"strict":false},{"type":"image_generation"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"web_search"},{"type":"function","name":"f"}]}}`,
			want:    head + `],"tools":[{"type":"function","name":"f","parameters":{},"strict":false}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"}]}}`,
			dropped: "tools.web_search tools.image_generation",
		},
		{name: "mantle searches the web", in: head + `],"tools":[{"type":"web_search"}]}`, x: mantleGPT},
		{
			name: "tools amid the history, on the runtime", x: runtimeGPT,
			in:      head + `,{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}]}`,
			want:    head + `,{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"f"}]}]}`,
			dropped: "tools.web_search",
		},
		{
			name: "tools amid the history, on mantle", x: mantleGPT,
			in:   head + `,{"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"f"}]}],"tools":[{"type":"function","name":"g"}]}`,
			want: head + `],"tools":[{"type":"function","name":"g"},{"type":"function","name":"f"}]}`,
		},
		{
			name: "tools amid the history alone, on mantle", x: mantleGPT,
			in:   `{"model":"m","store":false,"input":[{"type":"additional_tools","tools":[{"type":"function","name":"f"}]},{"role":"user","content":"Hi"}]}`,
			want: `{"model":"m","store":false,"input":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","name":"f"}]}`,
		},
		{
			name: "what other agents said", x: runtimeGPT,
			in: head + `,{"type":"agent_message","author":"a","content":[{"type":"input_text","text":"one"},{"type":"output_text","text":"two"}]},` +
				`{"type":"agent_message","content":[{"type":"encrypted_content","encrypted_content":"x"}]},{"role":"user","content":"Go on"}]}`,
			want: head + `,{"role":"assistant","content":"one\n\ntwo"},{"role":"user","content":"Go on"}]}`, dropped: "input.agent_message",
		},
		{
			name: "an older compaction", x: mantleGPT,
			in:   head + `,{"type":"context_compaction",` + seal + `}]}`,
			want: head + `,{"type":"compaction",` + seal + `}]}`,
		},
		{
			name: "calls of local_shell", x: runtimeGPT,
			in: head + `,{"type":"local_shell_call","id":"ls_1","call_id":"c1","status":"completed","action":{"type":"exec","command":["ls"]}},{"type":"function_call_output","call_id":"c1","output":"a"},` +
				`{"type":"local_shell_call","id":"ls_2","action":{"command":[]}},{"type":"local_shell_call_output","id":"ls_2","output":"b"}]}`,
			want: head + `,{"type":"function_call","call_id":"c1","name":"local_shell","arguments":"{\"action\":{\"type\":\"exec\",\"command\":[\"ls\"]}}"},{"type":"function_call_output","call_id":"c1","output":"a"},` +
				`{"type":"function_call","call_id":"ls_2","name":"local_shell","arguments":"{\"action\":{\"command\":[]}}"},{"type":"function_call_output","call_id":"ls_2","output":"b"}]}`,
		},
		{
			name: "calls that were interrupted", x: runtimeGPT,
			in: head + `,{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"b","name":"p","input":"x"},` +
				`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"yes"}]}`,
			want: head + `,{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"aborted"},` +
				`{"type":"custom_tool_call","call_id":"b","name":"p","input":"x"},{"type":"custom_tool_call_output","call_id":"b","output":"aborted"},` +
				`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"yes"}]}`,
		},
		{
			name: "GPT's own reasoning goes back", x: runtimeGPT,
			in: head + `,{"type":"reasoning","id":"rs_1","summary":[],` + seal + `},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]},{"role":"user","content":"Go on"}]}`,
		},
		{
			name: "reasoning that led nowhere", x: runtimeGPT,
			in:   head + `,{"type":"reasoning","id":"rs_1","summary":[],` + seal + `},{"role":"user","content":"Go on"},{"type":"reasoning","id":"rs_2","summary":[],` + seal + `},{"type":"reasoning","id":"rs_3","summary":[],` + seal + `}]}`,
			want: head + `,{"role":"user","content":"Go on"}]}`, dropped: "input.reasoning",
		},
		{
			name: "what Codex adds for OpenAI", x: runtimeGPT,
			in:   `{"model":"m","store":false,"input":[{"internal_chat_message_metadata_passthrough":{"a":1},"role":"user","content":"Hi"},{"role":"user","content":"Hi","internal_chat_message_metadata_passthrough":{}}]}`,
			want: `{"model":"m","store":false,"input":[{"role":"user","content":"Hi"},{"role":"user","content":"Hi"}]}`, dropped: "input.internal_chat_message_metadata_passthrough",
		},
		{
			name: "reasoning that led to nothing", x: runtimeGPT,
			in: `{"model":"m","store":false,"input":[{"type":"reasoning","summary":[],` + seal + `},{"role":"user","content":"Hi"},{"type":"reasoning","summary":[],` + seal + `},{"type":"reasoning","summary":[],` + seal + `},{"role":"assistant","content":"a"},` +
				`{"role":"user","content":"b"},{"type":"reasoning","summary":[],` + seal + `},{"type":"reasoning","summary":[],` + seal + `}]}`,
			want: `{"model":"m","store":false,"input":[{"role":"user","content":"Hi"},{"type":"reasoning","summary":[],` + seal + `},{"type":"reasoning","summary":[],` + seal + `},{"role":"assistant","content":"a"},{"role":"user","content":"b"}]}`, dropped: "input.reasoning",
		},
		{
			name: "sampling while it reasons, tiers and summaries", x: mantleGPT,
			in:      head + `],"temperature":0.5,"top_p":1,"service_tier":"flex","reasoning":{"summary":"detailed","effort":"low"}}`,
			want:    head + `],"reasoning":{"summary":"auto","effort":"low"}}`,
			dropped: "temperature service_tier reasoning.summary",
		},
		{
			name: "reasoning of a model that has none", x: gemma,
			in:      head + `],"reasoning":{"effort":"high","summary":"auto"},"include":["reasoning.encrypted_content","message.output_text.logprobs"]}`,
			want:    head + `],"include":["message.output_text.logprobs"]}`,
			dropped: "reasoning.effort",
		},
		{
			name: "the effort none of a model that always reasons", x: grok,
			in: head + `],"reasoning":{"effort":"none"}}`, want: head + `],"reasoning":{}}`, dropped: "reasoning.effort",
		},
		{name: "sampling while it does not", x: runtimeGPT, in: head + `],"temperature":0.5,"reasoning":{"summary":null,"effort":"none"}}`},
		{
			name: "what gateways know", x: openAI,
			in:      `{"model":"gpt-5","file_ids":["file-1"],"guardrailConfig":{},"input":"Hi"}`,
			want:    `{"model":"gpt-5","input":"Hi"}`,
			dropped: "guardrailConfig",
		},
		{
			name: "files before a question", x: openAI, edits: chat.Edits{Context: chat.String(`"A file.\n\n"`)},
			in:   `{"model":"gpt-5","input":"Hi"}`,
			want: `{"model":"gpt-5","input":"A file.\n\nHi"}`,
		},
		{
			name: "files before the last of several", x: openAI, edits: chat.Edits{Context: chat.String(`"A file."`)},
			in:   `{"model":"gpt-5","input":[{"role":"user","content":"a"},{"type":"message","role":"assistant","content":"b"},{"role":"user","content":[{"type":"input_text","text":"c"}]}]}`,
			want: `{"model":"gpt-5","input":[{"role":"user","content":"a"},{"type":"message","role":"assistant","content":"b"},{"role":"user","content":[{"type":"input_text","text":"A file."},{"type":"input_text","text":"c"}]}]}`,
		},
		{
			name: "files without a question", x: openAI, edits: chat.Edits{Context: chat.String(`"A file."`)},
			in:   `{"model":"gpt-5","input":[{"role":"developer","content":"a"}]}`,
			want: `{"model":"gpt-5","input":[{"role":"developer","content":"a"},{"role":"user","content":"A file."}]}`,
		},
		{
			name: "files alone", x: openAI, edits: chat.Edits{Context: chat.String(`"A file."`)},
			in: `{"model":"gpt-5","input":[]}`, want: `{"model":"gpt-5","input":[{"role":"user","content":"A file."}]}`,
		},
		{
			name: "files of our own", x: openAI,
			edits: chat.Edits{FileText: func(id string) (chat.String, error) {
				if id == "file-ours" {
					return chat.String(`"What is in it."`), nil
				}
				return nil, nil
			}},
			in: `{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_file","file_id":"file-ours"},{"type":"input_file","file_id":"file-theirs"}]},` +
				`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_file","file_id":"file-ours"}]}]}`,
			want: `{"model":"gpt-5","input":[{"role":"user","content":[{"type":"input_text","text":"What is in it."},{"type":"input_file","file_id":"file-theirs"}]},` +
				`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"What is in it."}]}]}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := c.x()
			got, err := Dialect{}.Splice(nil, parsed(t, c.in), &c.edits, x)
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if want == "" {
				want = c.in
			}
			if string(got) != want || strings.Join(x.Dropped, " ") != c.dropped {
				t.Errorf("got  %s\nwant %s\ndropped %q", got, want, x.Dropped)
			}
			if !strings.Contains(want, "new_member") && !strings.Contains(c.name, "files") {
				accepted(t, x, got)
			}
		})
	}
}

func TestSpliceRefuses(t *testing.T) {
	for _, c := range []struct {
		name, in, code, phrase string
		x                      func() *chat.Exchange
	}{
		{"an image by its address, on a copy", `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a/b.png"}]}]}`, chat.CodeRemote, "data URLs", runtimeGPT},
		{"the same in a result", `{"input":[{"type":"function_call_output","call_id":"c","output":[{"type":"input_image","image_url":"https://a/b.png"}]}]}`, chat.CodeRemote, "data URLs", runtimeGPT},
		{"a tool that is taken out and forced", `{"input":"Hi","tools":[{"type":"web_search"}],"tool_choice":{"type":"web_search"}}`, "", "web_search", runtimeGPT},
		{"a client's tool that the copy does not know", `{"input":"Hi","tools":[{"type":"shell"}]}`, chat.CodeAnew, "'shell'", runtimeGPT},
		{"a compaction that is asked for", `{"input":[{"role":"user","content":"Hi"},{"type":"compaction_trigger"}]}`, chat.CodeAnew, "compacts no conversation", runtimeGPT},
		{"patches on mantle", `{"input":"Hi","tools":[{"type":"apply_patch"}]}`, chat.CodeAnew, "'apply_patch'", mantleGPT},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Dialect{}.Splice(nil, parsed(t, c.in), &chat.Edits{}, c.x())
			e, ok := errors.AsType[*chat.Error](err)
			if !ok || e.Code != c.code || !strings.Contains(e.Message, c.phrase) || e.StatusCode() != 400 {
				t.Errorf("%+v", err)
			}
		})
	}
	x := runtimeGPT()
	x.RejectUnsupported = true
	if _, err := (Dialect{}).Splice(nil, parsed(t, `{"input":"Hi","tools":[{"type":"web_search"}]}`), &chat.Edits{}, x); err == nil || !strings.Contains(err.Error(), "tools.web_search") {
		t.Error(err)
	}
}

func BenchmarkSplice(b *testing.B) {
	body := parsed(b, `{"model":"m","stream":true,"store":false,"input":[{"role":"user","content":[{"type":"input_text","text":"Hello"}]},{"role":"assistant","content":"Hi"},{"role":"user","content":"How are you?"}],"tools":[{"type":"function","name":"f","parameters":{}}]}`)
	x := runtimeGPT()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = (Dialect{}).Splice(buf[:0], body, &chat.Edits{Model: "n"}, x); err != nil {
			b.Fatal(err)
		}
	}
}
