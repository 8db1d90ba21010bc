package bedrock

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Bedrock's copies of OpenAI's and Anthropic's APIs
// (https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html): the model stands in the body, streams are
// server-sent events.

// anthropicVersion is the version of Messages that Bedrock's copy takes
// (https://docs.aws.amazon.com/bedrock/latest/userguide/inference-messages-api.html).
const anthropicVersion = "2023-06-01"

// copyPaths are the paths of the APIs; those of OpenAI follow the host's prefix.
var copyPaths = map[model.API]string{
	model.Chat: "/chat/completions", model.Responses: "/responses", model.Messages: "/anthropic/v1/messages",
}

// openCopy sends the call to one of the copies, for the model under the given id.
func (u *Upstream) openCopy(ctx context.Context, c *upstream.Call, modelID string) (*upstream.Reply, error) {
	header := make(http.Header, 10)
	header["Content-Type"], header["Accept"] = jsonType, jsonType
	if c.Stream {
		header["Accept"] = sseType
	}
	body, err := copyBody(c, modelID, header)
	if err != nil {
		return nil, err
	}
	signer, path := u.signer, copyPaths[c.Access.API]
	base := u.runtime
	if c.Access.Host == model.Mantle {
		if base, signer = u.mantle, u.mantleSigner; base == nil {
			return nil, u.noMantle(c.Model)
		}
		u.projectHeader(header, c.Access.API)
		upstream.PassHeaders(header, c.Header)
	} else {
		u.guard(header, c.Header, guardrailHeader, guardrailVersionHeader, traceHeader)
	}
	switch {
	case c.Access.API == model.Messages:
	case c.Access.Host == model.Mantle:
		path = c.Access.Path + path
	default:
		path = "/openai/v1" + path
	}
	target := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: base.Path + path}
	res, err := u.send(ctx, signer, http.MethodPost, target, body, c.Lent, header)
	if err != nil {
		return nil, err
	}
	return copyReply(ctx, c, res)
}

var sseType = []string{"text/event-stream"}

// copyBody returns the body with the model under the given id, and sets what stands in headers.
func copyBody(c *upstream.Call, modelID string, header http.Header) ([]byte, error) {
	if c.Access.API != model.Messages {
		return named(c.Body, modelID), nil
	}
	body, betas, err := asMessages(c.Body, modelID, c.Stream)
	if err != nil {
		return nil, err
	}
	header.Set("Anthropic-Version", anthropicVersion)
	if len(betas) > 0 {
		header.Set("Anthropic-Beta", strings.Join(betas, ","))
	}
	return body, nil
}

// named returns the body with the given model, the body itself where it names that one.
func named(body []byte, modelID string) []byte {
	var edits []json.Edit
	w := json.WalkAt(body, 0)
	m := json.EditObject(&w, &edits)
	for m.Next() {
		ahead := w
		if string(m.Key()) == "model" && ahead.String().Unquote() != modelID {
			m.Set(json.Quote(modelID))
			break // the rest is not read
		}
		w.Skip()
	}
	if len(edits) == 0 {
		return body
	}
	return json.AppendEdited(make([]byte, 0, len(body)+len(modelID)), body, edits)
}

// projectHeader names the project that calls are counted under.
func (u *Upstream) projectHeader(header http.Header, api model.API) {
	switch {
	case u.project == "":
	case api == model.Messages:
		header.Set("Anthropic-Workspace-Id", u.project)
	default:
		header.Set("Openai-Project", u.project)
	}
}

// noMantle is the error for a model of a host whose address is not known.
func (u *Upstream) noMantle(modelID string) error {
	return &chat.Error{
		Kind: chat.ErrNotFound, Code: "model_not_found", Param: "model", Fallback: true,
		Message: fmt.Sprintf("the model '%s' is served by bedrock-mantle, whose address is not known where the runtime's is configured or the region has none; set mantle_endpoint", modelID),
	}
}

// copyReply returns the reply of one of the copies, good so far. Replies of chat are healed: see healer.
func copyReply(ctx context.Context, c *upstream.Call, res *http.Response) (*upstream.Reply, error) {
	reply := &upstream.Reply{Status: res.StatusCode, Header: res.Header, RequestID: res.Header.Get(requestIDHeader)}
	if reply.RequestID == "" {
		reply.RequestID = res.Header.Get("X-Request-Id")
	}
	var h *healer
	if c.Access.API == model.Chat {
		h = &healer{id: rand.Text(), reasoning: strings.Contains(c.Model, "gpt-oss")}
	}
	if !c.Stream {
		reply.Body = res.Body
		if h != nil {
			reply.Body = &healedBody{healer: h, body: res.Body}
		}
		return reply, nil
	}
	if ct := res.Header.Get("Content-Type"); !strings.HasPrefix(ct, sseType[0]) {
		_ = res.Body.Close()
		return nil, chat.Unreadable("a reply of type '"+ct+"' where a stream was asked for", nil)
	}
	frames := upstream.NewEvents(res.Body, eventError)
	if h != nil {
		frames = &healedFrames{Frames: frames, healer: h}
	}
	if err := reply.Stream(frames); err != nil {
		return nil, firstFrame(ctx, err)
	}
	return reply, nil
}

// healedFrames heals the events of a stream.
type healedFrames struct {
	upstream.Frames
	healer *healer
	raw    []byte
}

// Next returns the next event, healed.
func (f *healedFrames) Next() (upstream.Frame, error) {
	frame, err := f.Frames.Next()
	if err != nil || len(frame.Payload) == 0 {
		return frame, err
	}
	healed := f.healer.chunk(frame.Payload)
	if len(healed) == len(frame.Payload) && &healed[0] == &frame.Payload[0] {
		return frame, nil
	}
	f.raw = append(append(append(f.raw[:0], "data: "...), healed...), "\n\n"...)
	frame.Payload, frame.Raw = healed, f.raw
	return frame, nil
}

// maxHealed bounds a whole reply that is healed, in bytes; a larger one is passed on as it is.
const maxHealed = 16 << 20

// healedBody heals a whole reply, which it reads first.
type healedBody struct {
	healer *healer
	body   io.ReadCloser
	healed io.Reader
}

func (b *healedBody) Read(p []byte) (int, error) {
	if b.healed == nil {
		whole, err := io.ReadAll(io.LimitReader(b.body, maxHealed+1))
		switch {
		case err != nil:
			return 0, err
		case len(whole) > maxHealed:
			b.healed = io.MultiReader(bytes.NewReader(whole), b.body)
		default:
			b.healed = bytes.NewReader(b.healer.reply(whole))
		}
	}
	return b.healed.Read(p)
}

func (b *healedBody) Close() error { return b.body.Close() }

// eventKinds are Bedrock's names of the errors that an event of a stream reports, by OpenAI's and Anthropic's types and
// codes.
var eventKinds = map[string]string{
	"invalid_request_error": "ValidationException", "validation_error": "ValidationException", "context_length_exceeded": "ValidationException",
	"rate_limit_error": "ThrottlingException", "rate_limit_exceeded": "ThrottlingException",
	"overloaded_error": "ServiceUnavailableException", "service_unavailable": "ServiceUnavailableException", "service_unavailable_error": "ServiceUnavailableException",
	"timeout_error": "ModelTimeoutException", "permission_error": "AccessDeniedException", "permission_denied_error": "AccessDeniedException",
	"authentication_error": "AccessDeniedException", "not_found_error": "ResourceNotFoundException",
	"server_error": "InternalServerException", "internal_server_error": "InternalServerException", "api_error": "InternalServerException",
}

// eventError returns the error that an event reports: {"error":{…}} of OpenAI's chat and Anthropic's Messages, or the flat
// one of Responses; nil for any other event.
func eventError(name, data []byte) *chat.Error {
	if string(name) != "error" && !bytes.HasPrefix(bytes.TrimLeft(data, " "), []byte(`{"error":`)) {
		return nil
	}
	said, ok := decodeError(data)
	if !ok {
		return nil
	}
	kind := eventKinds[said.code]
	if kind == "" {
		kind = eventKinds[said.kind]
	}
	if kind == "" {
		kind = "InternalServerException"
	}
	e := newError(kind, said.message, 0)
	e.Type = said.kind
	return e
}

// said is an error in the form of OpenAI's or Anthropic's API.
type said struct{ message, kind, code string }

// decodeError reads {"error":{message, type, code}}, or the members without that wrapper; false where there is no message.
func decodeError(body []byte) (e said, ok bool) {
	if json.Valid(body) != nil {
		return e, false
	}
	object := json.Find(body, "error")
	if object == nil || object[0] != '{' {
		object = body
	}
	text := func(key string) string {
		if v := json.Find(object, key); len(v) > 0 && v[0] == '"' {
			return json.String(v).Unquote()
		}
		return ""
	}
	e = said{message: text("message"), kind: text("type"), code: text("code")}
	return e, e.message != ""
}

// bodyDialect is the dialect in whose form an error came, "" for AWS's own.
func bodyDialect(body []byte) string {
	switch wrapper := json.Find(body, "error"); {
	case len(wrapper) == 0 || wrapper[0] != '{':
		return ""
	case string(json.Find(body, "type")) == `"error"`:
		return "claude"
	}
	return "openai"
}

// Interface guards
var (
	_ io.ReadCloser   = (*healedBody)(nil)
	_ upstream.Frames = (*healedFrames)(nil)
)
