package credentials

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
)

// controlPlane lists models for signed requests, and for one API key.
func (w *world) controlPlane(models string) string {
	return w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		f := &simulator.Failure{Status: 404, Code: "UnknownOperationException"}
		switch auth := r.Header.Get("Authorization"); {
		case r.URL.Path != "/foundation-models":
		case auth == "Bearer the-key":
			f = nil
		case strings.HasPrefix(auth, "Bearer "):
			f = &simulator.Failure{Status: 403, Code: "AccessDeniedException", Message: "Authentication failed"}
		default:
			_, f = w.cloud.Authenticate(r, nil, "bedrock")
		}
		if f == nil && models == "denied" {
			f = &simulator.Failure{Status: 403, Code: "AccessDeniedException", Message: "User is not authorized to perform: bedrock:ListFoundationModels"}
		}
		if f != nil {
			rw.Header().Set("X-Amzn-Errortype", f.Code)
			rw.WriteHeader(f.Status)
			fmt.Fprintf(rw, `{"message":%q}`, f.Message)
			return
		}
		fmt.Fprint(rw, `{"modelSummaries":[`+models+`]}`)
	}))
}

const twoModels = `{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/a","modelId":"a"},{"modelArn":"arn:aws:bedrock:us-east-1::foundation-model/b","modelId":"b"}`

func TestDiagnose(t *testing.T) {
	for name, test := range map[string]struct {
		models string
		config func(w *world) Config
		key    string
		want   []string // a part of each step's line, in order
	}{
		"all well": {twoModels, (*world).static, "", []string{
			"✓ Region: us-east-1", "✓ Credentials: static credentials, key AKIA",
			"✓ Identity: " + userARN + " (account 111111111111)", "✓ Models: 2 foundation models",
		}},
		"a role": {twoModels, func(w *world) Config { return w.withRole(w.static(), AssumeRole{}) }, "", []string{
			"✓ Region", "✓ Credentials: static credentials, assume role, key ASIA", "✓ Identity: arn:aws:sts::222222222222:assumed-role/Bedrock/bedrock-gateway (account 222222222222)", "✓ Models",
		}},
		"a role that refuses": {twoModels, func(w *world) Config { return w.withRole(w.static(), AssumeRole{ExternalID: "other"}) }, "", []string{
			"✓ Region", "✗ Credentials: access denied when assuming role " + roleARN + ": AWS answered AccessDenied: User: " + userARN + " is not authorized to perform: sts:AssumeRole on resource: " + roleARN + "\n  → check that the role exists, that its trust policy allows this principal",
		}},
		"wrong secret": {twoModels, func(w *world) Config {
			c := w.static()
			c.SecretAccessKey += "x"
			return c
		}, "", []string{
			"✓ Region", "✓ Credentials", "✗ Identity: AWS refused the signature: AWS answered SignatureDoesNotMatch: The request signature we calculated does not match", "✗ Models: AWS refused the signature",
		}},
		"no permission to list": {"denied", (*world).static, "", []string{
			"✓ Region", "✓ Credentials", "✓ Identity", "✗ Models: access denied when listing models: AWS answered AccessDeniedException: User is not authorized to perform: bedrock:ListFoundationModels\n  → allow bedrock:ListFoundationModels",
		}},
		// The SDK's client of Bedrock refused an address of one's own together with FIPS, so the step failed wherever fips was on.
		"FIPS": {twoModels, func(w *world) Config {
			c := w.static()
			c.FIPS, c.DualStack = true, true
			return c
		}, "", []string{"✓ Region", "✓ Credentials", "✓ Identity", "✓ Models: 2 foundation models"}},
		"no models": {"", (*world).static, "", []string{"✓ Region", "✓ Credentials", "✓ Identity", "✗ Models: none in this region"}},
		"expired session": {twoModels, func(w *world) Config {
			w.cloud.Lifetime = time.Nanosecond
			s := w.cloud.Issue(taskARN, "x", 0)
			return Config{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken}
		}, "", []string{"✓ Region", "✓ Credentials", "✗ Identity: the session token has expired: AWS answered ExpiredToken", "✗ Models: the session token has expired"}},
		"API key":         {twoModels, (*world).static, "the-key", []string{"✓ Region", "✓ Credentials: Bedrock API key", "✓ Models: 2 foundation models"}},
		"refused API key": {twoModels, (*world).static, "other", []string{"✓ Region", "✓ Credentials: Bedrock API key", "✗ Models: AWS answered 403 Forbidden\n  → check that the API key is valid"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, err := w.provision(test.config(w))
			if err != nil {
				t.Fatal(err)
			}
			w.env("AWS_BEARER_TOKEN_BEDROCK=ambient") // must not be sent
			steps := Diagnose(t.Context(), p, DiagnoseOptions{ControlEndpoint: w.controlPlane(test.models), APIKey: test.key})
			if len(steps) != len(test.want) {
				t.Fatalf("got %v", steps)
			}
			for i, step := range steps {
				if !strings.HasPrefix(step.String(), test.want[i]) {
					t.Errorf("got  %s\nwant %s", step, test.want[i])
				}
				if strings.Contains(step.String(), w.user.SecretAccessKey) {
					t.Errorf("shows a secret: %s", step)
				}
			}
		})
	}
}

func TestDiagnoseWithoutNetwork(t *testing.T) {
	w := newWorld(t)
	w.sts = "http://127.0.0.1:1"
	p, err := w.provision(w.static())
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range Diagnose(t.Context(), p, DiagnoseOptions{ControlEndpoint: w.sts})[2:] {
		if step.OK || !strings.Contains(step.String(), "AWS cannot be reached") || !strings.Contains(step.Hint, "HTTPS_PROXY") {
			t.Errorf("got %s", step)
		}
	}
}

func TestStatusTellsNoAccount(t *testing.T) {
	w := newWorld(t)
	p, err := w.provision(w.withRole(w.static(), AssumeRole{}))
	if err != nil {
		t.Fatal(err)
	}
	st := p.Status(t.Context())
	if !st.Valid || st.Problem != "" || time.Until(st.Expires) < 50*time.Minute || st.Region != "us-east-1" {
		t.Errorf("got %+v", st)
	}
	p, err = w.provision(w.withRole(w.static(), AssumeRole{ExternalID: "other"}))
	if err != nil {
		t.Fatal(err)
	}
	st = p.Status(t.Context())
	if st.Valid || st.Problem != `the gateway has no valid AWS credentials for upstream "eu": access denied when assuming role; its log says more` {
		t.Errorf("got %+v", st)
	}
}
