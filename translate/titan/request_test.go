package titan

import (
	"bytes"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const express = "amazon.titan-text-express-v1"

func exchange() *chat.Exchange {
	return &chat.Exchange{Model: "my-titan", TargetModel: express, Facts: model.Lookup(express)}
}

func text(s string) chat.Block { return chat.Block{Kind: chat.Text, Text: json.Quote(s)} }

func says(texts ...string) chat.Message { return message(chat.User, texts) }

func answers(texts ...string) chat.Message { return message(chat.Assistant, texts) }

func message(role chat.Role, texts []string) chat.Message {
	m := chat.Message{Role: role}
	for _, s := range texts {
		m.Content = append(m.Content, text(s))
	}
	return m
}

// talk writes a conversation in one line.
func talk(r *chat.Request) string {
	var parts []string
	for _, b := range r.System {
		parts = append(parts, "S<"+b.Text.Unquote()+">")
	}
	for _, m := range r.Messages {
		for _, b := range m.Content {
			parts = append(parts, strings.ToUpper(m.Role.String()[:1])+"<"+b.Text.Unquote()+">")
		}
	}
	return strings.Join(parts, " ")
}

func wantError(t *testing.T, err error, status int, param, part string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) || e.StatusCode() != status || e.Param != param || !strings.Contains(e.Message, part) {
		t.Errorf("error %+v, want %d about %q with %q", err, status, param, part)
	}
}

func TestPromptsAsConversations(t *testing.T) {
	tests := []struct{ name, prompt, want string }{
		{"a question", "User: Hello!\n\nBot:", "U<Hello!>"},
		{"as AWS writes it", "User: Hello!\nBot:", "U<Hello!>"},
		{"white space around", "User:  Hello!  \n\nBot: \n", "U<Hello!>"},
		{"several turns", "User: a\n\nBot: b\n\nUser: c\n\nBot:", "U<a> A<b> U<c>"},
		{"with system text", "Be brief.\nAlways.\n\nUser: a\n\nBot:", "S<Be brief.\nAlways.> U<a>"},
		{"with the beginning of the answer", "User: a\n\nBot: Well,", "U<a> A<Well,>"},
		{"single line breaks belong to a turn if there are double ones", "User: what is\nBot: and\nUser: here?\n\nBot:", "U<what is\nBot: and\nUser: here?>"},
		{"lines within a turn", "User: a\nb\nBot: c\nd\nUser: e\nBot:", "U<a\nb> A<c\nd> U<e>"},
		{"empty turns are none", "User: \n\nBot: b\n\nUser: c\n\nBot:", "A<b> U<c>"},

		{"no conversation", "Tell me a story.", "U<Tell me a story.>"},
		{"a question without Bot:", "User: Hello!", "U<User: Hello!>"},
		{"Bot: alone", "Bot:", "U<Bot:>"},
		{"Bot: first", "Bot: x\n\nUser: y\n\nBot:", "U<Bot: x\n\nUser: y\n\nBot:>"},
		{"the words within a line", "The User: says Bot:", "U<The User: says Bot:>"},
		{"nothing", " \n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			body := append(json.AppendQuoted([]byte(`{"inputText":`), tt.prompt), '}')
			r, err := Dialect{}.DecodeRequest(body, exchange())
			if err != nil || talk(r) != tt.want {
				t.Errorf("got %s, %v; want %s", talk(r), err, tt.want)
			}
		})
	}
}

func TestDecodedRequest(t *testing.T) {
	r, err := Dialect{}.DecodeRequest([]byte(`{"model":"m","stream":true,"inputText":"\u0055ser: Hi\n\nBot:","file_ids":["f"],"other":1,
		"textGenerationConfig":{"temperature":0.70,"topP":1,"maxTokenCount":1e3,"stopSequences":["User:",""],"topK":5}}`), exchange())
	if err != nil {
		t.Fatal(err)
	}
	want := &chat.Request{
		Model: "m", Stream: true, Dialect: Name, FileIDs: []string{"f"}, Messages: []chat.Message{says("Hi")},
		Temperature: chat.Value("0.70"), TopP: chat.Value("1"), MaxTokens: 1000, Stop: []string{"User:"},
		Extra: []chat.Member{{Key: "other", Value: chat.Value("1")}, {Key: "textGenerationConfig.topK", Value: chat.Value("5")}},
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got %+v\nwant %+v", r, want)
	}
}

func TestRefusedRequests(t *testing.T) {
	tests := []struct{ body, param, part string }{
		{`{`, "", "invalid JSON"},
		{`{}`, "inputText", "missing or empty"},
		{`{"inputText":""}`, "inputText", "missing or empty"},
		{`{"inputText":5}`, "inputText", "expected a string"},
		{`{"inputText":"x","textGenerationConfig":[]}`, "textGenerationConfig", "expected an object"},
		{`{"inputText":"x","textGenerationConfig":{"temperature":"1"}}`, "textGenerationConfig.temperature", "expected a number"},
		{`{"inputText":"x","textGenerationConfig":{"maxTokenCount":1.5}}`, "textGenerationConfig.maxTokenCount", "whole number"},
		{`{"inputText":"x","textGenerationConfig":{"stopSequences":"x"}}`, "textGenerationConfig.stopSequences", "expected an array"},
	}
	for _, tt := range tests {
		_, err := Dialect{}.DecodeRequest([]byte(tt.body), exchange())
		wantError(t, err, 400, tt.param, tt.part)
	}
}

func TestEncodedRequests(t *testing.T) {
	tests := []struct {
		name    string
		r       chat.Request
		want    string
		dropped []string
	}{
		{"the README's example", chat.Request{Messages: []chat.Message{says("Hello!")}}, `{"inputText":"User: Hello!\n\nBot:"}`, nil},
		{
			"system text first, all of it",
			chat.Request{System: []chat.Block{text("A"), text(" "), text("B")}, Messages: []chat.Message{says("a"), answers("b"), says("c")}},
			`{"inputText":"A\n\nB\n\nUser: a\n\nBot: b\n\nUser: c\n\nBot:"}`, nil,
		},
		{
			"neighbours are one turn, blank text is none",
			chat.Request{Messages: []chat.Message{says(" a\n", "\t", "b"), says("c"), answers(" "), says("d")}},
			`{"inputText":"User: a\nb\nc\nd\n\nBot:"}`, nil,
		},
		{
			"reasoning of earlier turns says nothing",
			chat.Request{Messages: []chat.Message{says("a"), {Role: chat.Assistant, Content: []chat.Block{{Kind: chat.Thinking, Text: json.Quote("hm")}, text("b")}}, says("c")}},
			`{"inputText":"User: a\n\nBot: b\n\nUser: c\n\nBot:"}`, nil,
		},
		{
			"parameters",
			chat.Request{Messages: []chat.Message{says("a")}, Temperature: chat.Value("1.5"), TopP: chat.Value("0.9"), MaxTokens: 7, Stop: []string{"", "User:", "||", "END"}, ServiceTier: "auto"},
			`{"inputText":"User: a\n\nBot:","textGenerationConfig":{"temperature":1,"topP":0.9,"maxTokenCount":7,"stopSequences":["User:","||"]}}`,
			[]string{"stop"},
		},
		{
			"what Titan has no word for",
			chat.Request{
				Messages: []chat.Message{says("a")}, Tools: []chat.Tool{{Name: "f"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsNone}, TopK: chat.Value("1"), Seed: chat.Value("1"),
				FrequencyPenalty: chat.Value("0"), PresencePenalty: chat.Value("1"), Reasoning: chat.Reasoning{Effort: "high"}, User: json.Quote("u"), Metadata: []chat.Pair{{}},
				Extra: []chat.Member{{Key: "logprobs", Value: chat.Value("true")}, {Key: "store", Value: chat.Value("false")}, {Key: "modalities", Value: chat.Value(`[ "text" ]`)}},
			},
			`{"inputText":"User: a\n\nBot:"}`,
			[]string{"tools", "top_k", "seed", "presence_penalty", "reasoning_effort", "user", "metadata", "logprobs"},
		},
		{
			"a format, in words",
			chat.Request{System: []chat.Block{text("S")}, Messages: []chat.Message{says("a")}, Format: &chat.Format{Schema: chat.Value(`{ "type": "object" }`)}},
			`{"inputText":"S\n\nReply with one valid JSON value that matches this JSON Schema, and nothing else: no text around it, no code fence.\n{\"type\":\"object\"}\n\nUser: a\n\nBot:"}`, nil,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			x := exchange()
			got, err := Dialect{}.EncodeRequest([]byte("head "), &tt.r, x)
			if err != nil || string(got) != "head "+tt.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", got, tt.want, err)
			}
			if !slices.Equal(x.Dropped, tt.dropped) {
				t.Errorf("dropped %q, want %q", x.Dropped, tt.dropped)
			}
		})
	}
}

func TestRequestsThatTitanCannotTake(t *testing.T) {
	with := func(b chat.Block) chat.Request {
		return chat.Request{Messages: []chat.Message{{Role: chat.User, Content: []chat.Block{text("a"), b}}}}
	}
	tool := chat.Tooling{ID: "1", Name: "f"}
	tests := []struct {
		name        string
		r           chat.Request
		param, part string
		fallback    bool
	}{
		{"tools", chat.Request{Messages: []chat.Message{says("a")}, Tools: []chat.Tool{{Name: "f"}}}, "tools", "has no tools", true},
		{"a call in the history", with(chat.Block{Kind: chat.ToolUse, Tool: &tool}), "messages", "tool calls", true},
		{"a result in the history", with(chat.Block{Kind: chat.ToolResult, Tool: &tool}), "messages", "tool calls", true},
		{"an image", with(chat.Block{Kind: chat.Image, Media: &chat.Media{}}), "messages", "kind image", true},
		{"a document", with(chat.Block{Kind: chat.Document, Media: &chat.Media{}}), "messages", "kind document", true},
		{"audio", with(chat.Block{Kind: chat.Audio, Media: &chat.Media{}}), "messages", "kind audio", true},
		{"several choices", chat.Request{N: 3, Messages: []chat.Message{says("a")}}, "n", "one choice", true},
		{"a guardrail of the request's own", chat.Request{Guardrail: chat.Value("{}"), Messages: []chat.Message{says("a")}}, "guardrailConfig", "gateway's configuration", true},
		{"nobody asks", chat.Request{Messages: []chat.Message{says(" ")}}, "messages", "no user message", false},
		{"the assistant begins", chat.Request{Messages: []chat.Message{answers("x"), says("y")}}, "messages", "begins with an assistant", false},
		{"the assistant ends", chat.Request{Messages: []chat.Message{says("x"), answers("y")}}, "messages", "continues none", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Dialect{}.EncodeRequest(nil, &tt.r, exchange())
			wantError(t, err, 400, tt.param, tt.part)
			var e *chat.Error
			if errors.As(err, &e) && e.Fallback != tt.fallback {
				t.Errorf("fallback %v", e.Fallback)
			}
		})
	}
	x := exchange()
	x.RejectUnsupported = true
	for _, r := range []chat.Request{
		{Messages: []chat.Message{says("a")}, Seed: chat.Value("1")},
		{Messages: []chat.Message{says("a")}, Stop: []string{"END"}},
		{Messages: []chat.Message{{Content: []chat.Block{{Text: json.Quote("a"), Cache: chat.CacheDefault}}}}},
		{Messages: []chat.Message{says("a")}, Extra: []chat.Member{{Key: "logprobs", Value: chat.Value("true")}}},
	} {
		if _, err := (Dialect{}).EncodeRequest(nil, &r, x); err == nil || !strings.Contains(err.Error(), "not supported") {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestWhatCanBeAnswered(t *testing.T) {
	hi := []chat.Message{says("a")}
	for _, r := range []chat.Request{
		{Messages: hi},
		{Messages: hi, N: 1},
		{Messages: hi, Tools: []chat.Tool{{Name: "f"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsNone}},
		{Messages: []chat.Message{{Content: []chat.Block{{Kind: chat.Image}}}}},
		{Messages: hi, Extra: []chat.Member{{Key: "modalities", Value: chat.Value(`["text"]`)}}},
	} {
		if err := (Dialect{}).CanAnswer(&r); err != nil {
			t.Errorf("%+v: %v", r, err)
		}
	}
	wantError(t, (Dialect{}).CanAnswer(&chat.Request{Messages: hi, Tools: []chat.Tool{{Name: "f"}}}), 400, "tools", "target_format")
	wantError(t, (Dialect{}).CanAnswer(&chat.Request{Messages: []chat.Message{{Content: []chat.Block{{Kind: chat.ToolUse}}}}}), 400, "messages", "target_format")
	wantError(t, (Dialect{}).CanAnswer(&chat.Request{Messages: hi, N: 2}), 400, "n", "target_format")
	wantError(t, (Dialect{}).CanAnswer(&chat.Request{Messages: hi, Extra: []chat.Member{{Key: "modalities", Value: chat.Value(`["text","audio"]`)}}}), 400, "modalities", "target_format")
}

func TestSplicedBodies(t *testing.T) {
	context := json.Quote("CTX\n\n")
	tests := []struct {
		name, body string
		edits      chat.Edits
		want       string
	}{
		{"nothing to edit", `{ "inputText" : "User: Hi\n\nBot:" , "x":[1 ,2]}`, chat.Edits{}, `{ "inputText" : "User: Hi\n\nBot:" , "x":[1 ,2]}`},
		{
			"model and stream leave", `{"model":"x","inputText":"User: Hi","stream":true,"textGenerationConfig":{"maxTokenCount": 5},"file_ids":[]}`,
			chat.Edits{Model: "y"},
			`{"inputText":"User: Hi","textGenerationConfig":{"maxTokenCount": 5}}`,
		},
		{"files before a text", `{"inputText":"Hi"}`, chat.Edits{Context: context}, `{"inputText":"CTX\n\nHi"}`},
		{"files before a question", `{"inputText":"User: Hi\n\nBot:"}`, chat.Edits{Context: context}, `{"inputText":"User: CTX\n\nHi\n\nBot:"}`},
		{
			"before the last one, whatever is escaped", `{"inputText":"Sys \ud83d\ude00 é\u00e9\n\nUser: a\n\nBot: b\u000A\nUser:   c\nUser: d\n\nBot:"}`,
			chat.Edits{Context: context},
			`{"inputText":"Sys \ud83d\ude00 é\u00e9\n\nUser: a\n\nBot: b\u000A\nUser:   CTX\n\nc\nUser: d\n\nBot:"}`,
		},
		{"no prompt", `{"inputText":5}`, chat.Edits{Context: context}, `{"inputText":5}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b chat.Body
			if err := b.ParseBody([]byte(tt.body)); err != nil {
				t.Fatal(err)
			}
			got, err := Dialect{}.Splice([]byte("head "), &b, &tt.edits, exchange())
			if err != nil || string(got) != "head "+tt.want {
				t.Errorf("got\n%s\nwant\n%s\n%v", got, tt.want, err)
			}
		})
	}
}

// FuzzRequest holds decode(encode(x)) == x: a conversation whose turns do not hold the words of the form survives, and
// whatever is read is written as a prompt that is read the same.
func FuzzRequest(f *testing.F) {
	f.Add(`{"inputText":"User: Hello!\n\nBot:","textGenerationConfig":{"temperature":0.5,"topP":0.5,"maxTokenCount":5,"stopSequences":["|"]}}`, "a", "b", "c")
	f.Add(`{"inputText":"S\nUser: a\nBot: b\nUser: c\nBot:"}`, "line\nline", "\u2028", "User:")
	f.Add(`{"inputText":"x","y":{}}`, "", " ", "\\")
	f.Fuzz(func(t *testing.T, body, system, question, answer string) {
		r, err := Dialect{}.DecodeRequest([]byte(body), exchange())
		if err != nil {
			if _, ours := errors.AsType[*chat.Error](err); !ours {
				t.Fatal(err)
			}
			return
		}
		r.Extra, r.Model, r.Stream, r.FileIDs = nil, "", false, nil
		plain, replaced := true, false
		for _, s := range []string{system, question, answer} {
			plain = plain && s != "" && s == strings.Trim(s, " \t\r\n") && !json.Quote(s).Blank() && json.Quote(s).Unquote() == s &&
				!strings.Contains(s, userWord) && !strings.Contains(s, botWord)
		}
		if plain && !strings.ContainsFunc(system, func(c rune) bool { return c < ' ' || c > '~' }) {
			replaced = true // the body's own talk may hold neighbours of one role, which become one turn
			r.System = []chat.Block{text(system)}
			r.Messages = []chat.Message{says(question), answers(answer), says(question)}
		}
		x := exchange()
		once, err := Dialect{}.EncodeRequest(nil, r, x)
		if err != nil {
			return
		}
		r2, err := Dialect{}.DecodeRequest(once, exchange())
		if err != nil {
			t.Fatalf("%v\n%s", err, once)
		}
		if replaced && talk(r) != talk(r2) {
			t.Fatalf("got %s\nwant %s\n%s", talk(r2), talk(r), once)
		}
		if !bytes.Equal(rules.Clamp(r.Temperature), r2.Temperature) || !bytes.Equal(rules.Clamp(r.TopP), r2.TopP) || r.MaxTokens != r2.MaxTokens {
			t.Fatalf("%+v\n%+v", r, r2)
		}
	})
}
