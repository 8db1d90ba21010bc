package handler

import (
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/pages"
)

// servePlayground is GET /playground/{path...}: the page on which models are tried, and its files.
func (g *Gateway) servePlayground(w http.ResponseWriter, r *http.Request, path string) {
	pages.Playground.Serve(w, r, path)
}

// serveSlash is GET of a page's path without the slash at its end, by which its files are found.
func serveSlash(_ *Gateway, w http.ResponseWriter, r *http.Request, _ string) {
	pages.ServeSlash(w, r)
}
