// Package streams_test holds what must be true of every stream, however its upstream fails: a client can always tell a
// whole reply from a broken one. What whole streams are translated to stands in test/translation and test/grid.
package streams_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const gateway = `bedrock_gateway {
	openai sk-test {
		base_url %[1]s/v1
	}
	bedrock us-east-1 {
		endpoint %[1]s
		credentials AKIDEXAMPLE secret
		model anthropic.claude-opus-5 {
			api messages
		}
		model xai.* {
			api chat
		}
		model openai.gpt-5.5 {
			api responses
		}
		model openai.* {
			api chat
		}
	}
	route gpt-* {
		to openai
		retries 0
	}
	route anthropic.* amazon.* xai.* openai.* {
		to bedrock
		retries 0
	}
	files off
}`

func start(t *testing.T) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return gatewaytest.Start(t, fmt.Sprintf(gateway, u.URL)), u
}

// stream is a whole reply of one provider, and how to ask for it.
type stream struct {
	name, path, body string
	contentType      string // of the reply
	reply            string
	// ends is where the provider's own terminal event is complete: a cut from there on breaks nothing.
	ends int
	// done and failed are what the client sees at the end of a whole stream, and of a broken one.
	done, failed string
}

const (
	sse         = "text/event-stream"
	eventStream = "application/vnd.amazon.eventstream"
	claudeID    = "anthropic.claude-3-5-sonnet-20241022-v2:0"
	opusID      = "anthropic.claude-opus-5"
	// converseCounts is the last event of a Converse stream.
	converseCounts = `metadata {"usage":{"inputTokens":3,"outputTokens":5,"totalTokens":8},"metrics":{"latencyMs":1}}`
	titanID        = "amazon.titan-text-express-v1"
)

func streams() []stream {
	converse := gatewaytest.Frames(
		`messageStart {"role":"assistant","p":"ab"}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hello"},"p":"abc"}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"text":" wörld\n"}}`,
		`contentBlockStop {"contentBlockIndex":0}`,
		`contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"t1","name":"now"}}}`,
		`contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"a\":1}"}}}`,
		`contentBlockStop {"contentBlockIndex":1}`,
		`messageStop {"stopReason":"tool_use"}`,
		converseCounts,
	)
	claude := chunks(
		`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`,
		`{"type":"message_stop"}`,
	)
	titan := chunks(
		`{"index":0,"inputTextTokenCount":3,"totalOutputTextTokenCount":null,"outputText":"Hello","completionReason":null}`,
		`{"index":0,"inputTextTokenCount":3,"totalOutputTextTokenCount":5,"outputText":" world","completionReason":"FINISH"}`,
	)
	chunk := func(choice string) string {
		return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[` + choice + `]}`
	}
	openai := gatewaytest.SSE(
		chunk(`{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"content":"Hello"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"content":" wörld\n"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`),
		"[DONE]",
	)
	// Two answers, and the usage behind them.
	two := gatewaytest.SSE(
		chunk(`{"index":0,"delta":{"role":"assistant","content":"A"},"finish_reason":null}`),
		chunk(`{"index":1,"delta":{"role":"assistant","content":"B"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`),
		chunk(`{"index":1,"delta":{"content":"C"},"finish_reason":null}`),
		chunk(`{"index":1,"delta":{},"finish_reason":"stop"}`),
		`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8}}`,
		"[DONE]",
	)
	twoEnds := strings.Index(two, "[DONE]") + len("[DONE]")
	served := gatewaytest.Frames(
		`messageStart {"role":"assistant"}`,
		`contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"s1","name":"nova_grounding","type":"server_tool_use"}}}`,
		`contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"q\":1}"}}}`,
		`contentBlockStop {"contentBlockIndex":0}`,
		`contentBlockStart {"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"s1","type":"nova_grounding_result"}}}`,
		`contentBlockDelta {"contentBlockIndex":1,"delta":{"toolResult":[{"text":"x"}]}}`,
		`contentBlockStop {"contentBlockIndex":1}`,
		`contentBlockDelta {"contentBlockIndex":2,"delta":{"text":"Hello"}}`,
		`contentBlockDelta {"contentBlockIndex":2,"delta":{"citation":{"location":{"web":{"url":"https://a.example"}}}}}`,
		`contentBlockStop {"contentBlockIndex":2}`,
		`messageStop {"stopReason":"end_turn","additionalModelResponseFields":{"a":1}}`,
		converseCounts,
	)
	bedrocks := gatewaytest.SSE(
		chunk(`{"index":0,"delta":{"role":"assistant","content":"<reason"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"content":"ing>Hm</reasoning>Hel"},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_0","type":"function","function":{"name":"now","arguments":""}}]},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]},"finish_reason":null}`),
		chunk(`{"index":0,"delta":{},"finish_reason":"stop"}`),
		"[DONE]",
	)
	bedrocksEnds := strings.Index(bedrocks, "[DONE]") + len("[DONE]")
	messages := events(
		`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"c","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":1}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":5}}`,
		`{"type":"message_stop"}`,
	)
	responses := events(
		`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","created_at":1,"status":"in_progress","model":"m","output":[]}}`,
		`{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}`,
		`{"type":"response.output_item.done","sequence_number":2,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAAA"}}`,
		`{"type":"response.output_item.added","sequence_number":3,"output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}`,
		`{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"Hello","logprobs":[]}`,
		`{"type":"response.output_item.done","sequence_number":5,"output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[]}]}}`,
		`{"type":"response.completed","sequence_number":6,"response":{"id":"resp_1","created_at":1,"status":"completed","model":"m","output":[],"usage":{"input_tokens":3,"output_tokens":5,"total_tokens":8}}}`,
	)
	openaiEnds := strings.Index(openai, "[DONE]") + len("[DONE]")
	const (
		chat       = "/v1/chat/completions"
		asOpenAI   = `"stream":true,"messages":[{"role":"user","content":"Hi"}],"tools":[{"type":"function","function":{"name":"now"}}]}`
		asClaude   = `"stream":true,"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`
		openaiDone = "data: [DONE]"
		openaiFail = `data: {"error":`
		claudeDone = `"message_stop"`
		claudeFail = "event: error\ndata: {"

		asResponses   = `"stream":true,"input":"Hi"}`
		responsesDone = `{"type":"response.completed"`
		responsesFail = `{"type":"response.failed"`
	)
	return []stream{
		{"converse to OpenAI", chat, `{"model":"` + claudeID + `",` + asOpenAI, eventStream, converse, len(converse), openaiDone, openaiFail},
		{"OpenAI relayed", chat, `{"model":"gpt-4o",` + asOpenAI, sse, openai, openaiEnds, openaiDone, openaiFail},
		{"OpenAI to Claude", "/v1/messages", `{"model":"gpt-4o",` + asClaude, sse, openai, openaiEnds, claudeDone, claudeFail},
		{"Claude to OpenAI", chat, `{"model":"` + claudeID + `",` + asClaude, eventStream, claude, len(claude), openaiDone, openaiFail},
		{"Claude relayed", "/v1/messages", `{"model":"` + claudeID + `",` + asClaude, eventStream, claude, len(claude), claudeDone, claudeFail},
		{"Titan to OpenAI", chat, `{"model":"` + titanID + `","stream":true,"inputText":"Hi"}`, eventStream, titan, len(titan), openaiDone, openaiFail},
		{"Titan relayed", chat + "?target_format=titan", `{"model":"` + titanID + `","stream":true,"inputText":"Hi"}`, eventStream, titan, len(titan), `"completionReason":"FINISH"`, `data: {"message":`},
		// Bedrock's copies of OpenAI's and Anthropic's APIs.
		{"Bedrock's chat relayed", chat, `{"model":"xai.grok-4.6",` + asOpenAI, sse, bedrocks, bedrocksEnds, openaiDone, openaiFail},
		{"Bedrock's chat with reasoning in the text", chat, `{"model":"openai.gpt-oss-20b-1:0",` + asOpenAI, sse, bedrocks, bedrocksEnds, openaiDone, openaiFail},
		{"Bedrock's chat to Claude", "/v1/messages", `{"model":"xai.grok-4.6",` + asClaude, sse, bedrocks, bedrocksEnds, claudeDone, claudeFail},
		{"Messages relayed", "/v1/messages", `{"model":"` + opusID + `",` + asClaude, sse, messages, len(messages), claudeDone, claudeFail},
		{"Messages to OpenAI", chat, `{"model":"` + opusID + `",` + asOpenAI, sse, messages, len(messages), openaiDone, openaiFail},
		{"OpenAI's two choices relayed", chat, `{"model":"gpt-4o","n":2,"stream_options":{"include_usage":true},` + asOpenAI, sse, two, twoEnds, openaiDone, openaiFail},
		{"tools that Bedrock ran, to OpenAI", chat, `{"model":"amazon.nova-2-lite-v1:0",` + asOpenAI, eventStream, served, len(served), openaiDone, openaiFail},
		{"tools that Bedrock ran, to Claude", "/v1/messages", `{"model":"amazon.nova-2-lite-v1:0",` + asClaude, eventStream, served, len(served), claudeDone, claudeFail},
		{"converse to Responses", "/v1/responses", `{"model":"` + claudeID + `",` + asResponses, eventStream, converse, len(converse), responsesDone, responsesFail},
		{"tools that Bedrock ran, to Responses", "/v1/responses", `{"model":"amazon.nova-2-lite-v1:0",` + asResponses, eventStream, served, len(served), responsesDone, responsesFail},
		{"Messages to Responses", "/v1/responses", `{"model":"` + opusID + `",` + asResponses, sse, messages, len(messages), responsesDone, responsesFail},
		{"Bedrock's chat to Responses", "/v1/responses", `{"model":"xai.grok-4.6",` + asResponses, sse, bedrocks, bedrocksEnds, responsesDone, responsesFail},
		{"Titan to Responses", "/v1/responses", `{"model":"` + titanID + `",` + asResponses, eventStream, titan, len(titan), responsesDone, responsesFail},
		// OpenAI's Responses, at OpenAI and as Bedrock has it. Nothing but their last event says that they are whole.
		{"Responses relayed", "/v1/responses", `{"model":"gpt-4o",` + asResponses, sse, responses, len(responses), responsesDone, responsesFail},
		{"Bedrock's Responses relayed", "/v1/responses", `{"model":"openai.gpt-5.5",` + asResponses, sse, responses, len(responses), responsesDone, responsesFail},
		{"Responses to OpenAI's chat", chat, `{"model":"openai.gpt-5.5",` + asOpenAI, sse, responses, len(responses), openaiDone, openaiFail},
		{"Responses to Claude", "/v1/messages", `{"model":"openai.gpt-5.5",` + asClaude, sse, responses, len(responses), claudeDone, claudeFail},
		{"Responses to Converse", "/model/openai.gpt-5.5/converse-stream", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, sse, responses, len(responses), "metadata", "Exception"},
		{"converse relayed", "/model/" + claudeID + "/converse-stream", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, eventStream, converse, len(converse), "metadata", "Exception"},
	}
}

// events makes the server-sent events of Anthropic's Messages.
func events(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		name, _, _ := strings.Cut(strings.TrimPrefix(d, `{"type":"`), `"`)
		fmt.Fprintf(&b, "event: %s\ndata: %s\n\n", name, d)
	}
	return b.String()
}

// chunks makes the stream of InvokeModelWithResponseStream of a model's own events.
func chunks(events ...string) string {
	lines := make([]string, len(events))
	for i, e := range events {
		lines[i] = `chunk {"bytes":"` + base64.StdEncoding.EncodeToString([]byte(e)) + `","p":"abcdefg"}`
	}
	return gatewaytest.Frames(lines...)
}

// ask plays one reply and checks what must be true of every answer: done exactly if the reply was whole, and otherwise an
// HTTP error, or an error event and a connection that does not end as it should.
func (s *stream) ask(t *testing.T, g *gatewaytest.Gateway, u *gatewaytest.Upstream, what string, reply gatewaytest.Reply, whole bool) {
	t.Helper()
	reply.Header = map[string]string{"Content-Type": s.contentType}
	u.Play(reply)
	a := g.Post(t, s.path, s.body)
	done := strings.Contains(a.Body, s.done)
	failed := a.Status >= 400 || strings.Contains(a.Body, s.failed)
	switch {
	case whole && (a.Status != 200 || !done || failed || a.Broken != nil):
		t.Errorf("%s: a whole reply ended in status %d, broken %v:\n%s", what, a.Status, a.Broken, a.Body)
	case !whole && done:
		t.Errorf("%s: a broken reply ended like a whole one:\n%s", what, a.Body)
	case !whole && !failed:
		t.Errorf("%s: the client was not told:\n%s", what, a.Body)
	case !whole && a.Status == 200 && a.Broken == nil:
		t.Errorf("%s: the connection ended as if all was well:\n%s", what, a.Body)
	}
}

// The connection breaks off, or the reply ends in good order, after every byte.
func TestAStreamCutAnywhereNeverEndsLikeAWholeOne(t *testing.T) {
	g, u := start(t)
	for _, s := range streams() {
		t.Run(s.name, func(t *testing.T) {
			s.ask(t, g, u, "whole", gatewaytest.Reply{Body: s.reply}, true)
			for n := range len(s.reply) {
				s.ask(t, g, u, fmt.Sprintf("cut after %d bytes", n), gatewaytest.Reply{Body: s.reply[:n], Cut: true}, n >= s.ends)
				s.ask(t, g, u, fmt.Sprintf("ended after %d bytes", n), gatewaytest.Reply{Body: s.reply[:n]}, s.mayEnd(n))
			}
		})
	}
}

// mayEnd reports whether a reply that ends in good order after n bytes is whole: behind its last event, and behind any frame from
// the one on that says why the last of its choices stopped. Servers that imitate OpenAI leave [DONE] out, and Converse's
// metadata only counts. A part of a frame behind that is a broken transport.
func (s *stream) mayEnd(n int) bool {
	if n >= s.ends {
		return true
	}
	if stop := strings.LastIndex(s.reply, `"finish_reason":"stop"`); stop >= 0 {
		return n > stop && strings.HasSuffix(s.reply[:n], "\n\n")
	}
	if stop := strings.Index(s.reply, `messageStop`); stop >= 0 {
		return n == len(s.reply)-len(gatewaytest.Frames(converseCounts))
	}
	return false
}

// One bit of every byte is flipped: the frames' checksums tell.
func TestACorruptFrameIsAnError(t *testing.T) {
	g, u := start(t)
	for _, s := range streams() {
		if s.contentType == sse {
			continue // its format has no checksums
		}
		t.Run(s.name, func(t *testing.T) {
			for n := range len(s.reply) {
				b := []byte(s.reply)
				b[n] ^= 1 << (n % 8)
				s.ask(t, g, u, fmt.Sprintf("byte %d", n), gatewaytest.Reply{Body: string(b)}, false)
			}
		})
	}
}

// Server-sent events carry no checksum, so that altered text passes. But whatever bit is flipped, the answer ends, and never
// as a whole one where the upstream sent no end.
func TestAnAlteredEventMakesNoEnd(t *testing.T) {
	g, u := start(t)
	for _, s := range streams() {
		if s.contentType != sse {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			for n := range len(s.reply) {
				b := []byte(s.reply)
				b[n] ^= 1 << (n % 8)
				u.Play(gatewaytest.Reply{Body: string(b), Header: map[string]string{"Content-Type": s.contentType}})
				a := g.Post(t, s.path, s.body)
				if ended(string(b)) {
					continue
				}
				if strings.Contains(a.Body, s.done) {
					t.Errorf("byte %d: an end that was not sent:\n%s\nof\n%s", n, a.Body, b)
				}
			}
		})
	}
}

// ended reports whether the reply has an end that a client may see: the reason to stop, or the last event.
func ended(reply string) bool {
	for _, end := range []string{"[DONE]", `"finish_reason":"`, `"message_stop"`, `"response.completed"`} {
		if strings.Contains(reply, end) {
			return true
		}
	}
	return false
}
