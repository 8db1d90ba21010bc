package claude

import (
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// decoder reads one request body.
type decoder struct {
	r    json.Reader
	body []byte
	x    *chat.Exchange
	req  *chat.Request

	where decode.Path // where the reader is, for the errors' param

	arena   decode.Arena // memory of the blocks of contents that have one
	scratch []chat.Block // contents being read, the inner ones behind the outer
	calls   chat.Calls   // of the last assistant turn
	asked   int          // index of the message that made them

	system []chat.Block // what system messages before the first turn say
	auto   chat.Cache   // the breakpoint that goes behind the last block
}

// DecodeRequest reads a body of POST /v1/messages, or of InvokeModel. Errors are a *chat.Error whose Param is the path of
// the member at fault, as Anthropic writes it. Besides the types, it checks what every target needs: calls have results
// and results calls, base64 is base64. Blank text blocks, and messages that are left empty by it, are left out. System
// messages before the first turn become system text, later ones stay where they are. max_tokens may be absent: what needs
// one has a default.
func (Dialect) DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error) {
	d := decoder{body: body, x: x, req: &chat.Request{Dialect: Name}}
	x.Reader(&d.r, body)
	d.request()
	if err := d.r.End(); err != nil {
		return nil, d.refuse(err)
	}
	d.req.System = append(d.req.System, d.system...)
	d.mark()
	return d.req, nil
}

// at notes that the reader stands before the value of the member whose name it read last.
func (d *decoder) at(level int) { d.where.At(level, d.r.Key()) }

// item notes that the reader stands before the i-th element of the list at level.
func (d *decoder) item(level, i int) { d.where.Item(level, i) }

// path writes where the reader is: messages.2.content.0.source.data.
func (d *decoder) path() string { return d.where.Text(".", "") }

// fail ends the decoding with a 400 about where the reader is.
func (d *decoder) fail(format string, args ...any) {
	if d.r.Err() == nil {
		path := d.path()
		e := chat.Invalid(path, format, args...)
		e.Message = path + ": " + e.Message
		d.r.Fail(e)
	}
}

// failAt ends the decoding with a 400 about the member named key of what stands at the first levels of the path; "" for
// that itself.
func (d *decoder) failAt(levels int, key, format string, args ...any) {
	if d.r.Err() != nil {
		return
	}
	d.where.Cut(levels)
	if key != "" {
		d.where.At(levels, []byte(key))
	}
	d.fail(format, args...)
}

// missing ends the decoding in the words that Anthropic has for it.
func (d *decoder) missing(levels int, key string) { d.failAt(levels, key, "Field required") }

// refuse returns the error that the client gets of the reader's.
func (d *decoder) refuse(err error) error {
	var wrong *json.TypeError
	if errors.As(err, &wrong) && d.where.Depth() > 0 {
		path := d.path()
		return chat.Invalid(path, "%s: expected %s, but got %s", path, wrong.Want, wrong.Got)
	}
	return chat.BadJSON(d.body, err)
}

// request reads the top level.
func (d *decoder) request() {
	r, req := &d.r, d.req
	r.Object()
	messages, modelID := false, ""
	for r.Member() {
		d.at(0)
		if r.Null() {
			continue // as good as absent, throughout
		}
		switch string(r.Key()) {
		case "model":
			req.Model = r.Text()
		case "model_id":
			modelID = r.Text()
		case "messages":
			messages = true
			d.messages()
		case "system":
			req.System = d.content(0, inSystem)
		case "max_tokens":
			req.MaxTokens = d.whole(1)
		case "temperature":
			req.Temperature = r.Number()
		case "top_p":
			req.TopP = r.Number()
		case "top_k":
			req.TopK = r.Number()
		case "stop_sequences":
			req.Stop = d.texts(req.Stop)
		case "stream":
			req.Stream = r.Bool()
		case "tools":
			req.Tools = d.tools()
		case "tool_choice":
			d.toolChoice()
		case "thinking":
			d.thinking()
		case "output_config":
			d.outputConfig()
		case "output_format":
			d.format(1)
		default:
			d.option()
		}
	}
	if req.Model == "" {
		req.Model = modelID
	}
	if !messages {
		d.missing(0, "messages")
	}
}

// option reads the members that are seldom there. Those without a meaning to others are kept as they are.
func (d *decoder) option() {
	r, req := &d.r, d.req
	switch key := string(r.Key()); key {
	case "anthropic_version": // each provider has its own
		r.Skip()
	case "anthropic_beta":
		if r.Kind() == json.Text {
			req.Betas = append(req.Betas, r.Text())
			return
		}
		req.Betas = d.texts(req.Betas)
	case "metadata":
		r.Object()
		for r.Member() {
			if d.at(1); string(r.Key()) != "user_id" || r.Null() {
				r.Skip()
			} else {
				req.User = r.String()
			}
		}
	case "service_tier":
		req.ServiceTier = r.Text()
	case "cache_control":
		d.auto = d.cache(1)
	case "guardrailConfig":
		req.Guardrail = r.ObjectValue()
	case "file_ids":
		req.FileIDs = d.texts(req.FileIDs)
	case "thread":
		r.Fail(refuseThread())
	default:
		if v := r.Value(); r.Err() == nil {
			req.Extra = append(req.Extra, chat.Member{Key: key, Value: v})
		}
	}
}
