package responses

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// requestDecoder reads one request body.
type requestDecoder struct {
	decode.Cursor
	body []byte
	x    *chat.Exchange
	req  *chat.Request
	kept *kept
	same bool // the target speaks Responses too: what only it understands is kept

	input        json.Value // a list of items, read behind the tools that it may add to
	instructions json.String
	waiting      []inputItem // calls of hosted tools that an envelope may follow

	conversation
}

// DecodeRequest reads a body of POST /v1/responses. Errors are a *chat.Error whose Param is the path of the member at fault,
// as OpenAI writes it. What cannot be answered without a store of responses is refused. A history is taken as agents send
// it: a call without a result gets one that says so, results may come in any order.
func (Dialect) DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error) {
	return decodeRequest(body, x, false)
}

// decodeRequest reads a body; compact: it is to be summed up.
func decodeRequest(body []byte, x *chat.Exchange, compact bool) (*chat.Request, error) {
	d := requestDecoder{body: body, x: x, req: &chat.Request{Dialect: Name}, same: x.Target == Name}
	d.kept = &kept{compact: compact, keepsUsers: compact}
	x.Kept = d.kept
	x.Reader(&d.R, body)
	d.request()
	if d.input != nil {
		d.Where.At(0, inputKey)
		d.Within(d.input, d.items)
	}
	if err := d.R.End(); err != nil {
		return nil, d.Refuse(body, err)
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.req, nil
}

var inputKey = []byte("input")

// request reads the top level.
func (d *requestDecoder) request() {
	r, req := &d.R, d.req
	d.conversation.begin()
	r.Object()
	input := false
	for r.Member() {
		d.At(0)
		if r.Null() {
			continue // as good as absent, throughout
		}
		switch string(r.Key()) {
		case "model":
			req.Model = r.Text()
		case "input":
			if input = true; r.Kind() == json.Text {
				d.say(r.String())
			} else {
				d.input = r.ArrayValue()
			}
		case "instructions":
			d.instructions = r.String()
		case "tools":
			d.tools(0)
		case "tool_choice":
			d.toolChoice()
		case "parallel_tool_calls":
			req.ParallelToolCalls = d.Bool()
		case "max_output_tokens":
			req.MaxTokens = d.Whole(1)
		case "temperature":
			req.Temperature = r.Number()
		case "top_p":
			req.TopP = r.Number()
		case "stream":
			req.Stream = r.Bool()
		case "service_tier":
			req.ServiceTier = r.Text()
		case "user":
			req.User = r.String()
		case "metadata":
			d.metadata()
		case "reasoning":
			d.reasoningOptions(1, true)
		case "text":
			d.textOptions(1, true)
		default:
			d.option(string(r.Key()))
		}
	}
	if !input {
		d.Missing(0, "input")
	}
}

// finish puts the conversation together and checks what only the whole request tells.
func (d *requestDecoder) finish() error {
	if d.kept.compact {
		d.summarize()
		d.x.Reworded = d.x.Reworded || d.same
	}
	if err := d.assemble(); err != nil {
		return err
	}
	if !d.instructions.Blank() {
		d.req.System = slices.Insert(d.req.System, 0, chat.Block{Kind: chat.Text, Text: d.instructions})
	}
	if err := d.checkChoice(); err != nil {
		return err
	}
	d.kept.echo(d)
	return nil
}

// say adds a user's message that is one string.
func (d *requestDecoder) say(text json.String) {
	if !text.Blank() {
		if d.kept.keepsUsers {
			d.kept.user(messageOf("user", text))
		}
		d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.User, Content: d.arena.One(chat.Block{Kind: chat.Text, Text: text})})
	}
}

// omit notes that a part of the history does not reach such a target: no policy refuses it, since a client sends back what
// it got.
func (d *requestDecoder) omit(param string) {
	if !d.same {
		d.x.Omit(param)
	}
}

// extra keeps a member that only this dialect has.
func (d *requestDecoder) extra(key string, v json.Value) {
	if d.R.Err() == nil {
		d.req.Extra = append(d.req.Extra, chat.Member{Key: key, Value: v})
	}
}
