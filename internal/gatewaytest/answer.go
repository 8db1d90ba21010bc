package gatewaytest

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"testing"
)

// Answer is what a client got.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	// Broken is what ended the body before its end; nil if it is whole.
	Broken error
}

// Do sends any request and gives the whole answer.
func (g *Gateway) Do(t testing.TB, req *http.Request) *Answer {
	t.Helper()
	res, err := g.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(res.Body)
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: string(body), Broken: err}
}

// SameJSON tells whether two texts are the same JSON, whatever their white space and order of members. "*" in want
// matches any value.
func SameJSON(got, want string) bool {
	var g, w any
	return json.Unmarshal([]byte(got), &g) == nil && json.Unmarshal([]byte(want), &w) == nil && same(g, w)
}

func same(got, want any) bool {
	switch w := want.(type) {
	case string:
		if w == "*" {
			return true
		}
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for k, v := range w {
			gv, ok := g[k]
			if !ok || !same(gv, v) {
				return false
			}
		}
		return true
	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(w) {
			return false
		}
		for i := range w {
			if !same(g[i], w[i]) {
				return false
			}
		}
		return true
	}
	return reflect.DeepEqual(got, want)
}
