package bedrock

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream/bedrock/sigv4"
)

// maxModelID is the length of Bedrock's longest model id, in bytes
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html).
const maxModelID = 2048

// facts are what is known of a model: the first matching override's, else the id's own, else those of the model that the
// control plane names behind an ARN.
func (u *Upstream) facts(modelID string) model.Facts {
	return u.factsBy(u.override(modelID), modelID)
}

func (u *Upstream) factsBy(o *override, modelID string) model.Facts {
	if o == nil {
		return u.lookup(modelID)
	}
	f := model.Lookup(o.like)
	if o.like == "" {
		if f = u.known.of(modelID); o.family == model.Unknown {
			f = u.lookup(modelID)
		}
	}
	return f.With(o.family, o.maxOutput)
}

// lookup returns what is known of a model without an override.
func (u *Upstream) lookup(modelID string) model.Facts {
	if behind := u.behind(modelID); behind != "" {
		return u.known.of(behind)
	}
	return u.known.of(modelID)
}

// override is a Model with its pattern ready.
type override struct {
	pattern   upstream.Pattern
	family    model.Family
	maxOutput int64
	like      string // the id of the model whose facts hold; "" for the model's own
	inputType string // of embeddings
	truncate  string
	api       model.API
	host      model.Host
}

// TellsReaders says that Call.Lent is told who reads a body.
func (u *Upstream) TellsReaders() {}

// Open sends the call and waits for its reply to begin. Credentials that have expired before their time are renewed
// once.
func (u *Upstream) Open(ctx context.Context, c *upstream.Call) (*upstream.Reply, error) {
	switch c.Op {
	case upstream.Relay:
		return u.relay(ctx, c)
	case upstream.CountTokens:
		// CountTokens takes the plain id alone (https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html).
		if u.mantle != nil && u.facts(c.Model).Accesses(false)[0].Host == model.Mantle {
			return u.countOnMantle(ctx, c, u.noMantle(c.Model))
		}
		reply, err := u.open(ctx, c, u.countedAs(c.Model))
		if needsProfile(err) && u.mantle != nil {
			return u.countOnMantle(ctx, c, err)
		}
		return reply, err
	default:
		if c.Access.Host == model.Mantle {
			return u.openCopy(ctx, c, model.MantleID(c.Model))
		}
		return u.profiled(ctx, c, c.Model, func(modelID string) (*upstream.Reply, error) { return u.open(ctx, c, modelID) })
	}
}

// open sends the call for the model under the given id.
func (u *Upstream) open(ctx context.Context, c *upstream.Call, modelID string) (*upstream.Reply, error) {
	switch c.Access.API {
	case model.Chat, model.Responses, model.Messages:
		if c.Op == upstream.Chat {
			return u.openCopy(ctx, c, modelID)
		}
	case model.AnyAPI, model.Converse, model.Invoke:
	}
	action, header := actionOf(c), make(http.Header, 8)
	target, err := u.modelURL(modelID, action)
	if err != nil {
		return nil, err
	}
	header["Content-Type"], header["Accept"] = jsonType, jsonType
	switch action {
	case invokeStream:
		header["X-Amzn-Bedrock-Accept"] = jsonType
		fallthrough
	case invoke:
		if c.Op == upstream.Invoke {
			break // a guardrail holds for what a model says, and this one says nothing
		}
		for _, h := range c.Beside {
			header.Set(h.Key, h.Value)
		}
		u.invokeHeaders(header, c.Header)
	case converseStream:
		header["Accept"] = streamType
	}
	upstream.PassHeaders(header, c.Header)
	res, err := u.send(ctx, u.signer, http.MethodPost, target, c.Body, c.Lent, header)
	if err != nil {
		return nil, err
	}
	reply := &upstream.Reply{Status: res.StatusCode, Header: res.Header, RequestID: res.Header.Get(requestIDHeader)}
	if c.Op == upstream.Invoke {
		reply.Usage = countedByHeader(res.Header)
	}
	if !c.Stream {
		reply.Body = res.Body
		return reply, nil
	}
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, eventStreamType) {
		_ = res.Body.Close()
		return nil, chat.Unreadable("a reply of type '"+ct+"' where a stream was asked for", nil)
	}
	if err := reply.Stream(newFrames(res.Body, action == invokeStream)); err != nil {
		return nil, firstFrame(ctx, err)
	}
	return reply, nil
}

const (
	eventStreamType = "application/vnd.amazon.eventstream"
	requestIDHeader = "X-Amzn-Requestid"
)

// The runtime's actions on a model, as the paths that they end.
const (
	converse       = "/converse"
	converseStream = "/converse-stream"
	invoke         = "/invoke"
	invokeStream   = "/invoke-with-response-stream"
	countTokens    = "/count-tokens"
)

// actionOf returns the action for a call: InvokeModel for a model's own dialect, else Converse.
func actionOf(c *upstream.Call) string {
	if c.Op == upstream.Invoke {
		return invoke
	}
	switch native := c.Dialect.Name() != "converse"; {
	case c.Op == upstream.CountTokens:
		return countTokens
	case native && c.Stream:
		return invokeStream
	case native:
		return invoke
	case c.Stream:
		return converseStream
	}
	return converse
}

// modelURL returns the address of an action on a model. The id is one segment of the path, encoded as AWS clients encode
// it: ":" is %3A, "/" is %2F.
func (u *Upstream) modelURL(modelID, action string) (*url.URL, error) {
	if modelID == "" || len(modelID) > maxModelID || climbs(modelID) {
		return nil, chat.Invalid("model", "a Bedrock model id has 1 to %d characters", maxModelID)
	}
	target := *u.runtime
	escaped := append(make([]byte, 0, 128), u.runtime.EscapedPath()...)
	target.RawPath = string(appendSegment(escaped, "/model/", modelID, action))
	target.Path = u.runtime.Path + "/model/" + modelID + action
	return &target, nil
}

// climbs reports whether a segment of a path would make it another path on its way, signed with our credentials.
func climbs(segment string) bool { return segment == "." || segment == ".." }

// appendSegment appends a path's segment between its neighbours, all but RFC 3986's unreserved characters encoded, which
// is what AWS signs.
func appendSegment(b []byte, before, segment, after string) []byte {
	const hex = "0123456789ABCDEF"
	b = append(b, before...)
	for i := range len(segment) {
		c := segment[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c == '~' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return append(b, after...)
}

// renewable are the errors of credentials that have expired or were rotated: fresh ones may be accepted.
var renewable = []string{"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException"}

// send signs a request with the host's signer and sends it. It adds to the given headers. An error reply is returned as an
// error. After an error of renewable, the credentials are renewed or the API key is read again from its file, and the
// request is sent once more.
func (u *Upstream) send(ctx context.Context, signer *sigv4.Signer, method string, target *url.URL, body []byte, lent *upstream.Lent, header http.Header) (*http.Response, error) {
	hash := sigv4.HashPayload(body)
	for try := 0; ; try++ {
		req, err := u.request(ctx, signer, method, target, body, lent, hash, header)
		if err != nil {
			return nil, u.credentialsError(ctx, err)
		}
		res, err := upstream.RoundTrip(u.rt, req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode < http.StatusMultipleChoices {
			if err := upstream.Plain(res); err != nil {
				return nil, err
			}
			return res, nil
		}
		e := failure(res.StatusCode, res.Header, upstream.ReadError(res))
		if u.key != nil {
			if expiredKey(e); try > 0 || e.Kind != chat.ErrPermission || !u.key.reread() {
				return nil, e
			}
			continue
		}
		// Mantle answers 401 and does not name the error.
		if try > 0 || !slices.Contains(renewable, e.Type) && (signer != u.mantleSigner || res.StatusCode != http.StatusUnauthorized) {
			return nil, e
		}
		if err := u.credentials.Refresh(ctx); err != nil {
			return nil, u.credentialsError(ctx, err)
		}
	}
}

// request returns a signed request, or one with the bearer key.
func (u *Upstream) request(ctx context.Context, signer *sigv4.Signer, method string, target *url.URL, body []byte, lent *upstream.Lent, hash string, header http.Header) (*http.Request, error) {
	req := blank.WithContext(ctx)
	req.Method, req.URL, req.Host, req.Header = method, target, target.Host, header
	req.Header["Accept-Encoding"] = identity // a compressed stream would arrive in blocks
	if body != nil {
		upstream.SetBody(req, body, lent)
	}
	if u.key != nil {
		req.Header["Authorization"] = u.key.current().authorization
		return req, nil
	}
	creds, err := u.credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	return req, signer.Sign(req, hash, creds, time.Now())
}

var (
	jsonType   = []string{"application/json"}
	streamType = []string{eventStreamType}
	identity   = []string{"identity"}
	blank      = &http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}
)

// credentialsError returns the error of a call that could not be signed. The fault is the gateway's, not the client's.
func (u *Upstream) credentialsError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &chat.Error{Kind: chat.ErrPermission, Code: "upstream_credentials", Message: credentials.ClientMessage(err), Fallback: true, Cause: err}
	if ce, ok := errors.AsType[*credentials.Error](err); ok {
		e.Type = ce.Code
		if ce.Temporary() {
			e.Kind, e.Retryable = chat.ErrOverloaded, true
		}
	}
	return e
}

// Check lists models: a cheap call that needs the credentials.
func (u *Upstream) Check(ctx context.Context) error {
	_, err := u.foundationModels(ctx)
	return err
}

// Interface guards
var (
	_ upstream.Upstream = (*Upstream)(nil)
	_ upstream.Borrower = (*Upstream)(nil)
	_ upstream.Regional = (*Upstream)(nil)
)
