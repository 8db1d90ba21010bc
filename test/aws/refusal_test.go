package aws

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// Whatever AWS says about the gateway's account, its users and its roles, clients of no form are told.
func TestRefusalsNameNoAccount(t *testing.T) {
	const (
		account = "123456789012"
		who     = "arn:aws:sts::" + account + ":assumed-role/SecretTeam/gateway"
		what    = "arn:aws:bedrock:us-east-1:" + account + ":inference-profile/us." + claude
		china   = "arn:aws-cn:iam::" + account + ":role/SecretTeam"
	)
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, `bedrock_gateway {
	bedrock us-east-1 {
		endpoint `+u.URL+`
		control_endpoint `+u.URL+`
		credentials AKIDEXAMPLE secret
	}
	route * {
		to bedrock
		retries 0
	}
}`)
	messages := `"messages":[{"role":"user","content":"Hi"}]`
	converse := `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`
	invoke := `{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,` + messages + `}`
	requests := []struct{ name, path, body string }{
		{"OpenAI", "/v1/chat/completions", `{"model":"` + claude + `",` + messages + `}`},
		{"OpenAI stream", "/v1/chat/completions", `{"model":"` + claude + `","stream":true,` + messages + `}`},
		{"Claude", "/v1/messages", `{"model":"` + claude + `","max_tokens":9,` + messages + `}`},
		{"Claude stream", "/v1/messages", `{"model":"` + claude + `","max_tokens":9,"stream":true,` + messages + `}`},
		{"Claude count", "/v1/messages/count_tokens", `{"model":"` + claude + `",` + messages + `}`},
		{"Converse", "/model/" + claude + "/converse", converse},
		{"ConverseStream", "/model/" + claude + "/converse-stream", converse},
		{"InvokeModel", "/model/" + claude + "/invoke", invoke},
		{"InvokeModelWithResponseStream", "/model/" + claude + "/invoke-with-response-stream", invoke},
		{"InvokeModel unread", "/model/" + claude + "/invoke", `{"prompt":"Hi"}`},
		{"CountTokens", "/model/" + claude + "/count-tokens", `{"input":{"converse":` + converse + `}}`},
	}
	refusals := []struct {
		code, message  string
		status, answer int // what Bedrock says, and the least that the client must get
	}{
		{"AccessDeniedException", "User: " + who + " is not authorized to perform: bedrock:InvokeModel on resource: " + what + " because no identity-based policy allows the bedrock:InvokeModel action", 403, 403},
		{"AccessDeniedException", "Your account " + account + " is not authorized to invoke this API operation.", 403, 403},
		{"UnrecognizedClientException", "The security token of " + who + " is invalid.", 403, 403},
		{"SubscriptionRequiredException", "The account " + account + " needs a subscription.", 403, 403},
		{"ValidationException", "Invocation by (" + who + ") of " + what + ", with '" + china + "', isn’t supported.", 400, 400},
		{"ResourceNotFoundException", "Could not resolve " + what, 404, 404},
		{"ThrottlingException", "Too many requests by " + who, 429, 429},
		{"InternalServerException", who + " met an error", 500, 500},
	}
	for _, r := range requests {
		for i, ref := range refusals {
			t.Run(fmt.Sprintf("%s/%s %d", r.name, ref.code, i), func(t *testing.T) {
				u.Play(gatewaytest.Reply{
					Status: ref.status, Header: map[string]string{"X-Amzn-Errortype": ref.code + ":http://internal.amazon.com/"},
					Body: fmt.Sprintf(`{"message":%q,"principal":%q}`, ref.message, who),
				})
				a := g.Post(t, r.path, r.body)
				told := a.Body
				for name, values := range a.Header {
					told += "\n" + name + ": " + strings.Join(values, ", ")
				}
				if a.Status < ref.answer || a.Status > 599 {
					t.Errorf("%d; want %d or more", a.Status, ref.answer)
				}
				for _, private := range []string{account, "arn:aws", "SecretTeam", "assumed-role"} {
					if strings.Contains(told, private) {
						t.Errorf("the client is told %s: %d %s", private, a.Status, told)
					}
				}
			})
		}
	}
	// The same inside of streams that have begun.
	for _, r := range requests {
		if !strings.Contains(r.name, "tream") || strings.HasPrefix(r.name, "Invoke") {
			continue
		}
		t.Run(r.name+"/in the stream", func(t *testing.T) {
			u.Play(gatewaytest.Reply{Body: gatewaytest.Frames(
				`messageStart {"role":"assistant"}`, `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"He"}}`,
				fmt.Sprintf(`validationException {"message":%q}`, who+" may not use "+what),
			), Header: map[string]string{"Content-Type": "application/vnd.amazon.eventstream"}})
			a := g.Post(t, r.path, r.body)
			if !strings.Contains(a.Body, "may not use") || strings.Contains(a.Body, account) || strings.Contains(a.Body, "arn:aws") {
				t.Errorf("the client is told %d %q", a.Status, a.Body)
			}
		})
	}
}
