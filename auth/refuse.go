package auth

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
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
		defer linger(w, r)
	}
	h.Set("WWW-Authenticate", `Bearer realm="bedrock_gateway"`)
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte(body)) // the client has left, if it fails
}

// What is read of a refused body, and for how long.
const (
	lingerBytes = 32 << 20
	lingerTime  = 2 * time.Second
)

// linger sends what was written, and then reads what the client still sends. A server that closes a connection while
// something is on its way resets it, and the reset takes the answer along: clients that send all of their body before
// they read would never know what was wrong. The server itself lingers for handlers that do not close the connection, but
// reads up to 256 KB before it sends the answer, so that a client which pauses gets none.
func linger(w http.ResponseWriter, r *http.Request) {
	if r.Body == nil || r.Body == http.NoBody {
		return
	}
	c := http.NewResponseController(w)
	if c.Flush() != nil || c.SetReadDeadline(time.Now().Add(lingerTime)) != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, r.Body, lingerBytes); err != nil {
		return // the body's end, or the client's, or the time is over
	}
	rest := time.NewTimer(lingerTime / 4)
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-r.Context().Done():
	}
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
