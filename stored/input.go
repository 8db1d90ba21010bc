package stored

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// kinds are the beginnings of the ids of items, as OpenAI makes them, by the items' types.
var kinds = map[string]string{
	"message": "msg", "reasoning": "rs", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc",
	"custom_tool_call_output": "ctco", "compaction": "cmp",
}

// appendInput appends a turn's input as a list of items that all have an id: OpenAI lists them so, whichever way they were
// sent. Text is a message of one part.
func appendInput(dst []byte, core string, input json.Value) []byte {
	dst = append(dst, '[')
	switch {
	case len(input) > 0 && input[0] == '"':
		dst = appendItemID(append(dst, '{'), core, "message", 0)
		dst = append(dst, `,"type":"message","role":"user",`...)
		dst = append(appendParts(dst, "input_text", input), '}')
	case isArray(input):
		w := json.WalkAt(input, 0)
		w.Array()
		from := len(dst)
		for i := 0; w.Element(); i++ {
			item := w.Value()
			if string(json.Find(item, "type")) == `"compaction_trigger"` {
				continue // it asks for this reply alone
			}
			if len(dst) > from {
				dst = append(dst, ',')
			}
			dst = appendItem(dst, core, i, item)
		}
	}
	return append(dst, ']')
}

// appendItemID appends the id of an item of the input.
func appendItemID(dst []byte, core, kind string, index int) []byte {
	prefix := kinds[kind]
	if prefix == "" {
		prefix = "item"
	}
	dst = append(append(dst, `"id":"`...), prefix...)
	dst = append(append(append(dst, '_'), core...), "_i"...)
	return append(strconv.AppendInt(dst, int64(index), 10), '"')
}

// appendParts appends a message's text as its content.
func appendParts(dst []byte, kind string, text json.Value) []byte {
	dst = append(append(dst, `"content":[{"type":"`...), kind...)
	dst = append(append(dst, `","text":`...), text...)
	if kind == "output_text" {
		dst = append(dst, `,"annotations":[]`...)
	}
	return append(dst, `}]`...)
}

// appendItem appends an item of the input, with an id and a type if it has none.
func appendItem(dst []byte, core string, index int, item json.Value) []byte {
	if len(item) == 0 || item[0] != '{' {
		return append(dst, item...)
	}
	var kind, role, content json.Value
	id := false
	w := json.WalkAt(item, 0)
	for ok := w.Object(); ok && w.Member(); {
		key := string(w.Key())
		v := w.Value()
		switch key {
		case "id":
			id = id || len(v) > 2 && v[0] == '"'
		case "type":
			kind = v
		case "role":
			role = v
		case "content":
			content = v
		}
	}
	message := kind == nil && role != nil || string(kind) == `"message"`
	text := message && len(content) > 0 && content[0] == '"'
	if id && kind != nil && !text {
		return append(dst, item...)
	}
	name := "message"
	if !message {
		name = json.String(kind).Unquote()
	}
	dst = append(dst, '{')
	if !id {
		dst = append(appendItemID(dst, core, name, index), ',')
	}
	if kind == nil && message {
		dst = append(dst, `"type":"message",`...)
	}
	w = json.WalkAt(item, 0)
	for ok := w.Object(); ok && w.Member(); {
		key := string(w.Key())
		v := w.Value()
		switch {
		case key == "id" && !id:
			continue
		case key == "content" && text:
			part := "input_text"
			if string(role) == `"assistant"` {
				part = "output_text"
			}
			dst = append(appendParts(dst, part, v), ',')
		default:
			dst = append(json.AppendQuoted(dst, key), ':')
			dst = append(append(dst, v...), ',')
		}
	}
	dst[len(dst)-1] = '}'
	return dst
}
