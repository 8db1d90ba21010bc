package chat

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// NoInput is the input of a tool that was called without any.
var NoInput = Value(`{}`)

// Arguments returns a call's input that OpenAI's APIs have as a string of JSON. An empty one means no input; ok is false
// where the string holds no JSON object.
func Arguments(tok String) (input Value, ok bool) {
	text := bytes.Trim(tok.Bytes(), " \t\r\n")
	if len(text) == 0 {
		return NoInput, true
	}
	if text[0] != '{' || json.Valid(text) != nil {
		return nil, false
	}
	return text, true
}

// AppendArguments appends a call's input, valid JSON, as a string without the white space outside its own strings.
func AppendArguments(dst []byte, v Value) []byte {
	if len(v) == 0 {
		return append(dst, `"{}"`...)
	}
	dst = append(dst, '"')
	from, inString := 0, false
	for i := 0; i < len(v); i++ {
		switch c := v[i]; {
		case c == '"':
			inString = !inString
			dst = append(append(dst, v[from:i]...), '\\', '"')
		case c == '\\': // two bytes: what it escapes ends no string
			dst = append(append(dst, v[from:i]...), '\\', '\\')
			i++
			if v[i] == '"' || v[i] == '\\' {
				dst = append(dst, '\\')
			}
			from = i
			continue
		case !inString && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			dst = append(dst, v[from:i]...)
		default:
			continue
		}
		from = i + 1
	}
	return append(append(dst, v[from:]...), '"')
}
