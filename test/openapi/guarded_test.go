package openapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// guarded is a site as README.md has it: a key for the API, none for its pages, a password for the status.
const guarded = `basic_auth /bedrock_gateway/* {
	ops $2a$14$DMHbcqmhsZVf7Cba2uv5EOJpBIHBWvsqfdZlDC9a3RMnGvAnYYfse
}
@api not path /docs /docs/* /redoc /redoc/* /openapi.json /playground /playground/* /health /bedrock_gateway/*
api_key_auth @api {
	key alice key-of-alice-0123456789
}
bedrock_gateway {
	openai k {
		base_url %s/v1
	}
	route * {
		to openai gpt-4o
	}
	status_page
}`

// raw sends a request whose path goes out as it stands, whatever it climbs over.
func raw(t *testing.T, g *gatewaytest.Gateway, method, path, body string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, gatewaytest.URL, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.URL = &url.URL{Scheme: "http", Host: "gateway.test", Opaque: path}
	req.Header.Set("Content-Type", "application/json")
	return g.Do(t, req)
}

func TestPagesAreOpenWhereTheAPIIsGuarded(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: `{}`})
	g := gatewaytest.Start(t, fmt.Sprintf(guarded, up.URL))
	for path, want := range map[string]int{
		"/docs": 308, "/docs/": 200, "/docs/swagger-ui-bundle.js": 200, "/redoc": 308, "/redoc/": 200, "/playground": 308, "/playground/": 200,
		"/openapi.json": 200, "/health": 200, "/v1/models": 401, "/v1/chat/completions/health": 401, "/bedrock_gateway/status": 401,
	} {
		if a := g.Get(t, path); a.Status != want {
			t.Errorf("%s: %d, want %d", path, a.Status, want)
		}
	}
}

// Caddy's matchers look at a path with its dots and doubled slashes taken away, the gateway at the path as it came. With
// /docs/* open, a path that only looks like one of the pages must not be a call to a model: /model/../docs/x/converse was one,
// of the model ../docs/x, which a route for all names sent on without a key.
func TestNoPathLeadsAroundTheKey(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: `{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[]}`})
	g := gatewaytest.Start(t, fmt.Sprintf(guarded, up.URL))
	const chat, converse = `{"model":"m","messages":[{"role":"user","content":"Hi"}]}`, `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`
	tried := 0
	for _, page := range []string{"docs", "redoc", "playground", "bedrock_gateway"} {
		for _, climb := range []string{"..", "%2e%2e", ".%2E", "x/../..", "x/../%2e%2e", "x//../..", "..//", "./.."} {
			for _, slash := range []string{"/", "%2f", "%2F", "//"} {
				for path, body := range map[string]string{
					"/model/" + climb + slash + page + "/x/converse":              converse,
					"/model/" + climb + slash + page + "/x/invoke":                converse,
					"/model" + slash + climb + slash + page + "/converse":         converse,
					"/v1/" + climb + slash + page + "/v1/chat/completions":        chat,
					"/" + page + slash + climb + "/v1/chat/completions":           chat,
					"/" + page + "/" + climb + slash + "model/x/converse":         converse,
					"/v1/images/" + climb + slash + climb + "/" + page + "/x":     chat,
					"/v1/responses/" + climb + slash + climb + "/" + page + "/x":  chat,
					"/v1/models/" + climb + slash + climb + "/" + page + "/gpt-x": chat,
				} {
					tried++
					if a := raw(t, g, http.MethodPost, path, body); a.Status == http.StatusOK && a.Body != "" {
						t.Errorf("POST %s: %d %.80s", path, a.Status, a.Body)
					}
				}
			}
		}
	}
	if n := len(up.Seen()); n != 0 {
		t.Errorf("the upstream was asked %d times without a key, in %d requests", n, tried)
	}
}

// The status is behind basic_auth under every way to write its path: what the matcher does not see is not the page either.
func TestTheStatusIsBehindItsPassword(t *testing.T) {
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: `{}`})
	g := gatewaytest.Start(t, fmt.Sprintf(guarded, up.URL))
	for _, path := range []string{
		"/bedrock_gateway/status", "/bedrock_gateway/status/", "//bedrock_gateway/status", "/bedrock_gateway//status", "/bedrock_gateway/./status",
		"/bedrock_gateway/%2e/status", "/bedrock_gateway/x/../status", "/bedrock_gateway/x/%2e%2e/status", "/x/../bedrock_gateway/status",
		"/x/%2e%2e/bedrock_gateway/status", "/docs/../bedrock_gateway/status", "/docs/%2e%2e/bedrock_gateway/status", "/docs/..%2fbedrock_gateway/status",
		"/bedrock_gateway%2fstatus", "/bedrock_gateway%2Fstatus", "/%62edrock_gateway/status", "/bedrock_gateway/%73tatus", "/Bedrock_Gateway/Status",
		"/bedrock_gateway/status?x", "/bedrock_gateway/status;x", "/bedrock_gateway/status%00", "/bedrock_gateway/status%20", "/bedrock_gateway\\status",
		"/bedrock_gateway/status/app.js", "/bedrock_gateway/status/style.css", "/bedrock_gateway/status/%2e%2e/status",
	} {
		for _, accept := range []string{"text/html", "*/*"} {
			req := httptest.NewRequest(http.MethodGet, "http://gateway.test/", nil)
			req.RequestURI = ""
			path, query, _ := strings.Cut(path, "?")
			req.URL = &url.URL{Scheme: "http", Host: "gateway.test", Opaque: path, RawQuery: query}
			req.Header.Set("Accept", accept)
			a := g.Do(t, req.WithContext(t.Context()))
			if a.Status == http.StatusOK && a.Body != "" || strings.Contains(a.Body, "upstreams") {
				t.Errorf("%s: %d %.80s", path, a.Status, a.Body)
			}
		}
	}
}
