package bedrockgateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// onlyEnv hides the machine's own settings, and sets those of the test.
func onlyEnv(t *testing.T, env map[string]string) {
	t.Helper()
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if strings.HasPrefix(name, "AWS_") || slices.Contains([]string{envOpenAIKey, envDefaultModel, envFilesBucket}, name) {
			t.Setenv(name, "")
		}
	}
	none := t.TempDir() + "/none"
	t.Setenv("AWS_CONFIG_FILE", none)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", none)
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	for name, value := range env {
		t.Setenv(name, value)
	}
}

// load provisions a gateway from a Caddyfile's directive.
func load(t *testing.T, directive string) (*Gateway, error) {
	t.Helper()
	g := new(Gateway)
	if err := g.UnmarshalCaddyfile(caddyfile.NewTestDispenser(directive)); err != nil {
		t.Fatal(err)
	}
	return g, provision(t, g)
}

func provision(t *testing.T, g *Gateway) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	return g.Provision(ctx)
}

// upstreamFor returns the name of the upstream that a model goes to, or the error.
func upstreamFor(g *Gateway, model string) string {
	route, err := g.handler.Router.Route(model)
	if err != nil {
		return err.Message
	}
	return route.Targets[0].Name
}

func TestEnvironment(t *testing.T) {
	const gpt, claude = "gpt-4o-mini", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	for name, tc := range map[string]struct {
		env          map[string]string
		gpt, claude  string
		defaultModel string
	}{
		"nothing": {
			nil, "OPENAI_API_KEY", "AWS_REGION", "",
		},
		"a key for OpenAI": {
			map[string]string{"OPENAI_API_KEY": "sk-1", "DEFAULT_OPENAI_MODEL": "gpt-4o"}, "openai", "AWS_REGION", "gpt-4o",
		},
		"a region": {
			map[string]string{"AWS_REGION": "eu-west-1"}, "OPENAI_API_KEY", "bedrock", "",
		},
		"the default region": {
			map[string]string{"AWS_DEFAULT_REGION": "eu-west-1"}, "OPENAI_API_KEY", "bedrock", "",
		},
		"both": {
			map[string]string{"OPENAI_API_KEY": "sk-1", "AWS_REGION": "eu-west-1"}, "openai", "bedrock", "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			onlyEnv(t, tc.env)
			g, err := load(t, "bedrock_gateway")
			if err != nil {
				t.Fatal(err)
			}
			// The error for a missing upstream names the variable that brings it.
			if got := upstreamFor(g, gpt); !strings.Contains(got, tc.gpt) {
				t.Errorf("%s: %q, want %q", gpt, got, tc.gpt)
			}
			if got := upstreamFor(g, claude); !strings.Contains(got, tc.claude) {
				t.Errorf("%s: %q, want %q", claude, got, tc.claude)
			}
			if g.handler.DefaultModel != tc.defaultModel {
				t.Errorf("default model %q, want %q", g.handler.DefaultModel, tc.defaultModel)
			}
		})
	}
}

func TestFilesFromTheEnvironment(t *testing.T) {
	for name, tc := range map[string]struct {
		env   map[string]string
		block string
		want  string
	}{
		"no bucket":       {nil, "", "*local.Store"},
		"a bucket":        {map[string]string{"S3_FILES_BUCKET": "b", "AWS_REGION": "eu-west-1"}, "", "*s3.Store"},
		"local all right": {map[string]string{"S3_FILES_BUCKET": "b", "AWS_REGION": "eu-west-1"}, "{\n files local\n}", "*local.Store"},
		"off":             {map[string]string{"S3_FILES_BUCKET": "b", "AWS_REGION": "eu-west-1"}, "{\n files off\n}", "<nil>"},
	} {
		t.Run(name, func(t *testing.T) {
			onlyEnv(t, tc.env)
			g, err := load(t, "bedrock_gateway "+tc.block)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%T", g.handler.Files); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// The environment is for gateways that configure no upstream. One that does must
// not send a model to an upstream that its configuration does not name.
func TestEnvironmentDoesNotAddToWhatIsConfigured(t *testing.T) {
	onlyEnv(t, map[string]string{"OPENAI_API_KEY": "sk-1", "AWS_REGION": "eu-west-1", "DEFAULT_OPENAI_MODEL": "gpt-4o"})
	g, err := load(t, "bedrock_gateway {\n upstream local openai {\n base_url http://127.0.0.1:1/v1\n }\n}")
	if err != nil {
		t.Fatal(err)
	}
	if got := upstreamFor(g, "gpt-4o"); got != "local" {
		t.Errorf("gpt-4o goes to %q", got)
	}
	if got := upstreamFor(g, "anthropic.claude-x"); !strings.Contains(got, "not served here") {
		t.Errorf("anthropic.claude-x goes to %q", got)
	}
	if g.handler.DefaultModel != "" {
		t.Errorf("default model %q", g.handler.DefaultModel)
	}
}

func TestRoutes(t *testing.T) {
	onlyEnv(t, map[string]string{"MY_PATTERN": "mine-*"})
	g, err := load(t, `bedrock_gateway {
		openai sk-1
		upstream a bedrock us-east-1
		upstream b bedrock us-west-2
		route {env.MY_PATTERN} *-special b
		route fast {
			to b amazon.nova-lite-v1:0 {
				weight 3
			}
			to openai gpt-4o-mini
			policy weighted
			retries 0
			try_duration 0
		}
	}`)
	if err != nil {
		t.Fatal(err)
	}
	for model, want := range map[string]string{
		"mine-1": "b", "very-special": "b", "fast": "b", "gpt-4o": "openai", "o3-mini": "openai",
		"amazon.nova-pro-v1:0": "a", // no upstream is named bedrock: the first of that kind
		"arn:aws:bedrock:us-west-2:111122223333:inference-profile/us.amazon.nova-pro-v1:0": "b",
		"arn:aws:bedrock:eu-west-1:111122223333:inference-profile/eu.amazon.nova-pro-v1:0": "a",
	} {
		if got := upstreamFor(g, model); got != want {
			t.Errorf("%s goes to %q, want %q", model, got, want)
		}
	}
	route, _ := g.handler.Router.Route("fast")
	if route.Policy != "weighted" || route.Retries != 0 || route.TryDuration != 0 || len(route.Targets) != 2 ||
		route.Targets[0].Model != "amazon.nova-lite-v1:0" || route.Targets[0].Weight != 3 || route.Targets[1].Model != "gpt-4o-mini" {
		t.Errorf("got %+v", route)
	}
	short, _ := g.handler.Router.Route("mine-1")
	if short.Policy != "first" || short.Retries != 2 || short.TryDuration != 30*time.Second {
		t.Errorf("a short route got %+v", short)
	}
}

// answers reports whether the path is one of g's, by a method that none of them has.
func answers(g *Gateway, path string) bool {
	return g.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodTrace, path, nil))
}

func TestDefaults(t *testing.T) {
	onlyEnv(t, nil)
	g, err := load(t, "bedrock_gateway")
	if err != nil {
		t.Fatal(err)
	}
	c := g.handler.Config
	if c.MaxBody != 25_000_000 || c.StreamIdleTimeout != 5*time.Minute || c.KeepAlive != 15*time.Second || c.RejectUnsupported || c.Files == nil || c.Images != nil || !answers(g, "/health") || !answers(g, "/foundation-models") || version() == "" {
		t.Errorf("got %+v", c)
	}
	g, err = load(t, "bedrock_gateway {\n max_body 1MB\n stream_idle_timeout 0\n keep_alive 1s\n unsupported_params reject\n health off\n files off\n native off\n fetch_remote_images\n}")
	if err != nil {
		t.Fatal(err)
	}
	c = g.handler.Config
	if c.MaxBody != 1_000_000 || c.StreamIdleTimeout != 0 || c.KeepAlive != time.Second || !c.RejectUnsupported || c.Files != nil || c.Images == nil || answers(g, "/health") || answers(g, "/v1/files") || answers(g, "/foundation-models") {
		t.Errorf("got %+v", c)
	}
}

// A configuration that the Caddyfile's parser refuses must be refused as JSON too.
func TestProvisionErrors(t *testing.T) {
	onlyEnv(t, nil)
	const local = `"upstreams":[{"name":"a","upstream":{"kind":"openai","api_key":"k"}}]`
	for name, tc := range map[string]struct{ config, want string }{
		"two of one name":      {`{"upstreams":[{"name":"a","upstream":{"kind":"openai","api_key":"k"}},{"name":"a","upstream":{"kind":"openai"}}]}`, "two upstreams are named 'a'"},
		"no name":              {`{"upstreams":[{"upstream":{"kind":"openai","api_key":"k"}}]}`, "invalid name ''"},
		"unknown kind":         {`{"upstreams":[{"name":"a","upstream":{"kind":"vertex"}}]}`, "upstream 'a': "},
		"unknown field":        {`{"upstreams":[{"name":"a","upstream":{"kind":"openai","api_kei":"k"}}]}`, "api_kei"},
		"upstream's error":     {`{"upstreams":[{"name":"a","upstream":{"kind":"openai"}}]}`, "upstream 'a': loading module 'openai': provision http.handlers.bedrock_gateway.upstreams.openai: no api_key"},
		"no region":            {`{"upstreams":[{"name":"a","upstream":{"kind":"bedrock"}}]}`, "you must specify a region"},
		"unknown upstream":     {`{` + local + `,"routes":[{"models":["x"],"targets":[{"upstream":"b"}]}]}`, `route 1: route to unknown upstream 'b'; the upstreams are ["a"]`},
		"no pattern":           {`{` + local + `,"routes":[{"targets":[{"upstream":"a"}]}]}`, "route 1: no model pattern"},
		"no target":            {`{` + local + `,"routes":[{"models":["x"]}]}`, "route 1: no target for 'x'"},
		"limit without bounds": {`{"limits":[{"name":"a"}]}`, "limit 'a' bounds nothing"},
		"limit's name":         {`{"limits":[{"name":"a b","concurrent":1}]}`, "invalid name 'a b'"},
		"limits of one name":   {`{"limits":[{"name":"a","concurrent":1},{"name":"a","concurrent":1}]}`, "two limits are named 'a'"},
		"limit's window":       {`{"limits":[{"name":"a","requests":{"count":1}}]}`, "limit 'a': window must be at least 1s"},
		"limit's period":       {`{"limits":[{"name":"a","tokens":{"count":1,"period":"week"}}]}`, "limit 'a': period 'week': must be day or month"},
		"limit's count":        {`{"limits":[{"name":"a","tokens":{"count":0,"period":"day"}}]}`, "limit 'a': count must be at least 1"},
		"max_fails":            {`{"max_fails":101}`, "max_fails must be from 0 to 100"},
		"unhealthy_status":     {`{"unhealthy_status":[200]}`, "unhealthy_status 200: must be a status from 400 to 599"},
		"health_interval":      {`{"health_interval":1}`, "health_interval must be at least 1s"},
		"policy":               {`{` + local + `,"routes":[{"models":["x"],"targets":[{"upstream":"a"}],"policy":"best"}]}`, "policy 'best'"},
		"retries":              {`{` + local + `,"routes":[{"models":["x"],"targets":[{"upstream":"a"}],"retries":-1}]}`, "retries must not be negative"},
		"try_duration":         {`{` + local + `,"routes":[{"models":["x"],"targets":[{"upstream":"a"}],"try_duration":-1}]}`, "try_duration must not be negative"},
		"weight":               {`{` + local + `,"routes":[{"models":["x"],"targets":[{"upstream":"a","weight":-1}]}]}`, "weight of 'a' must not be negative"},
		"pattern":              {`{` + local + `,"routes":[{"models":["{env.NO_SUCH_VARIABLE}"],"targets":[{"upstream":"a"}]}]}`, "route 1: pattern: "},
		"unsupported_params":   {`{"unsupported_params":"ignore"}`, "unsupported_params 'ignore'"},
		"prompt_cache":         {`{"prompt_cache":"on"}`, "prompt_cache 'on'"},
		"route's prompt_cache": {`{` + local + `,"routes":[{"models":["x"],"targets":[{"upstream":"a"}],"prompt_cache":"on"}]}`, "prompt_cache 'on'"},
		"max_body":             {`{"max_body":-1}`, "max_body must not be negative"},
		"keep_alive":           {`{"keep_alive":-1}`, "keep_alive must not be negative"},
		"images":               {`{"fetch_remote_images":{"max_size":-1}}`, "fetch_remote_images: max_size and timeout must not be negative"},
		"files both":           {`{"files_off":true,"files":{"store":"local"}}`, "files are both configured and off"},
		"files store":          {`{"files":{"store":"ftp"}}`, "files: "},
		"stored both":          {`{"stored_responses":{"off":true,"ttl":1000000000}}`, "stored_responses are both off and bounded"},
		"stored for no time":   {`{"stored_responses":{"ttl":1}}`, "stored_responses: ttl must be at least 1s"},
		"stored of less":       {`{"stored_responses":{"max_size":-1}}`, "stored_responses: max_size must not be negative"},
		"stored nowhere":       {`{"files_off":true,"stored_responses":{"max_size":1}}`, "stored_responses need a place: files are off"},
		"limit's stored":       {`{"limits":[{"name":"a","stored":-1}]}`, "limit 'a': stored must not be negative"},
		"limit's stored key":   {`{"limits":[{"name":"a","key":"{http.request.host}","stored":1}]}`, "limit 'a': stored is counted by the owner of files, '{http.auth.user.id}'"},
		"default_model":        {`{"default_model":"{env.NO_SUCH_VARIABLE}"}`, "default_model: "},
		"environment's own":    {`{"routes":[{"models":["x"],"targets":[{"upstream":"bedrock"}]}]}`, "upstream 'bedrock' is not configured: set AWS_REGION"},
	} {
		t.Run(name, func(t *testing.T) {
			g := new(Gateway)
			if err := json.Unmarshal([]byte(tc.config), g); err != nil {
				t.Fatal(err)
			}
			if err := provision(t, g); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

// A request to any other path reaches the next handler unchanged.
func TestNextHandler(t *testing.T) {
	onlyEnv(t, nil)
	g, err := load(t, "bedrock_gateway {\n files off\n health off\n}")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/", "/index.html", "/v1", "/v1/other", "/health", "/v1/files", "/v1/chat"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("body"))
		called := false
		next := caddyhttp.HandlerFunc(func(w http.ResponseWriter, got *http.Request) error {
			called = got == r && len(w.Header()) == 0
			return nil
		})
		if err := g.ServeHTTP(httptest.NewRecorder(), r, next); err != nil || !called {
			t.Errorf("%s: the next handler was called: %v, error %v", path, called, err)
		}
	}
}

// A bound below the largest body would refuse such bodies for ever, one request at a time.
func TestMaxBufferedBelowMaxBodyIsRefused(t *testing.T) {
	onlyEnv(t, nil)
	_, err := load(t, "bedrock_gateway {\n max_body 30MB\n max_buffered 20MB\n}")
	if err == nil || !strings.Contains(err.Error(), "max_buffered (20000000 bytes) is below max_body (30000000 bytes)") {
		t.Errorf("got %v", err)
	}
	g, err := load(t, "bedrock_gateway {\n max_body 30MB\n}")
	if err != nil || g.MaxBuffered < g.MaxBody {
		t.Errorf("default %d, %v", g.MaxBuffered, err)
	}
}

func TestAConfigurationWithPricesThatCannotBeReadIsRefused(t *testing.T) {
	onlyEnv(t, nil)
	broken := filepath.Join(t.TempDir(), "prices.json")
	if err := os.WriteFile(broken, []byte(`{"gpt-4o": {"input_cost_per_token": -1}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for directives, want := range map[string]string{
		"price_file " + broken:            "input_cost_per_token: '-1' is no price",
		"price_file " + broken + ".gone":  "no such file",
		"price_file {env.UNSET_IN_TESTS}": "price_file",
		"cost_header":                     "cost_header needs prices",
	} {
		_, err := load(t, "bedrock_gateway {\n openai k\n "+directives+"\n}")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", directives, err)
		}
	}
}
