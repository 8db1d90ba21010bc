package credentials

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/caddyserver/caddy/v2"
	_ "github.com/caddyserver/caddy/v2/modules/logging"
	"go.uber.org/zap"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
)

// TestReloadKeepsCredentials provisions the new config before the old one is cleaned up, as Caddy does.
func TestReloadKeepsCredentials(t *testing.T) {
	w := newWorld(t)
	c := w.withRole(w.static(), AssumeRole{})
	var old *Provider
	var keys []string
	for range 5 {
		p, err := w.provision(c)
		if err != nil {
			t.Fatal(err)
		}
		if old != nil {
			for range 2 { // Cleanup may run twice
				if err := old.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		creds, err := p.Retrieve(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, creds.AccessKeyID)
		old = p
	}
	if n := w.cloud.Calls()["AssumeRole"]; n != 1 {
		t.Errorf("%d AssumeRole calls over 5 configs, keys %v; want 1", n, keys)
	}
	if err := old.Close(); err != nil {
		t.Fatal(err)
	}
	if n, ok := caches.References(old.key); ok {
		t.Errorf("%d references are left", n)
	}
	if _, err := old.Retrieve(t.Context()); err != nil {
		t.Errorf("a request that outlives its config: %v", err)
	}
}

// TestUpstreamsDoNotShare has settings that differ in one value each, and must lead to as many sessions.
func TestUpstreamsDoNotShare(t *testing.T) {
	w := newWorld(t)
	w.cloud.AddRole(simulator.Role{ARN: roleARN, Trusted: []string{"arn:aws:iam::111111111111:root"}})
	w.cloud.AddRole(simulator.Role{ARN: podARN, Trusted: []string{"arn:aws:iam::111111111111:root"}})
	other := w.cloud.AddUser("arn:aws:iam::111111111111:user/other")
	base := w.withRole(w.static(), AssumeRole{})
	with := func(edit func(c *Config)) Config {
		c, r := base, *base.AssumeRole
		c.AssumeRole = &r
		edit(&c)
		return c
	}
	seen := map[string]int{}
	for i, test := range []struct {
		holder string
		config Config
		want   string
	}{
		{`upstream "eu"`, base, "assumed-role/Bedrock/bedrock-gateway"},
		{`upstream "us"`, base, "assumed-role/Bedrock/bedrock-gateway"},
		{`upstream "eu"`, with(func(c *Config) { c.AssumeRole.RoleARN = podARN }), "assumed-role/Pod/bedrock-gateway"},
		{`upstream "eu"`, with(func(c *Config) { c.AssumeRole.SessionName = "other" }), "assumed-role/Bedrock/other"},
		{`upstream "eu"`, with(func(c *Config) { c.AssumeRole.ExternalID = "other" }), "assumed-role/Bedrock/bedrock-gateway"},
		{`upstream "eu"`, with(func(c *Config) { c.AssumeRole.Duration = caddy.Duration(30 * time.Minute) }), "assumed-role/Bedrock/bedrock-gateway"},
		{`upstream "eu"`, with(func(c *Config) { c.AccessKeyID, c.SecretAccessKey = other.AccessKeyID, other.SecretAccessKey }), "assumed-role/Bedrock/bedrock-gateway"},
		{`upstream "eu"`, w.static(), "user/gateway"},
	} {
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		defer cancel()
		test.config.Region, test.config.STSEndpoint = "us-east-1", w.sts
		p, err := test.config.Provision(ctx, Options{Holder: test.holder})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		creds, err := p.Retrieve(t.Context())
		if err != nil {
			t.Fatal(i, err)
		}
		if before, ok := seen[creds.AccessKeyID]; ok {
			t.Errorf("%d has the credentials of %d", i, before)
		}
		seen[creds.AccessKeyID] = i
		checkIdentity(t, w, p, test.want)
	}
}

// TestExpiryUnderLoad: credentials that live for less than a second, 50 requests at a time, and an STS that takes its time. Every
// request is signed and checked. CREDENTIALS_TEST_SECONDS=20 runs it as long, with credentials of 2 s.
func TestExpiryUnderLoad(t *testing.T) {
	w := newWorld(t)
	life, length := 800*time.Millisecond, 1400*time.Millisecond
	if s := os.Getenv("CREDENTIALS_TEST_SECONDS"); s != "" {
		d, err := time.ParseDuration(s + "s")
		if err != nil || d > time.Minute {
			t.Fatalf("CREDENTIALS_TEST_SECONDS=%s: %v", s, err)
		}
		life, length = 2*time.Second, d
	}
	w.cloud.Lifetime = life
	w.cloud.Intercept = func(call string) *simulator.Failure {
		<-time.After(50 * time.Millisecond) // a slow STS
		return nil
	}
	p, err := w.provision(w.withRole(w.static(), AssumeRole{}))
	if err != nil {
		t.Fatal(err)
	}
	var requests, retried, failed, longest atomic.Int64
	if _, err := p.Retrieve(t.Context()); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	end := time.After(length)
	stop := make(chan struct{})
	go func() { <-end; close(stop) }()
	var workers sync.WaitGroup
	for range 50 {
		workers.Go(func() {
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				start := time.Now()
				creds, err := p.Retrieve(t.Context())
				took := int64(time.Since(start))
				for {
					if l := longest.Load(); took <= l || longest.CompareAndSwap(l, took) {
						break
					}
				}
				if err == nil {
					var expired bool
					if expired, err = signedRequest(w, creds); expired {
						// It expired between Retrieve and AWS: as the gateway does, renew and ask once more.
						retried.Add(1)
						if err = p.Refresh(t.Context()); err == nil {
							if creds, err = p.Retrieve(t.Context()); err == nil {
								_, err = signedRequest(w, creds)
							}
						}
					}
				}
				requests.Add(1)
				if err != nil && failed.Add(1) < 5 {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	calls, peak := w.cloud.Calls()["AssumeRole"], w.cloud.Peak("AssumeRole")
	t.Logf("%d requests, %d retried, %d failed, longest Retrieve %s, %d refreshes, %d at a time", requests.Load(), retried.Load(), failed.Load(), time.Duration(longest.Load()), calls, peak)
	if peak != 1 {
		t.Errorf("%d refreshes at the same time", peak)
	}
	// A refresh comes after three quarters of a life.
	if most := int(time.Since(begin)/(life*3/4)) + 2; calls < 2 || calls > most {
		t.Errorf("%d refreshes, want 2 to %d", calls, most)
	}
}

// signedRequest has a request with creds checked as AWS would.
func signedRequest(w *world, creds aws.Credentials) (expired bool, err error) {
	r, err := http.NewRequest(http.MethodPost, "http://bedrock.test/model/x/converse", http.NoBody)
	if err != nil {
		return false, err
	}
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, emptyHash, "bedrock", "us-east-1", time.Now()); err != nil {
		return false, err
	}
	if _, f := w.cloud.Authenticate(r, nil, "bedrock"); f != nil {
		return f.Code == "ExpiredToken", fmt.Errorf("the signature is refused: %s", f)
	}
	return false, nil
}

// TestNoSecretInTheLog lets refreshes fail and settings be warned of, with everything logged at DEBUG, and looks for the
// secrets of all methods in what was written.
func TestNoSecretInTheLog(t *testing.T) {
	w := newWorld(t)
	path := filepath.Join(w.dir, "caddy.log")
	if err := caddy.Load([]byte(`{"admin":{"disabled":true},"logging":{"logs":{"default":{"level":"DEBUG","writer":{"output":"file","filename":"`+path+`"}}}}}`), true); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = caddy.Stop() }()
	log := caddy.Log()

	w.sso(&simulator.SSO{AccessToken: "sso-access-token"}, "sso-access-token", time.Hour)
	w.file("config", w.read("config")+w.keysProfile("prod")+"[profile process]\ncredential_process = cat "+w.processOutput(w.user)+"\n[profile bad]\ncredential_process = echo not-json-"+w.user.SecretAccessKey+"\n")
	wrong := w.static()
	wrong.SecretAccessKey += "wrong"
	temporary := w.cloud.Issue(taskARN, "x", time.Hour)
	secrets := []string{w.user.SecretAccessKey, "partner-7", "sso-access-token", temporary.SecretAccessKey, temporary.SessionToken, w.read("token")}
	for _, c := range []Config{
		w.static(),
		wrong,
		w.withRole(w.static(), AssumeRole{}),
		w.withRole(wrong, AssumeRole{}),
		{Profile: "prod"},
		{Profile: "process"},
		{Profile: "bad"},
		{Profile: "sso"},
		w.withRole(Config{Profile: "prod"}, AssumeRole{}),
		{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile}},
		{AccessKeyID: temporary.AccessKeyID, SecretAccessKey: temporary.SecretAccessKey, SessionToken: temporary.SessionToken, Profile: "prod"},
		w.withRole(Config{AccessKeyID: temporary.AccessKeyID, SecretAccessKey: temporary.SecretAccessKey + "x", SessionToken: temporary.SessionToken}, AssumeRole{}),
	} {
		c.Region, c.STSEndpoint = "us-east-1", w.sts
		ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
		defer cancel()
		p, err := c.Provision(ctx, Options{Holder: "x", Logger: log})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Close()
		creds, err := p.Retrieve(t.Context())
		log.Debug("used", zap.Error(err), zap.Any("config provisioned", p), zap.String("method", p.Method()), zap.Any("status", p.Status(t.Context())))
		if creds.SessionToken != "" {
			secrets = append(secrets, creds.SessionToken, creds.SecretAccessKey)
		}
		if _, err := w.who(p); err != nil {
			log.Debug("refused", zap.Any("steps", Diagnose(t.Context(), p, DiagnoseOptions{})))
		}
		// A refresh that fails while there are valid credentials is what the package itself logs.
		if s := p.cache.current.Load(); s != nil && s.creds.CanExpire {
			w.cloud.Intercept = func(string) *simulator.Failure {
				return &simulator.Failure{Status: 403, Code: "SignatureDoesNotMatch", Message: "no. The Canonical String is x-amz-security-token:" + s.creds.SessionToken}
			}
			p.cache.mu.Lock()
			p.cache.succeeded = time.Time{}
			p.cache.mu.Unlock()
			if err := p.Refresh(t.Context()); err == nil {
				t.Error("the refresh did not fail")
			}
			w.cloud.Intercept = nil
		}
	}
	_ = log.Sync()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"the old ones stay in use", "AWS credentials are configured more than once", "AWS refused the signature"} {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("the log lacks %q", part)
		}
	}
	for _, secret := range secrets {
		if secret != "" && bytes.Contains(text, []byte(secret)) {
			i := bytes.Index(text, []byte(secret))
			t.Errorf("the log shows the secret %.12s…: %s", secret, strings.ToValidUTF8(string(text[max(0, i-200):i]), ""))
		}
	}
}

func (w *world) read(name string) string {
	w.t.Helper()
	b, err := os.ReadFile(filepath.Join(w.dir, name))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}
