// Package config is `caddy bedrock config`: what the gateway is configured with, shown, changed and checked.
package config

import (
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
)

// New returns the command with those below it.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Shows, changes and checks what the gateway is configured with",
		Long: `Shows, changes and checks what the gateway is configured with: the variables of
the environment and of .env, which 'serve' reads, and Caddyfiles.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newShow(), newSet(), newCheck(), newTestAWS())
	return cmd
}

// newTestAWS returns test-aws, which here takes the variables of .env too.
func newTestAWS() *cobra.Command {
	cmd := command.NewTestAWS()
	cmd.Short += ", of .env too"
	cmd.Long = "The same as 'caddy bedrock test-aws', with the variables of .env beside\nthose of the environment.\n\n" + cmd.Long
	cmd.Example = `  $ caddy bedrock config test-aws
  $ caddy bedrock config test-aws --env-file production.env`
	var file string
	addEnvFile(cmd, &file)
	test := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := apply(file); err != nil {
			return err
		}
		return test(cmd, args)
	}
	return cmd
}

func addEnvFile(cmd *cobra.Command, file *string) {
	cmd.Flags().StringVar(file, "env-file", "", "The file of variables (default .env)")
}

// apply sets the variables of a file that the environment does not set. Only one that was named has to be there.
func apply(file string) (*dotenv.Environment, error) {
	read := dotenv.Read
	if file == "" {
		file, read = dotenv.Default, dotenv.ReadIfThere
	}
	f, err := read(file)
	env := new(dotenv.Environment)
	if err == nil {
		_, err = env.Apply(f)
	}
	if err != nil {
		return nil, failure.New(err, "correct the file, or name another by --env-file")
	}
	return env, nil
}
