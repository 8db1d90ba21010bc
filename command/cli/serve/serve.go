// Package serve is `caddy bedrock serve`: the gateway without a Caddyfile, from flags, the environment and .env.
package serve

import (
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
)

// New returns the command.
func New() *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serves the gateway without a Caddyfile",
		Long: `Serves the gateway with what the flags, the environment and ./.env say: OpenAI
if OPENAI_API_KEY is there, Bedrock if AWS_REGION is, files in S3_FILES_BUCKET,
DEFAULT_OPENAI_MODEL for requests that name no model. It prints what is
configured, what is missing, and the addresses to open.

With a key, from API_KEY or --api-key, every path wants it but /health and the
pages for browsers, and the gateway listens on all addresses, port 8000. Without
one it listens on 127.0.0.1:8000 alone; other addresses are refused unless
--insecure is there.

Variables of the environment come before those of the file. With --watch the
file is read again when it changes. --print-config writes the Caddyfile that
does the same under 'caddy run', with comments, and serves nothing.`,
		Example: `  $ caddy bedrock serve
  $ caddy bedrock serve --env-file production.env --domain ai.example.com
  $ caddy bedrock serve --files s3://my-bucket --watch --log-level debug
  $ caddy bedrock serve --print-config > Caddyfile`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.apiKeySet = cmd.Flags().Changed("api-key")
			_, err := caddy.GetModule("http.handlers.bedrock_simulator")
			f.simulatorInThisBuild = err == nil
			return run(cmd, &f)
		},
	}
	s := cmd.Flags()
	s.StringVarP(&f.listen, "listen", "l", "", "The address to listen on (default :8000 with a key, else 127.0.0.1:8000)")
	s.StringVar(&f.host, "host", "", "The host of --listen")
	s.StringVarP(&f.port, "port", "p", "", "The port of --listen")
	s.StringVar(&f.domain, "domain", "", "Serve HTTPS for this domain, on ports 80 and 443, with a certificate that Caddy gets")
	s.StringVar(&f.envFile, "env-file", "", "The file of variables (default .env, if it is there)")
	s.StringVar(&f.files, "files", "", "Where uploaded files are kept: a directory, or s3://bucket[/prefix]")
	s.StringVar(&f.apiKey, "api-key", "", "The key that clients send; others on this machine can see it among the processes, which API_KEY avoids")
	s.StringVar(&f.logLevel, "log-level", "", "debug, info, warn or error (default LOG_LEVEL, else info)")
	s.BoolVarP(&f.watch, "watch", "w", false, "Read the file of variables again when it changes")
	s.BoolVar(&f.reload, "reload", false, "The same as --watch")
	s.IntVar(&f.workers, "workers", 0, "Is accepted and does nothing: one process uses all cores")
	s.BoolVar(&f.insecure, "insecure", false, "Serve others than this machine's users without a key")
	s.BoolVar(&f.simulate, "simulate", false, "Use simulated models, in builds that have the simulator")
	s.BoolVar(&f.printConfig, "print-config", false, "Print the equivalent Caddyfile, and serve nothing")
	return cmd
}

// Caddyfile returns what is served without flags, with the variables as they are now.
func Caddyfile() ([]byte, error) {
	s, err := read(new(flags))
	if err != nil {
		return nil, err
	}
	return s.caddyfile(""), nil
}

// server is a gateway that serves.
type server struct {
	flags *flags
	file  string // of variables; it need not be there
	must  bool   // it must be there
	env   dotenv.Environment
}

func run(cmd *cobra.Command, f *flags) error {
	s := &server{flags: f, file: f.envFile, must: f.envFile != ""}
	if !s.must {
		s.file = dotenv.Default
	}
	there, _, err := s.readFile()
	if err != nil {
		return err
	}
	site, err := read(f)
	if err != nil {
		return err
	}
	named := s.file
	if !there {
		named = ""
	}
	text := site.caddyfile(named)
	if f.printConfig {
		_, err := cmd.OutOrStdout().Write(text)
		return err
	}
	if f.workers > 1 {
		_, _ = fmt.Fprintln(cmd.ErrOrStderr(), "--workers is needless: one process uses all cores, and serves them all.")
	}
	if err := site.checkFree(); err != nil {
		return explain(err)
	}
	caddy.TrapSignals()
	// What is logged before the configuration has said how is kept until then.
	_, log, _ := caddy.BufferedLog()
	err = load(text, false)
	caddy.UnbufferDefaultLogger(log)
	if err != nil {
		return explain(err)
	}
	if _, err := io.WriteString(cmd.OutOrStdout(), site.describe(&s.env, named)); err != nil {
		return err
	}
	if f.watch || f.reload {
		s.watch(cmd.Context())
	}
	select {} // a signal ends the process
}

// checkFree returns an error if something listens at the address. Caddy shares addresses with other processes on most systems,
// so that each would get some of the requests.
func (s *site) checkFree() error {
	if s.domain != "" {
		return nil
	}
	l, err := net.Listen("tcp", net.JoinHostPort(s.host, s.port)) //nolint:noctx,gosec // it is closed at once
	if err != nil {
		return err
	}
	return l.Close()
}

// readFile sets the variables of the file, and reports whether there is one.
func (s *server) readFile() (there bool, undo func(), err error) {
	file, err := dotenv.Read(s.file)
	if isMissing(err) {
		if s.must {
			return false, nil, failure.New(err, "make it by 'caddy bedrock config set --env-file "+s.file+"', or name another")
		}
		file, err = new(dotenv.File), nil
	} else {
		there = true
	}
	if err == nil {
		undo, err = s.env.Apply(file)
	}
	if err != nil {
		return there, nil, failure.New(fmt.Errorf("reading variables: %w", err), "correct the file; --env-file names another")
	}
	return there, undo, nil
}

// load has Caddy serve a Caddyfile in place of what it serves.
func load(text []byte, force bool) error {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt(text, map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	return caddy.Load(config, force)
}

// hints are what to do about errors of the start, by a part of their text.
var hints = []struct{ part, next string }{
	{"address already in use", "stop what listens there, or choose another address by --listen"},
	{"Only one usage of each socket address", "stop what listens there, or choose another address by --listen"},
	{"permission denied", "ports below 1024 need a privilege: run it as a service (docs/deploy.md), or choose another port by --listen"},
	{"AWS_", "correct the variable by 'caddy bedrock config set'; 'caddy bedrock test-aws' tries the credentials"},
	{"profile", "'aws configure list-profiles' lists the profiles; 'caddy bedrock test-aws' tries the credentials"},
	{"api_key_auth", "choose another API_KEY, without white space around it"},
}

// explain returns why Caddy did not start, without its path to the module that failed.
func explain(err error) error {
	text := err.Error()
	for _, before := range []string{"provision http.handlers.bedrock_gateway: ", "provision http.authentication.providers.api_key: "} {
		if _, after, found := strings.Cut(text, before); found {
			text = after
		}
	}
	next := "correct what it names; --print-config shows the configuration"
	for _, h := range hints {
		if strings.Contains(text, h.part) {
			next = h.next
			break
		}
	}
	return failure.Newf(next, "the gateway did not start: %s", text)
}
