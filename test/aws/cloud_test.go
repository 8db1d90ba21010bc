// Package aws shows, through the whole Caddy and against a simulated AWS, how credentials are got, kept, refreshed and
// refused, and that they appear in no log. Tests of one method by itself stand in package credentials, those of S3's
// protocol in files/s3.
package aws

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
)

const (
	userARN = "arn:aws:iam::111111111111:user/gateway"
	roleARN = "arn:aws:iam::222222222222:role/Bedrock"
	podARN  = "arn:aws:iam::333333333333:role/Pod"

	claude = "anthropic.claude-3-5-sonnet-20240620-v1:0"
	word   = `{"output":{"message":{"role":"assistant","content":[{"text":"Hello"}]}},"stopReason":"end_turn","usage":{"inputTokens":1,"outputTokens":1,"totalTokens":2},"metrics":{"latencyMs":1}}`
	chat   = `{"model":"` + claude + `","messages":[{"role":"user","content":"Hi"}]}`
)

// cloud is a simulated AWS: its STS, and the secrets that STS has handed out.
type cloud struct {
	*simulator.Cloud
	user      simulator.Session
	sts       string // URL
	dir       string // with the token file and the shared config file of a profile "work", the user's
	tokenFile string

	mu      sync.Mutex
	secrets []string
}

// newCloud also takes everything of AWS out of the test's environment.
func newCloud(t *testing.T, region string) *cloud {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // registers the way back
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	c := &cloud{Cloud: simulator.New(region), dir: t.TempDir()}
	c.user = c.AddUser(userARN)
	c.AddRole(simulator.Role{ARN: roleARN, Trusted: []string{userARN}, ExternalID: "partner-number-7"})
	c.AddRole(simulator.Role{ARN: podARN, Issuer: "https://oidc", Audience: "sts.amazonaws.com", Subject: "pod"})
	token := c.AddToken(simulator.Token{Issuer: "https://oidc", Audience: "sts.amazonaws.com", Subject: "pod", Expires: time.Now().Add(time.Hour)})
	c.tokenFile = c.file(t, "token", token)
	c.remember(c.user.SecretAccessKey, "partner-number-7", token)
	handler := c.STS()
	c.sts = c.serve(t, func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, r)
		for _, m := range handedOut.FindAllStringSubmatch(rec.Body.String(), -1) {
			c.remember(m[1])
		}
		maps.Copy(w.Header(), rec.Header())
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	})
	c.file(t, "config", "[profile work]\naws_access_key_id = "+c.user.AccessKeyID+"\naws_secret_access_key = "+c.user.SecretAccessKey+"\n")
	t.Setenv("HOME", c.dir)
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(c.dir, "config"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(c.dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return c
}

// handedOut matches the secrets in STS's answers.
var handedOut = regexp.MustCompile(`<(?:SecretAccessKey|SessionToken)>([^<]+)<`)

func (c *cloud) remember(secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.secrets = append(c.secrets, secrets...)
}

func (c *cloud) known() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.secrets
}

func (c *cloud) serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func (c *cloud) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(c.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// bedrock is an upstream that takes this cloud's signatures, or one API key, and says a word.
type bedrock struct {
	cloud *cloud
	url   string
	key   string // the API key it takes; "" for none

	mu     sync.Mutex
	calls  []string                                             // by whom: "<access key id> <region> <ARN>", or "key"
	refuse func(s simulator.Session, body []byte) (int, string) // status and error code; nil or 0: served
}

func (c *cloud) bedrock(t *testing.T) *bedrock {
	t.Helper()
	b := &bedrock{cloud: c}
	b.url = c.serve(t, b.ServeHTTP)
	return b
}

func (b *bedrock) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "application/json")
	answer := func(status int, code, message string) {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q}`, message)
	}
	by := "key"
	var s simulator.Session
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		if token != b.key {
			answer(403, "AccessDeniedException", "Authentication failed: Please make sure your API Key is valid.")
			return
		}
	} else {
		var f *simulator.Failure
		if s, f = b.cloud.Authenticate(r, body, "bedrock"); f != nil {
			code := f.Code
			if code == "SignatureDoesNotMatch" {
				code = "InvalidSignatureException" // Bedrock's name for it
			}
			answer(f.Status, code, f.Message)
			return
		}
		_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		scope := strings.Split(credential, "/")
		by = scope[0] + " " + scope[2] + " " + s.ARN
	}
	b.mu.Lock()
	b.calls = append(b.calls, by)
	refuse := b.refuse
	b.mu.Unlock()
	if refuse != nil {
		if status, code := refuse(s, body); status != 0 {
			answer(status, code, "User: "+s.ARN+" is refused")
			return
		}
	}
	switch r.URL.Path {
	case "/foundation-models":
		fmt.Fprintf(w, `{"modelSummaries":[{"modelId":%q,"outputModalities":["TEXT"]}]}`, claude)
	case "/inference-profiles":
		fmt.Fprint(w, `{"inferenceProfileSummaries":[]}`)
	default:
		fmt.Fprint(w, word)
	}
}

// take gives who called since the last time.
func (b *bedrock) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	calls := b.calls
	b.calls = nil
	return calls
}

func (b *bedrock) refuseBy(f func(s simulator.Session, body []byte) (int, string)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refuse = f
}

// block is the upstream's part of a Caddyfile.
func (b *bedrock) block(name string, words ...string) string {
	return fmt.Sprintf("upstream %s bedrock %s {\nendpoint %s\ncontrol_endpoint %s\nsts_endpoint %s\n%s\n}\nroute %s-* {\nto %s %s\nretries 0\n}\n",
		name, b.cloud.Region, b.url, b.url, b.cloud.sts, strings.Join(words, "\n"), name, name, claude)
}

// The words of each method.
func (c *cloud) static() string {
	return "credentials " + c.user.AccessKeyID + " " + c.user.SecretAccessKey
}

func (c *cloud) role() string {
	return "assume_role " + roleARN + " {\nexternal_id partner-number-7\n}"
}

func (c *cloud) web() string { return "web_identity " + podARN + " " + c.tokenFile }

// ask is a chat's body for the upstream of this name.
func ask(upstream string) string {
	return strings.Replace(chat, claude, upstream+"-model", 1)
}
