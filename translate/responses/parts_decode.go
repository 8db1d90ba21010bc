package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// contentPart is one element of a content list, before it is interpreted by its type.
type contentPart struct {
	kind      string
	text      json.String
	media     chat.Media
	isMedia   bool
	audio     *chat.Media
	cache     chat.Cache
	encrypted bool
}

// parts reads a content list into the scratch.
func (d *requestDecoder) parts() {
	r := &d.R
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(1, i)
		d.part()
	}
}

func (d *requestDecoder) part() {
	r := &d.R
	var p contentPart
	r.Object()
	for r.Member() {
		d.At(2)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			p.kind = r.Text()
		case "text", "refusal":
			p.text = r.String()
		case "image_url":
			p.isMedia = true
			d.ImageSource(&p.media, r.String())
		case "file_id":
			p.isMedia = true
			p.media.FileID = r.Text()
		case "file_data":
			p.isMedia = true
			d.FileData(&p.media, r.String())
		case "file_url":
			p.isMedia = true
			p.media.URL = r.Text()
		case "filename":
			p.media.Name = r.Text()
		case "detail":
			p.media.Detail = r.Text()
		case "input_audio":
			p.audio = d.InputAudio(3)
		case "citations": // Claude's word, for files
			p.media.Citations = string(json.Find(r.Value(), "enabled")) == "true"
		case "prompt_cache_breakpoint":
			p.cache = d.breakpoint()
		case "annotations": // what a reply says of its own text
			if holds(r.ArrayValue()) {
				d.omit("input.content.annotations")
			}
		case "logprobs":
			if holds(r.ArrayValue()) {
				d.omit("input.content.logprobs")
			}
		case "encrypted_content":
			r.Skip()
			p.encrypted = true
		case "parsed":
			r.Skip() // openai-node's own, of the text beside it
		default:
			d.omit("input.content." + chat.Clip(string(r.Key())))
			r.Skip()
		}
	}
	if r.Err() == nil {
		d.interpret(&p)
	}
}

// interpret adds the part's block by its type.
func (d *requestDecoder) interpret(p *contentPart) {
	b := chat.Block{Cache: p.cache}
	switch p.kind {
	case "input_text", "output_text", "text", "refusal", "summary_text", "reasoning_text":
		if p.text == nil {
			d.Missing(2, map[bool]string{true: "refusal", false: "text"}[p.kind == "refusal"])
			return
		}
		if b.Text = p.text; b.Text.Blank() {
			return
		}
		if p.kind == "refusal" {
			b.Kind = chat.Refusal
		}
	case "input_image", "computer_screenshot":
		if p.media.Data == nil && p.media.URL == "" && p.media.S3 == "" && p.media.FileID == "" {
			d.Missing(2, "image_url")
			return
		}
		b.Kind, b.Media = chat.Image, keep(&p.media)
	case "input_file":
		if !p.isMedia {
			d.Missing(2, "file_id")
			return
		}
		if p.media.Detail != "" && p.media.Detail != "auto" {
			d.omit("input.content.detail") // of a file: how closely its pages are looked at
		}
		p.media.Detail = ""
		b.Kind, b.Media = chat.Document, keep(&p.media)
	case "input_audio":
		if p.audio == nil {
			d.Missing(2, "input_audio")
			return
		}
		b.Kind, b.Media = chat.Audio, p.audio
	case "":
		d.Missing(2, "type")
		return
	default:
		if p.encrypted {
			return // content that only its maker reads; the item is listed if nothing else is in it
		}
		d.FailAt(2, "type", "Invalid value: '%s'. Supported values are: 'input_text', 'input_image', 'input_file', 'input_audio', 'output_text' and 'refusal'.", p.kind)
		return
	}
	d.scratch = append(d.scratch, b)
}

// holds reports whether a list has an element.
func holds(list json.Value) bool {
	w := json.WalkAt(list, 0)
	return w.Array() && w.Element()
}

// keep returns a copy, so that parts without media need no memory for them.
func keep(m *chat.Media) *chat.Media {
	c := *m
	return &c
}

// breakpoint reads {mode, ttl}. OpenAI's lifetimes are 30m, the provider's default elsewhere, and 12h, of which an hour is
// the most that another provider has.
func (d *requestDecoder) breakpoint() chat.Cache {
	r := &d.R
	c := chat.CacheDefault
	r.Object()
	for r.Member() {
		d.At(3)
		if string(r.Key()) != "ttl" || r.Kind() != json.Text {
			r.Skip()
			continue
		}
		if ttl := r.Text(); ttl == "12h" {
			c = chat.CacheOneHour
		} else {
			c, _ = chat.CacheFor(ttl)
		}
	}
	return c
}
