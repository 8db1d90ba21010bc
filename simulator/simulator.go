// Package simulator is a Caddy handler that plays OpenAI, Amazon Bedrock and STS on loopback, for tests, for trying the
// gateway out and for working offline. No production build holds it: the root package does not import it.
package simulator

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

func init() {
	caddy.RegisterModule(Simulator{})
}

// Simulator answers in place of OpenAI and of Amazon Bedrock, as strict as the
// real ones: it checks the API key or recomputes the AWS signature, holds every
// body against the documented shape and rules, and refuses in the real ones'
// words. OpenAI's API is served under /v1/, Bedrock's runtime under /model/,
// /openai/v1/ and /anthropic/v1/, its control plane under /foundation-models and
// /inference-profiles, the host bedrock-mantle under /mantle/, and STS takes its
// signed forms at /, where it knows whose the access keys are; all other paths go
// on to the next handler.
//
// Its answers are made from the request alone:
//
//   - `You said: …`, the newest user message
//   - after tool results, what the tools said
//   - a tool call, where the tool choice forces one or the newest user message
//     says `call <tool>`; its arguments are made from the tool's schema, or are
//     the JSON object after the name: `call get_weather {"city":"Paris"}`
//   - an instance of the schema, where structured output is asked for
//   - reasoning, from models that reason
//
// What goes wrong is asked for by the request header `Bedrock-Simulator-Fault`,
// by a directive in the newest user message, which every gateway hands on, or by
// a suffix of the model's id. `[[fault:throttle=2]]` refuses twice with 429,
// `[[fault:cut=700]]` breaks the connection off after 700 bytes of the reply.
// Several are separated by commas:
//
// Fault | What happens
// ------|-------------
// `throttle[=n]` | 429, n times; without a number always
// `<Name>Exception[=n]` | That AWS error, or what OpenAI answers in its place
// `context` | The input is too long for the model
// `overloaded` | The model is overloaded
// `status=<code>` | An HTML error page, as from a load balancer
// `retry-after=<s>` | Retry-After on that error
// `times=<n>` | It happens n times, then the call is served
// `delay=<ms>` | Silence before the reply
// `slow=<ms>` | Silence before each event of a stream
// `silence=<ms>[@n]` | One silence before event n
// `hang[@n]` | Nothing more after n events
// `reset` | The connection is broken off before the reply
// `cut=<n>` | The connection is broken off after n bytes
// `cutclean=<n>` | The reply ends in good order after n bytes
// `corrupt=<n>` | One bit of byte n is flipped
// `exception=<type>[@n]` | An error inside the stream after n events
// `nodone` | OpenAI: the stream ends without its `[DONE]`
// `unknownblock` | The reply has parts nobody has heard of
// `nooutput` | 200 without an answer
// `filtered[=<how>]` | The answer is filtered: `guardrail`, `content` or `refusal`
// `pause`, `stop=<reason>`, `redacted` | Other ways for a turn to end or to reason
type Simulator struct {
	// The API key that OpenAI's paths take. Default: `sk-simulator`.
	OpenAIKey string `json:"openai_key,omitempty"`

	// The AWS access keys that Bedrock's paths take signatures of. Default: the
	// id `AKIASIMULATOR0000000` with the secret `simulator-secret-key`.
	Credentials []Credentials `json:"credentials,omitempty"`

	// The Bedrock API keys that Bedrock's paths take as bearer tokens. Default:
	// `simulator-bedrock-api-key`.
	APIKeys []string `json:"api_keys,omitempty"`

	// The regions a signature may name. Default: any.
	Regions []string `json:"regions,omitempty"`

	openai, bedrock, mantle, sts http.Handler
}

// Credentials are an AWS access key.
type Credentials struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`

	// Must be sent with every call, where it is not empty.
	SessionToken string `json:"session_token,omitempty"`
}

// CaddyModule returns the Caddy module information.
func (Simulator) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_simulator",
		New: func() caddy.Module { return new(Simulator) },
	}
}

// Provision resolves the placeholders and sets both simulated services up.
func (s *Simulator) Provision(ctx caddy.Context) error {
	resolve := func(v string) (string, error) { return caddy.NewReplacer().ReplaceOrErr(v, true, true) }
	key, err := resolve(s.OpenAIKey)
	if err != nil {
		return fmt.Errorf("openai_key: %w", err)
	}
	o := bedrock.Options{Logger: ctx.Slogger()}
	for i, c := range s.Credentials {
		id, err1 := resolve(c.AccessKeyID)
		secret, err2 := resolve(c.SecretAccessKey)
		token, err3 := resolve(c.SessionToken)
		if err := errors.Join(err1, err2, err3); err != nil {
			return fmt.Errorf("credentials %d: %w", i, err)
		}
		if id == "" || secret == "" {
			return fmt.Errorf("credentials %d: an access key has an id and a secret", i)
		}
		if o.AccessKeys == nil {
			o.AccessKeys = map[string]bedrock.AccessKey{}
		}
		o.AccessKeys[id] = bedrock.AccessKey{Secret: secret, SessionToken: token}
	}
	for _, k := range s.APIKeys {
		key, err := resolve(k)
		if err != nil {
			return fmt.Errorf("api_key: %w", err)
		}
		o.APIKeys = append(o.APIKeys, key)
	}
	for _, r := range s.Regions {
		region, err := resolve(r)
		if err != nil {
			return fmt.Errorf("region: %w", err)
		}
		o.Regions = append(o.Regions, region)
	}
	cloud := aws.New("")
	for id, k := range o.AccessKeys {
		cloud.AddKey(aws.Session{AccessKeyID: id, SecretAccessKey: k.Secret, SessionToken: k.SessionToken, ARN: identity})
	}
	if o.AccessKeys == nil {
		cloud.AddKey(aws.Session{AccessKeyID: bedrock.DefaultAccessKeyID, SecretAccessKey: bedrock.DefaultSecretAccessKey, ARN: identity})
	}
	s.sts = cloud.STS()
	s.openai = openai.New(openai.Options{Key: key})
	s.bedrock = bedrock.New(o)
	s.mantle = http.StripPrefix("/mantle", bedrock.NewMantle(o))
	return nil
}

// identity is whose keys STS takes all of them for. The account is the one of AWS's own examples.
const identity = "arn:aws:iam::123456789012:user/simulator"

// bedrockPaths are the first segments of Bedrock's paths, runtime and control plane.
var bedrockPaths = map[string]bool{
	"model": true, "guardrail": true, "foundation-models": true, "inference-profiles": true, "openai": true, "anthropic": true,
}

func (s *Simulator) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	first, _, deeper := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case first == "v1" && deeper:
		s.openai.ServeHTTP(w, r)
	case first == "mantle":
		s.mantle.ServeHTTP(w, r)
	case bedrockPaths[first]:
		s.bedrock.ServeHTTP(w, r)
	case r.URL.Path == "/" && r.Method == http.MethodPost && strings.Contains(r.Header.Get("Authorization"), "/sts/aws4_request"):
		s.sts.ServeHTTP(w, r)
	default:
		return next.ServeHTTP(w, r)
	}
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Simulator)(nil)
	_ caddyhttp.MiddlewareHandler = (*Simulator)(nil)
)
