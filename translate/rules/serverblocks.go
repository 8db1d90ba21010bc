package rules

import (
	"bytes"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Calls and results of the tools that Bedrock runs itself for Nova stand in the model's turn, in Converse's form. Clients of
// Claude's dialect get them as Claude's own tools leave theirs: a server_tool_use, and a block of the result's own type.

// Nova's system tools: the search of the web, and the interpreter of code.
const (
	Grounding   = ofNova + "grounding"
	Interpreter = ofNova + "code_interpreter"
)

// ofNova begins the names of Nova's system tools and the types of their results.
const ofNova = "nova_"

// plainResult is the type of a result that Converse gives none.
const plainResult = ofNova + "tool_result"

// ServerBlock returns the one member of a Converse block that is such a call or result, and its value; nil if b is none.
func ServerBlock(raw chat.Value) (member string, v chat.Value) {
	for _, member := range [...]string{"toolUse", "toolResult"} {
		if v := json.Find(raw, member); v != nil {
			return member, v
		}
	}
	return "", nil
}

// ClaudeServerBlock returns such a block in Claude's form; nil if raw is none.
func ClaudeServerBlock(raw chat.Value) chat.Value {
	member, v := ServerBlock(raw)
	if member == "" {
		return nil
	}
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Key("type")
	id := "id"
	if member == "toolUse" {
		w.Raw(`"server_tool_use"`)
	} else {
		id = "tool_use_id"
		kind := textOf(json.Find(v, "type"))
		if !strings.HasPrefix(kind, ofNova) {
			kind = plainResult
		}
		w.Text(kind)
	}
	at := json.WalkAt(v, 0)
	for ok := at.Object(); ok && at.Member(); {
		switch key := string(at.Key()); key {
		case "toolUseId":
			w.Key(id)
			w.Value(at.Value())
		case "type":
			at.Skip()
		default:
			w.Key(string(json.AppendEscaped(nil, key)))
			w.Value(at.Value())
		}
	}
	w.EndObject()
	return w.Bytes()
}

// OfNova reports whether a block of Claude's dialect, of the given type and name, is one that a tool of Nova's left.
func OfNova(kind, name []byte) bool {
	return bytes.HasPrefix(kind, []byte(ofNova)) || string(kind) == "server_tool_use" && bytes.HasPrefix(name, []byte(ofNova))
}

// ConverseServerBlock returns such a block in Converse's form, nil if the Claude block raw is none.
func ConverseServerBlock(raw chat.Value) chat.Value {
	kind, id := textOf(json.Find(raw, "type")), "id"
	w := json.NewWriter(nil)
	switch {
	case kind == "server_tool_use" && strings.HasPrefix(textOf(json.Find(raw, "name")), ofNova):
		w.Raw(`{"toolUse":{"type":"server_tool_use"`)
	case strings.HasPrefix(kind, ofNova):
		id = "tool_use_id"
		w.Raw(`{"toolResult":{`)
		if kind != plainResult {
			w.Raw(`"type":`)
			w.Text(kind)
		}
	default:
		return nil
	}
	at := json.WalkAt(raw, 0)
	for ok := at.Object(); ok && at.Member(); {
		switch key := string(at.Key()); key {
		case id:
			w.Key("toolUseId")
			w.Value(at.Value())
		case "type", "cache_control":
			at.Skip()
		default:
			w.Key(string(json.AppendEscaped(nil, key)))
			w.Value(at.Value())
		}
	}
	w.EndObject()
	w.EndObject()
	return w.Bytes()
}

// HoldsUnserved reports whether a body of Converse's may hold such blocks, and its target is known to be a model that they
// are not for.
func HoldsUnserved(body []byte, f *model.Facts) bool {
	return !Served(f) && bytes.Contains(body, []byte(`"server_tool_use"`))
}

// Served reports whether Bedrock runs tools for the model, as it may for one that nothing is known of.
func Served(f *model.Facts) bool { return f.SystemTools || f.Family == model.Unknown }

// ofServer reports whether a Converse block in a client's history is one that a tool of Bedrock's own left there.
func ofServer(raw chat.Value) bool {
	member, v := ServerBlock(raw)
	return member == "toolResult" || member == "toolUse" && bytes.Equal(json.Find(v, "type"), []byte(`"server_tool_use"`))
}

// ServerBlockStart is the member that says where in the text such a block stands.
const ServerBlockStart = "start_index"

// IndexedServerBlock returns raw with the index that OpenAI's clients join the deltas of a list by, and with the number of
// characters of the message's text that stand before it, if there are any.
func IndexedServerBlock(dst []byte, raw chat.Value, index, at int64) []byte {
	w := json.NewWriter(dst)
	w.Raw(`{"index":`)
	w.Int(index)
	if at > 0 {
		w.Key(ServerBlockStart)
		w.Int(at)
	}
	member, v := ServerBlock(raw)
	w.Key(member)
	w.Value(v)
	w.EndObject()
	return w.Bytes()
}

// PlainServerBlock returns what a client sent back of such a block without its index; nil if it is none.
func PlainServerBlock(raw chat.Value) chat.Value {
	if !ofServer(raw) {
		return nil
	}
	member, v := ServerBlock(raw)
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Key(member)
	w.Value(v)
	w.EndObject()
	return w.Bytes()
}
