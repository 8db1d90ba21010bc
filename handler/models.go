package handler

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
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
	entries []modelEntry // in the order of Gateway.upstreams
}

type modelEntry struct {
	models  []upstream.Model
	err     error
	expires time.Time
}

// listModels returns every upstream's listing, in the order of the upstreams. What failed has an error, and the models
// listed before, if any.
func (g *Gateway) listModels(ctx context.Context) []modelEntry {
	g.models.mu.Lock()
	defer g.models.mu.Unlock()
	if g.models.entries == nil {
		g.models.entries = make([]modelEntry, len(g.upstreams))
	}
	ctx, cancel := context.WithTimeout(ctx, modelsTimeout)
	defer cancel()
	var wg sync.WaitGroup
	for i, u := range g.upstreams {
		e := &g.models.entries[i]
		if time.Now().Before(e.expires) {
			continue
		}
		wg.Go(func() {
			models, err := unpanicked(func() ([]upstream.Model, error) { return u.ListModels(ctx) })
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

// unpanicked returns a panic of f as an error: one in a goroutine of its own would end the whole process.
func unpanicked[T any](f func() (T, error)) (result T, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
		}
	}()
	return f()
}

// offer is a model that the caller may ask for, and the upstream that has it.
type offer struct {
	upstream.Model
	upstream string
}

// offers returns the models that the caller may ask for, each once: what the upstreams listed, in their order, then the
// names that only routes know.
func (g *Gateway) offers(r *http.Request, entries []modelEntry) []offer {
	caller := g.Caller(r)
	var offers []offer
	seen := map[string]bool{}
	add := func(m upstream.Model, from string) {
		if !seen[m.ID] && caller.May(m.ID) {
			seen[m.ID] = true
			offers = append(offers, offer{m, from})
		}
	}
	for i, e := range entries {
		for _, m := range e.models {
			add(m, g.upstreams[i].Name)
		}
	}
	for _, n := range g.Router.Names() {
		add(g.named(&n, entries), n.Target.Name)
	}
	return offers
}

// failures returns how many upstreams could not be listed.
func failures(entries []modelEntry) int {
	n := 0
	for _, e := range entries {
		if e.err != nil {
			n++
		}
	}
	return n
}

// serveModels is GET /v1/models: every upstream's models in one list, in OpenAI's form or Anthropic's. Upstreams that
// failed to list theirs are named in "errors"; only when none can list anything is it an error.
func (g *Gateway) serveModels(w http.ResponseWriter, r *http.Request, _ string) {
	id := exchange.NewID()
	entries := g.listModels(r.Context())
	offers := g.offers(r, entries)
	if n := failures(entries); n > 0 && n == len(entries) && len(offers) == 0 {
		g.Fail(w, r, modelsForm(r), id, modelsError(r.Context(), g.upstreams, entries))
		return
	}
	jw := json.NewWriter(nil)
	jw.BeginObject()
	if wantsAnthropic(r) {
		page, err := pageOf(offers, r.URL.Query())
		if err != nil {
			g.Fail(w, r, modelsForm(r), id, err)
			return
		}
		page.write(&jw)
	} else {
		jw.Key("object")
		jw.Text("list")
		jw.Key("data")
		jw.BeginArray()
		for i := range offers {
			offers[i].write(&jw)
		}
		jw.EndArray()
	}
	g.writeFailures(&jw, r, entries)
	jw.EndObject()
	writeJSON(w, r, modelsForm(r), id, http.StatusOK, jw.Bytes())
}

// writeFailures writes the member "errors", one of the gateway's own, if an upstream could not be listed.
func (g *Gateway) writeFailures(jw *json.Writer, r *http.Request, entries []modelEntry) {
	if failures(entries) == 0 {
		return
	}
	jw.Key("errors")
	jw.BeginArray()
	for i, e := range entries {
		if e.err != nil {
			jw.BeginObject()
			jw.Key("upstream")
			jw.Text(g.upstreams[i].Name)
			jw.Key("message")
			jw.Text(exchange.AsError(r.Context(), e.err).Message)
			jw.EndObject()
		}
	}
	jw.EndArray()
}

// serveModel is GET /v1/models/{id}.
func (g *Gateway) serveModel(w http.ResponseWriter, r *http.Request, name string) {
	id := exchange.NewID()
	entries := g.listModels(r.Context())
	for _, o := range g.offers(r, entries) {
		if o.ID != name {
			continue
		}
		jw := json.NewWriter(nil)
		if wantsAnthropic(r) {
			o.writeAnthropic(&jw)
		} else {
			o.write(&jw)
		}
		writeJSON(w, r, modelsForm(r), id, http.StatusOK, jw.Bytes())
		return
	}
	if failures(entries) > 0 {
		g.Fail(w, r, modelsForm(r), id, modelsError(r.Context(), g.upstreams, entries))
		return
	}
	g.Fail(w, r, modelsForm(r), id, exchange.NoModel(name, nil))
}

// named returns the entry of a name that only a route knows: what is listed of its model, under that name.
func (g *Gateway) named(n *upstream.RouteName, entries []modelEntry) upstream.Model {
	for i := range entries {
		if g.upstreams[i].Name != n.Target.Name {
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

// write writes the model in OpenAI's form.
func (m *offer) write(jw *json.Writer) {
	owner := m.upstream
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
			b.WriteString(" " + upstreams[i].Name + ": " + exchange.AsError(ctx, e.err).Message + ";")
		}
	}
	return &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: strings.TrimSuffix(b.String(), ";")}
}
