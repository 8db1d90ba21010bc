package openai

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// decoder reads one request body.
type decoder struct {
	decode.Cursor
	body []byte
	x    *chat.Exchange
	req  *chat.Request

	arena    decode.Arena  // memory of the blocks of messages that have one
	scratch  []chat.Block  // content of the message being read
	thoughts []chat.Block  // its thinking
	servers  []placedBlock // what tools left in it that the provider ran
	uses     []chat.Block  // its tool calls
	open     chat.Calls    // the last assistant turn's tool calls
	asked    int           // the index of the message that made them
	results  bool          // the last message but the operator's holds tool results that more may join

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
	x.Reader(&d.R, body)
	d.request()
	if err := d.R.End(); err != nil {
		return nil, d.Refuse(body, err)
	}
	if err := d.finish(); err != nil {
		return nil, err
	}
	return d.req, nil
}

// request reads the top level.
func (d *decoder) request() {
	r, req := &d.R, d.req
	r.Object()
	messages := false
	for r.Member() {
		d.At(0)
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
			req.ParallelToolCalls = d.Bool()
		case "functions":
			d.legacyTools = d.functions()
		case "function_call":
			d.legacyChoice = d.functionChoice()
		case "max_completion_tokens":
			req.MaxTokens = d.Whole(1)
		case "max_tokens":
			d.maxTokens = d.Whole(1)
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
			req.N = d.Whole(1)
		case "stop":
			d.stop()
		case "stream":
			req.Stream = r.Bool()
		default:
			d.option()
		}
	}
	if !messages {
		d.Missing(0, "messages")
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
	for i := range req.Extra {
		m := &req.Extra[i]
		if m.Key == "outputConfig" && (req.Format != nil && json.Find(m.Value, "textFormat") != nil || req.Reasoning.Effort != "" && json.Find(m.Value, "effort") != nil) {
			return chat.Invalid(m.Key, "what 'outputConfig' asks for is asked for by 'response_format' or 'reasoning_effort', too")
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

// stop reads a string or a list of them. An empty one would stop every reply before it begins.
func (d *decoder) stop() {
	r, req := &d.R, d.req
	if r.Kind() == json.Text {
		if s := r.Text(); s != "" {
			req.Stop = []string{s}
		}
		return
	}
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(0, i)
		if decode.Long(req.Stop) {
			req.Stop = decode.Grow(req.Stop, r.Left())
		}
		if s := r.Text(); s != "" {
			req.Stop = append(req.Stop, s)
		}
	}
}
