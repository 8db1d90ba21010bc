package observe_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

const (
	userKey = "key-of-alice-0123456789"
	prompt  = "PROMPT-OF-ALICE"
	reply   = "REPLY-TO-ALICE"
)

// secrets are what no log, metric, trace or page may have: keys, what clients said and what they were told.
var secrets = map[string]string{
	"the key of OpenAI": openai.DefaultKey, "the secret of AWS": bedrock.DefaultSecretAccessKey, "an API key of Bedrock": "bedrock-key-0123456789",
	"the key of a user": userKey, "a prompt": prompt, "a reply": reply,
}

// secretive is a gateway whose upstreams answer, fail, refuse and break, all of them in words that hold secrets.
func secretive(t *testing.T, accessLog string) string {
	t.Helper()
	t.Setenv("SECRET_OPENAI", openai.DefaultKey)
	t.Setenv("SECRET_AWS", bedrock.DefaultSecretAccessKey)
	t.Setenv("SECRET_BEDROCK", "bedrock-key-0123456789")
	t.Setenv("SECRET_USER", userKey)
	told := gatewaytest.NewUpstream(t)
	told.PlayAt("/v1/chat/completions",
		gatewaytest.Reply{Body: strings.Replace(answered, "Hello", reply, 1)},
		gatewaytest.Reply{Status: 400, Body: `{"error":{"message":"` + prompt + ` is too long, and so is ` + reply + `","type":"invalid_request_error","param":"messages"}}`},
		gatewaytest.Reply{Body: gatewaytest.SSE(`{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"` + reply + `"},"finish_reason":null}]}`), Cut: true},
		gatewaytest.Reply{Body: `{"choices":"` + reply + `"}`},
		gatewaytest.Reply{Body: reply},
		gatewaytest.Reply{Body: gatewaytest.SSE(`{"error":{"message":"` + reply + ` broke","type":"invalid_request_error"}}`)},
		gatewaytest.Reply{Body: gatewaytest.SSE(`{"choices":[{"delta":{"content":"`+reply) + "\n\n"})
	told.PlayAt("/v1/embeddings", gatewaytest.Reply{Body: `{"data":["` + reply + `"]}`})
	simulated := simulators(t)
	return `log {
	output file ` + accessLog + `
	format filter {
		request>headers>X-Api-Key delete
		request>headers>Api-Key delete
	}
}
api_key_auth {
	key alice {env.SECRET_USER}
}
bedrock_gateway {
	openai {env.SECRET_OPENAI} {
		base_url ` + simulated + `/v1
	}
	bedrock us-east-1 {
		endpoint ` + simulated + `
		credentials ` + bedrock.DefaultAccessKeyID + ` {env.SECRET_AWS}
	}
	upstream keyed bedrock us-east-1 {
		endpoint ` + simulated + `
		api_key {env.SECRET_BEDROCK}
	}
	upstream told openai {env.SECRET_OPENAI} {
		base_url ` + told.URL + `/v1
	}
	max_fails 0
	route told* told
	route by-key {
		to keyed ` + nova + `
		retries 0
	}
	price * {
		input 1
		output 1
	}
	usage_log
}`
}

// saySecrets makes every kind of call, with each kind of key header.
func saySecrets(t *testing.T, g *gatewaytest.Gateway) {
	t.Helper()
	headers := []string{"Authorization", "X-Api-Key", "Api-Key"}
	n := 0
	say := func(path, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if n++; n%3 == 0 {
			req.Header.Set(headers[0], "Bearer "+userKey)
		} else {
			req.Header.Set(headers[n%3], userKey)
		}
		if a := g.Do(t, req); a.Status == http.StatusUnauthorized {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
	}
	for _, model := range []string{"gpt-4o", sonnet, nova, "by-key", "told", "told", "unknown"} {
		for _, stream := range []bool{false, true} {
			for _, fault := range []string{"", "[[fault:throttle]]", "[[fault:cut=500]]", "[[fault:context]]", "[[fault:status=502]]", "[[fault:corrupt=300]]", "[[fault:nooutput]]"} {
				say("/v1/chat/completions", fmt.Sprintf(`{"model":%q,"stream":%v,"messages":[{"role":"user","content":"%s %s"}]}`, model, stream, prompt, fault))
			}
			say("/v1/messages", fmt.Sprintf(`{"model":%q,"max_tokens":50,"stream":%v,"messages":[{"role":"user","content":"%s"}]}`, model, stream, prompt))
		}
		say("/v1/embeddings", fmt.Sprintf(`{"model":%q,"input":"%s"}`, model, prompt))
		say("/model/"+model+"/converse", `{"messages":[{"role":"user","content":[{"text":"`+prompt+`"}]}]}`)
	}
	for _, body := range []string{prompt, `{"model":"gpt-4o","messages":"` + prompt + `"}`, `{"model":"gpt-4o","messages":[{"role":"` + prompt + `","content":"x"}]}`, `{"model":"gpt-4o","messages":[{"role":"user","content":"` + prompt} {
		say("/v1/chat/completions", body)
	}
}

// searched reports where a secret stands in a text.
func searched(t *testing.T, where, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s is empty: nothing was searched", where)
	}
	for what, secret := range secrets {
		if i := strings.Index(text, secret); i >= 0 {
			t.Errorf("%s has %s: …%s…", where, what, text[max(0, i-200):min(len(text), i+100)])
		}
	}
}

func TestNoSecretIsTold(t *testing.T) {
	access := filepath.Join(t.TempDir(), "access.log")
	g := gatewaytest.Start(t, "handle /metrics {\n metrics\n}\n"+secretive(t, access))
	saySecrets(t, g)
	metricsOf(t, g)
	searched(t, "metrics", g.Get(t, "/metrics").Body)
	for where, path := range map[string]string{"the log at DEBUG": g.Log, "the access log": access} {
		log, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		searched(t, where, string(log))
	}
	for _, logger := range []string{"http.handlers.bedrock_gateway", "http.handlers.bedrock_gateway.usage"} {
		if len(logged(t, g, logger)) == 0 {
			t.Errorf("%s has no line", logger)
		}
	}
}
