package aws

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// The health page says of each Bedrock upstream whether its credentials are valid, as AWS sees it, and of nobody whose.
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
	type state struct {
		Name, Kind, Status, Message string
		Method                      string `json:"credentials_method"`
		Valid                       *bool  `json:"credentials_valid"`
		Expire                      string `json:"credentials_expire"`
	}
	var page struct{ Upstreams []state }
	if err := json.Unmarshal([]byte(a.Body), &page); err != nil || a.Status != 200 {
		t.Fatal(a.Status, a.Body, err)
	}
	yes, no := new(bool), new(bool)
	*yes = true
	want := []state{
		{Name: "openai", Kind: "openai", Status: "healthy"},
		{Name: "static", Status: "healthy", Method: "static credentials", Valid: yes},
		{Name: "role", Status: "healthy", Method: "static credentials, assume role", Valid: yes, Expire: "in an hour"},
		{Name: "refused", Status: "unhealthy", Message: "the gateway has no valid AWS credentials for upstream 'refused': access denied when assuming role; its log says more", Method: "static credentials, assume role", Valid: no},
		{Name: "mistyped", Status: "unhealthy", Message: "Bedrock refused the gateway's own credentials (InvalidSignatureException); its operator must see to them", Method: "static credentials", Valid: no},
		{Name: "keyed", Status: "healthy", Method: "Bedrock API key", Valid: yes},
		{Name: "badkey", Status: "unhealthy", Message: "Bedrock refused the gateway's own credentials (AccessDeniedException); its operator must see to them", Method: "Bedrock API key", Valid: no},
		{Name: "unreachable", Status: "unhealthy", Message: "the upstream cannot be reached", Method: "static credentials", Valid: yes},
	}
	if len(page.Upstreams) != len(want) {
		t.Fatalf("got %s", a.Body)
	}
	for i, got := range page.Upstreams {
		w := want[i]
		if w.Kind == "" {
			w.Kind = "bedrock"
		}
		if w.Expire != "" {
			if at, err := time.Parse(time.RFC3339, got.Expire); err != nil || time.Until(at) < 50*time.Minute || time.Until(at) > time.Hour {
				t.Errorf("%s expires %s", got.Name, got.Expire)
			}
			got.Expire = w.Expire
		}
		if (got.Valid == nil) != (w.Valid == nil) || got.Valid != nil && *got.Valid != *w.Valid {
			t.Errorf("%s: credentials_valid is not right in %s", got.Name, a.Body)
		}
		if got.Valid = w.Valid; got != w {
			t.Errorf("got  %+v\nwant %+v", got, w)
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
