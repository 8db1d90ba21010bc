package serve

import (
	"fmt"
	"net"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// openPaths want no key: a browser cannot send one when it opens a page, and whoever watches /health has none.
const openPaths = "/health /docs /docs/* /redoc /redoc/* /openapi.json /playground /playground/*"

// caddyfile returns the site as a Caddyfile, with comments for whoever goes on from it. What is served is this text, so
// that nothing differs when it is run by `caddy run`.
func (s *site) caddyfile(envFile string) []byte {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }

	line("# What 'caddy bedrock serve' serves. Keep it in a file, and run it by")
	line("#")
	if envFile != "" {
		line("#	caddy run --config Caddyfile --envfile %s", envFile)
		line("#")
		line("# Secrets are not in here: they stay in that file and in the environment.")
	} else {
		line("#	caddy run --config Caddyfile")
		line("#")
		line("# Secrets are not in here: they stay in the environment.")
	}
	line("# Every word is in https://github.com/open-bedrock/caddy-bedrock-gateway, docs/configuration.md.")
	line("{")
	line("# Without Caddy's admin API. Take this out for 'caddy reload' and 'caddy stop'.")
	line("admin off")
	line("# 'caddy run --resume' goes on with what you had before.")
	line("persist_config off")
	line("log {")
	line("level %s", s.level)
	line("}")
	line("}")
	line("")
	if s.domain != "" {
		line("# HTTPS with a certificate that Caddy gets and renews by itself.")
		line("%s {", s.domain)
	} else {
		line("# Plain HTTP. With a domain here in place of http://, Caddy gets a certificate by")
		line("# itself: 'caddy bedrock serve --domain ai.example.com'.")
		if s.key == "" && !s.open {
			line("# Under no other names: a page on the web could make one of its own stand for this")
			line("# machine, and ask models in its reader's name.")
			line("http://%s, http://localhost:%s {", net.JoinHostPort(s.host, s.port), s.port)
		} else {
			line("http://:%s {", s.port)
		}
		if s.host != "" {
			line("bind %s", s.host)
		}
	}
	line("# A line a request. Keys that clients send are left out of it.")
	line("log {")
	line("format filter {")
	line("request>headers>X-Api-Key delete")
	line("request>headers>Api-Key delete")
	line("}")
	line("}")
	line("")
	s.auth(line)
	line("bedrock_gateway {")
	s.upstreams(line)
	line("")
	line("# Where uploaded files are kept.")
	switch {
	case s.bucket != "" && s.prefix != "":
		line("files s3 %s {", s.bucket)
		line("prefix %s", token(s.prefix))
		line("}")
	case s.bucket != "":
		line("files s3 %s", s.bucket)
	case s.dir != "":
		line("files local %s", token(s.dir))
	default:
		line("files local")
	}
	if s.model != "" {
		line("")
		line("# The model of requests that name none.")
		line("default_model {env.%s}", envModel)
	}
	if !s.open {
		line("")
		line("# /bedrock_gateway/status: upstreams, and what models and users have used.")
		line("status_page")
	}
	line("")
	line("# A name of your own for a model, and what takes over when it fails:")
	line("#	route claude {")
	line("#		to bedrock us.anthropic.claude-sonnet-4-5-20250929-v1:0")
	line("#		to openai gpt-4o")
	line("#	}")
	line("#")
	line("# What one key may use:")
	line("#	limit daily {")
	line("#		key    {http.auth.user.id}")
	line("#		tokens 1000000 day")
	line("#	}")
	line("}")
	line("}")
	if s.domain == "" && s.key == "" && !s.open {
		line("")
		line("# Whoever asks under another name is told why there is no answer.")
		line("http://:%s {", s.port)
		line("bind %s", s.host)
		line("respond \"Without a key, only %s and localhost are served: set API_KEY, or pass --api-key.\" 421", s.host)
		line("}")
	}
	if s.simulator != 0 {
		line("")
		line("# Plays OpenAI, Amazon Bedrock and STS, for trying only.")
		line("http://:%d {", s.simulator)
		line("bind %s", loopback)
		line("bedrock_simulator")
		line("}")
	}
	return caddyfile.Format([]byte(b.String()))
}

func (s *site) auth(line func(string, ...any)) {
	if s.key == "" {
		line("# No key is asked for. To ask for one, set API_KEY and write")
		line("#	api_key_auth {")
		line("#		key default {env.API_KEY}")
		line("#	}")
		line("")
		return
	}
	line("# Every path wants a key but these, which browsers open or which watch the gateway.")
	line("@keyed not path %s", openPaths)
	line("api_key_auth @keyed {")
	line("# More people: 'caddy bedrock keys new alice --keys-file keys', and the line")
	line("#	keys_file keys")
	line("key default %s", s.key)
	line("}")
	line("")
}

func (s *site) upstreams(line func(string, ...any)) {
	if s.simulator != 0 {
		at := fmt.Sprintf("http://%s:%d", loopback, s.simulator)
		line("# Simulated models: these keys are good for nothing else.")
		line("openai sk-simulator {")
		line("base_url %s/v1", at)
		line("}")
		line("bedrock us-east-1 {")
		line("endpoint %s", at)
		line("mantle_endpoint %s/mantle", at)
		line("control_endpoint %s", at)
		line("sts_endpoint %s", at)
		line("credentials AKIASIMULATOR0000000 simulator-secret-key")
		line("}")
		return
	}
	line("# OpenAI's models: gpt-*, o3*, text-embedding-* and so on.")
	openai := "openai"
	if s.openAIKey {
		openai += " {env." + envOpenAIKey + "}"
	}
	switch {
	case s.openAIURL:
		line("%s {", openai) // without a key it sends none: servers on this machine need none
		line("base_url {env.%s}", envOpenAIURL)
		line("}")
	case s.openAIKey:
		line("%s", openai)
	default:
		line("#	openai {env.%s}", envOpenAIKey)
	}
	line("# Bedrock's models, with the credentials that AWS's own tools would use: the variables AWS_…, a")
	line("# profile, a role, the machine's own.")
	if s.region != "" {
		line("bedrock")
	} else {
		line("#	bedrock us-east-1")
	}
}

// plain are words of a Caddyfile that need no quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=~-]+$`)

// token returns a text as one word of a Caddyfile. It has no backtick: checkToken saw to it.
func token(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "`" + text + "`"
}
