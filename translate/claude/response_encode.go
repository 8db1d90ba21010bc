package claude

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// EncodeResponse appends a Message. What the forced output tool was given is its text, and any words around it are left
// out, for the client expects a value and nothing else. An unknown usage is zero: clients of this dialect take
// it for granted.
func (Dialect) EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error) {
	calls, output := false, false
	for i := range r.Content {
		if b := &r.Content[i]; b.Kind == chat.ToolUse {
			if x.IsOutput(b.Tool.Name) {
				output = true
			} else {
				calls = true
			}
		}
	}
	w := json.NewWriter(dst)
	w.BeginObject()
	w.Key("id")
	w.Text("msg_" + x.ID)
	w.Raw(`"type":"message","role":"assistant","model":`)
	w.Text(x.Model)
	w.Key("content")
	w.BeginArray()
	for i := range r.Content {
		if b := &r.Content[i]; !output || b.Kind != chat.Text {
			writeReplyBlock(&w, b, x)
		}
	}
	w.EndArray()
	w.Key("stop_reason")
	w.Text(stopName(r.Stop, calls, output, x))
	w.Key("stop_sequence")
	writeStopSequence(&w, r.Stop, r.StopSequence)
	w.Key("usage")
	buf := appendUsage(w.Bytes(), &r.Usage, r.ServiceTier)
	return append(buf, '}'), nil
}

func writeStopSequence(w *json.Writer, stop chat.StopReason, tok chat.String) {
	if stop == chat.StopSequence && tok != nil {
		w.String(tok)
	} else {
		w.Null()
	}
}

// writeReplyBlock writes a block of a reply.
func writeReplyBlock(w *json.Writer, b *chat.Block, x *chat.Exchange) {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		if b.Text.Empty() {
			return // would be refused when it comes back
		}
		w.Raw(`{"type":"text","text":`)
		w.String(b.Text)
		citations := b.Citations()
		if citations != nil && b.Dialect != chat.Claude {
			citations = rules.Citations(citations, rules.ClaudeCitation, x)
		}
		if citations != nil {
			w.Key("citations")
			w.Value(citations)
		}
		w.EndObject()
	case chat.ToolUse:
		input := b.Tool.Input
		if len(input) == 0 {
			input = chat.Value("{}")
		}
		if x.IsOutput(b.Tool.Name) {
			w.Raw(`{"type":"text","text":`)
			w.Text(string(json.AppendCompact(nil, input)))
			w.EndObject()
			return
		}
		w.Raw(`{"type":"tool_use","id":`)
		w.Text(b.Tool.ID)
		w.Key("name")
		w.Text(b.Tool.Name)
		w.Key("input")
		w.Value(input)
		w.EndObject()
	case chat.Thinking:
		w.Raw(`{"type":"thinking","thinking":`)
		w.String(b.Text)
		w.Key("signature")
		w.String(rules.Seal(b.Signature(), x))
		w.EndObject()
	case chat.RedactedThinking:
		w.Raw(`{"type":"redacted_thinking","data":`)
		w.String(rules.Seal(b.Data(), x))
		w.EndObject()
	case chat.Opaque:
		if b.Dialect == chat.Claude {
			w.Value(b.Raw())
			return
		}
		if nova := rules.ClaudeServerBlock(b.Raw()); nova != nil {
			w.Value(nova)
			return
		}
		x.Note("the reply holds a block that a Claude reply has no place for")
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
		x.Note("the reply holds a block that a Claude reply has no place for: " + b.Kind.String())
	}
}

// appendUsage appends the counts of the input and the output. Members beyond the four are shown when there is something
// to show.
func appendUsage(dst []byte, u *chat.Usage, tier string) []byte {
	dst = append(dst, `{"input_tokens":`...)
	dst = strconv.AppendInt(dst, u.Input, 10)
	dst = append(dst, `,"cache_creation_input_tokens":`...)
	dst = strconv.AppendInt(dst, u.CacheWrite, 10)
	dst = append(dst, `,"cache_read_input_tokens":`...)
	dst = strconv.AppendInt(dst, u.CacheRead, 10)
	if u.CacheWrite1h > 0 {
		dst = append(dst, `,"cache_creation":{"ephemeral_5m_input_tokens":`...)
		dst = strconv.AppendInt(dst, max(u.CacheWrite-u.CacheWrite1h, 0), 10)
		dst = append(dst, `,"ephemeral_1h_input_tokens":`...)
		dst = strconv.AppendInt(dst, u.CacheWrite1h, 10)
		dst = append(dst, '}')
	}
	dst = append(dst, `,"output_tokens":`...)
	dst = strconv.AppendInt(dst, u.Output, 10)
	if u.Reasoning > 0 {
		dst = append(dst, `,"output_tokens_details":{"thinking_tokens":`...)
		dst = strconv.AppendInt(dst, u.Reasoning, 10)
		dst = append(dst, '}')
	}
	if tier == usualTier {
		tier = claudeTier
	}
	if tier != "" {
		dst = append(dst, `,"service_tier":`...)
		dst = json.AppendQuoted(dst, tier)
	}
	return append(dst, '}')
}

// The tier of replies that have none of their own: Anthropic's clients know no default.
// Source: anthropic 2.12.0, types/usage.py.
const (
	usualTier  = "default" // the canonical form's word, which is OpenAI's and Bedrock's
	claudeTier = "standard"
)
