package claude

import (
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const ask = `"messages":[{"role":"user","content":"Hi"}]`

// everything is a request with all that the dialect knows. Encoded for a model that takes it all it comes out the same,
// but for the members that Bedrock has elsewhere.
const everything = `{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["context-1m-2025-08-07"],"max_tokens":2000,` +
	`"tools":[{"name":"weather","description":"Tells the weather","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]},"cache_control":{"type":"ephemeral","ttl":"1h"}},` +
	`{"type":"bash_20250124","name":"bash"}],` +
	`"tool_choice":{"type":"auto","disable_parallel_tool_use":true},` +
	`"system":[{"type":"text","text":"Be brief."},{"type":"text","text":"Be kind.","cache_control":{"type":"ephemeral"}}],` +
	`"messages":[{"role":"user","content":[{"type":"text","text":"Look \u00e9 \"here\""},` +
	`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},` +
	`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0x"},"title":"Paper","context":"From a friend","citations":{"enabled":true},"cache_control":{"type":"ephemeral","ttl":"5m"}},` +
	`{"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}},` +
	`{"type":"document","source":{"type":"content","content":[{"type":"text","text":"piece"}]}},` +
	`{"type":"search_result","source":"https://x","title":"X","content":[{"type":"text","text":"found"}],"citations":{"enabled":true}}]},` +
	`{"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"c2ln\/"},{"type":"redacted_thinking","data":"b3BhcXVl"},` +
	`{"type":"text","text":"Let me look.","citations":[{"type":"char_location","cited_text":"p","document_index":0}]},` +
	`{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},` +
	`{"type":"tool_use","id":"toolu_1","name":"weather","input":{"city":"Paris"}},{"type":"tool_use","id":"toolu_2","name":"weather","input":{}}]},` +
	`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":[{"type":"text","text":"Sun"},{"type":"image","source":{"type":"base64","media_type":"image/jpeg","data":"\/9j\/4AAQ"}}]},` +
	`{"type":"tool_result","tool_use_id":"toolu_2","content":"no city","is_error":true},{"type":"text","text":"So?"}]}],` +
	`"temperature":1,"stop_sequences":["END"],"metadata":{"user_id":"u-1"},` +
	`"thinking":{"type":"enabled","budget_tokens":1500,"display":"summarized"},"context_management":{"edits":[]}}`

func TestARequestOfItsOwnDialectSurvives(t *testing.T) {
	got, x := recode(t, everything, sonnet45)
	want := strings.ReplaceAll(everything, `"data":"\/9j\/4AAQ"`, `"data":"/9j/4AAQ"`)
	want = strings.Replace(want, `"temperature":1,`, ``, 1) // what a model that thinks does anyway
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if len(x.Dropped) > 0 {
		t.Errorf("dropped %q", x.Dropped)
	}
}

func TestDecodedRequest(t *testing.T) {
	x := exchangeFor(sonnet45)
	r := mustDecode(t, `{"model":"m","stream":true,"max_tokens":5e1,"system":"S","top_k":5,"top_p":0.5,"temperature":0.2,"stop_sequences":["a","b"],
		"service_tier":"standard_only","file_ids":["f1"],"anthropic_version":"2026-10-21","anthropic_beta":["b1","b2"],"metadata":{"user_id":"\u0075"},
		"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"xhigh","format":{"type":"json_schema","schema":{"type":"object"}}},
		"tool_choice":{"type":"tool","name":"t"},"container":"c1","speed":"fast",
		"messages":[{"role":"user","content":[{"type":"text","text":" \n"},{"type":"image","source":{"type":"url","url":"https:\/\/x\/y"},"cache_control":{"type":"ephemeral"}},{"type":"document","source":{"type":"file","file_id":"file-1"}}]},
		{"role":"system","content":"Later."},{"role":"assistant","content":""}]}`, x)
	if r.Model != "m" || !r.Stream || r.MaxTokens != 50 || string(r.TopK) != "5" || string(r.TopP) != "0.5" || string(r.Temperature) != "0.2" ||
		!slices.Equal(r.Stop, []string{"a", "b"}) || r.ServiceTier != "standard_only" || !slices.Equal(r.FileIDs, []string{"f1"}) ||
		!slices.Equal(r.Betas, []string{"b1", "b2"}) || string(r.User) != `"\u0075"` || r.Dialect != "claude" {
		t.Errorf("parameters: %+v", r)
	}
	if r.Reasoning.Thinking != chat.ThinkingAdaptive || r.Reasoning.Effort != "xhigh" || string(r.Reasoning.Display) != `"omitted"` || string(r.Format.Schema) != `{"type":"object"}` {
		t.Errorf("reasoning and format: %+v %+v", r.Reasoning, r.Format)
	}
	if r.ToolChoice.Kind != chat.ToolsNamed || r.ToolChoice.Name != "t" {
		t.Errorf("tool choice: %+v", r.ToolChoice)
	}
	if len(r.Extra) != 2 || r.Extra[0].Key != "container" || string(r.Extra[1].Value) != `"fast"` {
		t.Errorf("extra: %+v", r.Extra)
	}
	if len(r.System) != 1 || string(r.System[0].Text) != `"S"` {
		t.Errorf("system: %+v", r.System)
	}
	if len(r.Messages) != 2 || !r.Messages[1].Operator || string(r.Messages[1].Content[0].Text) != `"Later."` || len(r.Messages[0].Content) != 2 {
		t.Fatalf("blank text and empty messages are left out: %+v", r.Messages)
	}
	image, file := r.Messages[0].Content[0], r.Messages[0].Content[1]
	if image.Kind != chat.Image || image.Media.URL != "https://x/y" || image.Cache == chat.NoCache || file.Media.FileID != "file-1" {
		t.Errorf("media: %+v %+v", image, file)
	}
	if len(x.Notes) != 0 {
		t.Errorf("notes: %q", x.Notes)
	}
}

func TestDecodedToolChoices(t *testing.T) {
	for body, want := range map[string]chat.ToolChoiceKind{
		`{"type":"auto"}`: chat.ToolsAuto, `{"type":"any","name":null}`: chat.ToolsAny, `{"type":"none"}`: chat.ToolsNone,
		`{"name":"x","type":"tool"}`: chat.ToolsNamed,
	} {
		if r := mustDecode(t, `{"tool_choice":`+body+`,`+ask+`}`, exchangeFor(sonnet45)); r.ToolChoice.Kind != want || r.ParallelToolCalls != nil {
			t.Errorf("%s: %+v", body, r.ToolChoice)
		}
	}
	r := mustDecode(t, `{"tool_choice":{"type":"auto","disable_parallel_tool_use":false},`+ask+`}`, exchangeFor(sonnet45))
	if r.ParallelToolCalls == nil || !*r.ParallelToolCalls {
		t.Errorf("parallel calls: %v", r.ParallelToolCalls)
	}
}

func TestASearchResultIsADocumentToOthers(t *testing.T) {
	r := mustDecode(t, `{"messages":[{"role":"user","content":[ {"title":"T","type":"search_result","source":"https://s","content":[{"type":"text","text":"A"},{"type":"text","text":"B"}]}]}]}`, exchangeFor(sonnet45))
	b := r.Messages[0].Content[0]
	if b.Kind != chat.Document || b.Media.Name != "T" || string(b.Media.Context) != `"https://s"` || len(b.Media.Content) != 2 || b.Dialect != chat.Claude || b.Raw()[0] != '{' {
		t.Errorf("%+v", b)
	}
}

func TestTheBodysOwnCacheControlGoesBehindTheLastBlock(t *testing.T) {
	r := mustDecode(t, `{"cache_control":{"type":"ephemeral","ttl":"1h"},"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}`, exchangeFor(sonnet45))
	if c := r.Messages[1].Content[0].Cache; c != chat.CacheOneHour || r.Messages[0].Content[0].Cache != chat.NoCache {
		t.Errorf("%+v", r.Messages)
	}
}

func TestRefusedRequests(t *testing.T) {
	user := func(block string) string { return `{"messages":[{"role":"user","content":[` + block + `]}]}` }
	assistant := func(block string) string {
		return `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[` + block + `]}]}`
	}
	tests := []struct{ name, body, param, part string }{
		{"no JSON", `{"messages":[}`, "", "invalid JSON"},
		// A look ahead at what is not validated yet once ended in a panic.
		{"a name cut within an escape", `{"messages":[{"\u":"x"}]}`, "", "bad escape"},
		{"a block's name cut within an escape", user(`{"\u0":"x"}`), "", "bad escape"},
		{"a tool's name cut within an escape", `{"tools":[{"\u0`, "", "bad escape"},
		{"no messages", `{}`, "messages", "Field required"},
		{"messages of another type", `{"messages":"x"}`, "messages", "expected an array"},
		{"a conversation that the server holds", `{"thread":{"type":"continue","previous_message_id":"msg_1"},` + ask + `}`, "thread", "without 'thread'"},
		{"an empty conversation", `{"messages":[]}`, "messages", "at least one message"},
		{"no role", `{"messages":[{"content":"x"}]}`, "messages.0.role", "Field required"},
		{"another role", `{"messages":[{"role":"tool","content":"x"}]}`, "messages.0.role", "'user', 'assistant' or 'system'"},
		{"no content", `{"messages":[{"role":"user"}]}`, "messages.0.content", "Field required"},
		{"content of another type", `{"messages":[{"role":"user","content":5}]}`, "messages.0.content", "expected an array"},
		{"a block of another type", user(`5`), "messages.0.content.0", "expected an object"},
		{"a block without a type", user(`{"text":"x"}`), "messages.0.content.0.type", "Field required"},
		{"a broken block", user(`{"type":"text","text":"x"`), "", "invalid JSON"},
		{"text without text", user(`{"type":"text"}`), "messages.0.content.0.text", "Field required"},
		{"text that is a number", user(`{"type":"text","text":5}`), "messages.0.content.0.text", "expected a string"},
		{"a call by the user", user(`{"type":"tool_use","id":"1","name":"n","input":{}}`), "messages.0.content.0", "`tool_use` blocks cannot stand here"},
		{"a result by the assistant", assistant(`{"type":"tool_result","tool_use_id":"1"}`), "messages.1.content.0", "`tool_result` blocks cannot stand here"},
		{"an unknown block in a system text", `{"system":[{"type":"image"}],` + ask + `}`, "system.0", "cannot stand here"},
		{"an image without a source", user(`{"type":"image"}`), "messages.0.content.0.source", "Field required"},
		{"an image of another kind", user(`{"type":"image","source":{"type":"base64","media_type":"image/bmp","data":"AAAA"}}`), "messages.0.content.0.source.media_type", "image/jpeg"},
		{"an image that is no base64", user(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"A"}}`), "messages.0.content.0.source.data", "invalid base64"},
		{"an image with line breaks", user(`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA\nA="}}`), "messages.0.content.0.source.data", "invalid base64"},
		{"a source of another kind", user(`{"type":"image","source":{"type":"text","data":"x"}}`), "messages.0.content.0.source.type", "Input tag"},
		{"an empty document", user(`{"type":"document","source":{"type":"content","content":[]}}`), "messages.0.content.0.source.content", "must not be empty"},
		{"a document of another kind", user(`{"type":"document","source":{"type":"base64","media_type":"text/csv","data":"AAAA"}}`), "messages.0.content.0.source.media_type", "application/pdf"},
		{"a call without a name", assistant(`{"type":"tool_use","id":"1","input":{}}`), "messages.1.content.0.name", "Field required"},
		{"a call with a string for input", assistant(`{"type":"tool_use","id":"1","name":"n","input":"{}"}`), "messages.1.content.0.input", "expected an object"},
		{"a call without a result", assistant(`{"type":"tool_use","id":"call_7","name":"n","input":{}}`), "messages.1", "call_7"},
		{
			"a call followed by words",
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"call_7","name":"n","input":{}}]},{"role":"user","content":"y"}]}`,
			"messages.1", "call_7",
		},
		{"a result that nobody asked for", user(`{"type":"tool_result","tool_use_id":"call_8","content":"x"}`), "messages.0.content.0.tool_use_id", "call_8"},
		{
			"a call within a result",
			`{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"n","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":[{"type":"tool_use"}]}]}]}`,
			"messages.2.content.0.content.0", "cannot stand here",
		},
		{"thinking without its text", assistant(`{"type":"thinking","signature":"x"}`), "messages.1.content.0.thinking", "Field required"},
		{"max_tokens of nothing", `{"max_tokens":0,` + ask + `}`, "max_tokens", "at least 1"},
		{"max_tokens in a string", `{"max_tokens":"5",` + ask + `}`, "max_tokens", "expected a number"},
		{"another ttl", user(`{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"2h"}}`), "messages.0.content.0.cache_control.ttl", "'5m' or '1h'"},
		{"an unknown effort", `{"output_config":{"effort":"huge"},` + ask + `}`, "output_config.effort", "'xhigh'"},
		{"a format without a schema", `{"output_config":{"format":{"type":"json_schema"}},` + ask + `}`, "output_config.format.schema", "Field required"},
		{"a format of another kind", `{"output_config":{"format":{"type":"json","schema":{}}},` + ask + `}`, "output_config.format.type", "json_schema"},
		{"thinking without a budget", `{"thinking":{"type":"enabled"},` + ask + `}`, "thinking.budget_tokens", "Field required"},
		{"thinking of another kind", `{"thinking":{"type":"on"},` + ask + `}`, "thinking.type", "'adaptive'"},
		{"a tool without a schema", `{"tools":[{"name":"x"}],` + ask + `}`, "tools.0.input_schema", "Field required"},
		{"a tool without a name", `{"tools":[{"input_schema":{}}],` + ask + `}`, "tools.0.name", "Field required"},
		{"a choice without a name", `{"tool_choice":{"type":"tool"},` + ask + `}`, "tool_choice.name", "Field required"},
		{"a choice of another kind", `{"tool_choice":{"type":"function"},` + ask + `}`, "tool_choice.type", "'any'"},
		{"a choice in OpenAI's words", `{"tool_choice":"auto",` + ask + `}`, "tool_choice", "expected an object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dialect{}.DecodeRequest([]byte(tt.body), exchangeFor(sonnet45))
			wantError(t, err, 400, tt.param, tt.part)
		})
	}
}
