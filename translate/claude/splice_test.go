package claude

import (
	"errors"
	"slices"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	askRaw  = `"messages" : [ {"role":"user","content":"Hi \u00e9"} ]`
	version = `"anthropic_version":"bedrock-2023-05-31"`
)

func TestSplicedBodies(t *testing.T) {
	context := tok(`CTX\n\n`)
	ours := func(id string) (chat.String, error) {
		if id == "file-ours" {
			return tok("OURS"), nil
		}
		return nil, nil
	}
	tests := []struct {
		name    string
		id      string
		body    string
		edits   chat.Edits
		want    string
		dropped []string
	}{
		{
			"nothing to edit", sonnet45, `{ ` + version + `, "max_tokens" : 5,` + askRaw + `, "unknown": [1 , 2]}`,
			chat.Edits{},
			`{ ` + version + `, "max_tokens" : 5,` + askRaw + `, "unknown": [1 , 2]}`, nil,
		},
		{
			"model and stream leave, the version is set", sonnet45,
			`{"model":"x","anthropic_version":"2026-10-21","max_tokens":5, "stream": true,` + askRaw + `,"file_ids":["a"]}`,
			chat.Edits{Model: "y"},
			`{` + version + `,"max_tokens":5,` + askRaw + `}`, nil,
		},
		{"the version is added", sonnet45, `{"max_tokens":5,` + askRaw + `,"model_id":"x"}`, chat.Edits{}, `{"max_tokens":5,` + askRaw + `,` + version + `}`, nil},
		{"max_tokens is added, as the model takes it", haiku3, `{` + askRaw + `}`, chat.Edits{}, `{` + askRaw + `,` + version + `,"max_tokens":4096}`, nil},
		{"max_tokens that is null", sonnet45, `{"max_tokens":null,` + askRaw + `,` + version + `}`, chat.Edits{}, `{"max_tokens":4096,` + askRaw + `,` + version + `}`, nil},

		// Betas.
		{
			"betas that the model takes stay as they are", sonnet45, `{` + version + `,"anthropic_beta": [ "context-1m-2025-08-07" ],"max_tokens":5,` + askRaw + `}`,
			chat.Edits{Betas: []string{"context-1m-2025-08-07"}},
			`{` + version + `,"anthropic_beta": [ "context-1m-2025-08-07" ],"max_tokens":5,` + askRaw + `}`, nil,
		},
		{
			"others are dropped and listed", sonnet45, `{` + version + `,"anthropic_beta":["files-api-2025-04-14","context-1m-2025-08-07"],"max_tokens":5,` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"anthropic_beta":["context-1m-2025-08-07"],"max_tokens":5,` + askRaw + `}`,
			[]string{"anthropic_beta: files-api-2025-04-14"},
		},
		{
			"none is left", opus47, `{` + version + `,"anthropic_beta":["context-1m-2025-08-07"],"max_tokens":5,` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,` + askRaw + `}`,
			[]string{"anthropic_beta: context-1m-2025-08-07"},
		},
		{
			"the headers' are added", sonnet45, `{` + version + `,"max_tokens":5,` + askRaw + `}`,
			chat.Edits{Betas: []string{"claude-code-20250219,interleaved-thinking-2025-05-14", "context-1m-2025-08-07"}},
			`{` + version + `,"max_tokens":5,` + askRaw + `,"anthropic_beta":["interleaved-thinking-2025-05-14","context-1m-2025-08-07"]}`,
			[]string{"anthropic_beta: claude-code-20250219"},
		},
		{
			"and joined with the body's", opus46, `{` + version + `,"anthropic_beta":["context-1m-2025-08-07"],"max_tokens":5,` + askRaw + `}`,
			chat.Edits{Betas: []string{"claude-code-20250219", "context-1m-2025-08-07"}},
			`{` + version + `,"anthropic_beta":["context-1m-2025-08-07","claude-code-20250219"],"max_tokens":5,` + askRaw + `}`, nil,
		},
		{
			"a string for a list", sonnet45, `{` + version + `,"anthropic_beta":"context-1m-2025-08-07","max_tokens":5,` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"anthropic_beta":["context-1m-2025-08-07"],"max_tokens":5,` + askRaw + `}`, nil,
		},

		// What Bedrock does not know.
		{
			"members of Anthropic's alone", sonnet45, `{` + version + `,"service_tier":"auto","speed":"fast","inference_geo":null,"max_tokens":5,` + askRaw + `,"service_tier2":1}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,` + askRaw + `,"service_tier2":1}`,
			[]string{"speed"},
		},
		{
			"system messages amid the conversation, for a model that takes them", opus48, `{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"a"},{"role":"system","content":"S"}]}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"a"},{"role":"system","content":"S"}]}`, nil,
		},
		{
			"and for one that does not", sonnet45, `{"model":"x","max_tokens":5,"system":"A","messages":[{"role":"user","content":"a"},{"role":"system","content":"S"}],"context_management":{}}`,
			chat.Edits{Context: context, Betas: []string{"context-1m-2025-08-07"}},
			`{` + version + `,"anthropic_beta":["context-1m-2025-08-07"],"max_tokens":5,"system":[{"type":"text","text":"A"},{"type":"text","text":"S"}],"messages":[{"role":"user","content":[{"type":"text","text":"CTX\n\n"},{"type":"text","text":"a"}]}],"context_management":{}}`, nil,
		},
		{
			"a cache_control of the body's own", sonnet45, `{"max_tokens":5,"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file-ours"}},{"type":"text","text":"a"}]}]}`,
			chat.Edits{FileText: ours},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"OURS"},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}`, nil,
		},

		{
			"a body that is written anew keeps the names, and its format, for the reply is relayed", haiku3,
			`{"max_tokens":5,"tools":[{"name":"a.b","input_schema":{"type":"object"}}],"output_config":{"format":{"type":"json_schema","schema":{"type":"string"}}},"messages":[{"role":"user","content":"a"},{"role":"system","content":"S"}]}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"tools":[{"name":"a.b","input_schema":{"type":"object"}}],"system":"S","messages":[{"role":"user","content":"a"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"string"}}}}`, nil,
		},

		// Files.
		{
			"the files before a question in a string", sonnet45, `{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"a"},{"content":"b","role":"user"},{"role":"assistant","content":"c"}]}`,
			chat.Edits{Context: context},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"a"},{"content":[{"type":"text","text":"CTX\n\n"},{"type":"text","text":"b"}],"role":"user"},{"role":"assistant","content":"c"}]}`, nil,
		},
		{
			"in place of an empty one", sonnet45, `{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":" "}]}`,
			chat.Edits{Context: context},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"CTX\n\n"}]}]}`, nil,
		},
		{
			"behind the results of tools", sonnet45, `{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"}, {"text":"b","type":"text"}]}]}`,
			chat.Edits{Context: context},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"a"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"r"}, {"type":"text","text":"CTX\n\n"},{"text":"b","type":"text"}]}]}`, nil,
		},
		{
			"results alone ask nothing", sonnet45, `{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"q"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]}]}`,
			chat.Edits{Context: context},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"CTX\n\n"},{"type":"text","text":"q"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]}]}`, nil,
		},
		{
			"nobody asks", sonnet45, `{` + version + `,"max_tokens":5,"messages":[{"role":"assistant","content":"c"}]}`,
			chat.Edits{Context: context},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"assistant","content":"c"},{"role":"user","content":"CTX\n\n"}]}`, nil,
		},
		{
			"an empty conversation", sonnet45, `{` + version + `,"max_tokens":5,"messages":[ ]}`,
			chat.Edits{Context: context},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"CTX\n\n"} ]}`, nil,
		},
		{
			"blocks that name our own files, the first of them where the context goes", sonnet45,
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[ {"type":"document","source":{"type":"file","file_id":"file-ours"},"title":"T"},{"type":"tool_result","content":[{"source":{"file_id":"file-ours","type":"file"},"type":"image"}]}]}]}`,
			chat.Edits{Context: context, FileText: ours},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[ {"type":"text","text":"CTX\n\n"},{"type":"text","text":"OURS"},{"type":"tool_result","content":[{"type":"text","text":"OURS"}]}]}]}`, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchangeFor(tt.id)
			got, err := Dialect{}.Splice([]byte("head "), parsed(t, tt.body), &tt.edits, x)
			if err != nil || string(got) != "head "+tt.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", got, tt.want, err)
			}
			if !slices.Equal(x.Dropped, tt.dropped) {
				t.Errorf("dropped %q, want %q", x.Dropped, tt.dropped)
			}
		})
	}
}

func TestBodiesThatCannotBeSpliced(t *testing.T) {
	content := func(block string) string {
		return `{"messages":[{"role":"user","content":[{"type":"tool_result","content":[` + block + `]}]}]}`
	}
	broken := errors.New("store is down")
	tests := []struct {
		name, body  string
		edits       chat.Edits
		status      int
		param, part string
	}{
		{"an image at a URL", content(`{"type":"image","source":{"type":"url","url":"https://x"}}`), chat.Edits{}, 400, "messages", "fetch_remote_images is off"},
		{"a document at a URL", content(`{"source":{"url":"https://x","type":"\u0075rl"},"type":"document"}`), chat.Edits{}, 400, "messages", "fetch_remote_images is off"},
		{"a file that is not ours", content(`{"type":"image","source":{"type":"file","file_id":"file-x"}}`), chat.Edits{}, 404, "messages", "file-x"},
		{"a guardrail of the request's own", `{"guardrailConfig":{},` + ask + `}`, chat.Edits{}, 400, "guardrailConfig", "gateway's configuration"},
		{"a conversation that the server is to hold", `{"thread":{"type":"create"},` + ask + `}`, chat.Edits{}, 400, "thread", "without 'thread'"},
		{"files before nothing", `{"messages":5}`, chat.Edits{Context: tok("x")}, 400, "messages", "expected an array"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dialect{}.Splice(nil, parsed(t, tt.body), &tt.edits, exchangeFor(sonnet45))
			wantError(t, err, tt.status, tt.param, tt.part)
		})
	}
	_, err := Dialect{}.Splice(nil, parsed(t, content(`{"type":"image","source":{"type":"url","url":"https://x"}}`)), &chat.Edits{}, exchangeFor(sonnet45))
	var e *chat.Error
	if !errors.As(err, &e) || e.Code != chat.CodeRemote {
		t.Errorf("the caller is told that fetching would help: %+v", e)
	}
	_, err = Dialect{}.Splice(nil, parsed(t, content(`{"type":"image","source":{"type":"file","file_id":"file-x"}}`)),
		&chat.Edits{FileText: func(string) (chat.String, error) { return nil, broken }}, exchangeFor(sonnet45))
	if !errors.Is(err, broken) {
		t.Errorf("the store's error: %v", err)
	}
	x := exchangeFor(sonnet45)
	x.RejectUnsupported = true
	_, err = Dialect{}.Splice(nil, parsed(t, `{"speed":"fast",`+ask+`}`), &chat.Edits{}, x)
	wantError(t, err, 400, "speed", "not supported")
}

// FuzzSplice holds what is promised of any valid body: the result is valid, and without edits nothing but the listed
// members changes.
func FuzzSplice(f *testing.F) {
	f.Add(everything)
	f.Add(`{"model":"x","stream":true,"messages":[{"role":"user","content":"a"}]}`)
	f.Add(`{"messages":[{"role":"user","content":[{"type":"document","source":{"type":"file","file_id":"f"}}]}],"anthropic_beta":[1,"x"],"max_tokens":null}`)
	f.Add(`{"messages":[{"role":"system","content":[]}],"cache_control":{}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var b chat.Body
		if b.ParseBody([]byte(raw)) != nil {
			t.Skip()
		}
		e := chat.Edits{Context: tok("c"), Betas: []string{"context-1m-2025-08-07"}, FileText: func(string) (chat.String, error) { return tok("f"), nil }}
		if got, err := (Dialect{}).Splice(nil, &b, &e, exchangeFor(sonnet45)); err == nil && json.Valid(got) != nil {
			t.Fatalf("not JSON: %s", got)
		}
		got, err := Dialect{}.Splice(nil, &b, &chat.Edits{}, exchangeFor(opus48))
		if err != nil || b.Value("cache_control") != nil {
			return
		}
		after := parsed(t, string(got))
		for i := range b.Members {
			m := &b.Members[i]
			key := string(m.Key)
			if unknownToBedrock(key) || slices.Contains([]string{"model", "model_id", "stream", "file_ids", "anthropic_version", "anthropic_beta", "max_tokens"}, key) {
				continue
			}
			n := after.Member(key)
			if n == nil || string(after.Raw[n.ValueStart:n.ValueEnd]) != raw[m.ValueStart:m.ValueEnd] {
				t.Fatalf("member %q changed in %s", m.Key, got)
			}
		}
		if v := after.Value("anthropic_version"); string(v) != bedrockVersion || after.Member("model") != nil || after.Member("stream") != nil {
			t.Fatalf("got %s", got)
		}
	})
}
