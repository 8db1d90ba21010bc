package aws

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// Nothing secret is in the log at DEBUG level, access log included, whether requests succeed or fail: keys, secrets,
// session tokens, external ids, web identity tokens, API keys, and the clients' own keys. Neither is it in an answer.
// They stand in the configuration as placeholders: Caddy itself logs that whole at DEBUG, as it is written.
func TestNoSecretInTheLog(t *testing.T) {
	c := newCloud(t, "us-east-1")
	session := c.Issue(roleARN, "static", 1<<40)
	const clientKey, openaiKey, otherKey, bedrockKey, wrongID = "sk-client-0123456789", "sk-openai-0123456789", "sk-other-0123456789", "bedrock-key-0123456789", "wrong-number-0123456789"
	c.remember(session.SecretAccessKey, session.SessionToken, clientKey, openaiKey, otherKey, bedrockKey, wrongID)

	hidden := 0
	hide := func(secret string) string {
		hidden++
		name := fmt.Sprintf("GATEWAY_TEST_SECRET_%d", hidden)
		t.Setenv(name, secret)
		return "{env." + name + "}"
	}
	static := "credentials " + c.user.AccessKeyID + " " + hide(c.user.SecretAccessKey)
	role := "assume_role " + roleARN + " {\nexternal_id " + hide("partner-number-7") + "\n}"
	sessionKeys := "credentials " + session.AccessKeyID + " " + hide(session.SecretAccessKey) + " " + hide(session.SessionToken)
	mistyped := "credentials " + session.AccessKeyID + " " + hide(session.SecretAccessKey+"x") + " " + hide(session.SessionToken)

	openai := gatewaytest.NewUpstream(t, gatewaytest.Reply{
		Body: `{"id":"c","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"Hi"},"finish_reason":"stop"}]}`,
	})
	// OpenAI, and what is compatible to it, shows the key that it does not take.
	refusing := gatewaytest.NewUpstream(t, gatewaytest.Reply{Status: 401, Body: `{"error":{"message":"Incorrect API key provided: ` + otherKey + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`})
	// A proxy on the way may answer with the request's own headers.
	echo := c.serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, "<html>refused %v</html>", r.Header)
	})
	b := c.bedrock(t)
	b.key = bedrockKey
	at := func(name, url string, words ...string) string {
		return strings.ReplaceAll(b.block(name, words...), b.url, url)
	}
	sts := func(block, url string) string { return strings.ReplaceAll(block, c.sts, url) }
	upstreams := map[string]struct {
		block  string
		status int
	}{
		"static":      {b.block("static", static), 200},
		"session":     {b.block("session", sessionKeys), 200},
		"role":        {b.block("role", static, role), 200},
		"pod":         {b.block("pod", c.web()), 200},
		"profile":     {b.block("profile", "profile work"), 200},
		"key":         {b.block("key", "api_key "+hide(bedrockKey)), 200},
		"mistyped":    {b.block("mistyped", mistyped), 403},
		"badrole":     {b.block("badrole", static, "assume_role "+roleARN+" {\nexternal_id "+hide(wrongID)+"\n}"), 403},
		"badbase":     {b.block("badbase", mistyped, role), 403},
		"badkey":      {b.block("badkey", "api_key "+hide(otherKey)), 403},
		"echoed":      {at("echoed", echo, sessionKeys), 403},
		"echoedkey":   {at("echoedkey", echo, "api_key "+hide(bedrockKey)), 403},
		"echoedsts":   {sts(b.block("echoedsts", sessionKeys, role), echo), 403},
		"unreachable": {at("unreachable", "http://127.0.0.1:1", sessionKeys), 502},
		"nosts":       {sts(b.block("nosts", static, role), "http://127.0.0.1:1"), 503},
	}
	var block strings.Builder
	for _, u := range upstreams {
		block.WriteString(u.block)
	}
	g := gatewaytest.Start(t, `log {
	format filter {
		request>headers>X-Api-Key delete
		request>headers>Api-Key delete
	}
	output file `+c.dir+`/access.log
}
api_key_auth {
	key alice `+hide(clientKey)+`
}
bedrock_gateway {
	openai `+hide(openaiKey)+` {
		base_url `+openai.URL+`/v1
	}
	upstream refusing openai `+hide(otherKey)+` {
		base_url `+refusing.URL+`/v1
	}
	route refusing-* refusing
`+block.String()+"}")

	var answers bytes.Buffer
	send := func(method, path, header, body string) *gatewaytest.Answer {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, gatewaytest.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		value := clientKey
		if header == "Authorization" {
			value = "Bearer " + clientKey
		}
		req.Header.Set(header, value)
		a := g.Do(t, req)
		_, _ = io.WriteString(&answers, a.Body)
		_ = a.Header.Write(&answers)
		return a
	}
	for name, u := range upstreams {
		for _, header := range []string{"Authorization", "X-Api-Key", "Api-Key"} {
			if a := send(http.MethodPost, "/v1/chat/completions", header, ask(name)); a.Status != u.status {
				t.Errorf("%s: %d %s; want %d", name, a.Status, a.Body, u.status)
			}
		}
		model := url.PathEscape(name + "-model")
		send(http.MethodPost, "/v1/chat/completions", "Authorization", strings.Replace(ask(name), "{", `{"stream":true,`, 1))
		send(http.MethodPost, "/v1/messages", "X-Api-Key", strings.Replace(ask(name), "{", `{"max_tokens":9,`, 1))
		send(http.MethodPost, "/model/"+model+"/converse", "Authorization", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`)
		send(http.MethodPost, "/model/"+model+"/invoke", "Authorization", `{"prompt":"Hi"}`)
	}
	send(http.MethodPost, "/v1/chat/completions", "Authorization", `{"model":"gpt-4o","messages":[{"role":"user","content":"Hi"}]}`)
	send(http.MethodPost, "/v1/chat/completions", "Authorization", `{"model":"refusing-model","messages":[{"role":"user","content":"Hi"}]}`)
	send(http.MethodPost, "/v1/embeddings", "Authorization", `{"model":"refusing-model","input":"Hi"}`)
	send(http.MethodGet, "/health?verbose", "Authorization", "")
	send(http.MethodGet, "/v1/models", "Authorization", "")
	send(http.MethodGet, "/foundation-models", "Authorization", "")
	if a := g.Post(t, "/v1/chat/completions", chat); a.Status != http.StatusUnauthorized { // a client without a key
		t.Errorf("without a key: %d", a.Status)
	}

	for name, want := range map[string][]string{
		g.Log:                 {`"level":"debug"`, "attempt failed", "access denied when assuming role", "upstream is unhealthy", "upstream 'badrole'"},
		c.dir + "/access.log": {`"status":200`, `"status":403`, `"Authorization":["REDACTED"]`},
	} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !bytes.Contains(text, []byte(w)) {
				t.Errorf("%s does not tell %s: this test proves nothing", name, w)
			}
		}
		secretless(t, name, text, c.known())
	}
	secretless(t, "an answer", answers.Bytes(), c.known())
	if n := len(c.known()); n < 12 {
		t.Errorf("only %d secrets are known: those that STS hands out are missing", n)
	}
}

// secretless looks for secrets, also as JSON, URLs and logs would write them.
func secretless(t *testing.T, where string, text []byte, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for _, form := range []string{s, url.QueryEscape(s), strings.ReplaceAll(s, "/", `\/`)} {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				t.Errorf("a secret is in %s: …%s…", where, text[max(i-300, 0):min(i+len(form)+40, len(text))])
				break
			}
		}
	}
}
