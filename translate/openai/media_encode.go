package openai

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// audioFormats are input_audio's formats by media type: OpenAI takes two.
var audioFormats = map[string]string{
	"audio/wav": "wav", "audio/x-wav": "wav", "audio/wave": "wav", "audio/mpeg": "mp3", "audio/mp3": "mp3",
}

// image writes an image_url part.
func (e *requestEncoder) image(m *chat.Media) {
	if f := &e.x.Facts; f.Chat.Copy && f.NoImages {
		e.refuse(untaken("images", e.x))
	} else if f.InlineImages && m.Data == nil && m.URL != "" {
		e.refuse(remoteImage(e.x))
	}
	w := &e.w
	w.BeginObject()
	w.Key("type")
	w.Raw(`"image_url"`)
	w.Key("image_url")
	w.BeginObject()
	w.Key("url")
	switch {
	case m.Data != nil:
		w.String(dataURL(m.Type, m.Data))
	case m.URL != "":
		w.Text(m.URL)
	default:
		w.Null()
		e.fail("messages", "the image cannot be sent to the model '%s': it takes base64 data and https URLs, no S3 locations or files of other providers", e.x.Model)
	}
	if m.Detail != "" {
		w.Key("detail")
		w.Text(m.Detail)
	}
	w.EndObject()
	w.EndObject()
}

func (e *requestEncoder) refuse(err error) {
	if e.err == nil {
		e.err = err
	}
}

// dataURL returns data as a string token, which needs no escape.
func dataURL(kind string, data []byte) json.String {
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

func (e *requestEncoder) audio(m *chat.Media) {
	format := audioFormats[m.Type]
	if m.Data == nil || format == "" {
		e.fail("messages", "the audio cannot be sent to the model '%s': it takes base64 data of wav or mp3", e.x.Model)
		return
	}
	if f := &e.x.Facts; f.Chat.Copy && !f.Audio {
		e.refuse(untaken("audio", e.x))
	}
	w := &e.w
	w.BeginObject()
	w.Key("type")
	w.Raw(`"input_audio"`)
	w.Key("input_audio")
	w.BeginObject()
	w.Key("data")
	w.Raw(`"` + string(m.Data) + `"`)
	w.Key("format")
	w.Text(format)
	w.EndObject()
	w.EndObject()
}

// document writes a file part, or a text part where the document is text.
func (e *requestEncoder) document(m *chat.Media) {
	w := &e.w
	if !m.Context.Blank() {
		e.text(m.Context)
	}
	switch {
	case m.Text != nil:
		e.text(titled(m.Name, m.Text))
	case m.Content != nil:
		e.parts(m.Content)
	case m.Data != nil && strings.HasPrefix(m.Type, "text/"):
		text, err := base64.StdEncoding.DecodeString(string(m.Data))
		if err != nil || !utf8.Valid(text) {
			e.fail("messages", "the document '%s' says it is %s, but it is not UTF-8 text", m.Name, m.Type)
			return
		}
		e.text(titled(m.Name, json.AppendQuoted(nil, text)))
	case (m.Data != nil || m.FileID != "") && e.x.Facts.Chat.Copy && e.x.Facts.NoDocuments:
		e.refuse(untaken("documents", e.x))
	case m.Data != nil, m.FileID != "":
		w.BeginObject()
		w.Key("type")
		w.Raw(`"file"`)
		w.Key("file")
		w.BeginObject()
		if m.FileID != "" {
			w.Key("file_id")
			w.Text(m.FileID)
		} else {
			w.Key("filename")
			w.Text(fileName(m))
			w.Key("file_data")
			w.String(dataURL(m.Type, m.Data))
		}
		w.EndObject()
		w.EndObject()
	default:
		e.fail("messages", "the document '%s' cannot be sent to the model '%s': it takes documents as base64 data or text", m.Name, e.x.Model)
	}
	if m.Citations {
		e.drop("citations")
	}
}

// titled puts a document's name before its text.
func titled(name string, text json.String) json.String {
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
