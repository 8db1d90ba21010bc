package claude

import (
	"slices"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// tok is a JSON string as it stands in a body.
func tok(s string) chat.String { return chat.String(`"` + s + `"`) }

func text(s string) chat.Block { return chat.Block{Kind: chat.Text, Text: tok(s)} }

func says(blocks ...chat.Block) chat.Message { return chat.Message{Role: chat.User, Content: blocks} }

func answers(blocks ...chat.Block) chat.Message {
	return chat.Message{Role: chat.Assistant, Content: blocks}
}

func calls(id, name, input string) chat.Block {
	return chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{ID: id, Name: name, Input: chat.Value(input)}}
}

func result(id string, content ...chat.Block) chat.Block {
	return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: id, Content: content}}
}

// hello is a request in another dialect.
func hello() *chat.Request {
	return &chat.Request{Dialect: "openai", Messages: []chat.Message{says(text("Hi"))}}
}

func TestEncodedRequests(t *testing.T) {
	const hi = `"messages":[{"role":"user","content":"Hi"}]`
	no := false
	schema := chat.Value(`{"type":"object","properties":{"a":{"type":"object","properties":{}},"b":{"type":"array","items":{"type":["object","null"],"additionalProperties":true}}}}`)
	tool := chat.Tool{Name: "f", Description: tok("does it"), Schema: chat.Value(`{"type":"object"}`)}
	const fTool = `"tools":[{"name":"f","description":"does it","input_schema":{"type":"object"}}],`
	tests := []struct {
		name    string
		id      string
		change  func(r *chat.Request)
		want    string
		dropped []string
	}{
		{name: "a default for max_tokens", want: `{"max_tokens":4096,` + hi + `}`},
		{name: "the client's max_tokens", change: func(r *chat.Request) { r.MaxTokens = 7 }, want: `{"max_tokens":7,` + hi + `}`},
		{
			name: "model, stream and what only shapes the transport stay out",
			change: func(r *chat.Request) {
				r.Model, r.Stream, r.IncludeUsage, r.ServiceTier, r.Latency = "m", true, true, "auto", "standard"
			},
			want: `{"max_tokens":4096,` + hi + `}`,
		},

		// Messages.
		{
			name: "system text of all kinds, blank ones left out",
			change: func(r *chat.Request) {
				r.System = []chat.Block{text("A"), text(` \n`), {Kind: chat.Text, Text: tok("B"), Cache: chat.CacheDefault}}
			},
			want: `{"max_tokens":4096,"system":[{"type":"text","text":"A"},{"type":"text","text":"B","cache_control":{"type":"ephemeral"}}],` + hi + `}`,
		},
		{
			name:   "one system text is a string",
			change: func(r *chat.Request) { r.System = []chat.Block{text("A")} },
			want:   `{"max_tokens":4096,"system":"A",` + hi + `}`,
		},
		{
			name: "neighbours of a role are one turn, blank text and empty messages are left out",
			change: func(r *chat.Request) {
				r.Messages = []chat.Message{says(text("a")), answers(text(" ")), says(text(`\t`), text("b")), answers(text("c")), answers(text("d")), says(text("e"))}
			},
			want: `{"max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},` +
				`{"role":"assistant","content":[{"type":"text","text":"c"},{"type":"text","text":"d"}]},{"role":"user","content":"e"}]}`,
		},
		{
			name: "results come first in the turn, an empty history of tools gets its specs",
			change: func(r *chat.Request) {
				r.Messages = append(r.Messages, answers(text("ok"), calls("c1", "f", `{"x": 1}`), calls("c2", "g", "")),
					says(text("now"), result("c2", text("two"), chat.Block{Kind: chat.Image, Media: &chat.Media{Type: "image/jpg", Data: []byte("AAAA")}})), says(result("c1")))
				r.Messages[2].Content[1].Tool.IsError = true
			},
			want: `{"max_tokens":4096,"tools":[{"name":"f","description":"f","input_schema":{"type":"object","properties":{}}},{"name":"g","description":"g","input_schema":{"type":"object","properties":{}}}],` +
				`"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"ok"},{"type":"tool_use","id":"c1","name":"f","input":{"x":1}},{"type":"tool_use","id":"c2","name":"g","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c2","content":[{"type":"text","text":"two"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"AAAA"}}],"is_error":true},` +
				`{"type":"tool_result","tool_use_id":"c1"},{"type":"text","text":"now"}]}]}`,
		},
		{
			name: "reasoning without a signature is left out, the rest goes before what was said",
			change: func(r *chat.Request) {
				r.Messages = append(r.Messages, answers(text("ok"), chat.Block{Kind: chat.Thinking, Text: tok("unsigned")},
					chat.Block{Kind: chat.Thinking, Text: tok("hm"), Own: chat.Own(tok("s"))}, chat.Block{Kind: chat.RedactedThinking, Own: chat.Own(tok("d"))}), says(text("go")))
			},
			want:    `{"max_tokens":4096,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"ok"}]},{"role":"user","content":"go"}]}`,
			dropped: []string{"thinking_blocks"},
		},
		{
			name: "a model without reasoning gets none back", id: haiku3,
			change: func(r *chat.Request) {
				r.Messages = append(r.Messages, answers(chat.Block{Kind: chat.Thinking, Text: tok("hm"), Own: chat.Own(tok("s"))}, text("ok")), says(text("go")))
			},
			want:    `{"max_tokens":4096,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"ok"}]},{"role":"user","content":"go"}]}`,
			dropped: []string{"thinking_blocks"},
		},
		{
			name:   "a prefill loses the white space at its end",
			change: func(r *chat.Request) { r.Messages = append(r.Messages, answers(text(`Sure: \n`))) },
			want:   `{"max_tokens":4096,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Sure:"}]}]}`,
		},
		{
			name: "also where blank messages follow",
			change: func(r *chat.Request) {
				r.Messages = append(r.Messages, answers(text("Sure: "), text(" ")), says(text(" ")))
			},
			want: `{"max_tokens":4096,"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"text","text":"Sure:"}]}]}`,
		},
		{
			name: "documents: text files as text, blocks, names",
			change: func(r *chat.Request) {
				r.Messages = []chat.Message{says(
					chat.Block{Kind: chat.Document, Media: &chat.Media{Type: "text/csv", Name: "a.csv", Data: []byte("YSxi")}},
					chat.Block{Kind: chat.Document, Media: &chat.Media{Type: "application/pdf", Data: []byte("JVBERi0x")}},
					chat.Block{Kind: chat.Document, Media: &chat.Media{Content: []chat.Block{text("x"), text(" ")}}},
				)}
			},
			want: `{"max_tokens":4096,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a,b"},"title":"a.csv"},` +
				`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"}]}}]}]}`,
		},
		{
			name: "illegal names and ids have aliases, legal ones keep theirs",
			change: func(r *chat.Request) {
				r.Tools = []chat.Tool{{Name: "mcp.files/read"}, {Name: "mcp_files_read_6efd9b52"}}
				r.Messages = append(r.Messages, answers(calls("a.b", "mcp.files/read", "{}")), says(result("a.b", text("r"))))
			},
			want: `{"max_tokens":4096,"tools":[{"name":"mcp_files_read_dfe2d613","description":"mcp_files_read_dfe2d613","input_schema":{"type":"object","properties":{}}},{"name":"mcp_files_read_6efd9b52","description":"mcp_files_read_6efd9b52","input_schema":{"type":"object","properties":{}}}],` +
				`"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"2e7336dc8eba87ef472df568c35482ab","name":"mcp_files_read_dfe2d613","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"2e7336dc8eba87ef472df568c35482ab","content":"r"}]}]}`,
		},

		// Parameters.
		{
			name: "sampling", change: func(r *chat.Request) {
				r.Temperature, r.TopK, r.Stop, r.User = chat.Value("1.7"), chat.Value("40"), []string{"", "END", " \n"}, tok("u")
			},
			want:    `{"max_tokens":4096,` + hi + `,"temperature":1,"top_k":40,"stop_sequences":["END"],"metadata":{"user_id":"u"}}`,
			dropped: []string{"stop"},
		},
		{
			name: "one of temperature and top_p", change: func(r *chat.Request) { r.Temperature, r.TopP = chat.Value("0.2"), chat.Value("0.9") },
			want: `{"max_tokens":4096,` + hi + `,"temperature":0.2}`, dropped: []string{"top_p"},
		},
		{
			name: "a model that takes no sampling", id: opus47,
			change: func(r *chat.Request) {
				r.Temperature, r.TopP, r.TopK = chat.Value("0.2"), chat.Value("1.0"), chat.Value("4")
			},
			want:    `{"max_tokens":4096,` + hi + `}`,
			dropped: []string{"temperature", "top_k"},
		},
		{
			name: "what Claude has no word for", change: func(r *chat.Request) {
				r.Seed, r.FrequencyPenalty, r.PresencePenalty = chat.Value("1"), chat.Value("0"), chat.Value("0.5")
				r.Metadata, r.ServiceTier, r.Latency = []chat.Pair{{Key: "a", Value: "b"}}, "flex", "optimized"
				r.Extra = []chat.Member{{Key: "logit_bias", Value: chat.Value("{}")}, {Key: "logprobs", Value: chat.Value("true")}}
			},
			want: `{"max_tokens":4096,` + hi + `}`, dropped: []string{"metadata", "seed", "presence_penalty", "service_tier", "performanceConfig", "logprobs"},
		},
		{
			name: "betas that the model takes", change: func(r *chat.Request) {
				r.Betas = []string{"context-1m-2025-08-07", "files-api-2025-04-14", "context-1m-2025-08-07, interleaved-thinking-2025-05-14"}
			},
			want:    `{"anthropic_beta":["context-1m-2025-08-07","interleaved-thinking-2025-05-14"],"max_tokens":4096,` + hi + `}`,
			dropped: []string{"anthropic_beta: files-api-2025-04-14"},
		},

		// Tools.
		{name: "a tool", change: func(r *chat.Request) { r.Tools = []chat.Tool{tool} }, want: `{"max_tokens":4096,` + fTool + hi + `}`},
		{
			name: "tools without description or schema, and with a schema of another kind",
			change: func(r *chat.Request) {
				r.Tools = []chat.Tool{{Name: "a"}, {Name: "b", Schema: chat.Value(`{"type":"string","$ref":"#/$defs/x"}`)}, {Name: "c", Schema: chat.Value(`{}`)}}
			},
			want: `{"max_tokens":4096,"tools":[{"name":"a","description":"a","input_schema":{"type":"object","properties":{}}},{"name":"b","description":"b","input_schema":{"type":"object","$ref":"#/$defs/x"}},{"name":"c","description":"c","input_schema":{"type":"object"}}],` + hi + `}`,
		},
		{
			name:   "required",
			change: func(r *chat.Request) { r.Tools, r.ToolChoice.Kind = []chat.Tool{tool}, chat.ToolsAny },
			want:   `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"any"},` + hi + `}`,
		},
		{
			name: "a named tool, one at a time",
			change: func(r *chat.Request) {
				r.Tools, r.ToolChoice, r.ParallelToolCalls = []chat.Tool{tool}, chat.ToolChoice{Kind: chat.ToolsNamed, Name: "f"}, &no
			},
			want: `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},` + hi + `}`,
		},
		{
			name:   "one at a time, without a choice",
			change: func(r *chat.Request) { r.Tools, r.ParallelToolCalls = []chat.Tool{tool}, &no },
			want:   `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"auto","disable_parallel_tool_use":true},` + hi + `}`,
		},
		{
			name: "none", change: func(r *chat.Request) {
				r.Tools, r.ToolChoice.Kind, r.ParallelToolCalls = []chat.Tool{tool}, chat.ToolsNone, &no
			},
			want: `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"none"},` + hi + `}`,
		},
		{
			name: "only the allowed ones",
			change: func(r *chat.Request) {
				r.Tools, r.ToolChoice = []chat.Tool{tool, {Name: "g"}}, chat.ToolChoice{Kind: chat.ToolsAuto, Allowed: []string{"f"}}
			},
			want: `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"auto"},` + hi + `}`,
		},
		{
			name: "a model that is not to be forced", id: opus55,
			change:  func(r *chat.Request) { r.Tools, r.ToolChoice.Kind = []chat.Tool{tool}, chat.ToolsAny },
			want:    `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"auto"},` + hi + `}`,
			dropped: []string{"tool_choice"},
		},
		{
			name:    "a tool of another provider's own",
			change:  func(r *chat.Request) { r.Tools = []chat.Tool{{Name: "x", Raw: chat.Value(`{}`), Dialect: "openai"}} },
			want:    `{"max_tokens":4096,` + hi + `}`,
			dropped: []string{"tools"},
		},

		// Reasoning.
		{
			name:   "an effort is a budget with room for the answer",
			change: func(r *chat.Request) { r.Reasoning.Effort = "low" },
			want:   `{"max_tokens":5120,` + hi + `,"thinking":{"type":"enabled","budget_tokens":1024}}`,
		},
		{
			name:   "within the client's limit",
			change: func(r *chat.Request) { r.Reasoning.Effort, r.MaxTokens = "high", 2000 },
			want:   `{"max_tokens":2000,` + hi + `,"thinking":{"type":"enabled","budget_tokens":1500}}`,
		},
		{
			name:    "or not at all",
			change:  func(r *chat.Request) { r.Reasoning.Effort, r.MaxTokens = "high", 100 },
			want:    `{"max_tokens":100,` + hi + `}`,
			dropped: []string{"reasoning_effort"},
		},
		{
			name: "adaptive, without sampling or forced tools", id: opus46,
			change: func(r *chat.Request) {
				r.Reasoning.Effort, r.Temperature, r.TopP, r.TopK = "xhigh", chat.Value("1"), chat.Value("0.95"), chat.Value("1")
				r.Tools, r.ToolChoice.Kind = []chat.Tool{tool}, chat.ToolsAny
			},
			want:    `{"max_tokens":4096,` + fTool + `"tool_choice":{"type":"auto"},` + hi + `,"top_p":0.95,"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}}`,
			dropped: []string{"tool_choice", "top_k"},
		},
		{
			name: "a budget for a model that takes none", id: opus47,
			change: func(r *chat.Request) { r.Reasoning.Thinking, r.Reasoning.Budget = chat.ThinkingBudget, 5000 },
			want:   `{"max_tokens":4096,` + hi + `,"thinking":{"type":"adaptive"},"output_config":{"effort":"medium"}}`,
		},
		{
			name: "off where it can be", id: opus47,
			change: func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingOff },
			want:   `{"max_tokens":4096,` + hi + `,"thinking":{"type":"disabled"}}`,
		},
		{
			name: "off where it cannot be", id: opus55,
			change: func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingOff },
			want:   `{"max_tokens":4096,` + hi + `}`, dropped: []string{"thinking"},
		},
		{
			name: "none", change: func(r *chat.Request) { r.Reasoning.Effort = "none" }, want: `{"max_tokens":4096,` + hi + `}`,
		},
		{
			name: "a model that does not think", id: haiku3, change: func(r *chat.Request) { r.Reasoning.Effort = "high" },
			want: `{"max_tokens":4096,` + hi + `}`, dropped: []string{"reasoning_effort"},
		},
		{
			name: "a call to be continued without its thinking", change: func(r *chat.Request) {
				r.Reasoning.Effort, r.Tools = "high", []chat.Tool{tool}
				r.Messages = append(r.Messages, answers(calls("c", "f", "{}")), says(result("c")))
			},
			want:    `{"max_tokens":4096,` + fTool + `"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]}`,
			dropped: []string{"reasoning_effort"},
		},
		{
			name: "also with blank messages about it, and in Claude's own words", change: func(r *chat.Request) {
				r.Dialect, r.Reasoning.Thinking, r.Reasoning.Budget, r.MaxTokens = Name, chat.ThinkingBudget, 2000, 3000
				r.Messages = append(r.Messages, answers(text(" ")), answers(calls("c", "f", "{}")), answers(text("x")), says(result("c")), answers(text(" ")))
			},
			want: `{"max_tokens":3000,"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":{}},{"type":"text","text":"x"}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"c"}]}]}`,
			dropped: []string{"thinking"},
		},
		{
			name: "an effort in Claude's own words is no wish to think", id: opus46,
			change: func(r *chat.Request) { r.Dialect, r.Reasoning.Effort = Name, "low" },
			want:   `{"max_tokens":4096,` + hi + `,"output_config":{"effort":"low"}}`,
		},

		// Formats.
		{
			name: "a schema where the model takes one, closed at every object", change: func(r *chat.Request) { r.Format = &chat.Format{Schema: schema} },
			want: `{"max_tokens":4096,` + hi + `,"output_config":{"format":{"type":"json_schema","schema":{"type":"object","properties":{"a":{"type":"object","properties":{},"additionalProperties":false},"b":{"type":"array","items":{"type":["object","null"],"additionalProperties":false}}},"additionalProperties":false}}}}`,
		},
		{
			name: "else a tool that must be called", id: haiku3, change: func(r *chat.Request) { r.Format = &chat.Format{Schema: chat.Value(`{"type":"object"}`)} },
			want: `{"max_tokens":4096,"tools":[{"name":"structured_output","description":"Gives the final answer in the required structure.","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"structured_output"},` + hi + `}`,
		},
		{
			name: "beside the client's own", id: haiku3, change: func(r *chat.Request) {
				r.Format, r.Tools = &chat.Format{Schema: chat.Value(`{"type":"object"}`), Description: tok("D")}, []chat.Tool{{Name: "structured_output"}}
			},
			want: `{"max_tokens":4096,"tools":[{"name":"structured_output","description":"structured_output","input_schema":{"type":"object","properties":{}}},{"name":"structured_output_","description":"D","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"},` + hi + `}`,
		},
		{
			name: "asked for in words where it cannot be forced", id: opus55, change: func(r *chat.Request) { r.Format = &chat.Format{Schema: chat.Value(`{"type":"object"}`)} },
			want: `{"max_tokens":4096,"tools":[{"name":"structured_output","description":"Gives the final answer in the required structure.","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto"},` +
				`"system":"Give the final answer by calling the tool structured_output once, and not as text.",` + hi + `}`,
		},
		{
			name: "an object of any kind", change: func(r *chat.Request) { r.Format, r.System = &chat.Format{}, []chat.Block{text("S")} },
			want: `{"max_tokens":4096,"system":[{"type":"text","text":"S"},{"type":"text","text":"Reply with one valid JSON object and nothing else: no text around it, no code fence."}],` + hi + `}`,
		},

		// Caching.
		{
			name: "four breakpoints, the first left out", change: func(r *chat.Request) {
				c := chat.CacheOneHour
				marked := func(s string) chat.Block { return chat.Block{Kind: chat.Text, Text: tok(s), Cache: c} }
				r.System = []chat.Block{marked("S")}
				document := chat.Block{Kind: chat.Document, Media: &chat.Media{Content: []chat.Block{marked("0")}}}
				r.Messages = []chat.Message{says(document, marked("1"), marked("2"), marked("3"), marked("4"))}
			},
			want: `{"max_tokens":4096,"system":[{"type":"text","text":"S"}],"messages":[{"role":"user","content":[{"type":"document","source":{"type":"content","content":[{"type":"text","text":"0"}]}},{"type":"text","text":"1","cache_control":{"type":"ephemeral","ttl":"1h"}},` +
				`{"type":"text","text":"2","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"3","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"4","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}`,
		},
		{
			name: "a model without caching", id: haiku3,
			change:  func(r *chat.Request) { r.Messages[0].Content[0].Cache = chat.CacheDefault },
			want:    `{"max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]}]}`,
			dropped: []string{"cache_control"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			id := tt.id
			if id == "" {
				id = sonnet45
			}
			x, r := exchangeFor(id), hello()
			if tt.change != nil {
				tt.change(r)
			}
			if got := without(t, mustEncode(t, r, x)); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
			if !slices.Equal(x.Dropped, tt.dropped) {
				t.Errorf("dropped %q, want %q", x.Dropped, tt.dropped)
			}
		})
	}
}
