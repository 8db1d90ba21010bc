package auth

import (
	"net/http"
	"strconv"
	"strings"
)

// The bodies of a 401, one a dialect. Missing and wrong are told apart, as the
// real services do; nothing tells a wrong key from an expired one.
const (
	missing = "No API key was given. Send it as 'Authorization: Bearer <key>', 'x-api-key: <key>' or 'api-key: <key>'."
	wrong   = "The API key is not valid."
)

// bedrockPaths are the prefixes under which AWS clients call.
var bedrockPaths = []string{"/model/", "/foundation-models", "/inference-profiles", "/guardrail/"}

// refuse writes the 401 that the client of the request's path understands.
func refuse(w http.ResponseWriter, r *http.Request, given bool) {
	path := r.URL.Path
	message, code := missing, "null"
	if given {
		message, code = wrong, `"invalid_api_key"`
	}
	h := w.Header()
	var body string
	switch {
	case under(path, "/v1/messages"), under(path, "/v1/models") && r.Header["Anthropic-Version"] != nil:
		body = `{"type":"error","error":{"type":"authentication_error","message":"` + message + `"}}`
	case underAny(path, bedrockPaths):
		// The error name that AWS gives a bearer token or key id it does not know.
		h.Set("X-Amzn-Errortype", "UnrecognizedClientException")
		body = `{"message":"` + message + `"}`
	default:
		body = `{"error":{"message":"` + message + `","type":"invalid_request_error","param":null,"code":` + code + `}}`
	}
	h.Set("Content-Type", "application/json")
	// Also keeps what a handle_errors route writes for the 401 from being added to it.
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.ProtoMajor == 1 {
		// Such a route makes the server close the connection, which a client that was not told would use again, and lose
		// its next request.
		h.Set("Connection", "close")
	}
	h.Set("WWW-Authenticate", `Bearer realm="bedrock_gateway"`)
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(body)) // a client that left needs no answer
}

func underAny(path string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	return false
}

// under reports whether path is base or below it.
func under(path, base string) bool {
	rest, ok := strings.CutPrefix(path, base)
	return ok && (rest == "" || rest[0] == '/')
}
