package retrieval_test

import (
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

var update = flag.Bool("update", false, "write the table of docs/served.md")

const page = "../../docs/served.md"

// families has a model of each family.
var families = []struct{ title, model string }{
	{"Claude", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"},
	{"Claude, newest", "us.anthropic.claude-opus-5"},
	{"Nova", "amazon.nova-lite-v1:0"},
	{"Titan Text", "amazon.titan-text-express-v1"},
	{"Llama", "us.meta.llama3-3-70b-instruct-v1:0"},
	{"Mistral", "mistral.mistral-large-2402-v1:0"},
	{"Cohere Command", "cohere.command-r-v1:0"},
	{"DeepSeek", "deepseek.v3-v1:0"},
	{"Qwen", "qwen.qwen3-32b-v1:0"},
	{"gpt-oss", "openai.gpt-oss-120b-1:0"},
	{"GPT on Bedrock", "us.openai.gpt-5.6-sol"},
	{"Grok", "us.xai.grok-4.6"},
	{"Titan Embeddings", "amazon.titan-embed-text-v2:0"},
	{"Titan Embeddings, multimodal", "amazon.titan-embed-image-v1"},
	{"Nova Embeddings", "amazon.nova-2-multimodal-embeddings-v1:0"},
	{"Cohere Embed 3", "cohere.embed-english-v3"},
	{"Cohere Embed 4", "cohere.embed-v4:0"},
	{"Marengo", "us.twelvelabs.marengo-embed-3-0-v1:0"},
	{"Cohere Rerank", "cohere.rerank-v3-5:0"},
	{"Amazon Rerank", "amazon.rerank-v1:0"},
	{"Stability", "stability.sd3-5-large-v1:0"},
	{"OpenAI: GPT", "gpt-4o"},
	{"OpenAI: embeddings", "text-embedding-3-small"},
	{"OpenAI: audio", "whisper-1"},
	{"OpenAI: speech", "tts-1"},
	{"OpenAI: images", "dall-e-3"},
	{"OpenAI: moderation", "omni-moderation-latest"},
	{"OpenAI: completions", "gpt-3.5-turbo-instruct"},
}

const hi = `"messages":[{"role":"user","content":"hi"}]`

// asked has a request of each endpoint that names a model; in path and body %s is the model.
var asked = []struct{ title, path, body string }{
	{"chat", "/v1/chat/completions", `{"model":"%s",` + hi + `}`},
	{"messages", "/v1/messages", `{"model":"%s","max_tokens":99,` + hi + `}`},
	{"count_tokens", "/v1/messages/count_tokens", `{"model":"%s",` + hi + `}`},
	{"responses", "/v1/responses", `{"model":"%s","input":"hi"}`},
	{"embeddings", "/v1/embeddings", `{"model":"%s","input":["a","b"]}`},
	{"rerank", "/v1/rerank", `{"model":"%s","query":"a","documents":["a","b"]}`},
	{"images", "/v1/images/generations", `{"model":"%s","prompt":"a"}`},
	{"transcriptions", "/v1/audio/transcriptions", ""},
	{"speech", "/v1/audio/speech", `{"model":"%s","input":"a","voice":"alloy"}`},
	{"moderations", "/v1/moderations", `{"model":"%s","input":"a"}`},
	{"completions", "/v1/completions", `{"model":"%s","prompt":"a"}`},
	{"Converse", "/model/%s/converse", `{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`},
}

// TestTheTableOfEndpointsAndModels asks every endpoint for a model of every family, and holds what came of it against the
// page of the manual.
func TestTheTableOfEndpointsAndModels(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(bedrock.Options{})))
	mux.Handle("/openai.com/", http.StripPrefix("/openai.com", openai.New(openai.Options{})))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	g := gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	openai sk-simulator {
		base_url %[1]s/openai.com/v1
	}
	bedrock us-east-1 {
		endpoint %[1]s
		control_endpoint %[1]s
		mantle_endpoint %[1]s/mantle
		credentials %[2]s %[3]s
	}
	files off
}`, srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey))
	var notes []string
	var b strings.Builder
	b.WriteString("| |")
	for _, e := range asked {
		b.WriteString(" " + e.title + " |")
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(asked)) + "\n")
	for _, f := range families {
		b.WriteString("| " + f.title + " |")
		for _, e := range asked {
			status, words := ask(t, g, e.path, e.body, f.model)
			if status == http.StatusOK {
				b.WriteString(" yes |")
				continue
			}
			note := fmt.Sprintf("%d: %s", status, words)
			n := slices.Index(notes, note)
			if n < 0 {
				n, notes = len(notes), append(notes, note)
			}
			fmt.Fprintf(&b, " %d |", n+1)
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	for i, note := range notes {
		fmt.Fprintf(&b, "%d. %s\n", i+1, note)
	}
	hold(t, b.String())
}

var (
	messageOf = regexp.MustCompile(`"[mM]essage":\s*"((?:[^"\\]|\\.)*)"`)
	listOf    = regexp.MustCompile(`; models that are: .*`)
)

// ask returns the status of an endpoint's answer for a model, and the words of an error.
func ask(t *testing.T, g *gatewaytest.Gateway, path, body, model string) (int, string) {
	t.Helper()
	contentType := "application/json"
	if body == "" {
		contentType = "multipart/form-data; boundary=x"
		body = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\nRIFF\r\n--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n%s\r\n--x--\r\n"
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway.test"+strings.ReplaceAll(path, "%s", model), strings.NewReader(strings.ReplaceAll(body, "%s", model)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", contentType)
	a := g.Do(t, req)
	if a.Status >= 500 && a.Status != http.StatusNotImplemented {
		t.Errorf("%s of %s: %d %s", path, model, a.Status, a.Body)
	}
	m := messageOf.FindStringSubmatch(a.Body)
	if a.Status == http.StatusOK {
		return a.Status, ""
	}
	if m == nil {
		t.Fatalf("%s of %s: %d %s", path, model, a.Status, a.Body)
	}
	return a.Status, strings.ReplaceAll(strings.ReplaceAll(listOf.ReplaceAllString(m[1], ""), model, "…"), path, "{path}")
}

// hold holds the table against the page, or writes it there.
func hold(t *testing.T, table string) {
	t.Helper()
	const mark = "<!-- go test ./test/retrieval -run Table -update -->\n"
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, _, ok := strings.Cut(string(raw), mark)
	if !ok {
		t.Fatal("docs/served.md has no mark of the table")
	}
	want := before + mark + table
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if strings.ReplaceAll(string(raw), "\r\n", "\n") != want {
		t.Errorf("docs/served.md is not what is served; go test ./test/retrieval -run Table -update writes it\n%s", table)
	}
}
