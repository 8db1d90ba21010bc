package keys

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/auth"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
)

func newNew() *cobra.Command {
	var file, expires string
	var models, tags []string
	cmd := &cobra.Command{
		Use:   "new USER",
		Short: "Makes a key for a user",
		Long: `Makes a key for a user, adds its hash to a keys file, and prints the key: this
once, for it is not kept. A user may have several, so that a new one can be
handed out before the old one is revoked. A file that is not there is made, for
its owner alone.`,
		Example: `  $ caddy bedrock keys new alice --keys-file keys
  $ caddy bedrock keys new ci --models 'gpt-*' --expires 90d --keys-file keys`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkKeysFile(file); err != nil {
				return err
			}
			user := args[0]
			if err := checkName("user", user); err != nil {
				return err
			}
			until, err := expiry(expires, time.Now())
			if err != nil {
				return err
			}
			key := makeKey()
			words := []string{user, auth.Hashed(key)}
			for _, o := range []struct {
				name   string
				values []string
			}{{"models", models}, {"tags", tags}} {
				for _, v := range o.values {
					if err := checkName("value of --"+o.name, v); err != nil {
						return err
					}
				}
				if len(o.values) > 0 {
					words = append(words, o.name+"="+strings.Join(o.values, ","))
				}
			}
			if until != "" {
				words = append(words, "expires="+until)
			}
			err = edit(file, func(text string, _ []auth.Entry) (string, error) {
				return appendLine(text, strings.Join(words, " ")), nil
			})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), key); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.ErrOrStderr(), "This is %s's key. It is not shown again: %s keeps its hash.\n", user, file)
			return err
		},
	}
	addKeysFile(cmd, &file)
	cmd.Flags().StringSliceVar(&models, "models", nil, "The models that it allows, such as gpt-* (default all)")
	cmd.Flags().StringVar(&expires, "expires", "", "Until when it is good: a date, a time, or a duration such as 90d (default until it is revoked)")
	cmd.Flags().StringSliceVar(&tags, "tags", nil, "What it is for, such as a team, for limits and logs")
	return cmd
}

// makeKey returns a new key of at least 256 bits, with the beginning that clients of OpenAI expect.
func makeKey() string { return "sk-" + rand.Text() + rand.Text() }

// checkName refuses what cannot stand in a line of a keys file.
func checkName(what, name string) error {
	if name == "" || strings.ContainsFunc(name, func(r rune) bool { return r <= ' ' || r == 0x7f || r == ',' }) || strings.HasPrefix(name, "#") {
		return failure.Usagef("use letters, digits and signs without blanks or commas", "'%s' cannot be a %s", name, what)
	}
	return nil
}

// expiry returns --expires as a keys file has it: of a duration, the moment that is so far away.
func expiry(text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	var until time.Time
	if d, err := caddy.ParseDuration(text); err == nil {
		until, text = now.Add(d), now.Add(d).UTC().Format(time.RFC3339)
	} else if until, err = time.Parse(time.DateOnly, text); err == nil {
		until = until.AddDate(0, 0, 1) // it is good until the day's end
	} else if until, err = time.Parse(time.RFC3339, text); err != nil {
		return "", failure.Usagef("write it as in 2027-01-31, 2027-01-31T18:00:00Z or 90d", "--expires %s is no date, time or duration", text)
	}
	if !until.After(now) {
		return "", failure.Usagef("name a later one", "--expires %s is over already", text)
	}
	return text, nil
}

// appendLine returns the text with a line more, in its own line breaks.
func appendLine(text, line string) string {
	newline := "\n"
	if strings.Contains(text, "\r\n") {
		newline = "\r\n"
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += newline
	}
	return text + line + newline
}
