package converse

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// A block of a tool that Bedrock ran is told when it is whole, from pieces that may end anywhere; what cannot be told is
// skipped and noted, however long it is.
func TestServerBlocksOfStreams(t *testing.T) {
	const use, result = `"start":{"toolUse":{"toolUseId":"i","name":"web","type":"server_tool_use"}}`, `"start":{"toolResult":{"toolUseId":"i","type":"t"}}`
	in := func(text string) string { return `{"toolUse":{"input":` + string(quote(text)) + `}}` }
	for name, tc := range map[string]struct {
		start  string
		deltas []string
		want   string // "": it is skipped
	}{
		"a call in pieces":            {use, []string{in(`{"a":"b`), in(`\"c"}`)}, `{"toolUse":{"toolUseId":"i","name":"web","type":"server_tool_use","input":{"a":"b\"c"}}}`},
		"a call without input":        {use, nil, `{"toolUse":{"toolUseId":"i","name":"web","type":"server_tool_use","input":{}}}`},
		"a call whose input is cut":   {use, []string{in(`{"a":`)}, ""},
		"a call that is too long":     {use, []string{in(`{"a":"` + strings.Repeat("x", maxServerBlock) + `"}`)}, ""},
		"texts are one text":          {result, []string{`{"toolResult":[{"text":"a"},{"text":"b\""}]}`, `{"toolResult":[{"text":"c"}]}`}, `{"toolResult":{"toolUseId":"i","type":"t","content":[{"text":"ab\"c"}]}}`},
		"values between texts":        {result, []string{`{"toolResult":[{"text":"a"}]}`, `{"toolResult":[{"json":{"x":1}},{"text":"b"}]}`}, `{"toolResult":{"toolUseId":"i","type":"t","content":[{"text":"a"},{"json":{"x":1}},{"text":"b"}]}}`},
		"a result without content":    {result, nil, `{"toolResult":{"toolUseId":"i","type":"t","content":[]}}`},
		"a result without a type":     {`"start":{"toolResult":{"toolUseId":"i"}}`, nil, `{"toolResult":{"toolUseId":"i","content":[]}}`},
		"a result whose start is odd": {`"start":{"toolResult":{}}`, nil, `{"toolResult":{"content":[]}}`},
		"pieces that are no list":     {result, []string{`{"toolResult":{"text":"a"}}`, `{"toolResult":null}`}, `{"toolResult":{"toolUseId":"i","type":"t","content":[]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			x := exchange(nova2)
			d := Dialect{}.NewStreamDecoder(x)
			var got []string
			feed := func(event, payload string) {
				events, err := d.Decode(nil, []byte(event), []byte(payload))
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					if e.Kind == chat.EventBlockStart {
						got = append(got, string(e.Raw))
					}
				}
			}
			feed("contentBlockStart", `{"contentBlockIndex":0,`+tc.start+`}`)
			for _, delta := range tc.deltas {
				feed("contentBlockDelta", `{"contentBlockIndex":0,"delta":`+delta+`}`)
			}
			feed("contentBlockStop", `{"contentBlockIndex":0}`)
			if joined := strings.Join(got, "\n"); joined != tc.want {
				t.Errorf("told\n%.300s\nnot\n%s", joined, tc.want)
			}
			if skipped := len(x.Notes) > 0; skipped != (tc.want == "") {
				t.Errorf("noted %q", x.Notes)
			}
		})
	}
}
