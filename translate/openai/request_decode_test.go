package openai

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// user wraps members of a request around a plain question.
func user(members string) string {
	return `{"messages":[{"role":"user","content":"hi"}],` + members + `}`
}

func TestDecodeRequest(t *testing.T) {
	const hi = "user text \"hi\"\n"
	tests := []struct{ name, body, want string }{
		{
			"system and developer text before the first turn and behind it", `{"model":"m","messages":[{"role":"system","content":"a"},{"role":"user","content":"q"},{"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}]}]}`,
			"model m\nsystem text \"a\"\nuser text \"q\"\nuser text \"b\", text \"c\"\n",
		},
		{"strings keep their escapes", `{"messages":[{"role":"user","content":"a\u0041\n\ud83d\ude00 é"}]}`, "user text \"a\\u0041\\n\\ud83d\\ude00 é\"\n"},
		{"members in any order", `{"messages":[{"content":"q","name":"ann","role":"user"}],"model":"m"}`, "model m\nuser(ann) text \"q\"\n"},
		{"blank parts and messages are left out", `{"messages":[{"role":"user","content":[{"type":"text","text":" \n"},{"type":"text","text":"q"}]},{"role":"assistant","content":""},{"role":"user","content":" "}]}`, "user text \"q\"\n"},
		{"image as a data URL", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/JPG;base64,AAAA","detail":"low"}}]}]}`, "user image image/jpeg||AAAA||low\n"},
		{"image by URL", `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"image_url","image_url":"s3://b/k"}]}]}`, "user image |||https://x/y.png|, image |||s3://b/k|\n"},
		{"audio", `{"messages":[{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAA=","format":"mp3"}}]}]}`, "user audio audio/mpeg||AAA=||\n"},
		{"files", `{"messages":[{"role":"user","content":[{"type":"file","file":{"file_id":"file-1"}},{"type":"file","file":{"file_data":"data:application/pdf;name=x;base64,AAAA","filename":"a.pdf"}}]}]}`, "user document |||file-1|, document application/pdf|a.pdf|AAAA||\n"},
		{
			"tool calls and their results", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\": \"é\\n\"}"}},{"id":"b","type":"function","function":{"name":"g","arguments":""}}]},{"role":"tool","tool_call_id":"b","content":"2"},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"1"}]},{"role":"user","content":"so?"}]}`,
			"user text \"q\"\nassistant tool_use a f {\"x\": \"é\\n\"}, tool_use b g {}\nuser tool_result b [text \"2\"], tool_result a [text \"1\"]\nuser text \"so?\"\n",
		},
		{
			"one id for two calls of a turn counts once", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"a","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"a","content":"1"}]}`,
			"user text \"q\"\nassistant tool_use a f {}\nuser tool_result a [text \"1\"]\n",
		},
		{
			"an empty result, an image as a result", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"w","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"b","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":""},{"role":"tool","tool_call_id":"b","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}]}`,
			"user text \"q\"\nassistant text \"w\", tool_use a f {}, tool_use b f {}\nuser tool_result a [], tool_result b [image image/png||AAAA||]\n",
		},
		{
			"deprecated functions", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"}],"functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"}}`,
			"user text \"q\"\nassistant tool_use function_call_1 f {}\nuser tool_result function_call_1 [text \"1\"]\ntool f  {\"type\":\"object\"}\nchoice 3 f []\n",
		},
		{
			"reasoning history, signatures to the byte", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a","reasoning_content":"r","thinking_blocks":[{"type":"thinking","thinking":"r","signature":"s\/=="},{"type":"redacted_thinking","data":"d\u003d"},{"type":"thinking","signature":"only"}]},{"role":"user","content":"q2"}]}`,
			"user text \"q\"\nassistant thinking \"r\" signed \"s\\/==\", redacted_thinking \"d\\u003d\", thinking \"\" signed \"only\", text \"a\"\nuser text \"q2\"\n",
		},
		{"reasoning without blocks", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","reasoning_content":"r","content":"a","refusal":"no"}]}`, "user text \"q\"\nassistant thinking \"r\", text \"a\", refusal \"no\"\n"},
		{"refusal parts", `{"messages":[{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"refusal","refusal":"b"}]}]}`, "assistant text \"a\", refusal \"b\"\n"},
		{
			"cache breakpoints", `{"messages":[{"role":"system","content":"s","cache_control":{"type":"ephemeral"}},{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral","ttl":"1h"}},{"type":"text","text":"b","prompt_cache_breakpoint":{"mode":"explicit","ttl":"30m"}}]}],"tools":[{"type":"function","function":{"name":"f"},"cache_control":{"ttl":"5m"}},{"type":"function","function":{"name":"g","cache_control":{}}}]}`,
			"system text \"s\" cache()\nuser text \"a\" cache(1h), text \"b\" cache()\ntool f   cache(5m)\ntool g   cache()\n",
		},
		{
			"tools", user(`"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{ "type":"object" },"strict":true}},{"type":"custom","custom":{"name":"c"}}],"tool_choice":"required","parallel_tool_calls":false`),
			hi + "tool f \"d\" { \"type\":\"object\" }\n  strict true\ntool custom  {\"type\":\"custom\",\"custom\":{\"name\":\"c\"}}\nchoice 2  []\nparallel false\n",
		},
		{"named tool", user(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"f"}}`), hi + "tool f  \nchoice 3 f []\n"},
		{"allowed tools", user(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}`), hi + "tool f  \nchoice 2  [\"f\"]\n"},
		{"no tools to be called", user(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none"`), hi + "tool f  \nchoice 4  []\n"},
		{
			"every parameter", user(`"max_tokens":5,"max_completion_tokens":7,"temperature":0.70,"top_p":1e-1,"top_k":3,"frequency_penalty":-1,"presence_penalty":1.5,"seed":42,"n":1,"stop":["a","","b"],"user":"u","service_tier":"flex","metadata":{"k":"v"},"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false},"file_ids":["file-1","file-2"],"guardrailConfig":{"guardrailIdentifier":"g","trace":"enabled"}`),
			hi + "temperature 0.70\ntop_p 1e-1\ntop_k 3\nseed 42\nfrequency -1\npresence 1.5\nguardrail {\"guardrailIdentifier\":\"g\",\"trace\":\"enabled\"}\nuser \"u\"\nmax 7\nn 1\nstop [\"a\" \"b\"]\nstream usage=true\ntier flex\nmetadata [{k v}]\nfiles [file-1 file-2]\n",
		},
		{"max_completion_tokens wins in any order", user(`"max_completion_tokens":7,"max_tokens":5`), hi + "max 7\n"},
		{"null is absent", user(`"max_tokens":null,"temperature":null,"stop":null,"tools":null,"tool_choice":null,"stream_options":null,"response_format":null,"reasoning_effort":null,"metadata":null,"n":null,"store":null`), hi},
		{"stop as a string", user(`"stop":"\n"`), hi + "stop [\"\\n\"]\n"},
		{"empty stop", user(`"stop":""`), hi},
		{"effort", user(`"reasoning_effort":"xhigh"`), hi + "reasoning xhigh 0 0 \n"},
		{"thinking", user(`"thinking":{"type":"enabled","budget_tokens":2048,"display":"summarized"}`), hi + "reasoning  1 2048 \"summarized\"\n"},
		{"adaptive thinking", user(`"thinking":{"type":"adaptive"},"reasoning_effort":"low"`), hi + "reasoning low 2 0 \n"},
		{"json_schema", user(`"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true}}`), hi + "format n {\"type\":\"object\"} \"d\"\n"},
		{"json_object", user(`"response_format":{"type":"json_object"}`), hi + "format   \n"},
		{"text format", user(`"response_format":{"type":"text"}`), hi},
		{"unknown members are kept", user(`"logit_bias":{"1":2},"verbosity":"low","store":true,"x":[1, 2]`), hi + "extra logit_bias={\"1\":2}\nextra verbosity=\"low\"\nextra store=true\nextra x=[1, 2]\n"},
		{"what asks for nothing is not kept", user(`"logprobs":false,"store":false,"modalities":["text"],"logit_bias":{}`), hi},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var x chat.Exchange
			r, err := Dialect{}.DecodeRequest([]byte(tt.body), &x)
			if err != nil {
				t.Fatal(err)
			}
			if got := dump(r); got != tt.want {
				t.Errorf("got\n%swant\n%s", got, tt.want)
			}
			if r.Dialect != "openai" {
				t.Errorf("dialect %q", r.Dialect)
			}
		})
	}
}

func TestDecodeRequestRefuses(t *testing.T) {
	part := func(p string) string { return `{"messages":[{"role":"user","content":[` + p + `]}]}` }
	call := func(args string) string {
		return `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"id1","function":{"name":"f","arguments":` + args + `}}]},{"role":"tool","tool_call_id":"id1","content":"x"}]}`
	}
	tests := []struct{ name, body, param, message string }{
		{"no body", ``, "", "no body"},
		{"no JSON", `{"messages":[}`, "", "invalid JSON at byte 13"},
		{"no messages", `{"model":"m"}`, "messages", "missing required parameter"},
		{"null messages", `{"messages":null}`, "messages", "missing required parameter"},
		{"empty messages", `{"messages":[]}`, "messages", "empty array"},
		{"messages of another type", `{"messages":"hi"}`, "messages", "expected an array, but got a string"},
		{"message of another type", `{"messages":["hi"]}`, "messages[0]", "expected an object"},
		{"no role", `{"messages":[{"role":"user","content":"a"},{"content":"hi"}]}`, "messages[1].role", "missing"},
		{"unknown role", `{"messages":[{"role":"bot","content":"hi"}]}`, "messages[0].role", "'bot'"},
		{"no content", `{"messages":[{"role":"user"}]}`, "messages[0].content", "missing"},
		{"content of another type", `{"messages":[{"role":"user","content":5}]}`, "messages[0].content", "got a number"},
		{"unknown part", part(`{"type":"text","text":"a"},{"type":"hologram"}`), "messages[0].content[1].type", "'hologram'"},
		{"part without type", part(`{"text":"a"}`), "messages[0].content[0].type", "missing"},
		{"text part without text", part(`{"type":"text"}`), "messages[0].content[0].text", "missing"},
		{"image without url", part(`{"type":"image_url","image_url":{}}`), "messages[0].content[0].image_url.url", "missing"},
		{"image without image_url", part(`{"type":"image_url"}`), "messages[0].content[0].image_url", "missing"},
		{"image url of another type", part(`{"type":"image_url","image_url":{"url":5}}`), "messages[0].content[0].image_url.url", "expected a string"},
		{"broken base64", part(`{"type":"image_url","image_url":{"url":"data:image/png;base64,AAA"}}`), "messages[0].content[0].image_url.url", "base64"},
		{"empty base64", part(`{"type":"image_url","image_url":{"url":"data:image/png;base64,"}}`), "messages[0].content[0].image_url.url", "base64"},
		{"data URL without base64", part(`{"type":"image_url","image_url":{"url":"data:image/png,AAAA"}}`), "messages[0].content[0].image_url.url", "data URL"},
		{"unsupported image", part(`{"type":"image_url","image_url":{"url":"data:image/tiff;base64,AAAA"}}`), "messages[0].content[0].image_url.url", "image/tiff"},
		{"a scheme without its colon", part(`{"type":"image_url","image_url":{"url":"data"}}`), "messages[0].content[0].image_url.url", "https://"},
		{"unknown scheme", part(`{"type":"image_url","image_url":{"url":"file:///etc/passwd"}}`), "messages[0].content[0].image_url.url", "https://"},
		{"audio format", part(`{"type":"input_audio","input_audio":{"data":"AAAA","format":"xyz"}}`), "messages[0].content[0].input_audio.format", "xyz"},
		{"audio data", part(`{"type":"input_audio","input_audio":{"data":"?","format":"wav"}}`), "messages[0].content[0].input_audio.data", "base64"},
		{"empty file", part(`{"type":"file","file":{}}`), "messages[0].content[0].file.file_id", "missing"},
		{"image from the assistant", `{"messages":[{"role":"assistant","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}`, "messages[0].content", "text and refusal"},
		{"image from the system", `{"messages":[{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x"}}]}]}`, "messages[0].content", "text only"},
		{"no tools in the list", `{"messages":[{"role":"user","content":"q"}],"tools":[]}`, "tools", "empty array"},
		{"a choice without tools", `{"messages":[{"role":"user","content":"q"}],"tool_choice":"none"}`, "tool_choice", "only allowed when 'tools'"},
		{"calls in parallel without tools", `{"messages":[{"role":"user","content":"q"}],"parallel_tool_calls":true}`, "parallel_tool_calls", "only allowed when 'tools'"},
		{"arguments that are no JSON, before the id", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"function":{"arguments":"{","name":"f"},"id":"id2"}]}]}`, "messages[1].tool_calls[0].function.arguments", "id2"},
		{"arguments that are no JSON", call(`"{"`), "messages[1].tool_calls[0].function.arguments", "id1"},
		{"arguments that are no JSON, before the id", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"function":{"arguments":"{","name":"f"},"id":"id2"}]}]}`, "messages[1].tool_calls[0].function.arguments", "id2"},
		{"arguments that are no object", call(`"[1]"`), "messages[1].tool_calls[0].function.arguments", "id1"},
		{"arguments that are no string", call(`{}`), "messages[1].tool_calls[0].function.arguments", "expected a string"},
		{"a result nobody asked for", `{"messages":[{"role":"user","content":"q"},{"role":"tool","tool_call_id":"id9","content":"x"}]}`, "messages[1].tool_call_id", "id9"},
		{"a result of an earlier turn", `{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":""}}]},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":"q"},{"role":"tool","tool_call_id":"a","content":"1"}]}`, "messages[3].tool_call_id", "'a'"},
		{"a call without a result", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"id3","function":{"name":"f","arguments":"{}"}}]},{"role":"user","content":"q"}]}`, "messages[1].tool_calls", "id3"},
		{"a call without a result at the end", `{"messages":[{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"id3","function":{"name":"f","arguments":"{}"}}]}]}`, "messages[1].tool_calls", "id3"},
		{"a call without an id", `{"messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}`, "messages[0].tool_calls[0].id", "missing"},
		{"a call without a name", `{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"arguments":"{}"}}]}]}`, "messages[0].tool_calls[0].function.name", "missing"},
		{"a result without an id", `{"messages":[{"role":"tool","content":"x"}]}`, "messages[0].tool_call_id", "missing"},
		{"a function's result without a call", `{"messages":[{"role":"function","name":"f","content":"x"}]}`, "messages[0].name", "'f'"},
		{"thinking block of another type", `{"messages":[{"role":"assistant","thinking_blocks":[{"type":"x"}]}]}`, "messages[0].thinking_blocks[0].type", "'x'"},
		{"max_tokens of nothing", user(`"max_tokens":0`), "max_tokens", "at least 1"},
		{"max_tokens in pieces", user(`"max_tokens":1.5`), "max_tokens", "1.5"},
		{"temperature as a string", user(`"temperature":"1"`), "temperature", "expected a number"},
		{"stop of another type", user(`"stop":[1]`), "stop[0]", "expected a string"},
		{"unknown effort", user(`"reasoning_effort":"huge"`), "reasoning_effort", "huge"},
		{"unknown thinking", user(`"thinking":{"type":"x"}`), "thinking.type", "'x'"},
		{"thinking without a budget", user(`"thinking":{"type":"enabled"}`), "thinking.budget_tokens", "missing"},
		{"unknown format", user(`"response_format":{"type":"xml"}`), "response_format.type", "xml"},
		{"format without a schema", user(`"response_format":{"type":"json_schema"}`), "response_format.json_schema", "missing"},
		{"schema of another type", user(`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":"x"}}`), "response_format.json_schema.schema", "expected an object"},
		{"tool without a name", user(`"tools":[{"type":"function","function":{}}]`), "tools[0].function.name", "missing"},
		{"tool without a type", user(`"tools":[{}]`), "tools[0].type", "missing"},
		{"parameters of another type", user(`"tools":[{"type":"function","function":{"name":"f","parameters":[]}}]`), "tools[0].function.parameters", "expected an object"},
		{"unknown choice", user(`"tool_choice":"any"`), "tool_choice", "'any'"},
		{"choice of another type", user(`"tool_choice":{"type":"tool"}`), "tool_choice.type", "'tool'"},
		{"choice without tools", user(`"tool_choice":"required"`), "tool_choice", "'tools' are specified"},
		{"choice of no tool", user(`"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}`), "tool_choice", "'g'"},
		{"metadata of another type", user(`"metadata":{"a":1}`), "metadata.a", "expected a string"},
		{"file_ids of another type", user(`"file_ids":["a",1]`), "file_ids[1]", "expected a string"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Dialect{}.DecodeRequest([]byte(tt.body), &chat.Exchange{})
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() != 400 {
				t.Fatalf("accepted: %v, %v", r, err)
			}
			if e.Param != tt.param || !strings.Contains(e.Message, tt.message) {
				t.Errorf("param %q, message %q; want %q, %q", e.Param, e.Message, tt.param, tt.message)
			}
		})
	}
}

func TestDecodeRequestTellsTheExchange(t *testing.T) {
	var x chat.Exchange
	_, err := Dialect{}.DecodeRequest([]byte(user(`"stream_options":{"include_usage":true},"guardrailConfig":{"trace":"enabled"},"functions":[{"name":"f"}]`)), &x)
	if err != nil || !x.IncludeUsage || !x.ShowTrace || !x.FunctionCalls {
		t.Errorf("%v: usage %v, trace %v, functions %v", err, x.IncludeUsage, x.ShowTrace, x.FunctionCalls)
	}
}
