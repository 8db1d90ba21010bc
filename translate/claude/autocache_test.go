package claude

import (
	"bytes"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func caching() *chat.Exchange {
	return &chat.Exchange{AutoCache: true, Facts: model.Facts{CachePoints: true, CacheLeast: 1}}
}

// What Claude refuses a mark on gets none; the mark stands on what comes before.
func TestAutoCachePlaces(t *testing.T) {
	const mark = `,"cache_control":{"type":"ephemeral"}`
	for name, tc := range map[string]struct{ body, want string }{
		"a tool whose loading is deferred": {
			`{"tools":[{"name":"a"},{"name":"b","defer_loading":true}]}`,
			`{"tools":[{"name":"a"` + mark + `},{"name":"b","defer_loading":true}]}`,
		},
		"reasoning": {
			`{"messages":[{"role":"user","content":[{"type":"text","text":"abcd"},{"type":"thinking","thinking":"t"}]}]}`,
			`{"messages":[{"role":"user","content":[{"type":"text","text":"abcd"` + mark + `},{"type":"thinking","thinking":"t"}]}]}`,
		},
		"an empty string":            {`{"system":"","messages":[]}`, `{"system":"","messages":[]}`},
		"the assistant's turn":       {`{"messages":[{"role":"assistant","content":"abcd"}]}`, `{"messages":[{"role":"assistant","content":"abcd"}]}`},
		"a member called like marks": {`{"system":"abcd","tools":[{"name":"cache_control","input_schema":{"properties":{"cache_control":{}}}}]}`, `{"system":[{"type":"text","text":"abcd"` + mark + `}],"tools":[{"name":"cache_control","input_schema":{"properties":{"cache_control":{}}}` + mark + `}]}`},
		"a mark that is null":        {`{"system":[{"type":"text","text":"abcd","cache_control":null}]}`, `{"system":[{"type":"text","text":"abcd","cache_control":null}]}`},
	} {
		if got := autoCached([]byte("head"+tc.body), len("head"), caching()); string(got) != "head"+tc.want {
			t.Errorf("%s: got\n%s\nnot\n%s", name, got, tc.want)
		}
	}
}

// A call without prompt_cache pays nothing for it.
func TestAutoCacheOffAllocatesNothing(t *testing.T) {
	body, x := []byte(`{"system":"abcd"}`), &chat.Exchange{}
	if n := testing.AllocsPerRun(100, func() { body = autoCached(body, 0, x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAutoCache(f *testing.F) {
	f.Add(`{"tools":[{"name":"a"}],"system":"abcd","messages":[{"role":"user","content":"abcd"},{"role":"user","content":[{"type":"text","text":"x"}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if json.Valid([]byte(body)) != nil {
			return
		}
		got := autoCached([]byte(body), 0, caching())
		marks := bytes.Count(got, []byte(cacheMark)) - strings.Count(body, cacheMark)
		if json.Valid(got) != nil || marks > 4 || marks < 0 {
			t.Errorf("%s became %s", body, got)
		}
	})
}
