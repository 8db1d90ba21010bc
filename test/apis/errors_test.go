package apis_test

import (
	"strings"
	"testing"
)

// What goes wrong at Bedrock's copies of OpenAI's and Anthropic's APIs reaches the client as errors of Converse do: by status and kind, in
// the form of the client's own API, with nothing of the gateway's account in it.
func TestErrorsOfTheCopies(t *testing.T) {
	w := start(t, "\t\tmodel us.anthropic.claude-opus-5 {\n\t\t\tapi messages\n\t\t}\n")
	const (
		grok   = "us.xai.grok-4.6"            // chat on the runtime
		mantle = "xai.grok-4.3"               // chat on mantle
		claude = "us.anthropic.claude-opus-5" // Messages on the runtime
		haiku  = "anthropic.claude-haiku-4-5" // Messages on mantle
	)
	for _, c := range []struct {
		fault, model string
		status       int
		phrases      [2]string // in OpenAI's form, in Anthropic's
	}{
		{"throttle", grok, 429, [2]string{`"code":"rate_limit_exceeded"`, `"type":"rate_limit_error"`}},
		{"throttle", mantle, 429, [2]string{`"code":"rate_limit_exceeded"`, `"type":"rate_limit_error"`}},
		{"throttle", claude, 429, [2]string{`"code":"rate_limit_exceeded"`, `"type":"rate_limit_error"`}},
		{"throttle", haiku, 429, [2]string{`"code":"rate_limit_exceeded"`, `"type":"rate_limit_error"`}},
		{"context", grok, 400, [2]string{`"code":"context_length_exceeded"`, `"type":"invalid_request_error"`}},
		{"context", claude, 400, [2]string{`"code":"context_length_exceeded"`, `"type":"invalid_request_error"`}},
		{"AccessDeniedException", claude, 403, [2]string{"its operator must", "its operator must"}},
		{"AccessDeniedException", haiku, 403, [2]string{"its operator must", "its operator must"}},
		{"overloaded", grok, 503, [2]string{`"error":`, `"type":"overloaded_error"`}},
		{"overloaded", haiku, 503, [2]string{`"error":`, `"type":"overloaded_error"`}},
		{"status=502", mantle, 502, [2]string{`"error":{`, `"type":"api_error"`}},
	} {
		for i, path := range []string{"/v1/chat/completions", "/v1/messages"} {
			t.Run(c.fault+" "+c.model+path, func(t *testing.T) {
				for _, stream := range []string{"", `"stream":true,`} {
					a := w.g.Post(t, path, `{"model":"`+c.model+`",`+stream+`"max_tokens":99,"messages":[{"role":"user","content":"`+path+words(stream)+` [[fault:`+c.fault+`]]"}]}`)
					if body := strings.ReplaceAll(a.Body, `": `, `":`); a.Status != c.status && !(c.status == 503 && a.Status == 529) || !strings.Contains(body, c.phrases[i]) {
						t.Errorf("%d %s", a.Status, a.Body)
					}
					if strings.Contains(a.Body, "arn:aws") || strings.Contains(a.Body, "simulator-secret") {
						t.Errorf("something of the account is shown: %s", a.Body)
					}
				}
			})
		}
	}
}

// words keeps the counters of faults apart, which go by the text.
func words(s string) string { return strings.Trim(s, `":,true`) }

// An error within a stream ends it with an error, in the client's form.
func TestErrorsWithinStreamsOfTheCopies(t *testing.T) {
	w := start(t, "\t\tmodel us.anthropic.claude-opus-5 {\n\t\t\tapi messages\n\t\t}\n")
	for _, model := range []string{"us.xai.grok-4.6", "xai.grok-4.3", "us.anthropic.claude-opus-5", "anthropic.claude-haiku-4-5"} {
		for path, want := range map[string]string{"/v1/chat/completions": `data: {"error":`, "/v1/messages": "event: error\ndata: {"} {
			t.Run(model+path, func(t *testing.T) {
				a := w.g.Post(t, path, `{"model":"`+model+`","stream":true,"max_tokens":99,"messages":[{"role":"user","content":"one two three [[fault:exception=throttling@3]]"}]}`)
				if a.Status != 200 || !strings.Contains(a.Body, want) || a.Broken == nil || strings.Contains(a.Body, "[DONE]") || strings.Contains(a.Body, "message_stop") {
					t.Errorf("%d %v %s", a.Status, a.Broken, a.Body)
				}
			})
		}
	}
}

// A host that refuses the gateway's own credentials is the operator's trouble: never a 401, which would blame the client's.
func TestRefusedCredentialsOfTheCopies(t *testing.T) {
	w := startAs(t, "another-secret", "\t\tmodel us.anthropic.claude-opus-5 {\n\t\t\tapi messages\n\t\t}\n")
	for _, model := range []string{"us.xai.grok-4.6", "xai.grok-4.3", "us.anthropic.claude-opus-5", "anthropic.claude-haiku-4-5"} {
		a := w.g.Post(t, "/v1/chat/completions", `{"model":"`+model+`","messages":[{"role":"user","content":"hi"}]}`)
		if a.Status != 403 || strings.Contains(a.Body, "Credential") {
			t.Errorf("%s: %d %s", model, a.Status, a.Body)
		}
	}
}
