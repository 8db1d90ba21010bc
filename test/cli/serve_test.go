package cli_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	simaws "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
	simbedrock "github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	simopenai "github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

// seedEnv is the .env of the seed's README, as it is written there: every way to AWS credentials at once.
const seedEnv = `# Required: Server Authentication
API_KEY=your-secret-api-key

# Required: OpenAI (if using OpenAI models)
OPENAI_API_KEY=sk-your-openai-api-key

# Required: S3 File Storage (if using file query features)
S3_FILES_BUCKET=your-s3-bucket-name

# Required: AWS (if using Bedrock models)
# Option 1: Static credentials
AWS_ACCESS_KEY_ID=your-aws-access-key
AWS_SECRET_ACCESS_KEY=your-aws-secret-key
AWS_REGION=us-east-1

# Option 2: AWS Profile (alternative to static credentials)
AWS_PROFILE=your-aws-profile
AWS_REGION=us-east-1

# Option 3: AWS Role Assumption (for cross-account access or enhanced security)
AWS_ROLE_ARN=arn:aws:iam::123456789012:role/MyBedrockRole
AWS_EXTERNAL_ID=your-external-id  # Optional, for cross-account role assumption
AWS_ROLE_SESSION_NAME=bedrock-server-session  # Optional
AWS_ROLE_SESSION_DURATION=3600  # Optional, session duration in seconds
AWS_REGION=us-east-1

# Option 4: Web Identity Token (for OIDC/Kubernetes service accounts)
AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token
AWS_ROLE_ARN=arn:aws:iam::123456789012:role/MyWebIdentityRole
AWS_REGION=us-east-1

# Optional: Defaults
DEFAULT_OPENAI_MODEL=gpt-4o-mini
LOG_LEVEL=INFO
CHAT_SERVER_URL=http://localhost:8000
CHAT_API_KEY=your-secret-api-key
`

// simulatedOpenAI returns the base URL of an OpenAI that takes one key.
func simulatedOpenAI(t *testing.T, key string) string {
	t.Helper()
	srv := httptest.NewServer(simopenai.New(simopenai.Options{Key: key}))
	t.Cleanup(srv.Close)
	return srv.URL + "/v1"
}

// simulatedAWS returns the URL of STS and Bedrock, where the seed's access key may assume the seed's role.
func simulatedAWS(t *testing.T) string {
	t.Helper()
	const user = "arn:aws:iam::123456789012:user/seed"
	cloud := simaws.New("us-east-1")
	cloud.AddKey(simaws.Session{AccessKeyID: "your-aws-access-key", SecretAccessKey: "your-aws-secret-key", ARN: user})
	cloud.AddRole(simaws.Role{ARN: "arn:aws:iam::123456789012:role/MyWebIdentityRole", Trusted: []string{user}, ExternalID: "your-external-id"})
	sts := cloud.STS()
	bedrock := simbedrock.New(simbedrock.Options{Regions: []string{"us-east-1"}, APIKeys: []string{"inside"}})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			sts.ServeHTTP(w, r)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the gateway has left
		}
		if who, f := cloud.Authenticate(r, body, "bedrock"); f != nil || !strings.Contains(who.ARN, "assumed-role/MyWebIdentityRole/bedrock-server-session") {
			http.Error(w, fmt.Sprint(who.ARN, f), http.StatusForbidden)
			return
		}
		// The simulated Bedrock does not know the sessions that the simulated STS issues.
		r.Header.Set("Authorization", "Bearer inside")
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		bedrock.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

// ask returns the status and the body of an answer, without what differs from one answer to the next.
func ask(t *testing.T, method, url, key, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	if host, port, ok := strings.Cut(req.URL.Host, ":"); ok && strings.HasSuffix(host, ".localhost") {
		req.Host, req.URL.Host = req.URL.Host, "127.0.0.1:"+port // as a browser does that was told so
	}
	res, err := (&http.Client{Timeout: time.Minute}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", res.StatusCode, differing.ReplaceAllString(string(text), "…"))
}

var differing = regexp.MustCompile(`"(id|obfuscation|request_id|version)":"[^"]*"|\d+`)

const (
	askGPT    = `{"messages":[{"role":"user","content":"Hello"}],"model":"gpt-4o-mini"}`
	askClaude = `{"messages":[{"role":"user","content":"Hello"}],"model":"us.anthropic.claude-sonnet-4-5-20250929-v1:0","stream":true}`
	said      = "You said: Hello"
)

// freeAddress returns an address of this machine that was free a moment ago.
func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
}

// With OPENAI_API_KEY and nothing else, in an empty directory, the gateway serves this machine.
func TestServeWithOnlyAKeyOfOpenAI(t *testing.T) {
	h := newHome(t, "OPENAI_API_KEY=sk-only", "OPENAI_BASE_URL="+simulatedOpenAI(t, "sk-only"))
	at := freeAddress(t)
	p := h.start(t, "bedrock", "serve", "--listen", at)
	p.await(t, "Missing\n  Bedrock     set AWS_REGION")
	if got := ask(t, "POST", "http://"+at+"/v1/chat/completions", "", askGPT); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, said) {
		t.Error(got)
	}
	if got := ask(t, "POST", "http://"+at+"/v1/chat/completions", "", askClaude); !strings.HasPrefix(got, "404 ") {
		t.Error(got)
	}
	// A page on the web whose name was made to stand for this machine asks under that name.
	if got := ask(t, "POST", "http://rebound.localhost:"+at[strings.LastIndex(at, ":")+1:]+"/v1/chat/completions", "", askGPT); !strings.HasPrefix(got, "421 Without a key, only ") {
		t.Errorf("under another name: %s", got)
	}
	if left, err := os.ReadDir(h.work); err != nil || len(left) != 0 {
		t.Errorf("it left %v in the directory, %v", left, err)
	}
	if strings.Contains(p.said(), "sk-only") {
		t.Errorf("the key is in what it wrote:\n%s", p.said())
	}
}

// The seed's .env is served as it stands, and the Caddyfile that --print-config writes answers the same under `caddy run`.
func TestServeWithTheSeedsEnv(t *testing.T) {
	aws := simulatedAWS(t)
	h := newHome(t, "OPENAI_BASE_URL="+simulatedOpenAI(t, "sk-your-openai-api-key"), "AWS_ENDPOINT_URL="+aws, "AWS_ENDPOINT_URL_S3="+aws)
	h.file(t, ".env", seedEnv)
	at, again := freeAddress(t), freeAddress(t)
	p := h.start(t, "bedrock", "serve", "--listen", at)
	p.await(t, "Key         API_KEY of .env\n  OpenAI ")
	p.await(t, "Model       gpt-4o-mini by default, DEFAULT_OPENAI_MODEL of .env\n")

	printed := h.caddy(t, "", "bedrock", "serve", "--listen", again, "--print-config")
	if printed.code != 0 || printed.err != "" {
		t.Fatalf("%+v", printed)
	}
	for _, secret := range []string{"your-secret-api-key", "sk-your-openai-api-key", "your-aws-secret-key"} {
		if strings.Contains(printed.stdout+p.said(), secret) {
			t.Errorf("%s is in the output", secret)
		}
	}
	h.file(t, "Caddyfile", printed.stdout)
	if got := h.caddy(t, "", "fmt", "--diff", "Caddyfile"); got.code != 0 {
		t.Errorf("the Caddyfile is not formatted:\n%s", got.stdout)
	}
	run := h.start(t, "run", "--config", "Caddyfile", "--envfile", ".env")
	run.await(t, "serving initial configuration")

	const key = "your-secret-api-key"
	for _, tc := range []struct{ method, path, key, body, want string }{
		{"POST", "/v1/chat/completions", key, askGPT, "200 "},
		{"POST", "/v1/chat/completions", key, strings.Replace(askGPT, `,"model":"gpt-4o-mini"`, "", 1), "200 "},
		{"POST", "/v1/chat/completions", key, askClaude, "200 data: "},
		{"POST", "/v1/chat/completions", "", askGPT, "401 "},
		{"POST", "/v1/messages", "wrong", askClaude, `401 {"type":"error"`},
		{"GET", "/v1/models", key, "", "200 "},
		{"GET", "/v1/models", "", "", "401 "},
		{"GET", "/docs/../v1/models", "", "", "401 "},
		{"GET", "/health", "", "", "200 "},
		{"GET", "/docs/", "", "", "200 "},
		{"GET", "/redoc/", "", "", "200 "},
		{"GET", "/playground/", "", "", "200 "},
		{"GET", "/openapi.json", "", "", "200 "},
		{"GET", "/bedrock_gateway/status", "", "", "401 "},
		{"GET", "/bedrock_gateway/status", key, "", "200 "},
		{"GET", "/nothing", key, "", "200 "},
	} {
		first := ask(t, tc.method, "http://"+at+tc.path, tc.key, tc.body)
		if !strings.HasPrefix(first, tc.want) || tc.method == "POST" && tc.want[0] == '2' && !strings.Contains(strings.ReplaceAll(first, `"},"`, ""), "said") {
			t.Errorf("%s %s with key %q: %.300s", tc.method, tc.path, tc.key, first)
		}
		if tc.path == "/bedrock_gateway/status" && tc.key != "" {
			continue // what each of the two has counted
		}
		if second := ask(t, tc.method, "http://"+again+tc.path, tc.key, tc.body); second != first {
			t.Errorf("%s %s with key %q: serve answers\n%.600s\nthe Caddyfile\n%.600s", tc.method, tc.path, tc.key, first, second)
		}
	}
}

// With --watch, what the file says is served a moment after it says so, and a file that is wrong changes nothing.
func TestServeWatches(t *testing.T) {
	h := newHome(t, "OPENAI_BASE_URL="+simulatedOpenAI(t, "sk-watched"))
	h.file(t, "my.env", "OPENAI_API_KEY=sk-watched\nAPI_KEY=first-key-of-the-watched\n")
	at := freeAddress(t)
	p := h.start(t, "bedrock", "serve", "--listen", at, "--env-file", "my.env", "--reload")
	p.await(t, "The gateway serves")
	status := func(key string) string { return ask(t, "POST", "http://"+at+"/v1/chat/completions", key, askGPT)[:3] }
	if a, b := status("first-key-of-the-watched"), status("second-key-of-the-watched"); a != "200" || b != "401" {
		t.Fatal(a, b)
	}
	h.file(t, "my.env", "OPENAI_API_KEY=sk-watched\nAPI_KEY=second-key-of-the-watched\n")
	p.await(t, "the file changed, and is served")
	if a, b := status("first-key-of-the-watched"), status("second-key-of-the-watched"); a != "401" || b != "200" {
		t.Error(a, b)
	}
	h.file(t, "my.env", "OPENAI_API_KEY=sk-watched\nLOG_LEVEL=loud\n") // and the key is gone
	p.await(t, "the file changed, and cannot be served")
	if a := status("second-key-of-the-watched"); a != "200" {
		t.Error(a)
	}
}

func TestServeSimulates(t *testing.T) {
	h := newHome(t)
	at := freeAddress(t)
	p := h.start(t, "bedrock", "serve", "--simulate", "--listen", at, "--api-key", "given-by-the-flag", "--files", filepath.Join(h.work, "kept files"), "--workers", "4")
	p.await(t, "Bedrock     simulated")
	p.await(t, "--workers is needless")
	p.await(t, "kept files")
	for _, body := range []string{askGPT, strings.Replace(askClaude, `,"stream":true`, "", 1)} {
		if got := ask(t, "POST", "http://"+at+"/v1/chat/completions", "given-by-the-flag", body); !strings.HasPrefix(got, "200 ") || !strings.Contains(got, said) {
			t.Error(got)
		}
	}
	if strings.Contains(p.said(), "given-by-the-flag") {
		t.Error("the key is in what it wrote")
	}
	if got := h.caddy(t, "", "bedrock", "serve", "--simulate", "--listen", at); got.code != 1 || !strings.Contains(got.err, "→ stop what listens there") {
		t.Errorf("an address in use: %+v", got)
	}
}

func TestServeRefuses(t *testing.T) {
	h := newHome(t)
	h.file(t, "bad.env", "A=1\nsecret value\n")
	h.file(t, "level.env", "LOG_LEVEL=loud\n")
	for _, w := range []has{
		{args: "serve --listen :8000", code: 2, err: []string{"Error: serving :8000 without a key would let whoever", "→ set API_KEY"}},
		{args: "serve --host 0.0.0.0 --port 8000", code: 2, err: []string{"Error: serving 0.0.0.0:8000 without a key"}},
		{args: "serve --host ::", code: 2, err: []string{"Error: serving [::]:8000 without a key"}},
		{args: "serve --listen example.com:80", code: 2, err: []string{"Error: serving example.com:80 without a key"}},
		{args: "serve --domain ai.example.com", code: 2, err: []string{"Error: serving ai.example.com without a key"}},
		{args: "serve --domain ai.example.com --port 1", code: 2, err: []string{"Error: --domain listens on the ports of HTTP and HTTPS"}},
		{args: "serve --domain https://ai.example.com --api-key k", code: 2, err: []string{"is no domain"}},
		{args: "serve --listen 127.0.0.1", code: 2, err: []string{"Error: --listen 127.0.0.1 is no address"}},
		{args: "serve --listen 127.0.0.1:0", code: 2, err: []string{"Error: the port '0' is none"}},
		{args: "serve --listen {$HOME}:80 --insecure", code: 2, err: []string{"is no host to listen on"}},
		{args: "serve --listen :80 --port 80", code: 2, err: []string{"Error: --listen cannot be combined"}},
		{args: "serve --api-key=", code: 2, err: []string{"Error: --api-key is empty"}},
		{args: "serve --log-level loud", code: 2, err: []string{"Error: --log-level 'loud' is no level"}},
		{args: "serve --env-file level.env", code: 2, err: []string{"Error: LOG_LEVEL 'loud' is no level"}},
		{args: "serve --env-file none.env", code: 1, err: []string{"none.env", "→ make it by 'caddy bedrock config set --env-file none.env'"}},
		{args: "serve --env-file bad.env", code: 1, err: []string{"bad.env: line 2: "}},
		{args: "serve --files s3://", code: 2, err: []string{"Error: --files s3:// names no bucket"}},
		{args: "serve --files a{b", code: 2, err: []string{"Error: --files has a brace"}},
		{args: "serve more", code: 2, err: []string{"Error: unknown command \"more\""}},
		{args: "serve --nonsense", code: 2, err: []string{"Error: unknown flag: --nonsense", "→ 'caddy bedrock serve --help' lists the flags"}},
	} {
		w.check(t, h)
	}
}

// What the flags come to is in the Caddyfile, and Caddy takes it.
func TestServePrintsItsConfiguration(t *testing.T) {
	for args, want := range map[string][]string{
		"":                                    {"http://127.0.0.1:8000, http://localhost:8000 {", "bind 127.0.0.1", "#	openai {env.OPENAI_API_KEY}", "#	bedrock us-east-1", "level INFO"},
		"--listen 127.0.0.7:9":                {"http://127.0.0.7:9, http://localhost:9 {", "bind 127.0.0.7"},
		"--listen :9 --insecure":              {"http://:9 {"},
		"--host ::1":                          {"http://[::1]:8000, http://localhost:8000 {", "bind ::1"},
		"--api-key a-key-of-clients":          {"http://:8000 {", "key default sha256:8c1d2884fbbd10919ab02816c2b8cfaa0081e1e7e9321c4a66198ab7b6049523", "status_page"},
		"--domain ai.example.com --api-key k": {"ai.example.com {"},
		"--files s3://my-bucket/some/where":   {"files s3 my-bucket {", "prefix some/where/"},
		"--log-level WARNING":                 {"level WARN"},
		"--simulate":                          {"openai sk-simulator {", "bedrock_simulator"},
	} {
		h := newHome(t)
		if strings.Contains(args, "s3:") {
			h.env = append(h.env, "AWS_REGION=us-east-1") // which S3 needs
		}
		got := h.caddy(t, "", append([]string{"bedrock", "serve", "--print-config"}, strings.Fields(args)...)...)
		if got.code != 0 || got.err != "" {
			t.Errorf("%s: %+v", args, got)
		}
		for _, text := range want {
			if !strings.Contains(got.stdout, text) {
				t.Errorf("%s: no %q in\n%s", args, text, got.stdout)
			}
		}
		if args == "--listen :9 --insecure" && (strings.Contains(got.stdout, "bind") || strings.Contains(got.stdout, "\tstatus_page\n")) {
			t.Errorf("%s:\n%s", args, got.stdout)
		}
		h.file(t, "Caddyfile", got.stdout)
		if v := h.caddy(t, "", "validate", "--config", "Caddyfile"); v.code != 0 {
			t.Errorf("%s: %s", args, v.err)
		}
		if v := h.caddy(t, "", "fmt", "--diff", "Caddyfile"); v.code != 0 {
			t.Errorf("%s: not formatted:\n%s", args, v.stdout)
		}
	}
}
