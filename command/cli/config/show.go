package config

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/gateways"
)

func newShow() *cobra.Command {
	var file, config, adapter string
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Shows the configuration, with secrets masked",
		Long: `Shows the variables that 'serve' reads, and whether each comes from the
environment or from .env. With --config it shows the gateways and the API keys
of that configuration as JSON, with placeholders resolved.

Secrets are masked: of long ones the last four characters are shown.`,
		Example: `  $ caddy bedrock config show
  $ caddy bedrock config show --config Caddyfile`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			env, err := apply(file)
			if err != nil {
				return err
			}
			if config != "" {
				return showConfig(cmd.OutOrStdout(), config, adapter)
			}
			if adapter != "" {
				return failure.Usagef("add --config", "--adapter needs a configuration")
			}
			if file == "" {
				file = dotenv.Default
			}
			return showVariables(cmd.OutOrStdout(), env, file)
		},
	}
	addEnvFile(cmd, &file)
	addConfig(cmd, &config, &adapter)
	return cmd
}

func addConfig(cmd *cobra.Command, config, adapter *string) {
	cmd.Flags().StringVarP(config, "config", "c", "", "The configuration, such as a Caddyfile")
	cmd.Flags().StringVarP(adapter, "adapter", "a", "", "Its adapter, if it is no Caddyfile and no JSON")
}

func showVariables(w io.Writer, env *dotenv.Environment, file string) error {
	any := false
	for _, v := range variables {
		value, set := os.LookupEnv(v.name)
		if !set || value == "" {
			continue
		}
		any = true
		where := "the environment"
		if env.FromFile(v.name) {
			where = file
		}
		if _, err := fmt.Fprintf(w, "%-28s %s  (%s)\n", v.name, v.shown(value), where); err != nil {
			return err
		}
	}
	if !any {
		return failure.Newf("'caddy bedrock config set' asks for the values", "nothing is configured: no variable of the gateway's is set, in %s or in the environment", file)
	}
	return nil
}

// showConfig writes the gateways and the keys of a configuration.
func showConfig(w io.Writer, config, adapter string) error {
	text, err := loadConfig(config, adapter)
	if err != nil {
		return err
	}
	var all []json.RawMessage
	for _, name := range []string{"authentication", "bedrock_gateway"} {
		found, err := gateways.Handlers(text, name)
		if err != nil {
			return fmt.Errorf("%s: %w", config, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return failure.Newf("add 'bedrock_gateway' to a site of it", "no gateway is in %s", config)
	}
	out, err := showJSON(all, caddy.NewReplacer())
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, out)
	return err
}

// loadConfig returns a configuration as Caddy's JSON. Caddy itself would log on the way.
func loadConfig(config, adapter string) ([]byte, error) {
	caddy.BufferedLog() // and it is never read
	text, _, _, err := caddycmd.LoadConfig(config, adapter)
	if err != nil {
		return nil, failure.New(err, "correct it, or name another by --config")
	}
	return text, nil
}
