package openai

import (
	"bytes"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// splicer collects the edits of one body.
type splicer struct {
	e     *chat.Edits
	x     *chat.Exchange
	b     *chat.Body
	w     json.Walker
	edits []json.Edit

	reasoning json.Kind // whether reasoning_content stays: True, False, or not yet known

	copy  copyEdits // for a copy of the API
	added []added

	question question
	last     int // behind the last message, or behind the '[' if there is none; 0 if messages is no list
	none     bool
	err      error // what refuses the request
}

// question is where the last user message's content stands.
type question struct {
	kind       json.Kind // Invalid: there is no user message
	start, end int
}

// Splice copies a body for an upstream that speaks this dialect too. Its edits, and there are no others: the model's
// name; stream_options.include_usage; the members that only gateways know and OpenAI refuses taken out (file_ids,
// guardrailConfig, thinking and model_id of the body, thinking_blocks and bedrock_blocks of messages, cache_control wherever it stands);
// a limit of output tokens above the model's own, where that is known, cut down to it; the files' text put before the
// question; parts that name one of our own files replaced by its text; toward a copy of
// the API, what it refuses of its model. Images by URL are a 400 with chat.CodeRemote where the copy fetches none, and
// files where it takes none. reasoning_content
// stays for servers that are not OpenAI's, some of which want it back, unless thinking_blocks show that it was ours.
func (Dialect) Splice(dst []byte, b *chat.Body, e *chat.Edits, x *chat.Exchange) ([]byte, error) {
	s := splicer{e: e, x: x, b: b, w: json.WalkAt(b.Raw, 0)}
	if x.Facts.Chat.Copy {
		s.copy = planCopy(x, b)
	}
	m := json.EditObject(&s.w, &s.edits)
	named, asked := false, false
	for m.Next() {
		if x.Facts.Chat.Copy && s.copied(&m) {
			continue
		}
		switch string(m.Key()) {
		case "model":
			if named = true; e.Model != "" {
				m.Set(json.Quote(e.Model))
			} else {
				s.w.Skip()
			}
		case "stream_options":
			if asked = true; e.AskUsage {
				s.askUsage(&m)
			} else {
				s.w.Skip()
			}
		case "max_tokens", "max_completion_tokens":
			s.limit(&m)
		case "file_ids", "cache_control", "model_id":
			m.Drop()
		case "guardrailConfig", "thinking", "requestMetadata", "performanceConfig", "serviceTier", "promptVariables", "additionalModelRequestFields",
			"additionalModelResponseFieldPaths", "outputConfig", "projectIdentifier":
			// Asked for and not done: it is listed for the client.
			if s.w.Kind() != json.Null && s.err == nil {
				s.err = x.Drop(string(m.Key()))
			}
			m.Drop()
		case "messages":
			s.messages()
		case "tools", "functions":
			s.tools()
		default:
			s.w.Skip()
		}
	}
	if !named && e.Model != "" {
		m.Add("model", json.Quote(e.Model))
	}
	if !asked && e.AskUsage {
		m.Add("stream_options", []byte(`{"include_usage":true}`))
	}
	s.finishCopy(&m)
	if x.Facts.OutputBound && b.Value("max_tokens") == nil && b.Value("max_completion_tokens") == nil {
		key := "max_tokens"
		if x.Facts.CompletionTokens {
			key = "max_completion_tokens"
		}
		m.Add(key, strconv.AppendInt(nil, x.Facts.MaxOutput, 10))
	}
	if e.Context != nil && s.err == nil {
		s.err = s.ask(e.Context)
	}
	if s.err != nil {
		return nil, s.err
	}
	json.SortEdits(s.edits)
	return json.AppendEdited(dst, b.Raw, s.edits), nil
}

// limit cuts a limit of output tokens down to the model's own, where that is known.
func (s *splicer) limit(m *json.Members) {
	n, ok := json.ParseInt(s.b.Value(string(m.Key())))
	if !ok || s.x.Facts.MaxOutput <= 0 {
		s.w.Skip()
		return
	}
	limit, cut, err := rules.CutOutput(n, string(m.Key()), nil, s.x)
	if err != nil && s.err == nil {
		s.err = err
	}
	if cut {
		m.Set(strconv.AppendInt(nil, limit, 10))
	} else {
		s.w.Skip()
	}
}

// askUsage sets stream_options so that the usage is sent.
func (s *splicer) askUsage(m *json.Members) {
	if s.w.Kind() != json.Object {
		m.Set([]byte(`{"include_usage":true}`))
		return
	}
	options := json.EditObject(&s.w, &s.edits)
	found := false
	for options.Next() {
		if string(options.Key()) != "include_usage" {
			s.w.Skip()
			continue
		}
		if found = true; s.w.Kind() == json.True {
			s.w.Skip()
		} else {
			options.Set([]byte("true"))
		}
	}
	if !found {
		options.Add("include_usage", []byte("true"))
	}
}

func (s *splicer) messages() {
	w := &s.w
	if !w.Array() {
		w.Skip()
		return
	}
	s.last, s.none = w.Offset(), true
	for w.Element() {
		if w.Kind() == json.Object {
			s.message()
		} else {
			w.Skip()
		}
		s.last, s.none = w.Offset(), false
	}
}

func (s *splicer) message() {
	w := &s.w
	user := false
	var content question
	m := json.EditObject(w, &s.edits)
	for m.Next() {
		switch string(m.Key()) {
		case "thinking_blocks", bedrockBlocks, "cache_control":
			m.Drop()
		case "reasoning_content", "reasoning":
			if s.keepsReasoning() {
				w.Skip()
			} else {
				m.Drop()
			}
		case "role":
			user = string(w.String().Bytes()) == "user"
		case "content":
			content.kind, content.start = w.Kind(), w.Offset()
			s.parts()
			content.end = w.Offset()
		case "tool_calls":
			s.each(nil)
		default:
			w.Skip()
		}
	}
	if user && content.end > 0 {
		s.question = content
	}
}

// keepsReasoning reports whether the messages' reasoning_content is another server's and not ours.
func (s *splicer) keepsReasoning() bool {
	if s.reasoning == json.Invalid {
		target := s.e.Model
		if target == "" {
			target = s.b.Text("model")
		}
		s.reasoning = json.True
		if facts(s.x, target).Family == model.GPT || bytes.Contains(s.b.Raw, []byte(`"thinking_blocks"`)) {
			s.reasoning = json.False
		}
	}
	return s.reasoning == json.True
}

// parts edits a content list; any other content stays as it is.
func (s *splicer) parts() {
	s.each(func() bool {
		text := s.fileText()
		if text == nil {
			s.checkPart()
			return false
		}
		start := s.w.Skip()
		s.edits = append(s.edits, json.Edit{Start: start, End: s.w.Offset(), Text: textPart(text)})
		return true
	})
}

func textPart(text json.String) []byte {
	const head, tail = `{"type":"text","text":`, '}'
	part := make([]byte, 0, len(head)+len(text)+2)
	part = append(append(part, head...), text...)
	return append(part, tail)
}

// fileText returns the text for the part that the walker stands before, if it names one of our own files.
func (s *splicer) fileText() (text json.String) {
	if s.e.FileText == nil || s.err != nil {
		return nil
	}
	w := s.w // a copy: to look ahead
	w.Object()
	for w.Member() {
		if string(w.Key()) != "file" || !w.Object() {
			w.Skip()
			continue
		}
		for w.Member() {
			if string(w.Key()) != "file_id" {
				w.Skip()
				continue
			}
			text, s.err = s.e.FileText(w.String().Unquote())
			return text
		}
	}
	return nil
}

// checkPart refuses the part that the walker stands before where a copy of the API does not take it.
func (s *splicer) checkPart() {
	f := &s.x.Facts
	if !f.Chat.Copy || s.err != nil {
		return
	}
	w := s.w // a copy: to look ahead
	var kind, url []byte
	w.Object()
	for w.Member() {
		switch string(w.Key()) {
		case "type":
			kind = w.String().Bytes()
		case "image_url":
			if !w.Object() {
				w.Skip()
				continue
			}
			for w.Member() {
				if string(w.Key()) == "url" {
					url = w.String().Bytes()
				} else {
					w.Skip()
				}
			}
		default:
			w.Skip()
		}
	}
	switch string(kind) {
	case "image_url":
		if f.NoImages {
			s.err = untaken("images", s.x)
		} else if f.InlineImages && !bytes.HasPrefix(url, []byte("data:")) && !bytes.HasPrefix(url, []byte("s3:")) {
			s.err = remoteImage(s.x)
		}
	case "file":
		if f.NoDocuments {
			s.err = untaken("documents", s.x)
		}
	case "input_audio":
		if !f.Audio {
			s.err = untaken("audio", s.x)
		}
	}
}

// untaken is the error for content that the API does not take for the model; another may.
func untaken(what string, x *chat.Exchange) error {
	e := chat.Invalid("messages", "the model '%s' takes no %s by this API", x.Model, what)
	e.Fallback = true
	return e
}

// remoteImage is the error for an image that is to be sent by value.
func remoteImage(x *chat.Exchange) error {
	e := chat.Invalid("messages", "the model '%s' takes images as data URLs, not by their address", x.Model)
	e.Code = chat.CodeRemote
	return e
}

// each takes cache_control out of the objects of a list; those that replace deals with itself are left to it.
func (s *splicer) each(replace func() bool) {
	w := &s.w
	if !w.Array() {
		w.Skip()
		return
	}
	for w.Element() {
		if w.Kind() != json.Object {
			w.Skip()
			continue
		}
		if replace != nil && replace() {
			continue
		}
		m := json.EditObject(w, &s.edits)
		for m.Next() {
			if string(m.Key()) == "cache_control" {
				m.Drop()
			} else {
				w.Skip()
			}
		}
	}
}

// tools takes cache_control out of tools and their functions.
func (s *splicer) tools() {
	w := &s.w
	if !w.Array() {
		w.Skip()
		return
	}
	for w.Element() {
		if w.Kind() != json.Object {
			w.Skip()
			continue
		}
		m := json.EditObject(w, &s.edits)
		for m.Next() {
			switch string(m.Key()) {
			case "cache_control":
				m.Drop()
			case "function":
				if w.Kind() != json.Object {
					w.Skip()
					continue
				}
				f := json.EditObject(w, &s.edits)
				for f.Next() {
					if string(f.Key()) == "cache_control" {
						f.Drop()
					} else {
						w.Skip()
					}
				}
			default:
				w.Skip()
			}
		}
	}
}

// ask puts the files' text before the last user message's own content; without one, it is a message of its own.
func (s *splicer) ask(context json.String) error {
	q := &s.question
	edit := json.Edit{Start: q.start + 1, End: q.start + 1}
	switch q.kind {
	case json.Text:
		edit.Text = append(edit.Text, context[1:len(context)-1]...)
	case json.Array:
		edit.Text = textPart(context)
		if w := json.WalkAt(s.b.Raw, q.start); w.Array() && w.Element() {
			edit.Text = append(edit.Text, ',')
		}
	case json.Null:
		edit.Start, edit.End, edit.Text = q.start, q.end, context
	case json.Invalid, json.False, json.True, json.Number, json.Object:
		if s.last == 0 {
			return chat.Invalid("messages", "invalid type for 'messages': expected an array")
		}
		edit.Start, edit.End = s.last, s.last
		if !s.none {
			edit.Text = append(edit.Text, ',')
		}
		edit.Text = append(append(edit.Text, `{"role":"user","content":`...), context...)
		edit.Text = append(edit.Text, '}')
	}
	s.edits = append(s.edits, edit)
	return nil
}
