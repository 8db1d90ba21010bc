package stored

import (
	"net/url"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The pages of GET /v1/responses/{id}/input_items. Source: resources/responses/input_items.py and
// types/responses/response_item_list.py of the openai Python library 3.57.0.
const (
	usualPage = 20
	maxPage   = 100
)

// InputItems appends a page of the items that the response was made of, those of earlier turns included, the newest first
// unless q says otherwise.
func (r *Record) InputItems(dst []byte, q url.Values) ([]byte, error) {
	limit := usualPage
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return nil, chat.Invalid("limit", "Invalid 'limit': expected an integer from 1 to %d, got '%s'.", maxPage, chat.Clip(text))
		}
		limit = n
	}
	var all []json.Value
	for _, list := range [...]json.Value{r.Before, r.Input} {
		w := json.WalkAt(list, 0)
		for ok := w.Array(); ok && w.Element(); {
			all = append(all, w.Value())
		}
	}
	at := func(i int) json.Value { return all[len(all)-1-i] }
	switch order := q.Get("order"); order {
	case "", "desc":
	case "asc":
		at = func(i int) json.Value { return all[i] }
	default:
		return nil, chat.Invalid("order", "Invalid 'order': expected 'asc' or 'desc', got '%s'.", chat.Clip(order))
	}
	from := 0
	if after := q.Get("after"); after != "" {
		for from < len(all) && idOf(at(from)).Unquote() != after {
			from++
		}
		if from++; from > len(all) {
			return nil, chat.Invalid("after", "Invalid 'after': no item of this response has the id '%s'.", chat.Clip(after))
		}
	}
	to := min(from+limit, len(all))
	dst = append(dst, `{"object":"list","data":[`...)
	first, last := json.String("null"), json.String("null")
	for i := from; i < to; i++ {
		if last = idOf(at(i)); i == from {
			first = last
		} else {
			dst = append(dst, ',')
		}
		dst = append(dst, at(i)...)
	}
	dst = append(append(dst, `],"first_id":`...), first...)
	dst = append(append(dst, `,"last_id":`...), last...)
	dst = append(dst, `,"has_more":`...)
	return append(strconv.AppendBool(dst, to < len(all)), '}'), nil
}

// idOf returns the id of an item; null if it has none.
func idOf(item json.Value) json.String {
	if id := json.Find(item, "id"); len(id) > 1 && id[0] == '"' {
		return json.String(id)
	}
	return json.String("null")
}
