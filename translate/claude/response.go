package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// DecodeResponse reads a whole Message. What it does not know is skipped and noted, or kept for its own dialect.
func (Dialect) DecodeResponse(body []byte, x *chat.Exchange) (*chat.Response, error) {
	r := json.NewReader(body)
	out := &chat.Response{}
	var reported chat.Value
	content := false
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "id":
			out.ID = r.MaybeString().Unquote()
		case "model":
			out.Model = r.MaybeString().Unquote()
		case "content":
			content = true
			decodeContent(r, out, x)
		case "stop_reason":
			out.Stop = stopReasons.Read(r.MaybeString(), x)
		case "stop_sequence":
			out.StopSequence = r.MaybeString()
		case "usage":
			out.ServiceTier = decodeUsage(r, &out.Usage)
		case "error":
			reported = r.Value()
		default:
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		return nil, chat.Unreadable("a reply", err)
	}
	if reported != nil && !content && string(reported) != "null" {
		return nil, decodeError(reported)
	}
	if !content {
		x.Note("a reply without content")
	}
	return out, nil
}

func decodeContent(r *json.Reader, out *chat.Response, x *chat.Exchange) {
	if !r.MaybeArray() {
		return
	}
	for r.Element() {
		v := r.Value()
		if r.Err() != nil {
			return
		}
		b, ok := replyBlock(v, x)
		if !ok {
			x.Note("a content block that cannot be understood was skipped")
			continue
		}
		if out.Content == nil {
			out.Content = make([]chat.Block, 0, 4)
		}
		out.Content = append(out.Content, b)
	}
}

// replyBlock reads a content block of a reply, or of the event that begins one.
func replyBlock(v chat.Value, x *chat.Exchange) (b chat.Block, ok bool) {
	if len(v) == 0 || v[0] != '{' {
		return b, false
	}
	r := json.NewReader(v)
	var kind chat.String
	var t chat.Tooling
	var thinking, signature, data chat.String
	var citations chat.Value
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "type":
			kind = r.MaybeString()
		case "text":
			b.Text = r.MaybeString()
		case "citations":
			if r.Kind() == json.Array {
				citations = r.Value()
			} else {
				r.Skip()
			}
		case "thinking":
			thinking = r.MaybeString()
		case "signature":
			signature = r.MaybeString()
		case "data":
			data = r.MaybeString()
		case "id":
			t.ID = r.MaybeString().Unquote()
		case "name":
			t.Name = r.MaybeString().Unquote()
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
	switch string(kind) {
	case `"text"`:
		b.Kind = chat.Text
		if w := json.WalkAt(citations, 0); citations != nil && w.Array() && w.Element() {
			b.Own, b.Dialect = chat.Own(citations), chat.Claude
		}
		return b, b.Text != nil
	case `"thinking"`:
		if signature.Empty() {
			signature = nil
		}
		return chat.Block{Kind: chat.Thinking, Text: thinking, Own: chat.Own(signature)}, thinking != nil
	case `"redacted_thinking"`:
		return chat.Block{Kind: chat.RedactedThinking, Own: chat.Own(data)}, data != nil
	case `"tool_use"`:
		if t.Input == nil {
			t.Input = chat.Value("{}")
		}
		t.ID, t.Name = x.ClientToolID(t.ID), x.ClientToolName(t.Name)
		return chat.Block{Kind: chat.ToolUse, Tool: &t}, t.Name != ""
	}
	return chat.Block{Kind: chat.Opaque, Own: chat.Own(v), Dialect: chat.Claude}, kind != nil
}

// decodeUsage reads a usage into u, whose earlier counts stay where it says nothing, and returns the service tier.
// input_tokens counts neither what was read from the cache nor what was written to it.
func decodeUsage(r *json.Reader, u *chat.Usage) (tier string) {
	if !r.MaybeObject() {
		return ""
	}
	for r.Member() {
		var to *int64
		switch string(r.Key()) {
		case "input_tokens":
			to = &u.Input
		case "output_tokens":
			to = &u.Output
		case "cache_read_input_tokens":
			to = &u.CacheRead
		case "cache_creation_input_tokens":
			to = &u.CacheWrite
		case "cache_creation":
			decodeCount(r, "ephemeral_1h_input_tokens", &u.CacheWrite1h)
			continue
		case "output_tokens_details":
			u.ReasoningKnown = decodeCount(r, "thinking_tokens", &u.Reasoning) || u.ReasoningKnown
			continue
		case "service_tier":
			if tier = r.MaybeString().Unquote(); tier == claudeTier {
				tier = usualTier
			}
			continue
		default:
			r.Skip()
			continue
		}
		if n, ok := r.MaybeCount(); ok {
			*to, u.Known = n, true
		}
	}
	return tier
}

// decodeCount reads one number of an object.
func decodeCount(r *json.Reader, name string, to *int64) (told bool) {
	if !r.MaybeObject() {
		return false
	}
	for r.Member() {
		if string(r.Key()) != name {
			r.Skip()
		} else if n, ok := r.MaybeCount(); ok {
			*to, told = n, true
		}
	}
	return told
}
