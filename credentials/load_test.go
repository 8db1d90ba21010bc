package credentials

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/caddyserver/caddy/v2"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
)

// TestErrorsAtLoad are those that need no network.
func TestErrorsAtLoad(t *testing.T) {
	role := func(r AssumeRole) func(*world) Config {
		return func(w *world) Config { return w.withRole(w.static(), r) }
	}
	for name, test := range map[string]struct {
		config func(w *world) Config
		want   string
	}{
		"region with blanks":          {func(*world) Config { return Config{Region: "us east"} }, `region "us east" is not the name of a region`},
		"region of an unset variable": {func(*world) Config { return Config{Region: "{env.NO_SUCH_REGION}"} }, "you must specify a region: region"},
		"key of an unset variable":    {func(*world) Config { return Config{AccessKeyID: "{env.NO_SUCH_KEY}", SecretAccessKey: "s"} }, "access_key_id:"},
		"missing secret file":         {func(*world) Config { return Config{AccessKeyID: "a", SecretAccessKey: "{file./no/such}"} }, "secret_access_key:"},
		"key without secret":          {func(*world) Config { return Config{AccessKeyID: "a"} }, "need both access_key_id and secret_access_key"},
		"secret without key":          {func(*world) Config { return Config{SecretAccessKey: "a", Profile: "p"} }, "need both access_key_id and secret_access_key"},
		"half of a key in the environment": {func(w *world) Config {
			w.env("AWS_ACCESS_KEY_ID=a")
			return Config{}
		}, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together"},
		"unknown profile": {func(*world) Config { return Config{Profile: "nope"} }, "the config profile (nope) could not be found in "},
		"unknown profile of the environment": {func(w *world) Config {
			w.env("AWS_PROFILE=nope")
			return Config{}
		}, "the config profile (nope) could not be found in "},
		"unknown source profile": {func(w *world) Config {
			w.file("config", "[profile p]\nrole_arn = "+roleARN+"\nsource_profile = nope\n")
			return Config{Profile: "p"}
		}, "the config profile (nope) could not be found"},
		"profile without credentials": {func(w *world) Config {
			w.file("config", "[profile p]\nregion = eu-west-1\n")
			return Config{Profile: "p"}
		}, "profile p holds no credentials"},
		"profile with MFA": {func(w *world) Config {
			w.file("config", w.keysProfile("base")+"[profile p]\nrole_arn = "+roleARN+"\nsource_profile = base\nmfa_serial = arn:aws:iam::111111111111:mfa/x\n")
			return Config{Profile: "p"}
		}, "profile p asks for an MFA code"},
		"login profile led elsewhere": {func(w *world) Config {
			w.file("config", "[profile p]\nlogin_session = arn:aws:iam::111111111111:user/x\n")
			w.env("AWS_ENDPOINT_URL=http://127.0.0.1:1")
			return Config{Profile: "p"}
		}, "AWS_ENDPOINT_URL"},
		"role, no ARN":              {role(AssumeRole{RoleARN: "Bedrock"}), `assume_role: "Bedrock" is not the ARN of a role`},
		"role, ARN of a user":       {role(AssumeRole{RoleARN: userARN}), "is not the ARN of a role: its last part must be role/Name"},
		"role, short account":       {role(AssumeRole{RoleARN: "arn:aws:iam::1:role/X"}), "is not the ARN of a role"},
		"role, other partition":     {role(AssumeRole{RoleARN: "arn:aws-cn:iam::222222222222:role/X"}), ""},
		"role, too short":           {role(AssumeRole{Duration: caddy.Duration(14 * time.Minute)}), "duration 14m0s is out of range: 15m to 12h (900 to 43200 seconds)"},
		"role, too long":            {role(AssumeRole{Duration: caddy.Duration(13 * time.Hour)}), "is out of range: 15m to 12h"},
		"role, bad session name":    {role(AssumeRole{SessionName: "a b"}), `session_name "a b" must be`},
		"role, long session name":   {role(AssumeRole{SessionName: strings.Repeat("a", 65)}), "must be 2 to 64"},
		"role, bad external id":     {role(AssumeRole{ExternalID: "a b"}), "external_id must be"},
		"second role, over an hour": {role(AssumeRole{AssumeRole: &AssumeRole{RoleARN: secondARN, Duration: caddy.Duration(2 * time.Hour)}}), "a role assumed from another role's session lasts at most 1h"},
		"role duration of the environment, out of range": {func(w *world) Config {
			w.env("AWS_ROLE_ARN="+roleARN, "AWS_ROLE_SESSION_DURATION=899")
			return Config{}
		}, "duration 14m59s is out of range"},
		"role duration of the environment, no number": {func(w *world) Config {
			w.env("AWS_ROLE_ARN="+roleARN, "AWS_ROLE_SESSION_DURATION=1h")
			return Config{}
		}, `AWS_ROLE_SESSION_DURATION is "1h", not a number of seconds`},
		"web identity, missing file": {func(*world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: "/no/such/token"}}
		}, "web identity token file not found: /no/such/token"},
		"web identity, directory": {func(w *world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.dir}}
		}, "is a directory"},
		"web identity of the environment, missing file": {func(w *world) Config {
			w.env("AWS_WEB_IDENTITY_TOKEN_FILE=/no/such/token", "AWS_ROLE_ARN="+podARN)
			return Config{}
		}, "web identity token file not found: /no/such/token"},
		"web identity of the environment, no role": {func(w *world) Config {
			w.env("AWS_WEB_IDENTITY_TOKEN_FILE=" + w.tokenFile)
			return Config{}
		}, "not AWS_ROLE_ARN"},
		"web identity, bad ARN": {func(w *world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: "x", TokenFile: w.tokenFile}}
		}, "web_identity: \"x\" is not the ARN of a role"},
		"sts endpoint without scheme": {func(*world) Config { return Config{STSEndpoint: "sts.example"} }, "is not an http or https URL"},
		"missing CA bundle": {func(w *world) Config {
			w.env("AWS_CA_BUNDLE=/no/such/ca.pem")
			return w.static()
		}, "reading AWS_CA_BUNDLE"},
		"empty CA bundle": {func(w *world) Config {
			w.env("AWS_CA_BUNDLE=" + w.file("ca.pem", "none"))
			return w.static()
		}, "AWS_CA_BUNDLE holds no certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.provision(test.config(w))
			if test.want == "" { // allowed here because sts_endpoint is given
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.HasPrefix(err.Error(), `upstream "eu": `) {
				t.Errorf("got %v, want %q for upstream \"eu\"", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), w.user.SecretAccessKey) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestRegionIsRequired(t *testing.T) {
	newWorld(t)
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	_, err := FromEnvironment(ctx, Options{Holder: `upstream "bedrock"`})
	if err == nil || !strings.Contains(err.Error(), `upstream "bedrock": you must specify a region`) {
		t.Errorf("got %v", err)
	}
}

// TestRolesStayInTheirPartition is without sts_endpoint, where the region says which AWS is asked.
func TestRolesStayInTheirPartition(t *testing.T) {
	newWorld(t)
	for _, test := range []struct{ region, partition, want string }{
		{"us-east-1", "aws", ""},
		{"cn-north-1", "aws-cn", ""},
		{"us-gov-west-1", "aws-us-gov", ""},
		{"cn-north-1", "aws", "role arn:aws:iam::222222222222:role/X is in the partition aws, but region cn-north-1 is in aws-cn"},
		{"eu-west-1", "aws-us-gov", "but region eu-west-1 is in aws"},
	} {
		c := Config{Region: test.region, AccessKeyID: "a", SecretAccessKey: "b", AssumeRole: &AssumeRole{RoleARN: "arn:" + test.partition + ":iam::222222222222:role/X"}}
		_, err := c.resolve(Options{Holder: "x"})
		if fmt.Sprint(err) == "<nil>" != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s with %s: got %v, want %q", test.region, test.partition, err, test.want)
		}
	}
}

// TestPrecedence takes away one method after the other from a config and an environment that have them all.
func TestPrecedence(t *testing.T) {
	w := newWorld(t)
	profileUser := w.cloud.AddUser("arn:aws:iam::111111111111:user/of-profile")
	envUser := w.cloud.AddUser("arn:aws:iam::111111111111:user/of-environment")
	envProfileUser := w.cloud.AddUser("arn:aws:iam::111111111111:user/of-environment-profile")
	defaultUser := w.cloud.AddUser("arn:aws:iam::111111111111:user/of-default-profile")
	profile := func(name string, s simulator.Session) string {
		return "[" + name + "]\naws_access_key_id = " + s.AccessKeyID + "\naws_secret_access_key = " + s.SecretAccessKey + "\n"
	}
	all := profile("profile p", profileUser) + profile("profile e", envProfileUser)
	w.file("config", all+profile("default", defaultUser))
	w.cloud.AddRole(simulator.Role{ARN: roleARN, Trusted: []string{"arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"}})
	w.cloud.AddRole(simulator.Role{ARN: secondARN, Trusted: []string{"arn:aws:iam::111111111111:root"}})
	w.env("AWS_ACCESS_KEY_ID="+envUser.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+envUser.SecretAccessKey, "AWS_PROFILE=e",
		"AWS_ROLE_ARN="+secondARN, "AWS_WEB_IDENTITY_TOKEN_FILE="+w.tokenFile, "AWS_BEARER_TOKEN_BEDROCK=ambient",
		"AWS_CONTAINER_CREDENTIALS_FULL_URI="+w.serve(w.cloud.Container(taskARN, nil)))
	w.instance(podARN)

	c := w.static()
	c.Profile = "p"
	c.WebIdentity = &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile}
	c.AssumeRole = &AssumeRole{RoleARN: roleARN}
	for _, step := range []struct {
		gone string
		take func()
		want string // who the gateway is
		base string // its base credentials
	}{
		{"nothing", func() {}, "assumed-role/Bedrock/bedrock-gateway", "static credentials, assume role"},
		{"configured role", func() { c.AssumeRole = nil }, "user/gateway", "static credentials"},
		{"configured keys", func() { c.AccessKeyID, c.SecretAccessKey = "", "" }, "user/of-profile", "profile p"},
		{"configured profile", func() { c.Profile = "" }, "assumed-role/Pod/bedrock-gateway", "web identity"},
		{"configured web identity", func() { c.WebIdentity = nil }, "assumed-role/Second/bedrock-gateway", "static credentials, assume role"},
		{"environment's keys", func() { w.env("AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=") }, "assumed-role/Second/bedrock-gateway", "profile e, assume role"},
		{"role of the environment for web identity", func() { w.env("AWS_PROFILE=", "AWS_ROLE_ARN="+podARN) }, "assumed-role/Pod/bedrock-gateway", "web identity"},
		{"environment's role and token", func() { w.env("AWS_ROLE_ARN=", "AWS_WEB_IDENTITY_TOKEN_FILE=") }, "user/of-default-profile", "default chain"},
		{"default profile", func() { w.file("config", all) }, "assumed-role/Task/task", "default chain"},
		{"container", func() { w.env("AWS_CONTAINER_CREDENTIALS_FULL_URI=") }, "assumed-role/Pod/i-0123456789abcdef0", "default chain"},
	} {
		step.take()
		p, err := w.provision(c)
		if err != nil {
			t.Fatalf("without %s: %v", step.gone, err)
		}
		got, err := w.who(p)
		if err != nil || !strings.HasSuffix(got, ":"+step.want) || p.Method() != step.base {
			t.Errorf("without %s: became %s by %s, %v; want %s by %s", step.gone, got, p.Method(), err, step.want, step.base)
		}
		// The next step may have equal settings, and must not get this one's credentials.
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestAmbientVariablesDoNotCount sets all that an SDK would listen to against each configured method.
func TestAmbientVariablesDoNotCount(t *testing.T) {
	for name, test := range map[string]struct {
		config func(w *world) Config
		want   string
	}{
		"static": {(*world).static, "user/gateway"},
		"profile": {func(w *world) Config {
			w.file("config", w.keysProfile("p"))
			return Config{Profile: "p"}
		}, "user/gateway"},
		"profile with a role": {func(w *world) Config {
			w.file("config", w.keysProfile("base")+"[profile p]\nrole_arn = "+roleARN+"\nsource_profile = base\nexternal_id = partner-7\nrole_session_name = cli\n")
			return Config{Profile: "p"}
		}, "assumed-role/Bedrock/cli"},
		"profile with an STS endpoint of its own": {func(w *world) Config {
			w.file("config", w.keysProfile("base")+"[services s]\nsts =\n  endpoint_url = "+w.sts+"\n[profile p]\nservices = s\nrole_arn = "+roleARN+"\nsource_profile = base\nexternal_id = partner-7\nrole_session_name = cli\n")
			return Config{Profile: "p", STSEndpoint: "-"}
		}, "assumed-role/Bedrock/cli"},
		"role": {func(w *world) Config { return w.withRole(w.static(), AssumeRole{}) }, "assumed-role/Bedrock/bedrock-gateway"},
		"web identity": {func(w *world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile}}
		}, "assumed-role/Pod/bedrock-gateway"},
		"SSO": {func(w *world) Config {
			w.sso(&simulator.SSO{AccessToken: "new", RefreshToken: "again", ClientID: "id", ClientSecret: "cs"}, "old", -time.Minute)
			return Config{Profile: "sso"}
		}, "assumed-role/Developer/user"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			c := test.config(w)
			dead := "http://127.0.0.1:1"
			w.env("AWS_ACCESS_KEY_ID=AKIAAMBIENT", "AWS_SECRET_ACCESS_KEY=ambient", "AWS_SESSION_TOKEN=ambient", "AWS_PROFILE=no-such",
				"AWS_DEFAULT_PROFILE=no-such", "AWS_REGION=eu-north-1", "AWS_DEFAULT_REGION=eu-north-1", "AWS_ROLE_ARN=arn:aws:iam::999999999999:role/Ambient",
				"AWS_ROLE_SESSION_NAME=ambient", "AWS_ROLE_SESSION_DURATION=1", "AWS_EXTERNAL_ID=ambient", "AWS_WEB_IDENTITY_TOKEN_FILE=/no/such",
				"AWS_BEARER_TOKEN_BEDROCK=ambient", "AWS_ENDPOINT_URL="+dead, "AWS_ENDPOINT_URL_STS="+dead, "AWS_ENDPOINT_URL_SSO="+dead,
				"AWS_ENDPOINT_URL_SSO_OIDC="+dead, "AWS_ENDPOINT_URL_BEDROCK="+dead, "AWS_ENDPOINT_URL_S3="+dead,
				"AWS_CONTAINER_CREDENTIALS_FULL_URI="+dead, "AWS_DEFAULTS_MODE=auto")
			w.instance(taskARN)
			if c.STSEndpoint == "-" { // none: the profile's own counts
				c.STSEndpoint, c.Region = "", "us-east-1"
				ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
				defer cancel()
				p, err := c.Provision(ctx, Options{Holder: "x"})
				if err != nil {
					t.Fatal(err)
				}
				defer p.Close()
				checkIdentity(t, w, p, test.want)
				return
			}
			p, err := w.provision(c)
			if err != nil {
				t.Fatal(err)
			}
			checkIdentity(t, w, p, test.want)
			for _, service := range []string{"Bedrock Runtime", "Bedrock", "S3"} {
				if got := p.EndpointOverride(service); got != "" {
					t.Errorf("the environment's endpoint %s of %s counts", got, service)
				}
			}
			if got := c.BearerToken(); got != "" {
				t.Errorf("the environment's API key %s counts", got)
			}
			// The control plane refuses the environment's API key.
			for _, step := range Diagnose(t.Context(), p, DiagnoseOptions{ControlEndpoint: w.controlPlane(twoModels)}) {
				if !step.OK {
					t.Error(step)
				}
			}
			o := s3.NewFromConfig(p.SDKConfig(nil)).Options()
			if o.Region != "us-east-1" || o.BaseEndpoint != nil || len(o.AuthSchemePreference) != 0 {
				t.Errorf("the SDK's client has region %s, endpoint %v, auth %v", o.Region, o.BaseEndpoint, o.AuthSchemePreference)
			}
		})
	}
}

func checkIdentity(t *testing.T, w *world, p *Provider, want string) {
	t.Helper()
	got, err := w.who(p)
	if err != nil || !strings.HasSuffix(got, ":"+want) {
		t.Errorf("became %s, %v; want %s", got, err, want)
	}
}

// TestEnvironmentSaysTheRestWhenNothingIsConfigured is the counterpart: there its endpoints and API key count.
func TestEnvironmentSaysTheRestWhenNothingIsConfigured(t *testing.T) {
	w := newWorld(t)
	w.env("AWS_REGION=eu-west-1", "AWS_ENDPOINT_URL=http://all", "AWS_ENDPOINT_URL_STS=http://sts", "AWS_BEARER_TOKEN_BEDROCK=key")
	c := new(Config)
	s, err := c.resolve(Options{Holder: "x"})
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{cache: newCache(s)}
	for _, test := range []struct{ what, got, want string }{
		{"region", p.Region(), "eu-west-1"},
		{"STS", s.stsEndpoint, "http://sts"},
		{"Bedrock Runtime", p.EndpointOverride("Bedrock Runtime"), "http://all"},
		{"API key", c.BearerToken(), "key"},
		{"known region", EnvironmentRegion(), "eu-west-1"},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %s, want %s", test.what, test.got, test.want)
		}
	}
	w.env("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b")
	if got := p.EndpointOverride("STS"); got != "" {
		t.Errorf("ignored endpoint counts: %s", got)
	}
	if got := c.BearerToken(); got != "" {
		t.Errorf("API key %s counts beside static keys", got)
	}
}

func TestRegionOrder(t *testing.T) {
	w := newWorld(t)
	w.file("config", w.keysProfile("p")+"region = ap-south-1\nuse_fips_endpoint = true\n")
	for _, test := range []struct {
		what   string
		config Config
		env    []string
		want   string
	}{
		{"configured", Config{Region: "eu-west-3", Profile: "p"}, []string{"AWS_REGION=us-west-1"}, "eu-west-3"},
		{"configured profile's", Config{Profile: "p"}, []string{"AWS_REGION=us-west-1"}, "ap-south-1"},
		{"AWS_REGION", Config{}, []string{"AWS_PROFILE=p", "AWS_REGION=us-west-1", "AWS_DEFAULT_REGION=us-west-2"}, "us-west-1"},
		{"AWS_DEFAULT_REGION", Config{}, []string{"AWS_PROFILE=p", "AWS_REGION=", "AWS_DEFAULT_REGION=us-west-2"}, "us-west-2"},
		{"profile's of the environment", Config{}, []string{"AWS_PROFILE=p", "AWS_REGION=", "AWS_DEFAULT_REGION="}, "ap-south-1"},
	} {
		w.env(test.env...)
		s, err := test.config.resolve(Options{Holder: "x"})
		if err != nil || s.region != test.want {
			t.Errorf("%s: got %v, %v; want %s", test.what, s, err, test.want)
			continue
		}
		if !s.fips && s.base.profile != "" {
			t.Errorf("%s: the profile's FIPS wish is lost", test.what)
		}
	}
}

// TestConfigKeepsPlaceholders shows that resolving leaves no secret in what trace logs print.
func TestConfigKeepsPlaceholders(t *testing.T) {
	w := newWorld(t)
	w.env("MY_SECRET=" + w.user.SecretAccessKey)
	c := Config{Region: "us-east-1", AccessKeyID: w.user.AccessKeyID, SecretAccessKey: "{env.MY_SECRET}"}
	p, err := w.provision(c)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(struct {
		C Config
		P *Provider
	}{c, p})
	if err != nil || strings.Contains(string(text), w.user.SecretAccessKey) || !strings.Contains(string(text), "{env.MY_SECRET}") {
		t.Errorf("got %s, %v", text, err)
	}
	if strings.Contains(p.key, w.user.SecretAccessKey) || len(p.key) != 64 {
		t.Errorf("the pool's key is %q", p.key)
	}
}

// TestAPIKeyNeedsNoCredentials: an upstream with a configured API key loads whatever the environment says of AWS
// credentials, and its key is not sent to the environment's endpoints.
func TestAPIKeyNeedsNoCredentials(t *testing.T) {
	w := newWorld(t)
	w.env("AWS_ACCESS_KEY_ID=half", "AWS_PROFILE=no-such", "AWS_ENDPOINT_URL=http://127.0.0.1:1", "AWS_WEB_IDENTITY_TOKEN_FILE=/no/such")
	ctx, cancel := caddy.NewContext(caddy.Context{Context: t.Context()})
	defer cancel()
	p, err := (&Config{Region: "eu-west-1"}).Provision(ctx, Options{Holder: `upstream "eu"`, APIKey: true})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if got := p.EndpointOverride("Bedrock Runtime"); got != "" {
		t.Errorf("the key would be sent to %s", got)
	}
	if st := p.Status(t.Context()); !st.Valid || st.Method != "Bedrock API key" || st.Region != "eu-west-1" {
		t.Errorf("got %+v", st)
	}
	if _, err := p.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), "a Bedrock API key cannot sign requests") {
		t.Errorf("got %v", err)
	}
}
