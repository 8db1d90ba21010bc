package responses

import (
	"bytes"
	"encoding/base64"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// An envelope is our encrypted_content: it holds what a model needs back, in a member that every client of Responses keeps and
// returns. It is readable by anyone who holds it, and hides nothing from the client; its prefix says whose models can read
// what is in it. OpenAI's own have no such prefix.
//
//	bedrock-gateway.<maker>.<base64 of {"type":"thinking","thinking":…,"signature":…} or {"type":"redacted_thinking","data":…}>
//	bedrock-gateway.summary.<base64 of {"text":…}>
const (
	envelopePrefix = "bedrock-gateway."
	summaryMaker   = "summary"
)

// appendReasoningEnvelope appends the envelope of a thinking block as a JSON string. text, signature and data are JSON
// strings; those that the block has not are nil.
func appendReasoningEnvelope(dst []byte, m chat.Maker, text, signature, data json.String) []byte {
	w := json.NewWriter(make([]byte, 0, len(text)+len(signature)+len(data)+64))
	w.BeginObject()
	w.Key("type")
	if data != nil {
		w.Text("redacted_thinking")
		w.Key("data")
		w.String(data)
	} else {
		w.Text("thinking")
		w.Key("thinking")
		w.String(text)
		if signature != nil {
			w.Key("signature")
			w.String(signature)
		}
	}
	w.EndObject()
	return appendEnvelope(dst, m.String(), w.Bytes())
}

// appendSummaryEnvelope appends the envelope of a compaction's text.
func appendSummaryEnvelope(dst []byte, text json.String) []byte {
	w := json.NewWriter(make([]byte, 0, len(text)+16))
	w.BeginObject()
	w.Key("text")
	w.String(text)
	w.EndObject()
	return appendEnvelope(dst, summaryMaker, w.Bytes())
}

func appendEnvelope(dst []byte, maker string, content []byte) []byte {
	dst = append(dst, '"')
	dst = append(dst, envelopePrefix...)
	dst = append(dst, maker...)
	dst = append(dst, '.')
	dst = base64.RawURLEncoding.AppendEncode(dst, content)
	return append(dst, '"')
}

// openEnvelope returns what is in an envelope of ours; ok is false for anything else, also for one that was changed.
func openEnvelope(tok json.String) (maker string, content json.Value, ok bool) {
	b, ours := bytes.CutPrefix(tok.Bytes(), []byte(envelopePrefix))
	if !ours {
		return "", nil, false
	}
	name, encoded, found := bytes.Cut(b, []byte("."))
	if !found || len(name) > 16 {
		return "", nil, false
	}
	content, err := base64.RawURLEncoding.AppendDecode(nil, encoded)
	if err != nil || json.Valid(content) != nil || len(content) == 0 || content[0] != '{' {
		return "", nil, false
	}
	return string(name), content, true
}

// blockIn returns the thinking block in an envelope's content.
func blockIn(content json.Value) (b chat.Block, ok bool) {
	find := func(key string) json.String {
		if v := json.Find(content, key); len(v) > 1 && v[0] == '"' {
			return json.String(v)
		}
		return nil
	}
	switch kind := find("type"); string(kind) {
	case `"thinking"`:
		b.Kind, b.Text, b.Own = chat.Thinking, find("thinking"), chat.Own(find("signature"))
		return b, b.Text != nil
	case `"redacted_thinking"`:
		b.Kind, b.Own = chat.RedactedThinking, chat.Own(find("data"))
		return b, b.Own != nil
	}
	return b, false
}
