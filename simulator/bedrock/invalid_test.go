package bedrock

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// say is a Converse body with one user message of these blocks, and other members.
func say(blocks, rest string) string {
	return `{"messages":[{"role":"user","content":[` + blocks + `]}]` + rest + `}`
}

// turns is a Converse body with tools and these messages.
func turns(messages ...string) string {
	return `{"messages":[` + strings.Join(messages, ",") + `]` + lookupTool + `}`
}

const (
	lookupTool = `,"toolConfig":{"tools":[{"toolSpec":{"name":"lookup","inputSchema":{"json":{"type":"object"}}}}]}`
	hi         = `{"text":"hi"}`
	asked      = `{"role":"user","content":[{"text":"hi"}]}`
	called     = `{"role":"assistant","content":[{"toolUse":{"toolUseId":"t1","name":"lookup","input":{}}},{"toolUse":{"toolUseId":"t2","name":"lookup","input":{}}}]}`
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func imageJSON(format string, b []byte) string {
	return `{"image":{"format":"` + format + `","source":{"bytes":"` + b64(b) + `"}}}`
}

func documentJSON(name string) string {
	return `{"document":{"format":"txt","name":"` + name + `","source":{"bytes":"aGk="}}}`
}

func toolsJSON(tools, more string) string {
	return `,"toolConfig":{"tools":[` + tools + `]` + more + `}`
}

func specJSON(name, schema string) string {
	return `{"toolSpec":{"name":"` + name + `","inputSchema":{"json":` + schema + `}}}`
}

func extra(v string) string { return `,"additionalModelRequestFields":` + v }

// invalidBodies are Converse bodies that are refused: the model (default Claude 3 Haiku), the body, the error's name
// (default ValidationException) and what its message holds.
var invalidBodies = []struct{ name, model, body, error, message string }{
	{"no JSON", "", `{"messages":`, "SerializationException", "not valid JSON"},
	{"two values", "", hello + `{}`, "SerializationException", "more after"},
	{"not an object", "", `[]`, "SerializationException", "Start of structure"},
	{"a wrong type", "", `{"messages":{}}`, "SerializationException", "Expected a list"},
	{"text that is no string", "", say(`{"text":1}`, ""), "SerializationException", "Expected a string"},
	{"bytes that are no base64", "", say(hi+`,{"image":{"format":"png","source":{"bytes":"***"}}}`, ""), "SerializationException", "base64"},
	{"an unknown member", "", say(hi, `,"model":"x"`), "", "Malformed input request: #: extraneous key [model] is not permitted"},
	{"an unknown member of a block", "", say(`{"text":"hi","type":"text"}`, ""), "", "#/messages/0/content/0: extraneous key [type]"},
	{"guardrail mode when not streaming", "", say(hi, `,"guardrailConfig":{"guardrailIdentifier":"a","guardrailVersion":"1","streamProcessingMode":"sync"}`), "", "extraneous key [streamProcessingMode]"},
	{"a guardrail without version", "", say(hi, `,"guardrailConfig":{"guardrailIdentifier":"a"}`), "", "'guardrailConfig.guardrailVersion' failed to satisfy constraint: Member must not be null"},
	{"two members of a union", "", say(`{"text":"hi","image":{"format":"png","source":{"bytes":"aGk="}}}`, ""), "SerializationException", "exactly one member set, 2 are set"},
	{"no member of a union", "", say(`{}`, ""), "SerializationException", "exactly one member set, 0 are set"},
	{"a missing role", "", `{"messages":[{"content":[{"text":"hi"}]}]}`, "", "1 validation error detected: Value null at 'messages.1.member.role' failed to satisfy constraint: Member must not be null"},
	{"an unknown role", "", `{"messages":[{"role":"tool","content":[{"text":"hi"}]}]}`, "", "Member must satisfy enum value set: [user, assistant, system]"},
	{"several violations", "", say(hi, `,"inferenceConfig":{"temperature":1.5,"topP":-1}`), "", "2 validation errors detected: Value '1.5' at 'inferenceConfig.temperature'"},
	{"maxTokens 0", "", say(hi, `,"inferenceConfig":{"maxTokens":0}`), "", "greater than or equal to 1"},
	{"a fraction of a token", "", say(hi, `,"inferenceConfig":{"maxTokens":1.5}`), "SerializationException", "not an integer"},
	{"too many maxTokens", "", say(hi, `,"inferenceConfig":{"maxTokens":4097}`), "", "The maximum tokens you requested exceeds the model limit of 4096. Try again with a maximum tokens value that is lower than 4096."},
	{"an empty stop sequence", "", say(hi, `,"inferenceConfig":{"stopSequences":[""]}`), "", "'inferenceConfig.stopSequences.1.member' failed"},
	{"a blank stop sequence", "", say(hi, `,"inferenceConfig":{"stopSequences":["x","\n"]}`), "", "stop_sequences.1: each stop sequence must contain non-whitespace"},
	{"no metadata", "", say(hi, `,"requestMetadata":{}`), "", "greater than or equal to 1"},
	{"odd metadata", "", say(hi, `,"requestMetadata":{"a":"ü"}`), "", "requestMetadata"},
	{"an unknown tier", "", say(hi, `,"serviceTier":{"type":"auto"}`), "", "[priority, default, flex, reserved]"},
	{"optimized latency", "", say(hi, `,"performanceConfig":{"latency":"optimized"}`), "", "Latency performance configuration is not supported"},
	{"eleven field paths", "", say(hi, `,"additionalModelResponseFieldPaths":["/a","/a","/a","/a","/a","/a","/a","/a","/a","/a","/a"]`), "", "less than or equal to 10"},

	{"a field path that is no pointer", "", say(hi, `,"additionalModelResponseFieldPaths":["stop_sequence"]`), "", "is not a JSON pointer"},

	{"no messages", "", `{"messages":[]}`, "", "A conversation must have at least one message"},
	{"empty content", "", say("", ""), "", "The content field in the Message object at messages.0 is empty."},
	{"blank text", "", say(`{"text":" \n"}`, ""), "", "The text field in the ContentBlock object at messages.0.content.0 is blank. Add text to the text field, and try again."},
	{"blank system", "", say(hi, `,"system":[{"text":" "}]`), "", "system.0 is blank"},
	{"empty system", "", say(hi, `,"system":[{"text":""}]`), "", "'system.1.member.text' failed"},
	{"assistant first", "", `{"messages":[{"role":"assistant","content":[{"text":"hi"}]}]}`, "", "A conversation must start with a user message."},
	{"user twice", "", `{"messages":[` + asked + `,` + asked + `]}`, "", "must alternate between user and assistant roles"},
	{"an image of the assistant", "", turns(asked, `{"role":"assistant","content":[`+imageJSON("png", png)+`]}`, asked), "", "image block at messages.1.content.0 is not permitted"},
	{"a tool use of the user", "", turns(`{"role":"user","content":[{"toolUse":{"toolUseId":"t","name":"lookup","input":{}}}]}`), "", "toolUse block at messages.0.content.0 is not permitted"},
	{"a system message", "", `{"messages":[` + asked + `,{"role":"system","content":[{"text":"x"}]}]}`, "", "role system"},

	{"a result without a call", "", turns(asked, `{"role":"assistant","content":[{"text":"x"}]}`, `{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[]}}]}`), "", "The number of toolResult blocks at messages.2.content exceeds the number of toolUse blocks of previous turn."},
	{"a call without a result", "", turns(asked, called, asked), "", "Expected toolResult blocks at messages.2.content for the following Ids: t1, t2"},
	{"one of two results", "", turns(asked, called, `{"role":"user","content":[{"toolResult":{"toolUseId":"t2","content":[]}}]}`), "", "for the following Ids: t1, but found: t2"},
	{"a result of another id", "", turns(asked, called, `{"role":"user","content":[{"toolResult":{"toolUseId":"t2","content":[]}},{"toolResult":{"toolUseId":"t9","content":[]}}]}`), "", "for the following Ids: t1, but found: t2, t9"},
	{"a result twice", "", turns(asked, called, `{"role":"user","content":[{"toolResult":{"toolUseId":"t2","content":[]}},{"toolResult":{"toolUseId":"t2","content":[]}}]}`), "", "single result"},
	{"a call id twice", "", turns(asked, strings.ReplaceAll(called, "t2", "t1"), asked), "", "duplicate toolUseId: t1"},
	{"a trailing call", "", turns(asked, called), "", "Expected toolResult blocks at messages.2.content"},
	{"a blank tool result", "", turns(asked, called, `{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[{"text":" "}]}},{"toolResult":{"toolUseId":"t2","content":[]}}]}`), "", "messages.2.content.0.toolResult.content.0 is blank"},
	{"tool blocks without toolConfig", "", strings.Replace(turns(asked, called, `{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[]}},{"toolResult":{"toolUseId":"t2","content":[]}}]}`), lookupTool, "", 1), "", "The toolConfig field must be defined when using toolUse and toolResult content blocks."},
	{"an odd call id", "", turns(asked, strings.ReplaceAll(called, "t2", "t 2"), asked), "", "pattern: [a-zA-Z0-9_.:-]+"},
	{"input that is no object", "", turns(asked, strings.Replace(called, "{}", `"{}"`, 1), asked), "", "messages.1.content.0.toolUse.input is invalid. Provide a json object"},
	{"a long call id", "mistral.mistral-large-2407-v1:0", turns(asked, called, `{"role":"user","content":[{"toolResult":{"toolUseId":"t1","content":[]}},{"toolResult":{"toolUseId":"t2","content":[]}}]}`), "", "Tool call id was t1 but must be a-z, A-Z, 0-9, with a length of 9."},

	{"no tools", "", say(hi, toolsJSON("", "")), "", "'toolConfig.tools' failed to satisfy constraint: Member must have length greater than or equal to 1"},
	{"an odd tool name", "", say(hi, toolsJSON(specJSON("a.b", `{"type":"object"}`), "")), "", "pattern: [a-zA-Z0-9_-]+"},
	{"a long tool name", "", say(hi, toolsJSON(specJSON(strings.Repeat("a", 65), `{"type":"object"}`), "")), "", "length less than or equal to 64"},
	{"an empty description", "", say(hi, toolsJSON(`{"toolSpec":{"name":"a","description":"","inputSchema":{"json":{"type":"object"}}}}`, "")), "", "description"},
	{"a tool twice", "", say(hi, toolsJSON(specJSON("a", `{"type":"object"}`)+","+specJSON("a", `{"type":"object"}`), "")), "", "duplicate tool name: a"},
	{"a schema without type", "", say(hi, toolsJSON(specJSON("a", `{}`), "")), "", "The value at toolConfig.tools.0.toolSpec.inputSchema.json.type must be one of the following: object."},
	{"a schema of an unknown type", "", say(hi, toolsJSON(specJSON("a", `{"type":"object","properties":{"x":{"type":"str"}}}`), "")), "", "properties.x.type: JSON schema is invalid"},
	{"a choice of an unknown tool", "", say(hi, toolsJSON(specJSON("a", `{"type":"object"}`), `,"toolChoice":{"tool":{"name":"b"}}`)), "", "not in toolConfig.tools: b"},
	{"a choice none", "", say(hi, toolsJSON(specJSON("a", `{"type":"object"}`), `,"toolChoice":{"none":{}}`)), "", "extraneous key [none]"},
	{"any tool on Llama", "meta.llama3-1-8b-instruct-v1:0", say(hi, toolsJSON(specJSON("a", `{"type":"object"}`), `,"toolChoice":{"any":{}}`)), "", "doesn't support the toolConfig.toolChoice.any field"},
	{"tools on Titan", "amazon.titan-text-express-v1", say(hi, lookupTool), "", "This model doesn't support tool use."},
	{"system on Titan", "amazon.titan-text-express-v1", say(hi, `,"system":[{"text":"x"}]`), "", "doesn't support the system field"},
	{"images on Llama 3.1", "meta.llama3-1-8b-instruct-v1:0", say(hi+","+imageJSON("png", png), ""), "", "doesn't support the image content block"},
	{"documents on gpt-oss", "openai.gpt-oss-20b-1:0", say(hi+","+documentJSON("d"), ""), "", "This model doesn't support documents."},
	{"stop sequences on gpt-oss", "openai.gpt-oss-20b-1:0", say(hi, `,"inferenceConfig":{"stopSequences":["x"]}`), "", "doesn't support the stopSequences field"},
	{"effort on gpt-oss", "openai.gpt-oss-20b-1:0", say(hi, extra(`{"reasoning_effort":"minimal"}`)), "", "reasoning_effort"},
	{"reasoning of Nova 2", "us.amazon.nova-2-lite-v1:0", say(hi, extra(`{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"max"}}`)), "", "#/reasoningConfig"},
	{"Claude's fields on Nova", "amazon.nova-lite-v1:0", say(hi, extra(`{"top_k":5}`)), "", "extraneous key [top_k]"},
	{"prefill on a newer Claude", opus47, turns(asked, `{"role":"assistant","content":[{"text":"x"}]}`), "", "does not support assistant message prefill"},
	{"prefill that ends in a space", "", `{"messages":[` + asked + `,{"role":"assistant","content":[{"text":"x "}]}]}`, "", "final assistant content cannot end with trailing whitespace"},

	{"an image of another format", "", say(hi+","+imageJSON("png", jpeg), ""), "", "messages.0.content.1.image.source.base64.data: Image does not match the provided media type image/png"},
	{"an image that is none", "", say(hi+","+imageJSON("png", []byte("hello")), ""), "", "Could not process image"},
	{"a jpg", "", say(hi+","+imageJSON("jpg", jpeg), ""), "", "[png, jpeg, gif, webp]"},
	{"21 images", "", say(hi+strings.Repeat(","+imageJSON("png", png), 21), ""), "", "has 21 images. The limit is 20."},
	{"six documents", "", say(hi+","+documentJSON("a")+","+documentJSON("b")+","+documentJSON("c")+","+documentJSON("d")+","+documentJSON("e")+","+documentJSON("f"), ""), "", "has 6 documents. The limit is 5."},
	{"a document alone", "", say(documentJSON("a"), ""), "", "has a document block and no text block"},
	{"two documents of one name", "", say(hi+","+documentJSON("a")+","+documentJSON("a"), ""), "", "a name that another document"},
	{"a document name with a dot", "", say(hi+","+documentJSON("a.txt"), ""), "", "can only contain alphanumeric characters"},
	{"a document name with two spaces", "", say(hi+","+documentJSON("a  b"), ""), "", "more than one consecutive whitespace"},
	{"a PDF that is none", "", say(hi+`,{"document":{"format":"pdf","name":"a","source":{"bytes":"aGk="}}}`, ""), "", "The PDF specified was not valid."},
	{"five cache points", sonnet45, say(hi+strings.Repeat(`,{"cachePoint":{"type":"default"}}`, 5), ""), "", "A maximum of 4 blocks with cache_control may be provided. Found 5."},
	{"a cache point on an old model", "", say(hi+`,{"cachePoint":{"type":"default"}}`, ""), "AccessDeniedException", "prompt caching"},
	{"an hour of cache on an older model", sonnet35, say(hi+`,{"cachePoint":{"type":"default","ttl":"1h"}}`, ""), "", "ttl 1h"},
	{"a cache point first", sonnet45, say(`{"cachePoint":{"type":"default"}},`+hi, ""), "", "nothing before it"},

	{"unknown extra fields", "", say(hi, extra(`{"seed":5}`)), "", "extraneous key [seed] is not permitted"},
	{"extra fields that are no object", "", say(hi, extra(`[]`)), "", "must be a JSON object"},
	{"thinking on an old Claude", "", say(hi, extra(`{"thinking":{"type":"enabled","budget_tokens":1024}}`)), "", "thinking: Extra inputs are not permitted"},
	{"a small budget", sonnet45, say(hi, extra(`{"thinking":{"type":"enabled","budget_tokens":1023}}`)), "", "The model returned the following errors: thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"},
	{"a budget of all tokens", sonnet45, say(hi, `,"inferenceConfig":{"maxTokens":2048}`+extra(`{"thinking":{"type":"enabled","budget_tokens":2048}}`)), "", "`max_tokens` must be greater than `thinking.budget_tokens`"},
	{"a budget on a newer Claude", opus47, say(hi, extra(`{"thinking":{"type":"enabled","budget_tokens":2048}}`)), "", `"thinking.type.enabled" is not supported for this model`},
	{"adaptive on an older Claude", sonnet45, say(hi, extra(`{"thinking":{"type":"adaptive"}}`)), "", "adaptive thinking is not supported"},
	{"thinking that cannot be disabled", "us.anthropic.claude-fable-5", say(hi, extra(`{"thinking":{"type":"disabled"}}`)), "", "disabled"},
	{"temperature with thinking", sonnet45, say(hi, `,"inferenceConfig":{"temperature":0.5}`+extra(`{"thinking":{"type":"enabled","budget_tokens":1024}}`)), "", "`temperature` may only be set to 1 when thinking is enabled"},
	{"top_p with thinking", sonnet45, say(hi, `,"inferenceConfig":{"topP":0.5}`+extra(`{"thinking":{"type":"enabled","budget_tokens":1024}}`)), "", "`top_p` must be greater than or equal to 0.95"},
	{"top_k with thinking", sonnet45, say(hi, extra(`{"top_k":5,"thinking":{"type":"enabled","budget_tokens":1024}}`)), "", "`top_k` must be unset"},
	{"a forced tool with thinking", sonnet45, say(hi, toolsJSON(specJSON("a", `{"type":"object"}`), `,"toolChoice":{"any":{}}`)+extra(`{"thinking":{"type":"enabled","budget_tokens":1024}}`)), "", "Thinking may not be enabled when tool_choice forces tool use."},
	{"a forced tool on Sonnet 5.5", "us.anthropic.claude-sonnet-5-5", say(hi, toolsJSON(specJSON("a", `{"type":"object"}`), `,"toolChoice":{"any":{}}`)), "", "toolChoice.any"},
	{"temperature on a newer Claude", opus47, say(hi, `,"inferenceConfig":{"temperature":1}`), "", "`temperature` is deprecated for this model."},
	{"top_k on a newer Claude", opus47, say(hi, extra(`{"top_k":5}`)), "", "`top_k` is deprecated for this model."},
	{"temperature and topP", sonnet45, say(hi, `,"inferenceConfig":{"temperature":1,"topP":1}`), "", "`temperature` and `top_p` cannot both be specified for this model."},
	{"an unknown beta", sonnet45, say(hi, extra(`{"anthropic_beta":["files-api-2025-04-14"]}`)), "", "invalid beta flag"},
	{"a beta of another model", opus47, say(hi, extra(`{"anthropic_beta":["context-1m-2025-08-07"]}`)), "", "invalid beta flag"},
	{"an unknown effort", opus47, say(hi, `,"outputConfig":{"effort":"none"}`), "", "low, medium, high, xhigh, max"},
	{"effort on an older Claude", "", say(hi, `,"outputConfig":{"effort":"low"}`), "", "doesn't support the outputConfig.effort field"},
	{"structured output on an older Claude", "", say(hi, `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{}"}}}}`), "", "doesn't support the outputConfig.textFormat field"},
	{"an open schema", sonnet45, say(hi, `,"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"object\"}},\"additionalProperties\":false}"}}}}`), "", "'additionalProperties' must be explicitly set to false"},
	{"foreign reasoning", sonnet45, turns(asked, `{"role":"assistant","content":[{"reasoningContent":{"reasoningText":{"text":"x","signature":"y"}}},{"text":"z"}]}`, asked), "", "messages.1.content.0: Invalid `signature` in `thinking` block"},
	{"an unknown fault", "", say(`{"text":"[[fault:nonsense]]"}`, ""), "", "unknown or malformed fault"},
}

func TestInvalidConverseBodiesAreRefused(t *testing.T) {
	b := newBench(t)
	for _, tt := range invalidBodies {
		t.Run(tt.name, func(t *testing.T) {
			model, name := tt.model, tt.error
			if model == "" {
				model = haiku3
			}
			if name == "" {
				name = "ValidationException"
			}
			status := http.StatusBadRequest
			if name == "AccessDeniedException" {
				status = http.StatusForbidden
			}
			got := b.send(http.MethodPost, "/model/"+url.PathEscape(model)+"/converse", tt.body, bearer)
			if got.status != status || got.name != name || !strings.Contains(got.message, tt.message) {
				t.Errorf("%d %s %q\nwant %s %q", got.status, got.name, got.message, name, tt.message)
			}
		})
	}
}
