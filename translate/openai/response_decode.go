package openai

import (
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// DecodeResponse reads a chat.completion: its first choice. An error body that came with a good status is a *chat.Error.
func (Dialect) DecodeResponse(body []byte, x *chat.Exchange) (*chat.Response, error) {
	d := responseDecoder{x: x, out: &chat.Response{}}
	d.r.Reset(body)
	d.response()
	if err := d.r.End(); err != nil {
		if reported, ok := errors.AsType[*chat.Error](err); ok {
			return nil, reported
		}
		return nil, chat.Unreadable("a reply", err)
	}
	return d.out, nil
}

type responseDecoder struct {
	r   json.Reader
	x   *chat.Exchange
	out *chat.Response
}

func (d *responseDecoder) response() {
	r, out := &d.r, d.out
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "id":
			out.ID = r.MaybeText()
		case "model":
			out.Model = r.MaybeText()
		case "choices":
			r.Array()
			for i := 0; r.Element(); i++ {
				if i > 0 {
					d.x.Note("the upstream sent more than one choice; the first was told")
					r.Skip()
					continue
				}
				d.choice()
			}
		case "usage":
			readUsage(r, &out.Usage)
		case "service_tier":
			out.ServiceTier = r.MaybeText()
		case "system_fingerprint":
			if r.Kind() == json.Text {
				out.Fingerprint = r.String()
			} else {
				r.Skip()
			}
		case "error":
			if v := r.Value(); r.Err() == nil {
				r.Fail(decodeError(v))
			}
		default:
			r.Skip()
		}
	}
}

func (d *responseDecoder) choice() {
	r, out := &d.r, d.out
	finish := ""
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "message":
			d.message()
		case "finish_reason":
			finish = r.MaybeText()
		case "logprobs":
			out.Logprobs = r.Value()
		default:
			r.Skip()
		}
	}
	out.Stop = stopReason(finish, hasCall(out.Content), d.x)
}

func hasCall(blocks []chat.Block) bool {
	for i := range blocks {
		if blocks[i].Kind == chat.ToolUse {
			return true
		}
	}
	return false
}

// stopReason interprets finish_reason. A forced function call ends with "stop"; what counts is that it is there.
func stopReason(finish string, called bool, x *chat.Exchange) chat.StopReason {
	stop, known := stops[finish]
	if !known && finish != "" {
		x.Note("unknown finish_reason of the upstream: " + finish)
	}
	if stop == chat.StopEnd && called {
		return chat.StopToolUse
	}
	return stop
}

// message reads the reply's parts and puts them in order: reasoning, text, refusal, tool calls.
func (d *responseDecoder) message() {
	r := &d.r
	var content, refusal, reasoning json.String
	var thoughts, parts, calls []chat.Block
	var annotations json.Value
	r.Object()
	for r.Present() {
		switch string(r.Key()) {
		case "content":
			if r.Kind() == json.Text {
				content = r.String()
			} else {
				parts = d.parts()
			}
		case "refusal":
			refusal = r.MaybeString()
		case "reasoning_content", "reasoning":
			if tok := r.MaybeString(); tok != nil {
				reasoning = tok
			}
		case "thinking_blocks":
			thoughts = d.thinking()
		case "annotations":
			annotations = r.Value()
		case "tool_calls":
			r.Array()
			for r.Element() {
				if b, ok := d.call(); ok {
					calls = append(calls, b)
				}
			}
		case "function_call":
			t := &chat.Tooling{ID: "call_" + d.x.ID}
			if d.function(t); t.Name != "" {
				calls = append(calls, chat.Block{Kind: chat.ToolUse, Tool: t})
			}
		case "audio":
			d.x.Note("the upstream's audio was left out of the reply")
			r.Skip()
		default:
			r.Skip()
		}
	}
	blocks := make([]chat.Block, 0, len(thoughts)+len(parts)+len(calls)+3)
	if blocks = append(blocks, thoughts...); len(thoughts) == 0 && !reasoning.Empty() {
		blocks = append(blocks, chat.Block{Kind: chat.Thinking, Text: reasoning})
	}
	if !content.Empty() {
		blocks = append(blocks, chat.Block{Kind: chat.Text, Text: content})
	}
	blocks = append(blocks, parts...)
	if last := len(blocks) - 1; last >= 0 && blocks[last].Kind == chat.Text {
		if c := rules.AnnotatedCitations(annotations, d.x); c != nil {
			blocks[last].Own, blocks[last].Dialect = chat.Own(c), chat.Claude
		}
	}
	if !refusal.Empty() {
		blocks = append(blocks, chat.Block{Kind: chat.Refusal, Text: refusal})
	}
	d.out.Content = append(blocks, calls...)
}

// parts reads content as a list, as some servers send it.
func (d *responseDecoder) parts() (parts []chat.Block) {
	r := &d.r
	if !r.MaybeArray() {
		return nil
	}
	for r.Element() {
		if r.Kind() != json.Object {
			r.Skip()
			continue
		}
		var tok json.String
		r.Object()
		for r.Member() {
			if string(r.Key()) == "text" {
				tok = r.MaybeString()
			} else {
				r.Skip()
			}
		}
		if !tok.Empty() {
			parts = append(parts, chat.Block{Kind: chat.Text, Text: tok})
		}
	}
	return parts
}

// thinking reads thinking_blocks, which a gateway behind this one may have sent.
func (d *responseDecoder) thinking() []chat.Block {
	v := d.r.Value()
	if d.r.Err() != nil {
		return nil
	}
	in := decoder{x: d.x}
	in.R.Reset(v)
	if in.thinkingBlocks(); in.R.Err() != nil {
		d.x.Note("the upstream sent thinking_blocks that cannot be read; they were left out")
		return nil
	}
	return in.thoughts
}

func (d *responseDecoder) call() (chat.Block, bool) {
	r := &d.r
	t := &chat.Tooling{}
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "id":
			t.ID = d.x.ClientToolID(r.MaybeText())
		case "function", "custom":
			d.function(t)
		default:
			r.Skip()
		}
	}
	if t.Name == "" {
		d.x.Note("the upstream sent a tool call without a name; it was left out")
		return chat.Block{}, false
	}
	if t.Input == nil {
		t.Input = chat.NoInput
	}
	return chat.Block{Kind: chat.ToolUse, Tool: t}, true
}

func (d *responseDecoder) function(t *chat.Tooling) {
	r := &d.r
	t.Input = chat.NoInput
	if !r.MaybeObject() {
		return
	}
	for r.Member() {
		switch string(r.Key()) {
		case "name":
			t.Name = d.x.ClientToolName(r.MaybeText())
		case "arguments", "input":
			key := string(r.Key())
			if r.Kind() == json.Object { // servers that forget to quote
				t.Input = r.Value()
				continue
			}
			tok := r.MaybeString()
			input, ok := chat.Arguments(tok)
			if !ok && tok != nil {
				// A model's own slip, or a custom tool's free text: kept under a name, for an object is due.
				if key == "arguments" {
					d.x.Note("the upstream sent tool arguments that are no JSON object; they were told as its member 'arguments'")
				}
				input = append(append(append(json.Value(`{"`), key...), `":`...), tok...)
				input = append(input, '}')
			}
			t.Input = input
		default:
			r.Skip()
		}
	}
}

// readUsage reads the token counts. OpenAI counts cached tokens among the prompt's; here they stand apart.
func readUsage(r *json.Reader, u *chat.Usage) {
	if r.Kind() != json.Object {
		r.Skip()
		return
	}
	var prompt, output int64
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "prompt_tokens":
			prompt, _ = r.MaybeCount()
			u.Known = true
		case "completion_tokens":
			output, _ = r.MaybeCount()
			u.Known = true
		case "prompt_tokens_details", "completion_tokens_details":
			if !r.MaybeObject() {
				continue
			}
			for r.Member() {
				switch string(r.Key()) {
				case "cached_tokens":
					u.CacheRead, _ = r.MaybeCount()
				case "cache_write_tokens":
					u.CacheWrite, _ = r.MaybeCount()
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
	u.Output = output
	u.Input = max(0, prompt-u.CacheRead-u.CacheWrite)
}
