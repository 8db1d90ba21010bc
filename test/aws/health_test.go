package aws

import (
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// The health page has each upstream's name and state, and whether its credentials are valid, as AWS sees it. Why not, and
// what credentials they are, is in the log: the page may be public.
func TestHealthTellsOfCredentials(t *testing.T) {
	c := newCloud(t, "us-east-1")
	b := c.bedrock(t)
	b.key = "the-good-key"
	openai := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: `{"object":"list","data":[]}`})
	g := gatewaytest.Start(t, "bedrock_gateway {\nopenai sk-x {\nbase_url "+openai.URL+"/v1\n}\n"+
		b.block("static", c.static())+
		b.block("role", c.static(), c.role())+
		b.block("refused", c.static(), "assume_role "+roleARN+" {\nexternal_id wrong-number\n}")+
		b.block("mistyped", c.static()+"x")+
		b.block("keyed", "api_key the-good-key")+
		b.block("badkey", "api_key the-bad-key")+
		strings.Replace(b.block("unreachable", c.static()), "control_endpoint "+b.url, "control_endpoint http://127.0.0.1:1", 1)+"}")
	a := g.Get(t, "/health?verbose")
	const want = `{"status":"ok","upstreams":[
		{"name":"openai","status":"healthy"},
		{"name":"static","status":"healthy","credentials_valid":true},
		{"name":"role","status":"healthy","credentials_valid":true},
		{"name":"refused","status":"unhealthy","credentials_valid":false},
		{"name":"mistyped","status":"unhealthy","credentials_valid":false},
		{"name":"keyed","status":"healthy","credentials_valid":true},
		{"name":"badkey","status":"unhealthy","credentials_valid":false},
		{"name":"unreachable","status":"unhealthy","credentials_valid":true}
	]}`
	if a.Status != 200 || !gatewaytest.SameJSON(a.Body, want) {
		t.Errorf("got %d %s", a.Status, a.Body)
	}
	logged, err := os.ReadFile(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ upstream, message, method string }{
		{"refused", "the gateway has no valid AWS credentials for upstream 'refused': access denied when assuming role; its log says more", "static credentials, assume role"},
		{"mistyped", "Bedrock refused the gateway's own credentials (InvalidSignatureException); its operator must see to them", "static credentials"},
		{"badkey", "Bedrock refused the gateway's own credentials (AccessDeniedException); its operator must see to them", "Bedrock API key"},
		{"unreachable", "the upstream cannot be reached", "static credentials"},
	} {
		found := false
		for line := range strings.Lines(string(logged)) {
			found = found || strings.Contains(line, "upstream is unhealthy") && strings.Contains(line, `"upstream":"`+c.upstream+`"`) &&
				strings.Contains(line, c.message) && strings.Contains(line, `"credentials_method":"`+c.method+`"`)
		}
		if !found {
			t.Errorf("the log does not say of %s: %s", c.upstream, c.message)
		}
	}
	for _, private := range append(c.known(), "arn:", "111111111111", "222222222222", "AKIA", "ASIA", "the-good-key", "the-bad-key", "wrong-number") {
		if strings.Contains(a.Body, private) {
			t.Errorf("%s is on the page: %s", private, a.Body)
		}
	}
	if b.take(); g.Get(t, "/health?verbose").Body == "" || len(b.take()) != 0 {
		t.Error("a second look a moment later asks AWS again")
	}
	if a := g.Get(t, "/health"); a.Body != `{"status":"ok"}` {
		t.Errorf("without verbose: %s", a.Body)
	}
}
