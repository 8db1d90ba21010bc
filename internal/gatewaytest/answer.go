package gatewaytest

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

// Answer is what a client received.
type Answer struct {
	Status int
	Header http.Header
	Body   string
	// Broken is the error that ended the body early; nil if the body is whole.
	Broken error
}

// Do sends any request and returns the whole answer.
func (g *Gateway) Do(t testing.TB, req *http.Request) *Answer {
	t.Helper()
	res, err := g.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(res.Body)
	if translatedResponse(string(body)) {
		if ended, broken := ResponseStream(string(body)); broken != nil || ended == "" && err == nil {
			t.Errorf("a stream of Responses that clients refuse: %v, ended %q", broken, ended)
		}
	}
	return &Answer{Status: res.StatusCode, Header: res.Header, Body: string(body), Broken: err}
}

// SameJSON reports whether two texts are the same JSON, regardless of white space and of the order of members. In want,
// "*" matches any value, and "*text*" any string that contains the text. An object of got with a duplicate member never
// matches.
func SameJSON(got, want string) bool {
	var g, w any
	return json.Unmarshal([]byte(got), &g) == nil && json.Unmarshal([]byte(want), &w) == nil && same(g, w) && once(json.NewDecoder(strings.NewReader(got)))
}

// once reads one value and reports whether its objects have each member once.
func once(d *json.Decoder) bool {
	open, err := d.Token()
	if err != nil {
		return false
	}
	if delim, is := open.(json.Delim); !is {
		return true
	} else if delim == '{' {
		seen := map[string]bool{}
		for d.More() {
			key, err := d.Token()
			name, _ := key.(string)
			if err != nil || seen[name] || !once(d) {
				return false
			}
			seen[name] = true
		}
	} else {
		for d.More() {
			if !once(d) {
				return false
			}
		}
	}
	_, err = d.Token()
	return err == nil
}

func same(got, want any) bool {
	switch w := want.(type) {
	case string:
		if w == "*" {
			return true
		}
		if g, is := got.(string); is && len(w) > 2 && w[0] == '*' && w[len(w)-1] == '*' {
			return strings.Contains(g, w[1:len(w)-1])
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
