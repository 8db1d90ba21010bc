// Package bedrock is the upstream kind for Amazon Bedrock: its configuration, the APIs and hosts that a model is asked by,
// signatures, frames, errors and listings. It sends bodies that the dialects wrote, and knows no form of them: what stands in
// a body belongs to translate/, AWS credentials to package credentials, which upstream serves a model to package upstream.
package bedrock

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream/bedrock/sigv4"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream/transport"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func init() {
	caddy.RegisterModule(Upstream{})
}

// Upstream is Amazon Bedrock in one region, called as one AWS identity.
type Upstream struct {
	credentials.Config

	// The runtime's address, for VPC endpoints and tests. Default: the region's.
	Endpoint string `json:"endpoint,omitempty"`

	// The address that lists models and inference profiles. Default: the region's.
	ControlEndpoint string `json:"control_endpoint,omitempty"`

	// The address of bedrock-mantle, the host of models that the runtime does not
	// serve, for VPC endpoints and tests. Default: the region's, unless `endpoint`
	// or `control_endpoint` is set: then mantle is not called.
	MantleEndpoint string `json:"mantle_endpoint,omitempty"`

	// The project, or Anthropic workspace, that calls to bedrock-mantle are counted
	// under. Default: the account's default project.
	Project string `json:"project,omitempty"`

	// A Bedrock API key, sent as a bearer token in place of a SigV4 signature. A
	// key from a file, such as `{file./run/secrets/bedrock}`, is read again when
	// the file changes. Default: requests are signed.
	APIKey string `json:"api_key,omitempty"`

	// The guardrail of every request. Default: none.
	Guardrail *Guardrail `json:"guardrail,omitempty"`

	// What the gateway cannot know of a model by its id. The first matching
	// pattern counts.
	Models []Model `json:"models,omitempty"`

	// Whether a model that Bedrock serves only through inference profiles may be
	// asked for by its plain id: `auto` calls it through the profile of the
	// region's geography, `off` leaves the refusal to the client. Profiles of
	// other geographies, and global ones, are used only where a request or a route
	// names them. Default: `auto`.
	Profiles string `json:"profiles,omitempty"`

	transport.HTTP

	// What Provision resolved. Unexported, so that no log prints the key.
	key             *apiKey // nil: requests are signed
	credentials     *credentials.Provider
	signer          *sigv4.Signer
	endpoint        *url.URL // configured; nil if not
	controlEndpoint *url.URL
	runtime         *url.URL // where the calls go
	controlPlane    *url.URL
	mantle          *url.URL // nil: its address is not known
	mantleEndpoint  *url.URL
	mantleSigner    *sigv4.Signer
	project         string
	guardrail       Guardrail
	guardrailConfig chat.Value // the guardrail as Converse takes it; nil for none
	overrides       []override
	profilesOff     bool
	catalog         *catalog
	opaque          *opaqueModels
	known           *modelFacts
	logger          *zap.Logger
	rt              http.RoundTripper
}

// Guardrail is a Bedrock guardrail.
type Guardrail struct {
	// The guardrail's id or ARN.
	ID string `json:"id"`

	// Its version: a number, or DRAFT.
	Version string `json:"version"`

	// Ask for the guardrail's trace. Default: `false`.
	Trace bool `json:"trace,omitempty"`

	// Whether a request may name a guardrail of its own in place of this one.
	// Default: `false`.
	AllowOverride bool `json:"allow_override,omitempty"`
}

// config is the guardrail as Converse takes it.
func (g *Guardrail) config() chat.Value {
	w := json.NewWriter(nil)
	w.BeginObject()
	w.Key("guardrailIdentifier")
	w.Text(g.ID)
	w.Key("guardrailVersion")
	w.Text(g.Version)
	if g.Trace {
		w.Key("trace")
		w.Text("enabled")
	}
	w.EndObject()
	return w.Bytes()
}

// Model is what an operator says of a model, such as an imported one.
type Model struct {
	// Model ids, in which `*` stands for any run of characters.
	Pattern string `json:"pattern"`

	// The family whose rules the model follows: claude, titan, nova, llama,
	// mistral and so on. Default: what the id says.
	Family string `json:"family,omitempty"`

	// The most output tokens of a reply. A request for more is cut down to it.
	// Default: what is known of the model.
	MaxOutput int `json:"max_output,omitempty"`

	// The id of a known model whose facts hold for these models too: for ids that
	// do not say which model is behind them, such as the ARNs of application
	// inference profiles, provisioned throughput and imported models. Default:
	// what the id says, else what Bedrock's control plane says of it.
	Like string `json:"like,omitempty"`

	// The one API by which the models are asked: converse, invoke, chat, responses
	// or messages. Default: for each request, the best that they are known to have.
	API string `json:"api,omitempty"`

	// The one host that the models are asked at: runtime, or mantle, which has IAM
	// actions and a quota of its own. Default: runtime where it serves the model.
	Host string `json:"host,omitempty"`

	// What the vectors of embedding models are for where a request does not say,
	// in the words of its `input_type`: search_document, search_query,
	// classification, clustering and so on. Titan and Marengo have no such thing.
	// Default: `search_document`.
	InputType string `json:"input_type,omitempty"`

	// What embedding models do with a text that is too long where a request does
	// not say, in its `truncate`: refuse it (none), or cut it at its start or end.
	// Default: `none`.
	Truncate string `json:"truncate,omitempty"`
}

// profileWords are what `profiles` may say.
var profileWords = []string{"auto", "off"}

// families are what `family` may say.
var families = []string{
	string(model.Claude), string(model.Titan), string(model.Nova), string(model.Nova2), string(model.Llama),
	string(model.Mistral), string(model.DeepSeek), string(model.GPTOSS), string(model.Cohere), string(model.Jamba),
	string(model.Qwen),
}

// CaddyModule returns the Caddy module information.
func (Upstream) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway.upstreams.bedrock",
		New: func() caddy.Module { return new(Upstream) },
	}
}

// Provision resolves placeholders, prepares the credentials and builds the
// transport. It sends nothing.
func (u *Upstream) Provision(ctx caddy.Context) error {
	if err := u.resolve(caddy.NewReplacer(), ctx.Logger()); err != nil {
		return err
	}
	var err error
	if u.credentials, err = u.Config.Provision(ctx, credentials.Options{Holder: holder(ctx), APIKey: u.APIKey != ""}); err != nil {
		return err
	}
	rt, err := u.Transport(ctx)
	if err != nil {
		return err
	}
	u.rt = rt
	u.signer = sigv4.New("bedrock", u.credentials.Region())
	u.mantleSigner = sigv4.New("bedrock-mantle", u.credentials.Region())
	return u.resolveEndpoints()
}

// holder returns the name of this upstream in errors about credentials. Upstreams of different names never share
// credentials.
func holder(ctx context.Context) string {
	if name := upstream.NameFrom(ctx); name != "" {
		return "upstream '" + name + "'"
	}
	return "bedrock"
}

// Cleanup releases the credentials. Requests still under way keep theirs, and
// their connections: Caddy closes the idle ones only.
func (u *Upstream) Cleanup() error {
	if u.credentials == nil { // Provision failed before
		return nil
	}
	return u.credentials.Close()
}

// Region is the AWS region that the upstream serves, for routing ARNs.
func (u *Upstream) Region() string { return u.credentials.Region() }

// resolve sets what placeholders and defaults stand for.
func (u *Upstream) resolve(repl *caddy.Replacer, logger *zap.Logger) error {
	key := u.APIKey
	if key == "" {
		key = u.BearerToken()
	} else if u.Explicit() {
		return fmt.Errorf("api_key and AWS credentials are both configured; keep one")
	}
	u.logger, u.profilesOff = logger, u.Profiles == "off"
	u.catalog, u.opaque, u.known = new(catalog), new(opaqueModels), new(modelFacts)
	if u.Profiles != "" && !slices.Contains(profileWords, u.Profiles) {
		return fmt.Errorf("profiles '%s': must be auto or off", u.Profiles)
	}
	var err error
	if u.key, err = newAPIKey(key, logger); err != nil {
		return fmt.Errorf("api_key: %w", err)
	}
	if u.endpoint, err = address(repl, "endpoint", u.Endpoint); err != nil {
		return err
	}
	if u.controlEndpoint, err = address(repl, "control_endpoint", u.ControlEndpoint); err != nil {
		return err
	}
	if u.mantleEndpoint, err = address(repl, "mantle_endpoint", u.MantleEndpoint); err != nil {
		return err
	}
	if u.project, err = repl.ReplaceOrErr(u.Project, true, true); err != nil {
		return fmt.Errorf("project: %w", err)
	}
	if !httpguts.ValidHeaderFieldValue(u.project) {
		return fmt.Errorf("project: has characters that no header can carry, such as a line break")
	}
	if u.Guardrail != nil {
		u.guardrail = *u.Guardrail
		if u.guardrail.ID, err = repl.ReplaceOrErr(u.Guardrail.ID, true, true); err != nil {
			return fmt.Errorf("guardrail: %w", err)
		}
		if u.guardrail.Version, err = repl.ReplaceOrErr(u.Guardrail.Version, true, true); err != nil {
			return fmt.Errorf("guardrail version: %w", err)
		}
		if u.guardrail.ID == "" || u.guardrail.Version == "" {
			return fmt.Errorf("guardrail: needs an id and a version")
		}
		u.guardrailConfig = u.guardrail.config()
	}
	for _, m := range u.Models {
		if m.Pattern == "" {
			return fmt.Errorf("model: no pattern")
		}
		if m.Family != "" && !slices.Contains(families, m.Family) {
			return fmt.Errorf("model %s: unknown family '%s'; known are %s", m.Pattern, m.Family, strings.Join(families, ", "))
		}
		if m.MaxOutput < 0 {
			return fmt.Errorf("model %s: max_output must not be negative", m.Pattern)
		}
		if m.Like != "" && model.PurposeOf(m.Like) == model.PurposeUnknown {
			return fmt.Errorf("model %s: like '%s' names no model that is known", m.Pattern, m.Like)
		}
		if m.API != "" && !slices.Contains(model.APIs, m.API) {
			return fmt.Errorf("model %s: unknown api '%s'; known are %s", m.Pattern, m.API, strings.Join(model.APIs, ", "))
		}
		if m.Host != "" && !slices.Contains(model.Hosts, m.Host) {
			return fmt.Errorf("model %s: unknown host '%s'; known are %s", m.Pattern, m.Host, strings.Join(model.Hosts, ", "))
		}
		if m.Host == "mantle" && (m.API == "converse" || m.API == "invoke") {
			return fmt.Errorf("model %s: mantle has no %s; its APIs are chat, responses and messages", m.Pattern, m.API)
		}
		if m.InputType != "" && !slices.Contains(model.InputTypes, m.InputType) {
			return fmt.Errorf("model %s: unknown input_type '%s'; known are %s", m.Pattern, m.InputType, strings.Join(model.InputTypes, ", "))
		}
		if m.Truncate != "" && !slices.Contains(model.Truncations, m.Truncate) {
			return fmt.Errorf("model %s: unknown truncate '%s'; known are %s", m.Pattern, m.Truncate, strings.Join(model.Truncations, ", "))
		}
		u.overrides = append(u.overrides, override{
			pattern: upstream.NewPattern(m.Pattern), family: model.Family(m.Family), maxOutput: int64(m.MaxOutput), like: m.Like,
			api: model.APIByName(m.API), host: model.HostByName(m.Host), inputType: m.InputType, truncate: m.Truncate,
		})
	}
	return nil
}

// address is the URL that value says, nil if it is empty.
func address(repl *caddy.Replacer, word, value string) (*url.URL, error) {
	if value == "" {
		return nil, nil
	}
	value, err := repl.ReplaceOrErr(value, true, true)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", word, err)
	}
	u, err := url.Parse(strings.TrimRight(value, "/"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", word, err)
	}
	if (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return nil, fmt.Errorf("%s '%s': must be a whole http or https URL", word, value)
	}
	if u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return nil, fmt.Errorf("%s of host '%s': may have no query, fragment or user", word, u.Host)
	}
	return u, nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Upstream)(nil)
	_ caddy.CleanerUpper    = (*Upstream)(nil)
	_ caddyfile.Unmarshaler = (*Upstream)(nil)
)
