package observe_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

var update = flag.Bool("update", false, "write the golden files")

// receiver takes spans by OTLP, as a collector does.
type receiver struct {
	mu    sync.Mutex
	spans []*tracepb.Span
	raw   strings.Builder
	came  chan struct{} // has one where spans came
}

// receive starts a receiver, and tells Caddy's exporter of it.
func receive(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{came: make(chan struct{}, 1)}
	srv := httptest.NewServer(r)
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT": srv.URL, "OTEL_BSP_SCHEDULE_DELAY": "20",
	} {
		t.Setenv(name, value)
	}
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	var export collector.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &export); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.raw.WriteString(export.String())
	for _, resource := range export.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			r.spans = append(r.spans, scope.GetSpans()...)
		}
	}
	select {
	case r.came <- struct{}{}:
	default:
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// wait returns the spans when there are n of them.
func (r *receiver) wait(n int) []*tracepb.Span {
	for {
		r.mu.Lock()
		spans := slices.Clone(r.spans)
		r.mu.Unlock()
		if len(spans) >= n {
			return spans
		}
		<-r.came
	}
}

// shown is a span as the golden has it: ids as names, no times.
type shown struct {
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	Parent     string         `json:"parent"`
	Error      string         `json:"error,omitempty"`
	Attributes map[string]any `json:"attributes"`
}

var varying = regexp.MustCompile(`^req_[0-9A-Za-z]{24}$`)

func show(spans []*tracepb.Span) []shown {
	names := map[string]string{"": "none"}
	for _, s := range spans {
		names[string(s.GetSpanId())] = s.GetName()
	}
	slices.SortFunc(spans, func(a, b *tracepb.Span) int { return int(a.GetStartTimeUnixNano()) - int(b.GetStartTimeUnixNano()) })
	all := make([]shown, 0, len(spans))
	for _, s := range spans {
		one := shown{Name: s.GetName(), Kind: strings.TrimPrefix(s.GetKind().String(), "SPAN_KIND_"), Parent: names[string(s.GetParentSpanId())], Attributes: map[string]any{}}
		if one.Parent == "" {
			one.Parent = "the client's"
		}
		if s.GetStatus().GetCode() == tracepb.Status_STATUS_CODE_ERROR {
			one.Error = s.GetStatus().GetMessage()
		}
		if one.Parent == "the client's" || one.Parent == "none" {
			all = append(all, one) // Caddy's own: its attributes are its business
			continue
		}
		for _, a := range s.GetAttributes() {
			v := a.GetValue()
			var value any
			switch {
			case a.GetKey() == "server.port" || a.GetKey() == "gen_ai.response.time_to_first_chunk" || varying.MatchString(v.GetStringValue()):
				value = "varies"
			case v.GetArrayValue() != nil:
				var list []string
				for _, e := range v.GetArrayValue().GetValues() {
					list = append(list, e.GetStringValue())
				}
				value = list
			default:
				data, _ := json.Marshal(v.GetValue())
				var union map[string]any
				_ = json.Unmarshal(data, &union)
				for _, member := range union {
					value = member
				}
			}
			one.Attributes[a.GetKey()] = value
		}
		all = append(all, one)
	}
	return all
}

func TestTheTraceOfACallWithFallback(t *testing.T) {
	r := receive(t)
	busy := gatewaytest.NewUpstream(t, gatewaytest.Reply{Status: http.StatusServiceUnavailable, Body: `{"error":{"message":"busy"}}`})
	good := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: gatewaytest.Frames(
		`messageStart {"role":"assistant"}`, `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hi"}}`, `contentBlockStop {"contentBlockIndex":0}`,
		`messageStop {"stopReason":"max_tokens"}`, `metadata {"usage":{"inputTokens":10,"outputTokens":5,"totalTokens":18,"cacheReadInputTokens":3,"cacheWriteInputTokens":0},"metrics":{"latencyMs":1}}`)})
	g := gatewaytest.Start(t, `tracing {
	span caddy
}
bedrock_gateway {
	upstream busy openai k {
		base_url `+busy.URL+`/v1
	}
	bedrock us-east-1 {
		endpoint `+good.URL+`
		credentials AKIDEXAMPLE secret
	}
	max_fails 0
	route m {
		to busy gpt-4o
		to bedrock `+nova+`
		retries 0
	}
	price amazon.* {
		input 1
		output 2
	}
}`)
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader(`{"model":"m","stream":true,"temperature":0.5,"max_tokens":5,"seed":1,"messages":[{"role":"user","content":"Hi"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Traceparent", "00-"+trace+"-00f067aa0ba902b7-01")
	if a := g.Do(t, req); a.Status != http.StatusOK {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	spans := r.wait(4)
	for i, up := range []*gatewaytest.Upstream{busy, good} {
		sent := up.Seen()[0].Header.Get("Traceparent")
		found := slices.ContainsFunc(spans, func(s *tracepb.Span) bool {
			return sent == fmt.Sprintf("00-%s-%x-01", trace, s.GetSpanId()) && s.GetName() == []string{"try busy", "try bedrock"}[i]
		})
		if !found {
			t.Errorf("the trace does not go on at upstream %d: traceparent %q", i, sent)
		}
	}
	for _, s := range spans {
		if fmt.Sprintf("%x", s.GetTraceId()) != trace {
			t.Errorf("%s is of another trace", s.GetName())
		}
		if s.GetEndTimeUnixNano() < s.GetStartTimeUnixNano() {
			t.Errorf("%s ends before it begins", s.GetName())
		}
	}
	got, err := json.MarshalIndent(show(spans), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/trace_fallback.json"
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(want)) != string(got) {
		t.Errorf("got %s", got)
	}
}

// What was said is in the trace only where log_content has it written down, and as it is there: redacted, and without the bytes
// of images.
func TestWhatWasSaidIsInTheTraceWithLogContent(t *testing.T) {
	r := receive(t)
	up := gatewaytest.NewUpstream(t)
	up.PlayAt("/model/"+strings.Replace(nova, ":", "%3A", 1)+"/converse", gatewaytest.Reply{Body: `{"output":{"message":{"role":"assistant","content":[{"text":"a <b> sk-secret"},{"toolUse":{"toolUseId":"t1","name":"f","input":{"a":1}}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2}}`})
	up.PlayAt("/model/"+strings.Replace(nova, ":", "%3A", 1)+"/converse-stream", gatewaytest.Reply{Body: gatewaytest.Frames(
		`messageStart {"role":"assistant"}`, `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"Hel"}}`, `contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"lo"}}`, `contentBlockStop {"contentBlockIndex":0}`,
		`messageStop {"stopReason":"end_turn"}`, `metadata {"usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}`)})
	const config = "tracing\nbedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n\t%s\n}"
	g := gatewaytest.Start(t, fmt.Sprintf(config, up.URL, "log_content {\n\t\tmax 2048\n\t\tredact sk-[a-z]+\n\t}"))
	const chat = `{"model":"` + nova + `",%s"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":[{"type":"text","text":"see sk-secret"},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgo="}}]},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"t0","type":"function","function":{"name":"f","arguments":"{\"a\":0}"}}]},{"role":"tool","tool_call_id":"t0","content":"none"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}`
	const asked = `[{"role":"user","parts":[{"type":"text","content":"see [redacted]"},{"type":"blob","content":"","modality":"image","mime_type":"image/png"}]},` +
		`{"role":"assistant","parts":[{"type":"tool_call","id":"t0","name":"f","arguments":{"a":0}}]},{"role":"tool","parts":[{"type":"tool_call_response","id":"t0","response":[{"type":"text","content":"none"}]}]}]`
	content := func(s *tracepb.Span) map[string]string {
		all := map[string]string{}
		for _, a := range s.GetAttributes() {
			switch a.GetKey() {
			case "gen_ai.system_instructions", "gen_ai.input.messages", "gen_ai.output.messages":
				all[a.GetKey()] = a.GetValue().GetStringValue()
			}
		}
		return all
	}
	told := 0
	call := func(body string) map[string]string {
		t.Helper()
		if a := g.Post(t, "/v1/chat/completions", body); a.Status != http.StatusOK {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		told += 3 // Caddy's span, the call's and the try's
		var found map[string]string
		for _, s := range r.wait(told)[told-3:] {
			if strings.HasPrefix(s.GetName(), "chat ") {
				found = content(s)
			} else if len(content(s)) > 0 {
				t.Errorf("%s has what was said", s.GetName())
			}
		}
		return found
	}
	for _, c := range []struct{ name, stream, answered string }{
		{"whole", "", `[{"role":"assistant","parts":[{"type":"text","content":"a <b> [redacted]"},{"type":"tool_call","id":"t1","name":"f","arguments":{"a":1}}],"finish_reason":"tool_use"}]`},
		{"streamed", `"stream":true,`, `[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"end_turn"}]`},
	} {
		got := call(fmt.Sprintf(chat, c.stream))
		if got["gen_ai.input.messages"] != asked || got["gen_ai.output.messages"] != c.answered || got["gen_ai.system_instructions"] != `[{"type":"text","content":"Be kind."}]` {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	g.Load(t, fmt.Sprintf(config, up.URL, ""))
	if got := call(fmt.Sprintf(chat, "")); len(got) > 0 {
		t.Errorf("without log_content: %v", got)
	}
}

// Without the directive, or for a request that its sender did not sample, there is no span, and the trace of the client goes
// on at the upstream all the same.
func TestWithoutTracingTheTraceGoesOn(t *testing.T) {
	r := receive(t)
	up := gatewaytest.NewUpstream(t, gatewaytest.Reply{Body: answered})
	config := "bedrock_gateway {\n openai k {\n base_url " + up.URL + "/v1\n }\n}"
	g := gatewaytest.Start(t, config)
	send := func(flags string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/chat/completions", strings.NewReader(fmt.Sprintf(ask, "gpt-4o")))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"+flags)
		g.Do(t, req)
		seen := up.Seen()
		return seen[len(seen)-1].Header.Get("Traceparent")
	}
	if got := send("01"); got != "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" {
		t.Errorf("got %q", got)
	}
	g.Load(t, "tracing\n"+config)
	if got := send("00"); !strings.HasPrefix(got, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || !strings.HasSuffix(got, "-00") {
		t.Errorf("got %q", got)
	}
	send("01")
	if spans := r.wait(3); len(spans) != 3 {
		t.Errorf("%d spans", len(spans))
	}
}

func TestNoSecretIsTraced(t *testing.T) {
	r := receive(t)
	g := gatewaytest.Start(t, "tracing\n"+secretive(t, t.TempDir()+"/access.log"))
	saySecrets(t, g)
	r.wait(100)
	r.mu.Lock()
	defer r.mu.Unlock()
	searched(t, "a trace", r.raw.String())
}
