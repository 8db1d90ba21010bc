package handler

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// opener is an upstream made of its Open; it speaks OpenAI's dialect.
type opener func(ctx context.Context, c *upstream.Call) (*upstream.Reply, error)

func (o opener) Prepare(*chat.Exchange)                               {}
func (o opener) Check(context.Context) error                          { return nil }
func (o opener) ListModels(context.Context) ([]upstream.Model, error) { return nil, nil }
func (o opener) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("openai")}, {Dialect: translate.ByName("responses")}}
}

func (o opener) Open(c context.Context, u *upstream.Call) (*upstream.Reply, error) { return o(c, u) }

// whole is a reply of status 200 with a JSON body.
func whole(body string) *upstream.Reply {
	return &upstream.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// gatewayOf returns a gateway of one OpenAI and one Bedrock upstream, which are both u.
func gatewayOf(u upstream.Upstream, edit func(*Config)) *Gateway {
	ups := []*upstream.Named{{Name: "openai", Kind: upstream.KindOpenAI, Upstream: u}, {Name: "bedrock", Kind: upstream.KindBedrock, Upstream: u}}
	c := Config{Config: exchange.Config{Router: upstream.NewRouter(nil, ups, nil), MaxBody: 1 << 20}, Upstreams: ups, Native: true}
	if edit != nil {
		edit(&c)
	}
	return New(c)
}

// A path that begins like one that is relayed but leads elsewhere would let a client do with the gateway's own key
// whatever the provider's API can: read its files, list its guardrails.
func TestPathsThatClimbAreNoneOfTheGateways(t *testing.T) {
	for _, path := range []string{
		"/v1/images/../files", "/v1/images/%2e%2e/organization/admin_api_keys", "/v1/images/x%2F..%2F..%2Ffiles", `/v1/images/..%5Cfiles`,
		"/v1/responses/.", "/foundation-models/../guardrails", "/inference-profiles/%2E%2e/guardrails",
	} {
		asked := 0
		g := gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) {
			asked++
			return whole(`{}`), nil
		}), nil)
		if g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)) || asked > 0 {
			t.Errorf("%s was taken for a path to relay; the upstream was asked %d times", path, asked)
		}
	}
}

func TestPathsThatMerelyHaveDotsAreRelayed(t *testing.T) {
	for _, path := range []string{"/v1/responses/resp_1..2", "/v1/images/a.b", "/foundation-models/amazon.nova-lite-v1%3A0", "/foundation-models/..."} {
		asked := ""
		g := gatewayOf(opener(func(_ context.Context, c *upstream.Call) (*upstream.Reply, error) {
			asked = c.Path
			return whole(`{}`), nil
		}), nil)
		w := httptest.NewRecorder()
		if !g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)) || w.Code != http.StatusOK || !strings.HasSuffix(path, asked) || asked == "" {
			t.Errorf("%s: status %d, upstream asked at %q", path, w.Code, asked)
		}
	}
}

// A key that is for certain models must not reach others by a request that names none, or two, of which the gateway
// looked at the first and the provider took the last.
func TestAKeyForCertainModelsReachesNoOtherByARelay(t *testing.T) {
	form := func(models ...string) string {
		var b strings.Builder
		for _, m := range models {
			b.WriteString("--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + m + "\r\n")
		}
		return b.String() + "--b--\r\n"
	}
	for name, tt := range map[string]struct {
		contentType, body string
		want              int
	}{
		"the one allowed":        {"application/json", `{"model":"gpt-4o-mini"}`, 200},
		"another":                {"application/json", `{"model":"gpt-4o"}`, 404},
		"none":                   {"application/json", `{"prompt":{"id":"pmpt_1"}}`, 403},
		"no body":                {"application/json", ``, 403},
		"the one allowed, form":  {"multipart/form-data; boundary=b", form("gpt-4o-mini"), 200},
		"two in a form":          {"multipart/form-data; boundary=b", form("gpt-4o-mini", "gpt-4o"), 400},
		"none in a form":         {"multipart/form-data; boundary=b", form(), 403},
		"a name without an end":  {"multipart/form-data; boundary=b", form("gpt-4o-mini" + strings.Repeat("x", 4000)), 400},
		"two in a JSON document": {"application/json", `{"model":"gpt-4o-mini","model":"gpt-4o"}`, 400},
	} {
		t.Run(name, func(t *testing.T) {
			asked := 0
			g := gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) {
				asked++
				return whole(`{"id":"resp_1","output":[]}`), nil
			}), func(c *Config) {
				c.Caller = func(*http.Request) exchange.Caller {
					return exchange.Caller{Models: []upstream.Pattern{upstream.NewPattern("gpt-4o-mini")}}
				}
			})
			w := httptest.NewRecorder()
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/responses", strings.NewReader(tt.body))
			r.Header.Set("Content-Type", tt.contentType)
			g.ServeHTTP(w, r)
			if w.Code != tt.want || (asked > 0) != (tt.want == 200) {
				t.Errorf("status %d, want %d; the upstream was asked %d times: %s", w.Code, tt.want, asked, w.Body)
			}
		})
	}
}

func TestANameThatIsTooLongForAModelIsRefused(t *testing.T) {
	g := gatewayOf(opener(func(context.Context, *upstream.Call) (*upstream.Reply, error) { return whole(`{}`), nil }), nil)
	w := httptest.NewRecorder()
	g.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(`{"model":"gpt-`+strings.Repeat("x", 100_000)+`","messages":[]}`)))
	if w.Code != http.StatusBadRequest || w.Body.Len() > 1000 {
		t.Errorf("status %d, %d bytes: %.300s", w.Code, w.Body.Len(), w.Body)
	}
}
