package responses

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Own makes the reply of a copy of the API, which is relayed and which keeps nothing, one that the gateway keeps: the ids are the
// gateway's, store is true, and it names the response that it goes on from. It is for one reply.
type Own struct {
	x     *chat.Exchange
	items []ownItem // the items so far, by their place
	edits []json.Edit
	buf   []byte
}

// ownItem is an item by both of its ids; the zero value is one that is not known.
type ownItem struct {
	theirs json.String
	ours   []byte
}

// NewOwn returns an Own for the exchange's reply.
func NewOwn(x *chat.Exchange) *Own { return &Own{x: x} }

// Event returns the payload of an event with what is the gateway's in it. It is valid until the next call.
func (o *Own) Event(payload []byte) []byte {
	o.edits = o.edits[:0]
	index, response, item := -1, -1, -1
	var id json.Edit
	var theirs json.String
	w := json.WalkAt(payload, 0)
	for in := w.Object(); in && w.Member(); {
		switch key := string(w.Key()); {
		case key == "output_index" && w.Kind() == json.Number:
			n, ok := json.ParseInt(w.Value())
			if index = int(n); !ok || n >= maxItems {
				index = -1
			}
		case key == "response" && w.Kind() == json.Object:
			response = w.Skip()
		case key == "item" && w.Kind() == json.Object:
			item = w.Skip()
		case key == "item_id" && w.Kind() == json.Text:
			id.Start = w.Skip()
			id.End = w.Offset()
			theirs = payload[id.Start:id.End]
		default:
			w.Skip()
		}
	}
	if response >= 0 {
		o.response(json.WalkAt(payload, response))
	}
	if item >= 0 {
		o.item(json.WalkAt(payload, item), index)
	}
	if theirs != nil {
		id.Text = o.id(theirs, index)
		o.edits = append(o.edits, id)
	}
	return o.edited(payload)
}

// Response returns a whole reply with what is the gateway's in it. It is valid until the next call.
func (o *Own) Response(body []byte) []byte {
	o.edits = o.edits[:0]
	o.response(json.WalkAt(body, 0))
	return o.edited(body)
}

func (o *Own) edited(body []byte) []byte {
	if len(o.edits) == 0 {
		return body
	}
	json.SortEdits(o.edits)
	o.buf = json.AppendEdited(o.buf[:0], body, o.edits)
	return o.buf
}

// response edits the response object that w stands before.
func (o *Own) response(w json.Walker) {
	m := json.EditObject(&w, &o.edits)
	store := false
	for m.Next() {
		switch string(m.Key()) {
		case "id":
			m.Set(json.Quote("resp_" + o.x.ID))
		case "store":
			store = true
			m.Set([]byte("true"))
		case "previous_response_id":
			if o.x.Previous == "" {
				w.Skip()
			} else {
				m.Set(json.Quote(o.x.Previous))
			}
		case "output":
			if w.Kind() != json.Array {
				w.Skip()
				continue
			}
			w.Array()
			for i := 0; w.Element(); i++ {
				ahead := w
				w.Skip()
				o.item(ahead, i)
			}
		default:
			w.Skip()
		}
	}
	if !store {
		m.Add("store", []byte("true"))
	}
}

// item edits the item that w stands before.
func (o *Own) item(w json.Walker, index int) {
	m := json.EditObject(&w, &o.edits)
	id := false
	for m.Next() {
		if string(m.Key()) == "id" && w.Kind() == json.Text {
			id = true
			ahead := w
			m.Set(o.id(ahead.String(), index))
		} else {
			w.Skip()
		}
	}
	if !id {
		m.Add("id", o.id(nil, index))
	}
}

// id returns the gateway's id of an item as a JSON string, by the upstream's id and place of it: the same in all events. The place
// in the final output is not believed where another was announced.
func (o *Own) id(theirs json.String, index int) []byte {
	if index >= 0 && index < len(o.items) && o.items[index].ours != nil && (len(theirs) <= 2 || bytes.Equal(o.items[index].theirs, theirs)) {
		return o.items[index].ours
	}
	for i := range o.items {
		if it := &o.items[i]; len(theirs) > 2 && bytes.Equal(it.theirs, theirs) {
			return it.ours
		}
	}
	if index < 0 {
		index = len(o.items)
	}
	ours := o.newID(theirs, index)
	if index < maxItems {
		for len(o.items) <= index {
			o.items = append(o.items, ownItem{})
		}
		o.items[index] = ownItem{bytes.Clone(theirs), ours}
	}
	return ours
}

func (o *Own) newID(theirs json.String, index int) []byte {
	kind, _, found := strings.Cut(theirs.Unquote(), "_")
	if !found || kind == "" || len(kind) > 4 || strings.Trim(kind, "abcdefghijklmnopqrstuvwxyz") != "" {
		kind = "item"
	}
	dst := append(append(make([]byte, 0, 48), '"'), kind...)
	dst = append(json.AppendEscaped(append(dst, '_'), o.x.ID), '_')
	return append(strconv.AppendInt(dst, int64(index), 10), '"')
}

// OwnID reports whether an item's id is one that the gateway made, for a client to refer to: <kind>_<32 hex>_<place>. No upstream
// knows it.
func OwnID(id []byte) bool {
	at := bytes.IndexByte(id, '_')
	const digits = 32
	if at < 1 || at > 4 || len(id) < at+digits+3 || id[at+1+digits] != '_' || len(id) > at+digits+10 {
		return false
	}
	for _, c := range id[at+1 : at+1+digits] {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// withoutOwnID returns an item without its id, if that is the gateway's.
func withoutOwnID(item json.Value) json.Value {
	if id := json.String(json.Find(item, "id")); len(id) < 2 || id[0] != '"' || !OwnID(id.Bytes()) {
		return item
	}
	var edits []json.Edit
	w := json.WalkAt(item, 0)
	m := json.EditObject(&w, &edits)
	for m.Next() {
		if string(m.Key()) == "id" {
			m.Drop()
		} else {
			w.Skip()
		}
	}
	return json.AppendEdited(nil, item, edits)
}
