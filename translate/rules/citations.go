package rules

import (
	"bytes"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// places are where a citation may point, in both forms: Converse's CitationLocation
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CitationLocation.html) and Claude's types of
// citations (https://platform.claude.com/docs/en/build-with-claude/citations). The numbers are the same.
var places = [...]struct {
	converse, index string // the location, and its member that says which document
	claude, of      string // the type, and the member that says which document
	start, end      string // Claude's names of Converse's start and end
	title           string // Claude's name of the title
}{
	{"documentChar", "documentIndex", "char_location", "document_index", "start_char_index", "end_char_index", "document_title"},
	{"documentPage", "documentIndex", "page_location", "document_index", "start_page_number", "end_page_number", "document_title"},
	{"documentChunk", "documentIndex", "content_block_location", "document_index", "start_block_index", "end_block_index", "document_title"},
	{"searchResultLocation", "searchResultIndex", "search_result_location", "search_result_index", "start_block_index", "end_block_index", "title"},
	{"web", "", "web_search_result_location", "", "", "", "title"},
}

// ClaudeCitation returns a citation in Claude's form, or nil if it points to a place that Claude has no word for. One in
// Claude's form already is returned as it is.
func ClaudeCitation(v chat.Value) chat.Value {
	if bytes.HasSuffix(json.Find(v, "type"), []byte(`_location"`)) {
		return v
	}
	at := json.Find(v, "location")
	for i := range places {
		p := &places[i]
		place := json.Find(at, p.converse)
		if place == nil {
			continue
		}
		w := json.NewWriter(nil)
		w.BeginObject()
		w.Key("type")
		w.Text(p.claude)
		w.Key("cited_text")
		w.Value(citedText(json.Find(v, "sourceContent")))
		w.Key(p.title)
		member(&w, json.Find(v, "title"), "null")
		switch p.converse {
		case "web":
			w.Key("url")
			member(&w, json.Find(place, "url"), `""`)
			w.Key("encrypted_index")
			w.Raw(`""`)
		default:
			w.Key(p.of)
			member(&w, json.Find(place, p.index), "0")
			w.Key(p.start)
			member(&w, json.Find(place, "start"), "0")
			w.Key(p.end)
			member(&w, json.Find(place, "end"), "0")
			if p.converse == "searchResultLocation" {
				w.Key("source")
				member(&w, json.Find(v, "source"), `""`)
			}
		}
		w.EndObject()
		return w.Bytes()
	}
	return nil
}

// ConverseCitation returns a citation in Converse's form, or nil if its type is unknown. One in Converse's form already is
// returned as it is.
func ConverseCitation(v chat.Value) chat.Value {
	kind := json.Find(v, "type")
	if kind == nil {
		return v
	}
	for i := range places {
		p := &places[i]
		if string(kind) != `"`+p.claude+`"` {
			continue
		}
		w := json.NewWriter(nil)
		w.BeginObject()
		if title := json.Find(v, p.title); len(title) > 0 && title[0] == '"' {
			w.Key("title")
			w.Value(title)
		}
		if source := json.Find(v, "source"); len(source) > 0 && source[0] == '"' {
			w.Key("source")
			w.Value(source)
		}
		if text := json.Find(v, "cited_text"); len(text) > 0 && text[0] == '"' {
			w.Raw(`"sourceContent":[{"text":`)
			w.Value(text)
			w.EndObject()
			w.EndArray()
		}
		w.Key("location")
		w.BeginObject()
		w.Key(p.converse)
		w.BeginObject()
		if p.converse == "web" {
			w.Key("url")
			member(&w, json.Find(v, "url"), `""`)
		} else {
			w.Key(p.index)
			member(&w, json.Find(v, p.of), "0")
			w.Key("start")
			member(&w, json.Find(v, p.start), "0")
			w.Key("end")
			member(&w, json.Find(v, p.end), "0")
		}
		w.EndObject()
		w.EndObject()
		w.EndObject()
		return w.Bytes()
	}
	return nil
}

// Citations returns a list of citations, each turned by to; nil if none is left. What cannot be said is noted.
func Citations(list chat.Value, to func(chat.Value) chat.Value, x *chat.Exchange) chat.Value {
	w := json.NewWriter(nil)
	w.BeginArray()
	n := 0
	r := json.WalkAt(list, 0)
	for ok := r.Array(); ok && r.Element(); {
		if c := to(r.Value()); c != nil {
			w.Value(c)
			n++
		} else {
			x.Note("a citation that the client's dialect has no word for was left out")
		}
	}
	if n == 0 {
		return nil
	}
	w.EndArray()
	return w.Bytes()
}

// AnnotatedCitations returns OpenAI's annotations of a text as citations in Claude's form; nil if none is of a page.
func AnnotatedCitations(annotations chat.Value, x *chat.Exchange) chat.Value {
	w := json.WalkAt(annotations, 0)
	if len(annotations) == 0 || !w.Array() {
		return nil
	}
	var list json.Writer
	n := 0
	for w.Element() {
		c := AnnotatedCitation(w.Value(), x)
		if c == nil {
			continue
		}
		if n++; n == 1 {
			list.BeginArray()
		}
		list.Value(c)
	}
	if n == 0 {
		return nil
	}
	list.EndArray()
	return list.Bytes()
}

// AnnotatedCitation returns an annotation, flat as Responses has it or under url_citation as Chat Completions does, in Claude's
// form; nil, with a note, if it is not of a page.
func AnnotatedCitation(annotation chat.Value, x *chat.Exchange) chat.Value {
	page := json.Find(annotation, "url_citation")
	if len(page) == 0 || page[0] != '{' {
		page = annotation
	}
	url := json.Find(page, "url")
	if string(json.Find(annotation, "type")) != `"url_citation"` || len(url) <= 2 || url[0] != '"' {
		x.Note("an annotation that is of no page was left out")
		return nil
	}
	title := json.Find(page, "title")
	if len(title) == 0 || title[0] != '"' {
		title = chat.Value(`""`)
	}
	var w json.Writer
	w.BeginObject()
	w.Key("type")
	w.Raw(`"web_search_result_location"`)
	w.Key("cited_text")
	w.Raw(`""`)
	w.Key("title")
	w.Value(title)
	w.Key("url")
	w.Value(url)
	w.Key("encrypted_index")
	w.Raw(`""`)
	w.EndObject()
	return w.Bytes()
}

// URLCitation returns the address and title, JSON strings, that a citation has for OpenAI's url_citation; no address if it
// is not of a page.
func URLCitation(v chat.Value) (url, title chat.Value) {
	c := ClaudeCitation(v)
	if url = json.Find(c, "url"); len(url) <= 2 {
		url = json.Find(c, "source")
	}
	if !bytes.HasPrefix(url, []byte(`"http`)) {
		return nil, nil
	}
	if title = json.Find(c, "title"); len(title) == 0 || title[0] != '"' {
		title = chat.Value(`""`)
	}
	return url, title
}

// Characters returns how many characters, code points, a JSON string stands for. It does not allocate.
func Characters(tok chat.String) (n int64) {
	if tok.Empty() {
		return 0
	}
	text := tok[1 : len(tok)-1]
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+5 < len(text) && text[i+1] == 'u':
			if high, low := text[i+2]|0x20, text[i+3]|0x20; high != 'd' || low < 'c' { // no second half of a pair
				n++
			}
			i += 5
		case c == '\\':
			n++
			i++
		case utf8.RuneStart(c):
			n++
		}
	}
	return n
}

// CutText cuts a JSON string behind n of its characters, code points; cut is false if it has no more than that.
func CutText(tok chat.String, n int64) (head, tail chat.String, cut bool) {
	if tok.Empty() || n <= 0 {
		return nil, tok, false
	}
	text := tok[1 : len(tok)-1]
	for i := 0; i < len(text); n-- {
		if n == 0 {
			head = append(append(append(make(chat.String, 0, i+2), '"'), text[:i]...), '"')
			return head, append(append(make(chat.String, 0, len(tok)-i), '"'), tok[1+i:]...), true
		}
		switch c := text[i]; {
		case c == '\\' && i+5 < len(text) && text[i+1] == 'u':
			if high := text[i+3] | 0x20; text[i+2]|0x20 == 'd' && high >= '8' && high < 'c' {
				i += 6 // the first half of a pair
			}
			i += 6
		case c == '\\':
			i += 2
		default:
			for i++; i < len(text) && !utf8.RuneStart(text[i]); i++ {
			}
		}
	}
	return nil, tok, false
}

func member(w *json.Writer, v chat.Value, absent string) {
	if v == nil {
		v = chat.Value(absent)
	}
	w.Value(v)
}

// citedText joins the texts of a sourceContent to one JSON string.
func citedText(list chat.Value) chat.Value {
	text := chat.Value{'"'}
	r := json.WalkAt(list, 0)
	for ok := len(list) > 0 && r.Array(); ok && r.Element(); {
		if t := json.Find(r.Value(), "text"); len(t) > 2 && t[0] == '"' {
			text = append(text, t[1:len(t)-1]...)
		}
	}
	return append(text, '"')
}
