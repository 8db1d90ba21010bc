package claude

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// question is where the files' text goes.
type question struct {
	kind  json.Kind // of the content: Text or Array; Invalid if no user message asks anything
	start int       // of the string, or of the first block that is no tool result
	end   int       // of the string
}

func (s *splicer) messages() {
	w := &s.w
	if !w.Array() {
		w.Skip()
		return
	}
	s.last, s.none = w.Offset(), true
	for w.Element() {
		s.message()
		s.last, s.none = w.Offset(), false
	}
}

func (s *splicer) message() {
	w := &s.w
	if !w.Object() {
		w.Skip()
		return
	}
	user := false
	var q question
	for w.Member() {
		switch string(w.Key()) {
		case "role":
			switch string(w.String().Bytes()) {
			case "user":
				user = true
			case "system":
				s.system = true
			}
		case "content":
			if w.Kind() == json.Text {
				q = question{kind: json.Text, start: w.Offset()}
				w.Skip()
				q.end = w.Offset()
				continue
			}
			if first := s.blocks(); first > 0 {
				q = question{kind: json.Array, start: first}
			}
		default:
			w.Skip()
		}
	}
	if user && q.kind != json.Invalid {
		s.question = q
	}
}

// blocks looks through a list of blocks, and returns the offset of the first that is no tool result; 0 if there is none.
func (s *splicer) blocks() (first int) {
	w := &s.w
	if !w.Array() {
		w.Skip()
		return 0
	}
	for w.Element() {
		if w.Kind() != json.Object {
			w.Skip()
			continue
		}
		start := w.Offset()
		if kind := s.block(); first == 0 && kind != "tool_result" {
			first = start
		}
	}
	return first
}

// block looks through a block for sources that Bedrock does not take, and returns its type.
func (s *splicer) block() string {
	w := &s.w
	start, from := w.Offset(), len(s.edits)
	var kind, name, form, file []byte
	w.Object()
	for w.Member() {
		switch string(w.Key()) {
		case "type":
			kind = w.String().Bytes()
		case "name":
			name = w.String().Bytes()
		case "content":
			s.blocks()
		case "cache_control":
			s.mark()
		case "source":
			if !w.Object() {
				w.Skip()
				continue
			}
			for w.Member() {
				switch string(w.Key()) {
				case "type":
					form = w.String().Bytes()
				case "file_id":
					file = w.String().Bytes()
				case "content":
					s.blocks()
				default:
					w.Skip()
				}
			}
		default:
			w.Skip()
		}
	}
	of := chat.Image
	s.anew = s.anew || rules.OfNova(kind, name)
	switch string(kind) {
	case "tool_result":
		return "tool_result"
	case "image":
	case "document":
		of = chat.Document
	default:
		return ""
	}
	switch string(form) {
	case "url":
		e := remote(of)
		e.Code = chat.CodeRemote
		s.fail(e)
	case "file":
		if text := s.fileText(string(file)); text != nil {
			s.edits = append(s.edits[:from], json.Edit{Start: start, End: w.Offset(), Text: textBlock(text)})
		}
	}
	return ""
}

// fileText returns the text of one of our own files; another's is not on Bedrock.
func (s *splicer) fileText(id string) chat.String {
	if s.err != nil {
		return nil
	}
	if s.e.FileText != nil {
		text, err := s.e.FileText(id)
		if s.fail(err); text != nil || err != nil {
			return text
		}
	}
	s.fail(notInBody(chat.Document, &chat.Media{FileID: id}))
	return nil
}

func textBlock(text chat.String) []byte {
	return slices.Concat([]byte(`{"type":"text","text":`), text, []byte{'}'})
}

// ask puts the files' text before what the last asking user message says; without one, it is a message of its own.
func (s *splicer) ask() {
	if s.e.Context == nil || s.err != nil {
		return
	}
	q := &s.question
	block := textBlock(s.e.Context)
	edit := json.Edit{Start: q.start, End: q.start}
	switch {
	case q.kind == json.Array:
		edit.Text = append(block, ',')
	case q.kind == json.Text:
		edit.End = q.end
		own := chat.String(s.body.Raw[q.start:q.end])
		if own.Blank() {
			edit.Text = slices.Concat([]byte{'['}, block, []byte{']'})
		} else {
			edit.Text = slices.Concat([]byte{'['}, block, []byte{','}, textBlock(own), []byte{']'})
		}
	case s.last == 0:
		s.fail(chat.Invalid("messages", "messages: expected an array"))
		return
	default:
		edit.Start, edit.End = s.last, s.last
		if !s.none {
			edit.Text = append(edit.Text, ',')
		}
		edit.Text = append(append(edit.Text, `{"role":"user","content":`...), s.e.Context...)
		edit.Text = append(edit.Text, '}')
	}
	// In front: a block that is replaced begins where this goes.
	s.edits = slices.Insert(s.edits, 0, edit)
}

// fileTexts puts the text of our own files in place of the blocks that name them.
func (s *splicer) fileTexts(blocks []chat.Block) error {
	for i := range blocks {
		b := &blocks[i]
		if b.Tool != nil {
			if err := s.fileTexts(b.Tool.Content); err != nil {
				return err
			}
		}
		if b.Media == nil || b.Media.FileID == "" {
			continue
		}
		text := s.fileText(b.Media.FileID)
		if s.err != nil {
			return s.err
		}
		*b = chat.Block{Kind: chat.Text, Text: text, Cache: b.Cache}
	}
	return nil
}
