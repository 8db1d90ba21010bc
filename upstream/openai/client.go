package openai

import (
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxListing bounds a listing of models.
const maxListing = 8 << 20

// The ways to ask: chat, which every server has, and Responses.
var (
	offersChat       = []upstream.Offer{{Dialect: translate.ByName("openai")}}
	offersOpenAI     = append(offersChat[:1:1], upstream.Offer{Dialect: translate.ByName("responses")})
	offersCompatible = append(offersChat[:1:1], upstream.Offer{Dialect: translate.ByName("responses"), OwnClients: true})
)

// Prepare sets x's facts of the model.
func (u *Upstream) Prepare(x *chat.Exchange) { x.Facts = model.Lookup(x.TargetModel) }

// Offers are OpenAI's chat, and Responses: for its own clients, and at OpenAI itself for what chat cannot say.
func (u *Upstream) Offers(string) []upstream.Offer {
	switch {
	case u.Responses != nil && !*u.Responses:
		return offersChat
	case u.BaseURL == "":
		return offersOpenAI
	}
	return offersCompatible
}

// AskUsage reports whether streams are asked for their usage; see StreamUsage.
func (u *Upstream) AskUsage() bool { return u.StreamUsage == nil || *u.StreamUsage }

// TellsReaders says that Call.Lent is told who reads a body.
func (u *Upstream) TellsReaders() {}

// Open sends the call and waits for its reply to begin.
func (u *Upstream) Open(ctx context.Context, c *upstream.Call) (*upstream.Reply, error) {
	switch c.Op {
	case upstream.Chat:
		return u.openChat(ctx, c)
	case upstream.Relay:
		req := u.request(ctx, c.Method, c.Path, c.Query, c.Body, c.Lent)
		if f := c.Form; f != nil {
			req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(io.NewSectionReader(f, 0, f.Size())), nil }
			req.Body, _ = req.GetBody()
			req.ContentLength = f.Size()
		}
		upstream.PassHeaders(req.Header, c.Header, "Accept", "Content-Type", "Openai-Beta", "Idempotency-Key")
		res, err := u.do(req)
		if err != nil {
			return nil, err
		}
		return &upstream.Reply{Status: res.StatusCode, Header: res.Header, RequestID: res.Header.Get("X-Request-Id"), Body: res.Body}, nil
	case upstream.Invoke:
		return nil, &chat.Error{Kind: chat.ErrUnsupported, Message: "OpenAI's API has no InvokeModel"}
	case upstream.CountTokens:
	}
	return nil, &chat.Error{Kind: chat.ErrUnsupported, Message: "OpenAI's API does not count the tokens of a request"}
}

func (u *Upstream) openChat(ctx context.Context, c *upstream.Call) (*upstream.Reply, error) {
	path := "/chat/completions"
	if c.Dialect.Name() == "responses" {
		path = "/responses"
	}
	req := u.request(ctx, http.MethodPost, path, c.Query, c.Body, c.Lent)
	req.Header["Content-Type"] = jsonType
	upstream.PassHeaders(req.Header, c.Header, "Openai-Beta", "Idempotency-Key")
	if c.Stream {
		req.Header["Accept"] = streamType
	}
	res, err := u.do(req)
	if err != nil {
		return nil, err
	}
	reply := &upstream.Reply{Status: res.StatusCode, Header: res.Header, RequestID: res.Header.Get("X-Request-Id")}
	if !c.Stream {
		reply.Body = res.Body
		return reply, nil
	}
	if !strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		// Some servers answer an error with 200, others a stream with a whole reply: neither is a stream.
		body := upstream.ReadError(res)
		if isError(body) {
			return nil, failure(http.StatusBadGateway, res.Header, body)
		}
		return nil, chat.Unreadable("a whole reply where a stream was asked for", nil)
	}
	if err := reply.Stream(upstream.NewEvents(res.Body, eventError)); err != nil {
		return nil, firstFrame(ctx, err)
	}
	if string(reply.First().Payload) == "[DONE]" {
		_ = reply.Close()
		return nil, chat.Unreadable("a stream that ended before it began", nil)
	}
	return reply, nil
}

var (
	jsonType   = []string{"application/json"}
	streamType = []string{"text/event-stream"}
	identity   = []string{"identity"}
	blank      = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
)

// request returns a call of the API. path begins with a slash and is escaped as it is to be sent.
func (u *Upstream) request(ctx context.Context, method, path, query string, body []byte, lent *upstream.Lent) *http.Request {
	target := *u.baseURL
	target.RawQuery = query
	escaped := u.baseURL.EscapedPath() + path
	if target.Path, target.RawPath = escaped, ""; strings.IndexByte(escaped, '%') >= 0 {
		if plain, err := url.PathUnescape(escaped); err == nil {
			target.Path, target.RawPath = plain, escaped
		}
	}
	req := blank.WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header = method, &target, target.Host, make(http.Header, 8)
	maps.Copy(req.Header, u.header)
	if u.key != "" {
		req.Header["Authorization"] = u.authorization
	}
	req.Header["Accept-Encoding"] = identity // a compressed stream would arrive in blocks
	if len(body) > 0 {
		upstream.SetBody(req, body, lent)
	}
	return req
}

// do sends the request. An error reply is returned as an error.
func (u *Upstream) do(req *http.Request) (*http.Response, error) {
	res, err := upstream.RoundTrip(u.rt, req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		return nil, failure(res.StatusCode, res.Header, upstream.ReadError(res))
	}
	if err := upstream.Plain(res); err != nil {
		return nil, err
	}
	return res, nil
}

// ListModels returns the upstream's own list.
func (u *Upstream) ListModels(ctx context.Context) ([]upstream.Model, error) {
	res, err := u.do(u.request(ctx, http.MethodGet, "/models", "", nil, nil))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // nothing can be done about it
	body, err := io.ReadAll(io.LimitReader(res.Body, maxListing))
	if err != nil {
		return nil, upstream.Unreachable(ctx, err)
	}
	models, err := decodeModels(body)
	if err != nil {
		return nil, chat.Unreadable("a list of models", err)
	}
	return models, nil
}

func decodeModels(body []byte) ([]upstream.Model, error) {
	var models []upstream.Model
	r := json.NewReader(body)
	for r.Object(); r.Member(); {
		if string(r.Key()) != "data" {
			r.Skip()
			continue
		}
		for r.Array(); r.Element(); {
			var m upstream.Model
			for r.Object(); r.Member(); {
				switch key := string(r.Key()); {
				case key == "id":
					m.ID = r.Text()
				case key == "created" && r.Kind() == json.Number:
					m.Created = r.Int()
				case key == "owned_by" && r.Kind() == json.Text:
					m.OwnedBy = r.Text()
				default:
					r.Skip()
				}
			}
			if m.ID != "" {
				models = append(models, m)
			}
		}
	}
	return models, r.End()
}

// Check lists the models: the cheapest call that needs the key.
func (u *Upstream) Check(ctx context.Context) error {
	_, err := u.ListModels(ctx)
	return err
}

// Interface guards
var (
	_ upstream.Upstream   = (*Upstream)(nil)
	_ upstream.UsageAsker = (*Upstream)(nil)
	_ upstream.Borrower   = (*Upstream)(nil)
)
