package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// What a provider sends in another type than is due is skipped here, not refused: half a reply is better than none.

// value reads any value; nil for null.
func value(r *json.Reader) chat.Value {
	if r.Null() {
		return nil
	}
	return r.Value()
}

// enter goes into an object; false, with the value consumed, if it is none: what a provider sends where an object is
// due is skipped, not refused.
func enter(r *json.Reader) bool {
	if r.Kind() == json.Object {
		return r.Object()
	}
	r.Skip()
	return false
}

func enterArray(r *json.Reader) bool {
	if r.Kind() == json.Array {
		return r.Array()
	}
	r.Skip()
	return false
}

// str reads a string; nil, with the value consumed, if it is none.
func str(r *json.Reader) chat.String {
	if r.Kind() == json.Text {
		return r.String()
	}
	r.Skip()
	return nil
}

// text is str, unquoted.
func text(r *json.Reader) string {
	if r.Kind() == json.Text {
		return r.Text()
	}
	r.Skip()
	return ""
}

// number reads a whole number; 0, with the value consumed, if it is none or below 0.
func number(r *json.Reader) int64 {
	if r.Kind() != json.Number {
		r.Skip()
		return 0
	}
	n, ok := json.ParseInt(r.Number())
	if !ok || n < 0 {
		return 0
	}
	return n
}
