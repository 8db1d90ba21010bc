// Package retrieval_test asks Bedrock's embedding and ranking models through a whole Caddy, in OpenAI's, Cohere's and Jina's
// forms. Behind the gateway is the simulator, which refuses what the real models refuse.
package retrieval_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
)

// world is a gateway before a simulated Bedrock.
type world struct {
	g *gatewaytest.Gateway

	mu   sync.Mutex
	seen []bedrock.Seen

	now, most atomic.Int64 // calls under way
	// before, if set, is called with each call before Bedrock answers it.
	before func(*http.Request)
}

// start starts a gateway. block is of the bedrock upstream, and directives are the gateway's.
func start(t *testing.T, block, directives string) *world {
	t.Helper()
	w := &world{}
	h := bedrock.New(bedrock.Options{Observe: func(s bedrock.Seen) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.seen = append(w.seen, s)
	}})
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		n := w.now.Add(1)
		defer w.now.Add(-1)
		for most := w.most.Load(); n > most && !w.most.CompareAndSwap(most, n); most = w.most.Load() {
			continue
		}
		if w.before != nil {
			w.before(r)
		}
		h.ServeHTTP(rw, r)
	}))
	t.Cleanup(srv.Close)
	w.g = gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	bedrock us-east-1 {
		endpoint %[1]s
		control_endpoint %[1]s
		credentials %[2]s %[3]s
%[4]s
	}
	files off
%[5]s
}`, srv.URL, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, block, directives))
	return w
}

// bodies are what Bedrock was sent.
func (w *world) bodies() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []string
	for _, s := range w.seen {
		list = append(list, string(s.Body))
	}
	return list
}

// vectors is the reply of /v1/embeddings.
type vectors struct {
	Object, Model string
	Data          []struct {
		Object    string
		Index     int
		Embedding json.RawMessage
	}
	Usage *struct {
		Prompt int `json:"prompt_tokens"`
		Total  int `json:"total_tokens"`
	}
}

// embed posts a body to /v1/embeddings, which must succeed.
func (w *world) embed(t *testing.T, body string) (*vectors, *gatewaytest.Answer) {
	t.Helper()
	a := w.g.Post(t, "/v1/embeddings", body)
	var v vectors
	if err := json.Unmarshal([]byte(a.Body), &v); err != nil || a.Status != http.StatusOK {
		t.Fatalf("%d %.300s", a.Status, a.Body)
	}
	return &v, a
}

// list is a JSON list of n texts, each of two words and its place.
func list(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"some text %d"`, i)
	}
	return "[" + b.String()[1:] + "]"
}
