package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// autoCached returns the body, which is out behind its first from bytes, with points for the model's cache where the gateway is
// to set them.
func autoCached(out []byte, from int, x *chat.Exchange) []byte {
	if !rules.WantsAutoCache(x) {
		return out
	}
	p := cachePlaces{body: out[from:], f: &x.Facts}
	p.w = json.WalkAt(p.body, 0)
	for ok := p.w.Object(); ok && p.w.Member(); {
		switch string(p.w.Key()) {
		case "toolConfig":
			for ok := p.w.Object(); ok && p.w.Member(); {
				if string(p.w.Key()) == "tools" {
					p.places.Tools = p.list(0)
				} else {
					p.w.Skip()
				}
			}
		case "system":
			p.places.System = p.list(0)
		case "messages":
			p.messages()
		case fieldsMember:
			// Claude's own tools may have marks in there.
			if marked(json.Find(p.w.Value(), "tools")) {
				p.places.Marked = true
			}
		default:
			p.w.Skip()
		}
	}
	edits := p.places.AutoCache(x)
	if len(edits) == 0 {
		return out
	}
	return json.AppendEdited(out[:from:from], p.body, edits)
}

// marked reports whether one of Claude's own tools has a mark.
func marked(tools chat.Value) bool {
	w := json.WalkAt(tools, 0)
	for ok := tools != nil && w.Array(); ok && w.Element(); {
		if v := json.Find(w.Value(), "cache_control"); v != nil && string(v) != "null" {
			return true
		}
	}
	return false
}

// cachePlaces finds the places of one body.
type cachePlaces struct {
	body   []byte
	w      json.Walker
	f      *model.Facts
	places rules.CachePlaces
}

// list goes over a list of tools or blocks and returns the place behind its last element; size is what stands before it.
func (p *cachePlaces) list(size int) rules.CachePlace {
	w := &p.w
	place := rules.CachePlace{Size: size}
	if !w.Array() {
		w.Skip()
		return place
	}
	for w.Element() {
		kind := p.element(&place.Size)
		if p.markable(kind) {
			place.At, place.Mark = place.Size, []json.Edit{{Start: w.Offset(), End: w.Offset(), Text: []byte(`,{"cachePoint":{"type":"default"}}`)}}
		}
	}
	return place
}

// markable reports whether a point may stand behind an element. Nova caches text alone
// (https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html).
func (p *cachePlaces) markable(kind string) bool {
	if p.f.Family == model.Nova || p.f.Family == model.Nova2 {
		return kind == "text"
	}
	return kind != "" && kind != "reasoningContent"
}

// element goes over one element, adds its size and returns the name of its one member.
func (p *cachePlaces) element(size *int) (kind string) {
	w := &p.w
	start := w.Offset()
	if !w.Object() {
		w.Skip()
		return ""
	}
	n := 0
	for w.Member() {
		switch kind = string(w.Key()); kind {
		case "cachePoint":
			p.places.Marked = true
		case "image", "document", "video", "audio":
			n = rules.MediaSize
		}
		w.Skip()
	}
	if n == 0 {
		n = w.Offset() - start
	}
	*size += n
	return kind
}

func (p *cachePlaces) messages() {
	w := &p.w
	if !w.Array() {
		w.Skip()
		return
	}
	size := 0
	for w.Element() {
		if !w.Object() {
			w.Skip()
			continue
		}
		user := false
		var place rules.CachePlace
		for w.Member() {
			switch string(w.Key()) {
			case "role":
				user = string(w.Value()) == `"user"`
			case "content":
				place = p.list(size)
			default:
				w.Skip()
			}
		}
		size = max(size, place.Size)
		if user {
			p.places.Turns = append(p.places.Turns, place)
		}
	}
}
