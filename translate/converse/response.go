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
				out.Stop = readStop(r.String(), x)
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
	out.Routed = routed(out.Trace)
	if !sawOutput {
		x.Note("a reply without output")
	}
	return out, nil
}

func decodeOutput(r *json.Reader, out *chat.Response, x *chat.Exchange) {
	if !r.MaybeObject() {
		return
	}
	for r.Member() {
		if string(r.Key()) != "message" {
			r.Skip()
			continue
		}
		if !r.MaybeObject() {
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
	if !r.MaybeArray() {
		return to
	}
	for r.Element() {
		if !r.MaybeObject() {
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
		if tok := r.MaybeString(); tok != nil {
			to = append(to, chat.Block{Kind: chat.Text, Text: tok})
		}
	case "toolUse":
		v := r.Value()
		if raw, ok := server("toolUse", v); ok {
			to = append(to, chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Converse})
			break
		}
		if len(v) == 0 || v[0] != '{' {
			x.Note("a tool call that is no object was skipped")
			break
		}
		var inner json.Reader
		inner.Reset(v)
		t := decodeToolUse(&inner)
		t.ID, t.Name = x.ClientToolID(t.ID), x.ClientToolName(t.Name)
		to = append(to, chat.Block{Kind: chat.ToolUse, Tool: t})
	case "toolResult":
		if raw, ok := server("toolResult", r.Value()); ok {
			to = append(to, chat.Block{Kind: chat.Opaque, Own: chat.Own(raw), Dialect: chat.Converse})
		}
	case "reasoningContent":
		if b, ok := decodeReasoning(r); ok {
			to = append(to, b)
		}
	case "citationsContent":
		to = append(to, decodeCitations(r)...)
	default:
		x.Note("an unknown content block was skipped: " + chat.Clip(string(r.Key())))
		r.Skip()
	}
	return to
}

// decodeToolUse reads a call.
func decodeToolUse(r *json.Reader) *chat.Tooling {
	t := &chat.Tooling{Input: chat.Value("{}")}
	if !r.MaybeObject() {
		return t
	}
	for r.Member() {
		switch string(r.Key()) {
		case "toolUseId":
			t.ID = r.MaybeText()
		case "name":
			t.Name = r.MaybeText()
		case "input":
			if r.Kind() == json.Object {
				t.Input = r.Value()
			} else {
				r.Skip()
			}
		default:
			r.Skip()
		}
	}
	return t
}

func decodeReasoning(r *json.Reader) (b chat.Block, ok bool) {
	if !r.MaybeObject() {
		return b, false
	}
	for r.Member() {
		switch string(r.Key()) {
		case "reasoningText":
			if !r.MaybeObject() {
				continue
			}
			b.Kind, b.Own, ok = chat.Thinking, nil, true
			for r.Member() {
				switch string(r.Key()) {
				case "text":
					b.Text = r.MaybeString()
				case "signature":
					b.Own = chat.Own(r.MaybeString())
				default:
					r.Skip()
				}
			}
		case "redactedContent":
			if tok := r.MaybeString(); tok != nil {
				b.Kind, b.Own, ok = chat.RedactedThinking, chat.Own(tok), true
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
	if !r.MaybeObject() {
		return nil
	}
	for r.Member() {
		switch string(r.Key()) {
		case "citations":
			citations = value(r)
		case "content":
			if !r.MaybeArray() {
				continue
			}
			for r.Element() {
				if !r.MaybeObject() {
					continue
				}
				for r.Member() {
					if string(r.Key()) != "text" {
						r.Skip()
					} else if tok := r.MaybeString(); tok != nil {
						to = append(to, chat.Block{Kind: chat.Text, Text: tok, Dialect: chat.Converse})
					}
				}
			}
		default:
			r.Skip()
		}
	}
	if len(to) > 0 {
		to[0].Own = chat.Own(citations)
	}
	return to
}

func decodeMetrics(r *json.Reader) (latencyMS int64) {
	if !r.MaybeObject() {
		return 0
	}
	for r.Member() {
		if string(r.Key()) == "latencyMs" {
			latencyMS, _ = r.MaybeCount()
		} else {
			r.Skip()
		}
	}
	return latencyMS
}

// decodeType reads {"type":"…"}.
func decodeType(r *json.Reader) (typ string) {
	if !r.MaybeObject() {
		return ""
	}
	for r.Member() {
		if string(r.Key()) == "type" {
			typ = r.MaybeText()
		} else {
			r.Skip()
		}
	}
	return typ
}

// stopSequence returns the matched stop sequence that the encoder asked Claude for as an additional field.
func stopSequence(fields chat.Value) chat.String {
	if v := json.Find(fields, "stop_sequence"); len(v) > 0 && v[0] == '"' {
		return chat.String(v)
	}
	return nil
}

// value reads any value; nil for null.
func value(r *json.Reader) chat.Value {
	if r.Null() {
		return nil
	}
	return r.Value()
}
