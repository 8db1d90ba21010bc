package converse

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func TestFormat(t *testing.T) {
	format := func(with func(*chat.Request)) *chat.Request {
		return hello(func(r *chat.Request) {
			r.Format = &chat.Format{Name: "person", Schema: v(`{"type":"object","properties":{"n":{"type":"string"},"k":{"type":"array","items":{"type":"object","properties":{}}}}}`)}
			if with != nil {
				with(r)
			}
		})
	}
	const spec = `{"toolSpec":{"name":"structured_output","description":"Gives the final answer in the required structure.","inputSchema":{"json":{"type":"object","properties":{"n":`
	runEncode(t, []encodeCase{
		{
			name: "natively, every object closed", request: format(nil),
			want: `{` + messagesHello + `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":` +
				`"{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"string\"},\"k\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}}},\"additionalProperties\":false}"` +
				`,"name":"person"}}}}}`,
		},
		{
			name: "what was open is closed, definitions too",
			request: hello(func(r *chat.Request) {
				r.Format = &chat.Format{Schema: v(`{"$ref":"#/$defs/x","$defs":{"x":{"type":["object","null"],"additionalProperties":true,"enum":[{"type":"object"}]}}}`)}
			}),
			has: []string{`"{\"$ref\":\"#/$defs/x\",\"$defs\":{\"x\":{\"type\":[\"object\",\"null\"],\"enum\":[{\"type\":\"object\"}],\"additionalProperties\":false}}}"`}, unsure: true,
		},
		{name: "else by a tool that must be called", model: haiku3, request: format(nil), has: []string{spec, `"toolChoice":{"tool":{"name":"structured_output"}}`}, hasNot: []string{"outputConfig"}},
		{name: "by any where a name cannot be given", model: mistral, request: format(nil), has: []string{spec, `"toolChoice":{"any":{}}`}},
		{
			name: "by a word where no call can be forced", model: llama, request: format(nil),
			has: []string{spec, `"system":[{"text":"Give the final answer by calling the tool structured_output once, and not as text."}]`}, hasNot: []string{"toolChoice"},
		},
		{name: "a real call wins", model: haiku3, request: format(func(r *chat.Request) { r.Tools = []chat.Tool{weather()} }), has: []string{specWeather, spec, `"toolChoice":{"any":{}}`}},
		{
			name: "the client's own forced tool leaves no text", model: haiku3,
			request: format(func(r *chat.Request) {
				r.Tools = []chat.Tool{weather()}
				r.ToolChoice = chat.ToolChoice{Kind: chat.ToolsNamed, Name: "weather"}
			}),
			has: []string{`"tool":{"name":"weather"}`}, hasNot: []string{"structured_output"},
		},
		{
			name: "the client has a tool of that name", model: haiku3,
			request: format(func(r *chat.Request) { r.Tools = []chat.Tool{{Name: "structured_output"}} }),
			has:     []string{`"name":"structured_output_"`},
		},
		{
			name: "no tools, but a format", model: haiku3,
			request: format(func(r *chat.Request) {
				r.Tools = []chat.Tool{weather()}
				r.ToolChoice.Kind = chat.ToolsNone
			}),
			has: []string{spec, `"toolChoice":{"tool":{"name":"structured_output"}}`}, hasNot: []string{"weather"},
		},
		{name: "in words where there are no tools", model: r1, request: format(nil), has: []string{`"system":[{"text":"Reply with one valid JSON value that matches this JSON Schema`}},
		{
			name: "without a schema in words alone", request: hello(func(r *chat.Request) { r.Format = &chat.Format{} }),
			want: `{"system":[{"text":"Reply with one valid JSON object and nothing else: no text around it, no code fence."}],` + messagesHello + `}`,
		},
		{
			name: "in words to a model without system text", model: mistral7, request: hello(func(r *chat.Request) { r.Format = &chat.Format{} }),
			has: []string{`"content":[{"text":"Reply with one valid JSON object`},
		},
	})
}

func cached(b chat.Block, ttl string) chat.Block {
	b.Cache, _ = chat.CacheFor(ttl)
	return b
}

func TestCachePoints(t *testing.T) {
	const point = `{"cachePoint":{"type":"default"}}`
	tool := weather()
	tool.Cache = chat.CacheDefault
	result := toolAnswer("a", cached(say("1"), ""))
	runEncode(t, []encodeCase{
		{
			name: "behind what they stand on",
			request: &chat.Request{
				Tools: []chat.Tool{tool, other()}, System: []chat.Block{cached(say("s"), "")},
				Messages: []chat.Message{user(cached(say("hi"), ""), say("you"))},
			},
			want: `{"toolConfig":{"tools":[` + specWeather + `,` + point + `,` + specClock + `]},"system":[{"text":"s"},` + point + `],` +
				`"messages":[{"role":"user","content":[{"text":"hi"},` + point + `,{"text":"you"}]}]}`,
		},
		{
			name: "behind a result, also from inside it", request: ask(user(say("q")), assistant(toolCall("a", "f", "{}")), user(result)),
			has: []string{`"content":[{"text":"1"}]}},` + point},
		},
		{
			name:    "of five the first goes",
			request: ask(user(cached(say("1"), ""), cached(say("2"), ""), cached(say("3"), ""), cached(say("4"), ""), cached(say("5"), ""))),
			want:    `{"messages":[{"role":"user","content":[{"text":"1"},{"text":"2"},` + point + `,{"text":"3"},` + point + `,{"text":"4"},` + point + `,{"text":"5"},` + point + `]}]}`,
		},
		{name: "an hour", request: ask(user(cached(say("hi"), "1h"))), has: []string{`{"cachePoint":{"type":"default","ttl":"1h"}}`}},
		{name: "an hour where there are only minutes", model: nova, request: ask(user(cached(say("hi"), "1h"))), has: []string{point}, dropped: "cache_control.ttl"},
		{name: "none where there is no caching", model: llama, request: ask(user(cached(say("hi"), ""))), want: bodyHello, dropped: "cache_control"},
		{name: "none among Nova's tools", model: nova, request: withTools(nil, tool), hasNot: []string{"cachePoint"}, dropped: "cache_control"},
		{name: "none behind blank text", request: ask(user(say("hi"), cached(say(" "), ""))), want: bodyHello},
	})
}
