package observe_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

const (
	sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0"
	nova   = "amazon.nova-lite-v1:0"
)

// simulators returns the URL of a strict OpenAI and a strict Bedrock.
func simulators(t testing.TB) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/v1/", openai.New(openai.Options{}))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

// prices are what tokens cost in the load's configuration, in dollars per million: input, output.
var prices = map[string][2]int64{"gpt-4o": {3, 11}, sonnet: {5, 17}, nova: {7, 19}}

// loaded is a gateway with three upstreams, one of which fails, and prices.
func loaded(simulated, failing string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `handle /metrics {
	metrics
}
log
bedrock_gateway {
	openai %[1]s {
		base_url %[2]s/v1
	}
	bedrock us-east-1 {
		endpoint %[2]s
		credentials %[3]s %[4]s
	}
	upstream broken openai k {
		base_url %[5]s/v1
	}
	max_fails 0
	route fallback {
		to broken gpt-4o
		to bedrock %[6]s
		retries 0
	}
	route gpt-4o-mini openai
`, openai.DefaultKey, simulated, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, failing, nova)
	for id, p := range prices {
		fmt.Fprintf(&b, "\tprice %s {\n\t\tinput %d\n\t\toutput %d\n\t}\n", id, p[0], p[1])
	}
	b.WriteString("}")
	return b.String()
}

// metricsOf returns the gateway's metrics by name and labels, as Prometheus gets them, when all calls are counted: a client has
// its reply a moment before.
func metricsOf(t testing.TB, g *gatewaytest.Gateway) map[string]float64 {
	t.Helper()
	for {
		if all := scrape(t, g); all["in_flight_requests"] == 0 {
			return all
		}
	}
}

func scrape(t testing.TB, g *gatewaytest.Gateway) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for line := range strings.Lines(g.Get(t, "/metrics").Body) {
		line, ours := strings.CutPrefix(strings.TrimSpace(line), "caddy_bedrock_gateway_")
		i := strings.LastIndexByte(line, ' ')
		if !ours || i < 0 || strings.Contains(line, "_bucket") {
			continue
		}
		name, value := strings.TrimSuffix(line[:i], "}"), line[i+1:]
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(line)
		}
		all[strings.ReplaceAll(name, `"`, "")] = n
	}
	return all
}

// counts are what clients count, by the names of metrics. They are safe for concurrent use.
type counts struct {
	mu  sync.Mutex
	all map[string]int64
}

func (c *counts) add(name string, n int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.all[name] += n
}

// used counts the tokens of a reply and what they cost, in millionths of a dollar.
func (c *counts) used(upstream, model string, input, output int64) {
	for kind, n := range map[string]int64{"input": input, "output": output} {
		c.add(fmt.Sprintf("tokens_total{kind=%s,model=%s,upstream=%s", kind, model, upstream), n)
	}
	if p, ok := prices[model]; ok {
		c.add(fmt.Sprintf("cost_dollars_total{model=%s,upstream=%s", model, upstream), input*p[0]+output*p[1])
	}
}

// usageIn returns the last usage of a reply, whatever its dialect and whether it is a stream.
func usageIn(body string) (input, output int64, ok bool) {
	lines := []string{body}
	if strings.Contains(body, "data: ") {
		lines = strings.Split(strings.ReplaceAll(body, "\n\n", "\n"), "\n")
	}
	for _, line := range lines {
		var reply struct {
			Usage, Message struct {
				Prompt       *int64 `json:"prompt_tokens"`
				Completion   int64  `json:"completion_tokens"`
				InputTokens  *int64 `json:"input_tokens"`
				OutputTokens int64  `json:"output_tokens"`
				Converse     *int64 `json:"inputTokens"`
				ConverseOut  int64  `json:"outputTokens"`
			}
		}
		if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &reply) != nil {
			continue
		}
		switch u := reply.Usage; {
		case u.Prompt != nil:
			input, output, ok = *u.Prompt, u.Completion, true
		case u.InputTokens != nil:
			input, output, ok = *u.InputTokens, u.OutputTokens, true
		case u.Converse != nil:
			input, output, ok = *u.Converse, u.ConverseOut, true
		}
	}
	return input, output, ok
}

// kindOfCall is one of the kinds of calls that the load mixes.
type kindOfCall struct {
	path, body string
	// What metrics call it.
	route, upstream, dialect, api, class, model string
	// counted are further metrics that count the call.
	counted []string
}

var kindsOfCalls = []kindOfCall{
	{path: "/v1/chat/completions", body: `{"model":"gpt-4o","messages":[{"role":"user","content":"Tell %s"}]}`, route: "chat", upstream: "openai", dialect: "openai", class: "2xx", model: "gpt-4o", counted: []string{"attempts_total{outcome=ok,upstream=openai"}},
	{
		path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Tell %s"}]}`, route: "chat", upstream: "openai", dialect: "openai", class: "2xx", model: "gpt-4o",
		counted: []string{"attempts_total{outcome=ok,upstream=openai", "time_to_first_token_seconds_count{model=gpt-4o,upstream=openai", "time_per_output_token_seconds_count{model=gpt-4o,upstream=openai"},
	},
	{path: "/v1/chat/completions", body: `{"model":"` + sonnet + `","messages":[{"role":"user","content":"Tell %s"}]}`, route: "chat", upstream: "bedrock", dialect: "openai", api: "converse", class: "2xx", model: sonnet, counted: []string{"attempts_total{outcome=ok,upstream=bedrock"}},
	{
		path: "/v1/messages", body: `{"model":"` + sonnet + `","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"Tell %s"}]}`, route: "messages", upstream: "bedrock", dialect: "claude", api: "invoke", class: "2xx", model: sonnet,
		counted: []string{"attempts_total{outcome=ok,upstream=bedrock", "time_to_first_token_seconds_count{model=" + sonnet + ",upstream=bedrock", "time_per_output_token_seconds_count{model=" + sonnet + ",upstream=bedrock"},
	},
	{path: "/model/" + nova + "/converse", body: `{"messages":[{"role":"user","content":[{"text":"Tell %s"}]}]}`, route: "converse", upstream: "bedrock", dialect: "converse", api: "converse", class: "2xx", model: nova, counted: []string{"attempts_total{outcome=ok,upstream=bedrock"}},
	{
		path: "/v1/chat/completions", body: `{"model":"fallback","seed":7,"messages":[{"role":"user","content":"Tell %s"}]}`, route: "chat", upstream: "bedrock", dialect: "openai", api: "converse", class: "2xx", model: nova,
		counted: []string{"attempts_total{outcome=ok,upstream=bedrock", "attempts_total{outcome=overloaded,upstream=broken", "fallbacks_total{upstream=broken", "dropped_parameters_total{parameter=seed"},
	},
	{path: "/v1/chat/completions", body: `{"model":"unknown","messages":[{"role":"user","content":"Tell %s"}]}`, route: "chat", dialect: "openai", class: "4xx"},
	{path: "/v1/chat/completions", body: `not JSON: %s`, route: "chat", class: "4xx"},
	{
		path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"Tell %s [[fault:cut=900]]"}]}`, route: "chat", upstream: "openai", dialect: "openai", class: "2xx",
		counted: []string{"attempts_total{outcome=ok,upstream=openai", "broken_streams_total{cause=stream_broken,upstream=openai", "time_to_first_token_seconds_count{model=gpt-4o,upstream=openai"},
	},
	{path: "/v1/chat/completions", body: `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Tell %s"}]}`, route: "chat", upstream: "openai", dialect: "openai", class: "2xx", model: "gpt-4o-mini", counted: []string{"attempts_total{outcome=ok,upstream=openai"}},
}

// post is Gateway.Post for other goroutines than the test's. A connection that a reload closed before its request was read is
// made anew: such a call has not been, and must not be counted.
func post(t *testing.T, g *gatewaytest.Gateway, path, body string) *gatewaytest.Answer {
	t.Helper()
	for try := 1; ; try++ {
		res, err := g.Try(t.Context(), path, body)
		if err != nil && try < 4 {
			continue
		}
		if err != nil {
			t.Error(err)
			return nil
		}
		defer res.Body.Close()
		read, _ := io.ReadAll(res.Body) // some are broken on purpose
		return &gatewaytest.Answer{Status: res.StatusCode, Header: res.Header, Body: string(read)}
	}
}

// call makes one call and counts what its client sees of it.
func (k *kindOfCall) call(t *testing.T, g *gatewaytest.Gateway, i int, c *counts) {
	text := strings.Repeat("more ", i%7) + strconv.Itoa(i)
	a := post(t, g, k.path, fmt.Sprintf(k.body, text))
	if a == nil {
		return
	}
	if got := strconv.Itoa(a.Status/100) + "xx"; got != k.class {
		t.Errorf("%s %s: %d %s", k.path, k.body, a.Status, a.Body)
	}
	c.add(fmt.Sprintf("requests_total{api=%s,class=%s,dialect=%s,route=%s,upstream=%s", k.api, k.class, k.dialect, k.route, k.upstream), 1)
	c.add(fmt.Sprintf("request_duration_seconds_count{route=%s,upstream=%s", k.route, k.upstream), 1)
	for _, name := range k.counted {
		c.add(name, 1)
	}
	input, output, ok := usageIn(a.Body)
	if ok != (k.model != "") {
		t.Errorf("%s %s: usage %v: %s", k.path, k.body, ok, a.Body)
	}
	if ok {
		c.used(k.upstream, k.model, input, output)
	}
}

// What a dashboard shows, and a bill is made of, is what the clients got: to the token, and over reloads.
func TestEveryCounterEqualsWhatClientsCount(t *testing.T) {
	const calls, reloads = 1000, 3
	failing := gatewaytest.NewUpstream(t, gatewaytest.Reply{Status: http.StatusServiceUnavailable, Body: `{"error":{"message":"busy"}}`})
	config := loaded(simulators(t), failing.URL)
	g := gatewaytest.Start(t, config)
	g.DisableKeepAlives() // a reload closes idle connections, which no POST survives
	before := metricsOf(t, g)
	counted := counts{all: map[string]int64{}}
	for part := range reloads + 1 {
		var clients sync.WaitGroup
		next := make(chan int)
		for range 8 {
			clients.Go(func() {
				for i := range next {
					kindsOfCalls[i%len(kindsOfCalls)].call(t, g, i, &counted)
				}
			})
		}
		const each = calls / (reloads + 1)
		for i := range each {
			if i == each/2 && part < reloads { // while calls are under way
				g.Load(t, config+"\n# "+strconv.Itoa(part))
			}
			next <- part*each + i
		}
		close(next)
		clients.Wait()
	}
	after := metricsOf(t, g)
	got := map[string]float64{}
	for name, n := range after {
		family, _, _ := strings.Cut(name, "{")
		if n -= before[name]; n != 0 && !strings.HasSuffix(family, "_sum") && !strings.HasPrefix(name, "upstream_") && !strings.HasPrefix(name, "credential") {
			got[name] = n
		}
	}
	want := map[string]float64{}
	for name, n := range counted.all {
		if want[name] = float64(n); strings.HasPrefix(name, "cost") {
			// The metric's differences are those of sums, which are exact in millionths.
			want[name], got[name] = float64(n), float64(int64(got[name]*1e6+0.5))
		}
	}
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s}: the gateway counted %v, the clients %v", name, got[name], want[name])
			}
		}
		for name := range got {
			if _, ok := want[name]; !ok {
				t.Errorf("%s}: the gateway counted %v, the clients nothing", name, got[name])
			}
		}
	}
	t.Logf("%d calls over %d reloads: %d counters equal", calls, reloads, len(want))
}
