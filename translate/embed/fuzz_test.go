package embed

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

var fuzzed = [...]string{titan1, titan2, titanMM, nova, cohere3, cohere4, marengo3}

// FuzzRequest: whatever the request, it is refused as a 400, or each of its calls is JSON.
func FuzzRequest(f *testing.F) {
	for i, members := range []string{
		`"input":"a"`, `"input":["a","b"],"dimensions":256,"normalize":true`, `"input":"a","inputImage":"aGk="`, `"image":{"format":"png"}`,
		`"input":[[15339],[1917]],"input_type":"query","truncate":"end"`, `"images":["x"],"max_tokens":5`, `"input":[1,2,3],"encoding_format":"base64"`,
	} {
		f.Add(i, []byte(`{"model":"m",`+members+`}`))
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		var b chat.Body
		if b.ParseBody(body) != nil {
			t.Skip()
		}
		r, err := DecodeRequest(&b)
		var p *Plan
		if err == nil {
			facts := model.EmbeddingOf(fuzzed[uint(which)%uint(len(fuzzed))])
			p, err = r.Plan(&facts, &chat.Exchange{Model: "m"})
		}
		if e, ok := errors.AsType[*chat.Error](err); err != nil && (!ok || e.StatusCode() != 400) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		for i := range p.Calls() {
			if call := p.AppendCall(nil, i); !json.Valid(call) {
				t.Fatalf("call %d of %s is no JSON: %s", i, body, call)
			}
		}
	})
}

// FuzzReply: whatever the reply, it is an error, or has a vector for each text that is JSON.
func FuzzReply(f *testing.F) {
	f.Add(1, false, []byte(`{"embedding":[0.5,-1e-3],"inputTextTokenCount":3}`))
	f.Add(3, true, []byte(`{"embeddings":[{"embedding":[1]}],"inputTokenCount":5}`))
	f.Add(4, true, []byte(`{"embeddings":[[0.25]]}`))
	f.Add(5, false, []byte(`{"embeddings":{"float":[[0.25]]}}`))
	f.Add(6, false, []byte(`{"data":[{"embedding":[7]}]}`))
	f.Fuzz(func(t *testing.T, which int, base64 bool, reply []byte) {
		p := &Plan{facts: model.EmbeddingOf(fuzzed[uint(which)%uint(len(fuzzed))]), base64: base64, items: []chat.Value{chat.Value(`"a"`)}}
		vectors, _, err := p.DecodeReply(reply, 0)
		if err != nil {
			return
		}
		if len(vectors) != 1 || !json.Valid(vectors[0]) {
			t.Fatalf("%q of %s", vectors, reply)
		}
	})
}
