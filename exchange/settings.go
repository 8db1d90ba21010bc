// Package exchange is one call from request to reply: read, route, attempt, relay, watch. It holds what all endpoints share once a
// path was matched, and knows no URL and no provider: paths, methods and forms of errors are package handler's, bodies the
// dialects' in translate/, connections the upstreams'.
package exchange

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Defaults of Calls.
const (
	defaultMaxBody           = 25_000_000
	defaultStreamIdleTimeout = caddy.Duration(5 * time.Minute)
	defaultReplyTimeout      = caddy.Duration(10 * time.Minute)
	defaultKeepAlive         = caddy.Duration(15 * time.Second)
)

// unsupportedPolicies are what unsupported_params may be.
var unsupportedPolicies = []string{"drop", "reject"}

// countPolicies are what count_tokens may be.
var countPolicies = []string{"estimate"}

// Calls are the gateway's settings for every call: its request body, its stream, its parameters.
type Calls struct {
	// The largest request body, in bytes, unpacked if it came as gzip or zstd;
	// uploads have the file store's own
	// bound. Default: `25000000`.
	MaxBody int64 `json:"max_body,omitempty"`

	// How much memory the request bodies under way may take together, in bytes, in
	// the whole process. A body is counted as it arrives. Over it a request waits
	// two seconds, then gets a 503. One caller, a user or a client's address,
	// may take a quarter of it. Default: a quarter of the process's memory limit
	// (`GOMEMLIMIT`), or `1000000000` without one.
	MaxBuffered int64 `json:"max_buffered,omitempty"`

	// How long an upstream's stream may be silent before it is given up; 0 sets no
	// bound. Default: `5m`.
	StreamIdleTimeout *caddy.Duration `json:"stream_idle_timeout,omitempty"`

	// How long an upstream may take for a reply that is not streamed, from the
	// request to the reply's last byte; 0 sets no limit. Default: `10m`.
	ReplyTimeout *caddy.Duration `json:"reply_timeout,omitempty"`

	// How often a comment is sent to the client while its stream is silent; 0
	// sends none. Native event streams have no comments. Default: `15s`.
	KeepAlive *caddy.Duration `json:"keep_alive,omitempty"`

	// What happens to a parameter the upstream does not know: `drop` leaves it
	// out and lists it in Bedrock-Gateway-Dropped, `reject` answers 400.
	// Default: `drop`.
	UnsupportedParams string `json:"unsupported_params,omitempty"`

	// Whether tools, system text and the last turns are marked for the prompt cache
	// of models that cache what is marked, where the client marks nothing itself:
	// `auto` or `off`. A route may have its own. Default: `off`.
	PromptCache string `json:"prompt_cache,omitempty"`

	// What is answered on /v1/messages/count_tokens for a model whose provider
	// counts no tokens ahead: `estimate` is a number on the high side, marked by
	// the header Bedrock-Gateway-Token-Count. Default: a 501, after which clients
	// such as Claude Code estimate themselves.
	CountTokens string `json:"count_tokens,omitempty"`

	process *Process
}

// Words returns the sub-directives of bedrock_gateway that c reads:
//
//	max_body            <size>
//	max_buffered        <size>
//	stream_idle_timeout <duration>
//	reply_timeout       <duration>
//	keep_alive          <duration>
//	unsupported_params  drop|reject
//	prompt_cache        auto|off
//	count_tokens        estimate
func (c *Calls) Words() directive.Words {
	return directive.Words{
		"max_body":            directive.Bytes(&c.MaxBody),
		"max_buffered":        directive.Bytes(&c.MaxBuffered),
		"stream_idle_timeout": {Read: func(d *caddyfile.Dispenser) error { return directive.OptionalDuration(d, &c.StreamIdleTimeout) }},
		"reply_timeout":       {Read: func(d *caddyfile.Dispenser) error { return directive.OptionalDuration(d, &c.ReplyTimeout) }},
		"keep_alive":          {Read: func(d *caddyfile.Dispenser) error { return directive.OptionalDuration(d, &c.KeepAlive) }},
		"unsupported_params":  directive.Choice(&c.UnsupportedParams, unsupportedPolicies...),
		"count_tokens":        directive.Choice(&c.CountTokens, countPolicies...),
		"prompt_cache":        directive.Choice(&c.PromptCache, upstream.PromptCaches...),
	}
}

// Provision checks the settings and sets those that are absent to their defaults.
func (c *Calls) Provision(caddy.Context) error {
	if c.UnsupportedParams == "" {
		c.UnsupportedParams = unsupportedPolicies[0]
	} else if !slices.Contains(unsupportedPolicies, c.UnsupportedParams) {
		return fmt.Errorf("unsupported_params '%s': must be drop or reject", c.UnsupportedParams)
	}
	if c.PromptCache != "" && !slices.Contains(upstream.PromptCaches, c.PromptCache) {
		return fmt.Errorf("prompt_cache '%s': must be auto or off", c.PromptCache)
	}
	if c.CountTokens != "" && !slices.Contains(countPolicies, c.CountTokens) {
		return fmt.Errorf("count_tokens '%s': must be estimate, or absent", c.CountTokens)
	}
	if c.MaxBody < 0 {
		return fmt.Errorf("max_body must not be negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = defaultMaxBody
	}
	if c.MaxBuffered == 0 {
		c.MaxBuffered = defaultMaxBuffered(c.MaxBody)
	} else if c.MaxBuffered < c.MaxBody {
		return fmt.Errorf("max_buffered (%d bytes) is below max_body (%d bytes): no body of that size could ever be taken; raise max_buffered or lower max_body", c.MaxBuffered, c.MaxBody)
	}
	v, _, err := processes.LoadOrNew("", func() (caddy.Destructor, error) {
		CleanSpool(spoolDir())
		return new(Process), nil
	})
	if err != nil {
		return err
	}
	c.process = v.(*Process)
	for _, d := range []struct {
		word     string
		value    **caddy.Duration
		standard caddy.Duration
	}{
		{"stream_idle_timeout", &c.StreamIdleTimeout, defaultStreamIdleTimeout},
		{"reply_timeout", &c.ReplyTimeout, defaultReplyTimeout},
		{"keep_alive", &c.KeepAlive, defaultKeepAlive},
	} {
		if *d.value == nil {
			*d.value = &d.standard
		} else if **d.value < 0 {
			return fmt.Errorf("%s must not be negative", d.word)
		}
	}
	return nil
}

// spoolDir is where forms wait on disk.
func spoolDir() string { return filepath.Join(caddy.AppDataDir(), "bedrock_gateway", "forms") }

// FormDir returns where forms wait on disk.
func (c *Calls) FormDir() string { return spoolDir() }

// processes holds the one Process, which outlives a reload: requests of the old configuration hold memory, too.
var processes = caddy.NewUsagePool()

// Cleanup releases what all gateways share.
func (c *Calls) Cleanup() error {
	if c.process == nil {
		return nil
	}
	c.process = nil
	_, err := processes.Delete("")
	return err
}

// Destruct is called when no configuration has a gateway any more.
func (p *Process) Destruct() error { return nil }

// Shared returns what all gateways of the process share.
func (c *Calls) Shared() *Process { return c.process }

// CachesPrompts reports whether prompts are marked for the model's cache, where no route says otherwise.
func (c *Calls) CachesPrompts() bool { return c.PromptCache == upstream.PromptCacheAuto }

// EstimatesTokens reports whether tokens that no provider counts are estimated.
func (c *Calls) EstimatesTokens() bool { return c.CountTokens != "" }

// RejectsUnsupported reports whether a parameter that the target cannot express is an error.
func (c *Calls) RejectsUnsupported() bool { return c.UnsupportedParams == "reject" }
