package handler

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
)

// writeJSON answers with a JSON body.
func writeJSON(w http.ResponseWriter, r *http.Request, f *exchange.Form, id string, status int, body []byte) {
	w.Header()[f.IDHeader] = []string{exchange.RequestID(id)}
	w.Header()["Content-Type"] = exchange.JSONType
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
