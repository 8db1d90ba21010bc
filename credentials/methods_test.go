package credentials

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
)

// TestMethodsWork asks the simulated STS, for each method, who it is that the gateway became.
func TestMethodsWork(t *testing.T) {
	const session = "arn:aws:sts::222222222222:assumed-role/"
	for name, test := range map[string]struct {
		config func(w *world) Config
		want   string
		method string
	}{
		"static": {(*world).static, userARN, "static credentials"},
		"static, temporary": {func(w *world) Config {
			s := w.cloud.Issue(taskARN, "x", time.Hour)
			return Config{AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey, SessionToken: s.SessionToken}
		}, session + "Task/x", "static credentials"},
		"static, by placeholders": {func(w *world) Config {
			w.env("MY_KEY=" + w.user.AccessKeyID)
			return Config{AccessKeyID: "{env.MY_KEY}", SecretAccessKey: "{file." + w.file("secret", w.user.SecretAccessKey+"\n") + "}"}
		}, userARN, "static credentials"},
		"static of the environment": {func(w *world) Config {
			w.env("AWS_ACCESS_KEY_ID="+w.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+w.user.SecretAccessKey)
			return Config{}
		}, userARN, "static credentials"},
		"profile with keys": {func(w *world) Config {
			w.file("config", w.keysProfile("prod"))
			return Config{Profile: "prod"}
		}, userARN, "profile prod"},
		"profile in the credentials file": {func(w *world) Config {
			w.file("credentials", strings.ReplaceAll(w.keysProfile("prod"), "profile ", ""))
			return Config{Profile: "prod"}
		}, userARN, "profile prod"},
		"profile with a role": {func(w *world) Config {
			w.file("config", w.keysProfile("base")+"[profile prod]\nrole_arn = "+roleARN+"\nsource_profile = base\nexternal_id = partner-7\nrole_session_name = cli\n")
			return Config{Profile: "prod"}
		}, session + "Bedrock/cli", "profile prod"},
		"profile with web identity": {func(w *world) Config {
			w.file("config", "[profile prod]\nrole_arn = "+podARN+"\nweb_identity_token_file = "+w.tokenFile+"\nrole_session_name = cli\n")
			return Config{Profile: "prod"}
		}, session + "Pod/cli", "profile prod"},
		"profile with a process": {func(w *world) Config {
			w.file("config", "[profile prod]\ncredential_process = cat "+w.processOutput(w.user)+"\n")
			return Config{Profile: "prod"}
		}, userARN, "profile prod"},
		"profile with SSO": {func(w *world) Config {
			w.sso(&simulator.SSO{AccessToken: "login"}, "login", time.Hour)
			return Config{Profile: "sso"}
		}, "arn:aws:sts::444444444444:assumed-role/Developer/user", "profile sso"},
		"profile with SSO, renewed": {func(w *world) Config {
			w.sso(&simulator.SSO{AccessToken: "new", RefreshToken: "again", ClientID: "id", ClientSecret: "cs"}, "old", -time.Minute)
			return Config{Profile: "sso"}
		}, "arn:aws:sts::444444444444:assumed-role/Developer/user", "profile sso"},
		"profile of the environment": {func(w *world) Config {
			w.file("config", w.keysProfile("prod"))
			w.env("AWS_PROFILE=prod")
			return Config{}
		}, userARN, "profile prod"},
		"role on static": {func(w *world) Config {
			return w.withRole(w.static(), AssumeRole{})
		}, session + "Bedrock/bedrock-gateway", "static credentials, assume role"},
		"role on static, named and short": {func(w *world) Config {
			return w.withRole(w.static(), AssumeRole{SessionName: "team@x", Duration: caddy.Duration(15 * time.Minute)})
		}, session + "Bedrock/team@x", "static credentials, assume role"},
		"role on profile": {func(w *world) Config {
			w.file("config", w.keysProfile("prod"))
			return w.withRole(Config{Profile: "prod"}, AssumeRole{})
		}, session + "Bedrock/bedrock-gateway", "profile prod, assume role"},
		"role on the default chain": {func(w *world) Config {
			w.file("config", strings.Replace(w.keysProfile("default"), "profile ", "", 1))
			return w.withRole(Config{}, AssumeRole{})
		}, session + "Bedrock/bedrock-gateway", "default chain, assume role"},
		"role on the environment's keys": {func(w *world) Config {
			w.env("AWS_ACCESS_KEY_ID="+w.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+w.user.SecretAccessKey)
			return w.withRole(Config{}, AssumeRole{})
		}, session + "Bedrock/bedrock-gateway", "static credentials, assume role"},
		"role of the environment": {func(w *world) Config {
			w.env("AWS_ACCESS_KEY_ID="+w.user.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+w.user.SecretAccessKey, "AWS_ROLE_ARN="+roleARN,
				"AWS_EXTERNAL_ID=partner-7", "AWS_ROLE_SESSION_NAME=env", "AWS_ROLE_SESSION_DURATION=900")
			return Config{}
		}, session + "Bedrock/env", "static credentials, assume role"},
		"role on the environment's profile": {func(w *world) Config {
			w.file("config", w.keysProfile("base-profile"))
			w.env("AWS_PROFILE=base-profile", "AWS_ROLE_ARN="+roleARN, "AWS_EXTERNAL_ID=partner-7")
			return Config{}
		}, session + "Bedrock/bedrock-gateway", "profile base-profile, assume role"},
		"chained roles": {func(w *world) Config {
			return w.withRole(w.static(), AssumeRole{AssumeRole: &AssumeRole{RoleARN: secondARN}})
		}, "arn:aws:sts::333333333333:assumed-role/Second/bedrock-gateway", "static credentials, assume role, assume role"},
		"web identity": {func(w *world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile}}
		}, session + "Pod/bedrock-gateway", "web identity"},
		"web identity, named": {func(w *world) Config {
			return Config{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile, SessionName: "pod-1"}}
		}, session + "Pod/pod-1", "web identity"},
		"web identity of the environment": {func(w *world) Config {
			w.env("AWS_WEB_IDENTITY_TOKEN_FILE="+w.tokenFile, "AWS_ROLE_ARN="+podARN, "AWS_ROLE_SESSION_NAME=env")
			return Config{}
		}, session + "Pod/env", "web identity"},
		"role on web identity": {func(w *world) Config {
			w.cloud.AddRole(simulator.Role{ARN: roleARN, Trusted: []string{"arn:aws:iam::222222222222:root"}})
			return Config{
				WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile},
				AssumeRole:  &AssumeRole{RoleARN: roleARN},
			}
		}, session + "Bedrock/bedrock-gateway", "web identity, assume role"},
		"instance role": {func(w *world) Config {
			w.instance(taskARN)
			return Config{}
		}, session + "Task/i-0123456789abcdef0", "default chain"},
		"role on the instance's": {func(w *world) Config {
			w.instance(taskARN)
			w.cloud.AddRole(simulator.Role{ARN: roleARN, Trusted: []string{"arn:aws:iam::222222222222:root"}})
			return Config{AssumeRole: &AssumeRole{RoleARN: roleARN}}
		}, session + "Bedrock/bedrock-gateway", "default chain, assume role"},
		"ECS task": {func(w *world) Config {
			w.env("AWS_CONTAINER_CREDENTIALS_FULL_URI="+w.serve(w.cloud.Container(taskARN, func() string { return "task-token" })), "AWS_CONTAINER_AUTHORIZATION_TOKEN=task-token")
			return Config{}
		}, session + "Task/task", "default chain"},
		"EKS pod identity": {func(w *world) Config {
			path := w.file("pod-token", "pod-token")
			w.env("AWS_CONTAINER_CREDENTIALS_FULL_URI="+w.serve(w.cloud.Container(taskARN, simulator.FileAuthorization(path))), "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="+path)
			return Config{}
		}, session + "Task/task", "default chain"},
		"default profile of the shared files": {func(w *world) Config {
			w.file("config", strings.Replace(w.keysProfile("default"), "profile ", "", 1))
			return Config{}
		}, userARN, "default chain"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, err := w.provision(test.config(w))
			if err != nil {
				t.Fatal(err)
			}
			if n := w.cloud.Calls(); len(n) != 0 {
				t.Errorf("provisioning called AWS: %v", n)
			}
			got, err := w.who(p)
			if err != nil || got != test.want {
				t.Errorf("became %s, %v; want %s", got, err, test.want)
			}
			if p.Method() != test.method {
				t.Errorf("method %q, want %q", p.Method(), test.method)
			}
		})
	}
}

func (w *world) instance(role string) {
	w.env("AWS_EC2_METADATA_DISABLED=false", "AWS_EC2_METADATA_SERVICE_ENDPOINT="+w.serve(w.cloud.Metadata(role)))
}

func (w *world) processOutput(s simulator.Session) string {
	return w.file("process.json", `{"Version":1,"AccessKeyId":"`+s.AccessKeyID+`","SecretAccessKey":"`+s.SecretAccessKey+`"}`)
}

// sso serves a portal, and leaves a profile "sso" with the login that "aws sso login" would have left.
func (w *world) sso(s *simulator.SSO, loginToken string, left time.Duration) {
	s.Cloud, s.AccountID, s.RoleName = w.cloud, "444444444444", "Developer"
	url := w.serve(s)
	w.file("config", `[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = us-east-1
[services local]
sso =
  endpoint_url = `+url+`
sso_oidc =
  endpoint_url = `+url+`
[profile sso]
sso_session = corp
sso_account_id = 444444444444
sso_role_name = Developer
services = local
`)
	// The file's name is the SHA-1 of the session's name.
	w.file(".aws/sso/cache/"+sha1Hex("corp")+".json", `{"accessToken":"`+loginToken+`","expiresAt":"`+
		time.Now().Add(left).UTC().Format(time.RFC3339)+`","refreshToken":"again","clientId":"id","clientSecret":"cs","registrationExpiresAt":"2099-01-01T00:00:00Z","region":"us-east-1","startUrl":"https://corp.awsapps.com/start"}`)
}

// TestMethodsFail gives, for each way to fail at use, what the log and a client get to see.
func TestMethodsFail(t *testing.T) {
	answer := func(status int, code, message string) func(w *world) {
		return func(w *world) {
			w.cloud.Intercept = func(string) *simulator.Failure {
				return &simulator.Failure{Status: status, Code: code, Message: message}
			}
		}
	}
	role := func(w *world) Config { return w.withRole(w.static(), AssumeRole{}) }
	web := func(w *world) Config {
		return Config{WebIdentity: &WebIdentity{RoleARN: podARN, TokenFile: w.tokenFile}}
	}
	sso := func(*world) Config { return Config{Profile: "sso"} }
	chain := func(*world) Config { return Config{} }
	for name, test := range map[string]struct {
		arrange func(w *world)
		config  func(w *world) Config
		log     []string // parts of Error()
		client  string   // part of ClientMessage()
		temp    bool
	}{
		"role, no external id": {
			arrange: func(*world) {},
			config: func(w *world) Config {
				c := w.static()
				c.AssumeRole = &AssumeRole{RoleARN: roleARN}
				return c
			},
			log:    []string{`upstream "eu" (static credentials, assume role): access denied when assuming role ` + roleARN, "AWS answered AccessDenied: User: " + userARN + " is not authorized to perform: sts:AssumeRole", "external id"},
			client: "access denied when assuming role",
		},
		"role, wrong external id": {
			arrange: func(*world) {},
			config:  func(w *world) Config { return w.withRole(w.static(), AssumeRole{ExternalID: "other"}) },
			log:     []string{"access denied when assuming role", "AccessDenied"},
			client:  "access denied when assuming role",
		},
		"role that does not exist": {
			arrange: func(*world) {},
			config:  func(w *world) Config { return w.withRole(w.static(), AssumeRole{RoleARN: roleARN + "X"}) },
			log:     []string{"access denied when assuming role " + roleARN + "X", "check that the role exists"},
			client:  "access denied when assuming role",
		},
		"role, second of a chain": {
			arrange: func(*world) {},
			config: func(w *world) Config {
				return w.withRole(w.static(), AssumeRole{SessionName: "other", AssumeRole: &AssumeRole{RoleARN: secondARN}})
			},
			log:    []string{"access denied when assuming role " + secondARN, "assumed-role/Bedrock/other is not authorized"},
			client: "access denied when assuming role",
		},
		"role, longer than it allows": {
			arrange: func(*world) {},
			config: func(w *world) Config {
				return w.withRole(w.static(), AssumeRole{Duration: caddy.Duration(2 * time.Hour)})
			},
			log:    []string{"the session duration was refused when assuming role " + roleARN, "MaxSessionDuration", "lower duration"},
			client: "the session duration was refused",
		},
		"role, deleted key": {
			arrange: func(w *world) { w.cloud.RemoveKey(w.user.AccessKeyID) },
			config:  role,
			log:     []string{"AWS does not know the access key when assuming role " + roleARN, "InvalidClientTokenId", "deleted, inactive or mistyped"},
			client:  "AWS does not know the access key",
		},
		"role, wrong secret": {
			arrange: func(w *world) { w.user.SecretAccessKey += "x" },
			config:  role,
			log:     []string{"AWS refused the signature", "SignatureDoesNotMatch", "check the secret access key"},
			client:  "AWS refused the signature",
		},
		"role, expired base session": {
			arrange: func(w *world) {
				w.user = w.cloud.Issue(taskARN, "x", -time.Minute)
			},
			config: func(w *world) Config {
				c := role(w)
				c.SessionToken = w.user.SessionToken
				return c
			},
			log:    []string{"the session token has expired when assuming role", "ExpiredToken", "prefer a method that renews them"},
			client: "the session token has expired",
		},
		"role, throttled": {
			arrange: answer(400, "Throttling", "Rate exceeded"),
			config:  role,
			log:     []string{"AWS throttled the request for credentials", "Throttling: Rate exceeded"},
			client:  "AWS throttled", temp: true,
		},
		"role, region disabled": {
			arrange: answer(403, "RegionDisabledException", "STS is not activated in this region"),
			config:  role,
			log:     []string{"STS is not active in this region for the account", "activate it"},
			client:  "STS is not active",
		},
		"role, unexplained": {
			arrange: answer(400, "Novel", "something new"),
			config:  role,
			log:     []string{"assuming role failed: " + roleARN, "AWS answered Novel: something new"},
			client:  "assuming role failed",
		},
		"role, STS unreachable": {
			arrange: func(w *world) { w.sts = "http://127.0.0.1:1" },
			config:  role,
			log:     []string{"AWS cannot be reached", "127.0.0.1:1", "sts_endpoint"},
			client:  "AWS cannot be reached", temp: true,
		},
		"role without base": {
			arrange: func(*world) {},
			config:  func(w *world) Config { return w.withRole(Config{}, AssumeRole{}) },
			log:     []string{"role assumption requires base AWS credentials", "configure credentials or profile beside assume_role"},
			client:  "role assumption requires base AWS credentials",
		},
		"role of the environment without base": {
			arrange: func(w *world) { w.env("AWS_ROLE_ARN=" + roleARN) },
			config:  chain,
			log:     []string{"role assumption requires base AWS credentials"},
			client:  "role assumption requires base AWS credentials",
		},
		"web identity, not trusted": {
			arrange: func(w *world) {
				w.cloud.AddRole(simulator.Role{ARN: podARN, Issuer: "https://oidc", Audience: "sts.amazonaws.com", Subject: "system:serviceaccount:ai:other"})
			},
			config: web,
			log:    []string{"access denied when assuming role with web identity " + podARN, "Not authorized to perform sts:AssumeRoleWithWebIdentity", "service account"},
			client: "access denied when assuming role with web identity",
		},
		"web identity, expired token": {
			arrange: func(w *world) { w.file("token", w.cloud.AddToken(simulator.Token{Issuer: "https://oidc"})) },
			config:  web,
			log:     []string{"the web identity token has expired", "ExpiredTokenException"},
			client:  "the web identity token has expired",
		},
		"web identity, unknown token": {
			arrange: func(w *world) { w.file("token", "eyJnonsense") },
			config:  web,
			log:     []string{"AWS refused the web identity token", "InvalidIdentityToken", "OIDC provider"},
			client:  "AWS refused the web identity token",
		},
		"web identity, provider down": {
			arrange: answer(400, "IDPCommunicationError", "no answer"),
			config:  web,
			log:     []string{"AWS could not reach the identity provider"},
			client:  "AWS could not reach the identity provider", temp: true,
		},
		"web identity, file gone": {
			config: web,
			log:    []string{"web identity token file not found"},
			client: "web identity token file not found",
		},
		"SSO, not logged in": {
			arrange: func(w *world) {
				w.sso(&simulator.SSO{}, "", time.Hour)
				_ = os.RemoveAll(w.dir + "/.aws")
			},
			config: sso,
			log:    []string{"the SSO session has expired or is invalid", "aws sso login --profile sso"},
			client: "the SSO session has expired or is invalid",
		},
		"SSO, login expired": {
			arrange: func(w *world) { w.sso(&simulator.SSO{ClientID: "id", ClientSecret: "cs"}, "old", -time.Minute) },
			config:  sso,
			log:     []string{"the SSO session has expired or is invalid", "aws sso login"},
			client:  "the SSO session has expired or is invalid",
		},
		"SSO, login revoked": {
			arrange: func(w *world) { w.sso(&simulator.SSO{AccessToken: "other"}, "old", time.Hour) },
			config:  sso,
			log:     []string{"the SSO session has expired or is invalid", "UnauthorizedException"},
			client:  "the SSO session has expired or is invalid",
		},
		"SSO, role not assigned": {
			arrange: func(w *world) {
				w.sso(&simulator.SSO{AccessToken: "login"}, "login", time.Hour)
				config, _ := os.ReadFile(w.configFile)
				w.file("config", strings.Replace(string(config), "= Developer", "= Admin", 1))
			},
			config: sso,
			log:    []string{"access denied to the SSO role", "ForbiddenException"},
			client: "access denied to the SSO role",
		},
		"process fails": {
			arrange: func(w *world) { w.file("config", "[profile prod]\ncredential_process = false\n") },
			config:  func(*world) Config { return Config{Profile: "prod"} },
			log:     []string{"the profile's credential_process failed", "exit status 1"},
			client:  "credential_process failed",
		},
		"profile's role, denied": {
			arrange: func(w *world) {
				w.file("config", w.keysProfile("base")+"[profile prod]\nrole_arn = "+roleARN+"\nsource_profile = base\n")
			},
			config: func(*world) Config { return Config{Profile: "prod"} },
			log:    []string{`upstream "eu" (profile prod): access denied when assuming role of the profile`, "is not authorized to perform: sts:AssumeRole"},
			client: "access denied when assuming role of the profile",
		},
		"profile vanished": {
			config: func(w *world) Config {
				w.file("config", w.keysProfile("prod"))
				return Config{Profile: "prod"}
			},
			log:    []string{"the config profile (prod) could not be found", "aws configure --profile prod"},
			client: "the profile could not be found",
		},
		"nothing at all": {
			arrange: func(*world) {},
			config:  chain,
			log:     []string{"no AWS credentials found in the default chain", "configure credentials, profile, web_identity"},
			client:  "no AWS credentials found",
		},
		"instance without role": {
			arrange: func(w *world) { w.instance("") },
			config:  chain,
			log:     []string{"no AWS credentials found in the default chain", "404"},
			client:  "no AWS credentials found",
		},
		"container, wrong token": {
			arrange: func(w *world) {
				w.env("AWS_CONTAINER_CREDENTIALS_FULL_URI="+w.serve(w.cloud.Container(taskARN, func() string { return "right" })), "AWS_CONTAINER_AUTHORIZATION_TOKEN=wrong")
			},
			config: chain,
			log:    []string{"AccessDeniedException"},
			client: "access denied",
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if test.arrange != nil {
				test.arrange(w)
			}
			c := test.config(w)
			p, err := w.provision(c)
			if err != nil {
				t.Fatal(err)
			}
			if test.arrange == nil { // what was there at load is gone at use
				for _, f := range []string{w.tokenFile, w.configFile} {
					_ = os.Remove(f)
				}
			}
			_, err = p.Retrieve(t.Context())
			e, ok := err.(*Error)
			if !ok {
				t.Fatalf("got %v (%T), want an *Error", err, err)
			}
			for _, part := range test.log {
				if !strings.Contains(e.Error(), part) {
					t.Errorf("the log lacks %q:\n%s", part, e)
				}
			}
			message := e.ClientMessage()
			if !strings.Contains(message, test.client) || !strings.HasPrefix(message, `the gateway has no valid AWS credentials for upstream "eu": `) {
				t.Errorf("the client gets %q, want %q in it", message, test.client)
			}
			for _, account := range []string{"111111111111", "222222222222", "333333333333", "444444444444", "arn:", w.dir} {
				if strings.Contains(message, account) {
					t.Errorf("the client learns %s: %s", account, message)
				}
			}
			for _, secret := range []string{w.user.SecretAccessKey, w.user.SessionToken} {
				if secret != "" && strings.Contains(e.Error(), secret) {
					t.Errorf("the log shows a secret: %s", e)
				}
			}
			if e.Temporary() != test.temp {
				t.Errorf("temporary: %t", e.Temporary())
			}
		})
	}
}
