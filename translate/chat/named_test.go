package chat

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func TestAppendNamed(t *testing.T) {
	for name, tc := range map[string]struct {
		body, want string // "": it names no model
	}{
		"a whole reply":            {`{ "id":"1","model":"claude-x" ,"content":[{"model":"y"}]}`, `{ "id":"1","model":"my \"m\"" ,"content":[{"model":"y"}]}`},
		"the first event":          {`{"type":"message_start","message":{"model":"claude-x","id":"1"}}`, `{"type":"message_start","message":{"model":"my \"m\"","id":"1"}}`},
		"an event of Responses":    {`{"type":"response.created","response":{"id":"1","model":"claude-x"}}`, `{"type":"response.created","response":{"id":"1","model":"my \"m\""}}`},
		"another event":            {`{"type":"content_block_delta","delta":{"type":"text_delta","text":"model"}}`, ""},
		"a member that is no name": {`{"model":{"model":"x"}}`, ""},
		"no object":                {`["model"]`, ""},
		"an error":                 {`{"type":"error","error":{"message":"model"},"message":"x"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := AppendNamed([]byte("head "), []byte(tc.body), `my "m"`)
			if ok != (tc.want != "") || string(got) != "head "+tc.want {
				t.Errorf("got %s, %v", got, ok)
			}
		})
	}
}

// A reply is long and its model stands in front: nothing but the copy is paid for.
func TestAppendNamedAllocatesNothing(t *testing.T) {
	body, dst := []byte(`{"model":"claude-x","content":[{"type":"text","text":"Hi"}]}`), make([]byte, 0, 128)
	if n := testing.AllocsPerRun(100, func() { _, _ = AppendNamed(dst, body, "mine") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAppendNamed(f *testing.F) {
	f.Add(`{"message":{"model":"x"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		got, ok := AppendNamed(nil, []byte(body), "m")
		if json.Valid([]byte(body)) == nil && ok && json.Valid(got) != nil {
			t.Errorf("%s became %s", body, got)
		}
	})
}
