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
			results[i] = g.check(ctx, u)
		})
	}
	wg.Wait()
	g.checks.results, g.checks.expires = results, time.Now().Add(checkFresh)
	return results
}

// check asks an upstream, and logs what is wrong with it.
func (g *Gateway) check(ctx context.Context, u *upstream.Named) checkResult {
	_, err := unpanicked(func() (any, error) { return nil, u.Check(ctx) })
	r := checkResult{err: err}
	if r.err != nil && ctx.Err() != nil {
		r.err = &chat.Error{Kind: chat.ErrTimeout, Message: "the upstream did not answer in time", Cause: r.err}
	}
	fields := []zap.Field{zap.String("upstream", u.Name), zap.Error(r.err)}
	if c, ok := u.Upstream.(upstream.Credentialed); ok {
		st := c.CredentialStatus(ctx, r.err)
		r.credentials = &st
		fields = append(fields, zap.String("credentials_method", st.Method), zap.Bool("credentials_valid", st.Valid), zap.Time("credentials_expire", st.Expires))
	}
	if r.err != nil {
		g.Logger.Warn("upstream is unhealthy", fields...)
	}
	return r
}

// serveHealth is GET /health: the process answers and has an upstream to ask. With ?verbose it asks the upstreams, too, and
// answers their names and states and no more, since the page may be public. The log has the reasons.
func (g *Gateway) serveHealth(w http.ResponseWriter, r *http.Request, _ string) {
	jw := json.NewWriter(nil)
	jw.BeginObject()
	jw.Key("status")
	if len(g.upstreams) == 0 {
		jw.Text("unavailable")
		jw.Key("message")
		jw.Text("no upstream is configured")
		jw.EndObject()
		writeJSON(w, r, &openaiForm, exchange.NewID(), http.StatusServiceUnavailable, jw.Bytes())
		return
	}
	jw.Text("ok")
	if r.URL.Query().Has("verbose") {
		results := g.checkUpstreams(r.Context())
		jw.Key("upstreams")
		jw.BeginArray()
		for i, u := range g.upstreams {
			jw.BeginObject()
			jw.Key("name")
			jw.Text(u.Name)
			jw.Key("status")
			if results[i].err == nil {
				jw.Text("healthy")
			} else {
				jw.Text("unhealthy")
			}
			if c := results[i].credentials; c != nil {
				jw.Key("credentials_valid")
				jw.Bool(c.Valid)
			}
			jw.EndObject()
		}
		jw.EndArray()
	}
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
