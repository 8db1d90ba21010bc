package handler

import (
	"context"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	checkFresh   = 10 * time.Second // how long a check's result is kept: a page that polls must not become a load
	checkTimeout = 10 * time.Second
)

// checkCache keeps the results of the upstreams' checks, in their order.
type checkCache struct {
	mu      sync.Mutex
	results []checkResult // never changed, only replaced
	expires time.Time
}

// checkResult is one upstream's state.
type checkResult struct {
	err         error                      // nil for a healthy one
	credentials *upstream.CredentialStatus // nil if it does not tell
}

// checkUpstreams returns each upstream's state.
func (g *Gateway) checkUpstreams(ctx context.Context) []checkResult {
	g.checks.mu.Lock()
	defer g.checks.mu.Unlock()
	if time.Now().Before(g.checks.expires) {
		return g.checks.results
	}
	// Not the asking client's context: what it started, the next one reads.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	results := make([]checkResult, len(g.upstreams))
	var wg sync.WaitGroup
	for i, u := range g.upstreams {
		wg.Go(func() {
			r := &results[i]
			if r.err = u.Check(ctx); r.err != nil {
				if ctx.Err() != nil {
					r.err = &chat.Error{Kind: chat.ErrTimeout, Message: "the upstream did not answer in time", Cause: r.err}
				}
				g.Logger.Warn("upstream is unhealthy", zap.String("upstream", u.Name), zap.Error(r.err))
			}
			if c, ok := u.Upstream.(upstream.Credentialed); ok {
				st := c.CredentialStatus(ctx, r.err)
				r.credentials = &st
			}
		})
	}
	wg.Wait()
	g.checks.results, g.checks.expires = results, time.Now().Add(checkFresh)
	return results
}

// serveHealth is GET /health: the process answers. With ?verbose it asks the upstreams, too.
func (g *Gateway) serveHealth(w http.ResponseWriter, r *http.Request, _ string) {
	if !r.URL.Query().Has("verbose") {
		writeJSON(w, r, &openaiForm, exchange.NewID(), http.StatusOK, []byte(`{"status":"ok"}`))
		return
	}
	results := g.checkUpstreams(r.Context())
	jw := json.NewWriter(nil)
	jw.BeginObject()
	jw.Key("status")
	jw.Text("ok")
	jw.Key("version")
	jw.Text(g.version)
	jw.Key("timestamp")
	jw.Text(time.Now().UTC().Format(time.RFC3339))
	jw.Key("upstreams")
	jw.BeginArray()
	for i, u := range g.upstreams {
		jw.BeginObject()
		jw.Key("name")
		jw.Text(u.Name)
		jw.Key("kind")
		jw.Text(u.Kind)
		jw.Key("status")
		if err := results[i].err; err == nil {
			jw.Text("healthy")
		} else {
			jw.Text("unhealthy")
			jw.Key("message")
			jw.Text(exchange.AsError(r.Context(), err).Message)
		}
		if c := results[i].credentials; c != nil {
			jw.Key("credentials_method")
			jw.Text(c.Method)
			jw.Key("credentials_valid")
			jw.Bool(c.Valid)
			if !c.Expires.IsZero() {
				jw.Key("credentials_expire")
				jw.Text(c.Expires.Format(time.RFC3339))
			}
		}
		jw.EndObject()
	}
	jw.EndArray()
	jw.EndObject()
	writeJSON(w, r, &openaiForm, exchange.NewID(), http.StatusOK, jw.Bytes())
}

// serveChatHealth is GET /v1/chat/completions/health: what the endpoint takes and where it sends it.
func (g *Gateway) serveChatHealth(w http.ResponseWriter, r *http.Request, _ string) {
	jw := json.NewWriter(nil)
	jw.BeginObject()
	jw.Key("status")
	jw.Text("healthy")
	jw.Key("message")
	jw.Text("the unified chat completions endpoint is ready")
	jw.Key("timestamp")
	jw.Text(time.Now().UTC().Format(time.RFC3339))
	jw.Key("version")
	jw.Text(g.version)
	jw.Key("supported_input_formats")
	jw.BeginArray()
	for _, format := range [...]string{"openai", "bedrock_claude", "bedrock_titan"} {
		jw.Text(format)
	}
	jw.EndArray()
	jw.Key("model_routing")
	jw.BeginObject()
	for _, u := range g.upstreams {
		jw.Key(u.Name)
		jw.Text(u.Kind)
	}
	jw.EndObject()
	jw.Key("streaming_support")
	jw.Bool(true)
	jw.Key("routing_method")
	jw.Text("model_id_patterns")
	jw.EndObject()
	writeJSON(w, r, &openaiForm, exchange.NewID(), http.StatusOK, jw.Bytes())
}
