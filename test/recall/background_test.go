package recall

import (
	"encoding/json"
	"strings"
	"testing"
)

// used returns the output tokens that are counted for a model.
func (w *world) used(t *testing.T, model string) (tokens int64) {
	t.Helper()
	var report struct {
		Models []struct {
			Name   string
			Output int64 `json:"output_tokens"`
		}
	}
	a := w.ask(t, ann, "GET", "/bedrock_gateway/status", "")
	if err := json.Unmarshal([]byte(a.Body), &report); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	for _, m := range report.Models {
		if m.Name == model {
			tokens += m.Output
		}
	}
	return tokens
}

// What a response in the background used is told by polls alone. It was counted nowhere, or would be as often as somebody looks.
func TestTokensOfABackgroundResponseAreCountedOnce(t *testing.T) {
	w := newWorld(t, keys, "status_page")
	for name, how := range map[string]string{"polled": "", "streamed": `,"stream":true`} {
		t.Run(name, func(t *testing.T) {
			before := w.used(t, gpt)
			a := w.ask(t, ann, "POST", "/v1/responses", `{"model":"gpt-5","input":"hello","background":true`+how+`}`)
			_, id, _ := strings.Cut(strings.ReplaceAll(a.Body, `": "`, `":"`), `"id":"`)
			id, _, _ = strings.Cut(id, `"`)
			var last *response
			for range 4 {
				last = read(t, w.ask(t, ann, "GET", "/v1/responses/"+id, ""), 200)
			}
			if how != "" {
				w.ask(t, ann, "GET", "/v1/responses/"+id+"?stream=true", "")
			}
			if got := w.used(t, gpt) - before; last.Usage == nil || got != int64(last.Usage.Output) {
				t.Errorf("%d tokens were counted: %+v", got, last.Usage)
			}
			// Its items are known from then on.
			ref := `"input":[{"role":"user","content":"hello"},{"id":"` + last.Output[0].ID + `"},{"id":"` + last.Output[1].ID + `"},{"role":"user","content":"go on"}]`
			if r := w.create(t, ann, gpt, ref); r.text() != "You said: go on" {
				t.Errorf("%+v", r)
			}
			if e := read(t, w.ask(t, bob, "POST", "/v1/responses", `{"model":"gpt-5",`+ref+`}`), 404); !strings.Contains(e.Error.Message, "Item with id") {
				t.Errorf("%+v", e.Error)
			}
		})
	}
}

// A poll is a call of its caller's: its limits hold for it, but it uses no tokens.
func TestPollsAreLimited(t *testing.T) {
	w := newWorld(t, keys, "limit polls {\n\tkey {http.auth.user.id}\n\trequests 3 1h\n\ttokens 6000 1h\n}")
	r := w.create(t, ann, gpt, `"input":"hello","background":true,"max_output_tokens":100`)
	for range 2 {
		read(t, w.ask(t, ann, "GET", "/v1/responses/"+r.ID, ""), 200)
	}
	read(t, w.ask(t, ann, "GET", "/v1/responses/"+r.ID, ""), 429)
	if calls := w.reached(); len(calls) != 3 {
		t.Errorf("%q", calls)
	}
}
