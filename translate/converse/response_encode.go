package converse

import (
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// EncodeResponse appends a reply as Converse sends it. The input of the tool that stood for a format is the reply's text,
// unless the model called a tool of the client's.
func (Dialect) EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error) {
	w := json.NewWriter(dst)
	calls := false
	for i := range r.Content {
		calls = calls || r.Content[i].Kind == chat.ToolUse && !isOutput(&r.Content[i], x)
	}
	stop := r.Stop
	w.Raw(`{"output":{"message":{"role":"assistant","content":[`)
	for i := range r.Content {
		b := &r.Content[i]
		if isOutput(b, x) {
			if calls {
				continue
			}
			if stop == chat.StopToolUse {
				stop = chat.StopEnd
			}
			w.Raw(`{"text":`)
			w.Text(string(json.AppendCompact(nil, b.Tool.Input)))
			w.EndObject()
			continue
		}
		replyBlock(&w, b, x)
	}
	w.EndArray()
	w.EndObject()
	w.EndObject()
	w.Key("stopReason")
	w.Text(stopName(stop, r.Trace))
	if r.Usage.Known {
		usage(&w, &r.Usage)
	}
	metrics(&w, r.LatencyMS, x)
	if r.Fields != nil {
		w.Key("additionalModelResponseFields")
		w.Value(r.Fields)
	}
	if r.Trace != nil {
		w.Key("trace")
		w.Value(r.Trace)
	}
	if r.ServiceTier != "" {
		w.Raw(`"serviceTier":{"type":`)
		w.Text(r.ServiceTier)
		w.EndObject()
	}
	w.EndObject()
	return w.Bytes(), nil
}

// metrics writes the metrics, which the API promises on every reply. Where the provider reports no latency, it is the
// gateway's own measurement.
func metrics(w *json.Writer, latency int64, x *chat.Exchange) {
	if latency == 0 && !x.Started.IsZero() {
		latency = max(time.Since(x.Started).Milliseconds(), 1)
	}
	if latency > 0 {
		w.Raw(`"metrics":{"latencyMs":`)
		w.Int(latency)
		w.EndObject()
	}
}

func isOutput(b *chat.Block, x *chat.Exchange) bool {
	return b.Kind == chat.ToolUse && x.IsOutput(b.Tool.Name)
}

func replyBlock(w *json.Writer, b *chat.Block, x *chat.Exchange) {
	switch b.Kind {
	case chat.Text, chat.Refusal:
		if b.Text == nil {
			return
		}
		citations := b.Citations()
		if citations != nil && b.Dialect != chat.Converse {
			citations = rules.Citations(citations, rules.ConverseCitation, x)
		}
		if citations != nil {
			w.Raw(`{"citationsContent":{"content":[{"text":`)
			w.String(b.Text)
			w.EndObject()
			w.EndArray()
			w.Key("citations")
			w.Value(citations)
			w.EndObject()
			w.EndObject()
			return
		}
		w.Raw(`{"text":`)
		w.String(b.Text)
		w.EndObject()
	case chat.ToolUse:
		w.Raw(`{"toolUse":{"toolUseId":`)
		w.Text(b.Tool.ID)
		w.Key("name")
		w.Text(b.Tool.Name)
		w.Key("input")
		if len(b.Tool.Input) == 0 {
			w.Raw("{}")
		} else {
			w.Value(b.Tool.Input)
		}
		w.EndObject()
		w.EndObject()
	case chat.Thinking:
		reasoning(w, b.Text, rules.Seal(b.Signature(), x))
	case chat.RedactedThinking:
		w.Raw(`{"reasoningContent":{"redactedContent":`)
		w.String(rules.SealBytes(b.Data(), x))
		w.EndObject()
		w.EndObject()
	case chat.Opaque:
		if b.Dialect == chat.Converse {
			w.Value(b.Raw())
			return
		}
		x.Note("a content block that Converse has no word for was skipped")
	case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
		x.Note("a content block that Converse has no word for was skipped")
	}
}

// reasoning writes a reasoningContent block.
func reasoning(w *json.Writer, text, signature chat.String) {
	w.Raw(`{"reasoningContent":{"reasoningText":{"text":`)
	w.String(text)
	if signature != nil {
		w.Key("signature")
		w.String(signature)
	}
	w.EndObject()
	w.EndObject()
	w.EndObject()
}
