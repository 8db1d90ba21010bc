package openai

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// ask posts body to path with the right key and returns the reply.
func ask(t *testing.T, s http.Handler, path, body string) (int, string, http.Header) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+DefaultKey)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code, w.Body.String(), w.Header()
}

// refusal is the error object of a reply.
type refusal struct {
	Error struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	} `json:"error"`
}

func TestChatRefuses(t *testing.T) {
	const user = `{"role":"user","content":"hi"}`
	const called = `{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},` +
		`{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]}`
	chat := func(more string) string { return `{"model":"gpt-4o","messages":[` + user + `]` + more + `}` }
	messages := func(m string) string { return `{"model":"gpt-4o","messages":[` + m + `]}` }
	parts := func(p string) string { return messages(`{"role":"user","content":[` + p + `]}`) }
	function := func(f string) string { return chat(`,"tools":[{"type":"function","function":` + f + `}]`) }
	schema := func(s string) string {
		return chat(`,"response_format":{"type":"json_schema","json_schema":{"name":"s","strict":true,"schema":` + s + `}}`)
	}
	reasoning := func(more string) string { return `{"model":"gpt-5-mini","messages":[` + user + `]` + more + `}` }
	for _, c := range []struct {
		name, body          string
		status              int
		param, code, phrase string
	}{
		{"truncated JSON", `{"model":"gpt-4o"`, 400, "", "", "could not parse the JSON body"},
		{"text after the JSON", chat("") + "{}", 400, "", "", "could not parse the JSON body"},
		{"no model", `{"messages":[` + user + `]}`, 400, "", "", "you must provide a model parameter"},
		{"unknown model", `{"model":"gpt-9","messages":[` + user + `]}`, 404, "", "model_not_found", "The model `gpt-9` does not exist"},
		{"a model for something else", `{"model":"text-embedding-3-small","messages":[` + user + `]}`, 404, "model", "", "not a model that this endpoint"},
		{"no messages", `{"model":"gpt-4o"}`, 400, "messages", "missing_required_parameter", "Missing required parameter: 'messages'."},
		{"empty messages", messages(""), 400, "messages", "empty_array", "Expected an array with minimum length 1"},
		{"a gateway's member", chat(`,"file_ids":["file-1"]`), 400, "", "", "Unrecognized request argument supplied: file_ids"},
		{"several unknown members", chat(`,"thinking":{},"file_ids":[]`), 400, "", "", "Unrecognized request arguments supplied: file_ids, thinking"},
		{"an unknown member of a message", messages(`{"role":"user","content":"x","cache_control":{"type":"ephemeral"}}`), 400, "messages[0].cache_control", "unknown_parameter", "Unknown parameter: 'messages[0].cache_control'."},
		{"thinking blocks", messages(user + `,{"role":"assistant","content":"x","thinking_blocks":[]},` + user), 400, "messages[1].thinking_blocks", "unknown_parameter", "Unknown parameter"},
		{"an unknown member of a part", parts(`{"type":"text","text":"x","cache_control":{}}`), 400, "messages[0].content[0].cache_control", "unknown_parameter", "Unknown parameter"},
		{"an unknown member of a tool", chat(`,"tools":[{"type":"function","function":{"name":"f"},"cache_control":{}}]`), 400, "tools[0].cache_control", "unknown_parameter", "Unknown parameter"},
		{"an unknown role", messages(`{"role":"robot","content":"x"}`), 400, "messages[0].role", "invalid_value", "Invalid value: 'robot'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'."},
		{"no role", messages(`{"content":"x"}`), 400, "messages[0].role", "missing_required_parameter", "messages[0].role"},
		{"user content of a wrong type", messages(`{"role":"user","content":3}`), 400, "messages[0].content", "invalid_type", "expected one of a string or array of objects, but got an integer instead"},
		{"user content null", messages(`{"role":"user","content":null}`), 400, "messages[0].content", "invalid_type", "but got null instead"},
		{"an image from the system", messages(`{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}`), 400, "messages[0].content[0].type", "invalid_value", "Supported values are: 'text'"},
		{"an assistant with nothing", messages(user + `,{"role":"assistant","content":null}`), 400, "messages.[1].content", "", "expected a string, got null"},
		{"an image that is no URL", parts(`{"type":"image_url","image_url":{"url":"nowhere"}}`), 400, "messages[0].content[0].image_url.url", "invalid_image_url", "Invalid image URL"},
		{"an image that is a bare string", parts(`{"type":"image_url","image_url":"https://example.com/a.png"}`), 400, "messages[0].content[0].image_url", "invalid_type", "expected an object, but got a string"},
		{"an image of broken base64", parts(`{"type":"image_url","image_url":{"url":"data:image/png;base64,@@@"}}`), 400, "messages[0].content[0].image_url.url", "invalid_base64", "Invalid base64"},
		{"an image that is a PDF", parts(`{"type":"image_url","image_url":{"url":"data:application/pdf;base64,JVBERi0="}}`), 400, "messages[0].content[0].image_url.url", "invalid_image_format", "Only image types are supported"},
		{"an image that is text", parts(`{"type":"image_url","image_url":{"url":"data:image/png;base64,aGVsbG8="}}`), 400, "messages[0].content[0].image_url.url", "invalid_image_format", "unsupported image"},
		{"temperature too high", chat(`,"temperature":2.5`), 400, "temperature", "decimal_above_max_value", "Expected a value <= 2, but got 2.5 instead."},
		{"temperature a string", chat(`,"temperature":"hot"`), 400, "temperature", "invalid_type", "expected a decimal, but got a string"},
		{"n zero", chat(`,"n":0`), 400, "n", "integer_below_min_value", "Expected a value >= 1"},
		{"n a decimal", chat(`,"n":1.5`), 400, "n", "invalid_type", "expected an integer, but got a decimal"},
		{"five stops", chat(`,"stop":["a","b","c","d","e"]`), 400, "stop", "array_above_max_length", "maximum length 4, but got an array with length 5"},
		{"both limits", chat(`,"max_tokens":5,"max_completion_tokens":5`), 400, "max_tokens", "invalid_parameter_combination", "at the same time"},
		{"a limit beyond the model", chat(`,"max_tokens":100000`), 400, "max_tokens", "invalid_value", "supports at most 16384 completion tokens"},
		{"stream options without stream", chat(`,"stream_options":{"include_usage":true}`), 400, "stream_options", "", "only allowed when 'stream' is enabled"},
		{"top_logprobs alone", chat(`,"top_logprobs":2`), 400, "top_logprobs", "", "only allowed when 'logprobs'"},
		{"metadata that is no string", chat(`,"metadata":{"a":1}`), 400, "metadata.a", "invalid_type", "expected a string"},
		{"tool_choice without tools", chat(`,"tool_choice":"auto"`), 400, "tool_choice", "", "only allowed when 'tools' are specified"},
		{"tools empty", chat(`,"tools":[]`), 400, "tools", "empty_array", "empty array"},
		{"a tool in another vendor's form", chat(`,"tools":[{"name":"f","input_schema":{}}]`), 400, "tools[0].type", "missing_required_parameter", "tools[0].type"},
		{"a tool name with a dot", function(`{"name":"a.b"}`), 400, "tools[0].function.name", "invalid_value", "'^[a-zA-Z0-9_-]+$'"},
		{"a tool name too long", function(`{"name":"` + strings.Repeat("a", 65) + `"}`), 400, "tools[0].function.name", "string_above_max_length", "maximum length 64"},
		{"a tool whose schema is an array", function(`{"name":"f","parameters":{"type":"array"}}`), 400, "tools[0].function.parameters", "invalid_function_parameters", `got 'type: "array"'`},
		{"a strict tool that is not", function(`{"name":"f","strict":true,"parameters":{"type":"object","properties":{}}}`), 400, "tools[0].function.parameters", "invalid_function_parameters", "'additionalProperties' is required"},
		{"a choice of an unknown tool", chat(`,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}`), 400, "tool_choice", "", "tool 'g' not found"},
		{"a schema without all required", schema(`{"type":"object","properties":{"a":{"type":"string"}},"required":[],"additionalProperties":false}`), 400, "response_format", "", "Missing 'a'"},
		{"a nested schema that is open", schema(`{"type":"object","properties":{"a":{"type":"object"}},"required":["a"],"additionalProperties":false}`), 400, "response_format", "", "In context=('properties', 'a')"},
		{"json_object without the word", chat(`,"response_format":{"type":"json_object"}`), 400, "messages", "", "must contain the word 'json'"},
		{"a tool result out of nowhere", messages(user + `,{"role":"tool","tool_call_id":"a","content":"x"}`), 400, "messages.[1].role", "", "must be a response to a preceeding message with 'tool_calls'"},
		{"a call without its result", messages(user + `,` + called + `,{"role":"tool","tool_call_id":"a","content":"x"},` + user), 400, "messages.[3].role", "", "did not have response messages: b"},
		{"calls at the end", messages(user + `,` + called), 400, "messages.[2].role", "", "did not have response messages: a, b"},
		{"a result for another call", messages(user + `,` + called + `,{"role":"tool","tool_call_id":"c","content":"x"}`), 400, "messages.[2].tool_call_id", "", "not found in 'tool_calls'"},
		{"a call id too long", messages(user + `,{"role":"assistant","tool_calls":[{"id":"` + strings.Repeat("i", 41) + `","type":"function","function":{"name":"f","arguments":""}}]}`), 400, "messages[1].tool_calls[0].id", "string_above_max_length", "maximum length 40"},
		{"max_tokens to a model that reasons", reasoning(`,"max_tokens":100`), 400, "max_tokens", "unsupported_parameter", "Use 'max_completion_tokens' instead."},
		{"temperature to a model that reasons", reasoning(`,"temperature":0.2`), 400, "temperature", "unsupported_value", "does not support 0.2 with this model"},
		{"stop to a model that reasons", reasoning(`,"stop":"x"`), 400, "stop", "unsupported_parameter", "'stop' is not supported"},
		{"effort to a model that does not", chat(`,"reasoning_effort":"low"`), 400, "", "", "Unrecognized request argument supplied: reasoning_effort"},
		{"a prompt beyond the context", `{"model":"gpt-4","messages":[{"role":"user","content":"` + strings.Repeat("word ", 8000) + `"}]}`, 400, "messages", "context_length_exceeded", "maximum context length is 8192 tokens"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, body, _ := ask(t, New(Options{}), "/v1/chat/completions", c.body)
			var got refusal
			if err := json.Unmarshal([]byte(body), &got); err != nil {
				t.Fatalf("the reply is no JSON: %v\n%s", err, body)
			}
			if status != c.status || !strings.Contains(got.Error.Message, c.phrase) || got.Error.Type != "invalid_request_error" {
				t.Errorf("got %d %s, want %d with %q", status, body, c.status, c.phrase)
			}
			if !is(got.Error.Param, c.param) || !is(got.Error.Code, c.code) {
				t.Errorf("param and code: got %s, want %q and %q", body, c.param, c.code)
			}
		})
	}
}

func is(got *string, want string) bool {
	if got == nil {
		return want == ""
	}
	return *got == want
}

func TestKeysAreChecked(t *testing.T) {
	for _, c := range []struct {
		name, header, configured string
		status                   int
		code, phrase             string
	}{
		{"none", "", "", 401, "", "You didn't provide an API key"},
		{"another scheme", "Basic c2s6", "", 401, "", "You didn't provide an API key"},
		{"wrong", "Bearer sk-wrong-key-000", "", 401, "invalid_api_key", "Incorrect API key provided: sk-w********-000."},
		{"the default", "Bearer sk-simulator", "", 200, "", ""},
		{"the default, but another is configured", "Bearer sk-simulator", "sk-mine", 401, "invalid_api_key", "Incorrect API key provided: sk-s****ator."},
		{"the configured", "bearer sk-mine", "sk-mine", 200, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/models", http.NoBody)
			if c.header != "" {
				r.Header.Set("Authorization", c.header)
			}
			w := httptest.NewRecorder()
			New(Options{Key: c.configured}).ServeHTTP(w, r)
			var got refusal
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.status || !strings.Contains(got.Error.Message, c.phrase) || !is(got.Error.Code, c.code) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if w.Header().Get("X-Request-Id") == "" {
				t.Error("no x-request-id")
			}
		})
	}
}

func TestPathsAndMethods(t *testing.T) {
	for _, c := range []struct {
		method, path string
		status       int
		phrase       string
	}{
		{http.MethodGet, "/v1/models", 200, `"id": "gpt-4o-mini"`},
		{http.MethodGet, "/v1/models/gpt-4o", 200, `"id": "gpt-4o"`},
		{http.MethodGet, "/v1/models/gpt-none", 404, "model_not_found"},
		{http.MethodPost, "/v1/nothing", 404, "Invalid URL (POST /v1/nothing)"},
		{http.MethodGet, "/v1/chat/completions", 405, "Not allowed to GET on /v1/chat/completions."},
	} {
		t.Run(c.method+c.path, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, http.NoBody)
			r.Header.Set("Authorization", "Bearer "+DefaultKey)
			w := httptest.NewRecorder()
			New(Options{}).ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.phrase) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}

func TestObserveSeesTheRawRequest(t *testing.T) {
	var uri, body, key string
	s := New(Options{Observe: func(c Seen) {
		uri, body, key = c.Path+"?"+c.Query, string(c.Body), c.Header.Get("Authorization")
	}})
	srv := httptest.NewServer(s)
	defer srv.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/chat%2Fcompletions?a=b", strings.NewReader("raw bytes"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer other")
	reply, err := srv.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if _, err := io.ReadAll(reply.Body); err != nil {
		t.Fatal(err)
	}
	if uri != "/v1/chat%2Fcompletions?a=b" || body != "raw bytes" || key != "Bearer other" {
		t.Errorf("observed %q %q %q", uri, body, key)
	}
}
