// Package openai is the upstream kind for OpenAI and for servers that speak its API: its configuration, calls, frames and
// errors. What stands in a body belongs to translate/openai, which upstream serves a model to package upstream.
package openai

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream/transport"
)

func init() {
	caddy.RegisterModule(Upstream{})
}

// defaultBaseURL is OpenAI's own API.
const defaultBaseURL = "https://api.openai.com/v1"

// Upstream is OpenAI, or a server that speaks its API: vLLM, Ollama, a
// compatible cloud.
type Upstream struct {
	// The key sent as `Authorization: Bearer`; the client's own is never
	// forwarded. Default: `{env.OPENAI_API_KEY}`; with a `base_url`, none, because
	// local servers need none.
	APIKey string `json:"api_key,omitempty"`

	// Where the API is, up to and with its version. Default:
	// `https://api.openai.com/v1`.
	BaseURL string `json:"base_url,omitempty"`

	// Sent as `OpenAI-Organization`. Default: not sent.
	Organization string `json:"organization,omitempty"`

	// Sent as `OpenAI-Project`. Default: not sent.
	Project string `json:"project,omitempty"`

	// Further headers of every request.
	Headers http.Header `json:"headers,omitempty"`

	// Whether the upstream is asked for a stream's usage where the client did not
	// ask, so that it can be counted; the client does not see the extra chunk.
	// Default: `true`.
	StreamUsage *bool `json:"stream_usage,omitempty"`

	// Whether the upstream has OpenAI's Responses API. Clients of an upstream
	// without it are answered all the same, by Chat Completions. Default: `true`.
	Responses *bool `json:"responses,omitempty"`

	transport.HTTP

	// What Provision resolved. Unexported, so that no log prints the key.
	key           string
	authorization []string
	baseURL       *url.URL
	header        http.Header
	rt            http.RoundTripper
}

// CaddyModule returns the Caddy module information.
func (Upstream) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway.upstreams.openai",
		New: func() caddy.Module { return new(Upstream) },
	}
}

// Provision resolves placeholders and builds the transport. It sends nothing.
func (u *Upstream) Provision(ctx caddy.Context) error {
	if err := u.resolve(caddy.NewReplacer()); err != nil {
		return err
	}
	rt, err := u.Transport(ctx)
	if err != nil {
		return err
	}
	u.rt = rt
	u.authorization = []string{"Bearer " + u.key}
	return nil
}

// resolve sets what placeholders and defaults stand for.
func (u *Upstream) resolve(repl *caddy.Replacer) error {
	var err error
	resolve := func(word, value string) string {
		out, replErr := repl.ReplaceOrErr(value, true, true)
		if replErr != nil && err == nil {
			err = fmt.Errorf("%s: %w", word, replErr)
		}
		return out
	}

	switch {
	case u.APIKey != "":
		u.key = resolve("api_key", u.APIKey)
	case u.BaseURL == "":
		if u.key = os.Getenv("OPENAI_API_KEY"); u.key == "" {
			return fmt.Errorf("no api_key, and OPENAI_API_KEY is not set in the environment")
		}
	}

	base := defaultBaseURL
	if u.BaseURL != "" {
		base = resolve("base_url", u.BaseURL)
	}
	u.header = make(http.Header, len(u.Headers)+2)
	for name, values := range u.Headers {
		for _, v := range values {
			u.header.Add(name, resolve("header "+name, v))
		}
	}
	if u.Organization != "" {
		u.header.Set("OpenAI-Organization", resolve("organization", u.Organization))
	}
	if u.Project != "" {
		u.header.Set("OpenAI-Project", resolve("project", u.Project))
	}
	if err != nil {
		return err
	}

	if u.baseURL, err = url.Parse(strings.TrimRight(base, "/")); err != nil {
		return fmt.Errorf("base_url: %w", err)
	}
	if (u.baseURL.Scheme != "https" && u.baseURL.Scheme != "http") || u.baseURL.Host == "" {
		return fmt.Errorf("base_url '%s': must be a whole http or https URL", base)
	}
	if u.baseURL.RawQuery != "" || u.baseURL.Fragment != "" || u.baseURL.User != nil {
		return fmt.Errorf("base_url of host '%s': may have no query, fragment or user", u.baseURL.Host)
	}
	if !httpguts.ValidHeaderFieldValue(u.key) {
		return fmt.Errorf("api_key: has characters that no header can carry, such as a line break")
	}
	for name, values := range u.header {
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("header '%s': not a header name", name)
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldValue(v) {
				return fmt.Errorf("header %s: has characters that no header can carry", name)
			}
		}
	}
	return nil
}

// UnmarshalCaddyfile sets up the upstream from Caddyfile tokens. Syntax:
//
//	openai [<api_key>] {
//		api_key      <key>
//		base_url     <url>
//		organization <id>
//		project      <id>
//		header       <name> <value>
//		stream_usage off
//		responses    off
//		transport    http { ... }
//	}
func (u *Upstream) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // consume the kind
	seen := make(directive.Seen)
	args, err := directive.Args(d, 0, 1)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		u.APIKey = args[0]
		directive.Secret(d, "api_key", u.APIKey)
		seen["api_key"] = true
	}
	for d.NextBlock(0) {
		if d.Val() != "header" {
			if err := seen.Once(d); err != nil {
				return err
			}
		}
		if err := u.unmarshalSubdirective(d); err != nil {
			return err
		}
	}
	return nil
}

func (u *Upstream) unmarshalSubdirective(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "api_key":
		return directive.SetSecret(d, &u.APIKey)
	case "base_url":
		return directive.Set(d, &u.BaseURL)
	case "organization":
		return directive.Set(d, &u.Organization)
	case "project":
		return directive.Set(d, &u.Project)
	case "header":
		args, err := directive.Args(d, 2, 2)
		if err != nil {
			return err
		}
		if !httpguts.ValidHeaderFieldName(args[0]) {
			return d.Errf("invalid header name '%s'", args[0])
		}
		if u.Headers == nil {
			u.Headers = make(http.Header)
		}
		u.Headers.Add(args[0], args[1])
		directive.SecretInHeader(d, args[0], args[1])
		return nil
	case "stream_usage":
		_, err := directive.OneOf(d, "off")
		u.StreamUsage = new(bool)
		return err
	case "responses":
		_, err := directive.OneOf(d, "off")
		u.Responses = new(bool)
		return err
	case "transport":
		return u.UnmarshalTransport(d)
	default:
		return directive.Unknown(d)
	}
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Upstream)(nil)
	_ caddyfile.Unmarshaler = (*Upstream)(nil)
)
