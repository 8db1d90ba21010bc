package bedrock

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// asMessages turns a body for InvokeModel into one for Anthropic's Messages as Bedrock has it: there model and stream stand
// in the body, version and betas in headers. It returns the body and the betas.
func asMessages(body []byte, model string, stream bool) (out []byte, betas []string, err error) {
	var edits []json.Edit
	w := json.WalkAt(body, 0)
	m := json.EditObject(&w, &edits)
	for m.Next() {
		switch string(m.Key()) {
		case "anthropic_beta":
			ahead := w
			for ahead.Array(); ahead.Element(); {
				betas = append(betas, ahead.String().Unquote())
			}
			m.Drop()
		case "anthropic_version", "model", "stream":
			m.Drop()
		default:
			w.Skip()
		}
	}
	m.Add("model", json.Quote(model))
	if stream {
		m.Add("stream", []byte("true"))
	}
	if len(edits) == 0 {
		return nil, nil, chat.Invalid("", "the request is no JSON object")
	}
	json.SortEdits(edits)
	return json.AppendEdited(make([]byte, 0, len(body)+len(model)+32), body, edits), betas, nil
}
