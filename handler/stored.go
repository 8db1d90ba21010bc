package handler

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// storedPath is what is done at a path of one response: from the record of one that the gateway keeps; one that an upstream
// keeps is asked for there, at the same path.
type storedPath struct {
	suffix string // of the path, behind the id
	serve  func(g *Gateway, c *exchange.Call, r *http.Request, record *stored.Record) error
}

var (
	retrievesResponse = storedPath{"", retrieve}
	deletesResponse   = storedPath{"", remove}
	listsInputItems   = storedPath{"/input_items", inputItems}
	cancelsResponse   = storedPath{"/cancel", cancel}
)

// serveStored serves a path of one response: GET, DELETE, /input_items and /cancel. A response of another owner's is not there.
func serveStored(p storedPath) func(*Gateway, http.ResponseWriter, *http.Request, string) {
	return func(g *Gateway, w http.ResponseWriter, r *http.Request, id string) {
		c := g.NewCall(w, r, responsesForm)
		c.Out = responsesForm.Errors
		c.Record.Dialect = c.Out.Name()
		c.Answer(func() error {
			record, kept, err := c.Find(id)
			switch {
			case err != nil:
				return err
			case record != nil:
				return p.serve(g, c, r, record)
			case kept != nil:
				return g.askKeeper(c, r, kept, p)
			case plainID(id) && g.Anonymous(&c.Caller) && g.one(upstream.KindOpenAI) && g.Router.OpenAI() != nil:
				// Nobody recorded it, and nobody else can have made it.
				return sendStored(c, g.Router.OpenAI(), id, p)
			}
			return stored.NoResponse(id)
		})
	}
}

// retrieve answers with the response, or with its events again.
func retrieve(_ *Gateway, c *exchange.Call, r *http.Request, record *stored.Record) error {
	stream, after, err := replayQuery(r.URL.Query())
	if err != nil {
		return err
	}
	if stream {
		return c.Replay(record, after)
	}
	c.Reply(record.Response)
	return nil
}

// replayQuery reads whether the events are wanted, and behind which; -1 for all.
// Source: types/responses/response_retrieve_params.py of the openai Python library 3.57.0.
func replayQuery(q url.Values) (stream bool, after int64, err error) {
	switch v := q.Get("stream"); v {
	case "", "false":
	case "true":
		stream = true
	default:
		return false, 0, chat.Invalid("stream", "Invalid 'stream': expected 'true' or 'false', got '%s'.", chat.Clip(v))
	}
	text := q.Get("starting_after")
	if text == "" {
		return stream, -1, nil
	}
	after, err = strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil || after < 0:
		return false, 0, chat.Invalid("starting_after", "Invalid 'starting_after': expected the sequence number of an event, got '%s'.", chat.Clip(text))
	case !stream:
		return false, 0, chat.Invalid("starting_after", "'starting_after' is for streams: use it with 'stream=true'.")
	}
	return true, after, nil
}

// remove deletes a response. Responses that went on with it have its conversation still.
func remove(g *Gateway, c *exchange.Call, r *http.Request, record *stored.Record) error {
	if e := g.Stored.Forget(r.Context(), c.Caller.Owner, record.ID); e != nil {
		return e
	}
	c.Reply([]byte(`{"id":"` + record.ID + `","object":"response","deleted":true}`))
	return nil
}

// inputItems lists what the response was made of.
func inputItems(_ *Gateway, c *exchange.Call, r *http.Request, record *stored.Record) error {
	page, err := record.InputItems(nil, r.URL.Query())
	if err != nil {
		return err
	}
	c.Reply(page)
	return nil
}

// cancel refuses: a response that is stored is over, and none of the gateway's is made in the background. OpenAI's clients try
// again on a 409 unless they are told not to.
func cancel(_ *Gateway, c *exchange.Call, _ *http.Request, _ *stored.Record) error {
	c.NoRetry()
	return &chat.Error{
		Kind: chat.ErrInvalidRequest, Status: http.StatusConflict, Code: "response_not_in_background",
		Message: "Cannot cancel a synchronous response: only responses created with 'background' set to true can be cancelled.",
	}
}

// askKeeper asks the upstream that keeps a response. The model's route decides how, as it did when the response was made.
func (g *Gateway) askKeeper(c *exchange.Call, r *http.Request, kept *stored.Kept, p storedPath) error {
	route, err := g.keeperRoute(c, kept)
	if err != nil {
		return err
	}
	if err := sendStored(c, route, kept.ID, p); err != nil {
		return err
	}
	if r.Method == http.MethodDelete {
		_ = g.Stored.DeleteKept(r.Context(), c.Caller.Owner, kept.ID) // the upstream keeps it no more, and says so from now on
	}
	return nil
}

// keeperRoute returns the route to the upstream that keeps a response, and to no other.
func (g *Gateway) keeperRoute(c *exchange.Call, kept *stored.Kept) (*upstream.Route, error) {
	keeps := func(t *upstream.Target) bool { return t.Name == kept.Upstream && t.Kind == upstream.KindOpenAI }
	route := g.Router.OpenAI()
	if kept.Model != "" {
		var err error
		if route, err = c.Route(kept.Model); err != nil {
			route = nil // the model is not configured any more
		}
	}
	if route != nil {
		if route = route.Keep(keeps); route != nil {
			return route, nil
		}
	}
	for _, u := range g.upstreams {
		if t := (&upstream.Target{Named: u}); keeps(t) {
			return &upstream.Route{Targets: []*upstream.Target{t}, Policy: upstream.PolicyFirst, Retries: upstream.DefaultRetries, TryDuration: upstream.DefaultTryDuration}, nil
		}
	}
	e := stored.NoResponse(kept.ID)
	e.Cause = errors.New("the upstream '" + kept.Upstream + "', which keeps it, is not configured")
	return nil, e
}

// sendStored sends a call on a response to an upstream, at the same path as here.
func sendStored(c *exchange.Call, route *upstream.Route, id string, p storedPath) error {
	if !plainID(id) {
		return stored.NoResponse(id)
	}
	return c.Inquire(route, id, "/responses/"+id+p.suffix)
}

// plainID reports whether an id can stand in a path as it is.
func plainID(id string) bool {
	return id != "" && strings.IndexFunc(id, func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '_' && c != '-' && c != '.'
	}) < 0
}

// serveConversations says what to use in place of an object that the gateway does not have.
func (g *Gateway) serveConversations(w http.ResponseWriter, r *http.Request, _ string) {
	g.Fail(w, r, &responsesForm, exchange.NewID(), &chat.Error{
		Kind: chat.ErrNotFound, Code: "conversations_not_supported",
		Message: "Conversations are not kept here: go on with 'previous_response_id', or send the whole conversation in 'input'.",
	})
}
