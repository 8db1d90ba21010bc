package bedrockgateway

import (
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Provision checks the configuration. It calls nobody.
func (g *Gateway) Provision(_ caddy.Context) error {
	if err := g.checkAvailable(); err != nil {
		return err
	}
	return g.check()
}

// ServeHTTP hands what is none of the gateway's to the next handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return next.ServeHTTP(w, r)
}
