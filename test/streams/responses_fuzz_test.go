package streams_test

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// toolsOfEveryKind are called by the names below.
const toolsOfEveryKind = `{"model":"m","input":"Hi","reasoning":{"summary":"auto"},"tools":[{"type":"function","name":"f"},{"type":"custom","name":"edit"},{"type":"apply_patch"},{"type":"shell"},{"type":"local_shell"},{"type":"tool_search","execution":"client"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]}]}`

var (
	toolNames = []string{"f", "edit", "apply_patch", "shell", "local_shell", "tool_search", "n__g"}
	pieces    = []string{`""`, `"Hi"`, `"{}"`, `"{\"input\":\""`, `"a\\n\\ud83d"`, `"\\ude00"`, `"\"}"`, `"{\"operation\":{\"type\":\"delete_file\",\"path\":\"a\"}}"`, `"\ud83d\ude00"`}
)

// play tells the encoder of a stream that the bytes make up: blocks in any order, which may overlap, and pieces of any kind.
func play(script []byte) (out []byte, ended bool) {
	x := &chat.Exchange{Model: "m", ID: "0123456789abcdef01234567"}
	d := translate.ByName("responses")
	if _, err := d.DecodeRequest([]byte(toolsOfEveryKind), x); err != nil {
		panic(err)
	}
	enc := d.NewStreamEncoder(x)
	tell := func(e chat.Event) { out = enc.Encode(out, &e) }
	kinds := []chat.BlockKind{chat.Text, chat.ToolUse, chat.Thinking, chat.RedactedThinking, chat.Refusal}
	open := map[int]chat.BlockKind{}
	tell(chat.Event{Kind: chat.EventStart})
	index := 0
	for i, b := range script {
		piece := chat.String(pieces[int(b>>3)%len(pieces)])
		at := index - int(b>>6)%2
		switch kind, is := open[at], b%8; {
		case is == 0:
			index++
			k := kinds[int(b>>3)%len(kinds)]
			open[index] = k
			e := chat.Event{Kind: chat.EventBlockStart, Block: k, Index: index, ID: "c" + string(rune('a'+i%26)), Name: toolNames[i%len(toolNames)]}
			if k == chat.RedactedThinking {
				e.Text = piece
			}
			tell(e)
		case at <= 0 || is == 1:
			if _, ok := open[at]; ok {
				tell(chat.Event{Kind: chat.EventBlockStop, Index: at})
				delete(open, at)
			}
		case is == 2 && kind == chat.Thinking:
			tell(chat.Event{Kind: chat.EventSignature, Block: kind, Index: at, Text: piece})
		case is == 3:
			out = enc.KeepAlive(out)
		case is == 4 && kind == chat.Text:
			tell(chat.Event{Kind: chat.EventCitation, Index: at, Raw: chat.Value(`{"location":{"web":{"url":"https://a.example"}},"title":"t"}`)})
		default:
			if _, ok := open[at]; ok {
				tell(chat.Event{Kind: chat.EventBlockDelta, Block: kind, Index: at, Text: piece})
			}
		}
	}
	if len(script)%5 == 4 {
		return enc.Error(out, &chat.Error{Kind: chat.ErrUpstream, Message: "broke"}), false
	}
	stop := []chat.StopReason{chat.StopEnd, chat.StopLength, chat.StopToolUse, chat.StopFiltered}[len(script)%4]
	tell(chat.Event{Kind: chat.EventStop, Stop: stop})
	tell(chat.Event{Kind: chat.EventUsage, Usage: chat.Usage{Known: true, Input: 1, Output: 2}})
	tell(chat.Event{Kind: chat.EventEnd})
	return out, true
}

// FuzzResponseStream holds the streams of Responses to the rules of strict clients, whatever an upstream says in whatever order.
func FuzzResponseStream(f *testing.F) {
	f.Add([]byte{0, 13, 1, 8, 31, 45, 53, 1})
	f.Add([]byte{16, 15, 10, 1, 0, 15, 8, 23, 3, 1, 24, 32, 4, 39})
	f.Fuzz(func(t *testing.T, script []byte) {
		out, whole := play(script)
		ended, err := gatewaytest.ResponseStream(string(out))
		if err != nil || whole != (ended == "completed" || ended == "incomplete") || !whole && ended != "failed" {
			t.Fatalf("ended %q: %v\n%s", ended, err, out)
		}
	})
}
