package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/replace"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// setting is a variable and the value it gets.
type setting struct{ name, value string }

func newSet() *cobra.Command {
	var file, key, value string
	cmd := &cobra.Command{
		Use:   "set [KEY [VALUE]]",
		Short: "Sets variables in .env",
		Long: `Sets a variable in ./.env, or in the file of --env-file. Without a value it asks
for it, and reads it from its input where that is no terminal: so a secret stays
out of the shell's history. Without arguments it asks for all that is usual.

Values of variables that the gateway knows are checked. Comments, the order, and
the file's owner and mode stay; a new file is its owner's alone. Wherever it is
killed, the file has its old content or the new.`,
		Example: `  $ caddy bedrock config set
  $ caddy bedrock config set AWS_REGION us-east-1
  $ caddy bedrock config set OPENAI_API_KEY
  $ caddy bedrock config set --key LOG_LEVEL --value debug --env-file test.env`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := file
			if path == "" {
				path = dotenv.Default
			}
			ask := terminal.NewAsker(cmd.InOrStdin(), cmd.ErrOrStderr())
			settings, err := wanted(cmd, args, key, value, path, ask)
			if err != nil {
				return err
			}
			if len(settings) == 0 {
				_, err := fmt.Fprintln(cmd.ErrOrStderr(), "Nothing was changed.")
				return err
			}
			if err := write(path, settings); err != nil {
				return err
			}
			return report(cmd.ErrOrStderr(), path, settings)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "The variable, in place of KEY")
	cmd.Flags().StringVar(&value, "value", "", "The value, in place of VALUE")
	addEnvFile(cmd, &file)
	return cmd
}

// wanted returns what is to be set, from the arguments, the flags, or by asking.
func wanted(cmd *cobra.Command, args []string, key, value, path string, ask *terminal.Asker) ([]setting, error) {
	hasKey, hasValue := cmd.Flags().Changed("key"), cmd.Flags().Changed("value")
	switch {
	case len(args) > 0 && (hasKey || hasValue):
		return nil, failure.Usagef("write KEY VALUE, or --key KEY --value VALUE", "the variable is named twice, by an argument and by a flag")
	case hasValue && !hasKey:
		return nil, failure.Usagef("add --key", "--value says no variable")
	case len(args) > 0:
		key, hasKey = args[0], true
		if len(args) == 2 {
			value, hasValue = args[1], true
		}
	}
	if !hasKey {
		return form(path, ask)
	}
	v, _ := find(key)
	if !hasValue {
		var err error
		if value, err = ask.Ask(key+": ", v.secret); err != nil {
			return nil, failure.Usagef("'caddy bedrock config set KEY VALUE', or type it when asked", "no value for %s", key)
		}
	}
	if value != "" && v.check != nil {
		if err := v.check(value); err != nil {
			return nil, failure.Usagef(v.about, "the value of %s was refused: %w", key, err)
		}
	}
	return []setting{{key, value}}, nil
}

// form asks for the usual variables, and returns those that were answered.
func form(path string, ask *terminal.Asker) ([]setting, error) {
	file, err := dotenv.ReadIfThere(path)
	if err != nil {
		return nil, failure.New(err, "correct the file, or name another by --env-file")
	}
	now, err := file.Values(os.LookupEnv)
	if err != nil {
		return nil, failure.New(err, "correct the file, or name another by --env-file")
	}
	var settings []setting
	for _, v := range variables {
		if !v.asked {
			continue
		}
		prompt := fmt.Sprintf("%s, %s\n", v.name, v.about)
		if now[v.name] != "" {
			prompt += "  now " + v.shown(now[v.name]) + "; Enter keeps it, - removes it: "
		} else {
			prompt += "  Enter leaves it out: "
		}
		for {
			value, err := ask.Ask(prompt, v.secret)
			if err != nil {
				return nil, failure.Newf("answer every question, by Enter where you have no value", "the answers ended at %s; nothing was written", v.name)
			}
			if value == "" {
				break
			}
			if value == "-" {
				value = ""
			} else if err := v.check(value); err != nil {
				prompt = "  That does not do: " + err.Error() + ". Again: "
				continue
			}
			settings = append(settings, setting{v.name, value})
			break
		}
	}
	return settings, nil
}

// write sets all of them in one edit.
func write(path string, settings []setting) error {
	err := replace.Edit(path, func(old []byte) ([]byte, error) {
		for _, s := range settings {
			file, err := dotenv.Parse(old)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
			if old, err = file.Set(s.name, s.value); err != nil {
				return nil, failure.Usagef("write another value", "%w", err)
			}
		}
		return old, nil
	})
	switch f := new(failure.Error); {
	case err == nil:
		return nil
	case errors.As(err, &f):
		return f
	case errors.Is(err, fs.ErrPermission):
		return failure.Newf("run it as the owner of the file and of its folder, or name another by --env-file", "%s was not changed: %w", path, err)
	}
	return failure.Newf("correct the file, or name another by --env-file", "%s was not changed: %w", path, err)
}

// report says what was set, and what may surprise.
func report(w io.Writer, path string, settings []setting) error {
	var b strings.Builder
	for _, s := range settings {
		what := "is set"
		if s.value == "" {
			what = "is empty now"
		}
		fmt.Fprintf(&b, "%s %s in %s.\n", s.name, what, path)
		if _, known := find(s.name); !known {
			fmt.Fprintf(&b, "  The gateway reads no variable of that name.\n")
		}
		if _, set := os.LookupEnv(s.name); set {
			fmt.Fprintf(&b, "  The environment sets it too, and comes before the file.\n")
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
