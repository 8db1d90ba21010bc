package openai

import (
	"bytes"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// imageTypes are the images that OpenAI, Claude and Converse take alike.
var imageTypes = map[string]string{
	"image/png": "image/png", "image/jpeg": "image/jpeg", "image/jpg": "image/jpeg", "image/gif": "image/gif", "image/webp": "image/webp",
}

// audioTypes are the media types of input_audio's formats.
var audioTypes = map[string]string{
	"wav": "audio/wav", "mp3": "audio/mpeg", "flac": "audio/flac", "opus": "audio/opus", "ogg": "audio/ogg", "aac": "audio/aac",
	"m4a": "audio/mp4", "webm": "audio/webm",
}

// videoTypes are the media types of videos by the ending of their name: Converse takes no other.
var videoTypes = map[string]string{
	"mp4": "video/mp4", "mov": "video/quicktime", "mkv": "video/x-matroska", "webm": "video/webm", "flv": "video/x-flv",
	"mpeg": "video/mpeg", "mpg": "video/mpeg", "wmv": "video/x-ms-wmv", "3gp": "video/3gpp",
}

// part is one element of a content list, before it is interpreted by its type.
type part struct {
	kind  string
	text  json.String
	media *chat.Media
	block chat.BlockKind
	cache *chat.Cache
}

// parts reads a content list into the scratch.
func (d *decoder) parts() {
	r := &d.r
	r.Array()
	for i := 0; r.Element(); i++ {
		d.item(1, i)
		d.part()
	}
}

func (d *decoder) part() {
	r := &d.r
	var p part
	r.Object()
	for r.Member() {
		d.at(2)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			p.kind = word(r.String())
		case "text", "refusal":
			p.text = r.String()
		case "image_url":
			p.block, p.media = chat.Image, d.imageURL()
		case "video_url":
			p.block, p.media = chat.Video, d.videoURL()
		case "input_audio":
			p.block, p.media = chat.Audio, d.inputAudio()
		case "file":
			p.block, p.media = chat.Document, d.file()
		case "cache_control", "prompt_cache_breakpoint":
			p.cache = d.cache(3)
		default:
			r.Skip()
		}
	}
	if r.Err() != nil {
		return
	}
	b := chat.Block{Cache: p.cache}
	switch p.kind {
	case "text", "refusal", "guarded_text":
		if p.text == nil {
			d.missing(2, strings.TrimPrefix(p.kind, "guarded_"))
		}
		b.Guarded = p.kind == "guarded_text"
		if b.Text = p.text; b.Text.Blank() {
			return
		}
		if p.kind == "refusal" {
			b.Kind = chat.Refusal
		}
	case "image_url", "input_audio", "file", "video_url":
		if p.media == nil || p.kind != mediaParts[p.block] {
			d.missing(2, p.kind)
		}
		b.Kind, b.Media = p.block, p.media
	case "":
		d.missing(2, "type")
	default:
		d.failAt(2, "type", "invalid value: '%s'; supported values are: text, image_url, input_audio, file, refusal, video_url and guarded_text", p.kind)
	}
	if r.Err() == nil {
		d.scratch = append(d.scratch, b)
	}
}

// mediaParts are the part types of media blocks.
var mediaParts = map[chat.BlockKind]string{chat.Image: "image_url", chat.Audio: "input_audio", chat.Document: "file", chat.Video: "video_url"}

// word returns a string's meaning without making a new one of the usual types.
func word(tok json.String) string {
	switch b := tok.Bytes(); string(b) {
	case "text":
		return "text"
	case "image_url":
		return "image_url"
	case "function":
		return "function"
	default:
		return string(b)
	}
}

// imageURL reads {url, detail}, or the url alone as some clients send it.
func (d *decoder) imageURL() *chat.Media {
	r := &d.r
	m := &chat.Media{}
	if r.Kind() == json.Text {
		d.imageSource(m, r.String())
		return m
	}
	r.Object()
	found := false
	for r.Member() {
		d.at(3)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "url":
			found = true
			d.imageSource(m, r.String())
		case "detail":
			m.Detail = r.Text()
		default:
			r.Skip()
		}
	}
	if !found {
		d.missing(3, "url")
	}
	return m
}

func (d *decoder) imageSource(m *chat.Media, tok json.String) {
	url := tok.Bytes()
	scheme, _, found := bytes.Cut(url[:min(len(url), 16)], []byte(":"))
	if !found {
		scheme = nil
	}
	switch strings.ToLower(string(scheme)) {
	case "data":
		kind, data := d.dataURL(url)
		m.Data = data
		if m.Type = imageTypes[kind]; m.Type == "" {
			d.fail("unsupported image type '%s': use image/png, image/jpeg, image/gif or image/webp", kind)
		}
	case "http", "https":
		m.URL = string(url)
	case "s3":
		m.S3 = string(url)
	default:
		if d.r.Err() == nil {
			d.fail("invalid image URL: expected a base64 data URL, or one that begins with https://, http:// or s3://")
		}
	}
}

// dataURL takes a data URL apart: its media type in lower case, without parameters, and its base64.
func (d *decoder) dataURL(url []byte) (kind string, data []byte) {
	head, data, ok := bytes.Cut(url[len("data:"):], []byte(","))
	head, is64 := bytes.CutSuffix(head, []byte(";base64"))
	if !ok || !is64 {
		d.fail("invalid data URL: expected data:<media type>;base64,<data>")
		return "", nil
	}
	if at := bytes.IndexByte(head, ';'); at >= 0 {
		head = head[:at]
	}
	if !chat.Base64(data) {
		d.fail("invalid base64 data")
	}
	return strings.ToLower(string(head)), data
}

// videoURL reads {url}, or the url alone: a data URL or one of S3, as Bedrock takes videos.
func (d *decoder) videoURL() *chat.Media {
	r := &d.r
	m := &chat.Media{}
	if r.Kind() == json.Text {
		d.videoSource(m, r.String())
		return m
	}
	r.Object()
	found := false
	for r.Member() {
		if d.at(3); string(r.Key()) == "url" {
			found = true
			d.videoSource(m, r.String())
		} else {
			r.Skip()
		}
	}
	if !found {
		d.missing(3, "url")
	}
	return m
}

func (d *decoder) videoSource(m *chat.Media, tok json.String) {
	url := tok.Bytes()
	switch {
	case bytes.HasPrefix(url, []byte("data:")):
		m.Type, m.Data = d.dataURL(url)
	case bytes.HasPrefix(url, []byte("s3://")):
		m.S3 = string(url)
		ending := strings.ToLower(m.S3[strings.LastIndexByte(m.S3, '.')+1:])
		if m.Type = videoTypes[ending]; m.Type == "" {
			d.fail("unsupported video: expected a name that ends in .mp4, .mov, .mkv, .webm, .flv, .mpeg, .mpg, .wmv or .3gp")
		}
	default:
		d.fail("invalid video URL: expected a base64 data URL, or one that begins with s3://")
	}
}

func (d *decoder) inputAudio() *chat.Media {
	r := &d.r
	m := &chat.Media{}
	format := ""
	r.Object()
	for r.Member() {
		d.at(3)
		switch string(r.Key()) {
		case "data":
			if m.Data = r.String().Bytes(); !chat.Base64(m.Data) {
				d.fail("invalid base64 data")
			}
		case "format":
			format = r.Text()
		default:
			r.Skip()
		}
	}
	switch m.Type = audioTypes[format]; {
	case m.Data == nil:
		d.missing(3, "data")
	case format == "":
		d.missing(3, "format")
	case m.Type == "":
		d.failAt(3, "format", "unsupported audio format '%s': use wav or mp3", format)
	}
	return m
}

// file reads {file_id} or {file_data, filename}.
func (d *decoder) file() *chat.Media {
	r := &d.r
	m := &chat.Media{}
	r.Object()
	for r.Member() {
		d.at(3)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "file_id":
			m.FileID = r.Text()
		case "filename":
			m.Name = r.Text()
		case "file_data":
			data := r.String().Bytes()
			if bytes.HasPrefix(data, []byte("data:")) {
				m.Type, m.Data = d.dataURL(data)
			} else if m.Data = data; !chat.Base64(data) {
				// Bare base64: the type follows from the name.
				d.fail("invalid file data: expected a base64 data URL")
			}
		default:
			r.Skip()
		}
	}
	if m.FileID == "" && m.Data == nil {
		d.missing(3, "file_id")
	}
	return m
}

// cache reads Claude's cache_control or OpenAI's prompt_cache_breakpoint. Their lifetimes have only 5m and 1h in common
// with what Bedrock knows; another is the provider's default.
func (d *decoder) cache(level int) *chat.Cache {
	r := &d.r
	c := &chat.Cache{}
	r.Object()
	for r.Member() {
		d.at(level)
		if string(r.Key()) != "ttl" || r.Kind() != json.Text {
			r.Skip()
			continue
		}
		switch ttl := r.Text(); ttl {
		case "5m", "1h":
			c.TTL = ttl
		}
	}
	return c
}

// thinkingBlocks reads what an earlier reply's thinking was, its signatures to the byte.
func (d *decoder) thinkingBlocks() {
	r := &d.r
	r.Array()
	for i := 0; r.Element(); i++ {
		d.item(1, i)
		var b chat.Block
		var signature, data chat.String
		kind := ""
		r.Object()
		for r.Member() {
			d.at(2)
			if r.Null() {
				continue
			}
			switch string(r.Key()) {
			case "type":
				kind = r.Text()
			case "thinking":
				b.Text = r.String()
			case "signature":
				signature = r.String()
			case "data":
				data = r.String()
			default:
				r.Skip()
			}
		}
		switch {
		case kind == "thinking":
			b.Kind, b.Own = chat.Thinking, chat.Value(signature)
			if b.Text == nil {
				b.Text = emptyText // a signature alone is a block too
			}
		case kind == "redacted_thinking" && data != nil:
			b.Kind, b.Own = chat.RedactedThinking, chat.Value(data)
		case kind == "redacted_thinking":
			d.missing(2, "data")
		default:
			d.failAt(2, "type", "invalid value: '%s'; supported values are: thinking and redacted_thinking", kind)
		}
		if r.Err() == nil {
			d.thoughts = append(d.thoughts, b)
		}
	}
}

var emptyText = json.String(`""`)
