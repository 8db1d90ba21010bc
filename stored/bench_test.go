package stored

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// BenchmarkRecall goes on with conversations of several sizes, out of memory: what the gateway does besides asking the store.
func BenchmarkRecall(b *testing.B) {
	for _, turns := range []int{1, 20, 400} {
		s, err := New(Config{Objects: new(storetest.Memory), TTL: 1 << 40, MaxSize: 25 << 20})
		if err != nil {
			b.Fatal(err)
		}
		items := make([]string, turns)
		for i := range items {
			items[i] = fmt.Sprintf(`{"id":"msg_%032x_0","type":"message","role":"user","content":[{"type":"input_text","text":"%s"}]}`, i, strings.Repeat("some words ", 100))
		}
		before := "[" + strings.Join(items, ",") + "]"
		d, err := s.Draft(testCore, []byte(before), []byte(`"Q"`))
		if err == nil {
			err = s.Save(b.Context(), &Record{ID: ResponseID(testCore), Owner: "ann", Response: []byte(reply(testCore, said))}, d)
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%dKB", len(before)>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var body chat.Body
				if err := body.ParseBody([]byte(`{"model":"m","input":"B","previous_response_id":"resp_` + testCore + `"}`)); err != nil {
					b.Fatal(err)
				}
				names, err := NamesIn(&body)
				if err != nil {
					b.Fatal(err)
				}
				got, err := s.Recall(b.Context(), asker("ann"), &body, names)
				if err != nil || got.Body == nil {
					b.Fatal(err, got.Unknown)
				}
			}
		})
	}
}
