package translation_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestBedrockErrors shows what each of Bedrock's errors is to the client, as a reply and as a stream's first frame.
func TestBedrockErrors(t *testing.T) {
	const (
		role  = "arn:aws:iam::123456789012:role/Gateway"
		token = "User: " + role + " is not authorized to perform: bedrock:InvokeModel with key AKIDEXAMPLE"
	)
	var rows []row
	for _, e := range []struct {
		name, message    string
		upstream, status int
		kind, code       string
		param            string
		words            string // of the message that the client gets, if it is another
	}{
		{"ValidationException", "The field x is bad", 400, 400, "invalid_request_error", "", "", ""},
		{"ServiceQuotaExceededException", "Quota", 400, 400, "invalid_request_error", "quota_exceeded", "", ""},
		{"ConflictException", "Conflict", 400, 400, "invalid_request_error", "", "", ""},
		{"AccessDeniedException", token, 403, 403, "permission_error", "upstream_credentials", "", "gateway's own credentials"},
		{"AccessDeniedException", "You don't have access to the model with the specified model ID.", 403, 403, "permission_error", "model_access_denied", "", "no access to this model"},
		{"ExpiredTokenException", token, 403, 403, "permission_error", "upstream_credentials", "", "credentials"},
		{"UnrecognizedClientException", token, 403, 403, "permission_error", "upstream_credentials", "", "credentials"},
		{"InvalidSignatureException", token, 403, 403, "permission_error", "upstream_credentials", "", "gateway's own credentials"},
		{"ResourceNotFoundException", "Not here", 404, 404, "invalid_request_error", "model_not_found", "model", ""},
		{"ModelTimeoutException", "Slow", 408, 408, "timeout_error", "timeout", "", ""},
		{"ModelErrorException", "Model", 424, 502, "api_error", "upstream_error", "", ""},
		{"ModelStreamErrorException", "Stream", 424, 502, "api_error", "upstream_error", "", ""},
		{"ThrottlingException", "Slow down", 429, 429, "rate_limit_error", "rate_limit_exceeded", "", ""},
		{"ModelNotReadyException", "Warming", 429, 429, "rate_limit_error", "model_not_ready", "", ""},
		{"InternalServerException", "Oops", 500, 502, "api_error", "upstream_error", "", ""},
		{"ServiceUnavailableException", "Later", 503, 503, "api_error", "upstream_unavailable", "", ""},
		{"ValidationException", "too many tokens: 9 > 8", 400, 400, "invalid_request_error", "context_length_exceeded", "", ""},
		{"ValidationException", "expected maxLength: 8, actual: 9", 400, 400, "invalid_request_error", "context_length_exceeded", "", ""},
		{"ValidationException", "Input is too long for requested model.", 400, 400, "invalid_request_error", "context_length_exceeded", "", ""},
		{"ValidationException", "prompt is too long: 9 tokens > 8 maximum", 400, 400, "invalid_request_error", "context_length_exceeded", "", ""},
		{"ValidationException", "prompt: length: 1..8", 400, 400, "invalid_request_error", "context_length_exceeded", "", ""},
		{"ValidationException", "Too many input tokens", 400, 400, "invalid_request_error", "context_length_exceeded", "", ""},
		{"ValidationException", "The provided model identifier is invalid.", 400, 404, "invalid_request_error", "model_not_found", "model", ""},
		{"ValidationException", "No access by " + role + ", sorry", 400, 400, "invalid_request_error", "", "", "No access by [arn], sorry"},
	} {
		words := e.words
		if words == "" {
			words = e.message
		}
		get := fault(e.kind, e.param, e.code, words)
		if strings.Contains(get, "arn:aws") || strings.Contains(get, "AKID") {
			t.Fatalf("a row asks for what must not be told: %s", get)
		}
		body := fmt.Sprintf(`{"message":%q}`, e.message)
		name := e.name + ", " + e.message
		first := strings.ToLower(e.name[:1]) + e.name[1:]
		rows = append(rows,
			row{
				rule: name, request: hi, status: e.status, get: get,
				reply:   gatewaytest.Reply{Status: e.upstream, Body: body, Header: map[string]string{"X-Amzn-ErrorType": e.name + ":http://internal.amazon.com/coral/"}},
				headers: map[string]string{"Bedrock-Gateway-Upstream": "bedrock", "Content-Type": "application/json", "X-Amzn-Errortype": ""},
			},
			row{rule: name + ", streamed", request: streamed, reply: frames(first + " " + body), status: e.status, get: get})
	}
	tb := start(t)
	tb.run(t, rows)
	tb.run(t, []row{
		{
			rule: "Retry-After is passed on", request: hi, status: 429,
			reply:   gatewaytest.Reply{Status: 429, Body: `{"message":"Slow"}`, Header: map[string]string{"X-Amzn-ErrorType": "ThrottlingException", "Retry-After": "7"}},
			headers: map[string]string{"Retry-After": "7", "Retry-After-Ms": "7000"},
		},
		{
			rule: "an error known by its body alone", request: hi, status: 429, get: fault("rate_limit_error", "", "rate_limit_exceeded", "Slow"),
			reply: gatewaytest.Reply{Status: 400, Body: `{"__type":"com.amazon.coral.service#ThrottlingException","Message":"Slow"}`},
		},
		{rule: "an error of no name", request: hi, status: 503, reply: gatewaytest.Reply{Status: 503, Body: `<html>no</html>`}, get: fault("api_error", "", "upstream_unavailable", "did not say why")},
		{rule: "a refusal of no name", request: hi, status: 403, reply: gatewaytest.Reply{Status: 401, Body: `{"message":"` + role + `"}`}, get: fault("permission_error", "", "upstream_credentials", "own credentials")},
	})
}

// TestOpenAIErrors shows that OpenAI's errors are the client's, but for those about the gateway's own key.
func TestOpenAIErrors(t *testing.T) {
	rel := func(status int, body string) row {
		return row{rule: http.StatusText(status), model: gpt, request: hi, reply: gatewaytest.Reply{Status: status, Body: body}, status: status, get: "=" + body}
	}
	start(t).run(t, []row{
		rel(400, `{ "error": {"message":"Bad","type":"invalid_request_error","param":"messages","code":null,"extra":[1.0]} }`),
		rel(403, `{"error":{"message":"Region","type":"request_forbidden","param":null,"code":"unsupported_country_region_territory"}}`),
		rel(404, `{"error":{"message":"No such model","type":"invalid_request_error","param":null,"code":"model_not_found"}}`),
		rel(429, `{"error":{"message":"Quota","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`),
		rel(500, `{"error":{"message":"Oops","type":"server_error","param":null,"code":null}}`),
		{
			rule: "Retry-After and rate limits", model: gpt, request: hi, status: 429, reply: gatewaytest.Reply{Status: 429, Body: `{"error":{"message":"Slow","type":"tokens","param":null,"code":"rate_limit_exceeded"}}`, Header: map[string]string{"Retry-After-Ms": "1500"}},
			headers: map[string]string{"Retry-After": "2", "Retry-After-Ms": "1500"},
		},
		{
			rule: "the upstream's 401 is not the client's, and its words show the key", model: gpt, request: hi, status: 403,
			reply: gatewaytest.Reply{Status: 401, Body: `{"error":{"message":"Incorrect API key provided: sk-gat**way.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`},
			get:   fault("permission_error", "", "upstream_credentials", "the upstream refused the gateway's own key"),
		},
		{
			rule: "so it is in a stream", model: gpt, request: streamed, status: 403, reply: gatewaytest.Reply{Status: 401, Body: `{"error":{"message":"Incorrect API key provided: sk-gat**way."}}`},
			get: fault("permission_error", "", "upstream_credentials", "the upstream refused the gateway's own key"),
		},
		{rule: "an error that is no JSON", model: gpt, request: hi, status: 502, reply: gatewaytest.Reply{Status: 502, Body: `<html>nginx</html>`}, get: fault("api_error", "", "upstream_error", "did not say why")},
		{rule: "a redirect is not followed", model: gpt, request: hi, status: 502, reply: gatewaytest.Reply{Status: 302, Header: map[string]string{"Location": "http://127.0.0.1:9/"}, Body: "x"}, get: fault("api_error", "", "upstream_error", "redirect")},
	})
}

// TestRequestErrors shows what is refused before anyone is asked.
func TestRequestErrors(t *testing.T) {
	tb := start(t, "max_body 2KB")
	for body, want := range map[string]string{"": invalid("", "no body"), "[1]": invalid("", "at byte 0"), "not json": invalid("", "is not JSON: invalid JSON at byte 0"), `"x"`: invalid("", "at byte 0"), "\xef\xbb\xbf{}": invalid("", "at byte 0")} {
		if a := tb.g.Post(t, "/v1/chat/completions", body); a.Status != 400 || !gatewaytest.SameJSON(a.Body, want) {
			t.Errorf("%q got %d %s", body, a.Status, a.Body)
		}
	}
	// A body whose length is not told beforehand.
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", io.MultiReader(strings.NewReader(strings.Repeat(" ", 3000))))
	if err != nil {
		t.Fatal(err)
	}
	if a := tb.g.Do(t, req); a.Status != 413 {
		t.Errorf("a chunked body got %d %s", a.Status, a.Body)
	}
	tb.run(t, []row{
		{rule: "no more than a brace", request: `{`, status: 400, get: invalid("", "at byte 1")},
		{rule: "malformed JSON, with its position", request: `{"model":"x",` + "\n" + `"messages":[}`, status: 400, get: invalid("", "at byte 26")},
		{rule: "JSON that ends too early", request: `{"model":"x","messages":[`, status: 400, get: invalid("", "at byte 25")},
		{rule: "something behind the JSON", request: `{"model":"x",` + hi + `} {}`, status: 400, get: invalid("", "at byte 58")},
		{rule: "a top-level member twice", request: `{"model":"gpt-4o",` + hi + `,"model":"gpt-4"}`, status: 400, get: invalid("model", "model")},
		{rule: "no messages", request: `{"model":"gpt-4o"}`, status: 400, get: fault("invalid_request_error", "*", "", "messages")},
		{rule: "empty messages", request: `{"model":"` + sonnet35 + `","messages":[]}`, status: 400, get: invalid("messages", "empty array")},
		{rule: "no model", request: `{` + hi + `}`, status: 400, get: invalid("model", "must provide a model parameter")},
		{rule: "a model that is no string", request: `{"model":7,` + hi + `}`, status: 400, get: invalid("model", "must be a string")},
		{rule: "a stream that is no boolean", request: `{"model":"gpt-4o","stream":"yes",` + hi + `}`, status: 400, get: invalid("stream", "must be a boolean")},
		{rule: "an unknown model", request: `{"model":"llama-7b",` + hi + `}`, status: 404, get: fault("invalid_request_error", "model", "model_not_found", "'llama-7b'")},
		{rule: "a wrong type deep in the body", request: `"messages":[{"role":"user","content":[{"type":"text","text":5}]}]`, status: 400, get: invalid("messages[0].content[0].text", "expected a string")},
		{rule: "JSON nested without end", request: `{"model":"gpt-4o","messages":` + strings.Repeat("[", 1500), status: 400, get: invalid("", "byte")},
		{rule: "a string that is no UTF-8", request: "{\"model\":\"gpt-4o\",\"x\":\"\xff\"}", status: 400, get: invalid("", "at byte 23")},
		{rule: "a body of no known form", request: `{}`, status: 400, get: invalid("messages", "none of the forms")},
		{rule: "a body over max_body", request: `"messages":[{"role":"user","content":"` + strings.Repeat("x", 2000) + `"}]`, status: 413, get: fault("invalid_request_error", "", "request_too_large", "2000 bytes")},
		{rule: "a body that is compressed in a way of its own", request: hi, header: map[string]string{"Content-Encoding": "br"}, status: 415, get: fault("invalid_request_error", "", "unsupported_content_encoding", "br")},
	})
}

// TestRejectUnsupported shows unsupported_params reject: what drop lists is a 400, and what is never lost is not.
func TestRejectUnsupported(t *testing.T) {
	refused := func(param string) string {
		return fault("invalid_request_error", param, "unsupported_parameter", "'"+param+"' is not supported")
	}
	start(t, "unsupported_params reject").run(t, []row{
		{rule: "a parameter that Converse has no word for", request: hi + `,"seed":7`, status: 400, get: refused("seed")},
		{rule: "an unknown member", request: hi + `,"foo":1`, status: 400, get: refused("foo")},
		{rule: "sampling that the model refuses", model: opus47, request: hi + `,"temperature":0.5`, status: 400, get: refused("temperature")},
		{rule: "an effort for a model that does not think", request: hi + `,"reasoning_effort":"low"`, status: 400, get: refused("reasoning_effort")},
		{rule: "what can be expressed", request: hi + `,"top_k":3,"temperature":1.5`, sent: greeted(`"inferenceConfig":{"temperature":1}`, `"additionalModelRequestFields":{"top_k":3}`)},
		{rule: "what says nothing", request: hi + `,"frequency_penalty":0,"logprobs":false`, sent: greeted()},
	})
}
