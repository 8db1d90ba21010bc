package retrieval_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

type ranks struct {
	ID, Object, Model string
	Results           []struct {
		Index    int
		Score    float64 `json:"relevance_score"`
		Document map[string]any
	}
	Meta struct {
		APIVersion struct{ Version string } `json:"api_version"`
	}
}

const documents = `["Berlin is large",{"text":"Paris is the capital of France","page":7},"a capital letter"]`

func (w *world) rank(t *testing.T, path, body string) *ranks {
	t.Helper()
	a := w.g.Post(t, path, body)
	var r ranks
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil || a.Status != http.StatusOK {
		t.Fatalf("%d %.300s", a.Status, a.Body)
	}
	return &r
}

func TestRerankAnswersOnEveryPathForEveryModel(t *testing.T) {
	w := start(t, "", "")
	for _, model := range []string{"cohere.rerank-v3-5:0", "amazon.rerank-v1:0", "arn:aws:bedrock:us-east-1::foundation-model/cohere.rerank-v3-5:0"} {
		for path, version := range map[string]string{"/rerank": "1", "/v1/rerank": "1", "/v2/rerank": "2"} {
			r := w.rank(t, path, `{"model":"`+model+`","query":"capital of France","documents":`+documents+`,"top_n":2}`)
			if len(r.Results) != 2 || r.Results[0].Index != 1 || r.Results[1].Index != 2 || r.Model != model || r.ID == "" || r.Meta.APIVersion.Version != version {
				t.Errorf("%s %s: %+v", model, path, r)
			}
			if documents := r.Results[0].Document; (version == "1") != (documents["page"] == 7.0 && documents["text"] == "Paris is the capital of France") {
				t.Errorf("%s %s: the document is %v", model, path, documents)
			}
		}
	}
}

func TestRerankSendsWhatTheModelTakes(t *testing.T) {
	w := start(t, "", "	route rerank-v3.5 {\n\t\tto bedrock cohere.rerank-v3-5:0\n\t}")
	r := w.rank(t, "/v2/rerank", `{"model":"rerank-v3.5","query":"q","documents":["a"],"max_tokens_per_doc":64}`)
	if got := w.bodies()[0]; r.Model != "rerank-v3.5" || got != `{"query":"q","documents":["a"],"api_version":2,"max_tokens_per_doc":64}` {
		t.Errorf("%+v: %s", r, got)
	}
}

func TestRerankOfOtherModelsSaysWhatTheyServe(t *testing.T) {
	w := start(t, "", "")
	for model, want := range map[string]string{titan: "is not served on /v1/rerank; use /v1/embeddings", "amazon.nova-lite-v1:0": "is not served on /v1/rerank; use /v1/chat/completions"} {
		a := w.g.Post(t, "/v1/rerank", `{"model":"`+model+`","query":"q","documents":["a"]}`)
		if a.Status != http.StatusNotFound || !strings.Contains(a.Body, want) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	for body, want := range map[string]string{
		`{"model":"cohere.rerank-v3-5:0","documents":["a"]}`:                                           `"param":"query"`,
		`{"model":"cohere.rerank-v3-5:0","query":"q [[fault:ValidationException]]","documents":["a"]}`: `"type":"invalid_request_error"`,
	} {
		if a := w.g.Post(t, "/rerank", body); a.Status != http.StatusBadRequest || !strings.Contains(a.Body, want) {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
}

// vLLM, LocalAI and others rank at /v1/rerank, below the base URL of their chat.
func TestRerankIsRelayedToCompatibleServers(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai {\n\t\tbase_url %s/v1\n\t}\n\troute bge-* openai\n\tfiles off\n}", u.URL))
	const reply, body = `{"results":[{"index":0,"relevance_score":1.0}],"novel":true}`, `{"model":"bge-reranker","query":"q","documents":["a"],"odd":1}`
	for _, path := range []string{"/rerank", "/v1/rerank", "/v2/rerank"} {
		u.Play(gatewaytest.Reply{Body: reply})
		if a := g.Post(t, path, body); a.Status != http.StatusOK || a.Body != reply {
			t.Errorf("%s: %d %s", path, a.Status, a.Body)
		}
		seen := u.Seen()
		if len(seen) != 1 || seen[0].Path != "/v1/rerank" || seen[0].Body != body {
			t.Errorf("%s: the server saw %+v", path, seen)
		}
	}
}
