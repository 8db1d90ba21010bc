package responses

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The items of a reply's output, written whole: for output_item.done, for the terminal event, and for replies that are not
// streamed.

// appendID appends the id of the item at index as a JSON string: the same however often it is written. It names the response
// that it is of, so that a reference to a stored item is found without an index.
func appendID(dst []byte, kind string, x *chat.Exchange, index int) []byte {
	dst = append(dst, '"')
	dst = append(dst, kind...)
	dst = append(dst, '_')
	dst = append(json.AppendEscaped(dst, x.ID), '_')
	dst = strconv.AppendInt(dst, int64(index), 10)
	return append(dst, '"')
}

// itemHead appends an item's beginning up to its type.
func itemHead(dst []byte, prefix, kind string, x *chat.Exchange, index int) []byte {
	dst = append(dst, `{"id":`...)
	dst = appendID(dst, prefix, x, index)
	dst = append(dst, `,"type":"`...)
	dst = append(dst, kind...)
	return append(dst, '"')
}

// messageHead appends a message up to its content.
func messageHead(dst []byte, x *chat.Exchange, index int, status string) []byte {
	dst = itemHead(dst, "msg", "message", x, index)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, status...)
	return append(dst, `","role":"assistant","content":[`...)
}

// appendTextPart appends a part of text; all are given without their quotes and brackets.
func appendTextPart(dst, text, annotations, cited []byte) []byte {
	dst = append(dst, `{"type":"output_text","text":"`...)
	dst = append(dst, text...)
	dst = append(dst, `","annotations":[`...)
	dst = append(dst, annotations...)
	dst = append(dst, `],"logprobs":[]`...)
	if len(cited) > 0 {
		dst = append(dst, `,"`+rules.CitedMember+`":[`...)
		dst = append(append(dst, cited...), ']')
	}
	return append(dst, '}')
}

func appendRefusalPart(dst, text []byte) []byte {
	dst = append(dst, `{"type":"refusal","refusal":"`...)
	dst = append(dst, text...)
	return append(dst, `"}`...)
}

// citations are the annotations of a part of text, and what they do not tell.
type citations struct{ annotations, cited []byte }

// add adds a citation that was given for the characters from from to before end, and returns its annotation; nil for none.
func (l *citations) add(c *rules.Cited, from, end int64) []byte {
	if c.Own != nil {
		if len(l.cited) > 0 {
			l.cited = append(l.cited, ',')
		}
		l.cited = c.AppendCited(l.cited, from, end, "")
	}
	if c.URL == nil && c.File == "" {
		return nil
	}
	if len(l.annotations) > 0 {
		l.annotations = append(l.annotations, ',')
	}
	at := len(l.annotations)
	if c.URL != nil {
		l.annotations = appendAnnotation(l.annotations, from, end, c.URL, c.Title)
	} else {
		l.annotations = append(c.AppendFile(append(l.annotations, `{"type":"file_citation",`...), end), '}')
	}
	return l.annotations[at:]
}

// appendAnnotation appends a page that the characters from from to before end cite.
func appendAnnotation(dst []byte, from, end int64, url, title json.Value) []byte {
	dst = append(dst, `{"type":"url_citation","start_index":`...)
	dst = strconv.AppendInt(dst, from, 10)
	dst = append(dst, `,"end_index":`...)
	dst = strconv.AppendInt(dst, end, 10)
	dst = append(dst, `,"title":`...)
	dst = append(dst, title...)
	dst = append(dst, `,"url":`...)
	dst = append(dst, url...)
	return append(dst, '}')
}

// thought is a block of reasoning: JSON strings, nil where there is none.
type thought struct{ text, signature, data json.String }

// appendReasoning appends a reasoning item. The text is shown if the client asked for it.
func appendReasoning(dst []byte, x *chat.Exchange, k *kept, index int, t *thought) []byte {
	dst = itemHead(dst, "rs", "reasoning", x, index)
	dst = append(dst, `,"summary":[`...)
	if k.summary && !t.text.Empty() {
		dst = append(dst, `{"type":"summary_text","text":`...)
		dst = append(dst, t.text...)
		dst = append(dst, '}')
	}
	dst = append(dst, ']')
	if k.sealsReasoning() {
		dst = append(dst, `,"encrypted_content":`...)
		dst = appendSealed(dst, x, t)
	}
	return append(dst, '}')
}

// appendSealed appends what restores the block. What OpenAI's models encrypted is in the form already that they want back.
func appendSealed(dst []byte, x *chat.Exchange, t *thought) []byte {
	maker := chat.MakerOf(x.Facts.Family)
	if x.Target == Name && (maker == chat.MakerGPT || maker == chat.MakerUnknown) {
		switch {
		case t.data != nil:
			return append(dst, t.data...)
		case t.signature != nil:
			return append(dst, t.signature...)
		}
		return append(dst, "null"...)
	}
	return appendReasoningEnvelope(dst, maker, t.text, t.signature, t.data)
}

// callIDs are the beginnings of the ids of calls, by the kind of the tool.
var callIDs = [...]string{
	chat.FunctionTool: "fc", chat.CustomTool: "ctc", chat.ApplyPatchTool: "apc", chat.ShellTool: "sh", chat.LocalShellTool: "lsh", chat.ToolSearchTool: "tsc",
}

// appendCall appends a call of the client's tool t. input is, of a function, its arguments' text without quotes; of a tool of
// free text, that text likewise; of the others the input's JSON.
func appendCall(dst []byte, x *chat.Exchange, t *clientTool, index int, id string, input []byte, status string) []byte {
	kind := "function_call"
	if t.kind != chat.FunctionTool {
		kind = ownTools[t.kind].call
	}
	dst = itemHead(dst, callIDs[t.kind], kind, x, index)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, status...)
	dst = append(dst, `","call_id":`...)
	dst = json.AppendQuoted(dst, id)
	switch t.kind {
	case chat.FunctionTool, chat.CustomTool:
		dst = append(dst, `,"name":`...)
		dst = json.AppendQuoted(dst, t.own)
		if t.namespace != "" {
			dst = append(dst, `,"namespace":`...)
			dst = json.AppendQuoted(dst, t.namespace)
		}
		if t.kind == chat.CustomTool {
			dst = append(dst, `,"input":"`...)
		} else {
			dst = append(dst, `,"arguments":"`...)
		}
		dst = append(dst, input...)
		return append(dst, '"', '}')
	case chat.ToolSearchTool:
		dst = append(dst, `,"execution":"client","arguments":`...)
		dst = json.AppendCompact(dst, input)
	case chat.ApplyPatchTool, chat.ShellTool:
		dst = append(dst, ',', '"')
		dst = append(dst, ownTools[t.kind].member...)
		dst = append(dst, '"', ':')
		dst = json.AppendCompact(dst, memberOf(input, ownTools[t.kind].member))
	case chat.LocalShellTool:
		dst = append(dst, `,"action":`...)
		dst = appendLocalAction(dst, memberOf(input, ownTools[t.kind].member))
	}
	return append(dst, '}')
}

// memberOf returns the member of a call's input that is the item's own. A model may leave the object around it out.
func memberOf(input json.Value, key string) json.Value {
	if v := json.Find(input, key); len(v) > 0 && v[0] == '{' {
		return v
	}
	return input
}

// appendLocalAction appends the action of a local_shell_call, with the members that its type requires.
func appendLocalAction(dst []byte, action json.Value) []byte {
	dst = append(dst, `{"type":"exec"`...)
	env := false
	w := json.WalkAt(action, 0)
	for ok := w.Object(); ok && w.Member(); {
		key := w.Key()
		env = env || string(key) == "env"
		v := w.Value()
		if string(key) == "type" {
			continue
		}
		dst = append(dst, ',', '"')
		dst = json.AppendEscaped(dst, key)
		dst = append(dst, '"', ':')
		dst = json.AppendCompact(dst, v)
	}
	if !env {
		dst = append(dst, `,"env":{}`...)
	}
	return append(dst, '}')
}

// stopStatus is what a reason to stop means for the reply: how it stands, and why.
func stopStatus(stop chat.StopReason, x *chat.Exchange) replyStatus {
	switch stop {
	case chat.StopLength, chat.StopContextFull:
		return replyStatus{status: "incomplete", incomplete: "max_output_tokens"}
	case chat.StopFiltered:
		return replyStatus{status: "incomplete", incomplete: "content_filter"}
	case chat.StopMalformed:
		return replyStatus{status: "failed", code: "server_error", message: "what the model wrote could not be read", kind: "server_error"}
	case chat.StopUnknown:
		x.Note("the upstream gave no reason to stop that is known; told the client 'completed'")
	case chat.StopEnd, chat.StopSequence, chat.StopToolUse, chat.StopPause:
	}
	return replyStatus{status: "completed"}
}
