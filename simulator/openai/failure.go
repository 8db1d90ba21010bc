package openai

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// failure is a refused call, in OpenAI's words. Param and Code are null where nil, as the real API writes them.
type failure struct {
	status     int
	retryAfter time.Duration

	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    *string `json:"code"`
}

// invalid is a 400 about param with the given code; either may be empty, which is null on the wire.
func invalid(param, code, message string) *failure {
	return &failure{
		status: http.StatusBadRequest, Message: message, Type: "invalid_request_error",
		Param: orNull(param), Code: orNull(code),
	}
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// body is the failure as it stands in a reply and, in one line, in a stream.
func (f *failure) body() []byte {
	return marshal(map[string]*failure{"error": f})
}

// write answers with f. Numbers of the rate limit are in the headers already.
func (f *failure) write(w http.ResponseWriter) {
	if f.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.retryAfter/time.Second)))
		w.Header().Set("Retry-After-Ms", strconv.FormatInt(f.retryAfter.Milliseconds(), 10))
	}
	writeJSON(w, f.status, map[string]*failure{"error": f})
}

func noKey() *failure {
	return &failure{
		status: http.StatusUnauthorized, Type: "invalid_request_error",
		Message: "You didn't provide an API key. You need to provide your API key in an Authorization header using " +
			"Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if " +
			"you're accessing the API from your browser and are prompted for a username and password. You can " +
			"obtain an API key from https://platform.openai.com/account/api-keys.",
	}
}

func wrongKey(key string) *failure {
	return &failure{
		status: http.StatusUnauthorized, Type: "invalid_request_error", Code: orNull("invalid_api_key"),
		Message: "Incorrect API key provided: " + mask(key) + ". You can find your API key at " +
			"https://platform.openai.com/account/api-keys.",
	}
}

// mask shows as much of a key as the real API does: the ends of a long one, nothing of a short one.
func mask(key string) string {
	if len(key) < 12 {
		return strings.Repeat("*", len(key))
	}
	return key[:4] + strings.Repeat("*", len(key)-8) + key[len(key)-4:]
}

func unknownURL(r *http.Request) *failure {
	return &failure{
		status: http.StatusNotFound, Type: "invalid_request_error",
		Message: "Invalid URL (" + r.Method + " " + r.URL.Path + ")",
	}
}

func wrongMethod(r *http.Request) *failure {
	return &failure{
		status: http.StatusMethodNotAllowed, Type: "invalid_request_error", Code: orNull("method_not_supported"),
		Message: "Not allowed to " + r.Method + " on " + r.URL.Path +
			". (HINT: Perhaps you meant to use a different HTTP method?)",
	}
}

func notJSON() *failure {
	return invalid("", "", "We could not parse the JSON body of your request. (HINT: This likely means you aren't "+
		"using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid "+
		"JSON. If you have trouble figuring out how to fix this, please contact us through our help center at "+
		"help.openai.com.)")
}

func noSuchModel(model string) *failure {
	f := invalid("", "model_not_found", "The model `"+model+"` does not exist or you do not have access to it.")
	f.status = http.StatusNotFound
	return f
}

// named are the faults that are whole refused calls, by the name the fault package gives them. The statuses are
// OpenAI's own for the same trouble (platform.openai.com/docs/guides/error-codes).
var named = map[string]failure{
	"ThrottlingException": {
		status: http.StatusTooManyRequests, Type: "requests", Code: orNull("rate_limit_exceeded"),
		Message: "Rate limit reached for this model in organization org-simulator on requests per min (RPM): " +
			"Limit 3, Used 3, Requested 1. Please try again in 20s.",
	},
	"ServiceQuotaExceededException": {
		status: http.StatusTooManyRequests, Type: "insufficient_quota", Code: orNull("insufficient_quota"),
		Message: "You exceeded your current quota, please check your plan and billing details. For more information " +
			"on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
	},
	"AccessDeniedException": {
		status: http.StatusForbidden, Type: "invalid_request_error", Code: orNull("unsupported_country_region_territory"),
		Message: "Country, region, or territory not supported",
	},
	"ContextOverflow": {
		status: http.StatusBadRequest, Type: "invalid_request_error",
		Param: orNull("messages"), Code: orNull("context_length_exceeded"),
		Message: "This model's maximum context length is 128000 tokens. However, your messages resulted in 128001 " +
			"tokens. Please reduce the length of the messages.",
	},
	"Overloaded": {
		status: http.StatusServiceUnavailable, Type: "service_unavailable_error",
		Message: "The engine is currently overloaded, please try again later",
	},
	"ServiceUnavailableException": {
		status: http.StatusServiceUnavailable, Type: "service_unavailable_error",
		Message: "The engine is currently overloaded, please try again later",
	},
	"ValidationException": {
		status: http.StatusBadRequest, Type: "invalid_request_error", Message: "Invalid request.",
	},
}

// refused is the failure a fault named, the server's own error where OpenAI has nothing more particular.
func refused(name string) *failure {
	if f, ok := named[name]; ok {
		return &f
	}
	return &failure{
		status: http.StatusInternalServerError, Type: "server_error",
		Message: "The server had an error while processing your request. Sorry about that!",
	}
}

// writeJSON writes v the way the real API writes replies: indented by two spaces.
func writeJSON(w http.ResponseWriter, status int, v any) {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		panic(err) // only values of this package's own types are written
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(out.String()))
}

// marshal is v in one line, without HTML escapes, as in an event of a stream.
func marshal(v any) []byte {
	var out strings.Builder
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(err) // only values of this package's own types are written
	}
	return []byte(strings.TrimSuffix(out.String(), "\n"))
}
