package handler

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The bounds of limit, https://platform.claude.com/docs/en/api/models/list.
const (
	defaultPage = 20
	maxPage     = 1000
)

// wantsAnthropic reports whether the client speaks Anthropic's API: its clients send the version with every request, and
// OpenAI's never do.
func wantsAnthropic(r *http.Request) bool { return r.Header["Anthropic-Version"] != nil }

// modelsForm returns the form of answers to the paths that both APIs have.
func modelsForm(r *http.Request) *exchange.Form {
	if wantsAnthropic(r) {
		return &anthropicForm
	}
	return &openaiForm
}

// page is a part of the models, in Anthropic's form.
type page struct {
	offers []offer
	more   bool // in the direction that was asked for
}

// pageOf returns the page that the query asks for: limit models behind after_id, or before before_id.
func pageOf(offers []offer, q url.Values) (*page, *chat.Error) {
	limit := defaultPage
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxPage {
			return nil, chat.Invalid("limit", "limit: Input should be a whole number from 1 to %d", maxPage)
		}
		limit = n
	}
	after, before := q.Get("after_id"), q.Get("before_id")
	if after != "" && before != "" {
		return nil, chat.Invalid("after_id", "after_id, before_id: only one of the two may be given")
	}
	at := func(param, id string) (int, *chat.Error) {
		i := slices.IndexFunc(offers, func(o offer) bool { return o.ID == id })
		if i < 0 {
			return 0, chat.Invalid(param, "%s: no model '%s' is listed", param, chat.Clip(id))
		}
		return i, nil
	}
	if before != "" {
		end, err := at("before_id", before)
		if err != nil {
			return nil, err
		}
		start := max(end-limit, 0)
		return &page{offers[start:end], start > 0}, nil
	}
	start := 0
	if after != "" {
		i, err := at("after_id", after)
		if err != nil {
			return nil, err
		}
		start = i + 1
	}
	end := min(start+limit, len(offers))
	return &page{offers[start:end], end < len(offers)}, nil
}

// write writes the page's members.
func (p *page) write(jw *json.Writer) {
	jw.Key("data")
	jw.BeginArray()
	for i := range p.offers {
		p.offers[i].writeAnthropic(jw)
	}
	jw.EndArray()
	jw.Key("has_more")
	jw.Bool(p.more)
	for _, m := range [...]struct {
		key string
		at  int
	}{{"first_id", 0}, {"last_id", len(p.offers) - 1}} {
		jw.Key(m.key)
		if len(p.offers) == 0 {
			jw.Null()
		} else {
			jw.Text(p.offers[m.at].ID)
		}
	}
}

// writeAnthropic writes the model in Anthropic's form. created_at is the epoch where it is unknown, as Anthropic has it.
func (m *offer) writeAnthropic(jw *json.Writer) {
	name := m.Name
	if name == "" {
		name = m.ID
	}
	jw.BeginObject()
	jw.Key("type")
	jw.Text("model")
	jw.Key("id")
	jw.Text(m.ID)
	jw.Key("display_name")
	jw.Text(name)
	jw.Key("created_at")
	jw.Text(time.Unix(m.Created, 0).UTC().Format(time.RFC3339))
	jw.EndObject()
}
