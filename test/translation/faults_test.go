package translation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// faultKind is a way for an upstream to fail before its first byte, and what the gateway makes of it.
type faultKind struct {
	name          string
	unary, stream gatewaytest.Reply
	dead          bool // there is no connection: nobody sees the call
	retry, falls  bool // another try there, or another target, may help
	counts        bool // it is the target's failure
	waits         bool // the target is passed over because it says so
	status        int  // that the client gets when nothing else is left
	code          string
}

// faultKinds are the rows of the matrix.
func faultKinds() []faultKind {
	status := func(n int, header ...string) gatewaytest.Reply {
		r := gatewaytest.Reply{Status: n, Body: `{"error":{"message":"E"}}`, Header: map[string]string{}}
		for i := 0; i < len(header); i += 2 {
			r.Header[header[i]] = header[i+1]
		}
		return r
	}
	both := func(k faultKind, r gatewaytest.Reply) faultKind {
		k.unary, k.stream = r, r
		return k
	}
	return []faultKind{
		both(faultKind{name: "500", retry: true, falls: true, counts: true, status: 500}, status(500)),
		both(faultKind{name: "503", retry: true, falls: true, counts: true, status: 503}, status(503)),
		both(faultKind{name: "429", retry: true, falls: true, status: 429}, status(429)),
		both(faultKind{name: "429 that asks for a long wait", falls: true, waits: true, status: 429}, status(429, "Retry-After", "50")),
		both(faultKind{name: "408", retry: true, falls: true, status: 408}, status(408)),
		both(faultKind{name: "400", status: 400}, status(400)),
		both(faultKind{name: "401 of the gateway's key", falls: true, status: 403, code: "upstream_credentials"}, status(401)),
		both(faultKind{name: "404", falls: true, status: 404}, status(404)),
		{
			name: "a reply that breaks", retry: true, falls: true, counts: true, status: 502, code: "upstream_error",
			unary: gatewaytest.Reply{Body: `{"id":`, Cut: true}, stream: gatewaytest.Reply{Body: "data: {", Cut: true},
		},
		{
			name: "a stream that ends before it begins", retry: true, falls: true, counts: true, status: 502, code: "upstream_error",
			unary: gatewaytest.Reply{Body: `{"id":`, Cut: true}, stream: gatewaytest.Reply{Body: ": comment\n\n"},
		},
		{name: "no connection", dead: true, retry: true, falls: true, counts: true, status: 502, code: "upstream_unreachable"},
	}
}

const (
	aWord      = `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}]}`
	matrixPath = "/a/chat/completions"
)

// matrix runs a gateway with a route of two targets, one of the failing target alone, and one of it alone with a retry.
func matrix(t *testing.T, k *faultKind, words string) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	a := u.URL + "/a"
	if k.dead {
		a = "http://127.0.0.1:1"
	}
	return gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %s\n\t}\n\tupstream b openai sk-2 {\n\t\tbase_url %s/b\n\t}\n\troute two {\n\t\tto openai\n\t\tto b\n\t\tretries 0\n\t}\n\troute alone {\n\t\tto openai\n\t\tretries 0\n\t}\n\troute again {\n\t\tto openai\n\t\tretries 1\n\t}\n\t%s\n}", a, u.URL, words)), u
}

// TestFaultMatrix shows, for every way to fail, whole replies and streams: another try, another target, a target that is
// passed over, and nothing left. What the client got, and who was asked.
func TestFaultMatrix(t *testing.T) {
	for _, k := range faultKinds() {
		for _, stream := range []bool{false, true} {
			members, fails, ok := hi, k.unary, gatewaytest.Reply{Body: aWord}
			if stream {
				members, fails = streamed, k.stream
				ok = gatewaytest.Reply{Body: gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"Word"},"finish_reason":"stop"}]`), "[DONE]")}
			}
			ask := func(t *testing.T, g *gatewaytest.Gateway, u *gatewaytest.Upstream, model string, status int, want string, a ...gatewaytest.Reply) {
				t.Helper()
				u.Play(ok)
				u.PlayAt(matrixPath, a...)
				answer := g.Post(t, chatPath, fmt.Sprintf(`{"model":%q,%s}`, model, members))
				asked := ""
				for _, s := range u.Seen() {
					asked += s.Path[1:2]
				}
				if k.dead {
					want = strings.ReplaceAll(want, "a", "")
				}
				if answer.Status != status || asked != want || status == 200 && strings.Count(answer.Body, "Word") != 1 ||
					status != 200 && k.code != "" && !strings.Contains(answer.Body, `"code":"`+k.code+`"`) {
					t.Errorf("got %d %s; asked were %q, not %q", answer.Status, answer.Body, asked, want)
				}
			}
			t.Run(fmt.Sprintf("%s, stream %t", k.name, stream), func(t *testing.T) {
				t.Run("retry", func(t *testing.T) {
					g, u := matrix(t, &k, "")
					if k.retry && !k.dead {
						ask(t, g, u, "again", 200, "aa", fails, ok)
					} else {
						ask(t, g, u, "again", k.status, "a", fails, ok)
					}
				})
				t.Run("fallback", func(t *testing.T) {
					g, u := matrix(t, &k, "")
					if k.falls {
						ask(t, g, u, "two", 200, "ab", fails)
					} else {
						ask(t, g, u, "two", k.status, "a", fails)
					}
				})
				t.Run("passed over", func(t *testing.T) {
					g, u := matrix(t, &k, "max_fails 1")
					for _, first := range []bool{true, false} {
						switch {
						case !k.falls:
							ask(t, g, u, "two", k.status, "a", fails)
						case first || !k.counts && !k.waits:
							ask(t, g, u, "two", 200, "ab", fails)
						default:
							ask(t, g, u, "two", 200, "b", fails)
						}
					}
				})
				t.Run("none left", func(t *testing.T) {
					g, u := matrix(t, &k, "max_fails 1")
					for range 2 { // the second time as the last resort
						ask(t, g, u, "alone", k.status, "a", fails)
					}
				})
			})
		}
	}
}

// TestFaultsBehindTheFirstByte shows that nothing is sent twice: once the client has the first byte, a failure is an error at
// the stream's end, whatever else is left, and is not held against the target.
func TestFaultsBehindTheFirstByte(t *testing.T) {
	begun := gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"Wo"}}]`))
	for name, fails := range map[string]gatewaytest.Reply{
		"a cut":                   {Body: begun, Cut: true},
		"an error of its own":     {Body: begun + gatewaytest.SSE(`{"error":{"message":"E","type":"server_error"}}`)},
		"a frame that is cut":     {Body: begun + "data: {\"cho", Cut: true},
		"a frame that is no JSON": {Body: begun + "data: nonsense\n\n", Cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			g, u := matrix(t, &faultKind{}, "max_fails 1")
			for _, model := range []string{"again", "two", "two"} {
				u.Play(gatewaytest.Reply{Body: begun})
				u.PlayAt(matrixPath, fails)
				a := g.Post(t, chatPath, fmt.Sprintf(`{"model":%q,%s}`, model, streamed))
				if n := len(u.Seen()); n != 1 || a.Status != 200 || strings.Count(a.Body, `"Wo"`) != 1 || !strings.Contains(a.Body, `data: {"error":`) || strings.Contains(a.Body, "[DONE]") || a.Broken == nil {
					t.Errorf("%s: %d were asked; got %d %s (%v)", model, n, a.Status, a.Body, a.Broken)
				}
			}
		})
	}
}

// TestRetryBudget shows that an upstream that fails does not get twice the calls of its clients.
func TestRetryBudget(t *testing.T) {
	g, u := matrix(t, &faultKind{}, "max_fails 0")
	calls := 0
	const requests = 15
	for range requests {
		u.Play(gatewaytest.Reply{Status: 500, Body: "{}", Header: map[string]string{"Retry-After-Ms": "1"}})
		g.Post(t, chatPath, `{"model":"again",`+hi+`}`)
		calls += len(u.Seen())
	}
	if want := requests + 10; calls != want {
		t.Errorf("%d requests became %d calls, not %d", requests, calls, want)
	}
}
