package converse

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Models that stand for what differs between them.
const (
	sonnet45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	opus46   = "us.anthropic.claude-opus-4-6-v1"
	opus48   = "us.anthropic.claude-opus-4-8"
	fable51  = "us.anthropic.claude-fable-5-1"
	haiku3   = "anthropic.claude-3-haiku-20240307-v1:0"
	nova     = "us.amazon.nova-pro-v1:0"
	nova2    = "global.amazon.nova-2-lite-v1:0"
	llama    = "us.meta.llama3-3-70b-instruct-v1:0"
	mistral  = "mistral.mistral-large-2402-v1:0"
	mistral7 = "mistral.mistral-7b-instruct-v0:2"
	gptOSS   = "openai.gpt-oss-120b-1:0"
	gpt56    = "us.openai.gpt-5.6-sol"
	grok46   = "xai.grok-4.6"
	deepseek = "deepseek.v3-v1:0"
	r1       = "us.deepseek.r1-v1:0"
	cohere   = "cohere.command-r-plus-v1:0"
	unknown  = "writer.palmyra-x5-v1:0"
)

func exchange(id string) *chat.Exchange {
	return &chat.Exchange{Model: "client-name", TargetModel: id, Facts: model.Lookup(id)}
}

func q(s string) chat.String { return quote(s) }

func say(s string) chat.Block { return chat.Block{Kind: chat.Text, Text: q(s)} }

func user(b ...chat.Block) chat.Message { return chat.Message{Role: chat.User, Content: b} }

func assistant(b ...chat.Block) chat.Message { return chat.Message{Role: chat.Assistant, Content: b} }

func toolCall(id, name, input string) chat.Block {
	return chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{ID: id, Name: name, Input: chat.Value(input)}}
}

func toolAnswer(id string, content ...chat.Block) chat.Block {
	return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: id, Content: content}}
}

func thinking(s, signature string) chat.Block {
	b := chat.Block{Kind: chat.Thinking, Text: q(s)}
	if signature != "" {
		b.Own = chat.Own(q(signature))
	}
	return b
}

func ask(msgs ...chat.Message) *chat.Request { return &chat.Request{Messages: msgs} }

// hello is a request with one question, changed by with.
func hello(with func(*chat.Request)) *chat.Request {
	r := ask(user(say("hi")))
	if with != nil {
		with(r)
	}
	return r
}

const (
	messagesHello = `"messages":[{"role":"user","content":[{"text":"hi"}]}]`
	bodyHello     = `{` + messagesHello + `}`
)

func weather() chat.Tool {
	return chat.Tool{Name: "weather", Description: q("Tells it."), Schema: chat.Value(`{"type":"object","properties":{"city":{"type":"string"}}}`)}
}

const specWeather = `{"toolSpec":{"name":"weather","description":"Tells it.","inputSchema":{"json":{"type":"object","properties":{"city":{"type":"string"}}}}}}`

type encodeCase struct {
	name    string
	model   string // sonnet45 if empty
	request *chat.Request
	want    string // the whole body; "…" alone where only the rest matters
	has     []string
	hasNot  []string
	dropped string // names joined by a space
	refused string // part of the message of a 400
	setup   func(*chat.Exchange)
	unsure  bool // the simulator does not know the model, or refuses it by a rule of its own
}

func runEncode(t *testing.T, cases []encodeCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			id := c.model
			if id == "" {
				id = sonnet45
			}
			x := exchange(id)
			if c.setup != nil {
				c.setup(x)
			}
			got, err := Dialect{}.EncodeRequest([]byte("x"), c.request, x)
			if c.refused != "" {
				var refusal *chat.Error
				if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, c.refused) {
					t.Fatalf("error %v, want a refusal with %q; body %s", err, c.refused, got)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got[0] != 'x' {
				t.Fatal("what stood in dst was overwritten")
			}
			body := string(got[1:])
			checkShape(t, body)
			if !c.unsure {
				checkTaken(t, id, c.request.Stream, body)
			}
			if c.want != "" && body != c.want {
				t.Errorf("got  %s\nwant %s", body, c.want)
			}
			for _, part := range c.has {
				if !strings.Contains(body, part) {
					t.Errorf("%s lacks %s", body, part)
				}
			}
			for _, part := range c.hasNot {
				if strings.Contains(body, part) {
					t.Errorf("%s has %s", body, part)
				}
			}
			if dropped := strings.Join(x.Dropped, " "); dropped != c.dropped {
				t.Errorf("dropped %q, want %q", dropped, c.dropped)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	runEncode(t, []encodeCase{
		{name: "a question is one turn", request: hello(nil), want: bodyHello},
		{
			name: "system text from everywhere in order",
			request: hello(func(r *chat.Request) {
				r.System = []chat.Block{say("one"), say(" \n"), say("two")}
			}),
			want: `{"system":[{"text":"one"},{"text":"two"}],` + messagesHello + `}`,
		},
		{
			name: "no system text where the model takes none", model: mistral7,
			request: hello(func(r *chat.Request) { r.System = []chat.Block{say("be brief")} }),
			want:    `{"messages":[{"role":"user","content":[{"text":"be brief"},{"text":"hi"}]}]}`,
		},
		{
			name:    "neighbours of one role merge",
			request: ask(user(say("a")), user(say("b")), assistant(say("c")), assistant(say("d")), user(say("e"))),
			want:    `{"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]},{"role":"assistant","content":[{"text":"c"},{"text":"d"}]},{"role":"user","content":[{"text":"e"}]}]}`,
		},
		{
			name:    "blank parts and messages left empty are dropped, and their neighbours merge",
			request: ask(user(say("a"), say("")), assistant(say(" \t\n")), user(say(" "), say("b"))),
			want:    `{"messages":[{"role":"user","content":[{"text":"a"},{"text":"b"}]}]}`,
		},
		{
			name:    "escapes reach the target as they were",
			request: ask(user(chat.Block{Kind: chat.Text, Text: chat.String(`"\u0041\/\ud83d\ude00 é"`)})),
			want:    `{"messages":[{"role":"user","content":[{"text":"\u0041\/\ud83d\ude00 é"}]}]}`,
		},
		{
			name: "results form one turn before the user's text",
			request: ask(user(say("q")), assistant(toolCall("a", "f", "{}"), toolCall("b", "g", `{"x": 1}`)),
				user(say("and?"), toolAnswer("a", say("1"))), user(toolAnswer("b", say("2")))),
			has: []string{
				`{"role":"assistant","content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}},{"toolUse":{"toolUseId":"b","name":"g","input":{"x":1}}}]}`,
				`{"role":"user","content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}},{"toolResult":{"toolUseId":"b","content":[{"text":"2"}]}},{"text":"and?"}]}]`,
			},
		},
		{
			name: "reasoning, then text, then calls", unsure: true,
			request: ask(user(say("q")), assistant(say("t"), toolCall("a", "f", "{}"), thinking("h", "sig"), say("u")), user(toolAnswer("a", say("1")))),
			has:     []string{`"content":[{"reasoningContent":{"reasoningText":{"text":"h","signature":"sig"}}},{"text":"t"},{"text":"u"},{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]`},
		},
		{
			name: "a turn interleaved by Claude stays as it was, or its signatures would not match", unsure: true,
			request: ask(user(say("q")), assistant(thinking("h", "s1"), say("t"), thinking("i", "s2"), toolCall("a", "f", "{}")), user(toolAnswer("a", say("1")))),
			has:     []string{`[{"reasoningContent":{"reasoningText":{"text":"h","signature":"s1"}}},{"text":"t"},{"reasoningContent":{"reasoningText":{"text":"i","signature":"s2"}}},{"toolUse"`},
		},
		{
			name: "redacted reasoning and a bare signature survive", unsure: true,
			request: ask(user(say("q")), assistant(chat.Block{Kind: chat.RedactedThinking, Own: chat.Own(q("RGF0YQ=="))},
				chat.Block{Kind: chat.Thinking, Own: chat.Own(q("s"))}, say("t")), user(say("n"))),
			has: []string{`[{"reasoningContent":{"redactedContent":"RGF0YQ=="}},{"reasoningContent":{"reasoningText":{"text":"","signature":"s"}}},{"text":"t"}]`},
		},
		{
			name:    "unsigned reasoning does not go to Claude",
			request: ask(user(say("q")), assistant(thinking("h", ""), say("t")), user(say("n"))),
			hasNot:  []string{"reasoningContent"}, dropped: "thinking_blocks",
		},
		{
			name: "no reasoning to a model that has none", model: llama,
			request: ask(user(say("q")), assistant(thinking("h", "s"), say("t")), user(say("n"))),
			hasNot:  []string{"reasoningContent"}, dropped: "thinking_blocks",
		},
		{
			name: "unsigned reasoning goes back to others", model: gptOSS,
			request: ask(user(say("q")), assistant(thinking("h", ""), say("t")), user(say("n"))),
			has:     []string{`[{"reasoningContent":{"reasoningText":{"text":"h"}}},{"text":"t"}]`},
		},
		{
			name:    "a refusal is text",
			request: ask(user(say("q")), assistant(chat.Block{Kind: chat.Refusal, Text: q("no")}), user(say("n"))),
			has:     []string{`{"role":"assistant","content":[{"text":"no"}]}`},
		},
		{name: "a prefill where the model continues one", request: ask(user(say("q")), assistant(say("{"))), has: []string{`{"role":"assistant","content":[{"text":"{"}]}]`}},
		{name: "no prefill where it does not", model: opus46, request: ask(user(say("q")), assistant(say("{"))), refused: "ends with an assistant message"},
		{name: "a leading assistant message", request: ask(assistant(say("a")), user(say("b"))), refused: "begins with an assistant message"},
		{name: "no message", request: ask(), refused: "no user message"},
		{name: "only blank messages", request: ask(user(say(" "))), refused: "no user message"},
		{
			name:    "equal ids in a turn are one call",
			request: ask(user(say("q")), assistant(toolCall("a", "f", "{}"), toolCall("a", "f", "{}")), user(toolAnswer("a", say("1")), toolAnswer("a", say("1")))),
			has: []string{
				`"content":[{"toolUse":{"toolUseId":"a","name":"f","input":{}}}]`,
				`"content":[{"toolResult":{"toolUseId":"a","content":[{"text":"1"}]}}]`,
			},
		},
		{name: "a result nobody asked for", request: ask(user(say("q"), toolAnswer("zz", say("1")))), refused: "'zz'"},
		{name: "a result behind the next turn", request: ask(user(say("q")), assistant(toolCall("a", "f", "{}")), user(toolAnswer("a")), assistant(say("t")), user(toolAnswer("a"))), refused: "'a'"},
		{name: "a call without a result", request: ask(user(say("q")), assistant(toolCall("a", "f", "{}")), user(say("n"))), refused: "'a' has no result"},
		{name: "a call of the user's", request: ask(user(say("q"), toolCall("a", "f", "{}"))), refused: "'a' stands in a user message"},
		{name: "a result of the assistant's", request: ask(user(say("q")), assistant(toolAnswer("a"))), refused: "'a' stands in an assistant message"},
		{name: "a call at the end", request: ask(user(say("q")), assistant(toolCall("a", "f", "{}"))), refused: "'a' has no result"},
		{
			name:    "an empty result has no blank text",
			request: ask(user(say("q")), assistant(toolCall("a", "f", "")), user(toolAnswer("a", say("")))),
			has:     []string{`"input":{}`, `{"toolResult":{"toolUseId":"a","content":[]}}`},
		},
		{
			name: "a failed call is told to the models that know the status",
			request: ask(user(say("q")), assistant(toolCall("a", "f", "{}")), user(chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{
				ID: "a", IsError: true, Content: []chat.Block{say("boom")},
			}})),
			has: []string{`{"toolResult":{"toolUseId":"a","content":[{"text":"boom"}],"status":"error"}}`},
		},
		{
			name: "and not to the others", model: llama,
			request: ask(user(say("q")), assistant(toolCall("a", "f", "{}")), user(chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{
				ID: "a", IsError: true, Content: []chat.Block{say("boom")},
			}})),
			hasNot: []string{"status"},
		},
		{
			name: "a block of another dialect's own", request: ask(user(say("q"), chat.Block{Kind: chat.Opaque, Own: chat.Own(chat.Value(`{"a":1}`)), Dialect: chat.Claude})),
			want: `{"messages":[{"role":"user","content":[{"text":"q"}]}]}`, dropped: "messages.content",
		},
		{
			name: "a participant's name", request: ask(chat.Message{Name: "bob", Content: []chat.Block{say("q")}}),
			want: `{"messages":[{"role":"user","content":[{"text":"q"}]}]}`, dropped: "messages.name",
		},
	})
}
