package openai

import (
	"errors"
	"slices"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// efforts are the values of reasoning_effort.
var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// decoder reads one request body.
type decoder struct {
	r    json.Reader
	body []byte
	x    *chat.Exchange
	req  *chat.Request

	steps [6]step // where the reader is, for the errors' param
	depth int

	blocks   []chat.Block // room for the blocks of messages that have one
	scratch  []chat.Block // content of the message being read
	thoughts []chat.Block // its thinking
	uses     []chat.Block // its tool calls
	open     []openCall   // the last assistant turn's tool calls
	asked    int          // the index of the message that made them
	results  bool         // the last message holds tool results that more may join

	legacyTools  []chat.Tool // functions
	legacyChoice chat.ToolChoice
	maxTokens    int64
}

// step is a member's name and, in a list, an index; -1 for none.
type step struct {
	key   []byte
	index int
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
func (d *decoder) at(level int) {
	d.steps[level] = step{d.r.Key(), -1}
	d.depth = level + 1
}

// item notes that the reader stands before the i-th element of the list at level.
func (d *decoder) item(level, i int) {
	d.steps[level].index = i
	d.depth = level + 1
}

// path writes where the reader is: messages[2].content[0].image_url.url.
func (d *decoder) path() string {
	var b []byte
	for i, s := range d.steps[:d.depth] {
		if i > 0 {
			b = append(b, '.')
		}
		b = append(b, s.key...)
		if s.index >= 0 {
			b = append(b, '[')
			b = strconv.AppendInt(b, int64(s.index), 10)
			b = append(b, ']')
		}
	}
	return string(b)
}

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
	d.depth = levels
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

// refuse makes the error that the client gets of the reader's.
func (d *decoder) refuse(body []byte, err error) error {
	var wrong *json.TypeError
	if errors.As(err, &wrong) && d.depth > 0 {
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

// option reads the members that are objects of their own or seldom there.
func (d *decoder) option() {
	r, req := &d.r, d.req
	switch key := string(r.Key()); key {
	case "stream_options":
		r.Object()
		for r.Member() {
			if d.at(1); string(r.Key()) == "include_usage" && !r.Null() {
				req.IncludeUsage = r.Bool()
			} else {
				r.Skip() // include_obfuscation pads the stream, which hides nothing from the next hop
			}
		}
		d.x.IncludeUsage = req.IncludeUsage
	case "response_format":
		d.format()
	case "reasoning_effort":
		if req.Reasoning.Effort = r.Text(); r.Err() == nil && !slices.Contains(efforts, req.Reasoning.Effort) {
			d.fail("invalid value: '%s'; supported values are: none, minimal, low, medium, high, xhigh and max", req.Reasoning.Effort)
		}
	case "thinking":
		d.thinking()
	case "service_tier":
		req.ServiceTier = r.Text()
	case "user":
		req.User = r.String()
	case "metadata":
		d.metadata()
	case "guardrailConfig":
		d.guardrail()
	case "file_ids":
		r.Array()
		for i := 0; r.Element(); i++ {
			d.item(0, i)
			req.FileIDs = append(req.FileIDs, r.Text())
		}
	default:
		v := r.Value()
		if !idle(key, v) && r.Err() == nil {
			req.Extra = append(req.Extra, chat.Member{Key: key, Value: v})
		}
	}
}

// idle tells whether a member asks for nothing but what every model does anyway, so that it need not be told as dropped.
func idle(key string, v json.Value) bool {
	switch key {
	case "logprobs", "store":
		return string(v) == "false"
	case "modalities":
		return string(json.AppendCompact(nil, v)) == `["text"]`
	case "logit_bias":
		return string(json.AppendCompact(nil, v)) == "{}"
	}
	return false
}

// finish checks what only the whole request tells.
func (d *decoder) finish() error {
	req := d.req
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

// metadata reads strings by their names.
func (d *decoder) metadata() {
	r := &d.r
	r.Object()
	for r.Member() {
		d.at(1)
		key := string(r.Key())
		d.req.Metadata = append(d.req.Metadata, chat.Pair{Key: key, Value: r.Text()})
	}
}

// guardrail keeps Converse's guardrailConfig whole and looks whether its trace is asked for.
func (d *decoder) guardrail() {
	if d.r.Kind() != json.Object {
		d.r.Object() // for its error
		return
	}
	v := d.r.Value()
	if d.r.Err() != nil {
		return
	}
	d.req.Guardrail = v
	w := json.WalkAt(v, 0)
	w.Object()
	for w.Member() {
		if string(w.Key()) != "trace" {
			w.Skip()
			continue
		}
		switch w.String().Unquote() {
		case "enabled", "enabled_full":
			d.x.ShowTrace = true
		}
	}
}

// thinking reads Claude's own object: {type, budget_tokens, display}.
func (d *decoder) thinking() {
	r, reasoning := &d.r, &d.req.Reasoning
	r.Object()
	for r.Member() {
		d.at(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			switch kind := r.Text(); kind {
			case "enabled":
				reasoning.Thinking = chat.ThinkingBudget
			case "adaptive":
				reasoning.Thinking = chat.ThinkingAdaptive
			case "disabled":
				reasoning.Thinking = chat.ThinkingOff
			default:
				d.fail("invalid value: '%s'; supported values are: enabled, adaptive and disabled", kind)
			}
		case "budget_tokens":
			reasoning.Budget = d.whole(1)
		case "display":
			reasoning.Display = r.Value()
		default:
			r.Skip()
		}
	}
	switch {
	case reasoning.Thinking == chat.ThinkingUnset:
		d.missing(1, "type")
	case reasoning.Thinking == chat.ThinkingBudget && reasoning.Budget == 0:
		d.missing(1, "budget_tokens")
	}
}

// format reads response_format. Text is what there is without one.
func (d *decoder) format() {
	r := &d.r
	r.Object()
	var f chat.Format
	kind, schema := "", false
	for r.Member() {
		d.at(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "json_schema":
			schema = true
			d.jsonSchema(&f)
		default:
			r.Skip()
		}
	}
	switch kind {
	case "text":
	case "json_object":
		d.req.Format = &chat.Format{}
	case "json_schema":
		if !schema {
			d.missing(1, "json_schema")
		}
		d.req.Format = &f
	case "":
		d.missing(1, "type")
	default:
		d.failAt(1, "type", "invalid value: '%s'; supported values are: text, json_object and json_schema", kind)
	}
}

func (d *decoder) jsonSchema(f *chat.Format) {
	r := &d.r
	r.Object()
	for r.Member() {
		d.at(2)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "name":
			f.Name = r.Text()
		case "description":
			f.Description = r.String()
		case "schema":
			f.Schema = d.object()
		case "strict":
			f.Strict = d.bool()
		default:
			r.Skip()
		}
	}
}

// object reads a value that must be an object.
func (d *decoder) object() json.Value {
	if d.r.Kind() != json.Object {
		d.r.Object() // for its error
		return nil
	}
	return d.r.Value()
}
