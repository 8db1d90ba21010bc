package house

// row is what one package, or one tree of packages, may import of this module. Packages are named by their folder; "." is
// the root, and "x/..." is x with all below it.
type row struct {
	pkg string
	may []string
	why string // the rule, for the message
}

// table is the house: root → handler → exchange → {translate, upstream, files}; upstream → translate. Of the rows whose
// pkg covers a package the longest counts. A package that no row covers is an error: decide where it stands.
var table = []row{
	{".", []string{
		"auth", "command", "credentials", "exchange", "fetch", "files", "files/local", "files/s3", "handler", "internal/directive",
		"limit", "limit/redis", "metrics", "pages", "price", "status", "stored", "tracing", "upstream", "upstream/bedrock", "upstream/openai", "usage",
	}, "the root lists the rooms and does none of their work; it never imports command/cli, which brings terminal libraries"},
	{"auth", []string{"internal/directive"}, "a provider of Caddy's authentication, which knows nothing of the gateway"},
	{"command", []string{"command/gateways", "credentials", "internal/directive", "upstream"}, "the commands that every build has"},
	{"command/gateways", nil, "reads a configuration as Caddy has it"},
	{"command/cli", []string{
		"command", "command/cli/chat", "command/cli/config", "command/cli/failure", "command/cli/files", "command/cli/history", "command/cli/keys", "command/cli/models",
		"command/cli/serve", "command/cli/status", "command/cli/usage",
	}, "the list of the commands for a person at a terminal"},
	{"command/cli/...", []string{
		"command/cli/client", "command/cli/dotenv", "command/cli/failure", "command/cli/markdown", "command/cli/replace", "command/cli/session",
		"command/cli/terminal",
	}, "a command: a client of a gateway, and no part of it"},
	{"command/cli/models", []string{"command/cli/client", "command/cli/failure", "command/cli/terminal", "upstream"}, "a command, which reads patterns as routes do"},
	{"command/cli/status", []string{"command/cli/client", "command/cli/failure", "command/cli/terminal", "status"}, "a command, which reads what the status page serves"},
	{"command/cli/config", []string{
		"auth", "command", "command/cli/dotenv", "command/cli/failure", "command/cli/replace", "command/cli/serve", "command/cli/terminal", "command/gateways", "credentials",
		"translate/model", "upstream",
	}, "a command, which has test-aws too and loads the gateways of a configuration to check them"},
	{"command/cli/keys", []string{"auth", "command/cli/failure", "command/cli/replace", "command/cli/terminal"}, "a command, which reads keys files as the gateway does"},
	{"command/cli/serve", []string{"command/cli/dotenv", "command/cli/failure", "credentials"}, "a command, which asks where the environment's region is"},
	{"command/cli/client", []string{"command/cli/dotenv", "command/cli/failure", "wire/sse"}, "asks a gateway by HTTP, for commands"},
	{"command/cli/session", []string{
		"command/cli/client", "command/cli/failure", "command/cli/markdown", "command/cli/replace", "command/cli/terminal",
	}, "chats that are kept, and how they are shown"},
	{"command/cli/markdown", []string{"command/cli/terminal"}, "text to text for a terminal, which knows no command"},
	{"command/cli/dotenv", []string{"command/cli/replace"}, "what commands share, which knows no command"},
	{"command/cli/failure", nil, "what commands share, which knows no command"},
	{"command/cli/replace", nil, "what commands share, which knows no command"},
	{"command/cli/terminal", nil, "what commands share, which knows no command"},
	{"cmd/caddy", []string{".", "command/cli", "simulator"}, "the main of a build with everything"},

	{"handler", []string{
		"exchange", "files", "files/extract", "internal/directive", "limit", "pages", "stored", "translate", "translate/chat", "translate/model", "upstream",
		"usage", "wire/json",
	}, "the URL surface: it knows upstreams by their interface and dialects by their registry, never a provider or a dialect by name"},
	{"exchange", []string{
		"fetch", "files", "files/extract", "internal/directive", "internal/kept", "limit", "price", "stored", "translate/...", "upstream", "usage", "wire/...",
	}, "one call: it knows no URL, and upstreams by their interface"},
	{"pages", nil, "embedded pages"},
	{"limit", []string{"internal/directive", "price", "usage"}, "counts what calls used"},
	{"limit/...", []string{"internal/directive", "limit"}, "a store of limits; it never imports another one"},
	{"usage", []string{"internal/directive", "price", "translate/chat", "translate/model"}, "what a call used, as the dialects read it"},
	{"status", []string{"internal/kept", "price", "translate/chat", "usage"}, "counts calls by their records; what else it shows, the root hands to it"},
	{"tracing", []string{"translate/chat", "usage", "wire/json"}, "makes spans of calls by their records"},
	{"metrics", []string{"internal/kept", "price", "translate/model", "usage"}, "counts calls by their records; what else it tells, the root hands to it"},
	{"price", []string{"internal/directive", "internal/kept", "translate/chat", "translate/model", "wire/json"}, "what tokens cost, by the usage that the dialects read"},
	{"fetch", []string{"internal/directive"}, "an HTTP client for images"},

	{"upstream", []string{"internal/directive", "translate", "translate/chat", "translate/model", "wire/sse"}, "the interface of all providers and the routes to them; a provider imports it"},
	{"upstream/transport", []string{"internal/directive"}, "the HTTP settings of every kind"},
	{"upstream/...", []string{
		"internal/directive", "translate", "translate/chat", "translate/model", "upstream", "upstream/transport", "wire/...",
	}, "a provider; it never imports another one, or a dialect by name"},
	{"upstream/bedrock", []string{
		"credentials", "internal/directive", "translate", "translate/chat", "translate/model", "upstream", "upstream/bedrock/sigv4", "upstream/transport", "wire/...",
	}, "a provider; it never imports another one, or a dialect by name"},
	{"upstream/bedrock/sigv4", nil, "signs bytes"},
	{"credentials", []string{"internal/directive"}, "AWS credentials, for upstreams and file stores"},

	{"translate", []string{"translate/...", "wire/..."}, "the registry of dialects"},
	{"translate/...", []string{"translate/chat", "translate/decode", "translate/model", "translate/rules", "wire/..."}, "a dialect goes by way of the canonical form, and never imports another dialect"},
	{"translate/chat", []string{"translate/model", "wire/..."}, "the canonical form, which knows no dialect"},
	{"translate/decode", []string{"translate/chat", "wire/..."}, "what decoders share"},
	{"translate/rules", []string{"translate/chat", "translate/model", "wire/..."}, "what encoders share"},
	{"translate/model", nil, "facts about models, as data"},

	{"wire/...", []string{"wire/internal/pool"}, "bytes only"},
	{"wire/internal/...", nil, "bytes only"},

	{"files", []string{"files/extract", "files/extract/budget", "internal/directive"}, "the domain of files, which a store imports"},
	{"files/extract", []string{"files/extract/budget", "files/extract/pdf"}, "bytes to text"},
	{"files/extract/pdf", []string{"files/extract/budget"}, "bytes to text"},
	{"files/extract/budget", nil, "counts, and knows no format"},
	{"files/...", []string{"files", "internal/directive"}, "a store; it never imports another one"},
	{"files/s3", []string{"credentials", "files", "internal/directive"}, "a store; it never imports another one"},

	{"stored", []string{"files", "internal/directive", "translate/chat", "wire/json"}, "what is kept of responses, in the file store; it knows no call and no upstream"},

	{"internal/directive", nil, "reads Caddyfile words; every room's settings import it"},
	{"internal/kept", nil, "a map for the hot path, which knows nothing of what it keeps"},
	{"internal/gatewaytest", []string{"."}, "for tests: a whole Caddy"},
	{"simulator", []string{"internal/directive", "simulator/aws", "simulator/bedrock", "simulator/openai"}, "plays the providers; it shares nothing with the code it tests"},
	{"simulator/...", []string{"simulator/fault"}, "plays a provider; it shares nothing with the code it tests"},
	{"simulator/bedrock", []string{"simulator/fault", "simulator/openai"}, "Bedrock serves OpenAI's APIs too; it shares nothing with the code it tests"},
	{"simulator/fault", nil, "what every simulated provider can do wrong"},
	{"bench", []string{"wire/eventstream"}, "measures the gateway from outside"},
	{"bench/...", nil, "what the gateway is measured beside, which needs nothing of it"},
	{"test/...", nil, "the tests are in _test.go files; a program beside them needs nothing of the gateway"},
}

// ban keeps a foreign import, or everything below it, out of packages.
type ban struct {
	in       []string // packages, as in a row
	except   []string
	imported string // an import path, or the beginning of paths where it ends with a slash
	why      string
}

const (
	caddyPath = "github.com/caddyserver/caddy/v2"
	awsPath   = "github.com/aws/"
)

var bans = []ban{
	{in: []string{"translate/...", "wire/..."}, imported: "net/http", why: "dialects and wire formats take bytes and return bytes: no I/O"},
	{in: []string{"translate/...", "wire/..."}, imported: "net", why: "dialects and wire formats take bytes and return bytes: no I/O"},
	{in: []string{"translate/...", "wire/..."}, imported: "os", why: "dialects and wire formats take bytes and return bytes: no I/O"},
	{in: []string{"..."}, except: []string{"credentials", "files/s3", "upstream/bedrock/...", "internal/gatewaytest", "simulator/...", "test/..."}, imported: awsPath, why: "only the rooms that talk to AWS know its SDK"},
	{in: []string{"..."}, imported: awsPath + "aws-sdk-go-v2/service/bedrock", why: "megabytes for a host and a GET, which credentials has; tests take it as oracle"},
	{in: []string{"..."}, imported: awsPath + "aws-sdk-go-v2/service/bedrockruntime", why: "megabytes for a host, which credentials has; tests take it as oracle"},
	{in: []string{"..."}, except: []string{"limit/redis"}, imported: "github.com/redis/", why: "only the store that talks to Redis knows its client"},
	{in: []string{"..."}, except: []string{"command/cli/..."}, imported: "golang.org/x/term", why: "only command/cli knows a terminal"},
	{in: []string{"..."}, except: []string{"command/cli/..."}, imported: "charm.land/", why: "only command/cli knows a terminal"},
	{in: []string{"..."}, except: []string{"command/cli/..."}, imported: "github.com/peterh/liner", why: "only command/cli knows a terminal"},
}

// caddyPackages may import Caddy in every file: adapting to Caddy is what they do.
var caddyPackages = []string{
	".", "auth", "cmd/caddy", "command/...", "simulator", "internal/directive", "internal/gatewaytest", "upstream/transport",
}

// caddyFiles may import Caddy in any package: a room's settings, and the module of an upstream kind or file store.
var caddyFiles = []struct{ pkg, file string }{
	{"...", "settings.go"},
	{"upstream/...", "module.go"},
	{"files/...", "module.go"},
	{"limit/...", "module.go"},
}

// caddyByFile may import Caddy too, each for its reason.
var caddyByFile = map[string]string{
	"upstream/settings_failing.go":  "the settings of failing targets, which the gateway and every target of a route have",
	"upstream/settings_route.go":    "the settings of routes, which together with those of upstreams are more than one file holds",
	"upstream/bedrock/caddyfile.go": "the Caddyfile words of the module beside it",
	"upstream/bedrock/apikey.go":    "a key's placeholder is resolved again when the file it names has changed",
	"upstream/bedrock/endpoint.go":  "addresses in the configuration may hold placeholders",
	"credentials/caddyfile.go":      "the Caddyfile words of settings that several modules embed",
	"credentials/config.go":         "the JSON form of settings that several modules embed",
	"credentials/provider.go":       "providers are shared over a reload by Caddy's UsagePool",
	"credentials/cache.go":          "a cache outlives the configuration that made it, so it logs by Caddy's default logger",
}
