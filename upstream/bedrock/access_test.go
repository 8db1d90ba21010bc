package bedrock

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// offered writes the offers of a model as Bedrock-Gateway-Api would.
func offered(u *Upstream, id string) string {
	var names []string
	for _, o := range u.Offers(id) {
		names = append(names, o.Access.String())
	}
	return strings.Join(names, " ")
}

// An operator's api and host bind the offers, also to what the tables know nothing of.
func TestOffersByConfiguration(t *testing.T) {
	const (
		gpt  = "us.openai.gpt-5.6-sol"
		opus = "us.anthropic.claude-opus-5"
	)
	for name, c := range map[string]struct {
		model Model
		id    string
		want  string
	}{
		"nothing said":              {Model{Pattern: "x"}, gpt, "responses converse chat"},
		"an api":                    {Model{Pattern: "*", API: "chat"}, gpt, "chat"},
		"a host":                    {Model{Pattern: "*", Host: "mantle"}, gpt, "mantle/responses mantle/chat"},
		"both":                      {Model{Pattern: "*", API: "chat", Host: "mantle"}, gpt, "mantle/chat"},
		"the runtime by name":       {Model{Pattern: "*", Host: "runtime"}, opus, "converse invoke messages"},
		"an api of mantle's alone":  {Model{Pattern: "*", API: "chat"}, "xai.grok-4.3", "mantle/chat"},
		"an api that is not known":  {Model{Pattern: "*", API: "chat"}, "amazon.nova-lite-v1:0", "chat"},
		"a host that is not known":  {Model{Pattern: "*", Host: "mantle"}, "amazon.nova-lite-v1:0", "mantle/chat"},
		"an ARN like a known model": {Model{Pattern: "arn:*", Like: gpt, API: "chat"}, "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", "chat"},
	} {
		t.Run(name, func(t *testing.T) {
			u := &Upstream{Models: []Model{c.model}}
			if err := u.resolve(caddy.NewReplacer(), zap.NewNop()); err != nil {
				t.Fatal(err)
			}
			if got := offered(u, c.id); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestModelsOfNoAPI(t *testing.T) {
	for _, m := range []Model{{Pattern: "x", API: "soap"}, {Pattern: "x", Host: "moon"}, {Pattern: "x", API: "converse", Host: "mantle"}} {
		u := &Upstream{Models: []Model{m}}
		if err := u.resolve(caddy.NewReplacer(), zap.NewNop()); err == nil {
			t.Errorf("%+v is taken", m)
		}
	}
}

// Every request asks for the offers.
func TestOffersAllocateNothing(t *testing.T) {
	u := &Upstream{}
	if err := u.resolve(caddy.NewReplacer(), zap.NewNop()); err != nil {
		t.Fatal(err)
	}
	var offers []upstream.Offer
	if n := testing.AllocsPerRun(100, func() { offers = u.Offers("us.anthropic.claude-opus-5") }); n != 0 || len(offers) == 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestABodyForMessages(t *testing.T) {
	for in, want := range map[string]string{
		`{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[]}`:                `{"max_tokens":9,"messages":[],"model":"m","stream":true}`,
		`{"max_tokens":9,"anthropic_beta":["a","b"],"anthropic_version":"bedrock-2023-05-31"}`:   `{"max_tokens":9,"model":"m","stream":true} a,b`,
		`{"anthropic_version":"bedrock-2023-05-31","system":"anthropic_version","stream":false}`: `{"system":"anthropic_version","model":"m","stream":true}`,
		`{}`: `{"model":"m","stream":true}`,
	} {
		body, betas, err := asMessages([]byte(in), "m", true)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(string(body) + " " + strings.Join(betas, ",")); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
	if _, _, err := asMessages([]byte(`[]`), "m", false); err == nil {
		t.Error("a list is taken for a body")
	}
}

func TestTheModelInABody(t *testing.T) {
	const body = `{"stream":true,"model":"a","x":{"model":"a"}}`
	if got := string(named([]byte(body), "b")); got != `{"stream":true,"model":"b","x":{"model":"a"}}` {
		t.Error(got)
	}
	same := []byte(body)
	if got := named(same, "a"); &got[0] != &same[0] {
		t.Error("a body that names the model is copied")
	}
}

// Errors come in OpenAI's form, in Anthropic's, and in that of Responses' streams.
func TestErrorsOfEvents(t *testing.T) {
	for _, c := range []struct {
		name, data string
		kind       chat.ErrorKind
		none       bool
	}{
		{"", `{"error":{"message":"m","type":"rate_limit_error","code":"rate_limit_exceeded"}}`, chat.ErrRateLimit, false},
		{"error", `{"type":"error","error":{"type":"overloaded_error","message":"m"}}`, chat.ErrOverloaded, false},
		{"error", `{"type":"error","code":"server_error","message":"m","param":null,"sequence_number":3}`, chat.ErrUpstream, false},
		{"", `{"error":{"message":"prompt is too long","type":"invalid_request_error"}}`, chat.ErrInvalidRequest, false},
		{"", `{"error":null,"choices":[]}`, 0, true},
		{"", `{"choices":[{"delta":{"content":"{\"error\":1}"}}]}`, 0, true},
		{"error", `not JSON`, 0, true},
		{"", `[DONE]`, 0, true},
	} {
		e := eventError([]byte(c.name), []byte(c.data))
		if (e == nil) != c.none || e != nil && e.Kind != c.kind {
			t.Errorf("%s: %+v", c.data, e)
		}
	}
}

// What the tables offer is of the dialects that there are, or of none.
func TestEveryWayHasItsDialect(t *testing.T) {
	for _, list := range model.AllAccesses() {
		for _, o := range offersOf(list) {
			if o.Dialect != nil && o.Dialect.Name() != o.Speaks() || o.Dialect == nil && o.API != model.Responses {
				t.Errorf("%s has no dialect", o.Access)
			}
		}
	}
}
