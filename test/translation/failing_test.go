package translation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// failing runs the gateway with two upstreams; words are of the gateway, to of the first target's block.
func failing(t *testing.T, words, to string) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %[1]s/a\n\t}\n\tupstream b openai sk-2 {\n\t\tbase_url %[1]s/b\n\t}\n\tupstream gone openai sk-3 {\n\t\tbase_url http://127.0.0.1:1\n\t}\n\troute two {\n\t\tto openai gpt-first {\n\t\t\t%[3]s\n\t\t}\n\t\tto b gpt-second\n\t\tretries 0\n\t}\n\troute other {\n\t\tto openai gpt-other\n\t\tto b gpt-second\n\t\tretries 0\n\t}\n\troute hole {\n\t\tto gone\n\t\tto b gpt-second\n\t\tretries 0\n\t}\n\troute alone {\n\t\tto openai gpt-alone\n\t\tretries 1\n\t}\n\t%[2]s\n}", u.URL, words, to)), u
}

// TestFailingTargets shows what counts against a target, and what happens then. A black hole cost every request seconds, and
// 100 requests to an upstream that fails became 300 calls.
func TestFailingTargets(t *testing.T) {
	const word = `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}]}`
	ok := gatewaytest.Reply{Body: word}
	fails := func(status int) gatewaytest.Reply {
		return gatewaytest.Reply{Status: status, Body: `{"error":{"message":"E"}}`}
	}
	for _, tc := range []struct {
		rule      string
		words, to string
		model     string
		a         gatewaytest.Reply // of the first upstream, to a chat in its own words
		calls     int
		want      string // per call, who was asked: a, b, or both
		status    int
	}{
		{rule: "five in thirty seconds, then it is passed over", model: "two", a: fails(500), calls: 7, want: "ab ab ab ab ab b b"},
		{rule: "another model there is asked", model: "other", a: fails(500), calls: 1, want: "ab"},
		{rule: "max_fails at the gateway's level", words: "max_fails 2", model: "two", a: fails(503), calls: 4, want: "ab ab b b"},
		{rule: "max_fails of the target", words: "max_fails 2", to: "max_fails 1", model: "two", a: fails(503), calls: 3, want: "ab b b"},
		{rule: "max_fails 0 is off", words: "max_fails 0", model: "two", a: fails(500), calls: 7, want: "ab ab ab ab ab ab ab"},
		{rule: "a failure is forgotten after fail_duration", words: "max_fails 1\n\tfail_duration 1ns", model: "two", a: fails(500), calls: 3, want: "ab ab ab"},
		{rule: "a refused key is none", words: "max_fails 1", model: "two", a: fails(401), calls: 3, want: "ab ab ab"},
		{rule: "an unknown model is none", words: "max_fails 1", model: "two", a: fails(404), calls: 3, want: "ab ab ab"},
		{rule: "unhealthy_status says which are", words: "max_fails 1\n\tunhealthy_status 503", model: "two", a: fails(500), calls: 2, want: "ab ab"},
		{rule: "and others than 5xx too", words: "max_fails 1\n\tunhealthy_status 404 5xx", model: "two", a: fails(404), calls: 2, want: "ab b"},
		{rule: "a reply that breaks is one", words: "max_fails 1", model: "two", a: gatewaytest.Reply{Body: word[:9], Cut: true}, calls: 2, want: "ab b"},
		{rule: "a 429 passes over for as long as it asks", model: "two", a: gatewaytest.Reply{Status: 429, Body: "{}", Header: map[string]string{"Retry-After": "50"}}, calls: 3, want: "ab b b"},
		{rule: "a 429 that does not ask is tried", model: "two", a: gatewaytest.Reply{Status: 429, Body: "{}"}, calls: 3, want: "ab ab ab"},
		{rule: "no connection is one", words: "max_fails 1", model: "hole", calls: 3, want: "b b b"},
		{rule: "the last resort is asked, once", words: "max_fails 2", model: "alone", a: fails(500), calls: 3, want: "aa a a", status: 500},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			g, u := failing(t, tc.words, tc.to)
			var asked []string
			for range tc.calls {
				u.Play(ok)
				u.PlayAt("/a/chat/completions", tc.a)
				if a := g.Post(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s}`, tc.model, hi)); a.Status != max(tc.status, 200) {
					t.Errorf("got %d %s", a.Status, a.Body)
				}
				who := ""
				for _, s := range u.Seen() {
					who += s.Path[1:2]
				}
				asked = append(asked, who)
			}
			if got := strings.Join(asked, " "); got != tc.want {
				t.Errorf("asked were %s, not %s", got, tc.want)
			}
		})
	}
}

// TestFailuresSurviveReloads shows that a reload does not send the clients to a target that is known to fail.
func TestFailuresSurviveReloads(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	directives := func(more string) string {
		return fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %[1]s/a\n\t}\n\tupstream b openai sk-2 {\n\t\tbase_url %[1]s/b\n\t}\n\troute two {\n\t\tto openai\n\t\tto b\n\t\tretries 0\n\t}\n\tmax_fails 1\n\t%[2]s\n}", u.URL, more)
	}
	g := gatewaytest.Start(t, directives(""))
	ask := func(want int) {
		t.Helper()
		u.Play(gatewaytest.Reply{Body: "{}"})
		u.PlayAt("/a/chat/completions", gatewaytest.Reply{Status: 500, Body: "{}"})
		g.Post(t, "/v1/chat/completions", `{"model":"two",`+hi+`}`)
		if n := len(u.Seen()); n != want {
			t.Errorf("%d upstreams were asked, not %d", n, want)
		}
	}
	ask(2)
	ask(1)
	g.Load(t, directives("default_model gpt-4o"))
	ask(1)
}
