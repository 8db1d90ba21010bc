package responses

import (
	"bytes"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// input edits the items of a request.
func (s *splicer) input() {
	switch s.w.Kind() {
	case json.Text:
		s.question = question{kind: json.Text, start: s.w.Offset()}
		s.w.Skip()
		s.question.end = s.w.Offset()
		return
	case json.Array:
	default:
		s.w.Skip()
		return
	}
	idle := s.idleThoughts(s.w)
	list := json.EditArray(&s.w, &s.edits)
	none, end := true, s.w.Offset()
	for i := 0; list.Next(); i++ {
		if len(idle) > 0 && idle[0] == i {
			idle = idle[1:]
			s.x.Omit("input.reasoning")
			list.Drop()
			continue
		}
		s.item(&list)
		none, end = false, s.w.Offset()
	}
	if s.question.kind == json.Invalid {
		if s.question = (question{end: end}); !none && list.Kept() {
			s.question.start = end
		}
	}
}

// idleThoughts returns the places of reasoning that led to nothing, which a copy refuses: a turn was interrupted behind it,
// and agents send it back with the next.
func (s *splicer) idleThoughts(w json.Walker) (idle []int) {
	if !copied(s.x) || !w.Array() {
		return nil
	}
	from := 0 // those from there on wait for what they led to
	for i := 0; w.Element(); i++ {
		ahead := w
		w.Skip()
		it := look(ahead)
		if it.kind == "reasoning" {
			idle = append(idle, i)
			continue
		}
		if it.role == "assistant" || it.kind == "agent_message" || strings.HasSuffix(it.kind, "_call") {
			idle = idle[:from]
		}
		from = len(idle)
	}
	return idle
}

// spliceItem is what of an item decides what becomes of it.
type spliceItem struct {
	kind, role, id, callID string
	encrypted              json.String
	others                 bool // it has more than an id
}

// look reads the item that w stands before.
func look(w json.Walker) (it spliceItem) {
	for ok := w.Object(); ok && w.Member(); {
		switch string(w.Key()) {
		case "type":
			it.kind = w.String().Unquote()
			continue
		case "role":
			it.role = w.String().Unquote()
		case "id":
			it.id = w.String().Unquote()
			continue
		case "call_id":
			it.callID = w.String().Unquote()
		case "encrypted_content":
			it.encrypted = w.String()
		default:
			w.Skip()
		}
		it.others = true
	}
	if it.kind == "" && it.role != "" {
		it.kind = "message"
	}
	return it
}

// item edits the item that the walker stands before.
func (s *splicer) item(list *json.Elements) {
	if s.w.Kind() != json.Object {
		s.w.Skip()
		return
	}
	it := look(s.w)
	switch it.kind {
	case "message":
		s.message(it.role)
		return
	case "reasoning":
		if s.foreignThought(list, &it) {
			return
		}
	case searchKind.item, interpreterKind.item:
		if s.servedElsewhere() {
			s.x.Omit("input." + it.kind)
			list.Drop()
			return
		}
	case "compaction_trigger":
		if copied(s.x) {
			e := chat.Invalid("input", "the model '%s' compacts no conversation by this API", s.x.Model)
			e.Code = chat.CodeAnew
			s.fail(e)
		}
	case "compaction":
		if text, ours := compacted(it.encrypted); ours {
			list.Set(messageOf("user", text))
			return
		}
	}
	if copied(s.x) && s.copyItem(list, &it) {
		return
	}
	s.members(nil)
	s.paired(&it)
}

// members goes through an item, and edits the parts of its content or output. content, if there is one, gets where the
// content stands.
func (s *splicer) members(content *question) {
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		switch key := string(m.Key()); key {
		case "content", "output":
			q := question{kind: s.w.Kind(), start: s.w.Offset()}
			s.parts()
			if q.end = s.w.Offset(); content != nil && key == "content" {
				*content = q
			}
		case "id":
			if ahead := s.w; s.w.Kind() == json.Text && OwnID(ahead.String().Bytes()) {
				m.Drop()
			} else {
				s.w.Skip()
			}
		case passthrough:
			if !copied(s.x) {
				s.w.Skip()
				continue
			}
			s.x.Omit("input." + passthrough)
			m.Drop()
		default:
			s.w.Skip()
		}
	}
}

// passthrough is what Codex adds to each item for a provider that it takes for OpenAI.
const passthrough = "internal_chat_message_metadata_passthrough"

// message edits a message's parts, and remembers the last one of the user's.
func (s *splicer) message(role string) {
	var content question
	s.members(&content)
	if role == "user" && (content.kind == json.Text || content.kind == json.Array) {
		s.question = content
	}
}

// parts edits a list of parts; what is none is left as it is.
func (s *splicer) parts() {
	if s.w.Kind() != json.Array {
		s.w.Skip()
		return
	}
	list := json.EditArray(&s.w, &s.edits)
	for list.Next() {
		if text := s.part(s.w); text != nil {
			list.Set(textPart(text))
		} else {
			s.w.Skip()
		}
	}
}

// part looks at the part that w stands before, and returns the text to put in its place; nil for none.
func (s *splicer) part(w json.Walker) chat.String {
	if s.err != nil || s.e.FileText == nil && !s.x.Facts.InlineImages {
		return nil
	}
	var kind, url []byte
	file := ""
	for ok := w.Object(); ok && w.Member(); {
		switch string(w.Key()) {
		case "type":
			kind = w.String().Bytes()
		case "file_id":
			file = w.String().Unquote()
		case "image_url":
			url = w.String().Bytes()
		default:
			w.Skip()
		}
	}
	if file != "" && s.e.FileText != nil && string(kind) == "input_file" {
		text, err := s.e.FileText(file)
		s.fail(err)
		return text
	}
	if string(kind) != "input_image" || !copied(s.x) {
		return nil
	}
	if s.x.Facts.NoImages {
		s.fail(elsewhere("the model '%s' takes no images by this API", s.x.Model))
	} else if s.x.Facts.InlineImages && len(url) > 0 && !bytes.HasPrefix(url, []byte("data:")) && !bytes.HasPrefix(url, []byte("s3:")) {
		s.fail(remoteImage(s.x))
	}
	return nil
}

// foreignThought takes out reasoning that the gateway put into an envelope for another maker's model, and lists it. It
// returns true where it did, or put the sealed content itself in its place.
func (s *splicer) foreignThought(list *json.Elements, it *spliceItem) bool {
	name, content, ours := openEnvelope(it.encrypted)
	if !ours {
		return false
	}
	b, ok := blockIn(content)
	if !ok || chat.MakerByName(name) != rules.ReplyMaker(s.x) || b.Own == nil {
		s.x.Omit("input.reasoning")
		list.Drop()
		return true
	}
	var e requestEncoder
	e.x, b.Maker = s.x, rules.ReplyMaker(s.x)
	e.thought(&b, []chat.Block{{Kind: chat.Opaque}})
	list.Set(e.w.Bytes())
	return true
}

// compacted returns the text of a compaction that the gateway made, as a message says it.
func compacted(encrypted json.String) (text chat.String, ours bool) {
	name, content, ours := openEnvelope(encrypted)
	tok := json.Find(content, "text")
	if !ours || name != summaryMaker || len(tok) < 2 || tok[0] != '"' {
		return nil, false
	}
	return append(chat.String(compactedHead), tok[1:]...), true
}

// messageOf is a message item with one text.
func messageOf(role string, text chat.String) []byte {
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Key("role")
	w.Text(role)
	w.Key("content")
	w.String(text)
	w.EndObject()
	return w.Bytes()
}

// copyItem rewrites items that AWS's copies refuse, and reports whether it did.
func (s *splicer) copyItem(list *json.Elements, it *spliceItem) bool {
	raw := s.w
	v := raw.Value()
	switch it.kind {
	case "agent_message": // what another agent said; what OpenAI alone can read of it is left out
		if text := agentText(v); text != nil {
			list.Set(messageOf("assistant", text))
		} else {
			s.x.Omit("input.agent_message")
			list.Drop()
		}
	case "context_compaction":
		m := json.EditObject(&s.w, &s.edits)
		for m.Next() {
			if string(m.Key()) == "type" {
				m.Set([]byte(`"compaction"`))
			} else {
				s.w.Skip()
			}
		}
	case "local_shell_call":
		if it.callID == "" {
			it.callID = it.id
		}
		s.w.Skip()
		s.edits = append(s.edits, json.Edit{Start: s.w.Offset() - len(v), End: s.w.Offset(), Text: shellCall(it.callID, json.Find(v, "action"))})
		s.calls = append(s.calls, openCall{it.callID, "function_call_output", s.w.Offset()})
	case "local_shell_call_output":
		if it.callID == "" {
			it.callID = it.id
		}
		s.outputs[it.callID] = true
		list.Set(resultOf("function_call_output", it.callID, json.Find(v, "output")))
	case "additional_tools":
		if s.x.Access.Host != model.Mantle {
			return s.moreTools()
		}
		declared := json.Find(v, "tools")
		w := json.WalkAt(declared, 0)
		for ok := len(declared) > 0 && w.Array(); ok && w.Element(); {
			ahead := w
			if tool := w.Value(); s.keepsTool(ahead) {
				s.lifted = append(s.lifted, tool)
			}
		}
		list.Drop()
	case "item_reference", "":
		if it.id == "" || it.kind == "" && it.others {
			return false
		}
		_, err := Dialect{}.DecodeRequest(s.b.Raw, s.x) // which refuses it
		s.fail(err)
		s.w.Skip()
	default:
		return false
	}
	return true
}

// moreTools takes out of tools that are declared amid the history those that the copy does not know.
func (s *splicer) moreTools() bool {
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		if string(m.Key()) == "tools" {
			s.tools()
		} else {
			s.w.Skip()
		}
	}
	return true
}

// agentText joins the texts of an agent's message; nil if it holds none.
func agentText(v json.Value) chat.String {
	content := json.Find(v, "content")
	if len(content) > 2 && content[0] == '"' {
		return chat.String(content)
	}
	text := appendThoughts(nil, content)
	if text == nil {
		return nil
	}
	return append(text, '"')
}

// shellCall is a call of local_shell as a function's.
func shellCall(id string, action json.Value) []byte {
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Raw(`"type":"function_call"`)
	w.Key("call_id")
	w.Text(id)
	w.Raw(`"name":"local_shell"`)
	w.Key("arguments")
	w.String(chat.AppendArguments(nil, wrapped("action", chat.String(action))))
	w.EndObject()
	return w.Bytes()
}

// resultOf is the result of a call.
func resultOf(kind, id string, output json.Value) []byte {
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Key("type")
	w.Text(kind)
	w.Key("call_id")
	w.Text(id)
	w.Key("output")
	if len(output) == 0 || string(output) == "null" {
		w.Raw(`""`)
	} else {
		w.Value(output)
	}
	w.EndObject()
	return w.Bytes()
}

// outputOf are the types of results by those of calls.
var outputOf = map[string]string{
	"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output", "apply_patch_call": "apply_patch_call_output",
}

// paired notes the calls and results of a copy's history.
func (s *splicer) paired(it *spliceItem) {
	if !copied(s.x) || it.callID == "" {
		return
	}
	if kind := outputOf[it.kind]; kind != "" {
		s.calls = append(s.calls, openCall{it.callID, kind, s.w.Offset()})
	} else {
		s.outputs[it.callID] = true
	}
}

// abort puts a result behind each call that has none, which the API refuses.
func (s *splicer) abort() {
	for _, c := range s.calls {
		if s.outputs[c.id] {
			continue
		}
		s.x.Note("a tool call of the history has no result; the model is told that it was aborted")
		result := resultOf(c.kind, c.id, json.Value(`"aborted"`))
		if c.kind == "apply_patch_call_output" {
			result = bytes.Replace(result, []byte(`"output":`), []byte(`"status":"failed","output":`), 1)
		}
		s.edits = append(s.edits, json.Edit{Start: c.end, End: c.end, Text: append([]byte{','}, result...)})
	}
}
