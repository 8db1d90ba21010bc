// Package recall holds what the gateway keeps of responses, and what it lets whom do with what upstreams keep, against the
// whole Caddy with simulated providers.
package recall

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

const claude, gpt = "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "gpt-5"

// The keys of the world's callers. Ann has two; carol's and dan's are for certain models only.
const ann, annToo, bob, carol, dan = "sk-ann", "sk-ann-too", "sk-bob", "sk-carol", "sk-dan"

// keys is a site whose callers have keys.
const keys = `api_key_auth {
	key ann ` + ann + `
	key ann ` + annToo + `
	key bob ` + bob + `
	key carol ` + carol + ` {
		models us.anthropic.*
	}
	key dan ` + dan + ` {
		models gpt-4o
	}
	key ann sk-ann-limited {
		models us.amazon.*
	}
}
`

// world is a gateway with Bedrock and two servers of OpenAI's API behind it.
type world struct {
	*gatewaytest.Gateway
	directives string // of the gateway

	mu    sync.Mutex
	asked []openai.Seen // what the servers of OpenAI's API were asked
}

// newWorld starts a gateway; site stands before the directive, and words in it.
func newWorld(t *testing.T, site, words string) *world {
	t.Helper()
	w := &world{}
	see := func(s openai.Seen) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.asked = append(w.asked, s)
	}
	serve := func(h http.Handler) string {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		return srv.URL
	}
	mux := http.NewServeMux()
	mux.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(bedrock.Options{})))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	aws := serve(mux)
	w.directives = fmt.Sprintf(`bedrock_gateway {
	openai {
		base_url %s/v1
		api_key sk-simulator
	}
	upstream other openai {
		base_url %s/v1
		api_key sk-simulator
	}
	bedrock us-east-1 {
		endpoint %[3]s
		control_endpoint %[3]s
		mantle_endpoint %[3]s/mantle
		credentials %s %s
	}
	route gpt-4o {
		to other
	}
	files local %s
	%s
}`, serve(openai.New(openai.Options{Observe: see})), serve(openai.New(openai.Options{Observe: see, Series: "0000000b"})), aws, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey,
		t.TempDir(), strings.ReplaceAll(words, "\n", "\n\t"))
	w.Gateway = gatewaytest.Start(t, site+w.directives)
	return w
}

// reached returns what the servers of OpenAI's API were asked since the last call, "METHOD path" each.
func (w *world) reached() (calls []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.asked {
		calls = append(calls, s.Method+" "+s.Path)
	}
	w.asked = nil
	return calls
}

// ask sends a request with a caller's key, if it has one, and headers "Name: value".
func (w *world) ask(t *testing.T, key, method, path, body string, headers ...string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, gatewaytest.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	return w.Do(t, req)
}

// response is what tests look at of a response, a page of items or an error.
type response struct {
	ID       string
	Status   string
	Store    bool
	Previous string `json:"previous_response_id"`
	Output   []struct {
		ID, Type string
		CallID   string `json:"call_id"`
		Content  []struct{ Text string }
	}
	Usage *struct {
		Output int `json:"output_tokens"`
	}
	Data    []json.RawMessage
	HasMore bool `json:"has_more"`
	Deleted bool
	Error   struct{ Message, Code, Param string }
}

// text returns the words of the last message.
func (r *response) text() string {
	for _, item := range slices.Backward(r.Output) {
		if c := item.Content; item.Type == "message" && len(c) > 0 {
			return c[0].Text
		}
	}
	return ""
}

// read reads an answer, which must have the status.
func read(t *testing.T, a *gatewaytest.Answer, status int) *response {
	t.Helper()
	r := new(response)
	if a.Status != status {
		t.Fatalf("status %d, not %d: %s", a.Status, status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), r); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return r
}

// create makes a response; members are those besides the model.
func (w *world) create(t *testing.T, key, model, members string) *response {
	t.Helper()
	return read(t, w.ask(t, key, "POST", "/v1/responses", `{"model":"`+model+`",`+members+`}`), 200)
}

// reload loads another site before the gateway. A connection that the old server still accepts, and closes as it ends, is none of
// the test's: it waits for one that is answered.
func (w *world) reload(t *testing.T, site string) {
	t.Helper()
	w.Load(t, site+w.directives)
	for range 100 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, gatewaytest.URL+"/health", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		if res, err := w.Client.Do(req); err == nil {
			_ = res.Body.Close()
			return
		}
	}
	t.Fatal("the reloaded gateway does not answer")
}
