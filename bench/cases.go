package main

import (
	"strings"
	"time"
)

const chatPath = "/v1/chat/completions"

// ratioCase is a pair and the most that its ratio may be.
type ratioCase struct {
	bar float64
	pair
}

// ratioCases are the goals that compare CPU time per request. What the proxy relays is what its client would get without
// a gateway: the same request, answered in the form that the gateway's client gets.
func ratioCases() []ratioCase {
	openaiUnary := task{post(chatPath, openaiRequest(gpt, false)), openaiReply, `"finish_reason":"stop"`}
	openaiStreamed := task{post(chatPath, openaiRequest(gpt, true)), stream(typeSSE, openaiStream(100)), "[DONE]"}
	converseUnary := task{post(chatPath, openaiRequest(sonnet, false)), converseReply, `"finish_reason":"stop"`}
	native := "/model/" + strings.ReplaceAll(sonnet, ":", "%3A")
	relayed := task{post(native+"/converse-stream", converseRequest()), stream(typeFrames, converseStream(100)), "latencyMs"}
	invoked := task{post(native+"/invoke-with-response-stream", invokeRequest()), stream(typeFrames, invokeStream(100)), `{"bytes":`}
	return []ratioCase{
		{0.80, pair{name: "OpenAI passthrough, unary", gateway: openaiUnary, proxy: openaiUnary}},
		{0.90, pair{name: "OpenAI passthrough, stream of 100", gateway: openaiStreamed, proxy: openaiStreamed}},
		{0.90, pair{name: "OpenAI → Converse → OpenAI, unary", gateway: converseUnary, proxy: openaiUnary}},
		{1.00, pair{
			name:    "OpenAI → Converse → OpenAI, stream of 100, back to back",
			gateway: toConverse(stream(typeFrames, converseStream(100))), proxy: openaiStreamed,
		}},
		{1.05, pair{
			name:    "OpenAI → Converse → OpenAI, stream of 100, 5 ms apart",
			gateway: toConverse(paced(5*time.Millisecond, typeFrames, converseStream(100))),
			proxy:   task{openaiStreamed.request, paced(5*time.Millisecond, typeSSE, openaiStream(100)), "[DONE]"},
		}},
		{1.20, pair{
			name:    "Claude invoke stream → OpenAI chunks, back to back",
			gateway: task{post(chatPath, claudeRequest(sonnet, true)), invoked.reply, "[DONE]"}, proxy: openaiStreamed,
		}},
		{0.90, pair{
			name:    "Claude → Claude, /v1/messages, stream of 100",
			gateway: task{post("/v1/messages", claudeRequest(sonnet, true)), invoked.reply, "message_stop"},
			proxy:   task{post("/v1/messages", claudeRequest(sonnet, true)), stream(typeSSE, claudeStream(100)), "message_stop"},
		}},
		{0.90, pair{name: "Claude → Claude, InvokeModel, stream of 100", gateway: invoked, proxy: invoked}},
		{0.90, pair{name: "Converse → Converse, stream of 100", gateway: relayed, proxy: relayed}},
	}
}

// toConverse is a streamed chat of OpenAI's to a model of Bedrock's.
func toConverse(r *reply) task { return task{post(chatPath, openaiRequest(sonnet, true)), r, "[DONE]"} }

// ratios measures the ratioCases.
func (b *bench) ratios() error {
	for _, c := range ratioCases() {
		if !b.selected(c.name) {
			continue
		}
		samples, err := b.compare(c.pair)
		if err != nil {
			return err
		}
		row{c.name, c.bar, median(samples, sample.ratio), "", microseconds(samples)}.print()
	}
	return nil
}
