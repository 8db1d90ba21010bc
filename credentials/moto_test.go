package credentials

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
)

// TestMoto does against moto's STS, which shares no code with the simulator, what the other tests do against that.
// test/aws/run starts the server and sets the variables.
func TestMoto(t *testing.T) {
	url := os.Getenv("MOTO_URL")
	if url == "" {
		t.Skip("MOTO_URL is not set; run test/aws/run")
	}
	account := os.Getenv("MOTO_ACCOUNT")
	user := Config{AccessKeyID: os.Getenv("MOTO_KEY"), SecretAccessKey: os.Getenv("MOTO_SECRET")}
	stranger := Config{AccessKeyID: os.Getenv("MOTO_DENIED_KEY"), SecretAccessKey: os.Getenv("MOTO_DENIED_SECRET")}
	bedrock, second := "arn:aws:iam::"+account+":role/Bedrock", "arn:aws:iam::"+account+":role/Second"
	with := func(c Config, r AssumeRole) Config {
		c.AssumeRole = &r
		return c
	}
	wrong := user
	wrong.SecretAccessKey += "x"

	// moto checks signatures and policies only after it was told to, and then cannot do AssumeRoleWithWebIdentity any
	// more, which is not signed. Its refusals do not have STS's form, so of them nothing is read but that they are.
	for _, step := range []struct {
		name   string
		config func(w *world) Config
		want   string // the identity's end; empty: refused
		left   time.Duration
	}{
		{"web identity", func(w *world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: bedrock, TokenFile: w.file("jwt", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzIn0.c2ln"), Duration: caddy.Duration(30 * time.Minute)}}
		}, ":assumed-role/Bedrock/bedrock-gateway", 30 * time.Minute},
		{"checks on", nil, "", 0},
		{"static", func(*world) Config { return user }, ":user/gateway", 0},
		{"role", func(*world) Config {
			return with(user, AssumeRole{RoleARN: bedrock, ExternalID: "ext", SessionName: "named", Duration: caddy.Duration(15 * time.Minute)})
		}, ":assumed-role/Bedrock/named", 15 * time.Minute},
		{"chained roles", func(*world) Config {
			return with(user, AssumeRole{RoleARN: bedrock, AssumeRole: &AssumeRole{RoleARN: second}})
		}, ":assumed-role/Second/bedrock-gateway", time.Hour},
		{"role on profile", func(w *world) Config {
			w.file("config", "[profile p]\naws_access_key_id = "+user.AccessKeyID+"\naws_secret_access_key = "+user.SecretAccessKey+"\n")
			return with(Config{Profile: "p"}, AssumeRole{RoleARN: bedrock})
		}, ":assumed-role/Bedrock/bedrock-gateway", time.Hour},
		{"role, not allowed", func(*world) Config { return with(stranger, AssumeRole{RoleARN: bedrock}) }, "", 0},
		{"role, wrong secret", func(*world) Config { return with(wrong, AssumeRole{RoleARN: bedrock}) }, "", 0},
		{"static, wrong secret", func(*world) Config { return wrong }, "", 0},
		{"static, unknown key", func(*world) Config { return Config{AccessKeyID: "AKIAUNKNOWN", SecretAccessKey: "s"} }, "", 0},
	} {
		if step.config == nil {
			resp, err := http.Post(url+"/moto-api/reset-auth", "text/plain", strings.NewReader("0")) //nolint:gosec,noctx // loopback
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatal(resp, err)
			}
			_ = resp.Body.Close()
			continue
		}
		t.Run(step.name, func(t *testing.T) {
			w := newWorld(t)
			w.sts = url
			p, err := w.provision(step.config(w))
			if err != nil {
				t.Fatal(err)
			}
			got, err := w.who(p)
			if step.want == "" {
				if err == nil {
					t.Errorf("became %s; want a refusal", got)
				}
				return
			}
			if err != nil || !strings.HasSuffix(got, step.want) {
				t.Fatalf("became %s, %v; want %s", got, err, step.want)
			}
			if step.left == 0 {
				return
			}
			creds, err := p.Retrieve(t.Context())
			if left := time.Until(creds.Expires); err != nil || left > step.left || left < step.left-time.Minute {
				t.Errorf("valid for %s, %v; want %s", left, err, step.left)
			}
		})
	}
}
