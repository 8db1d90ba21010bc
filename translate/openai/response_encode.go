package openai

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// EncodeResponse appends a chat.completion. All text becomes the content; thinking stands beside it as
// reasoning_content and, with its signatures, as thinking_blocks. What the forced output tool was given is the content,
// and any words around it are left out, for the client expects a value and nothing else.
func (Dialect) EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error) {
	dst = append(dst, `{"id":"chatcmpl-`...)
	dst = json.AppendEscaped(dst, x.ID)
	dst = append(dst, `","object":"chat.completion","created":`...)
	dst = strconv.AppendInt(dst, x.Created, 10)
	dst = append(dst, `,"model":`...)
	dst = json.AppendQuoted(dst, x.Model)
	dst = append(dst, `,"choices":[{"index":0,"message":{"role":"assistant","content":`...)
	s := summarize(r.Content, x)
	dst = appendContent(dst, r.Content, &s, x)
	dst = append(dst, `,"refusal":`...)
	dst = appendTexts(dst, r.Content, chat.Refusal, s.refusals)
	if s.thinking > 0 {
		dst = append(dst, `,"reasoning_content":`...)
		dst = appendTexts(dst, r.Content, chat.Thinking, s.thinking)
	}
	if s.thinking+s.redacted > 0 {
		dst = appendThinking(dst, r.Content, x)
	}
	if s.calls > 0 {
		dst = appendCalls(dst, r.Content, x)
	}
	dst = appendServerBlocks(dst, r.Content, s.output)
	dst = appendAnnotations(dst, r.Content, s.output, x)
	dst = append(dst, `},"logprobs":`...)
	if r.Logprobs != nil {
		dst = json.AppendCompact(dst, r.Logprobs)
	} else {
		dst = append(dst, "null"...)
	}
	dst = append(dst, `,"finish_reason":"`...)
	dst = append(dst, finishReason(r.Stop, s.calls > 0, s.output, x)...)
	dst = append(dst, `"}]`...)
	if r.Usage.Known {
		dst = append(dst, `,"usage":`...)
		dst = appendUsage(dst, &r.Usage)
	}
	if r.ServiceTier != "" {
		dst = append(dst, `,"service_tier":`...)
		dst = json.AppendQuoted(dst, r.ServiceTier)
	}
	if r.Fingerprint != nil {
		dst = append(dst, `,"system_fingerprint":`...)
		dst = append(dst, r.Fingerprint...)
	}
	return append(appendBedrock(dst, r.Trace, r.Fields, x), '}'), nil
}

// appendBedrock appends what the client asked for of Bedrock's that OpenAI has no member for: the guardrail's trace, and the
// fields of the model's own reply.
func appendBedrock(dst []byte, trace, fields json.Value, x *chat.Exchange) []byte {
	n := 0
	for _, m := range [...]struct {
		key   string
		v     json.Value
		asked bool
	}{{"trace", trace, x.ShowTrace}, {"additionalModelResponseFields", fields, x.ShowFields}} {
		if m.v == nil || !m.asked {
			continue
		}
		if n++; n == 1 {
			dst = append(dst, `,"bedrock":{`...)
		} else {
			dst = append(dst, ',')
		}
		dst = append(json.AppendQuoted(dst, m.key), ':')
		dst = json.AppendCompact(dst, m.v)
	}
	if n > 0 {
		dst = append(dst, '}')
	}
	return dst
}

// summary counts what a reply is made of.
type summary struct {
	texts, refusals, thinking, redacted, calls int
	output                                     bool // the forced output tool was called
}

func summarize(blocks []chat.Block, x *chat.Exchange) (s summary) {
	for i := range blocks {
		b := &blocks[i]
		switch b.Kind {
		case chat.Text:
			s.texts++
		case chat.Refusal:
			s.refusals++
		case chat.Thinking:
			s.thinking++
		case chat.RedactedThinking:
			s.redacted++
		case chat.ToolUse:
			if x.IsOutput(b.Tool.Name) {
				s.output = true
			} else {
				s.calls++
			}
		case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult, chat.Opaque:
			if !isServerBlock(b) {
				x.Note("the reply holds a block that an OpenAI reply has no place for: " + b.Kind.String())
			}
		}
	}
	return s
}

// finishReason is OpenAI's word for why the reply ended. A reply with tool calls always says so: clients look at nothing
// else; and the forced output tool is none.
func finishReason(stop chat.StopReason, calls, output bool, x *chat.Exchange) string {
	if int(stop) >= len(finishReasons) {
		stop = chat.StopUnknown
	}
	switch stop {
	case chat.StopUnknown:
		x.Note("the upstream gave no reason to stop that is known; told the client 'stop'")
		fallthrough
	case chat.StopEnd:
		if calls {
			stop = chat.StopToolUse
		}
	case chat.StopToolUse:
		if output && !calls {
			stop = chat.StopEnd
		}
	case chat.StopSequence, chat.StopLength, chat.StopFiltered, chat.StopContextFull, chat.StopPause:
	case chat.StopMalformed: // a call that could not be read is none to run
	}
	if stop == chat.StopToolUse && x.FunctionCalls {
		return "function_call"
	}
	return finishReasons[stop]
}

// appendContent appends the message's content: null beside tool calls and refusals when there is no text.
func appendContent(dst []byte, blocks []chat.Block, s *summary, x *chat.Exchange) []byte {
	switch {
	case s.output:
		for i := range blocks {
			if b := &blocks[i]; b.Kind == chat.ToolUse && x.IsOutput(b.Tool.Name) {
				return chat.AppendArguments(dst, b.Tool.Input)
			}
		}
	case s.texts == 0 && s.calls+s.refusals == 0:
		return append(dst, '"', '"')
	}
	return appendTexts(dst, blocks, chat.Text, s.texts)
}

// appendTexts appends the n blocks' texts of a kind as one string; null if there are none.
func appendTexts(dst []byte, blocks []chat.Block, kind chat.BlockKind, n int) []byte {
	if n == 0 {
		return append(dst, "null"...)
	}
	dst = append(dst, '"')
	for i := range blocks {
		if b := &blocks[i]; b.Kind == kind && len(b.Text) >= 2 {
			dst = append(dst, b.Text[1:len(b.Text)-1]...)
		}
	}
	return append(dst, '"')
}

// appendThinking appends the thinking as the model needs it back: its signatures and redacted blocks to the byte, with the name
// of their maker before them.
func appendThinking(dst []byte, blocks []chat.Block, x *chat.Exchange) []byte {
	dst = append(dst, `,"thinking_blocks":[`...)
	n := 0
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != chat.Thinking && b.Kind != chat.RedactedThinking {
			continue
		}
		if n++; n > 1 {
			dst = append(dst, ',')
		}
		if b.Kind == chat.RedactedThinking {
			dst = append(dst, `{"type":"redacted_thinking","data":`...)
			dst = appendString(dst, rules.Seal(b.Data(), x))
		} else {
			dst = append(dst, `{"type":"thinking","thinking":`...)
			dst = appendString(dst, b.Text)
			if signature := b.Signature(); signature != nil {
				dst = append(dst, `,"signature":`...)
				dst = append(dst, rules.Seal(signature, x)...)
			}
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func appendString(dst []byte, tok json.String) []byte {
	if tok == nil {
		return append(dst, '"', '"')
	}
	return append(dst, tok...)
}

func appendCalls(dst []byte, blocks []chat.Block, x *chat.Exchange) []byte {
	if x.FunctionCalls {
		dst = append(dst, `,"function_call":`...)
	} else {
		dst = append(dst, `,"tool_calls":[`...)
	}
	n := 0
	for i := range blocks {
		b := &blocks[i]
		if b.Kind != chat.ToolUse || x.IsOutput(b.Tool.Name) {
			continue
		}
		n++
		if x.FunctionCalls {
			return appendFunction(dst, b.Tool) // there is room for one
		}
		if n > 1 {
			dst = append(dst, ',')
		}
		dst = append(dst, `{"id":`...)
		dst = json.AppendQuoted(dst, b.Tool.ID)
		dst = append(dst, `,"type":"function","function":`...)
		dst = append(appendFunction(dst, b.Tool), '}')
	}
	return append(dst, ']')
}

func appendFunction(dst []byte, t *chat.Tooling) []byte {
	dst = append(dst, `{"name":`...)
	dst = json.AppendQuoted(dst, t.Name)
	dst = append(dst, `,"arguments":`...)
	return append(chat.AppendArguments(dst, t.Input), '}')
}

// appendUsage appends the token counts. OpenAI's prompt_tokens are all of the request's, cached ones too.
func appendUsage(dst []byte, u *chat.Usage) []byte {
	dst = append(dst, `{"prompt_tokens":`...)
	dst = strconv.AppendInt(dst, u.Prompt(), 10)
	dst = append(dst, `,"completion_tokens":`...)
	dst = strconv.AppendInt(dst, u.Output, 10)
	dst = append(dst, `,"total_tokens":`...)
	dst = strconv.AppendInt(dst, u.Total(), 10)
	dst = append(dst, `,"prompt_tokens_details":{"cached_tokens":`...)
	dst = strconv.AppendInt(dst, u.CacheRead, 10)
	if u.CacheWrite > 0 {
		dst = append(dst, `,"cache_write_tokens":`...)
		dst = strconv.AppendInt(dst, u.CacheWrite, 10)
	}
	if !u.ReasoningKnown {
		return append(dst, '}', '}')
	}
	dst = append(dst, `},"completion_tokens_details":{"reasoning_tokens":`...)
	dst = strconv.AppendInt(dst, u.Reasoning, 10)
	return append(dst, '}', '}')
}
