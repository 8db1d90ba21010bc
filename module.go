// Package bedrockgateway is a Caddy HTTP handler that takes chat requests in
// OpenAI's, Anthropic's, Titan's and Bedrock Converse's form, sends them to
// OpenAI-compatible upstreams and to Amazon Bedrock, and answers in the form the
// client wants, streamed as it is made.
package bedrockgateway

import (
	"encoding/json"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/open-bedrock/caddy-bedrock-gateway/handler"

	// The modules that come with the gateway.
	_ "github.com/open-bedrock/caddy-bedrock-gateway/auth"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/files/local"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/files/s3"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/upstream/bedrock"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/upstream/openai"
)

func init() {
	caddy.RegisterModule(Gateway{})
}

// The upstreams that default routes go to, and the kinds they are of.
const (
	openaiName  = "openai"
	bedrockName = "bedrock"
)

// Gateway answers chat requests in any of four dialects from any of its
// upstreams: OpenAI's chat completions, Anthropic's messages, Titan text and
// Bedrock's Converse. What is none of its paths goes on to the next handler.
//
// With no upstreams it takes everything from the environment: OpenAI's from
// OPENAI_API_KEY, Bedrock's from AWS_REGION and the AWS credentials there, the
// bucket for files from S3_FILES_BUCKET, the default model from
// DEFAULT_OPENAI_MODEL.
//
// Placeholders set for logs and later handlers:
//
// Placeholder | Description
// ------------|-------------
// `{http.bedrock_gateway.upstream}` | The upstream that answered
// `{http.bedrock_gateway.model}` | The model the client asked for
// `{http.bedrock_gateway.upstream_model}` | The model's id at the upstream
// `{http.bedrock_gateway.dialect}` | The dialect the client spoke
// `{http.bedrock_gateway.input_tokens}` | Input tokens, without those read from or written to a cache
// `{http.bedrock_gateway.output_tokens}` | Output tokens
// `{http.bedrock_gateway.cache_read_tokens}` | Input tokens read from a cache
// `{http.bedrock_gateway.stop_reason}` | Why the model stopped
// `{http.bedrock_gateway.attempts}` | How many times an upstream was asked
// `{http.bedrock_gateway.ttft_ms}` | Milliseconds from the request to the first token
type Gateway struct {
	// Where models live. Default: what the environment says.
	Upstreams []Upstream `json:"upstreams,omitempty"`

	// Which model goes where; after these come the default routes, which know
	// OpenAI's and Bedrock's model ids.
	Routes []Route `json:"routes,omitempty"`

	// The model of a request that names none. Default: such a request is an error.
	DefaultModel string `json:"default_model,omitempty"`

	// Where uploaded files are kept; `store` names the module. Default: `s3` if
	// the environment has S3_FILES_BUCKET, else `local`.
	FilesRaw json.RawMessage `json:"files,omitempty" caddy:"namespace=http.handlers.bedrock_gateway.files inline_key=store"`

	// Turns the Files API off. Default: `false`.
	FilesOff bool `json:"files_off,omitempty"`

	// The largest request body, in bytes; uploads have the file store's own
	// bound. Default: `25000000`.
	MaxBody int64 `json:"max_body,omitempty"`

	// How long an upstream's stream may be silent before it is given up; 0 sets no
	// bound. Default: `5m`.
	StreamIdleTimeout *caddy.Duration `json:"stream_idle_timeout,omitempty"`

	// How often a comment is sent to the client while its stream is silent; 0
	// sends none. Native event streams have no comments. Default: `15s`.
	KeepAlive *caddy.Duration `json:"keep_alive,omitempty"`

	// What happens to a parameter the upstream does not know: `drop` leaves it
	// out and tells so in Bedrock-Gateway-Dropped, `reject` answers 400.
	// Default: `drop`.
	UnsupportedParams string `json:"unsupported_params,omitempty"`

	// Fetch images named by URL, for upstreams that take only inline ones.
	// Default: off.
	FetchRemoteImages *RemoteImages `json:"fetch_remote_images,omitempty"`

	// Bounds on what clients may use. Default: none.
	Limits []Limit `json:"limits,omitempty"`

	// Where limits are counted. Default: in this process.
	LimitsStore *LimitsStore `json:"limits_store,omitempty"`

	// What models cost, for the cost metrics. The first matching pattern counts.
	Prices []Price `json:"prices,omitempty"`

	// Log prompts and replies at DEBUG level. Default: `false`.
	LogContent bool `json:"log_content,omitempty"`

	// Turns /docs, /redoc and /openapi.json off. Default: `false`.
	DocsOff bool `json:"docs_off,omitempty"`

	// Turns /health off. Default: `false`.
	HealthOff bool `json:"health_off,omitempty"`

	// Turns Bedrock's own paths off: /model/*, /foundation-models,
	// /inference-profiles. Default: `false`.
	NativeOff bool `json:"native_off,omitempty"`

	handler *handler.Gateway
}

// CaddyModule returns the Caddy module information.
func (Gateway) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway",
		New: func() caddy.Module { return new(Gateway) },
	}
}

// Interface guards
var (
	_ caddy.Provisioner           = (*Gateway)(nil)
	_ caddyhttp.MiddlewareHandler = (*Gateway)(nil)
	_ caddyfile.Unmarshaler       = (*Gateway)(nil)
)
