package handler

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/pages"
)

// serveDescription is GET /openapi.json. It is the same for every caller, and public as the pages are.
func (g *Gateway) serveDescription(w http.ResponseWriter, r *http.Request, _ string) {
	g.description().ServeHTTP(w, r)
}

// servePage returns the endpoint of the files of a page. The page's path without its slash is another endpoint, serveSlash.
func servePage(p *pages.Page) func(*Gateway, http.ResponseWriter, *http.Request, string) {
	return func(_ *Gateway, w http.ResponseWriter, r *http.Request, name string) { p.Serve(w, r, name) }
}

// serveSlash is GET of a page's path without the slash at its end, by which its files are found.
func serveSlash(_ *Gateway, w http.ResponseWriter, r *http.Request, _ string) {
	pages.ServeSlash(w, r)
}
