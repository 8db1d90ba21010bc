package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// DecodeResponse reads a whole reply of Converse. What it does not know is skipped and noted.
func (Dialect) DecodeResponse(body []byte, x *chat.Exchange) (*chat.Response, error) {
	r := json.NewReader(body)
	out := &chat.Response{}
	sawOutput := false
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "output":
			sawOutput = true
			decodeOutput(r, out, x)
		case "stopReason":
			if !r.Null() {
				out.Stop = stopReason(r.String(), x)
			}
		case "usage":
			out.Usage = decodeUsage(r)
		case "metrics":
			out.LatencyMS = decodeMetrics(r)
		case "trace":
			out.Trace = value(r)
		case "additionalModelResponseFields":
			out.Fields = value(r)
			out.StopSequence = stopSequence(out.Fields)
		case "serviceTier":
			out.ServiceTier = decodeType(r)
		default:
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		return nil, chat.Unreadable("a reply", err)
	}
	if !sawOutput {
		x.Note("a reply without output")
	}
	return out, nil
}

// value reads any value; nil for null.
func value(r *json.Reader) chat.Value {
	if r.Null() {
		return nil
	}
	return r.Value()
}

// enter goes into an object; false, with the value consumed, if it is none: what a provider sends where an object is
// due is skipped, not refused.
func enter(r *json.Reader) bool {
	if r.Kind() == json.Object {
		return r.Object()
	}
	r.Skip()
	return false
}

func enterArray(r *json.Reader) bool {
	if r.Kind() == json.Array {
		return r.Array()
	}
	r.Skip()
	return false
}

// str reads a string; nil, with the value consumed, if it is none.
func str(r *json.Reader) chat.String {
	if r.Kind() == json.Text {
		return r.String()
	}
	r.Skip()
	return nil
}

// text is str, unquoted.
func text(r *json.Reader) string {
	if r.Kind() == json.Text {
		return r.Text()
	}
	r.Skip()
	return ""
}

// number reads a whole number; 0, with the value consumed, if it is none or below 0.
func number(r *json.Reader) int64 {
	if r.Kind() != json.Number {
		r.Skip()
		return 0
	}
	n, ok := json.ParseInt(r.Number())
	if !ok || n < 0 {
		return 0
	}
	return n
}

func decodeOutput(r *json.Reader, out *chat.Response, x *chat.Exchange) {
	if !enter(r) {
		return
	}
	for r.Member() {
		if string(r.Key()) != "message" {
			r.Skip()
			continue
		}
		if !enter(r) {
			continue
		}
		for r.Member() {
			if string(r.Key()) == "content" {
				out.Content = decodeReplyContent(r, out.Content, x)
			} else {
				r.Skip()
			}
		}
	}
}

func decodeReplyContent(r *json.Reader, to []chat.Block, x *chat.Exchange) []chat.Block {
	if !enterArray(r) {
		return to
	}
	for r.Element() {
		if !enter(r) {
			x.Note("a content block that is no object was skipped")
			continue
		}
		for r.Member() {
			to = decodeReplyBlock(r, to, x)
		}
	}
	return to
}

// decodeReplyBlock reads the value of a content block's one member.
func decodeReplyBlock(r *json.Reader, to []chat.Block, x *chat.Exchange) []chat.Block {
	switch string(r.Key()) {
	case "text":
		if tok := str(r); tok != nil {
			to = append(to, chat.Block{Kind: chat.Text, Text: tok})
		}
	case "toolUse":
		t, ours := decodeToolUse(r)
		if !ours {
			x.Note("a call of a server tool was skipped")
			break
		}
		t.ID, t.Name = x.ClientToolID(t.ID), x.ClientToolName(t.Name)
		to = append(to, chat.Block{Kind: chat.ToolUse, Tool: t})
	case "reasoningContent":
		if b, ok := decodeReasoning(r); ok {
			to = append(to, b)
		}
	case "citationsContent":
		to = append(to, decodeCitations(r)...)
	default:
		x.Note("an unknown content block was skipped: " + clip(string(r.Key())))
		r.Skip()
	}
	return to
}

// decodeToolUse reads a call; false if it is the provider's own to answer (type server_tool_use), which no client can.
func decodeToolUse(r *json.Reader) (t *chat.Tooling, ours bool) {
	t, ours = &chat.Tooling{}, true
	if !enter(r) {
		return t, false
	}
	for r.Member() {
		switch string(r.Key()) {
		case "toolUseId":
			t.ID = text(r)
		case "name":
			t.Name = text(r)
		case "input":
			if r.Kind() == json.Object {
				t.Input = r.Value()
			} else {
				r.Skip()
			}
		case "type":
			ours = text(r) == ""
		default:
			r.Skip()
		}
	}
	if t.Input == nil {
		t.Input = chat.Value("{}")
	}
	return t, ours
}

func decodeReasoning(r *json.Reader) (b chat.Block, ok bool) {
	if !enter(r) {
		return b, false
	}
	for r.Member() {
		switch string(r.Key()) {
		case "reasoningText":
			if !enter(r) {
				continue
			}
			b.Kind, ok = chat.Thinking, true
			for r.Member() {
				switch string(r.Key()) {
				case "text":
					b.Text = str(r)
				case "signature":
					b.Signature = str(r)
				default:
					r.Skip()
				}
			}
		case "redactedContent":
			if tok := str(r); tok != nil {
				b.Kind, b.Data, ok = chat.RedactedThinking, tok, true
			}
		default:
			r.Skip()
		}
	}
	return b, ok
}

// decodeCitations keeps the text of a citationsContent, and the citations on its first piece.
func decodeCitations(r *json.Reader) (to []chat.Block) {
	var citations chat.Value
	if !enter(r) {
		return nil
	}
	for r.Member() {
		switch string(r.Key()) {
		case "citations":
			citations = value(r)
		case "content":
			if !enterArray(r) {
				continue
			}
			for r.Element() {
				if !enter(r) {
					continue
				}
				for r.Member() {
					if string(r.Key()) != "text" {
						r.Skip()
					} else if tok := str(r); tok != nil {
						to = append(to, chat.Block{Kind: chat.Text, Text: tok, Dialect: Name})
					}
				}
			}
		default:
			r.Skip()
		}
	}
	if len(to) > 0 {
		to[0].Citations = citations
	}
	return to
}

// decodeUsage reads a TokenUsage. inputTokens counts neither what was read from the cache nor what was written to it.
func decodeUsage(r *json.Reader) (u chat.Usage) {
	if !enter(r) {
		return u
	}
	u.Known = true
	for r.Member() {
		switch string(r.Key()) {
		case "inputTokens":
			u.Input = number(r)
		case "outputTokens":
			u.Output = number(r)
		case "cacheReadInputTokens", "cacheReadInputTokenCount":
			u.CacheRead = number(r)
		case "cacheWriteInputTokens", "cacheWriteInputTokenCount":
			u.CacheWrite = number(r)
		case "cacheDetails":
			u.CacheWrite1h = decodeCacheDetails(r)
		default:
			r.Skip()
		}
	}
	return u
}

// decodeCacheDetails gives the tokens that are kept for an hour.
func decodeCacheDetails(r *json.Reader) (hour int64) {
	if !enterArray(r) {
		return 0
	}
	for r.Element() {
		if !enter(r) {
			continue
		}
		var ttl chat.String
		var n int64
		for r.Member() {
			switch string(r.Key()) {
			case "ttl":
				ttl = str(r)
			case "inputTokens":
				n = number(r)
			default:
				r.Skip()
			}
		}
		if string(ttl) == `"1h"` {
			hour += n
		}
	}
	return hour
}

func decodeMetrics(r *json.Reader) (latencyMS int64) {
	if !enter(r) {
		return 0
	}
	for r.Member() {
		if string(r.Key()) == "latencyMs" {
			latencyMS = number(r)
		} else {
			r.Skip()
		}
	}
	return latencyMS
}

// decodeType reads {"type":"…"}.
func decodeType(r *json.Reader) (typ string) {
	if !enter(r) {
		return ""
	}
	for r.Member() {
		if string(r.Key()) == "type" {
			typ = text(r)
		} else {
			r.Skip()
		}
	}
	return typ
}

// stopSequence gives the matched stop sequence that the encoder asked Claude for as an additional field.
func stopSequence(fields chat.Value) chat.String {
	if v := member(fields, "stop_sequence"); len(v) > 0 && v[0] == '"' {
		return chat.String(v)
	}
	return nil
}
