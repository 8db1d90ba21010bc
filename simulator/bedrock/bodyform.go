package bedrock

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"
)

// bodyForm is what Bedrock's schema check holds a model's own body against: the part of JSON Schema that these models'
// bodies need. Its refusals are those of malformed.
type bodyForm struct {
	kind     string // as jsonType names it; "" is any
	members  map[string]*bodyForm
	required []string
	// low and high bound characters, items or a number's value; a high of 0 is no bound.
	low, high int
	enum      []any
	item      *bodyForm
}

func record(m map[string]*bodyForm, required ...string) *bodyForm {
	return &bodyForm{kind: "JSONObject", members: m, required: required}
}

func texts(low, high int) *bodyForm { return &bodyForm{kind: "String", low: low, high: high} }

func oneWord(words ...string) *bodyForm {
	f := &bodyForm{kind: "String"}
	for _, w := range words {
		f.enum = append(f.enum, w)
	}
	return f
}

func oneSize(sizes ...int) *bodyForm {
	f := &bodyForm{kind: "Number"}
	for _, n := range sizes {
		f.enum = append(f.enum, json.Number(fmt.Sprint(n)))
	}
	return f
}

func several(item *bodyForm, low, high int) *bodyForm {
	return &bodyForm{kind: "JSONArray", item: item, low: low, high: high}
}

// check holds the value at a JSON pointer against the form.
func (f *bodyForm) check(at string, v any) *apiError {
	if kind := jsonType(v); f.kind != "" && kind != f.kind {
		return malformed(at, "expected type: "+f.kind+", found: "+kind)
	}
	if f.enum != nil && !slices.Contains(f.enum, v) {
		return malformed(at, fmt.Sprintf("%v is not a valid enum value", v))
	}
	switch v := v.(type) {
	case map[string]any:
		return f.checkMembers(at, v)
	case []any:
		if len(v) < f.low {
			return malformed(at, fmt.Sprintf("expected minimum item count: %d, found: %d", f.low, len(v)))
		}
		if f.high > 0 && len(v) > f.high {
			return malformed(at, fmt.Sprintf("expected maximum item count: %d, found: %d", f.high, len(v)))
		}
		for i, one := range v {
			if refused := f.item.check(fmt.Sprintf("%s/%d", at, i), one); refused != nil {
				return refused
			}
		}
	case string:
		n := utf8.RuneCountInString(v)
		if n < f.low {
			return malformed(at, fmt.Sprintf("expected minLength: %d, actual: %d", f.low, n))
		}
		if f.high > 0 && n > f.high {
			return malformed(at, fmt.Sprintf("expected maxLength: %d, actual: %d", f.high, n))
		}
	case json.Number:
		n, err := v.Int64()
		switch {
		case f.low == 0 && f.high == 0:
		case err != nil:
			return malformed(at, "expected type: Integer, found: Double")
		case n < int64(f.low):
			return malformed(at, fmt.Sprintf("%d is not greater or equal to %d", n, f.low))
		case f.high > 0 && n > int64(f.high):
			return malformed(at, fmt.Sprintf("%d is not less or equal to %d", n, f.high))
		}
	}
	return nil
}

func (f *bodyForm) checkMembers(at string, m map[string]any) *apiError {
	if f.members == nil {
		return nil
	}
	for _, name := range f.required {
		if _, there := m[name]; !there {
			return malformed(at, "required key ["+name+"] not found")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		form := f.members[name]
		if form == nil {
			return malformed(at, "extraneous key ["+name+"] is not permitted")
		}
		if refused := form.check(at+"/"+name, m[name]); refused != nil {
			return refused
		}
	}
	return nil
}
