package responses

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// FuzzDecodeRequest holds that any request is read without harm, that what is refused is refused with a 400, and that what is
// taken can be written for an upstream and answered: each in JSON.
func FuzzDecodeRequest(f *testing.F) {
	for _, m := range members {
		f.Add(`{"model":"m","` + m.name + `":` + m.json + `,"input":"Hi"}`)
	}
	for _, it := range items {
		f.Add(`{"model":"m","input":[` + it.json + `]}`)
	}
	f.Add(`{"input":[{"role":"user","content":[{"type":"input_text","text":5}]}],"tools":[{"type":"namespace","name":"n","tools":[{"type":"namespace"}]}]}`)
	f.Add("{\"input\":\"\\ud83d\",\"tools\":[{\"type\":\"shell\"}],\"text\":{\n\"format\":{\"type\":\"json_object\"}}}")
	f.Fuzz(func(t *testing.T, body string) {
		for _, target := range []string{"converse", Name} {
			x := &chat.Exchange{Model: "m", TargetModel: "m", Target: target, Facts: model.Facts{Family: model.GPT}}
			r, err := Dialect{}.DecodeRequest([]byte(body), x)
			if err != nil {
				told(t, err)
				continue
			}
			if json.Valid([]byte(body)) != nil {
				t.Fatalf("%q was taken", body)
			}
			if out, err := (Dialect{}).EncodeRequest(nil, r, x); err != nil {
				told(t, err)
			} else if json.Valid(out) != nil {
				t.Fatalf("%q became %q", body, out)
			}
			reply := &chat.Response{Content: []chat.Block{
				{Kind: chat.Thinking, Text: json.String(`"hm"`), Own: chat.Own(json.String(`"S"`))},
				{Kind: chat.Text, Text: json.String(`"Hi"`)},
			}}
			for i := range r.Tools {
				reply.Content = append(reply.Content, chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{ID: "c", Name: r.Tools[i].Name, Input: json.Value(`{"input":"x"}`)}})
			}
			out, err := Dialect{}.EncodeResponse(nil, reply, x)
			if err != nil {
				told(t, err)
			} else if json.Valid(out) != nil {
				t.Fatalf("%q is answered with %q", body, out)
			}
		}
	})
}
