package titan

import (
	"bytes"
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const generationConfig = "textGenerationConfig"

// Splice copies a client's body for Bedrock's InvokeModel. Its edits, and there are no others: model, model_id, stream
// and file_ids are taken out; a limit of output tokens above the model's own is cut down to it; the files' text is put before what the user said last, or before the whole prompt if it is
// no conversation.
func (Dialect) Splice(dst []byte, b *chat.Body, e *chat.Edits, x *chat.Exchange) ([]byte, error) {
	limited, err := rules.SpliceLimit(b.Value(generationConfig), "maxTokenCount", generationConfig+".maxTokenCount", x)
	if err != nil {
		return nil, err
	}
	var edits []json.Edit
	w := json.WalkAt(b.Raw, 0)
	m := json.EditObject(&w, &edits)
	for m.Next() {
		switch string(m.Key()) {
		case "model", "model_id", "stream", "file_ids":
			m.Drop()
		case generationConfig:
			if limited == nil {
				w.Skip()
			} else {
				m.Set(limited)
				limited = nil
			}
		case "inputText":
			at := w.Offset()
			tok := w.String()
			if e.Context == nil || tok == nil {
				continue
			}
			at += question(tok)
			edits = append(edits, json.Edit{Start: at, End: at, Text: e.Context[1 : len(e.Context)-1]})
		default:
			w.Skip()
		}
	}
	if limited != nil {
		m.Add(generationConfig, limited)
	}
	json.SortEdits(edits)
	return json.AppendEdited(dst, b.Raw, edits), nil
}

// question returns the offset in a prompt's token where the text of the last question begins, or the prompt's own if it
// is no conversation.
func question(tok chat.String) int {
	_, list := turns(tok.Unquote())
	for _, t := range slices.Backward(list) {
		if t.role == chat.User {
			return offset(tok, t.start)
		}
	}
	return 1
}

// offset returns where in a token the n-th byte of its meaning stands.
func offset(tok chat.String, n int) int {
	at := 1
	for n > 0 && at < len(tok)-1 {
		if tok[at] != '\\' {
			at++
			n--
			continue
		}
		size := 2
		if tok[at+1] == 'u' {
			size = 6
			if high := tok[at+2] | 0x20; high == 'd' && tok[at+3] > '7' && bytes.HasPrefix(tok[at+6:], []byte(`\u`)) {
				size = 12 // a character in two halves
			}
		}
		n -= len(json.AppendUnquoted(nil, append(append([]byte{'"'}, tok[at:at+size]...), '"')))
		at += size
	}
	return at
}
