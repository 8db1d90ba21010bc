package translation_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// visit is a request of any method and path.
type visit struct {
	rule, method, path, body string
	header                   map[string]string
	reply                    gatewaytest.Reply
	asked                    string // "<method> <path>?<query>" that the upstream saw; "" for nobody
	status                   int    // 0: 200
	get                      string // JSON; to the byte behind "="
	headers                  map[string]string
}

func (tb *table) visit(t *testing.T, visits []visit) {
	t.Helper()
	for _, v := range visits {
		t.Run(v.rule, func(t *testing.T) {
			tb.u.Play(v.reply)
			req, err := http.NewRequestWithContext(t.Context(), v.method, gatewaytest.URL+v.path, strings.NewReader(v.body))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+secret)
			for name, value := range v.header {
				req.Header.Set(name, value)
			}
			v.check(t, tb.g.Do(t, req), tb.u.Seen())
		})
	}
}

func (v *visit) check(t *testing.T, a *gatewaytest.Answer, seen []gatewaytest.Seen) {
	t.Helper()
	exact, is := strings.CutPrefix(v.get, "=")
	if a.Status != max(v.status, 200) || is && a.Body != exact || !is && v.get != "" && !gatewaytest.SameJSON(a.Body, v.get) {
		t.Errorf("the client got %d\n%s\nnot\n%s", a.Status, a.Body, v.get)
	}
	for name, want := range v.headers {
		if got := a.Header.Get(name); got != want {
			t.Errorf("the client got %s: %q, not %q", name, got, want)
		}
	}
	if v.asked == "" {
		if len(seen) != 0 {
			t.Errorf("the upstream was asked all the same: %+v", seen)
		}
		return
	}
	if len(seen) != 1 {
		t.Fatalf("the upstream was asked %d times", len(seen))
	}
	s := seen[0]
	if got := strings.TrimSuffix(s.Method+" "+s.Path+"?"+s.Query, "?"); got != v.asked {
		t.Errorf("the upstream was asked %s, not %s", got, v.asked)
	}
	if s.Body != v.body {
		t.Errorf("the upstream was sent\n%s\nnot\n%s", s.Body, v.body)
	}
	if got, want := s.Header.Get("Content-Type"), v.header["Content-Type"]; got != want {
		t.Errorf("the upstream was sent Content-Type %q, not %q", got, want)
	}
	checkHeaders(t, s.Header, false)
}

// TestRelayedEndpoints shows OpenAI's other endpoints: the bytes as they are, there and back.
func TestRelayedEndpoints(t *testing.T) {
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	if part, err := mw.CreateFormFile("file", "a.wav"); err != nil {
		t.Fatal(err)
	} else if _, err = part.Write([]byte("RIFF\x00\r\n--x")); err != nil {
		t.Fatal(err)
	}
	if err := mw.WriteField("model", "gpt-4o-transcribe"); err != nil {
		t.Fatal(err)
	}
	if err := mw.Close(); err != nil {
		t.Fatal(err)
	}
	multipartType := map[string]string{"Content-Type": mw.FormDataContentType()}
	json := map[string]string{"Content-Type": "application/json"}
	const odd = `{ "object":"list","data":[{"embedding":"AACAPw=="}],"novel":1.0 }`
	own := map[string]string{"Bedrock-Gateway-Upstream": "openai"}
	start(t).visit(t, []visit{
		{rule: "embeddings", method: "POST", path: "/v1/embeddings?x=%2F1", header: json, body: `{ "model":"text-embedding-3-small", "input":"A" }`, reply: gatewaytest.Reply{Body: odd}, asked: "POST /v1/embeddings?x=%2F1", get: "=" + odd, headers: own},
		{rule: "audio, the model in a form", method: "POST", path: "/v1/audio/transcriptions", header: multipartType, body: form.String(), reply: gatewaytest.Reply{Body: `{"text":"A"}`}, asked: "POST /v1/audio/transcriptions", get: `={"text":"A"}`, headers: own},
		{rule: "speech that is no JSON", method: "POST", path: "/v1/audio/speech", header: json, body: `{"model":"gpt-4o-tts","input":"A"}`, reply: gatewaytest.Reply{Body: "ID3\x00\x01", Header: map[string]string{"Content-Type": "audio/mpeg"}}, asked: "POST /v1/audio/speech", get: "=ID3\x00\x01", headers: map[string]string{"Content-Type": "audio/mpeg"}},
		{rule: "a response by its id", method: "GET", path: "/v1/responses/resp_1%2F2?stream=false", reply: gatewaytest.Reply{Body: `{"id":"resp_1"}`}, asked: "GET /v1/responses/resp_1%2F2?stream=false", get: `={"id":"resp_1"}`},
		{rule: "a response deleted", method: "DELETE", path: "/v1/responses/resp_1", reply: gatewaytest.Reply{Body: `{"deleted":true}`}, asked: "DELETE /v1/responses/resp_1", get: `={"deleted":true}`},
		{rule: "a streamed response", method: "POST", path: "/v1/responses", header: json, body: `{"model":"gpt-4o","stream":true,"input":"A"}`, reply: gatewaytest.Reply{Body: "data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n"}, asked: "POST /v1/responses", get: "=data: {\"type\":\"response.created\"}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"output\":[]}}\n\n"},
		{rule: "the upstream's error", method: "POST", path: "/v1/moderations", header: json, body: `{"input":"A"}`, reply: gatewaytest.Reply{Status: 400, Body: `{"error":{"message":"Bad","novel":1}}`}, asked: "POST /v1/moderations", status: 400, get: `={"error":{"message":"Bad","novel":1}}`},
		{rule: "the upstream's 401 is not the client's", method: "POST", path: "/v1/completions", header: json, body: `{"model":"gpt-3.5-turbo-instruct","prompt":"A"}`, reply: gatewaytest.Reply{Status: 401, Body: `{"error":{"message":"sk-gat**way"}}`}, asked: "POST /v1/completions", status: 403, get: fault("permission_error", "", "upstream_credentials", "own key")},
		{rule: "a Bedrock model that is not served there", method: "POST", path: "/v1/embeddings", header: json, body: `{"model":"cohere.rerank-v3-5:0","input":"A"}`, status: 404, get: fault("invalid_request_error", "model", "not_found", "'cohere.rerank-v3-5:0' is not served on /v1/embeddings")},
		{rule: "chat is suggested for a model that has it", method: "POST", path: "/v1/embeddings", header: json, body: `{"model":"amazon.nova-lite-v1:0","input":"A"}`, status: 404, get: fault("invalid_request_error", "model", "not_found", "served on /v1/embeddings; use /v1/chat/completions")},
		{rule: "chat is not suggested for an image model", method: "POST", path: "/v1/images/generations", header: json, body: `{"model":"stability.sd3-5-large-v1:0","prompt":"A"}`, status: 404, get: `{"error":{"message":"the model 'stability.sd3-5-large-v1:0' is not served on /v1/images/generations","type":"invalid_request_error","param":"model","code":"not_found"}}`},
		{rule: "an unknown model", method: "POST", path: "/v1/embeddings", header: json, body: `{"model":"bge","input":"A"}`, status: 404, get: fault("invalid_request_error", "model", "model_not_found", "'bge'")},
		{rule: "malformed JSON", method: "POST", path: "/v1/embeddings", header: json, body: `{"model":`, status: 400, get: invalid("", "at byte 9")},
	})
}

// TestOwnEndpoints shows health, methods and what is none of the gateway's.
func TestOwnEndpoints(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf("route {\n\tbedrock_gateway {\n\t\topenai sk-gateway {\n\t\t\tbase_url %[1]s/v1\n\t\t}\n\t\tnative off\n\t\tfiles off\n\t}\n\trespond \"{method} {path} {http.request.body}\" 203\n}", u.URL))}
	const chatPath = "/v1/chat/completions"
	wrong := func(method, path, allow string) visit {
		return visit{rule: method + " " + path, method: method, path: path, status: 405, get: fault("invalid_request_error", "", "method_not_allowed", allow), headers: map[string]string{"Allow": allow}}
	}
	tb.visit(t, []visit{
		{rule: "health", method: "GET", path: "/health", get: `{"status":"ok"}`},
		{
			rule: "health of the upstreams", method: "GET", path: "/health?verbose", reply: gatewaytest.Reply{Body: `{"object":"list","data":[]}`}, asked: "GET /v1/models",
			get: `{"status":"ok","upstreams":[{"name":"openai","status":"healthy"}]}`,
		},
		{
			rule: "health of the chat", method: "GET", path: chatPath + "/health",
			get: `{"status":"healthy","message":"*","timestamp":"*","version":"*","supported_input_formats":["openai","bedrock_claude","bedrock_titan"],"model_routing":{"openai":"openai"},"streaming_support":true,"routing_method":"model_id_patterns"}`,
		},
		wrong("GET", chatPath, "POST"), wrong("DELETE", chatPath, "POST"), wrong("POST", "/v1/models", "GET, HEAD"), wrong("POST", "/health", "GET, HEAD"), wrong("PUT", "/v1/models/gpt-4o", "GET, HEAD"),
		{rule: "another path is the next handler's, its body unread", method: "POST", path: "/v1/other", body: "the body", status: 203, get: "=POST /v1/other the body", headers: map[string]string{"X-Request-Id": "", "Bedrock-Gateway-Upstream": ""}},
		{rule: "so is the root", method: "GET", path: "/", status: 203, get: "=GET / "},
		{rule: "so are the files that are off", method: "GET", path: "/v1/files", status: 203, get: "=GET /v1/files "},
		{rule: "so are Bedrock's paths that are off", method: "POST", path: "/model/x/converse", status: 203, get: "=POST /model/x/converse "},
	})
}

// TestModels shows the list of all upstreams' models, and what becomes of those that cannot list any.
func TestModels(t *testing.T) {
	const (
		openai   = `{"object":"list","data":[{"id":"gpt-4o","object":"model","created":7,"owned_by":"system"},{"id":"both.x","object":"model"}]}`
		bedrock  = `{"modelSummaries":[{"modelId":"anthropic.claude-x","providerName":"Anthropic","outputModalities":["TEXT"],"inferenceTypesSupported":["ON_DEMAND"]},{"modelId":"amazon.pictures","providerName":"Amazon","outputModalities":["IMAGE"],"modelLifecycle":{"status":"ACTIVE","startOfLifeTime":"2025-04-08T00:00:00Z"}},{"modelId":"amazon.films","providerName":"Amazon","outputModalities":["VIDEO"]},{"modelId":"cohere.rerank-x","providerName":"Cohere","outputModalities":["TEXT"],"inferenceTypesSupported":["ON_DEMAND"]},{"modelId":"cohere.embed-x","providerName":"Cohere","outputModalities":["EMBEDDING"],"inferenceTypesSupported":["ON_DEMAND"]},{"modelId":"anthropic.claude-y","providerName":"Anthropic","outputModalities":["TEXT"],"inferenceTypesSupported":["INFERENCE_PROFILE"]}]}`
		profiles = `{"inferenceProfileSummaries":[{"inferenceProfileId":"us.anthropic.claude-y","type":"SYSTEM_DEFINED","createdAt":"2025-04-08T00:00:01Z","models":[{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-y"}]}]}`
		// A listing without a type has the system's profiles alone.
		ours    = `{"inferenceProfileSummaries":[{"inferenceProfileId":"abc","inferenceProfileArn":"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc","type":"APPLICATION","models":[]}]}`
		gpts    = `{"id":"gpt-4o","object":"model","created":7,"owned_by":"system"},{"id":"both.x","object":"model","created":0,"owned_by":"openai"}`
		claudes = `{"id":"anthropic.claude-x","object":"model","created":0,"owned_by":"anthropic","purpose":"chat"},{"id":"amazon.pictures","object":"model","created":1744070400,"owned_by":"amazon","purpose":"image"},{"id":"cohere.rerank-x","object":"model","created":0,"owned_by":"cohere","purpose":"rerank"},{"id":"cohere.embed-x","object":"model","created":0,"owned_by":"cohere","purpose":"embedding"},{"id":"us.anthropic.claude-y","object":"model","created":1744070401,"owned_by":"anthropic","purpose":"chat"},{"id":"arn:aws:bedrock:us-east-1:1:application-inference-profile/abc","object":"model","created":0,"owned_by":"bedrock"}`
	)
	good := func(body string) gatewaytest.Reply { return gatewaytest.Reply{Body: body} }
	denied := gatewaytest.Reply{Status: 403, Body: `{"message":"User: arn:aws:iam::1:role/R is not authorized"}`, Header: map[string]string{"X-Amzn-ErrorType": "AccessDeniedException"}}
	list := func(models, errors string) string { return `{"object":"list","data":[` + models + `]` + errors + `}` }
	for _, tc := range []struct {
		rule            string
		openai, bedrock gatewaytest.Reply
		status          int
		get             string
		one             string // a model asked for by its id,
		oneStatus       int    // and the status of the answer
	}{
		{"all", good(openai), good(bedrock), 200, list(gpts+","+claudes, ""), "us.anthropic.claude-y", 200},
		{"none of that name", good(openai), good(bedrock), 200, "", "amazon.films", 404},
		{"one fails", good(openai), denied, 200, list(gpts, `,"errors":[{"upstream":"bedrock","message":"*gateway's own credentials*"}]`), "gpt-4o", 200},
		{"the other fails", gatewaytest.Reply{Status: 401, Body: `{"error":{"message":"sk-gat**way"}}`}, good(bedrock), 200, list(claudes, `,"errors":[{"upstream":"openai","message":"*gateway's own key*"}]`), "gpt-4o", 502},
		{"all fail", gatewaytest.Reply{Status: 500, Body: "{}"}, denied, 502, fault("api_error", "", "upstream_error", "models could not be listed: openai: "), "gpt-4o", 502},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			u := gatewaytest.NewUpstream(t)
			g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-gateway {\n\t\tbase_url %[1]s/v1\n\t}\n\tbedrock us-east-1 {\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n}", u.URL))
			u.PlayAt("/v1/models", tc.openai)
			u.PlayAt("/foundation-models", tc.bedrock)
			u.PlayAt("/inference-profiles", good(profiles), good(ours))
			for range 2 { // the second time from the cache
				if a := g.Get(t, "/v1/models"); a.Status != tc.status || tc.get != "" && !gatewaytest.SameJSON(a.Body, tc.get) {
					t.Errorf("got %d\n%s\nnot\n%s", a.Status, a.Body, tc.get)
				}
			}
			if a := g.Get(t, "/v1/models/"+tc.one); a.Status != tc.oneStatus || a.Status == 200 && !strings.Contains(a.Body, `"`+tc.one+`"`) {
				t.Errorf("%s: got %d %s", tc.one, a.Status, a.Body)
			}
			counts := map[string]int{}
			for _, s := range u.Seen() {
				counts[s.Path]++
				checkHeaders(t, s.Header, s.Path != "/v1/models")
			}
			if counts["/v1/models"] != 1 || counts["/foundation-models"] != 1 {
				t.Errorf("the upstreams were asked %v times", counts)
			}
		})
	}
}

// TestRouteNames shows the names that routes give to models: clients choose from the list, so they stand in it and are found
// by it, with what is listed of the models behind them. Patterns do not.
func TestRouteNames(t *testing.T) {
	const (
		gpt  = `{"id":"gpt-4o","object":"model","created":7,"owned_by":"system"}`
		fast = `{"id":"fast","object":"model","created":7,"owned_by":"system"}`
		draw = `{"id":"draw","object":"model","created":7,"owned_by":"system"}`
	)
	for _, tc := range []struct {
		rule       string
		reply      gatewaytest.Reply
		list, fast string
	}{
		{"listed", gatewaytest.Reply{Body: `{"object":"list","data":[` + gpt + `]}`}, `{"object":"list","data":[` + gpt + "," + fast + "," + draw + `]}`, fast},
		{
			"nothing else can be listed",
			gatewaytest.Reply{Status: 500, Body: "{}"},
			`{"object":"list","data":[{"id":"fast","object":"model","created":0,"owned_by":"openai","purpose":"chat"},{"id":"gpt-4o","object":"model","created":0,"owned_by":"openai","purpose":"chat"},{"id":"draw","object":"model","created":0,"owned_by":"openai","purpose":"chat"}],"errors":[{"upstream":"openai","message":"*"}]}`,
			`{"id":"fast","object":"model","created":0,"owned_by":"openai","purpose":"chat"}`,
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			u := gatewaytest.NewUpstream(t)
			u.PlayAt("/v1/models", tc.reply)
			g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-gateway {\n\t\tbase_url %s/v1\n\t}\n\troute fast gpt-4o draw x-* {\n\t\tto openai gpt-4o\n\t}\n}", u.URL))
			if a := g.Get(t, "/v1/models"); a.Status != 200 || !gatewaytest.SameJSON(a.Body, tc.list) {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			if a := g.Get(t, "/v1/models/fast"); a.Status != 200 || !gatewaytest.SameJSON(a.Body, tc.fast) {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			if a := g.Get(t, "/v1/models/x-*"); a.Status == 200 {
				t.Errorf("a pattern was found: %d %s", a.Status, a.Body)
			}
		})
	}
}
