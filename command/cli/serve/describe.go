package serve

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
)

// address returns the URL by which a person on this machine opens the site.
func (s *site) address() string {
	if s.domain != "" {
		return "https://" + s.domain
	}
	host := s.host
	if host == "" || host == "0.0.0.0" || host == "::" || host == loopback {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, s.port)
}

// describe returns what is served, for a person: addresses, what is configured and what is missing. It has no secret.
func (s *site) describe(env *dotenv.Environment, file string) string {
	var b strings.Builder
	section := func(title string) { b.WriteString(title + "\n") }
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-11s "+format+"\n", append([]any{name}, args...)...)
	}
	where := func(name string) string {
		if env.FromFile(name) {
			return name + " of " + file
		}
		return name
	}

	at := s.address()
	section("The gateway serves")
	row("API", "%s/v1", at)
	row("Playground", "%s/playground/", at)
	row("Docs", "%s/docs/", at)
	row("Health", "%s/health?verbose", at)
	switch {
	case s.open:
	case s.key != "": // a browser cannot send it
		row("Status", "caddy bedrock status --server-url %s", at)
	default:
		row("Status", "%s/bedrock_gateway/status", at)
	}
	section("Configured")
	switch {
	case s.keySource == envKey:
		row("Key", "%s", where(envKey))
	case s.key != "":
		row("Key", "%s", s.keySource)
	case s.open:
		row("Key", "none: whoever reaches it may use it")
	default:
		row("Key", "none: everybody on this machine may use it")
	}
	var missing [][2]string
	s.describeUpstreams(row, where, &missing)
	switch {
	case strings.HasPrefix(s.bucket, "{"):
		row("Files", "s3://%s, %s", os.Getenv(envBucket), where(envBucket))
	case s.bucket != "":
		row("Files", "s3://%s/%s", s.bucket, s.prefix)
	case s.dir != "":
		row("Files", "%s", s.dir)
	default:
		row("Files", "in Caddy's data directory")
	}
	if s.model != "" {
		row("Model", "%s by default, %s", s.model, where(envModel))
	}
	if len(missing) > 0 {
		section("Missing")
		for _, m := range missing {
			row(m[0], "%s", m[1])
		}
	}
	return b.String()
}

func (s *site) describeUpstreams(row func(name, format string, args ...any), where func(string) string, missing *[][2]string) {
	if s.simulator != 0 {
		row("OpenAI", "simulated")
		row("Bedrock", "simulated")
		return
	}
	switch {
	case s.openAIURL:
		shown := "OPENAI_BASE_URL"
		if u, err := url.Parse(os.Getenv(envOpenAIURL)); err == nil {
			shown = u.Redacted()
		}
		row("OpenAI", "%s", shown)
	case s.openAIKey:
		row("OpenAI", "%s", where(envOpenAIKey))
	default:
		*missing = append(*missing, [2]string{"OpenAI", "set OPENAI_API_KEY: 'caddy bedrock config set OPENAI_API_KEY'"})
	}
	if s.region != "" {
		row("Bedrock", "%s; 'caddy bedrock test-aws' tries the credentials", s.region)
	} else {
		*missing = append(*missing, [2]string{"Bedrock", "set AWS_REGION: 'caddy bedrock config set AWS_REGION us-east-1'"})
	}
}
