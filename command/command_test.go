package command_test

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what every Caddy has

	_ "github.com/open-bedrock/caddy-bedrock-gateway" // the gateway, which registers the command
	simaws "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
	simbedrock "github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
)

// asCaddy makes this test binary a caddy: the command is tested as it is run, with its exit code.
const asCaddy = "BEDROCK_TEST_AS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

const (
	gatewayUser = "arn:aws:iam::111111111111:user/gateway"
	bedrockRole = "arn:aws:iam::222222222222:role/Bedrock"
	nowhere     = "http://127.0.0.1:1" // where nothing listens
)

// account is a simulated AWS with a user, a role for that user, and Bedrock's control plane.
type account struct {
	cloud        *simaws.Cloud
	user         simaws.Session
	sts, control string // URLs
	secure       string // the control plane by TLS; its certificate is dir/ca.pem
	dir          string
	denied       string // the path that the control plane refuses
}

func newAccount(t *testing.T) *account {
	t.Helper()
	a := &account{cloud: simaws.New("us-east-1"), dir: t.TempDir()}
	a.user = a.cloud.AddUser(gatewayUser)
	a.cloud.AddRole(simaws.Role{ARN: bedrockRole, Trusted: []string{gatewayUser}, ExternalID: "partner-7"})
	sts := httptest.NewServer(a.cloud.STS())
	t.Cleanup(sts.Close)
	bedrock := simbedrock.New(simbedrock.Options{Regions: []string{"us-east-1"}, APIKeys: []string{"good-api-key", "inside"}})
	control := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refuse := func(f *simaws.Failure) {
			w.Header().Set("X-Amzn-Errortype", f.Code)
			w.WriteHeader(f.Status)
			fmt.Fprintf(w, `{"message":%q}`, f.Message)
		}
		if r.URL.Path == a.denied {
			refuse(&simaws.Failure{Status: 403, Code: "AccessDeniedException", Message: "User: " + gatewayUser + " is not authorized to perform it"})
			return
		}
		// The simulated Bedrock does not know the simulated STS's keys: they are checked here.
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ") {
			if _, f := a.cloud.Authenticate(r, nil, "bedrock"); f != nil {
				refuse(f)
				return
			}
			r.Header.Set("Authorization", "Bearer inside")
		}
		bedrock.ServeHTTP(w, r)
	}))
	t.Cleanup(control.Close)
	secure := httptest.NewTLSServer(control.Config.Handler)
	t.Cleanup(secure.Close)
	a.secure = secure.URL
	a.file(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})))
	a.sts, a.control = sts.URL, control.URL
	a.file(t, "aws-config", "[profile work]\naws_access_key_id = "+a.user.AccessKeyID+"\naws_secret_access_key = "+a.user.SecretAccessKey+"\nregion = us-east-1\n")
	return a
}

func (a *account) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// caddy runs a command in an environment of the given variables alone, and returns its exit code.
func (a *account) caddy(t *testing.T, env []string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], args...) // #nosec G204 G702 -- this very binary
	cmd.Env = append([]string{
		asCaddy + "=1", "HOME=" + a.dir, "XDG_DATA_HOME=" + a.dir, "XDG_CONFIG_HOME=" + a.dir, "AppData=" + a.dir,
		"AWS_CONFIG_FILE=" + filepath.Join(a.dir, "aws-config"), "AWS_SHARED_CREDENTIALS_FILE=" + filepath.Join(a.dir, "aws-credentials"),
		"AWS_EC2_METADATA_DISABLED=true", "SystemRoot=" + os.Getenv("SystemRoot"),
	}, env...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// lines reports whether each line of out begins with that of want; "…" in want stands for any text.
func lines(out string, want []string) bool {
	got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(got) != len(want) {
		return false
	}
	for i := range want {
		pattern := "^" + strings.ReplaceAll(regexp.QuoteMeta(want[i]), "…", ".*")
		if want[i] == "" {
			pattern = "^$"
		}
		if !regexp.MustCompile(pattern).MatchString(got[i]) {
			return false
		}
	}
	return true
}

func TestTestAWSWithConfig(t *testing.T) {
	a := newAccount(t)
	keys := "credentials " + a.user.AccessKeyID + " {env.SECRET}\n"
	endpoints := "sts_endpoint " + a.sts + "\ncontrol_endpoint " + a.control + "\n"
	mantle := func(denied ...string) string {
		srv := httptest.NewServer(simbedrock.NewMantle(simbedrock.Options{
			Denied: denied, AccessKeys: map[string]simbedrock.AccessKey{a.user.AccessKeyID: {Secret: a.user.SecretAccessKey}},
		}))
		t.Cleanup(srv.Close)
		return "mantle_endpoint " + srv.URL + "\n"
	}
	role := func(id string) string {
		return "assume_role " + bedrockRole + " {\nexternal_id " + id + "\n}\n"
	}
	session := a.cloud.Issue(bedrockRole, "old", -time.Minute)
	const (
		region = "✓ Region: us-east-1"
		user   = "✓ Identity: " + gatewayUser + " (account 111111111111)"
		models = "✓ Models: … foundation models"
		listed = "✓ Listing: … models and inference profiles for GET /v1/models"
	)
	static := "✓ Credentials: static credentials, key " + a.user.AccessKeyID
	for name, tc := range map[string]struct {
		gateway string // the block's content
		env     []string
		args    []string
		denied  string
		want    []string
		errs    string // on stderr; "" if the exit code is 0
	}{
		"static keys": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + "}",
			want:    []string{"upstream bedrock", region, static, user, models, listed},
		},
		"profile, whose region it takes": {
			gateway: "bedrock {\nprofile work\n" + endpoints + "}",
			want:    []string{"upstream bedrock", region, "✓ Credentials: profile work, key AKIA", user, models, listed},
		},
		"role": {
			gateway: "bedrock us-east-1 {\n" + keys + role("partner-7") + endpoints + "}",
			want: []string{
				"upstream bedrock", region, "✓ Credentials: static credentials, assume role, key ASIA…, valid until 20",
				"✓ Identity: arn:aws:sts::222222222222:assumed-role/Bedrock/bedrock-gateway (account 222222222222)", models, listed,
			},
		},
		"API key": {
			gateway: "bedrock us-east-1 {\napi_key good-api-key\n" + endpoints + "}",
			want:    []string{"upstream bedrock", region, "✓ Credentials: Bedrock API key", models, listed},
		},
		"two upstreams, one of them broken": {
			gateway: "upstream good bedrock us-east-1 {\n" + keys + endpoints + "}\nopenai sk-x\nupstream bad bedrock us-east-1 {\n" + keys + role("wrong") + endpoints + "}",
			want: []string{
				"upstream good", region, static, user, models, listed, "",
				"upstream bad", region, "✗ Credentials: access denied when assuming role " + bedrockRole + ": AWS answered AccessDenied: User: " + gatewayUser + " is not authorized to perform: sts:AssumeRole",
				"  → check that the role exists, that its trust policy allows this principal (and has the same external id)",
			},
			errs: "Error: the AWS test failed for 1 of 2 upstreams",
		},
		"the chosen upstream only": {
			gateway: "upstream good bedrock us-east-1 {\n" + keys + endpoints + "}\nupstream bad bedrock us-east-1 {\n" + keys + role("wrong") + endpoints + "}",
			args:    []string{"--upstream", "good"},
			want:    []string{"upstream good", region, static, user, models, listed},
		},
		"an upstream there is not": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + "}",
			args:    []string{"--upstream", "eu"},
			errs:    `Caddyfile has no Bedrock upstream 'eu'; there are ["bedrock"]`,
		},
		"no region": {
			gateway: "bedrock {\n" + keys + endpoints + "}",
			want: []string{
				"upstream bedrock", "✗ Configuration: you must specify a region", "  → write 'bedrock us-east-1' in the Caddyfile, set AWS_REGION=us-east-1, or pass --region us-east-1",
			},
			errs: "failed for 1 of 1",
		},
		"a gateway without a block, and no region": {
			want: []string{"upstream bedrock", "✗ Configuration: you must specify a region", "  → write 'bedrock us-east-1'"},
			errs: "failed for 1 of 1",
		},
		"a gateway without a block": {
			env: []string{
				"AWS_REGION=us-east-1", "AWS_PROFILE=work", "AWS_ENDPOINT_URL_STS=" + a.sts, "AWS_ENDPOINT_URL_BEDROCK=" + a.control,
			},
			want: []string{"upstream bedrock", region, "✓ Credentials: profile work, key " + a.user.AccessKeyID, user, models, listed},
		},
		"unknown profile": {
			gateway: "bedrock us-east-1 {\nprofile nobody\n" + endpoints + "}",
			want: []string{
				"upstream bedrock", "✗ Configuration: the config profile (nobody) could not be found", "  → 'aws configure list-profiles' lists the profiles",
			},
			errs: "failed for 1 of 1",
		},
		"missing token file": {
			gateway: "bedrock us-east-1 {\nweb_identity " + bedrockRole + " /no/such/token\n" + endpoints + "}",
			want:    []string{"upstream bedrock", "✗ Configuration: web identity token file not found: /no/such/token", "  → check that the file exists"},
			errs:    "failed for 1 of 1",
		},
		"empty placeholder": {
			gateway: "bedrock us-east-1 {\ncredentials {env.NOTHING} {env.SECRET}\n" + endpoints + "}",
			want:    []string{"upstream bedrock", "✗ Configuration: access_key_id: …NOTHING", "  → set the variable that the placeholder names"},
			errs:    "failed for 1 of 1",
		},
		"wrong secret": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + "}",
			env:     []string{"SECRET=wrong-" + a.user.SecretAccessKey},
			want: []string{
				"upstream bedrock", region, static,
				"✗ Identity: AWS refused the signature: AWS answered SignatureDoesNotMatch: The request signature we calculated does not match", "  → check the secret access key, and this machine's clock",
				"✗ Models: AWS refused the signature", "  → check the secret access key",
			},
			errs: "failed for 1 of 1",
		},
		"unknown key": {
			gateway: "bedrock us-east-1 {\ncredentials AKIANOBODY {env.SECRET}\n" + endpoints + "}",
			want: []string{
				"upstream bedrock", region, "✓ Credentials", "✗ Identity: AWS does not know the access key: AWS answered InvalidClientTokenId", "  → it may be deleted, inactive or mistyped",
				"✗ Models: AWS does not know the access key", "  → it may be",
			},
			errs: "failed for 1 of 1",
		},
		"session that has expired": {
			gateway: "bedrock us-east-1 {\ncredentials " + session.AccessKeyID + " " + session.SecretAccessKey + " " + session.SessionToken + "\n" + endpoints + "}",
			want: []string{
				"upstream bedrock", region, "✓ Credentials", "✗ Identity: the session token has expired: AWS answered ExpiredToken", "  → replace the temporary credentials",
				"✗ Models: the session token has expired", "  → replace",
			},
			errs: "failed for 1 of 1",
		},
		"refused API key": {
			gateway: "bedrock us-east-1 {\napi_key bad-api-key\n" + endpoints + "}",
			want: []string{
				"upstream bedrock", region, "✓ Credentials: Bedrock API key", "✗ Models: AWS answered 403 Forbidden", "  → check that the API key is valid",
			},
			errs: "failed for 1 of 1",
		},
		"nobody at the STS endpoint": {
			gateway: "bedrock us-east-1 {\n" + keys + "sts_endpoint " + nowhere + "\ncontrol_endpoint " + a.control + "\n}",
			want: []string{
				"upstream bedrock", region, static, "✗ Identity: AWS cannot be reached: ", "  → check the network, HTTPS_PROXY, and sts_endpoint", models, listed,
			},
			errs: "failed for 1 of 1",
		},
		"nobody at the control endpoint": {
			gateway: "bedrock us-east-1 {\n" + keys + "sts_endpoint " + a.sts + "\ncontrol_endpoint " + nowhere + "\n}",
			want: []string{
				"upstream bedrock", region, static, user, "✗ Models: AWS cannot be reached: ", "  → check the network, HTTPS_PROXY, and sts_endpoint or control_endpoint",
			},
			errs: "failed for 1 of 1",
		},
		"the upstream's own transport": {
			gateway: "bedrock us-east-1 {\n" + keys + "sts_endpoint " + a.sts + "\ncontrol_endpoint " + a.secure + "\ntransport http {\ntls_trust_pool file " + filepath.Join(a.dir, "ca.pem") + "\n}\n}",
			want:    []string{"upstream bedrock", region, static, user, models, listed},
		},
		"may not list models": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + "}", denied: "/foundation-models",
			want: []string{
				"upstream bedrock", region, static, user, "✗ Models: access denied when listing models: AWS answered AccessDeniedException", "  → allow bedrock:ListFoundationModels",
			},
			errs: "failed for 1 of 1",
		},
		"may not list inference profiles": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + "}", denied: "/inference-profiles",
			want: []string{
				"upstream bedrock", region, static, user, models, "✗ Listing: …AccessDeniedException…is not authorized to perform it", "  → allow bedrock:ListInferenceProfiles",
			},
			errs: "failed for 1 of 1",
		},
		"mantle": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + mantle() + "}",
			want:    []string{"upstream bedrock", region, static, user, models, listed, "✓ Mantle: … models on bedrock-mantle"},
		},
		"mantle, whose models may not be listed": {
			gateway: "bedrock us-east-1 {\n" + keys + endpoints + mantle("bedrock-mantle:ListModels") + "}",
			want: []string{
				"upstream bedrock", region, static, user, models, listed, "✗ Mantle: bedrock-mantle cannot be used, nor the models that it alone serves: …",
				"  → allow bedrock-mantle:ListModels, and for chats bedrock-mantle:CreateInference",
			},
			errs: "failed for 1 of 1",
		},
		"no Bedrock at all": {gateway: "openai sk-x", errs: "no Bedrock upstream: add 'bedrock us-east-1' to it"},
		"a Caddyfile with a mistake": {
			gateway: "bedrok us-east-1", errs: "unrecognized subdirective 'bedrok', at ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			a.denied = tc.denied
			config := a.file(t, "Caddyfile", "http://localhost {\n\thandle /ai/* {\n\t\tbedrock_gateway {\n"+tc.gateway+"\n\t\t}\n\t}\n}\n")
			if tc.gateway == "" {
				config = a.file(t, "Caddyfile", "http://localhost {\n\tbedrock_gateway\n}\n")
			}
			env := append([]string{"SECRET=" + a.user.SecretAccessKey}, tc.env...)
			code, out, errs := a.caddy(t, env, append([]string{"bedrock", "test-aws", "--config", config}, tc.args...)...)
			wantCode := 0
			if tc.errs != "" {
				wantCode = 1
			}
			if code != wantCode || len(tc.want) > 0 && !lines(out, tc.want) || len(tc.want) == 0 && out != "" || !strings.Contains(errs, tc.errs) {
				t.Errorf("exit code %d, want %d; stdout:\n%s\nstderr:\n%s", code, wantCode, out, errs)
			}
			for _, secret := range []string{a.user.SecretAccessKey, session.SecretAccessKey, session.SessionToken, "good-api-key", "bad-api-key", "partner-7"} {
				if strings.Contains(out+errs, secret) {
					t.Errorf("a secret is printed: %s%s", out, errs)
				}
			}
		})
	}
}

// Gateways stand anywhere in a configuration: in named routes, in other handlers, in several servers.
func TestTestAWSFindsEveryGatewayInJSON(t *testing.T) {
	a := newAccount(t)
	gateway := func(upstreams string) string { return `{"handler":"bedrock_gateway","upstreams":[` + upstreams + `]}` }
	one := func(name, region string) string {
		return fmt.Sprintf(`{"name":%q,"upstream":{"kind":"bedrock","region":%q,"profile":"work","sts_endpoint":%q,"control_endpoint":%q}}`, name, region, a.sts, a.control)
	}
	config := a.file(t, "caddy.json", fmt.Sprintf(`{"apps":{"http":{"servers":{
		"a":{"routes":[{"handle":[{"handler":"subroute","routes":[{"handle":[%s]}]}]}],"named_routes":{"x":{"handle":[%s]}}},
		"b":{"routes":[{"handle":[%s,{"handler":"static_response","body":"bedrock_gateway"}]}]}}}}}`,
		gateway(one("second", "us-east-1")), gateway(one("first", "us-east-1")), gateway(one("second", "us-east-1")+","+one("third", "us-east-1"))))
	code, out, errs := a.caddy(t, nil, "bedrock", "test-aws", "--config", config)
	var names []string
	for line := range strings.SplitSeq(out, "\n") {
		if name, ok := strings.CutPrefix(line, "upstream "); ok {
			names = append(names, name)
		}
	}
	if code != 0 || strings.Join(names, " ") != "first second third" || strings.Count(out, "✓ Listing") != 3 {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, out, errs)
	}
}

func TestTestAWSWithoutConfig(t *testing.T) {
	a := newAccount(t)
	secret := a.user.SecretAccessKey
	ambient := []string{"AWS_ENDPOINT_URL_STS=" + a.sts, "AWS_ENDPOINT_URL_BEDROCK=" + a.control}
	keys := append([]string{"AWS_ACCESS_KEY_ID=" + a.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + secret}, ambient...)
	for name, tc := range map[string]struct {
		env, args []string
		code      int
		want      []string
		errs      string
	}{
		"the environment": {
			append(keys, "AWS_REGION=us-east-1"), nil, 0,
			[]string{"✓ Region: us-east-1", "✓ Credentials: static credentials, key AKIA", "✓ Identity: " + gatewayUser, "✓ Models", "✓ Listing"},
			"",
		},
		"a region by flag": {
			keys,
			[]string{"--region", "us-east-1"},
			0,
			[]string{"✓ Region: us-east-1", "✓ Credentials", "✓ Identity", "✓ Models", "✓ Listing"},
			"",
		},
		"no region": {
			keys, nil, 1,
			[]string{"✗ Configuration: you must specify a region", "  → write 'bedrock us-east-1'"},
			"failed for 1 of 1",
		},
		"unknown profile": {
			append(keys, "AWS_REGION=us-east-1"),
			[]string{"--profile", "nobody"},
			1,
			[]string{"✗ Configuration: the config profile (nobody) could not be found", "  → 'aws configure list-profiles'"},
			"failed for 1 of 1",
		},
		// A profile that was asked for is not sent to an address that the environment names; so it is never answered here.
		"a profile comes before the environment": {
			append(keys, "AWS_ACCESS_KEY_ID=AKIAOTHER", "HTTPS_PROXY="+nowhere),
			[]string{"--profile", "work"},
			1,
			[]string{
				"✓ Region: us-east-1", "✓ Credentials: profile work, key " + a.user.AccessKeyID,
				"✗ Identity: AWS cannot be reached", "  → check the network, HTTPS_PROXY", "✗ Models: AWS cannot be reached", "  → check the network, HTTPS_PROXY",
			},
			"failed for 1 of 1",
		},
		"nothing but a region": {
			append(ambient, "AWS_REGION=us-east-1"), nil, 1,
			[]string{"✓ Region: us-east-1", "✗ Credentials: no AWS credentials found in the default chain", "  → configure credentials, profile, web_identity"},
			"failed for 1 of 1",
		},
		"an unknown command":      {nil, []string{"--", "x"}, 1, nil, `unknown command "x" for "caddy bedrock test-aws"`},
		"two ways at once":        {nil, []string{"--profile", "work", "--config", "Caddyfile"}, 1, nil, "[config profile] were all set"},
		"an upstream of nothing":  {nil, []string{"--upstream", "eu"}, 1, nil, "--adapter and --upstream need --config"},
		"a file that there isn't": {nil, []string{"--config", "/no/such/Caddyfile"}, 1, nil, "/no/such/Caddyfile"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := a.caddy(t, tc.env, append([]string{"bedrock", "test-aws"}, tc.args...)...)
			if code != tc.code || len(tc.want) > 0 && !lines(out, tc.want) || len(tc.want) == 0 && out != "" || !strings.Contains(errs, tc.errs) {
				t.Errorf("exit code %d, want %d; stdout:\n%s\nstderr:\n%s", code, tc.code, out, errs)
			}
			if strings.Contains(out+errs, secret) {
				t.Errorf("a secret is printed: %s%s", out, errs)
			}
		})
	}
}

// A word that is no command must fail, or a script with a typing mistake would go on.
func TestUnknownBedrockCommand(t *testing.T) {
	a := newAccount(t)
	if code, out, errs := a.caddy(t, nil, "bedrock", "test-azure"); code != 1 || !strings.Contains(errs, `unknown command "test-azure" for "caddy bedrock"`) {
		t.Errorf("exit code %d, stdout:\n%s\nstderr:\n%s", code, out, errs)
	}
	if code, out, _ := a.caddy(t, nil, "bedrock"); code != 0 || !strings.Contains(out, "test-aws") {
		t.Errorf("without a command: exit code %d, stdout:\n%s", code, out)
	}
}
