package openai

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// benchBody is a chat of 2 KB: system, five messages, one tool.
func benchBody() []byte {
	var b strings.Builder
	b.WriteString(`{"model":"anthropic.claude-3-haiku-20240307-v1:0","temperature":0.7,"max_tokens":512,"messages":[{"role":"system","content":"` + strings.Repeat("Be brief. ", 12) + `"}`)
	for i := range 5 {
		role := [...]string{"user", "assistant"}[i%2]
		b.WriteString(`,{"role":"` + role + `","content":"` + strings.Repeat("some words of a chat, ", 14) + `"}`)
	}
	b.WriteString(`],"tools":[{"type":"function","function":{"name":"get_weather","description":"The weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}}],"stream":true}`)
	return []byte(b.String())
}

func BenchmarkDecodeRequest(b *testing.B) {
	body := benchBody()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		var x chat.Exchange
		if _, err := (Dialect{}).DecodeRequest(body, &x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeImage(b *testing.B) {
	body := []byte(`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("AAAA", 1<<18) + `"}}]}]}`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		var x chat.Exchange
		if _, err := (Dialect{}).DecodeRequest(body, &x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeRequest(b *testing.B) {
	r, err := Dialect{}.DecodeRequest(benchBody(), &chat.Exchange{})
	if err != nil {
		b.Fatal(err)
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

func BenchmarkSplice(b *testing.B) {
	var body chat.Body
	if err := body.ParseBody(benchBody()); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 1<<14)
	e, x := &chat.Edits{Model: "gpt-4o", AskUsage: true}, exchange()
	b.SetBytes(int64(len(body.Raw)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Dialect{}).Splice(buf, &body, e, x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeResponse(b *testing.B) {
	r := &chat.Response{Content: []chat.Block{textOf(`"` + strings.Repeat("some words of an answer ", 40) + `"`)}, Stop: chat.StopEnd, Usage: chat.Usage{Known: true, Input: 300, Output: 200}}
	buf, x := make([]byte, 0, 1<<13), exchange()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Dialect{}).EncodeResponse(buf, r, x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeResponse(b *testing.B) {
	r := &chat.Response{Content: []chat.Block{textOf(`"` + strings.Repeat("some words of an answer ", 40) + `"`)}, Stop: chat.StopEnd, Usage: chat.Usage{Known: true, Input: 300, Output: 200}}
	x := exchange()
	body, err := Dialect{}.EncodeResponse(nil, r, x)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Dialect{}).DecodeResponse(body, x); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStreamEncodeTextDelta(b *testing.B) {
	e := Dialect{}.NewStreamEncoder(exchange())
	ev := textDelta(0, `" word"`)
	buf := e.Encode(make([]byte, 0, 4096), &ev)
	b.ReportAllocs()
	for b.Loop() {
		buf = e.Encode(buf[:0], &ev)
	}
}

func BenchmarkStreamDecodeTextDelta(b *testing.B) {
	d := Dialect{}.NewStreamDecoder(exchange())
	payload := []byte(`{"id":"chatcmpl-123456789012345678901234","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_0123456789","choices":[{"index":0,"delta":{"content":" word"},"logprobs":null,"finish_reason":null}],"usage":null}`)
	events := make([]chat.Event, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if events, err = d.Decode(events[:0], nil, payload); err != nil {
			b.Fatal(err)
		}
	}
}
