package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const inferenceConfig = "inferenceConfig"

// Splice copies a native body. The model stands in the URL and streaming in the operation, so what may change is little:
// the configured guardrail takes the place of the client's, a limit of output tokens above the model's own is cut down
// to it, file_ids goes, and the files' text stands before the question. Without any of these the body is copied to the byte.
//
// A body with reasoning that another maker's model did, which only the gateway's replies have, is a 400 with chat.CodeAnew. So
// is one with what tools of Bedrock's own left in the turns of another model.
func (Dialect) Splice(dst []byte, b *chat.Body, e *chat.Edits, x *chat.Exchange) ([]byte, error) {
	if rules.HoldsSealed(b.Raw) || rules.HoldsUnserved(b.Raw, &x.Facts) {
		e := chat.Invalid("messages", "the conversation holds reasoning, or blocks of tools that ran, which are another model's and '%s' cannot read", x.Model)
		e.Code = chat.CodeAnew
		return nil, e
	}
	guard := x.Guardrail
	if x.GuardrailOverride && b.Value("guardrailConfig") != nil {
		guard = nil
	}
	limited, err := rules.SpliceLimit(b.Value(inferenceConfig), "maxTokens", inferenceConfig+".maxTokens", x)
	if err != nil {
		return nil, err
	}
	if guard == nil && e.Context == nil && limited == nil && b.Member("file_ids") == nil {
		return autoCached(json.AppendEdited(dst, b.Raw, nil), len(dst), x), nil
	}
	var edits []json.Edit
	w := json.WalkAt(b.Raw, 0)
	m := json.EditObject(&w, &edits)
	guarded, asked := false, false
	for m.Next() {
		switch string(m.Key()) {
		case "file_ids":
			m.Drop()
		case "guardrailConfig":
			if guard == nil {
				w.Skip()
				continue
			}
			m.Set(guard)
			x.Omit("guardrailConfig")
			guarded = true
		case inferenceConfig:
			if limited == nil {
				w.Skip()
			} else {
				m.Set(limited)
				limited = nil
			}
		case "messages":
			if e.Context != nil {
				edits, asked = contextEdit(&w, edits, e.Context)
			} else {
				w.Skip()
			}
		default:
			w.Skip()
		}
	}
	if limited != nil {
		m.Add(inferenceConfig, limited)
	}
	if guard != nil && !guarded {
		m.Add("guardrailConfig", guard)
	}
	if e.Context != nil && !asked {
		return nil, chat.Invalid("messages", "file_ids needs a user message to put the files before, and there is none")
	}
	json.SortEdits(edits)
	return autoCached(json.AppendEdited(dst, b.Raw, edits), len(dst), x), nil
}

// contextEdit puts text before the content of the last user message that is more than the results of tools.
func contextEdit(w *json.Walker, edits []json.Edit, text chat.String) ([]json.Edit, bool) {
	at, empty := -1, false
	if !w.Array() {
		w.Skip()
		return edits, false
	}
	for w.Element() {
		if !w.Object() {
			w.Skip()
			continue
		}
		user, place, none := false, -1, false
		for w.Member() {
			switch string(w.Key()) {
			case "role":
				user = string(w.Value()) == `"user"`
			case "content":
				place, none = question(w)
			default:
				w.Skip()
			}
		}
		if user && place >= 0 {
			at, empty = place, none
		}
	}
	if at < 0 {
		return edits, false
	}
	block := append([]byte(`{"text":`), text...)
	block = append(block, '}')
	if !empty {
		block = append(block, ',')
	}
	return append(edits, json.Edit{Start: at, End: at, Text: block}), true
}

// question returns where the first block stands that is no tool result, -1 if there is none. An empty content counts too.
func question(w *json.Walker) (at int, empty bool) {
	if !w.Array() {
		w.Skip()
		return -1, false
	}
	at = w.Offset()
	blocks := 0
	found := -1
	for w.Element() {
		blocks++
		start := w.Offset()
		result := false
		if w.Object() {
			for w.Member() {
				result = result || string(w.Key()) == "toolResult"
				w.Skip()
			}
		} else {
			w.Skip()
		}
		if !result && found < 0 {
			found = start
		}
	}
	if blocks == 0 {
		return at, true
	}
	return found, false
}
