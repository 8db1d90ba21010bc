package handler

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/pages"
)

// statusPolicy lets the status page load its own files and ask its own address, and nothing else: names that it shows are
// clients' words.
const statusPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// serveStatus is GET /bedrock_gateway/status: the state of the gateway, as a page for browsers and as JSON for everybody else.
func (g *Gateway) serveStatus(w http.ResponseWriter, r *http.Request, _ string) {
	w.Header().Set("Vary", "Accept")
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		writePage(w, r, "text/html; charset=utf-8", pages.StatusHTML)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, r, &openaiForm, exchange.NewID(), http.StatusOK, g.status())
}

func (g *Gateway) serveStatusScript(w http.ResponseWriter, r *http.Request, _ string) {
	writePage(w, r, "text/javascript; charset=utf-8", pages.StatusScript)
}

func (g *Gateway) serveStatusStyle(w http.ResponseWriter, r *http.Request, _ string) {
	writePage(w, r, "text/css; charset=utf-8", pages.StatusStyle)
}

// writePage answers with a file of a page.
func writePage(w http.ResponseWriter, r *http.Request, mediaType string, content []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Security-Policy", statusPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-cache") // a new version's script must not meet an old page
	if r.Method != http.MethodHead {
		_, _ = w.Write(content)
	}
}
