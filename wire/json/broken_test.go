package json_test

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Nothing that walks may panic on bytes that nobody validated: an escape cut short once did.
func TestWalkerSurvivesWhatIsNoJSON(t *testing.T) {
	for _, body := range []string{
		``, `{`, `{"`, `{"a`, `{"a"`, `{"a":`, `{"a":"`, `{"a":"\`, `{"\`, `{"\"`, `{"\u`, `{"\u"`, `{"\u1"`, `{"\u12":1}`, `{"\u123":1}`,
		`{"\ud83d":1}`, `{"\ud83d\u":1}`, `{"\ud83d\ud":1}`, `{"\ud83d\`, `{"\uzzzz":1}`, `[`, `[1,`, `]`, `}`, `,`, `"\u`,
	} {
		for from := 0; from <= len(body); from++ {
			walk(json.WalkAt([]byte(body), from), 0)
		}
	}
}

func FuzzWalker(f *testing.F) {
	f.Add([]byte(`{"a\u00e9":[1,"\ud83d\ude00",{"b":null}],"\u":"\`))
	f.Fuzz(func(_ *testing.T, body []byte) { walk(json.WalkAt(body, 0), 0) })
}

// walk reads all that there is, as callers do.
func walk(w json.Walker, depth int) {
	if depth > 8 {
		return
	}
	if w.Kind() == json.Text {
		s := w
		tok := s.String()
		tok.Blank()
		_ = tok.Unquote()
		return
	}
	if o := w; o.Object() {
		for o.Member() {
			_ = o.Key()
			inner := o
			walk(inner, depth+1)
			o.Skip()
		}
	}
	if a := w; a.Array() {
		for a.Element() {
			walk(a, depth+1)
			_ = a.Value()
		}
	}
}
