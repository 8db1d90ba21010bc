package converse

import (
	"bytes"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// A call without prompt_cache pays nothing for it.
func TestAutoCacheOffAllocatesNothing(t *testing.T) {
	body, x := []byte(`{"system":[{"text":"abcd"}]}`), &chat.Exchange{}
	if n := testing.AllocsPerRun(100, func() { body = autoCached(body, 0, x) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzAutoCache(f *testing.F) {
	f.Add(`{"toolConfig":{"tools":[{"toolSpec":{"name":"a"}}]},"system":[{"text":"abcd"}],"messages":[{"role":"user","content":[{"text":"abcd"}]},{"role":"user","content":[{"image":{}},{"text":"x"}]}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		if json.Valid([]byte(body)) != nil {
			return
		}
		x := &chat.Exchange{AutoCache: true, Facts: model.Facts{CachePoints: true, CacheLeast: 1}}
		got := autoCached([]byte(body), 0, x)
		points := bytes.Count(got, []byte(`{"cachePoint":`)) - strings.Count(body, `{"cachePoint":`)
		if json.Valid(got) != nil || points > 4 || points < 0 {
			t.Errorf("%s became %s", body, got)
		}
	})
}
