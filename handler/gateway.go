// Package handler is the gateway's URL surface: one table of endpoints, and one file an endpoint. An endpoint reads what its
// path and method decide and writes replies of its own; a call to a model, from request to reply, is package exchange's. The
// package knows neither Caddy, its settings aside, nor any provider.
package handler

import (
	"net/http"
	"sync"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/pages"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// Config is what a Gateway serves. Everything is resolved: no placeholders, no environment.
type Config struct {
	exchange.Config

	Upstreams []*upstream.Named // those that listings and health checks ask

	Docs   bool // serve /openapi.json, /docs, /redoc
	Health bool // serve /health
	Native bool // serve Bedrock's own paths

	Playground bool // serve /playground

	// Status returns what the status page shows, as JSON; nil: there is no such page.
	Status func() []byte

	Version string // of the gateway, for health endpoints
}

// Gateway serves the endpoints. It is immutable but for its caches, and safe for concurrent use.
type Gateway struct {
	*exchange.Engine
	upstreams []*upstream.Named
	version   string
	status    func() []byte
	surface   *surface
	files     *filesAPI // nil: off
	// description returns the OpenAPI document, which is made when it is first asked for.
	description func() *pages.File
	models      modelCache
	checks      checkCache
}

// New returns a Gateway.
func New(c Config) *Gateway {
	g := &Gateway{upstreams: c.Upstreams, version: c.Version, status: c.Status}
	if observe := c.Observe; observe != nil {
		c.Observe = func(r *http.Request, rec *usage.Record) {
			rec.Route = g.routeOf(r)
			observe(r, rec)
		}
	}
	g.Engine = exchange.New(c.Config)
	off := map[string]bool{docsOff: !c.Docs, "health off": !c.Health, "native off": !c.Native, "playground off": !c.Playground, "files off": g.Files == nil, noStatus: c.Status == nil}
	g.surface = newSurface(endpoints, off)
	g.description = sync.OnceValue(func() *pages.File {
		document, err := describe(endpoints, off, c.Version)
		if err != nil {
			panic(err) // the parts are embedded; a test reads them all
		}
		return pages.NewFile("application/json", document)
	})
	if g.Files != nil {
		g.files = &filesAPI{store: g.Files, owner: func(r *http.Request) string { return g.Caller(r).Owner }, log: g.Logger, stored: g.Process.FileStored}
	}
	return g
}

// routeOf returns the name of the endpoint that serves the request.
func (g *Gateway) routeOf(r *http.Request) string {
	if res, _ := g.surface.find(r.URL); res != nil {
		if e := res.endpoint(r.Method); e != nil {
			return e.name
		}
	}
	return ""
}

// ServeHTTP answers the request if its path is one of the gateway's; it returns false, with nothing read or written, if it
// is not; Miss says whether it was meant to be. A reply that broke after its first byte panics with http.ErrAbortHandler, so that no client takes it for whole.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) bool {
	res, variable := g.surface.find(r.URL)
	if res == nil {
		return false
	}
	defer func() {
		v := recover()
		if v == nil {
			return
		}
		id := exchange.NewID()
		e := g.Panicked(v, exchange.RequestID(id))
		if w.Header()["Content-Type"] != nil { // the reply has begun
			panic(http.ErrAbortHandler)
		}
		g.Fail(w, r, res.form, id, e)
	}()
	if e := res.endpoint(r.Method); e != nil {
		e.serve(g, w, r, variable)
	} else {
		g.refuseMethod(w, r, res)
	}
	return true
}
