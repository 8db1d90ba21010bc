package responses

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// system writes the system text as a message of the operator's and not as instructions, which have no place for cache
// breakpoints.
func (e *requestEncoder) system() {
	if len(e.r.System) > 0 {
		e.says(e.operator(), e.r.System)
	}
}

// operator is the role of the operator's words: OpenAI's models call it developer, others know the older name.
func (e *requestEncoder) operator() string {
	switch e.x.Facts.Family {
	case model.GPT, model.GPTOSS:
		return "developer"
	default:
		return "system"
	}
}

// messages writes the conversation as items.
func (e *requestEncoder) messages() {
	said := len(e.r.System) > 0
	for i := range e.r.Messages {
		m := &e.r.Messages[i]
		said = said || len(m.Content) > 0
		if m.Role == chat.Assistant {
			e.assistant(m)
		} else {
			e.user(m)
		}
	}
	if !said {
		e.fail(rules.SaysNothing())
	}
}

// says writes a message that is not the assistant's.
func (e *requestEncoder) says(role string, blocks []chat.Block) {
	w := &e.w
	w.BeginObject()
	w.Key("role")
	w.Text(role)
	w.Key("content")
	if len(blocks) == 1 && blocks[0].Kind == chat.Text && (blocks[0].Cache == chat.NoCache || !e.marks.Taken) {
		w.String(blocks[0].Text)
	} else {
		w.BeginArray()
		e.parts(blocks)
		w.EndArray()
	}
	w.EndObject()
}

// user writes a turn of the user's: what tools said as items, all else as messages between them.
func (e *requestEncoder) user(m *chat.Message) {
	role := "user"
	if m.Operator {
		role = e.operator()
	}
	from := 0
	flush := func(to int) {
		if from < to {
			e.says(role, m.Content[from:to])
		}
		from = to + 1
	}
	for i := range m.Content {
		switch b := &m.Content[i]; b.Kind {
		case chat.ToolResult:
			flush(i)
			e.result(b)
		case chat.Opaque:
			if b.Dialect == chat.Responses && isPart(b.Raw()) {
				continue
			}
			flush(i)
			e.opaque(b)
		case chat.Video:
			flush(i)
			e.refuse(b.Kind)
		case chat.Thinking, chat.RedactedThinking, chat.ToolUse:
			flush(i) // not a user's
		case chat.Text, chat.Image, chat.Document, chat.Audio, chat.Refusal:
		}
	}
	flush(len(m.Content))
}

// isPart reports whether what only this dialect knows is a part of a message; it is an item otherwise.
func isPart(raw chat.Value) bool {
	return bytes.HasPrefix(json.Find(raw, "type"), []byte(`"input_`))
}

// opaque writes an item that only this dialect understands, as it came.
func (e *requestEncoder) opaque(b *chat.Block) {
	kind := chat.String(json.Find(b.Raw(), "type")).Unquote()
	switch {
	case b.Dialect != chat.Responses:
		e.drop("messages.content")
	case copied(e.x) && refusedItems[kind]:
		e.drop("input." + kind)
	default:
		e.w.Value(withoutOwnID(b.Raw()))
	}
}

// refuse fails: the API takes no content of that kind, though another may.
func (e *requestEncoder) refuse(kind chat.BlockKind) {
	err := chat.Invalid("messages", "the model '%s' takes no content of kind %s by this API", e.x.Model, kind)
	err.Fallback = true
	e.fail(err)
}

// assistant writes a turn of the model's: words as a message, thoughts and calls as items of their own, in their order.
func (e *requestEncoder) assistant(m *chat.Message) {
	from := -1 // where words begin that are not written yet
	flush := func(to int) {
		if from >= 0 {
			e.said(m.Content[from:to])
		}
		from = -1
	}
	for i := range m.Content {
		switch b := &m.Content[i]; b.Kind {
		case chat.Text, chat.Refusal:
			if from < 0 && !b.Text.Empty() {
				from = i
			}
			continue
		case chat.Thinking, chat.RedactedThinking:
			flush(i)
			e.thought(b, m.Content[i+1:])
		case chat.ToolUse:
			flush(i)
			e.call(b)
		case chat.Opaque:
			flush(i)
			e.opaque(b)
		case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult:
			flush(i)
			e.drop("messages.content." + b.Kind.String())
		}
	}
	flush(len(m.Content))
}

// said writes the model's words as a message.
func (e *requestEncoder) said(blocks []chat.Block) {
	w := &e.w
	w.BeginObject()
	w.Raw(`"role":"assistant"`)
	w.Key("content")
	if len(blocks) == 1 && blocks[0].Kind == chat.Text {
		w.String(blocks[0].Text)
		w.EndObject()
		return
	}
	w.BeginArray()
	for i := range blocks {
		switch b := &blocks[i]; {
		case b.Text.Empty():
		case b.Kind == chat.Refusal:
			w.Raw(`{"type":"refusal","refusal":`)
			w.String(b.Text)
			w.EndObject()
		default:
			w.Raw(`{"type":"output_text","text":`)
			w.String(b.Text)
			w.EndObject()
		}
	}
	w.EndArray()
	w.EndObject()
}

// thought writes what the model thought: what its maker sealed, and nothing that another maker's model did or that nobody
// sealed, which no model takes back. after is the rest of its turn. The API refuses a thought that nothing follows, as in a
// turn that was interrupted.
func (e *requestEncoder) thought(b *chat.Block, after []chat.Block) {
	if b.Own == nil || len(*b.Own) <= 2 || b.Maker != rules.ReplyMaker(e.x) || !followed(after) {
		e.x.Omit("thinking_blocks")
		return
	}
	w := &e.w
	w.Raw(`{"type":"reasoning","summary":`)
	w.BeginArray()
	if !b.Text.Empty() {
		w.Raw(`{"type":"summary_text","text":`)
		w.String(b.Text)
		w.EndObject()
	}
	w.EndArray()
	w.Key("encrypted_content")
	w.String(chat.String(*b.Own))
	w.EndObject()
}

// followed reports whether words or calls come after a thought in its turn.
func followed(after []chat.Block) bool {
	for i := range after {
		switch b := &after[i]; b.Kind {
		case chat.Text, chat.Refusal:
			if !b.Text.Empty() {
				return true
			}
		case chat.ToolUse, chat.Opaque:
			return true
		default:
		}
	}
	return false
}

// madeCall is a call of the conversation's. The API wants ids that are unique in all of it; some servers begin anew with
// each turn.
type madeCall struct{ own, id string }

// newCall returns the id of a call that the conversation makes now.
func (e *requestEncoder) newCall(own string) string {
	id, n := own, 1
	for i := range e.calls {
		if e.calls[i].own == own {
			n++
		}
	}
	if n > 1 {
		id = own + "_" + strconv.Itoa(n)
	}
	id = e.x.ToolID(id, legalID, 32)
	e.calls = append(e.calls, madeCall{own, id})
	return id
}

// lastCall returns the id of the last call with the client's id.
func (e *requestEncoder) lastCall(own string) string {
	for _, c := range slices.Backward(e.calls) {
		if c.own == own {
			return c.id
		}
	}
	return e.x.ToolID(own, legalID, 32)
}

// legalID is the rule for call_id: any text that is not too long.
func legalID(s string) bool { return s != "" && len(s) <= maxID }

// call writes a call of a tool: as a function's, or as it came where its kind is this dialect's own.
func (e *requestEncoder) call(b *chat.Block) {
	w, t := &e.w, b.Tool
	id := e.newCall(t.ID)
	if e.keepsItem(t) {
		w.Value(withoutOwnID(t.Own))
		return
	}
	w.Raw(`{"type":"function_call","call_id":`)
	w.Text(id)
	name, namespace := e.splitName(t.Name)
	if namespace != "" {
		w.Key("namespace")
		w.Text(namespace)
	}
	w.Key("name")
	w.Text(name)
	w.Key("arguments")
	w.String(chat.AppendArguments(nil, t.Input))
	w.EndObject()
}

// keepsItem reports whether the target takes a call, or a result, as this dialect's client sent it.
func (e *requestEncoder) keepsItem(t *chat.Tooling) bool {
	if !e.own || t.Own == nil || t.Kind == chat.FunctionTool {
		return false
	}
	kind, known := toolTypes[t.Kind]
	return known && takesTool(e.x, kind) && !(copied(e.x) && refusedItems[chat.String(json.Find(t.Own, "type")).Unquote()])
}

// result writes what a tool said. There is no word for a failure but in the text.
func (e *requestEncoder) result(b *chat.Block) {
	w, t := &e.w, b.Tool
	if e.keepsItem(t) {
		w.Value(withoutOwnID(t.Own))
		return
	}
	w.Raw(`{"type":"function_call_output","call_id":`)
	w.Text(e.lastCall(t.ID))
	w.Key("output")
	content := t.Content
	if t.IsError {
		content = append([]chat.Block{{Kind: chat.Text, Text: chat.String(`"Error:"`)}}, content...)
	}
	switch {
	case len(content) == 0:
		w.Raw(`""`)
	case len(content) == 1 && content[0].Kind == chat.Text && (b.Cache == chat.NoCache || !e.marks.Taken):
		w.String(content[0].Text)
	default:
		if b.Cache != chat.NoCache { // it stands behind the result
			content = append([]chat.Block{}, content...)
			content[len(content)-1].Cache = b.Cache
		}
		w.BeginArray()
		e.parts(content)
		w.EndArray()
	}
	w.EndObject()
}

// parts writes the elements of a content list.
func (e *requestEncoder) parts(blocks []chat.Block) {
	w := &e.w
	for i := range blocks {
		switch b := &blocks[i]; b.Kind {
		case chat.Text, chat.Refusal:
			e.textPart(b.Text, b.Cache)
		case chat.Image:
			e.image(b)
		case chat.Document:
			e.document(b)
		case chat.Audio, chat.Video:
			e.refuse(b.Kind)
		case chat.Opaque:
			if b.Dialect == chat.Responses {
				w.Value(b.Raw())
			} else { // a value that is no text (Converse's json): its JSON says the same
				e.textPart(json.AppendQuoted(nil, json.AppendCompact(nil, b.Raw())), b.Cache)
			}
		case chat.ToolUse, chat.ToolResult, chat.Thinking, chat.RedactedThinking:
		}
	}
}

func (e *requestEncoder) textPart(text chat.String, cache chat.Cache) {
	e.w.Raw(`{"type":"input_text","text":`)
	e.w.String(text)
	e.mark(cache)
	e.w.EndObject()
}

// image writes an input_image. A copy takes data and s3 URLs.
func (e *requestEncoder) image(b *chat.Block) {
	w, m := &e.w, b.Media
	if e.x.Facts.NoImages {
		e.refuse(chat.Image)
	}
	w.Raw(`{"type":"input_image"`)
	switch {
	case m.Data != nil:
		w.Key("image_url")
		w.String(dataURL(m.Type, m.Data))
	case m.FileID != "" && !copied(e.x):
		w.Key("file_id")
		w.Text(m.FileID)
	case m.URL != "" && !e.x.Facts.InlineImages:
		w.Key("image_url")
		w.Text(m.URL)
	case m.URL != "":
		e.fail(remoteImage(e.x))
	case m.S3 != "" && copied(e.x):
		w.Key("image_url")
		w.Text(m.S3)
	default:
		e.fail(elsewhere("the image cannot be sent to the model '%s' by this API: it takes data and what it can fetch itself", e.x.Model))
	}
	if m.Detail != "" {
		w.Key("detail")
		w.Text(m.Detail)
	}
	e.mark(b.Cache)
	w.EndObject()
}

// remoteImage is the error for an image that is to be sent by value.
func remoteImage(x *chat.Exchange) *chat.Error {
	e := chat.Invalid("messages", "the model '%s' takes images as data URLs, not by their address", x.Model)
	e.Code = chat.CodeRemote
	return e
}

// elsewhere is a 400 for what another API may well take.
func elsewhere(format string, args ...any) *chat.Error {
	e := chat.Invalid("messages", format, args...)
	e.Fallback = true
	return e
}

// dataURL returns data as a string token, which needs no escape.
func dataURL(kind string, data []byte) chat.String {
	if kind == "" {
		kind = "application/octet-stream"
	}
	b := make([]byte, 0, len(data)+len(kind)+20)
	b = append(b, `"data:`...)
	b = json.AppendEscaped(b, kind)
	b = append(b, ";base64,"...)
	b = append(b, data...)
	return append(b, '"')
}

// document writes an input_file, or a text part where the document is text.
func (e *requestEncoder) document(b *chat.Block) {
	w, m := &e.w, b.Media
	if !m.Context.Blank() {
		e.textPart(m.Context, chat.NoCache)
	}
	if m.Citations {
		e.drop("citations")
	}
	switch {
	case m.Text != nil:
		e.textPart(titled(m.Name, m.Text), b.Cache)
		return
	case m.Content != nil:
		e.parts(m.Content)
		return
	case m.Data != nil && strings.HasPrefix(m.Type, "text/"):
		text, err := base64.StdEncoding.DecodeString(string(m.Data))
		if err != nil || !utf8.Valid(text) {
			e.fail(chat.Invalid("messages", "the document '%s' says it is %s, but it is not UTF-8 text", chat.Clip(m.Name), chat.Clip(m.Type)))
			return
		}
		e.textPart(titled(m.Name, json.AppendQuoted(nil, text)), b.Cache)
		return
	}
	if e.x.Facts.NoDocuments {
		e.refuse(chat.Document)
	}
	w.Raw(`{"type":"input_file"`)
	switch {
	case m.Data != nil:
		w.Key("filename")
		w.Text(fileName(m))
		w.Key("file_data")
		w.String(dataURL(m.Type, m.Data))
	case m.FileID != "" && !copied(e.x):
		w.Key("file_id")
		w.Text(m.FileID)
	case m.URL != "" && !copied(e.x):
		w.Key("file_url")
		w.Text(m.URL)
	default:
		e.fail(elsewhere("the document '%s' cannot be sent to the model '%s' by this API: it takes documents as base64 data or text", chat.Clip(m.Name), e.x.Model))
	}
	e.mark(b.Cache)
	w.EndObject()
}

// titled puts a document's name before its text.
func titled(name string, text chat.String) chat.String {
	if name == "" || len(text) < 2 {
		return text
	}
	b := make([]byte, 0, len(name)+len(text)+4)
	b = append(b, '"')
	b = json.AppendEscaped(b, name)
	b = append(b, `:\n`...)
	return append(b, text[1:]...)
}

// fileName is the name that the API wants beside file_data.
func fileName(m *chat.Media) string {
	name := m.Name
	if name == "" {
		name = "document"
	}
	if m.Type == "application/pdf" && !strings.HasSuffix(strings.ToLower(name), ".pdf") {
		name += ".pdf"
	}
	return name
}
