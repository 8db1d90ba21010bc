package credentials

import (
	"context"
	"crypto/sha1" // #nosec G505
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
)

const (
	userARN   = "arn:aws:iam::111111111111:user/gateway"
	roleARN   = "arn:aws:iam::222222222222:role/Bedrock"
	secondARN = "arn:aws:iam::333333333333:role/path/Second"
	podARN    = "arn:aws:iam::222222222222:role/Pod"
	taskARN   = "arn:aws:iam::222222222222:role/Task"
)

// world is a simulated AWS, and an environment that knows of nothing else.
type world struct {
	t          *testing.T
	cloud      *simulator.Cloud
	user       simulator.Session
	sts        string // URL
	dir        string
	tokenFile  string // of a valid web identity token
	configFile string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, "") // registers the way back
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	w := &world{t: t, cloud: simulator.New("us-east-1"), dir: t.TempDir()}
	w.user = w.cloud.AddUser(userARN)
	w.cloud.AddRole(simulator.Role{ARN: roleARN, Trusted: []string{userARN}, ExternalID: "partner-7"})
	w.cloud.AddRole(simulator.Role{
		ARN: secondARN, Trusted: []string{"arn:aws:sts::222222222222:assumed-role/Bedrock/bedrock-gateway"},
	})
	w.cloud.AddRole(simulator.Role{ARN: podARN, Issuer: "https://oidc", Audience: "sts.amazonaws.com", Subject: "system:serviceaccount:ai:gateway"})
	w.tokenFile = w.file("token", w.cloud.AddToken(simulator.Token{
		Issuer: "https://oidc", Audience: "sts.amazonaws.com", Subject: "system:serviceaccount:ai:gateway", Expires: time.Now().Add(time.Hour),
	}))
	w.sts = w.serve(w.cloud.STS())
	w.configFile = filepath.Join(w.dir, "config")
	t.Setenv("HOME", w.dir)
	t.Setenv("AWS_CONFIG_FILE", w.configFile)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(w.dir, "credentials"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return w
}

func (w *world) serve(h http.Handler) string {
	s := httptest.NewServer(h)
	w.t.Cleanup(s.Close)
	return s.URL
}

// file writes a file and returns its path.
func (w *world) file(name, content string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// env sets AWS variables, given as NAME=value.
func (w *world) env(vars ...string) {
	for _, v := range vars {
		name, value, _ := strings.Cut(v, "=")
		w.t.Setenv(name, value)
	}
}

// provision fills in region and STS endpoint where the test is not about them.
func (w *world) provision(c Config) (*Provider, error) {
	w.t.Helper()
	c.Region = orDefault(c.Region, "us-east-1")
	c.STSEndpoint = orDefault(c.STSEndpoint, w.sts)
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	w.t.Cleanup(cancel)
	p, err := c.Provision(ctx, Options{Holder: `upstream "eu"`, Logger: zap.NewNop()})
	if err == nil {
		w.t.Cleanup(func() { _ = p.Close() })
	}
	return p, err
}

// who returns the identity that STS reports for the credentials of p.
func (w *world) who(p *Provider) (string, error) {
	w.t.Helper()
	client := sts.NewFromConfig(p.SDKConfig(nil), func(o *sts.Options) { o.BaseEndpoint = &w.sts })
	out, err := client.GetCallerIdentity(w.t.Context(), &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", err
	}
	return *out.Arn, nil
}

func (w *world) static() Config {
	return Config{AccessKeyID: w.user.AccessKeyID, SecretAccessKey: w.user.SecretAccessKey}
}

func (w *world) withRole(c Config, r AssumeRole) Config {
	r.RoleARN = orDefault(r.RoleARN, roleARN)
	r.ExternalID = orDefault(r.ExternalID, "partner-7")
	c.AssumeRole = &r
	return c
}

func (w *world) keysProfile(name string) string {
	return "[profile " + name + "]\naws_access_key_id = " + w.user.AccessKeyID + "\naws_secret_access_key = " + w.user.SecretAccessKey + "\n"
}

func sha1Hex(s string) string {
	sum := sha1.Sum([]byte(s)) // #nosec G401 -- the SDK's name for a file
	return hex.EncodeToString(sum[:])
}
