package responses

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

func str(s string) chat.String { return chat.String(s) }

func textOf(tok string) chat.Block { return chat.Block{Kind: chat.Text, Text: str(tok)} }

func says(blocks ...chat.Block) chat.Message { return chat.Message{Role: chat.User, Content: blocks} }

func answers(blocks ...chat.Block) chat.Message {
	return chat.Message{Role: chat.Assistant, Content: blocks}
}

func use(id, name, input string) chat.Block {
	return chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{ID: id, Name: name, Input: chat.Value(input)}}
}

func result(id string, content ...chat.Block) chat.Block {
	return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: id, Content: content}}
}

func media(kind chat.BlockKind, m chat.Media) chat.Block { return chat.Block{Kind: kind, Media: &m} }

func thoughtOf(maker chat.Maker, text, sealed string) chat.Block {
	return chat.Block{Kind: chat.Thinking, Maker: maker, Text: str(text), Own: chat.Own(chat.Value(sealed))}
}

// pixel is an image of one pixel.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// Bodies of other dialects' clients, as each target takes them: the simulator, which refuses what the real ones refuse,
// takes them all.
func TestEncodeRequest(t *testing.T) {
	yes, no := true, false
	const (
		q       = `"input":[{"role":"user","content":"q"}]`
		kept    = `"store":false`
		sealing = kept + `,"include":["reasoning.encrypted_content"],"reasoning":{"summary":"auto"}`
		object  = `{"type":"object","properties":{}}`
		sealed  = `"gAAAAsimulated-YQ=="`
	)
	asking := []chat.Message{says(textOf(`"q"`))}
	for _, c := range []struct {
		name    string
		x       func() *chat.Exchange
		r       chat.Request
		want    string // what follows the model
		dropped string
	}{
		{name: "a chat", x: runtimeGPT, r: chat.Request{Dialect: "openai", Messages: asking}, want: q + "," + sealing},
		{name: "Claude's client that asks for no thoughts", x: runtimeGPT, r: chat.Request{Dialect: "claude", Messages: asking}, want: q + "," + kept},
		{
			name: "and one that does", x: runtimeGPT,
			r:    chat.Request{Dialect: "claude", Messages: asking, Reasoning: chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 3000}},
			want: q + `,"store":false,"include":["reasoning.encrypted_content"],"reasoning":{"effort":"medium","summary":"auto"}`,
		},
		{
			name: "and one that wants none", x: runtimeGPT,
			r:    chat.Request{Dialect: "claude", Messages: asking, Reasoning: chat.Reasoning{Thinking: chat.ThinkingOff}},
			want: q + `,"store":false,"reasoning":{"effort":"none"}`,
		},
		{
			name: "a model that does not reason", x: func() *chat.Exchange {
				return &chat.Exchange{TargetModel: "gpt-4o", Facts: model.Lookup("gpt-4o")}
			},
			r: chat.Request{Dialect: "openai", Messages: asking, Reasoning: chat.Reasoning{Effort: "low"}}, want: q + "," + kept, dropped: "reasoning_effort",
		},
		{
			name: "system text, in place and amid the conversation", x: runtimeGPT,
			r: chat.Request{Dialect: "claude", System: []chat.Block{textOf(`"s"`), textOf(`"t"`)}, Messages: []chat.Message{
				says(textOf(`"q"`)), answers(textOf(`"a"`)), {Operator: true, Content: []chat.Block{textOf(`"u"`)}}, says(textOf(`"r"`)),
			}},
			want: `"input":[{"role":"developer","content":[{"type":"input_text","text":"s"},{"type":"input_text","text":"t"}]},{"role":"user","content":"q"},` +
				`{"role":"assistant","content":"a"},{"role":"developer","content":"u"},{"role":"user","content":"r"}],` + kept,
		},
		{
			name: "the operator's word for others than OpenAI's models", x: func() *chat.Exchange {
				return &chat.Exchange{
					TargetModel: "xai.grok-4.3", Access: model.Access{API: model.Responses, Host: model.Mantle, Path: "/openai/v1"},
					Facts: model.Lookup("xai.grok-4.3").ByResponses(),
				}
			},
			r:    chat.Request{Dialect: "claude", System: []chat.Block{textOf(`"s"`)}, Messages: asking},
			want: `"input":[{"role":"system","content":"s"},{"role":"user","content":"q"}],` + kept,
		},
		{
			name: "cache breakpoints", x: runtimeGPT,
			r: chat.Request{Dialect: "claude", System: []chat.Block{{Kind: chat.Text, Text: str(`"s"`), Cache: chat.CacheOneHour}}, Messages: []chat.Message{
				says(textOf(`"q"`)), answers(use("c", "f", `{}`)),
				says(chat.Block{Kind: chat.ToolResult, Cache: chat.CacheDefault, Tool: &chat.Tooling{ID: "c", Content: []chat.Block{textOf(`"x"`)}}}),
			}, Tools: []chat.Tool{{Name: "f", Cache: chat.CacheDefault}}},
			want: `"tools":[{"type":"function","name":"f","parameters":` + object + `,"strict":false}],` +
				`"input":[{"role":"developer","content":[{"type":"input_text","text":"s","prompt_cache_breakpoint":{"mode":"explicit","ttl":"12h"}}]},{"role":"user","content":"q"},` +
				`{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"x","prompt_cache_breakpoint":{"mode":"explicit"}}]}],` + kept,
		},
		{
			name: "cache breakpoints of a model that takes none", x: func() *chat.Exchange {
				x := runtimeGPT()
				x.Facts = model.Lookup("us.openai.gpt-5.5").ByResponses()
				return x
			},
			r:    chat.Request{Dialect: "claude", System: []chat.Block{{Kind: chat.Text, Text: str(`"s"`), Cache: chat.CacheOneHour}}, Messages: asking},
			want: `"input":[{"role":"developer","content":"s"},{"role":"user","content":"q"}],` + kept,
		},
		{
			name: "tools, strict where the client says so", x: runtimeGPT,
			r: chat.Request{
				Dialect: "openai", Messages: asking,
				Tools: []chat.Tool{
					{Name: "f", Description: str(`"d"`), Schema: chat.Value(`{"type":"object","properties":{"x":{"type":"string"}},"required":["x"],"additionalProperties":false}`), Strict: &yes},
					{Name: "g", Schema: chat.Value(`{}`), Strict: &no},
					{Name: "h"},
					{Name: "web_search", Raw: chat.Value(`{"type":"x"}`), Dialect: "claude"},
				},
				ToolChoice: chat.ToolChoice{Kind: chat.ToolsAny, Allowed: []string{"f", "h"}}, ParallelToolCalls: &no,
			},
			want: `"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object","properties":{"x":{"type":"string"}},"required":["x"],"additionalProperties":false},"strict":true},` +
				`{"type":"function","name":"g","parameters":` + object + `,"strict":false},{"type":"function","name":"h","parameters":` + object + `,"strict":false}],` +
				`"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"function","name":"h"}]},"parallel_tool_calls":false,` + q + "," + sealing,
			dropped: "tools.web_search",
		},
		{
			name: "one tool", x: runtimeGPT,
			r:    chat.Request{Dialect: "claude", Messages: asking, Tools: []chat.Tool{{Name: "f.g"}}, ToolChoice: chat.ToolChoice{Kind: chat.ToolsNamed, Name: "f.g"}},
			want: `"tools":[{"type":"function","name":"f_g_d2bb54fa","parameters":` + object + `,"strict":false}],"tool_choice":{"type":"function","name":"f_g_d2bb54fa"},` + q + "," + kept,
		},
		{
			name: "calls and results, with pictures in them and failed ones", x: runtimeGPT,
			r: chat.Request{Dialect: "claude", Messages: []chat.Message{
				says(textOf(`"q"`)), answers(textOf(`"a"`), use("c", "f", `{ "x" : 1 }`), use("d", "f", ``)),
				says(
					result("c", textOf(`"see"`), media(chat.Image, chat.Media{Type: "image/png", Data: []byte(pixel)})),
					chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: "d", IsError: true, Content: []chat.Block{textOf(`"no"`)}}},
					textOf(`"go on"`),
				),
			}},
			want: `"input":[{"role":"user","content":"q"},{"role":"assistant","content":"a"},{"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\":1}"},{"type":"function_call","call_id":"d","name":"f","arguments":"{}"},` +
				`{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `"}]},` +
				`{"type":"function_call_output","call_id":"d","output":[{"type":"input_text","text":"Error:"},{"type":"input_text","text":"no"}]},{"role":"user","content":"go on"}],` + kept,
		},
		{
			name: "ids that begin anew with each turn", x: runtimeGPT,
			r: chat.Request{Dialect: "claude", Messages: []chat.Message{
				says(textOf(`"q"`)), answers(use("call_0", "f", `{}`)), says(result("call_0")), answers(use("call_0", "f", `{}`)), says(result("call_0", textOf(`"x"`))),
			}},
			want: `"input":[{"role":"user","content":"q"},{"type":"function_call","call_id":"call_0","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_0","output":""},` +
				`{"type":"function_call","call_id":"call_0_2","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_0_2","output":"x"}],` + kept,
		},
		{
			name: "thoughts go back to their maker, before what they led to", x: runtimeGPT,
			r: chat.Request{Dialect: "claude", Messages: []chat.Message{
				says(textOf(`"q"`)),
				answers(thoughtOf(chat.MakerGPT, `"hm"`, sealed), thoughtOf(chat.MakerClaude, `"x"`, `"EqQB"`), chat.Block{Kind: chat.RedactedThinking, Maker: chat.MakerGPT, Own: chat.Own(chat.Value(sealed))}, textOf(`"a"`)),
				says(textOf(`"r"`)), answers(thoughtOf(chat.MakerGPT, `"cut"`, sealed)), says(textOf(`"s"`)),
			}},
			want: `"input":[{"role":"user","content":"q"},{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":` + sealed + `},{"type":"reasoning","summary":[],"encrypted_content":` + sealed + `},` +
				`{"role":"assistant","content":"a"},{"role":"user","content":"r"},{"role":"user","content":"s"}],` + kept,
			dropped: "thinking_blocks",
		},
		{
			name: "what OpenAI's models refused before", x: runtimeGPT,
			r:    chat.Request{Dialect: "openai", Messages: []chat.Message{says(textOf(`"q"`)), answers(textOf(`"a"`), chat.Block{Kind: chat.Refusal, Text: str(`"no"`)}), says(textOf(`"r"`))}},
			want: `"input":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"no"}]},{"role":"user","content":"r"}],` + sealing,
		},
		{
			name: "documents", x: runtimeGPT,
			r: chat.Request{Dialect: "claude", Messages: []chat.Message{says(
				media(chat.Document, chat.Media{Type: "application/pdf", Name: "a", Data: []byte("JVBERg==")}),
				media(chat.Document, chat.Media{Name: "b", Text: str(`"text"`)}),
				media(chat.Document, chat.Media{Type: "text/plain", Data: []byte("aGk="), Context: str(`"about"`)}),
				media(chat.Image, chat.Media{S3: "s3://b/c.png", Detail: "low"}), textOf(`"q"`),
			)}},
			want: `"input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERg=="},{"type":"input_text","text":"b:\ntext"},` +
				`{"type":"input_text","text":"about"},{"type":"input_text","text":"hi"},{"type":"input_image","image_url":"s3://b/c.png","detail":"low"},{"type":"input_text","text":"q"}]}],` + kept,
		},
		{
			name: "what OpenAI fetches or keeps", x: openAI,
			r: chat.Request{Dialect: "openai", Messages: []chat.Message{says(
				media(chat.Image, chat.Media{URL: "https://a/b.png"}), media(chat.Document, chat.Media{URL: "https://a/b.pdf"}), media(chat.Document, chat.Media{FileID: "file-1"}),
			)}},
			want: `"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a/b.png"},{"type":"input_file","file_url":"https://a/b.pdf"},{"type":"input_file","file_id":"file-1"}]}],` + sealing,
		},
		{
			name: "parameters", x: runtimeGPT,
			r: chat.Request{
				Dialect: "openai", Messages: asking, MaxTokens: 200_000, Temperature: chat.Value("0.5"), TopP: chat.Value("1"), TopK: chat.Value("3"), Seed: chat.Value("1"),
				FrequencyPenalty: chat.Value("1"), PresencePenalty: chat.Value("0"), Stop: []string{"x"}, Stream: true, ServiceTier: "flex", User: str(`"u"`),
				Metadata: []chat.Pair{{Key: "a", Value: "b"}},
				Format:   &chat.Format{Name: "n n", Schema: chat.Value(`{"type":"object","properties":{},"additionalProperties":false}`), Strict: &yes},
				Extra: []chat.Member{
					{Key: "verbosity", Value: chat.Value(`"low"`)}, {Key: "prompt_cache_key", Value: chat.Value(`"k"`)}, {Key: "logprobs", Value: chat.Value("true")}, {Key: "store", Value: chat.Value("false")},
				},
			},
			want: q + "," + sealing + `,"max_output_tokens":128000,"text":{"verbosity":"low","format":{"type":"json_schema","name":"response","schema":{"type":"object","properties":{},"additionalProperties":false},"strict":true}},` +
				`"stream":true,"service_tier":"flex","user":"u","metadata":{"a":"b"},"prompt_cache_key":"k"`,
			dropped: "max_tokens above 128000 temperature top_k seed frequency_penalty stop logprobs",
		},
		{
			name: "sampling without reasoning, and a very short reply", x: runtimeGPT,
			r: chat.Request{
				Dialect: "claude", Messages: []chat.Message{says(textOf(`"json"`))}, MaxTokens: 3, Temperature: chat.Value("0.5"), Reasoning: chat.Reasoning{Effort: "none"}, Stop: []string{"x"},
				Format: &chat.Format{}, ServiceTier: "standard_only", Betas: []string{"b"},
			},
			want: `"input":[{"role":"user","content":"json"}],"store":false,"reasoning":{"effort":"none"},"max_output_tokens":16,"temperature":0.5,"text":{"format":{"type":"json_object"}}`, dropped: "max_tokens below 16 stop_sequences anthropic_beta",
		},
		{
			name: "a response of somebody's to compare the cache with", x: openAI, r: chat.Request{Dialect: "openai", Messages: asking, Extra: []chat.Member{
				{Key: "prompt_cache_options", Value: chat.Value(`{"comparison_response_id":"resp_1","ttl":"30m"}`)},
			}},
			want: q + "," + sealing + `,"prompt_cache_options":{"ttl":"30m"}`, dropped: "prompt_cache_options.comparison_response_id",
		},
		{
			name: "mantle's tiers", x: mantleGPT, r: chat.Request{Dialect: "openai", Messages: asking, ServiceTier: "flex"}, want: q + "," + sealing, dropped: "service_tier",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := c.x()
			got, err := Dialect{}.EncodeRequest(nil, &c.r, x)
			if err != nil {
				t.Fatal(err)
			}
			if want := `{"model":"` + x.TargetModel + `",` + c.want + "}"; string(got) != want || strings.Join(x.Dropped, " ") != c.dropped {
				t.Errorf("got  %s\nwant %s\ndropped %q", got, want, x.Dropped)
			}
			if !strings.Contains(c.name, "OpenAI fetches") && x.Facts.Family == model.GPT {
				accepted(t, x, got)
			}
		})
	}
}

// What this API cannot say is an error by which another one is tried.
func TestEncodeRequestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		r        chat.Request
		fallback bool
		code     string
	}{
		"several choices":       {chat.Request{N: 2, Messages: []chat.Message{says(textOf(`"q"`))}}, true, "unsupported_parameter"},
		"a video":               {chat.Request{Messages: []chat.Message{says(media(chat.Video, chat.Media{S3: "s3://a"}))}}, true, ""},
		"audio":                 {chat.Request{Messages: []chat.Message{says(media(chat.Audio, chat.Media{Type: "audio/wav", Data: []byte("AA==")}))}}, true, ""},
		"an image by address":   {chat.Request{Messages: []chat.Message{says(media(chat.Image, chat.Media{URL: "https://a"}))}}, false, chat.CodeRemote},
		"a document by address": {chat.Request{Messages: []chat.Message{says(media(chat.Document, chat.Media{URL: "https://a"}))}}, true, ""},
		"no words":              {chat.Request{}, false, ""},
		"an unknown effort":     {chat.Request{Reasoning: chat.Reasoning{Effort: "some"}, Messages: []chat.Message{says(textOf(`"q"`))}}, false, ""},
	} {
		_, err := Dialect{}.EncodeRequest(nil, &c.r, runtimeGPT())
		e, ok := errors.AsType[*chat.Error](err)
		if !ok || e.StatusCode() != 400 || e.Fallback != c.fallback || e.Code != c.code {
			t.Errorf("%s: %+v", name, err)
		}
	}
}

// A client of Responses whose body must be written anew loses nothing by it.
func TestOwnBodiesWrittenAnew(t *testing.T) {
	const body = `{"model":"m","instructions":"Be brief.","input":[` +
		`{"type":"message","role":"user","content":[{"type":"input_text","text":"q"},{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `","detail":"low"}]},` +
		`{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAAAsimulated-YQ=="},` +
		`{"type":"function_call","call_id":"a","name":"f","namespace":"n","arguments":"{}"},{"type":"custom_tool_call","call_id":"b","name":"p","input":"*** x"},` +
		`{"type":"shell_call","call_id":"c","action":{"commands":["ls"]},"status":"completed"},` +
		`{"type":"function_call_output","call_id":"a","output":"1"},{"type":"custom_tool_call_output","call_id":"b","output":"2"},{"type":"shell_call_output","call_id":"c","output":[{"stdout":"x","stderr":"","outcome":{"type":"exit","exit_code":0}}]},` +
		`{"role":"user","content":"go on"}],` +
		`"tools":[{"type":"namespace","name":"n","description":"Of n.","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]},{"type":"custom","name":"p","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},{"type":"shell"},{"type":"web_search"}],` +
		`"reasoning":{"effort":"low","summary":"auto"},"text":{"verbosity":"low"},"include":["reasoning.encrypted_content"],"prompt_cache_key":"k","max_output_tokens":100,"store":false,"client_metadata":{"a":"b"}}`
	x := runtimeGPT()
	x.Target = Name
	r, err := Dialect{}.DecodeRequest([]byte(body), x)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Dialect{}.EncodeRequest(nil, r, x)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		`"content":"Be brief."`, `{"type":"input_image","image_url":"data:image/png;base64,` + pixel + `","detail":"low"}`,
		`{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAAAsimulated-YQ=="}`,
		`"call_id":"a"`, `"namespace":"n"`, `{"type":"custom_tool_call","call_id":"b","name":"p","input":"*** x"}`, `{"type":"custom_tool_call_output","call_id":"b","output":"2"}`,
		`{"type":"function_call","call_id":"c","name":"shell","arguments":"{\"action\":{\"commands\":[\"ls\"]}}"}`, `{"type":"function_call_output","call_id":"c","output":`,
		`{"type":"namespace","name":"n","description":"Of n.","tools":[{"type":"function","name":"f","parameters":{"type":"object"}}]}`,
		`{"type":"custom","name":"p","format":{"type":"grammar","syntax":"lark","definition":"start: x"}}`, `{"type":"function","name":"shell"`,
		`"effort":"low"`, `"summary":"auto"`, `"verbosity":"low"`, `"include":["reasoning.encrypted_content"]`, `"prompt_cache_key":"k"`, `"client_metadata":{"a":"b"}`, `"store":false`, `"max_output_tokens":100`,
	} {
		if !strings.Contains(string(got), part) {
			t.Errorf("no %s in\n%s", part, got)
		}
	}
	if strings.Join(x.Dropped, " ") != "tools.web_search" || !x.Aliased() {
		t.Errorf("dropped %q, aliased %v", x.Dropped, x.Aliased())
	}
	accepted(t, x, got)
}

func BenchmarkEncodeRequest(b *testing.B) {
	r := &chat.Request{Dialect: "openai", System: []chat.Block{textOf(`"Be brief."`)}, Tools: []chat.Tool{{Name: "f"}}}
	for range 5 {
		r.Messages = append(r.Messages, says(textOf(`"`+strings.Repeat("some words of a chat, ", 14)+`"`)), answers(textOf(`"`+strings.Repeat("and of an answer, ", 14)+`"`)))
	}
	buf := make([]byte, 0, 1<<14)
	b.ReportAllocs()
	for b.Loop() {
		x := chat.Exchange{TargetModel: "gpt-4o"}
		if _, err := (Dialect{}).EncodeRequest(buf, r, &x); err != nil {
			b.Fatal(err)
		}
	}
}
