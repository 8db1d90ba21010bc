package openai

import (
	"bytes"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

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
	cache chat.Cache
	cites bool // the model shall cite the file
}

// parts reads a content list into the scratch.
func (d *decoder) parts() {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(1, i)
		if decode.Long(d.scratch) {
			d.scratch = decode.Grow(d.scratch, r.Left())
		}
		d.part()
	}
}

func (d *decoder) part() {
	r := &d.R
	var p part
	r.Object()
	for r.Member() {
		d.At(2)
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
			p.block, p.media = chat.Audio, d.InputAudio(3)
		case "file":
			p.block, p.media = chat.Document, d.file()
		case "cache_control", "prompt_cache_breakpoint":
			p.cache = d.cache(3)
		case "citations": // Claude's word, for files
			p.cites = string(json.Find(r.Value(), "enabled")) == "true"
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
			d.Missing(2, strings.TrimPrefix(p.kind, "guarded_"))
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
			d.Missing(2, p.kind)
		}
		b.Kind, b.Media = p.block, p.media
		if p.cites && p.block == chat.Document && p.media != nil {
			p.media.Citations = true
		}
	case "":
		d.Missing(2, "type")
	default:
		d.FailAt(2, "type", "invalid value: '%s'; supported values are: text, image_url, input_audio, file, refusal, video_url and guarded_text", p.kind)
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
	r := &d.R
	m := &chat.Media{}
	if r.Kind() == json.Text {
		d.ImageSource(m, r.String())
		return m
	}
	r.Object()
	found := false
	for r.Member() {
		d.At(3)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "url":
			found = true
			d.ImageSource(m, r.String())
		case "detail":
			m.Detail = r.Text()
		default:
			r.Skip()
		}
	}
	if !found {
		d.Missing(3, "url")
	}
	return m
}

// videoURL reads {url}, or the url alone: a data URL or one of S3, as Bedrock takes videos.
func (d *decoder) videoURL() *chat.Media {
	r := &d.R
	m := &chat.Media{}
	if r.Kind() == json.Text {
		d.videoSource(m, r.String())
		return m
	}
	r.Object()
	found := false
	for r.Member() {
		if d.At(3); string(r.Key()) == "url" {
			found = true
			d.videoSource(m, r.String())
		} else {
			r.Skip()
		}
	}
	if !found {
		d.Missing(3, "url")
	}
	return m
}

func (d *decoder) videoSource(m *chat.Media, tok json.String) {
	url := tok.Bytes()
	switch {
	case bytes.HasPrefix(url, []byte("data:")):
		m.Type, m.Data = d.DataURL(url)
	case bytes.HasPrefix(url, []byte("s3://")):
		m.S3 = string(url)
		ending := strings.ToLower(m.S3[strings.LastIndexByte(m.S3, '.')+1:])
		if m.Type = videoTypes[ending]; m.Type == "" {
			d.Fail("unsupported video: expected a name that ends in .mp4, .mov, .mkv, .webm, .flv, .mpeg, .mpg, .wmv or .3gp")
		}
	default:
		d.Fail("invalid video URL: expected a base64 data URL, or one that begins with s3://")
	}
}

// file reads {file_id} or {file_data, filename}.
func (d *decoder) file() *chat.Media {
	r := &d.R
	m := &chat.Media{}
	r.Object()
	for r.Member() {
		d.At(3)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "file_id":
			m.FileID = r.Text()
		case "filename":
			m.Name = r.Text()
		case "file_data":
			d.FileData(m, r.String())
		default:
			r.Skip()
		}
	}
	if m.FileID == "" && m.Data == nil {
		d.Missing(3, "file_id")
	}
	return m
}

// cache reads Claude's cache_control or OpenAI's prompt_cache_breakpoint. Their lifetimes have only 5m and 1h in common
// with what Bedrock knows; another is the provider's default.
func (d *decoder) cache(level int) chat.Cache {
	r := &d.R
	c := chat.CacheDefault
	r.Object()
	for r.Member() {
		d.At(level)
		if string(r.Key()) != "ttl" || r.Kind() != json.Text {
			r.Skip()
			continue
		}
		c, _ = chat.CacheFor(r.Text())
	}
	return c
}

// thinkingBlocks reads what an earlier reply's thinking was, its signatures to the byte.
func (d *decoder) thinkingBlocks() {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(1, i)
		if decode.Long(d.thoughts) {
			d.thoughts = decode.Grow(d.thoughts, r.Left())
		}
		var b chat.Block
		var signature, data chat.String
		kind := ""
		r.Object()
		for r.Member() {
			d.At(2)
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
			b.Kind = chat.Thinking
			if signature != nil {
				b.Maker, signature = rules.Unseal(signature)
				b.Own = chat.Own(signature)
			}
			if b.Text == nil {
				b.Text = emptyText // a signature alone is a block too
			}
		case kind == "redacted_thinking" && data != nil:
			b.Maker, data = rules.Unseal(data)
			b.Kind, b.Own = chat.RedactedThinking, chat.Own(data)
		case kind == "redacted_thinking":
			d.Missing(2, "data")
		default:
			d.FailAt(2, "type", "invalid value: '%s'; supported values are: thinking and redacted_thinking", kind)
		}
		if r.Err() == nil {
			d.thoughts = append(d.thoughts, b)
		}
	}
}

var emptyText = json.String(`""`)
