package openai

import (
	"errors"
	"slices"

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

	arena    decode.Arena // memory of the blocks of messages that have one
	scratch  []chat.Block // content of the message being read
	thoughts []chat.Block // its thinking
	uses     []chat.Block // its tool calls
	open     chat.Calls   // the last assistant turn's tool calls
	asked    int          // the index of the message that made them
	results  bool         // the last message but the operator's holds tool results that more may join

	legacyTools  []chat.Tool // functions
	legacyChoice chat.ToolChoice
	maxTokens    int64
}

// DecodeRequest reads a chat.completions body. Errors are a *chat.Error whose Param is the path of the member at fault,
// as OpenAI writes it. Besides the types, it checks what every target needs: tool calls have results and results calls,
// arguments are JSON objects, base64 is base64. Blank text parts, and messages that are left empty by it, are left out:
// no provider but OpenAI takes them.
func (Dialect) DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error) {
	d := decoder{body: body, x: x, req: &chat.Request{Dialect: Name}}
	d.r.Reset(body)
	d.request()
	if err := d.r.End(); err != nil {
		return nil, d.refuse(body, err)
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.req, nil
}

// at notes that the reader stands before the value of the member whose name it read last.
func (d *decoder) at(level int) { d.where.At(level, d.r.Key()) }

// item notes that the reader stands before the i-th element of the list at level.
func (d *decoder) item(level, i int) { d.where.Item(level, i) }

// path writes where the reader is: messages[2].content[0].image_url.url.
func (d *decoder) path() string { return d.where.Text("[", "]") }

// fail ends the decoding with a 400 about where the reader is.
func (d *decoder) fail(format string, args ...any) {
	if d.r.Err() == nil {
		d.r.Fail(chat.Invalid(d.path(), format, args...))
	}
}

// failAt ends the decoding with a 400 about the member named key of what stands at the first levels of the path.
func (d *decoder) failAt(levels int, key, format string, args ...any) {
	if d.r.Err() != nil {
		return
	}
	d.r.Fail(chat.Invalid(d.member(levels, key), format, args...))
}

// member is the path of the member named key of what stands at the first levels of the path.
func (d *decoder) member(levels int, key string) string {
	d.where.Cut(levels)
	if levels == 0 {
		return key
	}
	return d.path() + "." + key
}

// missing ends the decoding in the words that OpenAI has for it.
func (d *decoder) missing(levels int, key string) {
	if d.r.Err() == nil {
		path := d.member(levels, key)
		d.r.Fail(chat.Invalid(path, "missing required parameter: '%s'", path))
	}
}

// refuse returns the error that the client gets of the reader's.
func (d *decoder) refuse(body []byte, err error) error {
	var wrong *json.TypeError
	if errors.As(err, &wrong) && d.where.Depth() > 0 {
		path := d.path()
		return chat.Invalid(path, "invalid type for '%s': expected %s, but got %s instead", path, wrong.Want, wrong.Got)
	}
	return chat.BadJSON(body, err)
}

// request reads the top level.
func (d *decoder) request() {
	r, req := &d.r, d.req
	r.Object()
	messages := false
	for r.Member() {
		d.at(0)
		if r.Null() {
			continue // as good as absent, throughout
		}
		switch string(r.Key()) {
		case "model":
			req.Model = r.Text()
		case "messages":
			messages = true
			d.messages()
		case "tools":
			req.Tools = d.tools()
		case "tool_choice":
			req.ToolChoice = d.toolChoice()
		case "parallel_tool_calls":
			req.ParallelToolCalls = d.bool()
		case "functions":
			d.legacyTools = d.functions()
		case "function_call":
			d.legacyChoice = d.functionChoice()
		case "max_completion_tokens":
			req.MaxTokens = d.whole(1)
		case "max_tokens":
			d.maxTokens = d.whole(1)
		case "temperature":
			req.Temperature = r.Number()
		case "top_p":
			req.TopP = r.Number()
		case "top_k":
			req.TopK = r.Number()
		case "frequency_penalty":
			req.FrequencyPenalty = r.Number()
		case "presence_penalty":
			req.PresencePenalty = r.Number()
		case "seed":
			req.Seed = r.Number()
		case "n":
			req.N = d.whole(1)
		case "stop":
			d.stop()
		case "stream":
			req.Stream = r.Bool()
		default:
			d.option()
		}
	}
	if !messages {
		d.missing(0, "messages")
	}
}

// finish checks what only the whole request tells.
func (d *decoder) finish() error {
	req := d.req
	if len(req.Tools) == 0 {
		// OpenAI's own words and rule, whatever the choice says.
		for _, p := range [...]struct {
			name  string
			given bool
		}{{"tool_choice", req.ToolChoice.Kind != chat.ToolsUnset}, {"parallel_tool_calls", req.ParallelToolCalls != nil}} {
			if p.given {
				return chat.Invalid(p.name, "Invalid value for '%s': '%s' is only allowed when 'tools' are specified.", p.name, p.name)
			}
		}
	}
	if req.MaxTokens == 0 {
		req.MaxTokens = d.maxTokens
	}
	if len(req.Tools) == 0 {
		req.Tools = d.legacyTools
		d.x.FunctionCalls = len(req.Tools) > 0
	}
	if req.ToolChoice.Kind == chat.ToolsUnset {
		req.ToolChoice = d.legacyChoice
	}
	switch c := &req.ToolChoice; c.Kind {
	case chat.ToolsAny, chat.ToolsNamed:
		if len(req.Tools) == 0 {
			return chat.Invalid("tool_choice", "'tool_choice' is only allowed when 'tools' are specified")
		}
		if c.Kind == chat.ToolsNamed && !slices.ContainsFunc(req.Tools, func(t chat.Tool) bool { return t.Name == c.Name }) {
			return chat.Invalid("tool_choice", "tool choice '%s' is not among the 'tools'", c.Name)
		}
	case chat.ToolsUnset, chat.ToolsAuto, chat.ToolsNone:
	}
	return nil
}

// bool reads a boolean that may be absent.
func (d *decoder) bool() *bool {
	b := d.r.Bool()
	return &b
}

// whole reads a whole number of at least least.
func (d *decoder) whole(least int64) int64 {
	tok := d.r.Number()
	if d.r.Err() != nil {
		return 0
	}
	n, ok := json.ParseInt(tok)
	if !ok || n < least {
		d.fail("invalid value for '%s': expected a whole number of at least %d, but got %s", d.path(), least, tok)
		return 0
	}
	return n
}

// stop reads a string or a list of them. An empty one would stop every reply before it begins.
func (d *decoder) stop() {
	r, req := &d.r, d.req
	if r.Kind() == json.Text {
		if s := r.Text(); s != "" {
			req.Stop = []string{s}
		}
		return
	}
	r.Array()
	for i := 0; r.Element(); i++ {
		d.item(0, i)
		if s := r.Text(); s != "" {
			req.Stop = append(req.Stop, s)
		}
	}
}
