// Package apis_test asks every kind of model on Bedrock for every kind of answer, in OpenAI's two forms and in Anthropic's, and
// holds which of Bedrock's APIs was taken, and that nothing was lost, against the table of docs/apis.md, which -update
// writes anew. Behind the gateway is the simulator, which refuses what the real APIs refuse.
package apis_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
)

var update = flag.Bool("update", false, "write the table of docs/apis.md")

const docs = "../../docs/apis.md"

// row is a model, with what the operator says of it.
type row struct {
	title, model string
	config       string // of a model block; "" for none
}

var rows = []row{
	{"Claude Sonnet 4.5", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", ""},
	{"Claude Opus 4.1", "us.anthropic.claude-opus-4-1-20250805-v1:0", ""},
	{"Claude Opus 5", "us.anthropic.claude-opus-5", ""},
	{"Claude Haiku 4.5 by mantle's name", "anthropic.claude-haiku-4-5", ""},
	{"GPT-5.4, GPT-5.5", "us.openai.gpt-5.5", ""},
	{"GPT-5.6 Cyber", "openai.gpt-5.6-cyber", ""},
	{"GPT-5.6, GPT-6, GPT-6.1", "us.openai.gpt-5.6-sol", ""},
	{"gpt-oss", "openai.gpt-oss-120b-1:0", ""},
	{"gpt-oss-safeguard", "openai.gpt-oss-safeguard-20b", ""},
	{"Grok 4.3", "xai.grok-4.3", ""},
	{"Grok 4.6", "us.xai.grok-4.6", ""},
	{"Gemma 4", "google.gemma-4-31b", ""},
	{"Qwen 3", "qwen.qwen3-32b-v1:0", ""},
	{"Kimi K2", "moonshot.kimi-k2-thinking", ""},
	{"Nova Lite", "amazon.nova-lite-v1:0", ""},
	{"Titan Text", "amazon.titan-text-express-v1", ""},
	{"Llama 3.3", "us.meta.llama3-3-70b-instruct-v1:0", ""},
	{"Claude Opus 5", "us.anthropic.claude-opus-5", "api messages"},
	{"Claude Opus 5", "us.anthropic.claude-opus-5", "host mantle"},
	{"GPT-5.6", "us.openai.gpt-5.6-sol", "api converse"},
	{"GPT-5.6", "us.openai.gpt-5.6-sol", "api chat"},
	{"gpt-oss", "openai.gpt-oss-120b-1:0", "api chat"},
	{"gpt-oss", "openai.gpt-oss-120b-1:0", "host mantle"},
	{"Grok 4.6", "us.xai.grok-4.6", "api chat"},
	{"Qwen 3", "qwen.qwen3-32b-v1:0", "host mantle"},
}

const (
	pixel  = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
	pdf    = "JVBERi0xLjQKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRvYmoKMiAwIG9iago8PC9UeXBlL1BhZ2VzL0tpZHNbXS9Db3VudCAwPj4KZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4K"
	schema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`
)

// scenario is what is asked, by the client's form, and what must be in the answer.
type scenario struct {
	title                     string
	openai, claude, responses string
	want                      []string
}

// client is a kind of client, with what the table calls it, where it asks, and how its streams end.
type client struct{ title, path, end string }

var clients = []client{
	{"OpenAI", "/v1/chat/completions", "[DONE]"},
	{"Anthropic", "/v1/messages", "message_stop"},
	{"Responses", "/v1/responses", "response.completed"},
}

// body is what the client sends.
func (c *client) body(s *scenario) string {
	switch {
	case c.title == "Responses":
		return s.responses
	case c.title == "OpenAI":
		return s.openai
	case strings.Contains(s.claude, "max_tokens"):
		return s.claude
	}
	return s.claude + `,"max_tokens":1000`
}

var scenarios = []scenario{
	{
		"plain", `"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hello there"}]`,
		`"system":"Be brief.","messages":[{"role":"user","content":"hello there"}]`,
		`"instructions":"Be brief.","input":"hello there"`,
		[]string{"You said: hello there"},
	},
	{
		"tools", `"messages":[{"role":"user","content":"call weather {\"city\":\"Paris\"}"}],"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}]`,
		`"messages":[{"role":"user","content":"call weather {\"city\":\"Paris\"}"}],"tools":[{"name":"weather","input_schema":` + schema + `}]`,
		`"input":"call weather {\"city\":\"Paris\"}","tools":[{"type":"function","name":"weather","parameters":` + schema + `}]`,
		[]string{"weather", "Paris"},
	},
	{
		"tools and reasoning", `"reasoning_effort":"high","messages":[{"role":"user","content":"call weather {\"city\":\"Paris\"}"}],"tools":[{"type":"function","function":{"name":"weather","parameters":` + schema + `}}]`,
		`"thinking":{"type":"enabled","budget_tokens":2048},"max_tokens":4096,"messages":[{"role":"user","content":"call weather {\"city\":\"Paris\"}"}],"tools":[{"name":"weather","input_schema":` + schema + `}]`,
		`"reasoning":{"effort":"high","summary":"auto"},"input":"call weather {\"city\":\"Paris\"}","tools":[{"type":"function","name":"weather","parameters":` + schema + `}]`,
		[]string{"weather", "Paris"},
	},
	{
		"schema", `"messages":[{"role":"user","content":"Paris"}],"response_format":{"type":"json_schema","json_schema":{"name":"place","strict":true,"schema":` + schema + `}}`,
		`"messages":[{"role":"user","content":"Paris"}],"output_config":{"format":{"type":"json_schema","schema":` + schema + `}}`,
		`"input":"Paris","text":{"format":{"type":"json_schema","name":"place","strict":true,"schema":` + schema + `}}`,
		[]string{"city"},
	},
	{
		"image", `"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + pixel + `"}}]}]`,
		`"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + pixel + `"}}]}]`,
		`"input":[{"role":"user","content":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]}]`,
		[]string{"You said: see", "[image"},
	},
	{
		"PDF", `"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,` + pdf + `"}}]}]`,
		`"messages":[{"role":"user","content":[{"type":"text","text":"see"},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + pdf + `"}}]}]`,
		`"input":[{"role":"user","content":[{"type":"input_text","text":"see"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,` + pdf + `"}]}]`,
		[]string{"You said: see", "pdf"},
	},
	{
		"guardrail", `"messages":[{"role":"user","content":"hello there"}]`, `"messages":[{"role":"user","content":"hello there"}]`, `"input":"hello there"`, []string{"You said: hello there"},
	},
}

// world is a gateway with the simulated hosts behind it, and what those were asked last.
type world struct {
	g    *gatewaytest.Gateway
	mu   sync.Mutex
	last bedrock.Seen
}

func start(t *testing.T, block string) *world {
	t.Helper()
	return startAs(t, bedrock.DefaultSecretAccessKey, block)
}

// startAs is start with a secret key of the gateway's.
func startAs(t *testing.T, secret, block string) *world {
	t.Helper()
	w := &world{}
	o := bedrock.Options{Observe: func(s bedrock.Seen) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.last = s
	}}
	mux := http.NewServeMux()
	mux.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(o)))
	mux.Handle("/", bedrock.New(o))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	w.g = gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	bedrock us-east-1 {
		endpoint %[1]s
		control_endpoint %[1]s
		mantle_endpoint %[1]s/mantle
		credentials %[2]s %[3]s
%[4]s
	}
	files off
}`, srv.URL, bedrock.DefaultAccessKeyID, secret, block))
	return w
}

// guarded reports whether the guardrail reached the host.
func (w *world) guarded() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.Header.Get("X-Amzn-Bedrock-GuardrailIdentifier") == "gr1" || bytes.Contains(w.last.Body, []byte(`"guardrailIdentifier":"gr1"`))
}

// body is what the host was sent last.
func (w *world) body() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.last.Body)
}

// path is where the host was asked last.
func (w *world) path() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last.Path
}

// ask returns what stands in a cell: the API that was taken, or the refusal, and what was lost.
func (w *world) ask(t *testing.T, r *row, s *scenario, c *client, stream bool) string {
	t.Helper()
	body := c.body(s)
	if stream {
		body += `,"stream":true`
	}
	a := w.g.Post(t, c.path, `{"model":"`+r.model+`",`+body+`}`)
	if a.Broken != nil {
		t.Fatalf("the answer broke: %v\n%s", a.Broken, a.Body)
	}
	if a.Status != http.StatusOK {
		if a.Status != http.StatusBadRequest {
			t.Errorf("status %d: %s", a.Status, a.Body)
		}
		t.Logf("%s: %s", s.title, a.Body)
		if s.title == "guardrail" && strings.Contains(a.Body, "guardrail cannot be applied") {
			return "400 (guardrail)"
		}
		return "400"
	}
	said := spoken(t, a.Body)
	if s.title == "schema" && !strings.Contains(said, "city") {
		said = w.body() + a.Header.Get("Bedrock-Gateway-Dropped") // the host got the schema, or the header lists it
		said = strings.NewReplacer("response_format", "city", "output_config.format", "city", "text.format", "city").Replace(said)
	}
	for _, part := range s.want {
		if !strings.Contains(said, part) {
			t.Errorf("%q is not in the answer: %s", part, a.Body)
		}
	}
	if s.title == "guardrail" && !w.guarded() {
		t.Error("the guardrail did not reach the host")
	}
	if stream && !strings.Contains(a.Body, c.end) {
		t.Errorf("the stream has no end: %s", a.Body)
	}
	cell := "`" + a.Header.Get("Bedrock-Gateway-Api") + "`"
	if lost := a.Header.Get("Bedrock-Gateway-Dropped"); lost != "" {
		cell += " without " + lost
	}
	return cell
}

// spoken puts together what an answer says, in either form, streamed or not: its words and its calls.
func spoken(t *testing.T, body string) string {
	t.Helper()
	var b strings.Builder
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			names := make([]string, 0, len(v))
			for name := range v {
				names = append(names, name)
			}
			slices.Sort(names)
			for _, name := range names {
				switch name {
				case "text", "content", "arguments", "partial_json", "name":
					if s, ok := v[name].(string); ok {
						b.WriteString(s)
						continue
					}
				case "input":
					raw, _ := json.Marshal(v[name])
					b.Write(raw)
					continue
				}
				walk(v[name])
			}
		case []any:
			for _, one := range v {
				walk(one)
			}
		}
	}
	if !strings.Contains(body, "data: ") {
		var v any
		if err := json.Unmarshal([]byte(body), &v); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		walk(v)
		return b.String()
	}
	for line := range strings.Lines(body) {
		var v any
		if data, ok := strings.CutPrefix(line, "data: "); ok && json.Unmarshal([]byte(data), &v) == nil {
			walk(v)
		}
	}
	return b.String()
}

// Which API is asked for what, and that nothing is lost by it, is a promise to users: the table of docs/apis.md.
func TestEveryModelByItsBestAPI(t *testing.T) {
	cells := map[string]string{}
	key := func(r *row, c *client, s string) string { return fmt.Sprint(r.title, r.config, c.title, s) }
	var configs []string
	for _, r := range rows {
		if !slices.Contains(configs, r.config) {
			configs = append(configs, r.config)
		}
	}
	for _, config := range configs {
		for _, guardrail := range []bool{false, true} {
			block := ""
			if guardrail {
				block = "\t\tguardrail gr1 1\n"
			}
			if config != "" {
				block += "\t\tmodel * {\n\t\t\t" + config + "\n\t\t}\n"
			}
			t.Run(strings.TrimSpace(fmt.Sprintf("%s guardrail=%v", config, guardrail)), func(t *testing.T) {
				w := start(t, block)
				for i := range rows {
					r := &rows[i]
					if r.config != config {
						continue
					}
					for j := range scenarios {
						s := &scenarios[j]
						if (s.title == "guardrail") != guardrail {
							continue
						}
						for k := range clients {
							c := &clients[k]
							t.Run(fmt.Sprintf("%s/%s/%s", r.model, s.title, c.title), func(t *testing.T) {
								unary, streamed := w.ask(t, r, s, c, false), w.ask(t, r, s, c, true)
								if unary != streamed {
									t.Errorf("unary %s, streamed %s", unary, streamed)
								}
								cells[key(r, c, s.title)] = unary
							})
						}
					}
				}
			})
		}
	}
	table(t, func(r *row, c *client, s string) string { return cells[key(r, c, s)] })
}

// table keeps the table in the documentation true.
func table(t *testing.T, cell func(r *row, c *client, s string) string) {
	t.Helper()
	raw, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- written by test/apis -->\n", "<!-- end -->\n"
	before, rest, ok1 := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", docs)
	}
	var b strings.Builder
	head := "| Model | `model` block | Client |"
	line := "|---|---|---|"
	for _, s := range scenarios {
		head += " " + s.title + " |"
		line += "---|"
	}
	b.WriteString(head + "\n" + line + "\n")
	for i := range rows {
		r := &rows[i]
		for j := range clients {
			c, config := &clients[j], ""
			if r.config != "" {
				config = "`" + r.config + "`"
			}
			fmt.Fprintf(&b, "| %s | %s | %s |", r.title, config, c.title)
			for _, s := range scenarios {
				fmt.Fprintf(&b, " %s |", cell(r, c, s.title))
			}
			b.WriteString("\n")
		}
	}
	got := before + begin + b.String() + end + after
	if *update {
		if err := os.WriteFile(docs, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want := strings.ReplaceAll(string(raw), "\r\n", "\n"); got != want {
		t.Errorf("the table is now\n%s", b.String())
	}
}
