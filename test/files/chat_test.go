// Package files_test asks about uploaded files, through the whole Caddy: what models get of them, by provider and kind of
// file. What a store must do stands in files/storetest, what is read of a file in files/extract.
package files_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

const (
	gpt    = "gpt-4o"
	claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	titan  = "amazon.titan-text-express-v1"
)

// sent keeps the last body that an upstream took as good.
type sent struct {
	mu   sync.Mutex
	body string
}

func (s *sent) set(body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.body = string(body)
}

func (s *sent) get() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.body
}

func start(t *testing.T) (*gatewaytest.Gateway, *sent) {
	t.Helper()
	s := new(sent)
	mux := http.NewServeMux()
	mux.Handle("/v1/", openai.New(openai.Options{Observe: func(o openai.Seen) { s.set(o.Body) }}))
	mux.Handle("/", bedrock.New(bedrock.Options{Observe: func(o bedrock.Seen) { s.set(o.Body) }}))
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
	files local %[5]q
}`, openai.DefaultKey, srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, t.TempDir())), s
}

func upload(t *testing.T, g *gatewaytest.Gateway, name string, content []byte) string {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_ = w.WriteField("purpose", "assistants")
	part, _ := w.CreateFormFile("file", name)
	_, _ = part.Write(content)
	_ = w.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/files", &b)
	req.Header.Set("Content-Type", w.FormDataContentType())
	a := g.Do(t, req)
	var f struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal([]byte(a.Body), &f); err != nil || f.ID == "" {
		t.Fatalf("upload of %s: %d %s", name, a.Status, a.Body)
	}
	return f.ID
}

var png = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89\x00\x00\x00\rIDATx\xdac\xfc\xcf\xf0\xbf\x1e\x00\x06\x83\x02\x7f\x94\xad\xd0\xeb\x00\x00\x00\x00IEND\xaeB`\x82")

// minimalPDF is a document of one empty page.
const minimalPDF = "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"

// What a model takes as it is goes as it is; the rest, and everything to the models that take nothing, goes as text.
func TestFilesGoToTheModelInTheFormItTakes(t *testing.T) {
	g, s := start(t)
	csv := upload(t, g, "sales.csv", []byte("Date,Sales\n2024-01-01,150\n"))
	image := upload(t, g, "dot.png", png)
	pdf := upload(t, g, "page.pdf", []byte(minimalPDF))
	const csvText = `Date,Sales\n2024-01-01,150`
	tests := []struct {
		name, path, body string
		has, hasNot      []string
	}{
		{
			"text before an OpenAI question", "/v1/chat/completions", `{"model":"` + gpt + `","messages":[{"role":"user","content":"first"},{"role":"assistant","content":"ok"},{"role":"user","content":"What?"}],"file_ids":["` + csv + `"]}`,
			[]string{`{"role":"user","content":"first"}`, `{"role":"user","content":"=== UPLOADED FILES CONTEXT ===\n\n📄 **File: sales.csv** (text/csv, `, csvText, `=== END OF FILES CONTEXT ===\n\nWhat?"}`},
			[]string{"file_ids"},
		},
		{
			"text before a Claude question", "/v1/chat/completions", `{"model":"` + claude + `","messages":[{"role":"user","content":"What?"}],"file_ids":["` + csv + `"]}`,
			[]string{"=== UPLOADED FILES CONTEXT ===", csvText, "What?"},
			[]string{"file_ids"},
		},
		{
			"text in Claude's own form", "/v1/messages", `{"model":"` + claude + `","max_tokens":50,"messages":[{"role":"user","content":"What?"}],"file_ids":["` + csv + `"]}`,
			[]string{"=== UPLOADED FILES CONTEXT ===", csvText, "What?", `"anthropic_version":"bedrock-2023-05-31"`},
			[]string{"file_ids"},
		},
		{
			"an image and a PDF to OpenAI", "/v1/chat/completions", `{"model":"` + gpt + `","messages":[{"role":"user","content":"What?"}],"file_ids":["` + image + `","` + pdf + `","` + csv + `"],"n":1}`,
			[]string{`"url":"data:image/png;base64,iVBOR`, `"file_data":"data:application/pdf;base64,JVBERi`, csvText, `"filename":"page.pdf"`},
			[]string{"file_ids"},
		},
		{
			"an image and a PDF to Claude", "/v1/chat/completions", `{"model":"` + claude + `","messages":[{"role":"user","content":"What?"}],"file_ids":["` + image + `","` + pdf + `"]}`,
			// By Converse, Claude would read a PDF's text and no more.
			[]string{`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBOR`, `{"type":"document","source":{"type":"base64","media_type":"application/pdf"`},
			[]string{"file_ids", "UPLOADED"},
		},
		{
			"an image to Claude in its own form", "/v1/messages", `{"model":"` + claude + `","max_tokens":50,"messages":[{"role":"user","content":"What?"}],"file_ids":["` + image + `"]}`,
			[]string{`"media_type":"image/png"`},
			[]string{"file_ids", "UPLOADED"},
		},
		{
			"an image to a model that takes text alone", "/v1/chat/completions", `{"model":"` + titan + `","messages":[{"role":"user","content":"What?"}],"file_ids":["` + image + `"]}`,
			[]string{"dot.png", "UPLOADED FILES CONTEXT"},
			[]string{"iVBOR"},
		},
		{
			"a file part of ours to Claude", "/v1/chat/completions", `{"model":"` + claude + `","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"` + pdf + `"}},{"type":"text","text":"What?"}]}]}`,
			[]string{`{"type":"document","source":{"type":"base64","media_type":"application/pdf"`},
			[]string{pdf},
		},
		{
			"a file part of ours to OpenAI", "/v1/chat/completions", `{"model":"` + gpt + `","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"` + csv + `"}},{"type":"text","text":"What?"}]}]}`,
			[]string{csvText},
			[]string{csv},
		},
	}
	for _, tt := range tests {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", tt.name, stream), func(t *testing.T) {
				body := tt.body
				if stream {
					body = strings.Replace(body, "{", `{"stream":true,`, 1)
				}
				a := g.Post(t, tt.path, body)
				if a.Status != http.StatusOK || a.Broken != nil || strings.Contains(a.Body, `"error"`) {
					t.Fatalf("status %d, broken %v: %s", a.Status, a.Broken, a.Body)
				}
				for _, part := range tt.has {
					if !strings.Contains(s.get(), part) {
						t.Errorf("the upstream was not sent %s:\n%s", part, s.get())
					}
				}
				for _, part := range tt.hasNot {
					if strings.Contains(s.get(), part) {
						t.Errorf("the upstream was sent %s:\n%s", part, s.get())
					}
				}
			})
		}
	}
}

func TestAFileThatIsNotThereIsToldBeforeAnythingIsSent(t *testing.T) {
	g, s := start(t)
	const missing = "file-00000000000000000000000000000000"
	for _, model := range []string{gpt, claude} {
		for name, body := range map[string]string{
			"file_ids": `{"model":"` + model + `","messages":[{"role":"user","content":"What?"}],"file_ids":["` + missing + `"]}`,
			"a part":   `{"model":"` + model + `","messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"` + missing + `"}}]}]}`,
		} {
			a := g.Post(t, "/v1/chat/completions", body)
			if a.Status != http.StatusNotFound || !strings.Contains(a.Body, missing) || s.get() != "" {
				t.Errorf("%s to %s: status %d, sent %q: %s", name, model, a.Status, s.get(), a.Body)
			}
		}
	}
}
