package openai

import (
	"slices"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// What Bedrock's copy of the API refuses of a model is left out and listed, spliced or written anew; the rest of a spliced
// body stays.
func TestACopyOfTheAPIGetsWhatItTakes(t *testing.T) {
	const (
		gpt   = "us.openai.gpt-5.6-sol"
		oss   = "openai.gpt-oss-20b-1:0"
		grok  = "xai.grok-4.6"
		hi    = `"messages":[{"role":"user","content":"hi"}]`
		tools = `"tools":[{"type":"function","function":{"name":"f"}}]`
	)
	for _, c := range []struct {
		name, model, members string
		spliced              string // members that stand beside model and messages
		dropped              []string
	}{
		{"max_tokens is renamed", gpt, `"max_tokens":9`, `"max_completion_tokens":9`, nil},
		{"max_tokens stays", grok, `"max_tokens":9`, `"max_tokens":9`, nil},
		{"stop", grok, `"stop":["a"]`, ``, []string{"stop"}},
		{"temperature while it reasons", gpt, `"temperature":0.5,"reasoning_effort":"low"`, `"reasoning_effort":"low"`, []string{"temperature"}},
		{"the usual temperature", gpt, `"temperature":1`, ``, nil},
		{"temperature without reasoning", gpt, `"temperature":0.5,"reasoning_effort":"none"`, `"temperature":0.5,"reasoning_effort":"none"`, nil},
		{"logprobs while it reasons", gpt, `"logprobs":true`, ``, []string{"logprobs"}},
		{"tools while it reasons", gpt, tools + `,"reasoning_effort":"high"`, tools + `,"reasoning_effort":"none"`, []string{"reasoning_effort"}},
		{"tools and no word of reasoning", gpt, tools, tools + `,"reasoning_effort":"none"`, []string{"reasoning_effort"}},
		{"no tools", gpt, `"tools":[]`, `"tools":[]`, nil},
		{"penalties", grok, `"presence_penalty":0.5,"frequency_penalty":0`, `"frequency_penalty":0`, []string{"presence_penalty"}},
		{"effort none", grok, `"reasoning_effort":"none"`, ``, []string{"reasoning_effort"}},
		{"logit_bias", oss, `"logit_bias":{"1":1}`, ``, []string{"logit_bias"}},
		{"a schema", oss, `"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}`, ``, []string{"response_format"}},
		{"JSON", oss, `"response_format":{"type":"json_object"}`, `"response_format":{"type":"json_object"}`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := []byte(`{"model":"` + c.model + `",` + hi + `,` + c.members + `}`)
			var b chat.Body
			if err := b.ParseBody(body); err != nil {
				t.Fatal(err)
			}
			exchange := func() *chat.Exchange {
				return &chat.Exchange{TargetModel: c.model, Facts: model.Lookup(c.model).ByChat()}
			}
			x := exchange()
			out, err := Dialect{}.Splice(nil, &b, &chat.Edits{}, x)
			if err != nil {
				t.Fatal(err)
			}
			want := `{"model":"` + c.model + `",` + hi
			if c.spliced != "" {
				want += "," + c.spliced
			}
			if want += "}"; string(out) != want {
				t.Errorf("got  %s\nwant %s", out, want)
			}
			if !slices.Equal(x.Dropped, c.dropped) {
				t.Errorf("spliced: dropped %q", x.Dropped)
			}
			x = exchange()
			r, err := Dialect{}.DecodeRequest(body, x)
			if c.name == "no tools" && err != nil {
				return // it is the upstream's to refuse where the body is relayed, and the gateway's where it is written anew
			}
			if err != nil {
				t.Fatal(err)
			}
			if _, err := (Dialect{}).EncodeRequest(nil, r, x); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(x.Dropped, c.dropped) {
				t.Errorf("written anew: dropped %q", x.Dropped)
			}
		})
	}
}

// Content that the copy takes in another form, or not at all, is an error: another API may carry it.
func TestContentThatACopyOfTheAPITakesNot(t *testing.T) {
	for part, code := range map[string]string{
		`{"type":"image_url","image_url":{"url":"https://a.example/b.png"}}`:              chat.CodeRemote,
		`{"type":"file","file":{"file_data":"data:application/pdf;base64,JVBERi0xLjQ="}}`: "",
		`{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}`:             "",
	} {
		body := []byte(`{"model":"m","messages":[{"role":"user","content":[` + part + `]}]}`)
		var b chat.Body
		if err := b.ParseBody(body); err != nil {
			t.Fatal(err)
		}
		x := &chat.Exchange{TargetModel: "us.openai.gpt-5.6-sol", Facts: model.Lookup("us.openai.gpt-5.6-sol").ByChat()}
		_, err := Dialect{}.Splice(nil, &b, &chat.Edits{}, x)
		if e, ok := err.(*chat.Error); !ok || e.Code != code {
			t.Errorf("%s spliced: %v", part, err)
		}
		r, err := Dialect{}.DecodeRequest(body, x)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = (Dialect{}).EncodeRequest(nil, r, x); err == nil {
			t.Errorf("%s is written", part)
		}
	}
}
