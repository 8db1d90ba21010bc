package config

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/serve"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/gateways"
	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

func newCheck() *cobra.Command {
	var file, config, adapter string
	var offline bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Checks a configuration",
		Long: `Checks a configuration as 'caddy validate' does, and then for what only the
gateway knows: a key that opens nothing, a route that can never match, a region
without the model that a route sends there. Models are asked of the providers,
which costs nothing; --offline leaves it out.

Without --config it checks what 'serve' would serve.

The exit code is 0 if nothing was found, else 1.`,
		Example: `  $ caddy bedrock config check --config Caddyfile
  $ caddy bedrock config check --env-file production.env --offline`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := apply(file); err != nil {
				return err
			}
			text, name, err := configuration(config, adapter)
			if err != nil {
				return err
			}
			c := &checker{ctx: cmd.Context(), offline: offline}
			if err := c.check(text); err != nil {
				return err
			}
			return c.report(cmd.OutOrStdout(), name)
		},
	}
	addEnvFile(cmd, &file)
	addConfig(cmd, &config, &adapter)
	cmd.Flags().BoolVar(&offline, "offline", false, "Ask no provider for its models")
	return cmd
}

// configuration returns the configuration to check as Caddy's JSON, and what it is called.
func configuration(file, adapter string) (text []byte, name string, err error) {
	if file != "" {
		text, err = loadConfig(file, adapter)
		return text, file, err
	}
	if adapter != "" {
		return nil, "", failure.Usagef("add --config", "--adapter needs a configuration")
	}
	caddy.BufferedLog() // and it is never read
	written, err := serve.Caddyfile()
	if err != nil {
		return nil, "", err
	}
	text, _, err = caddyconfig.GetAdapter("caddyfile").Adapt(written, map[string]any{"filename": "Caddyfile"})
	return text, "what 'serve' serves", err
}

// check adds what is found in a configuration.
func (c *checker) check(text []byte) error {
	config := new(caddy.Config)
	if err := json.Unmarshal(text, config); err != nil {
		return failure.New(fmt.Errorf("reading the configuration: %w", err), "correct it")
	}
	// Validation writes its log where the configuration says.
	if err := caddy.Validate(config); err != nil {
		return failure.New(err, "correct what it names; docs/configuration.md has every word")
	}
	config = new(caddy.Config) // loading emptied the other
	if err := json.Unmarshal(text, config); err != nil {
		return err
	}
	found, err := gateways.Handlers(text, "bedrock_gateway")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return failure.Newf("add 'bedrock_gateway' to a site of it", "no gateway is in this configuration")
	}
	ctx, cancel, err := gateways.Context(config)
	if err != nil {
		return err
	}
	defer cancel()
	for _, raw := range found {
		g := new(upstream.Routing)
		if err := json.Unmarshal(raw, g); err != nil {
			return fmt.Errorf("bedrock_gateway: %w", err)
		}
		if err := g.Provision(ctx, environment()); err != nil {
			return failure.New(err, "correct what it names")
		}
		defer g.Cleanup() //nolint:errcheck // the program ends
		c.gateways = append(c.gateways, g)
		c.routes(g)
		c.models(g)
	}
	authentications, err := gateways.Handlers(text, "authentication")
	if err != nil {
		return err
	}
	for _, raw := range authentications {
		if err := c.keys(raw); err != nil {
			return err
		}
	}
	return nil
}

// environment returns the upstreams of a gateway that configures none.
func environment() upstream.Defaults {
	d := upstream.Defaults{DefaultModel: os.Getenv("DEFAULT_OPENAI_MODEL")}
	add := func(kind string, there bool) {
		if there {
			d.Upstreams = append(d.Upstreams, upstream.Settings{Name: kind, UpstreamRaw: json.RawMessage(`{"kind":"` + kind + `"}`)})
		}
	}
	add(upstream.KindOpenAI, os.Getenv("OPENAI_API_KEY") != "")
	add(upstream.KindBedrock, credentials.EnvironmentRegion() != "")
	return d
}

// report writes what was found. Its error says how much.
func (c *checker) report(w io.Writer, name string) error {
	for _, n := range c.notes {
		if _, err := io.WriteString(w, failure.Fill("· ", "  ", n)); err != nil {
			return err
		}
	}
	for _, f := range c.findings {
		if _, err := io.WriteString(w, failure.Fill("✗ ", "  ", f.what)+failure.Fill("  → ", "    ", f.next)); err != nil {
			return err
		}
	}
	if n := len(c.findings); n > 0 {
		return failure.Newf("correct what the lines with ✗ say", "%d found in %s", n, name)
	}
	_, err := fmt.Fprintf(w, "✓ Nothing was found in %s.\n", name)
	return err
}
