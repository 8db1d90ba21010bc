package auth

import (
	"net/http"
	"strconv"
	"strings"
)

// The messages of a 401. A missing key and a wrong one have different messages,
// as in the real services; a wrong key and an expired one have the same.
const (
	missing = "No API key was given. Send it as 'Authorization: Bearer <key>', 'x-api-key: <key>' or 'api-key: <key>'."
	wrong   = "The API key is not valid."
)

// bedrockPaths are the prefixes of the paths that AWS clients call.
var bedrockPaths = []string{"/model/", "/foundation-models", "/inference-profiles", "/guardrail/"}

// refuse writes a 401 in the form of the API that the request is for.
func refuse(w http.ResponseWriter, r *http.Request, given bool) {
	path := r.URL.Path
	message, code := missing, "null"
	if given {
		message, code = wrong, `"invalid_api_key"`
	}
	h := w.Header()
	var body string
	switch {
	case under(path, "/v1/messages"), under(path, "/anthropic/v1"), under(path, "/v1/models") && r.Header["Anthropic-Version"] != nil:
		body = `{"type":"error","error":{"type":"authentication_error","message":"` + message + `"}}`
	case underAny(path, bedrockPaths):
		// The error name that AWS has for an unknown bearer token or key id.
		h.Set("X-Amzn-Errortype", "UnrecognizedClientException")
		body = `{"message":"` + message + `"}`
	default:
		body = `{"error":{"message":"` + message + `","type":"invalid_request_error","param":null,"code":` + code + `}}`
	}
	h.Set("Content-Type", "application/json")
	// It also keeps the output of a handle_errors route from being appended.
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.ProtoMajor == 1 {
		// A handle_errors route makes the server close the connection. A client that does not know would send its next
		// request on it, and lose it.
		h.Set("Connection", "close")
	}
	h.Set("WWW-Authenticate", `Bearer realm="bedrock_gateway"`)
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(body)) // the client has left, if it fails
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
