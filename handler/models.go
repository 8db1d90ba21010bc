package handler

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	modelsFresh   = 5 * time.Minute  // how long a listing is kept
	modelsFailed  = 10 * time.Second // how long a failure is, so that a page that polls does not hammer a broken upstream
	modelsTimeout = 15 * time.Second // for all upstreams together
)

// modelCache keeps what the upstreams listed. Listings are asked for one at a time; the lock is never taken by a chat.
type modelCache struct {
	mu      sync.Mutex
	entries []modelEntry // in the order of Gateway.Upstreams
}

type modelEntry struct {
	models  []upstream.Model
	err     error
	expires time.Time
}

// listModels gives every upstream's listing, in the order of the upstreams. What failed has an error, and the models
// listed before, if any.
func (g *Gateway) listModels(ctx context.Context) []modelEntry {
	g.models.mu.Lock()
	defer g.models.mu.Unlock()
	if g.models.entries == nil {
		g.models.entries = make([]modelEntry, len(g.Upstreams))
	}
	ctx, cancel := context.WithTimeout(ctx, modelsTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for i, u := range g.Upstreams {
		e := &g.models.entries[i]
		if time.Now().Before(e.expires) {
			continue
		}
		wg.Go(func() {
			models, err := u.ListModels(ctx)
			if err != nil {
				if context.Cause(ctx) == context.Canceled { //nolint:errorlint // the asking client left: nothing is known of the upstream
					return
				}
				g.Logger.Warn("listing models failed", zap.String("upstream", u.Name), zap.Error(err))
				e.err, e.expires = err, time.Now().Add(modelsFailed)
				return
			}
			*e = modelEntry{models: models, expires: time.Now().Add(modelsFresh)}
		})
	}
	wg.Wait()
	return slices.Clone(g.models.entries)
}

// serveModels is GET /v1/models: every upstream's models in one list. What some upstreams failed to list is told in
// "errors"; only when none can list anything is it an error.
func (g *Gateway) serveModels(w http.ResponseWriter, r *http.Request) {
	id, caller := newID(), g.Caller(r)
	entries := g.listModels(r.Context())
	jw := json.NewWriter(nil)
	jw.BeginObject()
	jw.Key("object")
	jw.Text("list")
	jw.Key("data")
	jw.BeginArray()
	seen := map[string]bool{}
	failed := 0
	for i, e := range entries {
		if e.err != nil {
			failed++
		}
		for _, m := range e.models {
			if !seen[m.ID] && caller.May(m.ID) {
				seen[m.ID] = true
				writeModel(&jw, &m, g.Upstreams[i].Name)
			}
		}
	}
	for _, n := range g.Router.Names() {
		if !seen[n.Name] && caller.May(n.Name) {
			seen[n.Name] = true
			m := g.named(&n, entries)
			writeModel(&jw, &m, n.Target.Name)
		}
	}
	jw.EndArray()
	if failed > 0 {
		jw.Key("errors")
		jw.BeginArray()
		for i, e := range entries {
			if e.err != nil {
				jw.BeginObject()
				jw.Key("upstream")
				jw.Text(g.Upstreams[i].Name)
				jw.Key("message")
				jw.Text(asError(r.Context(), e.err).Message)
				jw.EndObject()
			}
		}
		jw.EndArray()
	}
	jw.EndObject()
	if failed > 0 && failed == len(entries) && len(seen) == 0 {
		g.fail(w, r, &openaiForm, id, modelsError(r.Context(), g.Upstreams, entries))
		return
	}
	writeJSON(w, r, id, http.StatusOK, jw.Bytes())
}

// serveModel is GET /v1/models/{id}.
func (g *Gateway) serveModel(w http.ResponseWriter, r *http.Request, name string) {
	id, caller := newID(), g.Caller(r)
	entries := g.listModels(r.Context())
	failed := 0
	for i, e := range entries {
		if e.err != nil {
			failed++
		}
		for _, m := range e.models {
			if m.ID == name && caller.May(name) {
				jw := json.NewWriter(nil)
				writeModel(&jw, &m, g.Upstreams[i].Name)
				writeJSON(w, r, id, http.StatusOK, jw.Bytes())
				return
			}
		}
	}
	for _, n := range g.Router.Names() {
		if n.Name == name && caller.May(name) {
			jw := json.NewWriter(nil)
			m := g.named(&n, entries)
			writeModel(&jw, &m, n.Target.Name)
			writeJSON(w, r, id, http.StatusOK, jw.Bytes())
			return
		}
	}
	if failed > 0 {
		g.fail(w, r, &openaiForm, id, modelsError(r.Context(), g.Upstreams, entries))
		return
	}
	g.fail(w, r, &openaiForm, id, &chat.Error{
		Kind: chat.ErrNotFound, Code: "model_not_found", Param: "model",
		Message: "the model '" + name + "' does not exist or you do not have access to it",
	})
}

// named returns the entry of a name that only a route knows: what is listed of its model, under that name.
func (g *Gateway) named(n *upstream.RouteName, entries []modelEntry) upstream.Model {
	for i := range entries {
		if g.Upstreams[i].Name != n.Target.Name {
			continue
		}
		for _, m := range entries[i].models {
			if m.ID == n.Model {
				m.ID = n.Name
				return m
			}
		}
	}
	return upstream.Model{ID: n.Name, Purpose: model.PurposeOf(n.Model)}
}

func writeModel(jw *json.Writer, m *upstream.Model, owner string) {
	if m.OwnedBy != "" {
		owner = m.OwnedBy
	}
	jw.BeginObject()
	jw.Key("id")
	jw.Text(m.ID)
	jw.Key("object")
	jw.Text("model")
	jw.Key("created")
	jw.Int(m.Created)
	jw.Key("owned_by")
	jw.Text(owner)
	if m.Purpose != model.PurposeUnknown { // a member of the gateway's own
		jw.Key("purpose")
		jw.Text(string(m.Purpose))
	}
	jw.EndObject()
}

func modelsError(ctx context.Context, upstreams []*upstream.Named, entries []modelEntry) *chat.Error {
	var b strings.Builder
	b.WriteString("models could not be listed:")
	for i, e := range entries {
		if e.err != nil {
			b.WriteString(" " + upstreams[i].Name + ": " + asError(ctx, e.err).Message + ";")
		}
	}
	return &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: strings.TrimSuffix(b.String(), ";")}
}

// writeJSON answers with a JSON body.
func writeJSON(w http.ResponseWriter, r *http.Request, id string, status int, body []byte) {
	w.Header()["X-Request-Id"] = []string{requestID(id)}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}
