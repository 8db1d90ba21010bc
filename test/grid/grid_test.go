// Package grid_test asks for every answer in every form: each input, to each provider, answered in each output, streamed
// and not, for each kind of chat. A cell either works or is a stated 400. What each cell answers is in testdata, to be
// read by a person; -update writes it anew, and the table of docs/combinations.md with it. A rule that concerns one
// parameter or model is a row of test/translation, not a scenario here.
package grid_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

var update = flag.Bool("update", false, "write what the cells answer into testdata")

// provider is where a cell's model lives.
type provider struct {
	name, model string
	thinks      string // its model that reasons; "" if it has none
}

var providers = []provider{
	{"openai", "gpt-4o", "o4-mini"},
	{"claude", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
	{"titan", "amazon.titan-text-express-v1", ""},
	{"gpt", "us.openai.gpt-5.5", "us.openai.gpt-5.5"}, // which speaks Responses alone
}

// outputs of the unified endpoint; other paths answer in their own form alone.
var outputs = []string{"openai", "bedrock_claude", "bedrock_titan"}

// outputs are the forms that the input can be answered in.
func (in *input) outputs() []string {
	switch {
	case in.native != "":
		return []string{in.native}
	case in.path != "":
		return []string{in.name}
	}
	return outputs
}

// cell is one combination.
type cell struct {
	input    *input
	scenario string
	provider provider
	output   string
	stream   bool
}

func (c *cell) name() string {
	how := "unary"
	if c.stream {
		how = "stream"
	}
	return fmt.Sprintf("%s/%s/%s-%s-%s", c.input.name, c.scenario, c.provider.name, c.output, how)
}

// request is what a client of the input sends.
func (c *cell) request() (path, body string) {
	model := c.provider.model
	if c.scenario == "thinking" && c.provider.thinks != "" {
		model = c.provider.thinks
	}
	body = c.input.scenarios[c.scenario]
	if c.input.native != "" {
		action := c.input.native
		if c.stream {
			action = map[string]string{"converse": "converse-stream", "invoke": "invoke-with-response-stream"}[action]
		}
		return "/model/" + url.PathEscape(model) + "/" + action, body
	}
	head := `{"model":"` + model + `",`
	if c.stream {
		head += `"stream":true,`
	}
	if c.input.path != "" {
		return c.input.path, head + body[1:]
	}
	path = "/v1/chat/completions"
	if c.output != "openai" {
		path += "?target_format=" + c.output
	}
	return path, head + body[1:]
}

func cells() []cell {
	var all []cell
	for i := range inputs {
		in := &inputs[i]
		for _, scenario := range scenarios {
			if in.scenarios[scenario] == "" {
				continue
			}
			for _, p := range providers {
				for _, out := range in.outputs() {
					all = append(all, cell{in, scenario, p, out, false}, cell{in, scenario, p, out, true})
				}
			}
		}
	}
	return all
}

func start(t *testing.T) *gatewaytest.Gateway {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/v1/", openai.New(openai.Options{}))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	openai %[1]s {
		base_url %[2]s/v1
	}
	bedrock us-east-1 {
		endpoint %[2]s
		credentials %[3]s %[4]s
	}
	files off
}`, openai.DefaultKey, srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey))
}

func TestGrid(t *testing.T) {
	g := start(t)
	worked := map[string]bool{}
	for _, c := range cells() {
		t.Run(c.name(), func(t *testing.T) {
			path, body := c.request()
			a := g.Post(t, path, body)
			if a.Broken != nil {
				t.Fatalf("the answer broke: %v\n%s", a.Broken, a.Body)
			}
			if a.Status != http.StatusOK && a.Status != http.StatusBadRequest {
				t.Errorf("status %d: a cell works or is a stated 400\n%s", a.Status, a.Body)
			}
			if a.Status == http.StatusOK {
				worked[c.name()] = true
				checkEnd(t, &c, a)
			}
			golden(t, filepath.Join("testdata", filepath.FromSlash(c.name())+".golden"), show(t, a))
		})
	}
	table(t, worked)
}

// checkEnd holds every stream to the terminal event of its form.
func checkEnd(t *testing.T, c *cell, a *gatewaytest.Answer) {
	t.Helper()
	if !c.stream {
		if !json.Valid([]byte(a.Body)) {
			t.Errorf("no JSON:\n%s", a.Body)
		}
		return
	}
	end := map[string]string{
		"openai": "data: [DONE]\n", "bedrock_claude": "event: message_stop\n", "bedrock_titan": `"completionReason":"`,
		"converse": "metadata {", "invoke": "chunk ", "responses": "event: response.completed\n",
	}[c.output]
	if c.output == "responses" { // also those that are relayed
		if _, err := gatewaytest.ResponseStream(a.Body); err != nil {
			t.Error(err)
		}
	}
	if c.output == "responses" && strings.Contains(a.Body, `"incomplete_details":{"reason"`) {
		end = "event: response.incomplete\n"
	}
	if !strings.Contains(show(t, a), end) {
		t.Errorf("the stream has no %q:\n%s", end, show(t, a))
	}
}

// volatile are the parts of answers that differ from run to run.
var volatile = []struct {
	what *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`chatcmpl-[A-Za-z0-9]+`), "chatcmpl-ID"},
	{regexp.MustCompile(`msg_[A-Za-z0-9_]+`), "msg_ID"},
	{regexp.MustCompile(`req_[A-Za-z0-9]+`), "req_ID"},
	{regexp.MustCompile(`"created(_at)?":\s*\d+`), `"created$1":0`},
	{regexp.MustCompile(`(resp|rs|fc|ctc)_[A-Za-z0-9_]{8,}`), "${1}_ID"},
	{regexp.MustCompile(`(call|tooluse|toolu|toolu_bdrk)_[A-Za-z0-9]{8,}`), "${1}_ID"},
	{regexp.MustCompile(`"(p|obfuscation)":"[^"]*"`), `"$1":"PADDING"`},
	{regexp.MustCompile(`"(latencyMs|invocationLatency|firstByteLatency)":\d+`), `"$1":0`},
}

// show writes an answer as a person reads it: status, what was dropped, and the body; event streams a frame a line.
func show(t *testing.T, a *gatewaytest.Answer) string {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s\n", a.Status, a.Header.Get("Content-Type"))
	if d := a.Header.Get("Bedrock-Gateway-Dropped"); d != "" {
		fmt.Fprintf(&b, "dropped: %s\n", d)
	}
	b.WriteString("\n")
	if strings.HasPrefix(a.Header.Get("Content-Type"), "application/vnd.amazon.eventstream") {
		b.WriteString(frames(t, a.Body))
	} else {
		b.WriteString(strings.TrimRight(a.Body, "\n") + "\n")
	}
	text := b.String()
	for _, v := range volatile {
		text = v.what.ReplaceAllString(text, v.with)
	}
	return text
}

// frames decodes an event stream by the AWS SDK's decoder; what chunks hold is shown plainly.
func frames(t *testing.T, body string) string {
	t.Helper()
	var b strings.Builder
	r := strings.NewReader(body)
	for dec := eventstream.NewDecoder(); ; {
		m, err := dec.Decode(r, nil)
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatalf("decoding a frame: %v", err)
		}
		name := "?"
		for _, h := range []string{":event-type", ":exception-type"} {
			if v := m.Headers.Get(h); v != nil {
				name = v.String()
			}
		}
		payload := m.Payload
		var chunk struct {
			Bytes []byte `json:"bytes"`
		}
		if name == "chunk" && json.Unmarshal(payload, &chunk) == nil {
			payload = chunk.Bytes
		}
		fmt.Fprintf(&b, "%s %s\n", name, payload)
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.ReplaceAll(string(want), "\r\n", "\n"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

const docs = "../../docs/combinations.md"

// table keeps the table of combinations in the documentation true.
func table(t *testing.T, worked map[string]bool) {
	var b bytes.Buffer
	b.WriteString("# Every format in, every format out\n\n" +
		"What is asked in each form, of models of each provider, answered in each form. This table is written by the test that asks for\n" +
		"every one of its cells, streamed and not; `no` is a 400 that says what the form or the model has no words for, before anything\n" +
		"is sent.\n\n" +
		"| Asked as | Model of | Answered as | " + strings.Join(scenarios, " | ") + " |\n|---|---|---" + strings.Repeat("|---", len(scenarios)) + "|\n")
	for i := range inputs {
		in := &inputs[i]
		for _, p := range providers {
			for _, out := range in.outputs() {
				fmt.Fprintf(&b, "| %s | %s | %s |", in.title, titles[p.name], titles[out])
				for _, s := range scenarios {
					c := cell{in, s, p, out, false}
					unary := worked[c.name()]
					c.stream = true
					stream := worked[c.name()]
					switch {
					case in.scenarios[s] == "":
						b.WriteString(" – |")
					case unary && stream:
						b.WriteString(" yes |")
					case !unary && !stream:
						b.WriteString(" no |")
					default:
						t.Errorf("%s works only one way: unary %v, stream %v", c.name(), unary, stream)
					}
				}
				b.WriteString("\n")
			}
		}
	}
	b.WriteString("\n`–`: the form of the request has no words for it.\n")
	golden(t, docs, b.String())
	summary(t, worked)
}

const (
	readme       = "../../README.md"
	summaryBegin = "<!-- written by test/grid -->\n"
	summaryEnd   = "<!-- end -->\n"
)

// summary keeps the small table of the README true: what works for models of OpenAI, Claude and GPT on Bedrock alike.
func summary(t *testing.T, worked map[string]bool) {
	var b strings.Builder
	b.WriteString("| asked as ↓, answered as → |")
	for _, out := range outputs {
		b.WriteString(" " + titles[out] + " |")
	}
	b.WriteString(" its own form, on its own path |\n|---" + strings.Repeat("|---", len(outputs)+1) + "|\n")
	for i := range inputs {
		in := &inputs[i]
		b.WriteString("| " + in.title + " |")
		for _, out := range append(slices.Clone(outputs), in.ownForm()) {
			b.WriteString(" " + works(in, out, worked) + " |")
		}
		b.WriteString("\n")
	}
	raw, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(raw), "\r\n", "\n")
	before, rest, ok1 := strings.Cut(text, summaryBegin)
	_, after, ok2 := strings.Cut(rest, summaryEnd)
	if !ok1 || !ok2 {
		t.Fatalf("%s has no place for the table", readme)
	}
	golden(t, readme, before+summaryBegin+b.String()+summaryEnd+after)
}

// ownForm is the form of an input that has a path of its own; "" for the others.
func (in *input) ownForm() string {
	if outs := in.outputs(); len(outs) == 1 {
		return outs[0]
	}
	return ""
}

// works says which kinds of chat work from one form to another, streamed and not.
func works(in *input, out string, worked map[string]bool) string {
	if out == "" || !slices.Contains(in.outputs(), out) {
		return "–"
	}
	missing := []string{}
	for _, s := range scenarios {
		if in.scenarios[s] == "" {
			continue
		}
		for _, p := range []provider{providers[0], providers[1], providers[3]} {
			for _, stream := range []bool{false, true} {
				c := cell{in, s, p, out, stream}
				if !worked[c.name()] && !slices.Contains(missing, s) {
					missing = append(missing, s)
				}
			}
		}
	}
	if len(missing) == 0 {
		return "yes"
	}
	return "yes, no " + strings.Join(missing, ", ")
}

var titles = map[string]string{
	"openai": "OpenAI", "claude": "Claude on Bedrock", "titan": "Titan on Bedrock", "bedrock_claude": "Claude", "bedrock_titan": "Titan",
	"converse": "Converse", "invoke": "Claude (InvokeModel)", "responses": "Responses", "gpt": "GPT-5.5 on Bedrock (Responses)",
}
