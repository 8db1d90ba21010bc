package responses

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// ResponseIn returns where the response object of an event stands in its payload; false if it has none. The payload must be
// valid JSON.
func ResponseIn(payload []byte) (from, to int, ok bool) {
	w := json.WalkAt(payload, 0)
	for in := w.Object(); in && w.Member(); {
		if string(w.Key()) == "response" && w.Kind() == json.Object {
			from = w.Skip()
			return from, w.Offset(), true
		}
		w.Skip()
	}
	return 0, 0, false
}

// Final reports whether an event is the last of its response.
func Final(payload []byte) bool {
	switch string(json.Find(payload, "type")) {
	case `"response.completed"`, `"response.incomplete"`, `"response.failed"`, `"response.cancelled"`:
		return true
	}
	return false
}

// LastEvent returns where the last server-sent event of a stream of the gateway's own making begins, and the payload of it.
func LastEvent(stream []byte) (at, from, to int) {
	if at = bytes.LastIndex(stream[:max(len(stream)-len(eventEnd), 0)], eventEnd); at < 0 {
		at = 0
	} else {
		at += len(eventEnd)
	}
	from = bytes.Index(stream[at:], dataField)
	if from < 0 {
		return at, len(stream), len(stream)
	}
	from += at + len(dataField)
	to = len(bytes.TrimRight(stream, "\n"))
	return at, min(from, to), to
}

var (
	eventEnd  = []byte("\n\n")
	dataField = []byte("data: ")
)

// AppendUnstored appends body, in which a response object begins at at, with its store false.
func AppendUnstored(dst, body []byte, at int) []byte {
	w := json.WalkAt(body, at)
	for in := w.Object(); in && w.Member(); {
		if string(w.Key()) == "store" {
			from := w.Skip()
			dst = append(append(dst, body[:from]...), "false"...)
			return append(dst, body[w.Offset():]...)
		}
		w.Skip()
	}
	return append(dst, body...)
}
