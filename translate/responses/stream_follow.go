package responses

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

var deltaSuffix = []byte(".delta")

var numberKey = []byte(`"sequence_number":`)

// Follow notes of a frame that is relayed as it is what KeepAlive and Error need: the number of the event, and the response
// that it is about.
func (e *streamEncoder) Follow(name, payload []byte) {
	if n, ok := numberOf(payload); ok {
		e.seq = n + 1
	}
	if len(name) == 0 {
		if kind := json.String(json.Find(payload, "type")); len(kind) > 1 {
			name = kind[1 : len(kind)-1]
		}
	}
	if copied(e.x) { // OpenAI keeps its own
		e.mark(markPlain)
		if e.x.Stored && bytes.HasSuffix(name, deltaSuffix) {
			e.markDelta(json.String(json.Find(payload, "delta")))
		}
	}
	switch string(name) {
	case "response.created", "response.in_progress":
		if v := json.Find(payload, "response"); v != nil {
			e.relayed = append(e.relayed[:0], v...)
		}
	case "response.completed", "response.incomplete", "response.failed", "error":
		e.over = true
	}
}

// numberOf returns the number of an event.
func numberOf(payload []byte) (n int64, ok bool) {
	for {
		at := bytes.Index(payload, numberKey)
		if at < 0 {
			return 0, false
		}
		payload = bytes.TrimLeft(payload[at+len(numberKey):], " ")
		digits := 0
		for digits < len(payload) && digits < 18 && payload[digits] >= '0' && payload[digits] <= '9' {
			n = n*10 + int64(payload[digits]-'0')
			digits++
		}
		if digits > 0 {
			return n, true
		}
	}
}

// appendFailed appends a response object as it stands when it has failed.
func appendFailed(dst []byte, response json.Value, code, message, kind string) []byte {
	dst = append(dst, `{"status":"failed","error":{"code":`...)
	dst = json.AppendQuoted(dst, code)
	dst = append(dst, `,"message":`...)
	dst = json.AppendQuoted(dst, message)
	dst = append(dst, `,"type":`...)
	dst = json.AppendQuoted(dst, kind)
	dst = append(dst, `,"param":null}`...)
	w := json.WalkAt(response, 0)
	for ok := w.Object(); ok && w.Member(); {
		key := w.Key()
		v := w.Value()
		if string(key) == "status" || string(key) == "error" {
			continue
		}
		dst = append(dst, ',', '"')
		dst = json.AppendEscaped(dst, key)
		dst = append(dst, '"', ':')
		dst = json.AppendCompact(dst, v)
	}
	return append(dst, '}')
}
