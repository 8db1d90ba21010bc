// Package translation_test shows the rules of translation through the whole Caddy, as tables: what the client asks, what
// the upstream must have been sent, what it replies, and what the client must get. Each row names its rule. Streams that
// break are in test/streams, and combinations of dialects in test/grid.
package translation_test

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// The models of the rows, by what is told of them.
const (
	sonnet35 = "anthropic.claude-3-5-sonnet-20241022-v2:0"
	sonnet37 = "anthropic.claude-3-7-sonnet-20250219-v1:0"
	haiku45  = "anthropic.claude-haiku-4-5-20251001-v1:0" // takes formats natively
	opus46   = "anthropic.claude-opus-4-6-v1"             // adaptive thinking, or a budget
	opus47   = "us.anthropic.claude-opus-4-7-v1"          // adaptive thinking, no sampling
	fable    = "anthropic.claude-fable-5-1-v1:0"          // always thinks, takes no forced tool
	nova     = "amazon.nova-pro-v1:0"
	nova2    = "us.amazon.nova-2-lite-v1:0"
	novaText = "amazon.nova-micro-v1:0" // no images, no documents
	mistral  = "mistral.mistral-large-2407-v1:0"
	voxtral  = "mistral.voxtral-small-24b-2507" // takes audio
	gptOSS   = "openai.gpt-oss-120b-1:0"
	deepseek = "deepseek.v3-v1:0"
	llama    = "us.meta.llama3-3-70b-instruct-v1:0"
	gpt      = "gpt-4o"
)

// row is one exchange, and the rule that it shows.
type row struct {
	rule    string
	model   string            // "": sonnet35
	request string            // the body's members behind the model; the whole body if it begins with a brace
	header  map[string]string // of the client, besides those of every row
	reply   gatewaytest.Reply // none: a plain word
	// sent is the JSON that the upstream must have been sent, "" for any; where a row is an error and gives no reply, the
	// upstream must not have been asked at all. What begins with "=" is exact to the byte, here and in get.
	sent   string
	path   string // that the upstream was asked at; "": the one of the model's chat
	status int    // 0: 200
	// get is what the client must get, "" for anything: JSON, or the exact text of a stream.
	get     string
	headers map[string]string // of the answer; "" for one that must not be there
}

const hi = `"messages":[{"role":"user","content":"Hi"}]`

// secret is in every client's credentials, and must not go on in any header.
const secret = "the-clients-own"

// table is a running gateway with one upstream behind it that plays both providers.
type table struct {
	g *gatewaytest.Gateway
	u *gatewaytest.Upstream
}

// start runs the gateway; words are further sub-directives.
func start(t *testing.T, words ...string) *table {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	openai sk-gateway {
		base_url %[1]s/v1
	}
	bedrock us-east-1 {
		endpoint %[1]s
		credentials AKIDEXAMPLE secret
	}
	route gpt-* {
		to openai
		retries 0
	}
	route *.* {
		to bedrock
		retries 0
	}
	%[2]s
}`, u.URL, strings.Join(words, "\n\t")))}
}

func (tb *table) run(t *testing.T, rows []row) {
	t.Helper()
	for i := range rows {
		r := &rows[i]
		t.Run(r.rule, func(t *testing.T) { tb.one(t, r) })
	}
}

func (r *row) body() string {
	if strings.HasPrefix(r.request, "{") {
		return r.request
	}
	return fmt.Sprintf(`{"model":%q,%s}`, r.model, r.request)
}

func (r *row) streams() bool { return strings.Contains(r.request, `"stream":true`) }

// native reports whether the row's model is Bedrock's.
func (r *row) native() bool { return !strings.HasPrefix(r.model, "gpt-") }

func (r *row) upstreamPath() string {
	switch {
	case r.path != "":
		return r.path
	case !r.native():
		return "/v1/chat/completions"
	case r.streams():
		return "/model/" + url.QueryEscape(r.model) + "/converse-stream"
	}
	return "/model/" + url.QueryEscape(r.model) + "/converse"
}

func (tb *table) one(t *testing.T, r *row) {
	t.Helper()
	if r.model == "" {
		r.model = sonnet35
	}
	asked := r.status < 400 || r.reply.Body != "" || r.sent != ""
	reply := r.reply
	if reply.Body == "" && reply.Status == 0 {
		reply.Body = r.plain()
	}
	tb.u.Play(reply)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader(r.body()))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer " + secret, "X-Api-Key": secret, "Cookie": "s=" + secret,
		"Accept-Encoding": "gzip", "Openai-Organization": secret,
	} {
		req.Header.Set(k, v)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	a := tb.g.Do(t, req)
	r.checkSent(t, tb.u.Seen(), asked)
	r.checkAnswer(t, a)
}

// plain is the reply that says a plain word.
func (r *row) plain() string {
	const chunk = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[`
	switch native, streams := r.native(), r.streams(); {
	case native && streams:
		return gatewaytest.Frames(said(`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Word"}}`)...)
	case native:
		return content(`{"text":"Word"}`, "end_turn").Body
	case streams:
		return gatewaytest.SSE(chunk+`{"index":0,"delta":{"content":"Word"},"finish_reason":null}]}`, chunk+`{"index":0,"delta":{},"finish_reason":"stop"}]}`, "[DONE]")
	}
	return `{"id":"c1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Word"},"finish_reason":"stop"}]}`
}

func (r *row) checkSent(t *testing.T, seen []gatewaytest.Seen, asked bool) {
	t.Helper()
	if !asked {
		if len(seen) != 0 {
			t.Errorf("the upstream was asked all the same: %s", seen[0].Body)
		}
		return
	}
	if len(seen) != 1 {
		t.Errorf("the upstream was asked %d times", len(seen))
		return
	}
	s := seen[0]
	if s.Method != http.MethodPost || s.Path != r.upstreamPath() {
		t.Errorf("the upstream was asked %s %s, not %s", s.Method, s.Path, r.upstreamPath())
	}
	checkHeaders(t, s.Header, r.native())
	switch exact, is := strings.CutPrefix(r.sent, "="); {
	case is && s.Body != exact:
		t.Errorf("the upstream was sent\n%s\nnot to the byte\n%s", s.Body, exact)
	case !is && r.sent != "" && !gatewaytest.SameJSON(s.Body, r.sent):
		t.Errorf("the upstream was sent\n%s\nnot\n%s", s.Body, r.sent)
	}
}

// checkHeaders checks what holds for every call of an upstream: the gateway's own credentials, none of the client's, and
// nothing compressed.
func checkHeaders(t *testing.T, h http.Header, native bool) {
	t.Helper()
	if got := h["Accept-Encoding"]; len(got) != 1 || got[0] != "identity" {
		t.Errorf("the upstream was asked for the encodings %q", got)
	}
	auth := "Bearer sk-gateway"
	if native {
		auth = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
	}
	if got := h["Authorization"]; len(got) != 1 || !strings.HasPrefix(got[0], auth) {
		t.Errorf("the upstream was sent the credentials %q", got)
	}
	for name, values := range h {
		if strings.Contains(strings.Join(values, " "), secret) {
			t.Errorf("the client's %s went on to the upstream", name)
		}
	}
}

func (r *row) checkAnswer(t *testing.T, a *gatewaytest.Answer) {
	t.Helper()
	if a.Status != max(r.status, 200) {
		t.Errorf("the client got status %d: %s", a.Status, a.Body)
	}
	if !ownID.MatchString(a.Header.Get("X-Request-Id")) {
		t.Errorf("the answer's id is %q", a.Header.Get("X-Request-Id"))
	}
	for name, want := range r.headers {
		if got := strings.Join(a.Header[http.CanonicalHeaderKey(name)], " | "); got != want {
			t.Errorf("the client got %s: %q, not %q", name, got, want)
		}
	}
	if _, said := r.headers["Bedrock-Gateway-Dropped"]; !said && a.Header.Get("Bedrock-Gateway-Dropped") != "" {
		t.Errorf("dropped without a word in the row: %s", a.Header.Get("Bedrock-Gateway-Dropped"))
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream") {
		if got := sameIDs(t, a.Body); r.get != "" && got != r.get {
			t.Errorf("the client got the stream\n%s\nnot\n%s", got, r.get)
		}
		if broken := strings.Contains(r.get, `data: {"error":`); broken != (a.Broken != nil) {
			t.Errorf("the connection ended with %v", a.Broken)
		}
		return
	}
	exact, is := strings.CutPrefix(r.get, "=")
	if is && a.Body != exact || !is && r.get != "" && !gatewaytest.SameJSON(a.Body, r.get) {
		t.Errorf("the client got\n%s\nnot\n%s", a.Body, r.get)
	}
}

var (
	ownID  = regexp.MustCompile(`^req_[0-9A-Za-z]{24}$`)
	chunks = regexp.MustCompile(`"id":"(chatcmpl-[0-9A-Za-z]{24})"(,"object":"chat.completion.chunk","created":)(\d{10}),`)
)

// sameIDs checks that all of the gateway's own chunks have one id and time, and puts * in their places.
func sameIDs(t *testing.T, stream string) string {
	t.Helper()
	found := chunks.FindAllStringSubmatch(stream, -1)
	for _, m := range found {
		if m[1] != found[0][1] || m[3] != found[0][3] {
			t.Errorf("the stream's chunks have other ids or times: %s and %s", m[0], found[0][0])
		}
	}
	return chunks.ReplaceAllString(stream, `"id":"*"$2*,`)
}
