// Package chat is the command that talks with a model: on a terminal line by line, and in scripts by its streams.
package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// flags are those of `caddy bedrock chat`.
type flags struct {
	model, system, effort, session, schema string
	temperature                            float64
	maxTokens                              int
	stream, asJSON                         bool
	files, images                          []string
}

// New returns `caddy bedrock chat`.
func New() *cobra.Command {
	f := new(flags)
	cmd := &cobra.Command{
		Use:   "chat [MESSAGE]",
		Short: "Talks with a model",
		Long: `Talks with a model of a gateway. Without a message, on a terminal, it is a chat:
Enter sends, Alt+Enter or Ctrl+J begins a new line, as does a backslash at the
end of one; the arrow keys bring back what was asked before. Ctrl-C stops an
answer, Ctrl-D leaves. /help lists the commands.

With a message, or with one on standard input, it answers that and ends. With
both, standard input follows the message: 'git diff | caddy bedrock chat "Review
this"'. Where standard output is no terminal, it gets the answer as the model
wrote it and nothing else; reasoning and usage are for terminals.

--session NAME keeps the chat, and goes on with it when it is there. Without it
nothing is kept.

--json prints the gateway's own replies: one object, or with --stream each piece
on a line of its own. --schema FILE has the answer be JSON of that JSON Schema.

--model is by default that of the session, or DEFAULT_OPENAI_MODEL of the
environment or of ./.env, or the gateway's own default.

The exit code is 130 for an answer that was stopped.`,
		Example: `  $ caddy bedrock chat --model us.anthropic.claude-sonnet-4-5-20250929-v1:0
  $ caddy bedrock chat --file report.pdf "What are the risks?"
  $ caddy bedrock chat --session work
  $ caddy bedrock chat --schema person.json "Invent one" | jq .name`,
	}
	gateway := client.Flags(cmd)
	w := cmd.Flags()
	w.StringVarP(&f.model, "model", "m", "", "The model to ask")
	w.BoolVar(&f.stream, "stream", true, "Show the answer while it comes")
	w.StringVarP(&f.system, "system", "s", "", "The system prompt")
	w.Float64VarP(&f.temperature, "temperature", "t", 0, "The temperature (default: the model's)")
	w.IntVar(&f.maxTokens, "max-tokens", 0, "The most tokens of an answer (default: the model's)")
	w.StringVar(&f.effort, "effort", "", "How much the model reasons: none, minimal, low, medium, high …")
	w.StringArrayVarP(&f.files, "file", "f", nil, "A file that the chat is about, or the id of one; repeatable")
	w.StringArrayVarP(&f.images, "image", "i", nil, "An image for the first question, or its URL; repeatable")
	w.StringVar(&f.session, "session", "", "The name under which the chat is kept")
	w.BoolVar(&f.asJSON, "json", false, "Print the gateway's replies as JSON")
	w.StringVar(&f.schema, "schema", "", "A file with the JSON Schema of the answer")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := gateway()
		if err != nil {
			return err
		}
		return f.run(cmd, c, strings.Join(args, " "))
	}
	return cmd
}

func (f *flags) run(cmd *cobra.Command, gateway *client.Client, message string) error {
	c, err := f.conversation(cmd, gateway)
	if err != nil {
		return err
	}
	in, out := cmd.InOrStdin(), cmd.OutOrStdout()
	if !terminal.Is(in) {
		if message, err = withInput(message, in); err != nil {
			return err
		}
	}
	talks := message == ""
	switch {
	case !talks:
	case !terminal.Is(in):
		return failure.Usagef("give a message, or pipe one in", "there is no message, and standard input is empty")
	case f.asJSON || f.schema != "" || !terminal.Is(out):
		return failure.Usagef("give a message: caddy bedrock chat \"…\"", "there is no message; a chat line by line needs a terminal")
	case os.Getenv("TERM") == "dumb":
		return failure.Usagef("give a message: caddy bedrock chat \"…\"", "this terminal (TERM=dumb) cannot edit lines")
	}

	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
	defer stop()
	for _, name := range f.files {
		bar := terminal.NewProgress(cmd.ErrOrStderr(), filepath.Base(name))
		file, err := c.attach(ctx, name, bar.Show)
		bar.Close()
		if err != nil {
			return stopped(err)
		}
		c.session.Files = append(c.session.Files, file)
	}
	if talks {
		return c.talk(cmd)
	}
	if f.asJSON || f.schema != "" || terminal.Colors(out) <= noTerminal {
		return stopped(c.write(ctx, cmd, message, f.asJSON))
	}
	return stopped(c.show(ctx, cmd, message))
}

// conversation returns what the flags say.
func (f *flags) conversation(cmd *cobra.Command, gateway *client.Client) (*conversation, error) {
	s, err := resume(f.session)
	if err != nil {
		return nil, err
	}
	c := &conversation{client: gateway, session: s}
	if f.model != "" {
		s.Model = f.model
	}
	if s.Model == "" {
		if s.Model, err = dotenv.Lookup("DEFAULT_OPENAI_MODEL"); err != nil {
			return nil, err
		}
	}
	given := cmd.Flags().Changed
	if given("system") {
		s.System = f.system
	}
	if given("temperature") {
		c.request.Temperature = &f.temperature
	}
	if f.maxTokens < 0 {
		return nil, failure.Usagef("leave it out for the model's own", "--max-tokens is a positive number")
	}
	c.request.MaxTokens, c.request.ReasoningEffort = f.maxTokens, f.effort
	c.request.Stream = f.stream && (!f.asJSON || given("stream"))
	if f.schema != "" {
		if c.request.ResponseFormat, err = schemaOf(f.schema); err != nil {
			return nil, err
		}
	}
	for _, name := range f.images {
		u, err := imageURL(name)
		if err != nil {
			return nil, err
		}
		c.images = append(c.images, u)
	}
	return c, nil
}

// schemaOf returns the response_format of a file with a JSON Schema.
func schemaOf(path string) (any, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the user names it
	if err != nil {
		return nil, err
	}
	var schema map[string]json.RawMessage
	if err := json.Unmarshal(raw, &schema); err != nil {
		return nil, failure.New(fmt.Errorf("%s is no JSON Schema: %w", path, err), `it is an object: {"type": "object", "properties": …}`)
	}
	type named struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict bool            `json:"strict"` // of a schema that is written for it
	}
	return struct {
		Type   string `json:"type"`
		Schema named  `json:"json_schema"`
	}{"json_schema", named{"answer", raw, string(schema["additionalProperties"]) == "false"}}, nil
}

// maxInput bounds what is read from standard input, in bytes.
const maxInput = 64 << 20

// withInput returns the message with what stands on standard input behind it.
func withInput(message string, in io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	if err != nil {
		return "", fmt.Errorf("reading standard input: %w", err)
	}
	if len(raw) > maxInput {
		return "", failure.Newf("upload it with --file", "standard input is too long for a message")
	}
	text := strings.TrimRight(string(raw), "\r\n")
	if message == "" || strings.TrimSpace(text) == "" {
		return message + text, nil
	}
	return message + "\n\n" + text, nil
}

// stopped is the failure of an answer that the user stopped.
func stopped(err error) error {
	if errors.Is(err, context.Canceled) {
		return &failure.Error{Code: failure.Interrupted, Cause: errors.New("stopped")}
	}
	return err
}

// write answers a question on standard output, without anything about it.
func (c *conversation) write(ctx context.Context, cmd *cobra.Command, question string, asJSON bool) error {
	out, ended := cmd.OutOrStdout(), true
	a, err := c.ask(ctx, question, func(chunk *client.Chunk) error {
		if asJSON {
			enc := json.NewEncoder(out)
			enc.SetEscapeHTML(false)
			return enc.Encode(json.RawMessage(chunk.Raw))
		}
		text := chunk.Text + chunk.Refusal
		if text == "" {
			return nil
		}
		if terminal.Is(out) { // one that is dumb
			text = terminal.Printable(text)
		}
		ended = strings.HasSuffix(text, "\n")
		_, err := io.WriteString(out, text)
		return err
	})
	if !ended {
		if _, err := io.WriteString(out, "\n"); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if note := noteOf(a); note != "" {
		cmd.PrintErrln(note)
	}
	return nil
}
