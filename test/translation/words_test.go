package translation_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// user is a whole Converse body of one user turn with the given content, and further members.
func user(content string, members ...string) string {
	return `{"messages":[{"role":"user","content":[` + content + `]}]` + rest(members) + `}`
}

// greeted is user with the one word of hi.
func greeted(members ...string) string { return user(`{"text":"Hi"}`, members...) }

func rest(members []string) string {
	if len(members) == 0 {
		return ""
	}
	return "," + strings.Join(members, ",")
}

// spec is a toolSpec as Converse has it: with its name for a description, and a schema; {} stands for one without members.
func spec(name string, schema ...string) string {
	if len(schema) == 0 {
		schema = []string{`{"type":"object","properties":{}}`}
	}
	return fmt.Sprintf(`{"toolSpec":{"name":%q,"description":%q,"inputSchema":{"json":%s}}}`, name, name, schema[0])
}

// tools is a toolConfig member of specs.
func tools(choice string, specs ...string) string {
	if choice != "" {
		choice = `,"toolChoice":` + choice
	}
	return `"toolConfig":{"tools":[` + strings.Join(specs, ",") + `]` + choice + `}`
}

// content is a Converse reply of blocks.
func content(blocks, stop string) gatewaytest.Reply {
	return gatewaytest.Reply{Body: `{"output":{"message":{"role":"assistant","content":[` + blocks + `]}},"stopReason":"` + stop + `",` + counted + `}`}
}

const (
	counted = `"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8}`
	usage   = `"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0}}`
)

// completion is the OpenAI reply of sonnet35 with a message's members.
func completion(message, finish string, members ...string) string {
	return fmt.Sprintf(`{"id":"*","object":"chat.completion","created":"*","model":%q,"choices":[{"index":0,"message":{"role":"assistant",%s},"logprobs":null,"finish_reason":%q}]%s}`,
		sonnet35, message, finish, rest(members))
}

// frames is a reply of a Converse stream.
func frames(lines ...string) gatewaytest.Reply {
	return gatewaytest.Reply{Body: gatewaytest.Frames(lines...)}
}

// said puts a whole stream around its lines: they end with a natural stop, and are counted.
func said(lines ...string) []string { return stopped("end_turn", lines...) }

func stopped(reason string, lines ...string) []string {
	lines = append([]string{`messageStart {"role":"assistant"}`}, lines...)
	return append(lines, `messageStop {"stopReason":"`+reason+`"}`, `metadata {`+counted+`,"metrics":{"latencyMs":1}}`)
}

// delta, start and stop are frames of the content block at an index.
func delta(index int, content string) string {
	return fmt.Sprintf(`contentBlockDelta {"contentBlockIndex":%d,"delta":%s,"p":"abcd"}`, index, content)
}

func say(index int, text string) string { return delta(index, fmt.Sprintf(`{"text":%q}`, text)) }

func call(index int, id, name string) string {
	return fmt.Sprintf(`contentBlockStart {"contentBlockIndex":%d,"start":{"toolUse":{"toolUseId":%q,"name":%q}}}`, index, id, name)
}

func input(index int, fragment string) string {
	return delta(index, fmt.Sprintf(`{"toolUse":{"input":%q}}`, fragment))
}

func end(index int) string { return fmt.Sprintf(`contentBlockStop {"contentBlockIndex":%d}`, index) }

// sse is the exact text of a stream to the client. Its lines are deltas; "role" stands for the first of all, "finish
// <reason>" for the last, "usage" for the usage's chunk and "error <JSON>" for an error. [DONE] must be said. Where the
// first line is "counted", every chunk has its usage.
func sse(model string, lines ...string) string {
	var b strings.Builder
	tail := ""
	for _, line := range lines {
		word, arg, _ := strings.Cut(line, " ")
		head := fmt.Sprintf(`data: {"id":"*","object":"chat.completion.chunk","created":*,"model":%q,"choices":[`, model)
		chunk := func(delta, finish string) {
			b.WriteString(head + `{"index":0,"delta":` + delta + `,"logprobs":null,"finish_reason":` + finish + `}]` + tail + "}\n\n")
		}
		switch word {
		case "counted":
			tail = `,"usage":null`
		case "role":
			chunk(`{"role":"assistant","content":"","refusal":null}`, "null")
		case "finish":
			chunk("{}", `"`+arg+`"`)
		case "usage":
			b.WriteString(head + `],` + usage + "}\n\n")
		case "error":
			b.WriteString("data: " + arg + "\n\n")
		case "[DONE]":
			b.WriteString("data: [DONE]\n\n")
		case ":":
			b.WriteString(": " + arg + "\n\n")
		default:
			chunk(line, "null")
		}
	}
	return b.String()
}

// called is the delta that announces a call, args one with a fragment of its arguments.
func called(index int, id, name string) string {
	return fmt.Sprintf(`{"tool_calls":[{"index":%d,"id":%q,"type":"function","function":{"name":%q,"arguments":""}}]}`, index, id, name)
}

func args(index int, fragment string) string {
	return fmt.Sprintf(`{"tool_calls":[{"index":%d,"function":{"arguments":%q}}]}`, index, fragment)
}

// fault is OpenAI's error; the message need only hold the words. An empty param or code is null.
func fault(kind, param, code, words string) string {
	orNull := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	b, err := json.Marshal(map[string]any{"error": map[string]any{"message": "*" + words + "*", "type": kind, "param": orNull(param), "code": orNull(code)}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// invalid is a 400 about a param.
func invalid(param, words string) string { return fault("invalid_request_error", param, "", words) }
