package converse

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

var update = flag.Bool("update", false, "write the goldens")

// A native body decoded and encoded again: read the golden beside it for what changes on the way.
func TestNativeBodies(t *testing.T) {
	files, _ := filepath.Glob("testdata/request/*.json")
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		x := exchange(sonnet45)
		r, err := Dialect{}.DecodeRequest(body, x)
		if err != nil {
			t.Fatal(file, err)
		}
		out, err := Dialect{}.EncodeRequest(nil, r, x)
		if err != nil {
			t.Fatal(file, err)
		}
		checkShape(t, string(out))
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, out, "", "  "); err != nil {
			t.Fatal(err)
		}
		golden := strings.TrimSuffix(file, ".json") + ".golden"
		if *update {
			if err := os.WriteFile(golden, append(pretty.Bytes(), '\n'), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || string(want) != pretty.String()+"\n" {
			t.Errorf("%s: %v; got\n%s", golden, err, pretty.String())
		}
	}
}

func TestDecodedMembers(t *testing.T) {
	body, err := os.ReadFile("testdata/request/everything.json")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Dialect{}.DecodeRequest(body, exchange(sonnet45))
	if err != nil {
		t.Fatal(err)
	}
	first, last := r.Messages[0].Content, r.Messages[2].Content
	for what, ok := range map[string]bool{
		"cache on the system text": r.System[0].Cache == chat.CacheOneHour,
		"cache on the last part":   first[4].Cache != chat.NoCache && first[4].Media.Content[1].Text.Unquote() == "two",
		"media type":               first[1].Media.Type == "image/jpeg" && string(first[1].Media.Data) == "/9j/4AA=",
		"s3":                       first[2].Media.S3 == "s3://bucket/key.webp" && first[2].Media.S3Owner == "123456789012",
		"document":                 first[3].Media.Name == "report (1)" && first[3].Media.Citations,
		"json result as text":      last[1].Tool.Content[0].Text.Unquote() == `{"error":"no such \"thing\""}` && last[1].Tool.IsError,
		"search result kept whole": last[2].Kind == chat.Opaque && strings.HasPrefix(string(last[2].Raw()), `{"searchResult"`),
		"guarded text":             last[3].Kind == chat.Text,
		"tools":                    r.Tools[0].Cache != chat.NoCache && *r.Tools[0].Strict && r.Tools[1].Raw != nil && r.Tools[1].Name == "nova_grounding",
		"choice":                   r.ToolChoice.Kind == chat.ToolsAuto,
		"thinking":                 r.Reasoning.Thinking == chat.ThinkingBudget && r.Reasoning.Budget == 4000,
		"numbers":                  string(r.TopK) == "40" && r.MaxTokens == 9000,
		"betas":                    len(r.Betas) == 1,
		"metadata":                 len(r.Metadata) == 2 && r.Metadata[1] == chat.Pair{Key: "cost", Value: "a/b"},
		"rest":                     r.Latency == "optimized" && r.ServiceTier == "priority" && r.FileIDs[0] == "file-1" && r.Dialect == Name,
		"format":                   r.Format.Name == "out" && r.Format.Schema[0] == '{',
		"extra":                    len(r.Extra) == 3,
	} {
		if !ok {
			t.Errorf("%s: %+v", what, r)
		}
	}
}

func TestBadNativeBodies(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{``, "no body"},
		{`[]`, "expected an object"},
		{`{"messages":[]`, "unexpected end"},
		{`{"messages":[],"messages":[]}`, "duplicate"},
		{`{"messages":{}}`, "messages must be an array"},
		{`{"messages":[1]}`, "messages must be an object"},
		{`{"messages":[{"role":"system","content":[]}]}`, "user or assistant"},
		{`{"messages":[{"role":"user","content":"hi"}]}`, "messages.content must be an array"},
		{`{"messages":[{"role":"user","content":[1]}]}`, "array of content blocks"},
		{`{"messages":[{"role":"user","content":[{"text":1}]}]}`, "text must be a string"},
		{`{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"bytes":"a b="}}}]}]}`, "must be base64"},
		{`{"messages":[{"role":"user","content":[{"image":{"format":"png","source":{"s3Location":{"uri":"http://x"}}}}]}]}`, "s3:// URI"},
		{`{"messages":[{"role":"user","content":[{"guardContent":{"image":{"format":1}}}]}]}`, "format must be a string"},
		{`{"inferenceConfig":{"maxTokens":1.5}}`, "whole number"},
		{`{"inferenceConfig":{"maxTokens":0}}`, "above 0"},
		{`{"inferenceConfig":{"stopSequences":"x"}}`, "array"},
		{`{"toolConfig":{"tools":[{"toolSpec":{"name":1}}]}}`, "name must be a string"},
		{`{"toolConfig":{"toolChoice":{"none":{}}}}`, "auto, any and tool"},
		{`{"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{"}}}}}`, "JSON Schema as a string"},
		{`{"outputConfig":{"textFormat":{}}}`, "structure.jsonSchema"},
		{`{"requestMetadata":{"a":1}}`, "must be a string"},
		{`{"additionalModelRequestFields":[]}`, "must be an object"},
	} {
		_, err := Dialect{}.DecodeRequest([]byte(c.body), exchange(sonnet45))
		var refusal *chat.Error
		if !errors.As(err, &refusal) || refusal.StatusCode() != 400 || !strings.Contains(refusal.Message, c.want) {
			t.Errorf("%s: %v, want %q", c.body, err, c.want)
		}
	}
}

func TestSplice(t *testing.T) {
	const body = ` {"messages": [{"role":"user","content":[ {"text":"a"} ]},{"role":"assistant","content":[{"text":"b"}]},{"content":[{"toolResult":{"toolUseId":"x","content":[]}}, {"text":"c"}],"role":"user"},
		{"role":"user","content":[{"toolResult":{"toolUseId":"y","content":[]}}]}], "n\u0065w":1.0 }`
	guard := v(`{"guardrailIdentifier":"g","guardrailVersion":"1"}`)
	for _, c := range []struct {
		name, body, want string
		edits            chat.Edits
		guard            chat.Value
		override         bool
		refused          string
	}{
		{name: "nothing to edit is copied to the byte", body: body, want: body},
		{name: "file_ids goes", body: `{"file_ids":["f"],"messages":[]}`, want: `{"messages":[]}`},
		{
			name: "the files stand before the question, behind results", body: body, edits: chat.Edits{Context: q("ctx\n")},
			want: strings.Replace(body, `{"text":"c"}`, `{"text":"ctx\n"},{"text":"c"}`, 1),
		},
		{name: "a user message without content", body: `{"messages":[{"role":"user","content":[]}]}`, edits: chat.Edits{Context: q("c")}, want: `{"messages":[{"role":"user","content":[{"text":"c"}]}]}`},
		{name: "no user message", body: `{"messages":[{"role":"assistant","content":[{"text":"b"}]}]}`, edits: chat.Edits{Context: q("c")}, refused: "needs a user message"},
		{name: "no messages", body: `{}`, edits: chat.Edits{Context: q("c")}, refused: "needs a user message"},
		{name: "the configured guardrail is added", body: `{"messages":[]}`, guard: guard, want: `{"messages":[],"guardrailConfig":` + string(guard) + `}`},
		{name: "and takes the place of the client's", body: `{"guardrailConfig":{"guardrailIdentifier":"mine"},"messages":[]}`, guard: guard, want: `{"guardrailConfig":` + string(guard) + `,"messages":[]}`},
		{name: "unless it may be overridden", body: `{"guardrailConfig":{"guardrailIdentifier":"mine"}}`, guard: guard, override: true, want: `{"guardrailConfig":{"guardrailIdentifier":"mine"}}`},
		{name: "a null overrides nothing", body: `{"guardrailConfig":null}`, guard: guard, override: true, want: `{"guardrailConfig":` + string(guard) + `}`},
		{name: "an escaped name is the same member", body: `{"guardrail\u0043onfig":{"a":1}}`, guard: guard, want: `{"guardrail\u0043onfig":` + string(guard) + `}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := exchange(sonnet45)
			x.Guardrail, x.GuardrailOverride = c.guard, c.override
			var b chat.Body
			if err := b.ParseBody([]byte(c.body)); err != nil {
				t.Fatal(err)
			}
			got, err := Dialect{}.Splice(nil, &b, &c.edits, x)
			if c.refused != "" {
				if err == nil || !strings.Contains(err.Error(), c.refused) {
					t.Errorf("error %v, want %q", err, c.refused)
				}
				return
			}
			if err != nil || string(got) != c.want {
				t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
			}
		})
	}
}

func TestAdditionalFieldsWithACanonicalForm(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   chat.Reasoning
		extra  string // what stays Converse's own
	}{
		{`{"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"max"}}`, chat.Reasoning{Thinking: chat.ThinkingAdaptive, Effort: "max", Display: v(`"omitted"`)}, ""},
		{`{"thinking":{"type":"disabled"}}`, chat.Reasoning{Thinking: chat.ThinkingOff}, ""},
		{`{"thinking":{"type":"dreaming"}}`, chat.Reasoning{}, `{"thinking":{"type":"dreaming"}}`},
		{`{"thinking":{"type":"enabled","budget_tokens":"x"}}`, chat.Reasoning{}, `{"thinking":{"type":"enabled","budget_tokens":"x"}}`},
		{`{"reasoning_effort":"low","x":1}`, chat.Reasoning{Effort: "low"}, `{"x":1}`},
		{`{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}`, chat.Reasoning{Effort: "high"}, ""},
		{`{"output_config":{"effort":"low","format":{}}}`, chat.Reasoning{}, `{"output_config":{"effort":"low","format":{}}}`},
		{`{"top_k":"x","anthropic_beta":"x","reasoning_effort":1}`, chat.Reasoning{}, `{"top_k":"x","anthropic_beta":"x","reasoning_effort":1}`},
	} {
		r, err := Dialect{}.DecodeRequest([]byte(`{"additionalModelRequestFields":`+c.fields+`}`), exchange(sonnet45))
		if err != nil {
			t.Fatal(c.fields, err)
		}
		extra := ""
		if len(r.Extra) > 0 {
			extra = string(r.Extra[0].Value)
		}
		got := r.Reasoning
		if got.Effort != c.want.Effort || got.Thinking != c.want.Thinking || string(got.Display) != string(c.want.Display) || extra != c.extra {
			t.Errorf("%s: %+v, extra %s", c.fields, got, extra)
		}
	}
}

func TestRareNativeBlocks(t *testing.T) {
	const body = `{"messages":[{"role":"assistant","content":[
		{"citationsContent":{"content":[{"text":"one"}],"citations":[{"title":"t"}]}},
		{"citationsContent":{"content":[{"text":"two"},{"text":"three"}],"citations":[]}},
		{"toolUse":{"toolUseId":"1","name":"web","input":{},"type":"server_tool_use"}},
		{"guardContent":{"image":{"format":"jpeg","source":{"bytes":"/9j/"}}}},
		{"guardContent":{}},
		{"audio":{"format":"wav","source":{"bytes":"AAAA"}}},
		{"document":{"format":"txt","name":"n","source":{"text":"hello"}}},
		{}
	]}],"toolConfig":{"tools":[],"toolChoice":{"tool":{"name":"f"}}}}`
	r, err := Dialect{}.DecodeRequest([]byte(body), exchange(sonnet45))
	if err != nil {
		t.Fatal(err)
	}
	c := r.Messages[0].Content
	if got, want := plain(c), `text "one" cites [{"title":"t"}] | opaque | opaque | image | opaque | audio | document`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if c[5].Media.Type != "audio/wav" || c[6].Media.Text.Unquote() != "hello" || r.ToolChoice.Kind != chat.ToolsNamed || r.ToolChoice.Name != "f" {
		t.Errorf("%+v %+v", c[5].Media, c[6].Media)
	}
}
