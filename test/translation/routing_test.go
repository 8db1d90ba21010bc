package translation_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// routes are upstreams of their own paths at one server, and routes over them.
const routes = `bedrock_gateway {
	openai sk-1 {
		base_url %[1]s/a
	}
	upstream b openai sk-2 {
		base_url %[1]s/b
	}
	upstream keyless openai {
		base_url %[1]s/k
	}
	bedrock us-east-1 {
		endpoint %[1]s/us
		credentials AKIDEXAMPLE secret
	}
	upstream eu bedrock eu-west-1 {
		endpoint %[1]s/eu
		api_key ABSK-key
		model arn:aws:bedrock:eu-west-1:*:application-inference-profile/* {
			family nova
			max_output 9
		}
	}
	route fall {
		to openai gpt-first
		to b gpt-second
		to bedrock anthropic.claude-x
		retries 1
	}
	route once b
	route impatient {
		to openai
		retries 9
		try_duration 1ms
	}
	route mixed {
		to openai gpt-first
		to bedrock anthropic.claude-3-haiku
		retries 0
	}
	route turned {
		to bedrock anthropic.claude-3-haiku
		to openai gpt-first
		retries 0
	}
	upstream dead openai sk-3 {
		base_url http://127.0.0.1:1/d
	}
	route lost {
		to dead
		retries 0
	}
	route plain keyless
	route even {
		to openai
		to b
		policy least_pending
	}
	route often {
		to openai {
			weight 3
		}
		to b
		policy weighted
		retries 0
	}
	default_model gpt-usual
	files off
}`

// hop is a call of which the upstreams that were asked are of interest, and in which words.
type hop struct {
	rule, model, members string
	replies              []gatewaytest.Reply
	asked                []string // "<path> <model>", "-" for none in the body
	status               int
	get                  string // that the answer holds
	headers              map[string]string
}

// TestRouting shows where calls go, again and elsewhere.
func TestRouting(t *testing.T) {
	const (
		word   = `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}]}`
		native = "/us/model/anthropic.claude-x/converse"
	)
	ok := gatewaytest.Reply{Body: word}
	status := func(n int) gatewaytest.Reply {
		return gatewaytest.Reply{Status: n, Body: fmt.Sprintf(`{"error":{"message":"E%d"}}`, n)}
	}
	throttled := gatewaytest.Reply{Status: 429, Body: `{"message":"Slow"}`, Header: map[string]string{"X-Amzn-ErrorType": "ThrottlingException"}}
	sseOK := gatewaytest.Reply{Body: gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"Word"},"finish_reason":"stop"}]`), "[DONE]")}
	tried := func(n, upstream string) map[string]string {
		return map[string]string{"Bedrock-Gateway-Attempts": n, "Bedrock-Gateway-Upstream": upstream}
	}
	const arn = "arn:aws:bedrock:%s:123456789012:inference-profile/eu.anthropic.claude-3-haiku-20240307-v1:0"
	const escaped = "/model/arn%%3Aaws%%3Abedrock%%3A%s%%3A123456789012%%3Ainference-profile%%2Feu.anthropic.claude-3-haiku-20240307-v1%%3A0/converse -"
	for _, h := range []hop{
		{rule: "OpenAI's own models", model: "o3-mini", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions o3-mini"}, headers: tried("", "openai")},
		{rule: "a provider's prefix is Bedrock's", model: "openai.gpt-oss-20b-1:0", replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/us/model/openai.gpt-oss-20b-1%3A0/converse -"}, headers: tried("", "bedrock")},
		{rule: "a region's prefix before it", model: "us-gov.ai21.jamba-1-5-large-v1:0", replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/us/model/us-gov.ai21.jamba-1-5-large-v1%3A0/converse -"}},
		{rule: "an ARN goes to its region", model: fmt.Sprintf(arn, "eu-west-1"), replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/eu" + fmt.Sprintf(escaped, "eu-west-1")}, headers: tried("", "eu")},
		{rule: "an ARN of another region goes to the first", model: fmt.Sprintf(arn, "ap-south-1"), replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/us" + fmt.Sprintf(escaped, "ap-south-1")}, headers: tried("", "bedrock")},
		{rule: "OpenAI's tts-1-hd", model: "tts-1-hd", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions tts-1-hd"}},
		{rule: "OpenAI's whisper-1", model: "whisper-1", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions whisper-1"}},
		{rule: "OpenAI's omni-moderation-latest", model: "omni-moderation-latest", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions omni-moderation-latest"}},
		{rule: "OpenAI's davinci-002", model: "davinci-002", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions davinci-002"}},
		{rule: "OpenAI's babbage-002", model: "babbage-002", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions babbage-002"}},
		{rule: "OpenAI's codex-mini-latest", model: "codex-mini-latest", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions codex-mini-latest"}},
		{rule: "OpenAI's computer-use-preview", model: "computer-use-preview", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions computer-use-preview"}},
		{rule: "OpenAI's sora-2", model: "sora-2", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions sora-2"}},
		{rule: "OpenAI's gpt-image-2", model: "gpt-image-2", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions gpt-image-2"}},
		{rule: "OpenAI's ft:gpt-4o:org::x", model: "ft:gpt-4o:org::x", replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions ft:gpt-4o:org::x"}},
		{rule: "a geography that the gateway does not know", model: "in.anthropic.claude-x", replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/us/model/in.anthropic.claude-x/converse -"}},
		{rule: "an ARN of another partition", model: "arn:aws-eusc:bedrock:eusc-de-east-1::foundation-model/amazon.nova-pro-v1:0", replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/us/model/arn%3Aaws-eusc%3Abedrock%3Aeusc-de-east-1%3A%3Afoundation-model%2Famazon.nova-pro-v1%3A0/converse -"}},
		{rule: "a marketplace endpoint goes to its region", model: "arn:aws:sagemaker:eu-west-1:123456789012:endpoint/x", replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/eu/model/arn%3Aaws%3Asagemaker%3Aeu-west-1%3A123456789012%3Aendpoint%2Fx/converse -"}},
		{rule: "another SageMaker resource is no model", model: "arn:aws:sagemaker:eu-west-1:123456789012:model/x", status: 404, get: "is not served here"},
		{rule: "no model is the default one", members: hi, replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions gpt-usual"}},
		{rule: "an unknown model", model: "llama-7b", status: 404, get: "'llama-7b' is not served here; models that are: fall, once, "},
		{rule: "no key, no Authorization", model: "plain", replies: []gatewaytest.Reply{ok}, asked: []string{"/k/chat/completions plain"}},

		{rule: "again after a 503", model: "fall", replies: []gatewaytest.Reply{status(503), ok}, asked: []string{"/a/chat/completions gpt-first", "/a/chat/completions gpt-first"}, headers: tried("2", "openai")},
		{rule: "the next after all retries, by its own name for the model", model: "fall", replies: []gatewaytest.Reply{status(500), status(503), ok}, asked: []string{"/a/chat/completions gpt-first", "/a/chat/completions gpt-first", "/b/chat/completions gpt-second"}, headers: tried("3", "b")},
		{rule: "in another dialect", model: "fall", replies: []gatewaytest.Reply{status(404), status(404), content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/a/chat/completions gpt-first", "/b/chat/completions gpt-second", native + " -"}, get: `"model":"fall"`, headers: tried("3", "bedrock")},
		{rule: "the last error is the client's", model: "fall", replies: []gatewaytest.Reply{status(404), status(404), throttled}, asked: []string{"/a/chat/completions gpt-first", "/b/chat/completions gpt-second", native + " -", native + " -"}, status: 429, get: `"Slow"`, headers: tried("4", "bedrock")},
		{rule: "the client's own mistake is nobody else's", model: "fall", replies: []gatewaytest.Reply{status(400)}, asked: []string{"/a/chat/completions gpt-first"}, status: 400, get: "E400", headers: tried("", "openai")},
		{rule: "a refused key is left for the next at once", model: "fall", replies: []gatewaytest.Reply{status(401), ok}, asked: []string{"/a/chat/completions gpt-first", "/b/chat/completions gpt-second"}, headers: tried("2", "b")},
		{rule: "a wait that is too long is left for the next", model: "fall", replies: []gatewaytest.Reply{{Status: 429, Body: "{}", Header: map[string]string{"Retry-After": "8"}}, ok}, asked: []string{"/a/chat/completions gpt-first", "/b/chat/completions gpt-second"}, headers: tried("2", "b")},
		{rule: "a reply that breaks is asked for again", model: "fall", replies: []gatewaytest.Reply{{Body: word[:20], Cut: true}, ok}, asked: []string{"/a/chat/completions gpt-first", "/a/chat/completions gpt-first"}, headers: tried("2", "openai")},
		{rule: "a stream that breaks before its first frame too", model: "fall", members: streamed, replies: []gatewaytest.Reply{{Body: "data: {", Cut: true}, sseOK}, asked: []string{"/a/chat/completions gpt-first", "/a/chat/completions gpt-first"}, headers: tried("2", "openai")},
		{rule: "a stream that breaks behind it is not", model: "fall", members: streamed, replies: []gatewaytest.Reply{{Body: gatewaytest.SSE(chunk(`"choices":[]`)), Cut: true}, sseOK}, asked: []string{"/a/chat/completions gpt-first"}, get: `data: {"error":`},
		{rule: "an exception as a stream's first frame falls back", model: "eu.anthropic.claude-x", members: streamed, replies: []gatewaytest.Reply{frames(`throttlingException {"message":"x"}`), frames(said(say(0, "Word"))...)}, asked: []string{"/us/model/eu.anthropic.claude-x/converse-stream -", "/us/model/eu.anthropic.claude-x/converse-stream -"}, get: `"content":"Word"`, headers: tried("2", "bedrock")},
		{rule: "default and short routes retry twice", model: "once", replies: []gatewaytest.Reply{status(503)}, asked: []string{"/b/chat/completions once", "/b/chat/completions once", "/b/chat/completions once"}, status: 503, get: "E503", headers: tried("3", "b")},
		{rule: "x-should-retry: false is believed", model: "once", replies: []gatewaytest.Reply{{Status: 503, Body: "{}", Header: map[string]string{"X-Should-Retry": "false"}}}, asked: []string{"/b/chat/completions once"}, status: 503},
		{rule: "no further try begins behind try_duration", model: "impatient", replies: []gatewaytest.Reply{status(503)}, asked: []string{"/a/chat/completions impatient"}, status: 503, get: "E503"},
		{rule: "what one target cannot say another may", model: "mixed", members: hi + `,"n":2`, replies: []gatewaytest.Reply{status(500)}, asked: []string{"/a/chat/completions gpt-first"}, status: 400, get: "one choice only"},
		{rule: "and the next does", model: "turned", members: hi + `,"n":2`, replies: []gatewaytest.Reply{ok}, asked: []string{"/a/chat/completions gpt-first"}, headers: map[string]string{"Bedrock-Gateway-Upstream": "openai", "Bedrock-Gateway-Dropped": ""}},
		{rule: "what the first dropped is not the next one's loss", model: "turned", members: hi + `,"seed":7`, replies: []gatewaytest.Reply{status(500), ok}, asked: []string{"/us/model/anthropic.claude-3-haiku/converse -", "/a/chat/completions gpt-first"}, headers: map[string]string{"Bedrock-Gateway-Dropped": ""}},
		{rule: "a stream in another dialect", model: "fall", members: streamed, replies: []gatewaytest.Reply{status(404), status(404), frames(said(say(0, "Word"))...)}, asked: []string{"/a/chat/completions gpt-first", "/b/chat/completions gpt-second", native + "-stream -"}, get: `"model":"fall","choices":[{"index":0,"delta":{"content":"Word"}`, headers: tried("3", "bedrock")},
		{rule: "an upstream that is not there, its address untold", model: "lost", status: 502, get: `{"error":{"message":"the upstream cannot be reached","type":"api_error","param":null,"code":"upstream_unreachable"}}`, headers: tried("", "dead")},
		{rule: "a model's name is one segment of the path, whatever it is", model: "us.meta.x/../é ?y#z%2F:1", replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")}, asked: []string{"/us/model/us.meta.x%2F..%2F%C3%A9%20%3Fy%23z%252F%3A1/converse -"}},
		{
			rule: "an opaque profile has the configured family", model: "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc", members: hi + `,"top_k":5`, replies: []gatewaytest.Reply{content(`{"text":"Word"}`, "end_turn")},
			asked: []string{"/eu/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Aapplication-inference-profile%2Fabc/converse -"}, headers: map[string]string{"Bedrock-Gateway-Dropped": ""},
		},
	} {
		t.Run(h.rule, func(t *testing.T) {
			// A gateway of its own: failures are remembered.
			u := gatewaytest.NewUpstream(t)
			g := gatewaytest.Start(t, fmt.Sprintf(routes, u.URL))
			u.Play(h.replies...)
			if h.members == "" {
				h.members = hi
			}
			if h.model != "" {
				h.members = fmt.Sprintf(`"model":%q,`, h.model) + h.members
			}
			a := g.Post(t, "/v1/chat/completions", "{"+h.members+"}")
			h.check(t, a, u.Seen())
		})
	}
}

// authorizations are the credentials of the upstreams, by the beginnings of their paths.
var authorizations = map[string]string{"/a": "Bearer sk-1", "/b": "Bearer sk-2", "/k": "", "/u": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", "/e": "Bearer ABSK-key"}

func (h *hop) check(t *testing.T, a *gatewaytest.Answer, seen []gatewaytest.Seen) {
	t.Helper()
	if a.Status != max(h.status, 200) || !strings.Contains(a.Body, h.get) {
		t.Errorf("the client got %d %s", a.Status, a.Body)
	}
	for name, want := range h.headers {
		if got := a.Header.Get(name); got != want {
			t.Errorf("the client got %s: %q, not %q", name, got, want)
		}
	}
	var asked []string
	for _, s := range seen {
		model := "-"
		if _, rest, found := strings.Cut(s.Body, `"model":"`); found {
			model, _, _ = strings.Cut(rest, `"`)
		}
		asked = append(asked, s.Path+" "+model)
		if want, got := authorizations[s.Path[:2]], s.Header.Get("Authorization"); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s was asked with the credentials %q", s.Path, got)
		}
	}
	if fmt.Sprint(asked) != fmt.Sprint(h.asked) {
		t.Errorf("asked were\n%s\nnot\n%s", strings.Join(asked, "\n"), strings.Join(h.asked, "\n"))
	}
}

// TestPolicies shows the orders in which targets are tried.
func TestPolicies(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf(routes, u.URL))
	body := func(model string) string { return fmt.Sprintf(`{"model":%q,%s}`, model, hi) }
	t.Run("least_pending", func(t *testing.T) {
		u.Play(gatewaytest.Reply{Body: "{}"})
		until, began := make(chan struct{}), make(chan struct{})
		u.PlayAt("/a/chat/completions", gatewaytest.Reply{Body: "{", Until: until, Rest: "}", Began: began}, gatewaytest.Reply{Body: "{}"})
		over := make(chan struct{})
		go func() {
			defer close(over)
			if res, err := g.Try(context.Background(), "/v1/chat/completions", body("even")); err == nil {
				_ = res.Body.Close()
			}
		}()
		<-began
		for range 2 {
			if a := g.Post(t, "/v1/chat/completions", body("even")); a.Header.Get("Bedrock-Gateway-Upstream") != "b" {
				t.Errorf("while the first was at work, %q was asked", a.Header.Get("Bedrock-Gateway-Upstream"))
			}
		}
		close(until)
		<-over
		if a := g.Post(t, "/v1/chat/completions", body("even")); a.Header.Get("Bedrock-Gateway-Upstream") != "openai" {
			t.Errorf("when it was idle again, %q was asked", a.Header.Get("Bedrock-Gateway-Upstream"))
		}
	})
	t.Run("weighted", func(t *testing.T) {
		u.Play(gatewaytest.Reply{Body: "{}"})
		const n = 400
		first := 0
		for range n {
			if a := g.Post(t, "/v1/chat/completions", body("often")); a.Header.Get("Bedrock-Gateway-Upstream") == "openai" {
				first++
			}
		}
		// Three of four are expected; the bounds are nearly seven standard deviations away.
		if first < 240 || first > 360 {
			t.Errorf("of %d calls, %d went to the one of weight 3 beside 1", n, first)
		}
	})
}

// TestEnvironment shows that a model of an upstream that is not configured says what is missing.
func TestEnvironment(t *testing.T) {
	for _, name := range []string{"OPENAI_API_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "S3_FILES_BUCKET", "DEFAULT_OPENAI_MODEL"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", "/dev/null")
	g := gatewaytest.Start(t, "bedrock_gateway")
	for model, want := range map[string]string{"gpt-4o": "OPENAI_API_KEY", sonnet35: "AWS_REGION"} {
		a := g.Post(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s}`, model, hi))
		if a.Status != http.StatusNotFound || !gatewaytest.SameJSON(a.Body, fault("invalid_request_error", "model", "model_not_found", want)) {
			t.Errorf("%s: got %d %s", model, a.Status, a.Body)
		}
	}
}
