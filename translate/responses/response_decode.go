package responses

import (
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// DecodeResponse reads a response object. One that failed is an error, and so is an error body that came with a good
// status.
func (Dialect) DecodeResponse(body []byte, x *chat.Exchange) (*chat.Response, error) {
	d := responseDecoder{x: x}
	r := json.NewReader(body)
	d.read(r)
	if err := r.End(); err != nil {
		return nil, chat.Unreadable("a reply", err)
	}
	if err := d.failed(); err != nil {
		return nil, err
	}
	out := &chat.Response{ID: d.id, Model: d.model, Usage: d.usage, ServiceTier: d.tier}
	if w := json.WalkAt(d.output, 0); len(d.output) > 0 && w.Array() {
		for w.Element() {
			out.Content = appendItem(out.Content, w.Value(), x)
		}
	}
	called := false
	for i := range out.Content {
		called = called || out.Content[i].Kind == chat.ToolUse
	}
	out.Stop = d.stop(called)
	return out, nil
}

// responseDecoder is what a response object says, whole or in a stream's event.
type responseDecoder struct {
	x                       *chat.Exchange
	id, model, status, tier string
	reason                  string // why it is incomplete
	output, reported        chat.Value
	usage                   chat.Usage
}

func (d *responseDecoder) read(r *json.Reader) {
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "id":
			d.id = r.MaybeText()
		case "model":
			d.model = r.MaybeText()
		case "status":
			d.status = r.MaybeText()
		case "output":
			if d.output = r.Value(); len(d.output) == 0 || d.output[0] != '[' {
				d.output = nil
			}
		case "error":
			d.reported = r.Value()
		case "incomplete_details":
			for ok := r.MaybeObject(); ok && r.Member(); {
				if string(r.Key()) == "reason" {
					d.reason = r.MaybeText()
				} else {
					r.Skip()
				}
			}
		case "usage":
			decodeUsage(r, &d.usage)
		case "service_tier":
			d.tier = r.MaybeText()
		default:
			r.Skip()
		}
	}
}

// failed returns the error of a response that failed, or of a body that is an error and no response; nil for any other.
func (d *responseDecoder) failed() error {
	switch {
	case d.status == "failed" || d.reported != nil && d.output == nil:
		return reportedError(d.reported)
	case d.status == "cancelled":
		return &chat.Error{Kind: chat.ErrUpstream, Code: "cancelled", Message: "the upstream's reply was cancelled"}
	}
	return nil
}

// stop says why the reply ended. A response that was completed with a call waits for its result.
func (d *responseDecoder) stop(called bool) chat.StopReason {
	switch {
	case d.status == "incomplete" && d.reason == "max_output_tokens":
		return chat.StopLength
	case d.status == "incomplete" && d.reason == "content_filter":
		return chat.StopFiltered
	case d.status == "incomplete":
		d.x.Note("unknown reason of the upstream's incomplete response: " + chat.Clip(d.reason))
		return chat.StopUnknown
	case called:
		return chat.StopToolUse
	case d.status == "completed":
		return chat.StopEnd
	}
	return chat.StopUnknown
}

// item is one output item, whatever its type.
type item struct {
	kind                        chat.String
	callID, name, namespace     string
	arguments, input, encrypted chat.String
	argumentsObject             chat.Value // of servers that forget to quote
	summary, content            chat.Value
}

func readItem(v chat.Value) (it item) {
	r := json.NewReader(v)
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "type":
			it.kind = r.MaybeString()
		case "call_id":
			it.callID = r.MaybeText()
		case "name":
			it.name = r.MaybeText()
		case "namespace":
			it.namespace = r.MaybeText()
		case "arguments":
			if r.Kind() == json.Object {
				it.argumentsObject = r.Value()
			} else {
				it.arguments = r.MaybeString()
			}
		case "input":
			it.input = r.MaybeString()
		case "encrypted_content":
			it.encrypted = r.MaybeString()
		case "summary":
			it.summary = r.Value()
		case "content":
			it.content = r.Value()
		default:
			r.Skip()
		}
	}
	return it
}

// toolName is the client's name for the tool that an item calls.
func (it *item) toolName(x *chat.Exchange) string {
	if it.namespace != "" {
		return x.ClientToolName(chat.JoinNamespace(it.namespace, it.name))
	}
	return x.ClientToolName(it.name)
}

// appendItem appends the content blocks of a whole output item, which is valid JSON.
func appendItem(dst []chat.Block, v chat.Value, x *chat.Exchange) []chat.Block {
	it := readItem(v)
	switch string(it.kind) {
	case `"message"`:
		return it.appendMessage(dst, x)
	case `"reasoning"`:
		if b, ok := it.thought(x); ok {
			return append(dst, b)
		}
		return dst
	case `"function_call"`, `"custom_tool_call"`:
		if it.name == "" {
			x.Note("the upstream sent a tool call without a name; it was left out")
			return dst
		}
		t := &chat.Tooling{ID: x.ClientToolID(it.callID), Name: it.toolName(x), Input: it.toolInput(x)}
		if string(it.kind) == `"custom_tool_call"` {
			t.Kind = chat.CustomTool
		}
		return append(dst, chat.Block{Kind: chat.ToolUse, Tool: t})
	}
	skippedItem(it.kind, x)
	return dst
}

// skippedItem notes an item that the canonical reply has no place for: what OpenAI's own tools did.
func skippedItem(kind chat.String, x *chat.Exchange) {
	x.Note("an output item that cannot be translated was left out: " + chat.Clip(kind.Unquote()))
}

// toolInput returns the input of a call as a JSON object. What is none is kept under a name, for an object is due: a
// model's own slip, or a custom tool's free text.
func (it *item) toolInput(x *chat.Exchange) chat.Value {
	if string(it.kind) == `"custom_tool_call"` {
		return wrapped("input", it.input)
	}
	if it.argumentsObject != nil {
		return it.argumentsObject
	}
	input, ok := chat.Arguments(it.arguments)
	if !ok {
		x.Note("the upstream sent tool arguments that are no JSON object; they were told as its member 'arguments'")
		return wrapped("arguments", it.arguments)
	}
	return input
}

// wrapped is the object of one member, a string.
func wrapped(key string, tok chat.String) chat.Value {
	if tok == nil {
		tok = chat.String(`""`)
	}
	v := make(chat.Value, 0, len(tok)+len(key)+6)
	v = append(append(append(v, `{"`...), key...), `":`...)
	return append(append(v, tok...), '}')
}

// appendMessage appends a message's parts: texts with what they cite, and refusals.
func (it *item) appendMessage(dst []chat.Block, x *chat.Exchange) []chat.Block {
	r := json.NewReader(it.content)
	if len(it.content) == 0 {
		return dst
	}
	if r.Kind() == json.Text { // servers that send no parts
		if tok := r.String(); !tok.Empty() {
			dst = append(dst, chat.Block{Kind: chat.Text, Text: tok})
		}
		return dst
	}
	for ok := r.MaybeArray(); ok && r.Element(); {
		var b chat.Block
		var kind chat.String
		var annotations chat.Value
		for object := r.MaybeObject(); object && r.Present(); {
			switch string(r.Key()) {
			case "type":
				kind = r.MaybeString()
			case "text", "refusal":
				b.Text = r.MaybeString()
			case "annotations":
				annotations = r.Value()
			default: // logprobs
				r.Skip()
			}
		}
		switch {
		case string(kind) == `"refusal"`:
			b.Kind, annotations = chat.Refusal, nil
		case string(kind) != `"output_text"` && string(kind) != `"text"`:
			x.Note("a content part that cannot be understood was left out: " + chat.Clip(kind.Unquote()))
			continue
		}
		if b.Own = chat.Own(rules.AnnotatedCitations(annotations, x)); b.Own != nil {
			b.Dialect = chat.Claude
		}
		if !b.Text.Empty() || b.Own != nil {
			dst = append(dst, b)
		}
	}
	return dst
}

// thought returns the block of a reasoning item: its words with the sealed content as their signature; without words the
// sealed content alone. false for an item that holds neither.
func (it *item) thought(x *chat.Exchange) (b chat.Block, ok bool) {
	b = chat.Block{Kind: chat.Thinking, Maker: rules.ReplyMaker(x)}
	b.Text = appendThoughts(appendThoughts(nil, it.summary), it.content)
	sealed := !it.encrypted.Empty()
	switch {
	case b.Text != nil:
		if b.Text = append(b.Text, '"'); sealed {
			b.Own = chat.Own(it.encrypted)
		}
		return b, true
	case sealed:
		b.Kind, b.Own = chat.RedactedThinking, chat.Own(it.encrypted)
		return b, true
	}
	return b, false
}

// between stands between the parts of a summary: each is a paragraph of its own.
const between = `\n\n`

// appendThoughts appends the texts of a reasoning item's summary or content to a string token without its end.
func appendThoughts(dst chat.String, parts chat.Value) chat.String {
	w := json.WalkAt(parts, 0)
	for ok := len(parts) > 0 && w.Array(); ok && w.Element(); {
		text := json.Find(w.Value(), "text")
		if len(text) <= 2 || text[0] != '"' {
			continue
		}
		if dst == nil {
			dst = append(make(chat.String, 0, len(parts)), '"')
		} else {
			dst = append(dst, between...)
		}
		dst = append(dst, text[1:len(text)-1]...)
	}
	return dst
}

// decodeUsage reads the token counts. Cached tokens, read and written, are among OpenAI's input tokens; here they stand
// apart. https://platform.openai.com/docs/guides/prompt-caching
func decodeUsage(r *json.Reader, u *chat.Usage) {
	if !r.MaybeObject() {
		return
	}
	var input int64
	for r.Member() {
		switch string(r.Key()) {
		case "input_tokens":
			if n, ok := r.MaybeCount(); ok {
				input, u.Known = n, true
			}
		case "output_tokens":
			if n, ok := r.MaybeCount(); ok {
				u.Output, u.Known = n, true
			}
		case "input_tokens_details", "output_tokens_details":
			for ok := r.MaybeObject(); ok && r.Member(); {
				switch string(r.Key()) {
				case "cached_tokens":
					u.CacheRead, _ = r.MaybeCount()
				case "cache_write_tokens":
					u.CacheWrite, _ = r.MaybeCount()
				case "cache_write_tokens_details":
					u.CacheWrite1h = longWrites(r)
				case "reasoning_tokens":
					u.Reasoning, u.ReasoningKnown = r.MaybeCount()
				default:
					r.Skip()
				}
			}
		default:
			r.Skip()
		}
	}
	u.Input = max(0, input-u.CacheRead-u.CacheWrite)
}

// longWrites reads the tokens that were written to the cache for longer than usual: 12 hours here, one hour elsewhere.
func longWrites(r *json.Reader) (n int64) {
	for ok := r.MaybeObject(); ok && r.Member(); {
		if string(r.Key()) == "ttl_12h_tokens" {
			n, _ = r.MaybeCount()
		} else {
			r.Skip()
		}
	}
	return n
}

// errNoReason is what a response failed by that does not say why.
var errNoReason = errors.New("the response failed and did not say why")
