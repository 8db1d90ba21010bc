package bedrockgateway

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

func init() { caddy.RegisterModule(new(stubTransport)) }

// stubTransport takes the network's place, so that the gateway alone is measured. It reads the request as a transport
// does and answers what the benchmark set.
type stubTransport struct{}

var stubReply struct {
	header http.Header
	body   []byte
}

func (*stubTransport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.reverse_proxy.transport.stub", New: func() caddy.Module { return new(stubTransport) }}
}

func (*stubTransport) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { return nil }

func (*stubTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	_, err := io.Copy(io.Discard, r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Header: stubReply.header, Body: io.NopCloser(bytes.NewReader(stubReply.body))}, nil
}

// discard is a ResponseWriter that discards its output.
type discard struct {
	header http.Header
	n      int
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { d.n += len(b); return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }
func (d *discard) Flush()                      {}

// benchLimits are limits of all kinds that are never reached.
const benchLimits = `"limits": [{"name": "all", "requests": {"count": 1000000000, "window": 60000000000}, "tokens": {"count": 1000000000, "period": "day"}, "concurrent": 1000}],`

// newBenchGateway returns a gateway whose upstreams answer with contentType and body. The settings are JSON members.
func newBenchGateway(b testing.TB, contentType string, body []byte, settings ...string) *Gateway {
	b.Helper()
	stubReply.header, stubReply.body = http.Header{"Content-Type": {contentType}}, body
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	b.Cleanup(cancel)
	mod, err := ctx.LoadModuleByID("http.handlers.bedrock_gateway", json.RawMessage(`{`+strings.Join(settings, "")+`
		"upstreams": [
			{"name": "openai", "upstream": {"kind": "openai", "api_key": "sk-test", "base_url": "http://upstream.test/v1", "transport": {"protocol": "stub"}}},
			{"name": "bedrock", "upstream": {"kind": "bedrock", "region": "us-east-1", "endpoint": "http://upstream.test", "access_key_id": "AKIDEXAMPLE", "secret_access_key": "secret", "transport": {"protocol": "stub"}}}
		],
		"files_off": true
	}`))
	if err != nil {
		b.Fatal(err)
	}
	return mod.(*Gateway)
}

// chatBody returns a chat of about 2 KB: a system prompt, five messages and a tool.
func chatBody(modelID string, stream bool) string {
	words := strings.Repeat("some of the words of a chat, ", 10)
	s := ""
	if stream {
		s = `"stream":true,`
	}
	return `{"model":"` + modelID + `",` + s + `"temperature":0.7,"max_tokens":512,"messages":[{"role":"system","content":"You are a helpful assistant."},` +
		`{"role":"user","content":"` + words + `"},{"role":"assistant","content":"` + words + `"},{"role":"user","content":"` + words + `"},` +
		`{"role":"assistant","content":"` + words + `"},{"role":"user","content":"` + words + `"}],` +
		`"tools":[{"type":"function","function":{"name":"get_weather","description":"Get the weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}}}],"tool_choice":"auto"}`
}

// largeBody returns a chat of n bytes and more.
func largeBody(n int) string {
	return strings.Replace(chatBody(benchClaude, false), "You are", strings.Repeat("many of the words of a book, ", n/29)+"you are", 1)
}

func converseReply() []byte {
	return []byte(`{"metrics":{"latencyMs":412},"output":{"message":{"content":[{"text":"` + strings.Repeat("the reply of a model ", 45) + `"}],"role":"assistant"}},"stopReason":"end_turn","usage":{"inputTokens":410,"outputTokens":120,"totalTokens":530}}`)
}

func openaiReply() []byte {
	return []byte(`{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"` + strings.Repeat("the reply of a model ", 45) + `","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":410,"completion_tokens":120,"total_tokens":530}}`)
}

// converseStream returns a whole stream with the given number of text deltas.
func converseStream(deltas int) []byte {
	var b bytes.Buffer
	enc := eventstream.NewEncoder()
	event := func(name, payload string) {
		var m eventstream.Message
		m.Headers.Set(":event-type", eventstream.StringValue(name))
		m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
		m.Headers.Set(":message-type", eventstream.StringValue("event"))
		m.Payload = []byte(payload)
		if err := enc.Encode(&b, m); err != nil {
			panic(err)
		}
	}
	event("messageStart", `{"p":"abcdefghij","role":"assistant"}`)
	for range deltas {
		event("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":" a few words"},"p":"abcdefghijklmnopqrstuvwxyz"}`)
	}
	event("contentBlockStop", `{"contentBlockIndex":0,"p":"abc"}`)
	event("messageStop", `{"p":"abcdefgh","stopReason":"end_turn"}`)
	event("metadata", `{"metrics":{"latencyMs":412},"p":"abcdefgh","usage":{"inputTokens":410,"outputTokens":120,"totalTokens":530}}`)
	return b.Bytes()
}

// invokeStream returns a whole stream of InvokeModelWithResponseStream with the given number of text deltas.
func invokeStream(deltas int) []byte {
	var b bytes.Buffer
	enc := eventstream.NewEncoder()
	event := func(payload string) {
		var m eventstream.Message
		m.Headers.Set(":event-type", eventstream.StringValue("chunk"))
		m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
		m.Headers.Set(":message-type", eventstream.StringValue("event"))
		m.Payload = []byte(`{"bytes":"` + base64.StdEncoding.EncodeToString([]byte(payload)) + `","p":"abcdefghijklm"}`)
		if err := enc.Encode(&b, m); err != nil {
			panic(err)
		}
	}
	event(`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":410,"output_tokens":1}}}`)
	event(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
	for range deltas {
		event(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" a few words"}}`)
	}
	event(`{"type":"content_block_stop","index":0}`)
	event(`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":120}}`)
	event(`{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":410,"outputTokenCount":120,"invocationLatency":412,"firstByteLatency":100}}`)
	return b.Bytes()
}

// responsesBody returns a chat of about 2 KB in the form of Responses. Nothing of it is kept.
func responsesBody(stream bool) string {
	words := strings.Repeat("some of the words of a chat, ", 10)
	turn := func(role string) string { return `{"role":"` + role + `","content":"` + words + `"}` }
	return `{"model":"` + benchClaude + `","store":false,"stream":` + strconv.FormatBool(stream) + `,"temperature":0.7,"max_output_tokens":512,"instructions":"You are a helpful assistant.",` +
		`"input":[` + turn("user") + "," + turn("assistant") + "," + turn("user") + "," + turn("assistant") + "," + turn("user") + `],` +
		`"tools":[{"type":"function","name":"get_weather","description":"Get the weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string","description":"The city"}},"required":["city"]}}],"tool_choice":"auto"}`
}

// claudeBody returns a chat of about 2 KB in Claude's form.
func claudeBody(stream bool) string {
	words := strings.Repeat("some of the words of a chat, ", 10)
	s := ""
	if stream {
		s = `"stream":true,`
	}
	return `{"anthropic_version":"bedrock-2023-05-31","model":"` + benchClaude + `",` + s + `"max_tokens":512,"system":"You are a helpful assistant.",` +
		`"messages":[{"role":"user","content":"` + words + `"},{"role":"assistant","content":"` + words + `"},{"role":"user","content":"` + words + `"},` +
		`{"role":"assistant","content":"` + words + `"},{"role":"user","content":"` + words + `"}],` +
		`"tools":[{"name":"get_weather","description":"Get the weather of a city","input_schema":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}}]}`
}

// benchRequest returns a request with the body, at the path of its form.
func benchRequest(body string) *http.Request {
	path := "/v1/chat/completions"
	if strings.Contains(body, `"input":`) {
		path = "/v1/responses"
	}
	return httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
}

// benchCall runs one request through ServeHTTP.
func (g *Gateway) benchCall(b testing.TB, body string) *discard {
	r := benchRequest(body)
	w := &discard{header: make(http.Header, 8)}
	if err := g.ServeHTTP(w, r, caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error { return nil })); err != nil {
		b.Fatal(err)
	}
	if w.status != http.StatusOK || w.n == 0 {
		b.Fatalf("status %d, %d bytes", w.status, w.n)
	}
	return w
}

const benchClaude = "anthropic.claude-3-5-sonnet-20241022-v2:0"

// raceDetector reports whether the test was built with the race detector.
var raceDetector bool

// requestAllocs returns the allocations of httptest and of the discarding writer themselves.
func requestAllocs(body string) float64 {
	return testing.AllocsPerRun(200, func() {
		r := benchRequest(body)
		w := &discard{header: make(http.Header, 8)}
		_, _ = r, w
	})
}

// A request's whole handling takes about 60 allocations, and each further delta of a stream takes none.
func TestHandlerAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector allocates, too")
	}
	const frames = "application/vnd.amazon.eventstream"
	tests := []struct {
		name, contentType string
		reply             []byte
		body              string
		most, kilobytes   float64 // of allocations, and of the memory that they take
		settings          string
	}{
		{"OpenAI to Converse and back", "application/json", converseReply(), chatBody(benchClaude, false), 54, 10, ""},
		{"OpenAI to Converse and back, with limits", "application/json", converseReply(), chatBody(benchClaude, false), 67, 11, benchLimits},
		// The memory of bodies is used again, however large they are.
		{"a request of 100 KB", "application/json", converseReply(), largeBody(100_000), 54, 13, ""},
		{"OpenAI passed through", "application/json", openaiReply(), chatBody("gpt-4o", false), 41, 7, ""},
		{"Responses to Converse and back", "application/json", converseReply(), responsesBody(false), 71, 15, ""},
		{"a stream of one delta", frames, converseStream(1), chatBody(benchClaude, true), 57, 11, ""},
		// A thousand deltas may cost one thing more than a single one: the larger buffer that a burst is read into.
		{"a stream of a thousand deltas", frames, converseStream(1000), chatBody(benchClaude, true), 60, 14, ""},
		{"a Claude stream of one delta", frames, invokeStream(1), claudeBody(true), 64, 12, ""},
		{"a Claude stream of a thousand deltas", frames, invokeStream(1000), claudeBody(true), 66, 14, ""},
		{"a Responses stream of one delta", frames, converseStream(1), responsesBody(true), 66, 16, ""},
		// Its last events have the whole text once more.
		{"a Responses stream of a thousand deltas", frames, converseStream(1000), responsesBody(true), 76, 85, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := newBenchGateway(t, tt.contentType, tt.reply, tt.settings)
			if len(g.observers) == 0 {
				t.Fatal("nothing counts the calls: a call without metrics is measured")
			}
			n := testing.AllocsPerRun(200, func() { g.benchCall(t, tt.body) }) - requestAllocs(tt.body)
			kb := kilobytes(func() { g.benchCall(t, tt.body) }) - kilobytes(func() { benchRequest(tt.body) })
			t.Logf("%.0f allocations, %.1f KB", n, kb)
			if n > tt.most || kb > tt.kilobytes {
				t.Errorf("%.0f allocations of %.1f KB, at most %.0f of %.0f KB are allowed", n, kb, tt.most, tt.kilobytes)
			}
		})
	}
}

// kilobytes returns how much memory f allocates: the least of some runs, because a collection empties pools.
func kilobytes(f func()) float64 {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	least := math.MaxFloat64
	for range 10 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range 20 {
			f()
		}
		runtime.ReadMemStats(&after)
		least = min(least, float64(after.TotalAlloc-before.TotalAlloc)/20/1024)
	}
	return least
}

func benchmarkCall(b *testing.B, contentType string, reply []byte, body string) {
	g := newBenchGateway(b, contentType, reply)
	b.ReportAllocs()
	for b.Loop() {
		g.benchCall(b, body)
	}
}

func BenchmarkUnaryOpenAIToConverse(b *testing.B) {
	benchmarkCall(b, "application/json", converseReply(), chatBody(benchClaude, false))
}

func BenchmarkUnaryOpenAIPassthrough(b *testing.B) {
	benchmarkCall(b, "application/json", openaiReply(), chatBody("gpt-4o", false))
}

// benchmarkStream measures the whole cost of one further delta: its frame is read, decoded, encoded and written.
func benchmarkStream(b *testing.B, reply func(deltas int) []byte, body string) {
	for _, deltas := range []int{100, 10_000} {
		b.Run(strconv.Itoa(deltas)+" deltas", func(b *testing.B) {
			benchmarkCall(b, "application/vnd.amazon.eventstream", reply(deltas), body)
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(deltas), "ns/delta")
		})
	}
}

func BenchmarkStreamConverseToOpenAI(b *testing.B) {
	benchmarkStream(b, converseStream, chatBody(benchClaude, true))
}

func BenchmarkStreamClaudeToOpenAI(b *testing.B) {
	benchmarkStream(b, invokeStream, claudeBody(true))
}

// What the counting of a call costs beside the rest of it: the same call with and without.
func BenchmarkCounting(b *testing.B) {
	for _, counted := range []bool{true, false} {
		b.Run(strconv.FormatBool(counted), func(b *testing.B) {
			g := newBenchGateway(b, "application/json", converseReply())
			if !counted {
				g.observers = nil
			}
			body := chatBody(benchClaude, false)
			b.ReportAllocs()
			for b.Loop() {
				g.benchCall(b, body)
			}
		})
	}
}
