package retrieval_test

import (
	"net/http"
	"strings"
	"testing"
)

// An embedding and a ranking are calls like any other to limits, prices and keys.
func TestEmbeddingsCostTheirTokens(t *testing.T) {
	w := start(t, "", `	price amazon.titan-embed-* {
		input 20
	}
	cost_header`)
	_, a := w.embed(t, `{"model":"`+titan+`","input":`+list(10)+`}`)
	if got := a.Header.Get("Bedrock-Gateway-Cost"); got != "0.0006" { // 30 tokens
		t.Errorf("cost %q", got)
	}
}

func TestEmbeddingsAndRanksCountTowardsLimits(t *testing.T) {
	w := start(t, "", `	limit all {
		key      {http.request.host}
		requests 2 1h
	}`)
	w.embed(t, `{"model":"`+titan+`","input":`+list(10)+`}`)
	w.rank(t, "/v1/rerank", `{"model":"cohere.rerank-v3-5:0","query":"q","documents":["a"]}`)
	for path, body := range map[string]string{
		"/v1/embeddings": `{"model":"` + titan + `","input":"a"}`, "/v2/rerank": `{"model":"cohere.rerank-v3-5:0","query":"q","documents":["a"]}`,
	} {
		if a := w.g.Post(t, path, body); a.Status != http.StatusTooManyRequests || !strings.Contains(a.Body, "rate_limit_exceeded") {
			t.Errorf("%s: %d %.200s", path, a.Status, a.Body)
		}
	}
}
