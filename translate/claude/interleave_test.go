package claude

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// source is a block as a provider streams it.
type source struct {
	kind   chat.BlockKind
	text   string
	events []chat.Event
}

// randomBlock makes a block cut into fragments of any length.
func randomBlock(r *rand.Rand, index int) source {
	texts := []string{"", "a", "one two", `q"uo\te`, "é😀\n", `{"not":"json`}
	inputs := []string{"", `{}`, `{"a":"}{\\\"","b":[1,{"c":null}]}`, `{"é":"\u00e9 😀"}`}
	s := source{kind: []chat.BlockKind{chat.Text, chat.Thinking, chat.ToolUse, chat.ToolUse}[r.IntN(4)]}
	if s.kind == chat.ToolUse {
		s.text = inputs[r.IntN(len(inputs))]
		s.events = append(s.events, calling(index, "id", "f"))
	} else {
		s.text = texts[r.IntN(len(texts))]
		if r.IntN(2) == 0 {
			s.events = append(s.events, began(index, s.kind))
		}
	}
	for rest := []rune(s.text); len(rest) > 0; {
		n := 1 + r.IntN(len(rest))
		s.events = append(s.events, chat.Event{Kind: chat.EventBlockDelta, Index: index, Block: s.kind, Text: json.Quote(string(rest[:n]))})
		rest = rest[n:]
	}
	if r.IntN(4) > 0 {
		s.events = append(s.events, ended(index))
	}
	return s
}

// Whatever way a provider mixes its blocks, the client gets one at a time, whole: every call with all of its input, and
// all of the text and the thinking in its order.
func TestInterleavedBlocksComeOutWhole(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 1))
		blocks := make([]source, 1+r.IntN(5))
		var queues [][]chat.Event
		for i := range blocks {
			blocks[i] = randomBlock(r, i*3+r.IntN(3))
			queues = append(queues, blocks[i].events)
		}
		events := []chat.Event{{Kind: chat.EventStart}}
		for len(queues) > 0 {
			i := 0
			if r.IntN(3) == 0 {
				i = r.IntN(len(queues))
			}
			if len(queues[i]) == 0 {
				queues = slices.Delete(queues, i, i+1)
				continue
			}
			events = append(events, queues[i][0])
			queues[i] = queues[i][1:]
		}
		stream := encodeAll(exchangeFor(sonnet45), append(events, finished(chat.StopEnd)...))
		checkStream(t, stream, true)
		got, _, err := decodeAll(t, payloads(stream))
		if err != nil {
			t.Fatal(err)
		}
		if want := gather(events); gather(got) != want {
			t.Fatalf("seed %d: got\n%s\nwant\n%s\n%s\n%s", seed, gather(got), want, show(events), stream)
		}
	}
}

func payloads(stream string) (list []string) {
	for ev := range strings.SplitSeq(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
		_, data, _ := strings.Cut(ev, "\ndata: ")
		list = append(list, data)
	}
	return list
}

// gather puts the deltas of a stream together: what each call was given, in the order of the calls, and what all text
// and all thinking of one block says.
func gather(events []chat.Event) string {
	var order []int
	inputs := map[int]string{}
	text := map[chat.BlockKind][]byte{}
	for i := range events {
		e := &events[i]
		switch {
		case e.Kind == chat.EventBlockStart && e.Block == chat.ToolUse:
			order = append(order, e.Index)
		case e.Kind == chat.EventBlockDelta && e.Block == chat.ToolUse:
			inputs[e.Index] += e.Text.Unquote()
		case e.Kind == chat.EventBlockDelta:
			text[e.Block] = append(text[e.Block], e.Text.Unquote()...)
		}
	}
	var b strings.Builder
	for _, i := range order {
		if inputs[i] == "" {
			inputs[i] = "{}"
		}
		b.WriteString(inputs[i] + "\n")
	}
	// Pieces of two blocks may change places when one of them waits: only what they are made of is compared.
	for _, kind := range []chat.BlockKind{chat.Text, chat.Thinking} {
		slices.Sort(text[kind])
		b.Write(text[kind])
		b.WriteByte('\n')
	}
	return b.String()
}
