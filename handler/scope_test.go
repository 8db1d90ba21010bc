package handler

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// scoped returns a gateway whose callers with the header X-Limited may ask for gpt-4o-mini alone, and what its upstream was
// asked: "METHOD path?query" each.
func scoped(t *testing.T) (*Gateway, *[]string) {
	t.Helper()
	var asked []string
	up := opener(func(_ context.Context, c *upstream.Call) (*upstream.Reply, error) {
		asked = append(asked, strings.TrimSuffix(c.Method+" "+c.Path+"?"+c.Query, "?"))
		return whole(`{"choices":[]}`), nil
	})
	return gatewayOf(up, func(c *Config) {
		c.Caller = func(r *http.Request) exchange.Caller {
			if r.Header.Get("X-Limited") == "" {
				return exchange.Caller{}
			}
			return exchange.Caller{Models: []upstream.Pattern{upstream.NewPattern("gpt-4o-mini")}}
		}
	}), &asked
}

func request(t *testing.T, g *Gateway, limited bool, method, target, contentType, body string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if limited {
		r.Header.Set("X-Limited", "yes")
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// Go's decoders take "Model" for "model": a key for one model asked such a server for any by naming both.
func TestAMemberThatDecidesIsSpeltAsItIs(t *testing.T) {
	for _, body := range []string{
		`{"model":"gpt-4o-mini","Model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`,
		`{"MODEL":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`,
		`{"model":"gpt-4o-mini","mode\u004c":"gpt-4o","messages":[]}`,
		`{"model":"gpt-4o-mini","Stream":true,"messages":[]}`,
		`{"model":"gpt-4o-mini","ſtream":true,"messages":[]}`,
		`{"model":"gpt-4o-mini","max_Tokens":9,"messages":[]}`,
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/messages", "/v1/embeddings", "/v1/rerank", "/v2/rerank", "/v1/responses"} {
			for _, limited := range []bool{true, false} {
				g, asked := scoped(t)
				if w := request(t, g, limited, http.MethodPost, path, "application/json", body); w.Code != http.StatusBadRequest || len(*asked) > 0 {
					t.Errorf("%s %s, limited %v: %d, asked %q: %s", path, body, limited, w.Code, *asked, w.Body)
				}
			}
		}
	}
}

// A key for certain models passed with calls that no model is charged with: the provider acts on the path, or on a body that
// it reads in another way than the gateway.
func TestALimitedKeyReachesOnlyCallsOfItsModels(t *testing.T) {
	const form = "multipart/form-data; boundary=x"
	for _, c := range []struct {
		method, target, contentType, body string
		status                            int
	}{
		{"POST", "/v1/embeddings", "application/json", `{"model":"gpt-4o-mini","input":"x"}`, 200},
		{"GET", "/v1/responses/resp_1", "application/json", `{"model":"gpt-4o-mini"}`, 404},
		{"POST", "/v1/responses/resp_1/cancel", "application/json", `{"model":"gpt-4o-mini"}`, 404},
		{"DELETE", "/v1/responses/resp_1", "", `{"model":"gpt-4o-mini"}`, 404},
		{"GET", "/v1/images/x", "", `{"model":"gpt-4o-mini"}`, 403},
		{"POST", "/v1/embeddings", form, `{"model":"gpt-4o"}`, 400},
		{"POST", "/v1/audio/transcriptions", form, "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o-mini\r\n--x--\r\n", 200},
		{"POST", "/v1/audio/transcriptions", form, "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o-mini\r\n--x\r\n", 400},
		{"GET", "/foundation-models", "", "", 403},
		{"GET", "/foundation-models/gpt-4o", "", "", 404},
		{"GET", "/foundation-models/gpt-4o-mini", "", "", 200},
	} {
		g, asked := scoped(t)
		w := request(t, g, true, c.method, c.target, c.contentType, c.body)
		if w.Code != c.status || (len(*asked) > 0) != (c.status == 200) {
			t.Errorf("%s %s %s: %d, asked %q: %s", c.method, c.target, c.contentType, w.Code, *asked, w.Body)
		}
	}
}

// All users share the gateway's one account at an upstream: a response that is kept there is anybody's who knows its id.
func TestObjectsThatAnUpstreamKeepsAreReachedOnlyWhereAllCallersAreOne(t *testing.T) {
	calls := []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/v1/responses/resp_1", "", 404},
		{"GET", "/v1/responses/resp_1/input_items", "", 404},
		{"DELETE", "/v1/responses/resp_1", "", 404},
		{"POST", "/v1/responses", `{"model":"gpt-4o-mini","previous_response_id":"resp_1","input":"x"}`, 400},
		{"POST", "/v1/responses", `{"model":"gpt-4o-mini","conversation":"conv_1","input":"x"}`, 400},
		{"POST", "/v1/responses", `{"model":"gpt-4o-mini","input":[{"type":"item_reference","id":"msg_1"}]}`, 400},
		{"POST", "/v1/responses", `{"model":"gpt-4o-mini","input":[{"id":"msg_1"}]}`, 400},
	}
	for _, c := range calls {
		g, asked := scoped(t)
		if w := request(t, g, false, c.method, c.target, "application/json", c.body); w.Code != 200 || len(*asked) != 1 {
			t.Errorf("nobody but anonymous callers: %s %s %s: %d: %s", c.method, c.target, c.body, w.Code, w.Body)
		}
		request(t, g, true, http.MethodPost, "/v1/embeddings", "application/json", `{"model":"gpt-4o-mini","input":"x"}`)
		*asked = nil
		w := request(t, g, false, c.method, c.target, "application/json", c.body)
		if w.Code != c.status || len(*asked) > 0 {
			t.Errorf("after a caller with a key of its own: %s %s %s: %d, asked %q: %s", c.method, c.target, c.body, w.Code, *asked, w.Body)
		}
		if c.status == 400 && !strings.Contains(w.Body.String(), `"code":"previous_response_not_found"`) {
			t.Errorf("%s: %s", c.body, w.Body)
		}
	}
}

func TestNoQueryOfAClientReachesTheRuntime(t *testing.T) {
	g, asked := scoped(t)
	request(t, g, false, http.MethodPost, "/model/amazon.x/invoke?a=b", "application/json", `{"prompt":"x"}`)
	request(t, g, false, http.MethodGet, "/foundation-models?byProvider=amazon&x=y", "", "")
	request(t, g, false, http.MethodGet, "/inference-profiles?maxResults=9&X-Amz-Security-Token=z", "", "")
	if got, want := strings.Join(*asked, " "), "POST /model/amazon.x/invoke GET /foundation-models?byProvider=amazon GET /inference-profiles?maxResults=9"; got != want {
		t.Errorf("asked %s", got)
	}
}

// A panic below the handler ended the connection without a word to the client or a line that says whose call it was.
func TestAPanicIsA500BeforeTheReplyAndACutAfterIt(t *testing.T) {
	chat := `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`
	g := gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) { panic("a bug") }), nil)
	for path, body := range map[string]string{"/v1/chat/completions": chat, "/v1/messages": chat, "/v1/embeddings": `{"model":"gpt-4o"}`} {
		w := request(t, g, false, http.MethodPost, path, "application/json", body)
		if w.Code != http.StatusInternalServerError || !strings.Contains(w.Body.String(), `"error":{`) || strings.Contains(w.Body.String(), "a bug") {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	g = gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) {
		r := whole("")
		r.Body = &exploding{}
		return r, nil
	}), nil)
	defer func() {
		if v := recover(); v != http.ErrAbortHandler { //nolint:errorlint // what is panicked with is this very value
			t.Errorf("ended with %v", v)
		}
	}()
	request(t, g, false, http.MethodPost, "/v1/embeddings", "application/json", `{"model":"gpt-4o"}`)
}

// exploding is a body that panics after its first bytes.
type exploding struct{ read bool }

func (e *exploding) Read(b []byte) (int, error) {
	if e.read {
		panic("a bug")
	}
	e.read = true
	return copy(b, "{}"), nil
}
func (*exploding) Close() error { return nil }
