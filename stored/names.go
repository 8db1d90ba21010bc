package stored

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The members of a request that name what was kept of an earlier one.
const (
	paramPrevious = "previous_response_id"
	paramInput    = "input"
	paramCompared = "prompt_cache_options.comparison_response_id"
)

// Names is what a request names of earlier ones. The zero value names nothing.
type Names struct {
	previous   string // the response that it goes on with
	compared   string // a response whose cache is compared with its own
	references []reference
}

// reference is an item of the input that stands for one of an earlier turn.
type reference struct {
	id         string
	start, end int        // where it stands in the body
	item       json.Value // what it stands for, once that is known
	kept       bool       // an upstream keeps it
}

// Any reports whether something is named.
func (n *Names) Any() bool { return n.previous != "" || n.compared != "" || n.references != nil }

// Previous returns the id of the response that the request goes on with; "" if it begins anew.
func (n *Names) Previous() string { return n.previous }

// NamesIn returns what a request names of earlier ones. It allocates nothing where that is nothing.
func NamesIn(b *chat.Body) (n Names, err error) {
	if v := b.Value(paramPrevious); v != nil {
		if v[0] != '"' {
			return n, chat.Invalid(paramPrevious, "invalid type for 'previous_response_id': expected a string")
		}
		if n.previous = json.String(v).Unquote(); n.previous == "" {
			return n, chat.Invalid(paramPrevious, "Invalid 'previous_response_id': ''. Expected an ID that begins with 'resp'.")
		}
		if b.Value("conversation") != nil {
			e := chat.Invalid(paramPrevious, "Mutually exclusive parameters: Ensure you are only providing one of: 'previous_response_id' or 'conversation'.")
			e.Code = "mutually_exclusive_parameters"
			return n, e
		}
	}
	// https://github.com/openai/openai-python, types/responses/response_create_params.py (3.57.0): OpenAI compares the
	// cache of a request with that of another response.
	options := json.WalkAt(b.Value("prompt_cache_options"), 0)
	for in := options.Object(); in && options.Member(); {
		if string(options.Key()) != "comparison_response_id" || options.Kind() != json.Text {
			options.Skip()
			continue
		}
		if n.compared != "" {
			return n, twice("prompt_cache_options", "comparison_response_id")
		}
		n.compared = options.String().Unquote()
	}
	m := b.Member(paramInput)
	if m == nil || b.Raw[m.ValueStart] != '[' {
		return n, nil
	}
	w := json.WalkAt(b.Raw[:m.ValueEnd], m.ValueStart)
	for w.Array(); w.Element(); {
		ahead := w
		id, refers, again := referenceAt(&ahead)
		start := w.Skip()
		if again {
			return n, twice(paramInput, "id")
		}
		if refers {
			n.references = append(n.references, reference{id: id.Unquote(), start: start, end: w.Offset()})
		}
	}
	return n, nil
}

// referenceAt reports whether the item that w stands before is a reference, and to what. One is said by its type, or by an id
// where there is neither a type nor a role. Readers of JSON disagree about which of two members of one name counts: an
// item that some of them take for a reference is one.
func referenceAt(w *json.Walker) (id json.String, refers, again bool) {
	named, typed := false, false
	for ok := w.Object(); ok && w.Member(); {
		switch key := w.Key(); {
		case string(key) == "type" && w.Kind() == json.Text:
			if is(w.String(), "item_reference") {
				refers = true
			}
			typed = true
		case string(key) == "role" && w.Kind() == json.Text:
			typed = true
			w.Skip()
		case string(key) == "id" && w.Kind() == json.Text:
			again = again || named
			id, named = w.String(), true
		default:
			w.Skip()
		}
	}
	return id, refers || named && !typed, again
}

// twice is the error for an object that names something by two members of one name.
func twice(param, member string) *chat.Error {
	return chat.Invalid(param, "an object in '%s' has the member '%s' twice", param, member)
}

// is reports whether a string is the text, which needs no escape.
func is(s json.String, text string) bool {
	if s.Escaped() {
		return s.Unquote() == text
	}
	return len(s) == len(text)+2 && string(s[1:len(s)-1]) == text
}
