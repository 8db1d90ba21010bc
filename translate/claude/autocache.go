package claude

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const cacheMark = `"cache_control":{"type":"ephemeral"}`

// autoCached returns the body, which is out behind its first from bytes, with marks for the model's cache where the gateway is
// to set them.
func autoCached(out []byte, from int, x *chat.Exchange) []byte {
	if !rules.WantsAutoCache(x) {
		return out
	}
	p := cachePlaces{body: out[from:]}
	p.w = json.WalkAt(p.body, 0)
	for ok := p.w.Object(); ok && p.w.Member(); {
		switch string(p.w.Key()) {
		case "tools":
			p.places.Tools = p.section(0)
		case "system":
			p.places.System = p.section(0)
		case "messages":
			p.messages()
		case "cache_control":
			p.places.Marked = true
			p.w.Skip()
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

// cachePlaces finds the places of one body.
type cachePlaces struct {
	body   []byte
	w      json.Walker
	media  int // bytes of base64 so far that count less
	places rules.CachePlaces
}

// section goes over a list of tools or blocks, or a string that stands for one block, and returns the place of its last
// element; size is what stands before it.
func (p *cachePlaces) section(size int) rules.CachePlace {
	w := &p.w
	place := rules.CachePlace{Size: size}
	if w.Kind() == json.Text {
		tok := w.String()
		place.Size += len(tok)
		place.At = place.Size
		if !tok.Blank() {
			head := json.Edit{Start: w.Offset() - len(tok), End: w.Offset() - len(tok), Text: []byte(`[{"type":"text","text":`)}
			place.Mark = []json.Edit{head, {Start: w.Offset(), End: w.Offset(), Text: []byte(`,` + cacheMark + `}]`)}}
		}
		return place
	}
	if !w.Array() {
		w.Skip()
		return place
	}
	for w.Element() {
		start := w.Offset()
		markable := p.element(&place.Size)
		if end := w.Offset(); markable && end > start+len("{}") {
			place.At, place.Mark = place.Size, []json.Edit{{Start: end - 1, End: end - 1, Text: []byte(`,` + cacheMark)}}
		}
	}
	return place
}

// element goes over one tool or block, adds its size, and reports whether it may be marked. Reasoning may not.
func (p *cachePlaces) element(size *int) (markable bool) {
	w := &p.w
	start := w.Offset()
	if !w.Object() {
		w.Skip()
		return false
	}
	markable = true
	media := p.media
	for w.Member() {
		switch string(w.Key()) {
		case "cache_control":
			if w.Kind() != json.Null {
				p.places.Marked = true
			}
			markable = false // would stand there twice
			w.Skip()
		case "type":
			switch string(w.String().Bytes()) {
			case "thinking", "redacted_thinking":
				markable = false
			}
		case "defer_loading":
			markable = markable && string(w.Value()) != "true" // such a tool may have no mark
		case "source":
			if v := w.Value(); string(json.Find(v, "type")) == `"base64"` {
				p.media += len(v) - rules.MediaSize
			}
		case "content":
			p.section(0) // for its marks
		default:
			w.Skip()
		}
	}
	*size += w.Offset() - start - (p.media - media)
	return markable
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
				user = string(w.String().Bytes()) == "user"
			case "content":
				place = p.section(size)
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
