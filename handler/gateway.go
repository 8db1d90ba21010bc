// Package handler is the gateway's HTTP surface: one file an endpoint, and the relay that joins dialect, route and
// upstream. It knows neither Caddy nor any provider.
package handler

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/fetch"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// Caller is who makes a request, as far as the server in front has found out.
type Caller struct {
	// Owner is whose files the caller sees; "" for the one shared space.
	Owner string
	// Models are the patterns of the models the caller may ask for; nil for all.
	Models []upstream.Pattern
}

// May tells whether the caller may ask for the model.
func (c *Caller) May(modelID string) bool {
	return c.Models == nil || slices.ContainsFunc(c.Models, func(p upstream.Pattern) bool { return p.Match(modelID) })
}

// Config is what a Gateway is made of. Everything is resolved: no placeholders, no environment.
type Config struct {
	Router       *upstream.Router
	Upstreams    []*upstream.Named
	DefaultModel string // used when a request names none; "" makes that a 400

	MaxBody           int64         // bytes of a request body
	StreamIdleTimeout time.Duration // silence after which an upstream's stream is given up; 0 for none
	KeepAlive         time.Duration // silence after which the client is told that its stream lives; 0 for none
	RejectUnsupported bool          // a parameter that the target cannot express is a 400, not dropped

	Files  files.Store   // nil: no Files API
	Images *fetch.Client // gets images named by URL; nil: such images are refused where the upstream takes none

	Health bool // serve /health
	Native bool // serve Bedrock's own paths

	Version string
	Logger  *zap.Logger

	// Caller tells who makes the request. nil: one anonymous caller who may do everything.
	Caller func(*http.Request) Caller
	// Observe is told of every chat call when it is over. nil: nobody is.
	Observe func(*http.Request, *usage.Record)
	// StatusOf gives the HTTP status that an error from reading the body stands for; 0 if it stands for none. nil: none does.
	StatusOf func(error) int
}

// Gateway serves the endpoints. It is immutable but for its caches, and safe for concurrent use.
type Gateway struct {
	Config
	openai translate.Dialect
	files  *filesAPI // nil: off
	models modelCache
	checks checkCache
}

// New makes a Gateway.
func New(c Config) *Gateway {
	g := &Gateway{Config: c, openai: translate.ByName("openai")}
	if g.Logger == nil {
		g.Logger = zap.NewNop()
	}
	if g.Caller == nil {
		g.Caller = func(*http.Request) Caller { return Caller{} }
	}
	if g.Files != nil {
		g.files = newFilesAPI(g.Files, func(r *http.Request) string { return g.Caller(r).Owner }, g.Logger)
	}
	return g
}

// ServeHTTP answers the request if its path is one of the gateway's; false, with nothing read or written, if it is not.
// A reply that broke after its first byte panics with http.ErrAbortHandler, so that no client takes it for whole.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) bool {
	path := r.URL.Path
	switch path {
	case "/v1/chat/completions":
		if g.allow(w, r, http.MethodPost, &openaiForm) {
			g.serveChat(w, r)
		}
		return true
	case "/v1/chat/completions/health":
		if g.allow(w, r, http.MethodGet, &openaiForm) {
			g.serveChatHealth(w, r)
		}
		return true
	case "/v1/messages":
		if g.allow(w, r, http.MethodPost, &anthropicForm) {
			g.serveMessages(w, r)
		}
		return true
	case "/v1/messages/count_tokens":
		if g.allow(w, r, http.MethodPost, &anthropicForm) {
			g.serveCountTokens(w, r)
		}
		return true
	case "/v1/models":
		if g.allow(w, r, http.MethodGet, modelsForm(r)) {
			g.serveModels(w, r)
		}
		return true
	case "/health":
		if !g.Health {
			return false
		}
		if g.allow(w, r, http.MethodGet, &openaiForm) {
			g.serveHealth(w, r)
		}
		return true
	}
	switch {
	case strings.HasPrefix(path, "/v1/models/"):
		if g.allow(w, r, http.MethodGet, modelsForm(r)) {
			g.serveModel(w, r, path[len("/v1/models/"):])
		}
		return true
	case isFilesPath(path):
		if g.files == nil {
			return false
		}
		g.files.ServeHTTP(w, r)
		return true
	case isRelayed(path):
		g.serveRelay(w, r)
		return true
	case !g.Native:
		return false
	case isControlPath(path):
		if g.allow(w, r, http.MethodGet, &bedrockForm) {
			g.serveControl(w, r)
		}
		return true
	}
	if n, ok := parseNative(r.URL.EscapedPath()); ok {
		if g.allow(w, r, http.MethodPost, &bedrockForm) {
			g.serveNative(w, r, n)
		}
		return true
	}
	return false
}

// allow answers 405 unless the method is the given one; a GET endpoint takes HEAD too.
func (g *Gateway) allow(w http.ResponseWriter, r *http.Request, method string, f *form) bool {
	if r.Method == method || method == http.MethodGet && r.Method == http.MethodHead {
		return true
	}
	allowed := method
	if method == http.MethodGet {
		allowed = "GET, HEAD"
	}
	w.Header().Set("Allow", allowed)
	g.fail(w, r, f, newID(), &chat.Error{
		Kind: chat.ErrInvalidRequest, Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Message: r.Method + " is not allowed on " + r.URL.Path + "; use " + allowed,
	})
	return false
}
