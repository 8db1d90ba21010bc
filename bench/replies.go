package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// The models of the requests, one of each upstream.
const (
	gpt    = "gpt-4o"
	sonnet = "anthropic.claude-3-5-sonnet-20241022-v2:0"
)

// openaiRequest is a chat of about 2 KB: a system prompt, five messages and a tool.
func openaiRequest(model string, stream bool) string {
	return `{"model":"` + model + `",` + streamMember(stream) + `"temperature":0.7,"max_tokens":512,"messages":[` +
		`{"role":"system","content":"You are a helpful assistant."},` + messages() + `],"tools":[{"type":"function","function":{` +
		`"name":"get_weather","description":"Get the weather of a city","parameters":` + schema + `}}],"tool_choice":"auto"}`
}

// claudeRequest is the same chat in Claude's form.
func claudeRequest(model string, stream bool) string {
	return `{"model":"` + model + `",` + streamMember(stream) + claudeMembers()
}

// invokeRequest is the same chat as InvokeModel takes it.
func invokeRequest() string { return "{" + claudeMembers() }

func claudeMembers() string {
	return `"anthropic_version":"bedrock-2023-05-31","max_tokens":512,"system":"You are a helpful assistant.","messages":[` + messages() +
		`],"tools":[{"name":"get_weather","description":"Get the weather of a city","input_schema":` + schema + `}]}`
}

// converseRequest is the same chat as Converse takes it.
func converseRequest() string {
	turns := make([]string, 0, 5)
	for i := range 5 {
		turns = append(turns, `{"role":"`+role(i)+`","content":[{"text":"`+words+`"}]}`)
	}
	return `{"system":[{"text":"You are a helpful assistant."}],"inferenceConfig":{"maxTokens":512},"messages":[` + strings.Join(turns, ",") +
		`],"toolConfig":{"tools":[{"toolSpec":{"name":"get_weather","description":"Get the weather of a city","inputSchema":{"json":` + schema + `}}}]}}`
}

// textRequest is a chat whose question has the given number of bytes.
func textRequest(size int) string {
	return `{"model":"` + sonnet + `","max_tokens":512,"messages":[{"role":"user","content":"` + strings.Repeat("a word of a long question ", size/26) + `"}]}`
}

// imageRequest is a chat about an image of the given number of bytes.
func imageRequest(size int) string {
	image := make([]byte, size)
	copy(image, "\x89PNG\r\n\x1a\n")
	for i := 8; i < size; i++ {
		image[i] = byte(i * i >> 3)
	}
	return `{"model":"` + sonnet + `","max_tokens":512,"messages":[{"role":"user","content":[{"type":"text","text":"What is this?"},` +
		`{"type":"image_url","image_url":{"url":"data:image/png;base64,` + base64.StdEncoding.EncodeToString(image) + `"}}]}]}`
}

const schema = `{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}`

var words = strings.Repeat("some of the words of a chat, ", 10)

func messages() string {
	turns := make([]string, 0, 5)
	for i := range 5 {
		turns = append(turns, `{"role":"`+role(i)+`","content":"`+words+`"}`)
	}
	return strings.Join(turns, ",")
}

func role(turn int) string {
	if turn%2 == 0 {
		return "user"
	}
	return "assistant"
}

func streamMember(stream bool) string {
	if stream {
		return `"stream":true,`
	}
	return ""
}

// Whole replies of about 1 KB.
var (
	said        = strings.Repeat("the reply of a model ", 45)
	openaiReply = whole(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant",` +
		`"content":"` + said + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":410,"completion_tokens":120,"total_tokens":530}}`)
	converseReply = whole(`{"metrics":{"latencyMs":412},"output":{"message":{"content":[{"text":"` + said + `"}],"role":"assistant"}},` +
		`"stopReason":"end_turn","usage":{"inputTokens":410,"outputTokens":120,"totalTokens":530}}`)
)

// openaiStream is a stream of chat.completion.chunk with the given number of text deltas.
func openaiStream(deltas int) []string {
	chunk := func(delta, finish string) string {
		return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":` + delta + `,"logprobs":null,"finish_reason":` + finish + `}]}` + "\n\n"
	}
	events := []string{chunk(`{"role":"assistant","content":""}`, "null")}
	for range deltas {
		events = append(events, chunk(`{"content":" a few words"}`, "null"))
	}
	return append(events, chunk("{}", `"stop"`), "data: [DONE]\n\n")
}

// claudeEvents are the events of a stream of Claude's.
func claudeEvents(deltas int) (names, data []string) {
	add := func(name, payload string) {
		names, data = append(names, name), append(data, `{"type":"`+name+`",`+payload+`}`)
	}
	add("message_start", `"message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":410,"output_tokens":1}}`)
	add("content_block_start", `"index":0,"content_block":{"type":"text","text":""}`)
	for range deltas {
		add("content_block_delta", `"index":0,"delta":{"type":"text_delta","text":" a few words"}`)
	}
	add("content_block_stop", `"index":0`)
	add("message_delta", `"delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":120}`)
	add("message_stop", `"amazon-bedrock-invocationMetrics":{"inputTokenCount":410,"outputTokenCount":120,"invocationLatency":412,"firstByteLatency":100}`)
	return names, data
}

// claudeStream is Claude's stream as server-sent events.
func claudeStream(deltas int) []string {
	names, data := claudeEvents(deltas)
	for i := range data {
		data[i] = "event: " + names[i] + "\ndata: " + data[i] + "\n\n"
	}
	return data
}

// invokeStream is Claude's stream as InvokeModelWithResponseStream wraps it.
func invokeStream(deltas int) []string {
	_, data := claudeEvents(deltas)
	for i := range data {
		data[i] = frame("chunk", `{"bytes":"`+base64.StdEncoding.EncodeToString([]byte(data[i]))+`","p":"abcdefghijklm"}`)
	}
	return data
}

// converseStream is a stream of ConverseStream.
func converseStream(deltas int) []string {
	events := []string{frame("messageStart", `{"p":"abcdefghij","role":"assistant"}`)}
	for range deltas {
		events = append(events, frame("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":" a few words"},"p":"abcdefghijklmnopqrstuvwxyz"}`))
	}
	return append(events,
		frame("contentBlockStop", `{"contentBlockIndex":0,"p":"abc"}`),
		frame("messageStop", `{"p":"abcdefgh","stopReason":"end_turn"}`),
		frame("metadata", `{"metrics":{"latencyMs":412},"p":"abcdefgh","usage":{"inputTokens":410,"outputTokens":120,"totalTokens":530}}`))
}

func frame(event, payload string) string {
	return string(eventstream.Append(nil, []eventstream.Header{
		{Name: eventstream.HeaderEventType, Value: event},
		{Name: eventstream.HeaderContentType, Value: "application/json"},
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeEvent},
	}, []byte(payload)))
}

// Content types of streams.
const (
	typeSSE    = "text/event-stream"
	typeFrames = "application/vnd.amazon.eventstream"
)

// whole is a whole reply on the wire.
func whole(body string) *reply {
	return &reply{pieces: [][]byte{[]byte(head("application/json") + "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)}}
}

// stream is a streamed reply on the wire whose events come back to back, each in an HTTP chunk.
func stream(contentType string, events []string) *reply {
	return &reply{pieces: [][]byte{bytes.Join(paced(0, contentType, events).pieces, nil)}}
}

// paced is a streamed reply with a pause before each event but the first.
func paced(pause time.Duration, contentType string, events []string) *reply {
	r := &reply{pause: pause, pieces: [][]byte{[]byte(head(contentType) + "Transfer-Encoding: chunked\r\n\r\n")}}
	for i, e := range events {
		chunk := fmt.Sprintf("%x\r\n%s\r\n", len(e), e)
		if i == len(events)-1 {
			chunk += "0\r\n\r\n"
		}
		if i == 0 {
			r.pieces[0] = append(r.pieces[0], chunk...)
			continue
		}
		r.pieces = append(r.pieces, []byte(chunk))
	}
	return r
}

func head(contentType string) string {
	return "HTTP/1.1 200 OK\r\nDate: Mon, 02 Jan 2006 15:04:05 GMT\r\nContent-Type: " + contentType + "\r\nX-Request-Id: 5b7b7c0e-0f4b-4bb5-a7b3-0a4c3f9a3f11\r\n"
}
