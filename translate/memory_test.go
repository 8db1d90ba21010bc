package translate_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// crowded are bodies of many small things. most is how many times its body the canonical request may hold; 4 where none
// is given. More is held only of elements that nobody would send by the thousand: 8 bytes that are a block.
var crowded = []struct {
	name, dialect  string
	before, repeat string
	after          string
	most           float64
}{
	{name: "text parts", dialect: "openai", before: `{"messages":[{"role":"user","content":[`, repeat: `{"type":"text","text":"a"}`, after: `]}]}`, most: 2.5},
	{name: "text parts of an assistant", dialect: "openai", before: `{"messages":[{"role":"assistant","content":[`, repeat: `{"type":"text","text":"a"}`, after: `]}]}`},
	{name: "text parts of the system", dialect: "openai", before: `{"messages":[{"role":"system","content":[`, repeat: `{"type":"text","text":"a"}`, after: `]},{"role":"user","content":"a"}]}`},
	{name: "messages", dialect: "openai", before: `{"messages":[`, repeat: `{"role":"user","content":"a"}`, after: `]}`},
	{name: "messages of the system", dialect: "openai", before: `{"messages":[`, repeat: `{"role":"system","content":"a"}`, after: `,{"role":"user","content":"a"}]}`},
	{name: "messages of one part", dialect: "openai", before: `{"messages":[`, repeat: `{"role":"user","content":[{"type":"text","text":"a"}]}`, after: `]}`},
	{name: "thinking", dialect: "openai", before: `{"messages":[{"role":"assistant","thinking_blocks":[`, repeat: `{"type":"thinking"}`, after: `]}]}`},
	{name: "images", dialect: "openai", before: `{"messages":[{"role":"user","content":[`, repeat: `{"type":"image_url","image_url":"http://a"}`, after: `]}]}`, most: 7.5},
	{name: "tools", dialect: "openai", before: `{"messages":[{"role":"user","content":"a"}],"tools":[`, repeat: `{"type":"function","function":{"name":"f"}}`, after: `]}`, most: 4.5},
	{name: "stop sequences", dialect: "openai", before: `{"messages":[{"role":"user","content":"a"}],"stop":[`, repeat: `"a"`, after: `]}`, most: 4.5},
	{name: "text blocks", dialect: "claude", before: `{"messages":[{"role":"user","content":[`, repeat: `{"type":"text","text":"a"}`, after: `]}]}`, most: 2.5},
	{name: "text blocks of the system", dialect: "claude", before: `{"messages":[{"role":"user","content":"a"}],"system":[`, repeat: `{"type":"text","text":"a"}`, after: `]}`},
	{name: "messages", dialect: "claude", before: `{"messages":[`, repeat: `{"role":"user","content":"a"}`, after: `]}`},
	{name: "blocks that nobody knows", dialect: "claude", before: `{"messages":[{"role":"user","content":[`, repeat: `{"type":"x"}`, after: `]}]}`, most: 7},
	{name: "text blocks", dialect: "converse", before: `{"messages":[{"role":"user","content":[`, repeat: `{"text":"some"}`, after: `]}]}`},
	{name: "text blocks of a letter", dialect: "converse", before: `{"messages":[{"role":"user","content":[`, repeat: `{"text":"a"}`, after: `]}]}`, most: 4.5},
	{name: "blocks that nobody knows", dialect: "converse", before: `{"messages":[{"role":"user","content":[`, repeat: `{"x":1}`, after: `]}]}`, most: 11},
	{name: "text of the system", dialect: "converse", before: `{"messages":[{"role":"user","content":[{"text":"a"}]}],"system":[`, repeat: `{"text":"some"}`, after: `]}`},
	{name: "messages", dialect: "converse", before: `{"messages":[`, repeat: `{"role":"user","content":[{"text":"a"}]}`, after: `]}`},
	{name: "images", dialect: "converse", before: `{"messages":[{"role":"user","content":[`, repeat: `{"image":{"format":"png","source":{"bytes":"AAAA"}}}`, after: `]}]}`, most: 6},
	{name: "tool results", dialect: "converse", before: `{"messages":[{"role":"user","content":[`, repeat: `{"toolResult":{"toolUseId":"a","content":[]}}`, after: `]}]}`, most: 4.5},
}

// A body of 16 MB with 600,000 text parts took 363 MiB and 4.4 s. What is made while it is read counts like what stays:
// the peak lies between. A list of 150,000 that is gone over for each of its elements takes over 20 s; read once, it is a
// tenth of a second.
func TestARequestHoldsASmallMultipleOfItsBody(t *testing.T) {
	for _, c := range crowded {
		t.Run(c.dialect+" "+c.name, func(t *testing.T) {
			body := crowd(c.before, c.repeat, c.after, 4_000_000)
			var before, decoded, live runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			start := time.Now()
			r := decodeAs(t, c.dialect, body)
			took := time.Since(start)
			runtime.ReadMemStats(&decoded)
			runtime.GC()
			runtime.ReadMemStats(&live)
			times := func(n uint64) float64 { return float64(n) / float64(len(body)) }
			held, made := times(live.HeapAlloc-before.HeapAlloc), times(decoded.TotalAlloc-before.TotalAlloc)
			most := c.most
			if most == 0 {
				most = 4
			}
			t.Logf("holds %.1f times the body of %d bytes, made %.1f, in %s", held, len(body), made, took)
			if held > most || made > 4*most {
				t.Errorf("holds %.2f times its body, %.1f are allowed; %.2f were made", held, most, made)
			}
			if took > 5*time.Second {
				t.Errorf("took %s", took)
			}
			runtime.KeepAlive(r)
			runtime.KeepAlive(body)
		})
	}
}

// crowd returns a body of about size bytes.
func crowd(before, repeat, after string, size int) []byte {
	return []byte(before + strings.TrimSuffix(strings.Repeat(repeat+",", size/(len(repeat)+1)), ",") + after)
}

func decodeAs(t *testing.T, dialect string, body []byte) *chat.Request {
	t.Helper()
	r, err := translate.ByName(dialect).DecodeRequest(body, &chat.Exchange{Model: "m", TargetModel: "m"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
