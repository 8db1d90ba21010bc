package converse

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

func withTools(with func(*chat.Request), tools ...chat.Tool) *chat.Request {
	r := hello(with)
	r.Tools = tools
	return r
}

func other() chat.Tool { return chat.Tool{Name: "clock", Description: q("Tells the time.")} }

const specClock = `{"toolSpec":{"name":"clock","description":"Tells the time.","inputSchema":{"json":{"type":"object","properties":{}}}}}`

func choose(kind chat.ToolChoiceKind, name string, allowed ...string) func(*chat.Request) {
	return func(r *chat.Request) { r.ToolChoice = chat.ToolChoice{Kind: kind, Name: name, Allowed: allowed} }
}

func serial(r *chat.Request) {
	no := false
	r.ParallelToolCalls = &no
}

func history(name string) []chat.Message {
	return []chat.Message{user(say("q")), assistant(toolCall("a", name, "{}")), user(toolAnswer("a", say("1")))}
}

func TestTools(t *testing.T) {
	yes := true
	long := strings.Repeat("x", 65)
	runEncode(t, []encodeCase{
		{
			name: "specs without a choice", request: withTools(nil, weather(), other()),
			want: `{"toolConfig":{"tools":[` + specWeather + `,` + specClock + `]},` + messagesHello + `}`,
		},
		{name: "auto is the default and not written", request: withTools(choose(chat.ToolsAuto, ""), weather()), want: `{"toolConfig":{"tools":[` + specWeather + `]},` + messagesHello + `}`},
		{name: "required is any", request: withTools(choose(chat.ToolsAny, ""), weather()), has: []string{`"toolChoice":{"any":{}}`}},
		{name: "named is tool", request: withTools(choose(chat.ToolsNamed, "weather"), weather(), other()), has: []string{`"toolChoice":{"tool":{"name":"weather"}}`, specClock}},
		{
			name: "named is any of one where a name cannot be given", model: mistral, request: withTools(choose(chat.ToolsNamed, "weather"), weather(), other()),
			has: []string{`"toolChoice":{"any":{}}`, specWeather}, hasNot: []string{"clock"},
		},
		{name: "a choice of a tool that is not there", request: withTools(choose(chat.ToolsNamed, "nope"), weather()), refused: "'nope'"},
		{name: "none without a history drops the tools", request: withTools(choose(chat.ToolsNone, ""), weather()), want: bodyHello},
		{
			name: "none with a history keeps the specs", request: &chat.Request{Messages: history("weather"), Tools: []chat.Tool{weather()}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsNone}},
			has: []string{specWeather}, hasNot: []string{"toolChoice"},
		},
		{name: "allowed tools are the only ones sent", request: withTools(choose(chat.ToolsAuto, "", "clock"), weather(), other()), has: []string{specClock}, hasNot: []string{"weather"}},
		{
			name: "no forced choice where the model takes none", model: fable51, request: withTools(choose(chat.ToolsAny, ""), weather()),
			hasNot: []string{"toolChoice"}, dropped: "tool_choice",
		},
		{
			name: "no forced choice while Claude reasons",
			request: withTools(func(r *chat.Request) {
				r.ToolChoice.Kind = chat.ToolsAny
				r.Reasoning.Effort = "low"
			}, weather()),
			hasNot: []string{"toolChoice"}, has: []string{"budget_tokens"}, dropped: "tool_choice",
		},
		{
			name: "no parallel calls, in Claude's own words", request: withTools(serial, weather()),
			has: []string{`"additionalModelRequestFields":{"tool_choice":{"type":"auto","disable_parallel_tool_use":true}}`},
		},
		{
			name: "no parallel calls and a named tool",
			request: withTools(func(r *chat.Request) {
				serial(r)
				r.ToolChoice = chat.ToolChoice{Kind: chat.ToolsNamed, Name: "weather"}
			}, weather()),
			has: []string{`"tool_choice":{"type":"tool","name":"weather","disable_parallel_tool_use":true}`}, hasNot: []string{"toolChoice"},
		},
		{name: "parallel calls elsewhere cannot be forbidden", model: nova, request: withTools(serial, weather()), dropped: "parallel_tool_calls"},
		{name: "nor without tools", request: hello(serial), want: bodyHello},
		{
			name: "a description is the name where there is none", request: withTools(nil, chat.Tool{Name: "f", Description: q(" ")}),
			has: []string{`{"toolSpec":{"name":"f","description":"f","inputSchema":{"json":{"type":"object","properties":{}}}}}`},
		},
		{name: "strict where it is known", request: withTools(nil, chat.Tool{Name: "f", Strict: &yes}), has: []string{`"strict":true`}},
		{name: "strict where it is not", model: llama, request: withTools(nil, chat.Tool{Name: "f", Strict: &yes}), hasNot: []string{"strict"}, dropped: "tools.strict"},
		{name: "a history without tools has its specs made up", request: ask(history("f")...), has: []string{`"toolConfig":{"tools":[{"toolSpec":{"name":"f","description":"f"`}},
		{
			name: "names that Bedrock refuses are aliased, the same everywhere",
			request: &chat.Request{
				Messages: history("mcp.srv/do it"), Tools: []chat.Tool{{Name: "mcp.srv/do it"}, {Name: long}},
				ToolChoice: chat.ToolChoice{Kind: chat.ToolsNamed, Name: "mcp.srv/do it"},
			},
			has:    []string{`"toolSpec":{"name":"mcp_srv_do_it_`, `"toolChoice":{"tool":{"name":"mcp_srv_do_it_`, `"toolUse":{"toolUseId":"a","name":"mcp_srv_do_it_`},
			hasNot: []string{"mcp.srv", long},
		},
		{
			name:    "ids that Bedrock refuses are aliased, on the call and its result",
			request: ask(user(say("q")), assistant(toolCall("call/1", "f", "{}"), toolCall("ok", "f", "{}")), user(toolAnswer("call/1", say("1")), toolAnswer("ok"))),
			hasNot:  []string{"call/1"}, has: []string{`"toolUseId":"ok","name"`},
		},
		{
			name: "Mistral's ids have nine characters", model: mistral,
			request: ask(user(say("q")), assistant(toolCall("call_abc123", "f", "{}"), toolCall("Abcdefgh9", "f", "{}")), user(toolAnswer("call_abc123", say("1")), toolAnswer("Abcdefgh9", say("1")))),
			hasNot:  []string{"call_abc123"}, has: []string{`"toolUseId":"Abcdefgh9"`},
		},
		{name: "tools to a model without", model: r1, request: withTools(nil, weather()), want: bodyHello, dropped: "tools"},
		{name: "a history of tools to a model without", model: r1, request: ask(history("f")...), refused: "takes no tools"},
		{
			name: "Claude's own tools are handed on",
			request: withTools(func(r *chat.Request) { r.Betas = []string{"computer-use-2025-01-24"} },
				chat.Tool{Name: "bash", Raw: chat.Value(`{"type":"bash_20250124","name":"bash"}`), Dialect: "claude"}),
			has: []string{`"additionalModelRequestFields":{"tools":[{"type":"bash_20250124","name":"bash"}],"anthropic_beta":["computer-use-2025-01-24"]}`}, hasNot: []string{"toolConfig"},
		},
		{
			name:    "and no spec of their names is made up for a history, but one there must be",
			request: &chat.Request{Messages: history("bash"), Tools: []chat.Tool{{Name: "bash", Raw: chat.Value(`{"type":"bash_20250124","name":"bash"}`), Dialect: "claude"}}},
			has:     []string{`{"toolSpec":{"name":"no_tool"`}, hasNot: []string{`{"toolSpec":{"name":"bash"`},
		},
		{
			name: "tools of another dialect's own kind", request: withTools(nil, chat.Tool{Name: "x", Raw: chat.Value(`{"type":"custom"}`), Dialect: "openai"}),
			want: bodyHello, dropped: "tools",
		},
	})
}

// The client sees its own names again, however the model names them.
func TestAliasesAreUndone(t *testing.T) {
	x := exchange(mistral)
	r := &chat.Request{Messages: ask(user(say("q")), assistant(toolCall("call_1", "do.it", "{}")), user(toolAnswer("call_1", say("1")))).Messages, Tools: []chat.Tool{{Name: "do.it"}}}
	if _, err := (Dialect{}).EncodeRequest(nil, r, x); err != nil {
		t.Fatal(err)
	}
	name, id := x.ToolName("do.it", rules.LegalName, 64), x.ToolID("call_1", rules.IDs{Length: 9}.Legal, 9)
	if name == "do.it" || len(id) != 9 {
		t.Fatalf("no aliases: %s %s", name, id)
	}
	body := `{"output":{"message":{"role":"assistant","content":[{"toolUse":{"toolUseId":"` + id + `","name":"` + name + `","input":{}}}]}},"stopReason":"tool_use"}`
	reply, err := Dialect{}.DecodeResponse([]byte(body), x)
	if err != nil {
		t.Fatal(err)
	}
	if got := reply.Content[0].Tool; got.Name != "do.it" || got.ID != "call_1" {
		t.Errorf("reply has %+v", got)
	}
	d := Dialect{}.NewStreamDecoder(x)
	events, err := d.Decode(nil, []byte("contentBlockStart"), []byte(`{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"`+id+`","name":"`+name+`"}}}`))
	if err != nil || len(events) != 2 || events[1].Name != "do.it" || events[1].ID != "call_1" {
		t.Errorf("stream has %+v, %v", events, err)
	}
}

func TestSchemas(t *testing.T) {
	schema := func(s string) *chat.Request { return withTools(nil, chat.Tool{Name: "f", Schema: chat.Value(s)}) }
	runEncode(t, []encodeCase{
		{name: "none", request: schema(""), has: []string{`{"json":{"type":"object","properties":{}}}`}},
		{name: "null", request: schema("null"), has: []string{`{"json":{"type":"object","properties":{}}}`}},
		{name: "without a type", request: schema(`{"properties": {"a": {}}}`), has: []string{`{"json":{"properties":{"a":{}},"type":"object"}}`}},
		{name: "of another type", request: schema(`{"type":["object","null"],"title":"x"}`), has: []string{`{"json":{"title":"x","type":"object"}}`}},
		{name: "an array", request: schema(`[1]`), refused: "must be a JSON object"},
		{name: "references stay where they are understood", request: schema(`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"string"}}}`), has: []string{`"$ref":"#/$defs/x"`, `"$defs"`}},
		{
			name: "and are put in their places where not", model: llama,
			request: schema(`{"type":"object","properties":{"a":{"$ref":"#/$defs/x","description":"d"},"b":{"type":"array","items":{"$ref":"#/definitions/y"}}},"$defs":{"x":{"type":"string","description":"e"}},"definitions":{"y":{"$ref":"#/$defs/x"}}}`),
			has:     []string{`{"json":{"properties":{"a":{"type":"string","description":"d"},"b":{"type":"array","items":{"type":"string","description":"e"}}},"type":"object"}}`},
		},
		{
			name: "cycles are cut", model: llama,
			request: schema(`{"$ref":"#/$defs/node","$defs":{"node":{"type":"object","properties":{"v":{"type":"integer"},"next":{"$ref":"#/$defs/node"}}}}}`),
			has:     []string{`{"json":{"properties":{"v":{"type":"integer"},"next":{"type":"object"}},"type":"object"}}`},
		},
		{name: "a reference to elsewhere", model: llama, request: schema(`{"type":"object","properties":{"a":{"$ref":"https://x.example/s"}}}`), refused: "$ref to nothing"},
		{
			name: "a property may be named $ref", model: llama, request: schema(`{"type":"object","properties":{"$ref":{"type":"string"}}}`),
			has: []string{`"properties":{"$ref":{"type":"string"}}`},
		},
		{
			name: "Nova's root has three members", model: nova,
			request: schema(`{"$schema":"x","type":"object","title":"t","additionalProperties":false,"properties":{"a":{"type":"object","title":"u","additionalProperties":false}},"required":["a"]}`),
			has:     []string{`{"json":{"properties":{"a":{"type":"object","title":"u","additionalProperties":false}},"required":["a"],"type":"object"}}`},
		},
		{name: "names need their escapes", request: schema(`{"properties":{"a\"b":{"const":"x\ny"}}}`), has: []string{`{"properties":{"a\"b":{"const":"x\ny"}},"type":"object"}`}},
		{name: "white space goes", request: schema("{ \"type\" :\n\"object\" }"), has: []string{`{"json":{"type":"object"}}`}},
	})
}

// Each definition names the next twice, so that 60 of them are 2^60 once inlined.
func TestInliningIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{"a":{"$ref":"#/$defs/d0"}},"$defs":{`)
	for i := range 60 {
		n := string(rune('0'+(i+1)/10)) + string(rune('0'+(i+1)%10))
		this := string(rune('0'+i/10)) + string(rune('0'+i%10))
		if i == 0 {
			this = "0"
		}
		b.WriteString(`"d` + this + `":{"anyOf":[{"$ref":"#/$defs/d` + n + `"},{"$ref":"#/$defs/d` + n + `"}]},`)
	}
	b.WriteString(`"d60":{"type":"string"}}}`)
	runEncode(t, []encodeCase{
		{name: "by size", model: llama, request: withTools(nil, chat.Tool{Name: "f", Schema: chat.Value(b.String())}), refused: "too large"},
		{
			name: "by depth", model: llama,
			request: withTools(nil, chat.Tool{Name: "f", Schema: chat.Value(strings.Repeat(`{"not":`, 500) + `{"$ref":"#"}` + strings.Repeat("}", 500))}),
			refused: "too deeply",
		},
	})
}
