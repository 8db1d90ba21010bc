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
			`{` + version + `,"anthropic_beta":["context-1m-2025-08-07"],"max_tokens":5,"system":"A","messages":[{"role":"user","content":[{"type":"text","text":"CTX\n\n"},{"type":"text","text":"a"},{"type":"text","text":"S"}]}],"context_management":{}}`, nil,
		},
		{
			"a cache_control of the body's own", sonnet45, `{"max_tokens":5,"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"file-ours"}},{"type":"text","text":"a"}]}]}`,
			chat.Edits{FileText: ours},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"OURS"},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}`, nil,
		},

		{
			"a body that is written anew keeps the names, for the reply is relayed", haiku3,
			`{"max_tokens":5,"tools":[{"name":"a.b","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"a"},{"role":"system","content":"S"}]}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"tools":[{"name":"a.b","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"S"}]}]}`, nil,
		},

		// Formats. Bedrock has none for most models: a tool that must be called stands in, as in chat.
		{
			"a format of a model that takes it", sonnet45, `{` + version + `,"max_tokens":5,` + askRaw + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,` + askRaw + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`, nil,
		},
		{
			"and in its older place", sonnet45, `{"max_tokens":5,` + askRaw + `,"output_format":{"type":"json_schema","schema":{"type":"object"}}}`,
			chat.Edits{Betas: []string{"structured-outputs-2025-11-13"}},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"Hi \u00e9"}],"output_config":{"format":{"type":"json_schema","schema":{"type":"object","additionalProperties":false}}}}`,
			[]string{"anthropic_beta: structured-outputs-2025-11-13"},
		},
		{
			"a format of a model that does not", haiku3, `{"max_tokens":5,` + askRaw + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"tools":[{"name":"structured_output","description":"Gives the final answer in the required structure.","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"structured_output"},"messages":[{"role":"user","content":"Hi \u00e9"}]}`, nil,
		},

		// Sampling.
		{
			"sampling of a model that takes none", opus48, `{` + version + `,"temperature":0.2,"max_tokens":5,` + askRaw + `,"top_k":5,"top_p":0.9}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,` + askRaw + `}`,
			[]string{"temperature", "top_k", "top_p"},
		},
		{
			"its default is no wish", opus48, `{` + version + `,"max_tokens":5,` + askRaw + `,"temperature":1.0}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,` + askRaw + `}`, nil,
		},
		{
			"one of two where the model takes one", sonnet45, `{` + version + `,"top_p":0.9,"temperature":0.2,"max_tokens":5,` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"temperature":0.2,"max_tokens":5,` + askRaw + `}`,
			[]string{"top_p"},
		},
		{
			"one alone stays", sonnet45, `{` + version + `,"top_p":0.9,"max_tokens":5,` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"top_p":0.9,"max_tokens":5,` + askRaw + `}`, nil,
		},
		{
			"beside thinking", sonnet45, `{` + version + `,"temperature":0.2,"top_p":0.97,"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":1024},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"top_p":0.97,"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":1024},` + askRaw + `}`,
			[]string{"temperature"},
		},

		// Reasoning, and tools that must be called.
		{
			"a budget for a model that thinks by effort", opus48, `{"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":9000},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5000,"messages":[{"role":"user","content":"Hi \u00e9"}],"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}}`, nil,
		},
		{
			"adaptive thinking for a model that needs a budget", sonnet45, `{"max_tokens":50000,"thinking":{"type":"adaptive"},"output_config":{"effort":"medium"},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":50000,"messages":[{"role":"user","content":"Hi \u00e9"}],"thinking":{"type":"enabled","budget_tokens":2048}}`,
			[]string{"output_config.effort"},
		},
		{
			"thinking of a model that has none", haiku3, `{"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":2048},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":4096,"messages":[{"role":"user","content":"Hi \u00e9"}]}`,
			[]string{"max_tokens above 4096", "thinking"},
		},
		{
			"an effort of a model that has none", sonnet45, `{` + version + `,"max_tokens":5,"output_config":{"effort":"low"},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,` + askRaw + `}`,
			[]string{"output_config.effort"},
		},
		{
			"or has it by a beta", sonnet45, `{` + version + `,"max_tokens":5,"output_config":{"effort":"low"},` + askRaw + `}`,
			chat.Edits{Betas: []string{"effort-2025-11-24"}},
			`{` + version + `,"max_tokens":5,"output_config":{"effort":"low"},` + askRaw + `,"anthropic_beta":["effort-2025-11-24"]}`, nil,
		},
		{
			"no thinking for a model that always thinks", opus55, `{"max_tokens":5,"thinking":{"type":"disabled"},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"messages":[{"role":"user","content":"Hi \u00e9"}]}`,
			[]string{"thinking"},
		},
		{
			"a forced tool of a model that takes none", opus55, `{"max_tokens":5,"tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto"},"messages":[{"role":"user","content":"Hi \u00e9"}]}`,
			[]string{"tool_choice"},
		},

		{
			"no parallel calls of a model that cannot be told so", haiku3, `{` + version + `,"max_tokens":5,"tool_choice":{"disable_parallel_tool_use":true,"type":"auto"},` + askRaw + `}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"tool_choice":{"type":"auto"},` + askRaw + `}`,
			[]string{"tool_choice.disable_parallel_tool_use"},
		},

		// What agents add.
		{
			"members of tools without their betas", sonnet45, `{` + version + `,"max_tokens":5,"tools":[{"custom":{"defer_loading":true},"name":"a","input_schema":{"type":"custom","properties":{"type":{"const":"custom"}}},"defer_loading":false,"eager_input_streaming":true,"cache_control":{"type":"ephemeral","scope":"global"}},{"type":"bash_20250124","name":"bash","allowed_callers":["x"],"input_examples":[]}],` + askRaw + `}`,
			chat.Edits{Betas: []string{"advanced-tool-use-2025-11-20"}},
			`{` + version + `,"max_tokens":5,"tools":[{"name":"a","input_schema":{"type":"object","properties":{"type":{"const":"custom"}}},"cache_control":{"type":"ephemeral"}},{"type":"bash_20250124","name":"bash"}],` + askRaw + `}`,
			[]string{"anthropic_beta: advanced-tool-use-2025-11-20", "tools.custom", "tools.input_schema.type", "tools.defer_loading", "tools.eager_input_streaming", "cache_control.scope", "tools.allowed_callers", "tools.input_examples"},
		},
		{
			"and with them, the wrapper's word in the tool itself", opus48, `{` + version + `,"max_tokens":5,"tools":[{"custom":{"defer_loading":true},"name":"a","input_schema":{}},{"name":"b","input_schema":{},"defer_loading":true,"input_examples":[]}],` + askRaw + `}`,
			chat.Edits{Betas: []string{"tool-search-tool-2025-10-19", "tool-examples-2025-10-29"}},
			`{` + version + `,"max_tokens":5,"tools":[{"name":"a","input_schema":{},"defer_loading":true},{"name":"b","input_schema":{},"defer_loading":true,"input_examples":[]}],` + askRaw + `,"anthropic_beta":["tool-search-tool-2025-10-19","tool-examples-2025-10-29"]}`,
			[]string{"tools.custom"},
		},
		{
			"a scope of cache marks, wherever they stand", sonnet45, `{` + version + `,"max_tokens":5,"system":[{"type":"text","text":"S","cache_control":{"scope":"global","type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r","cache_control":{"type":"ephemeral","scope":"org"}}]},{"type":"text","text":"q","cache_control":null}]}]}`,
			chat.Edits{},
			`{` + version + `,"max_tokens":5,"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"text","text":"r","cache_control":{"type":"ephemeral"}}]},{"type":"text","text":"q","cache_control":null}]}]}`,
			[]string{"cache_control.scope"},
		},
		{
			"what came with a beta that the model does not take goes with it", opus47, `{` + version + `,"max_tokens":5,"context_management":{"edits":[]},"output_config":{"effort":"low","task_budget":{}},` + askRaw + `}`,
			chat.Edits{Betas: []string{"context-management-2025-06-27", "task-budgets-2026-03-13"}},
			`{` + version + `,"max_tokens":5,"output_config":{"effort":"low"},` + askRaw + `}`,
			[]string{"anthropic_beta: context-management-2025-06-27", "anthropic_beta: task-budgets-2026-03-13", "context_management", "output_config.task_budget"},
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
	f.Add(`{"messages":[{"content":[{"cache_control":{"scope":1}}]}],"tools":[{"custom":{},"input_schema":{"type":"custom"},"defer_loading":1},7,{"cache_control":[]}],"temperature":null,"top_p":"x","output_config":{"format":null}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		var b chat.Body
		if b.ParseBody([]byte(raw)) != nil {
			t.Skip()
		}
		e := chat.Edits{Context: tok("c"), Betas: []string{"context-1m-2025-08-07"}, FileText: func(string) (chat.String, error) { return tok("f"), nil }}
		if got, err := (Dialect{}).Splice(nil, &b, &e, exchangeFor(sonnet45)); err == nil && json.Valid(got) != nil {
			t.Fatalf("not JSON: %s", got)
		}
		x := exchangeFor(opus48)
		got, err := Dialect{}.Splice(nil, &b, &chat.Edits{}, x)
		if (&splicer{body: &b, x: x}).asksOtherwise() || err != nil || b.Value("cache_control") != nil || b.Value("output_format") != nil || x.OutputTool != "" {
			return
		}
		after := parsed(t, string(got))
		for i := range b.Members {
			m := &b.Members[i]
			key := string(m.Key)
			if unknownToBedrock(key) || slices.Contains([]string{"model", "model_id", "stream", "file_ids", "anthropic_version", "anthropic_beta", "max_tokens", "temperature", "top_p", "top_k"}, key) {
				continue
			}
			if len(x.Dropped) > 0 && slices.Contains([]string{"tools", "system", "messages", "output_config", "context_management", "container", "mcp_servers"}, key) {
				continue // what was taken out of it is listed
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
