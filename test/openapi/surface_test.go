// Package openapi_test holds the description of the API to what is served: every operation of it is asked for here or in other
// tests, and check.py compares what they sent and received with the description. It has the tests of the pages, too.
package openapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

const claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

// gateway returns a gateway before simulated providers, with further words.
func gateway(t *testing.T, words string) *gatewaytest.Gateway {
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
		control_endpoint %[2]s
		credentials %[3]s %[4]s
	}
	files local %[5]s
	%[6]s
}`, openai.DefaultKey, srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, t.TempDir(), words))
}

// ask sends a request, and expects an answer that is no error.
func ask(t *testing.T, g *gatewaytest.Gateway, method, path, contentType, body string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, gatewaytest.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	a := g.Do(t, req)
	if a.Status >= http.StatusBadRequest || a.Broken != nil {
		t.Fatalf("%s %s: %d %s %v", method, path, a.Status, a.Body, a.Broken)
	}
	return a
}

// form returns a multipart form with a file.
func form(t *testing.T, file, content string, fields ...string) (contentType, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(fields); i += 2 {
		if err := w.WriteField(fields[i], fields[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	part, err := w.CreateFormFile("file", file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.String()
}

func TestEndpointsAnswerAsTheyAreDescribed(t *testing.T) {
	g := gateway(t, "status_page")
	const asJSON = "application/json"

	var file struct{ ID string }
	contentType, body := form(t, "a.txt", "Hello", "purpose", "user_data")
	if err := json.Unmarshal([]byte(ask(t, g, http.MethodPost, "/v1/files", contentType, body).Body), &file); err != nil {
		t.Fatal(err)
	}
	contentType, body = form(t, "a.mp3", "ID3", "model", "whisper-1")
	ask(t, g, http.MethodPost, "/v1/audio/transcriptions", contentType, body)

	var response struct{ ID string }
	if err := json.Unmarshal([]byte(ask(t, g, http.MethodPost, "/v1/responses", asJSON, `{"model":"`+claude+`","input":"Hi"}`).Body), &response); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, path, body string }{
		{http.MethodGet, "/v1/files", ""},
		{http.MethodGet, "/v1/files/health", ""},
		{http.MethodGet, "/v1/files/" + file.ID, ""},
		{http.MethodGet, "/v1/files/" + file.ID + "/content", ""},
		{http.MethodDelete, "/v1/files/" + file.ID, ""},
		{http.MethodGet, "/v1/responses/" + response.ID, ""},
		{http.MethodGet, "/v1/responses/" + response.ID + "/input_items", ""},
		{http.MethodGet, "/openai/v1/responses/" + response.ID, ""},
		{http.MethodGet, "/openai/v1/responses/" + response.ID + "/input_items", ""},
		{http.MethodDelete, "/v1/responses/" + response.ID, ""},
		{http.MethodGet, "/health", ""},
		{http.MethodGet, "/health?verbose", ""},
		{http.MethodGet, "/v1/chat/completions/health", ""},
		{http.MethodGet, "/bedrock_gateway/status", ""},
		{http.MethodGet, "/openapi.json", ""},
		{http.MethodGet, "/docs/", ""},
		{http.MethodGet, "/redoc/", ""},
		{http.MethodGet, "/playground/", ""},
		{http.MethodGet, "/v1/models", ""},
		{http.MethodGet, "/v1/models/gpt-4o", ""},
		{http.MethodGet, "/foundation-models", ""},
		{http.MethodGet, "/foundation-models/amazon.nova-pro-v1:0", ""},
		{http.MethodGet, "/inference-profiles", ""},
		{http.MethodGet, "/inference-profiles/" + claude, ""},
		{http.MethodPost, "/model/" + claude + "/count-tokens", `{"input":{"converse":{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}}}`},
		{http.MethodPost, "/model/" + claude + "/converse-stream", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`},
		{http.MethodPost, "/model/" + claude + "/invoke-with-response-stream", `{"anthropic_version":"bedrock-2023-05-31","max_tokens":100,"messages":[{"role":"user","content":"Hi"}]}`},
		{http.MethodPost, "/v1/completions", `{"model":"gpt-3.5-turbo-instruct","prompt":"Hi"}`},
		{http.MethodPost, "/v1/moderations", `{"model":"omni-moderation-latest","input":"Hi"}`},
		{http.MethodPost, "/v1/images/generations", `{"model":"dall-e-3","prompt":"a cat"}`},
		{http.MethodPost, "/v1/audio/speech", `{"model":"tts-1","input":"Hi","voice":"nova"}`},
	} {
		ask(t, g, c.method, c.path, map[bool]string{true: asJSON}[c.body != ""], c.body)
	}
}
