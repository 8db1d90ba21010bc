package serve

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
)

// Environment variables, by the names that the seed has for them, and OPENAI_BASE_URL as OpenAI's own clients read it.
const (
	envKey       = "API_KEY"
	envOpenAIKey = "OPENAI_API_KEY"
	envOpenAIURL = "OPENAI_BASE_URL"
	envModel     = "DEFAULT_OPENAI_MODEL"
	envBucket    = "S3_FILES_BUCKET"
	envLogLevel  = "LOG_LEVEL"
)

const (
	defaultPort = "8000"
	loopback    = "127.0.0.1"
)

// flags are those of the command.
type flags struct {
	listen, host, port   string
	domain               string
	envFile              string
	files                string
	apiKey               string
	apiKeySet            bool
	logLevel             string
	workers              int
	watch, reload        bool
	insecure, simulate   bool
	printConfig          bool
	simulatorPort        int  // chosen once, so that a reload keeps it
	simulatorInThisBuild bool // the module is there
}

// site is what is served: what the flags and the environment come to. It holds no secret.
type site struct {
	host, port string // the address; host "" is every one
	domain     string

	key       string // what stands in the Caddyfile: a placeholder or a digest; "" without a key
	keySource string // for people
	open      bool   // others than this machine's users can reach it without a key

	openAIKey, openAIURL bool
	region               string // "" without Bedrock
	bucket, prefix       string // files in S3; bucket is empty, or a placeholder
	dir                  string // files in a directory; "" is Caddy's own
	model                string
	level                string
	simulator            int // its port; 0 without it
}

// read returns the site that the flags and the environment describe.
func read(f *flags) (*site, error) {
	s := &site{openAIKey: os.Getenv(envOpenAIKey) != "", openAIURL: os.Getenv(envOpenAIURL) != "", region: credentials.EnvironmentRegion(), model: os.Getenv(envModel)}
	for _, step := range []func(*flags) error{s.readKey, s.readAddress, s.readFiles, s.readLevel, s.readSimulator} {
		if err := step(f); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// readKey takes the key from --api-key, of which only the digest is kept, else from the environment.
func (s *site) readKey(f *flags) error {
	switch {
	case f.apiKeySet && f.apiKey == "":
		return failure.Usagef("pass a key, or leave the flag out", "--api-key is empty")
	case f.apiKey != "":
		digest := sha256.Sum256([]byte(f.apiKey))
		s.key, s.keySource = "sha256:"+hex.EncodeToString(digest[:]), "that of --api-key"
	case os.Getenv(envKey) != "":
		s.key, s.keySource = "{env."+envKey+"}", envKey
	}
	return nil
}

// hostForm is what may stand in --listen and --domain before the port: names and addresses, and no word of a Caddyfile.
var (
	hostForm   = regexp.MustCompile(`^[A-Za-z0-9._:%-]*$`)
	domainForm = regexp.MustCompile(`^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$`)
)

func (s *site) readAddress(f *flags) error {
	if f.domain != "" {
		return s.readDomain(f)
	}
	switch {
	case f.listen != "" && (f.host != "" || f.port != ""):
		return failure.Usagef("pass --listen alone, as in --listen 127.0.0.1:8000", "--listen cannot be combined with --host and --port")
	case f.listen != "":
		var err error
		if s.host, s.port, err = net.SplitHostPort(f.listen); err != nil {
			return failure.Usagef("write it as in --listen 127.0.0.1:8000 or --listen :8000", "--listen %s is no address", f.listen)
		}
	default:
		s.host, s.port = f.host, f.port
		if s.port == "" {
			s.port = defaultPort
		}
		if s.host == "" && s.key == "" && !f.insecure {
			s.host = loopback
		}
	}
	if n, err := strconv.ParseUint(s.port, 10, 16); err != nil || n == 0 {
		return failure.Usagef("choose one from 1 to 65535", "the port '%s' is none", s.port)
	}
	if !hostForm.MatchString(s.host) {
		return failure.Usagef("write it as in --listen 127.0.0.1:8000 or --listen :8000", "'%s' is no host to listen on", s.host)
	}
	return s.checkOpen(f, net.JoinHostPort(s.host, s.port))
}

func (s *site) readDomain(f *flags) error {
	if f.listen != "" || f.host != "" || f.port != "" {
		return failure.Usagef("leave out --listen, --host and --port", "--domain listens on the ports of HTTP and HTTPS, 80 and 443")
	}
	if !domainForm.MatchString(f.domain) {
		return failure.Usagef("write it as in --domain ai.example.com", "'%s' is no domain", f.domain)
	}
	s.domain = f.domain
	return s.checkOpen(f, f.domain)
}

// checkOpen refuses to let others than this machine's users in without a key.
func (s *site) checkOpen(f *flags, address string) error {
	if s.key != "" || s.domain == "" && isLoopback(s.host) {
		return nil
	}
	s.open = true
	if f.insecure {
		return nil
	}
	return failure.Usagef("set API_KEY ('caddy bedrock config set API_KEY …') or pass --api-key; --insecure serves without one all the same",
		"serving %s without a key would let whoever reaches it spend your money", address)
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// readFiles takes the file store from --files, else from the environment, else it is the gateway's own default.
func (s *site) readFiles(f *flags) error {
	if f.files == "" {
		if os.Getenv(envBucket) != "" {
			s.bucket = "{env." + envBucket + "}"
		}
		return nil
	}
	if strings.HasPrefix(f.files, "s3://") {
		u, err := url.Parse(f.files)
		if err != nil || !hostForm.MatchString(u.Host) || u.Host == "" || u.RawQuery != "" || u.User != nil {
			return failure.Usagef("write it as in --files s3://bucket or --files s3://bucket/prefix", "--files %s names no bucket", f.files)
		}
		s.bucket, s.prefix = u.Host, strings.TrimPrefix(u.Path, "/")
		if s.prefix != "" && !strings.HasSuffix(s.prefix, "/") {
			s.prefix += "/"
		}
		return checkToken("--files", s.prefix)
	}
	dir, err := filepath.Abs(f.files)
	if err != nil {
		return failure.New(fmt.Errorf("--files: %w", err), "")
	}
	s.dir = dir
	return checkToken("--files", dir)
}

// checkToken refuses what a Caddyfile cannot say, or would take for a placeholder.
func checkToken(flag, text string) error {
	if strings.ContainsAny(text, "`{}\r\n\x00") {
		return failure.Usagef("choose another name", "%s has a brace, a backtick or a line break in it", flag)
	}
	return nil
}

// levels are those of Python's logging, which the seed has, and of Caddy's.
var levels = map[string]string{
	"DEBUG": "DEBUG", "TRACE": "DEBUG", "INFO": "INFO", "WARN": "WARN", "WARNING": "WARN", "ERROR": "ERROR", "CRITICAL": "ERROR", "FATAL": "ERROR",
}

func (s *site) readLevel(f *flags) error {
	word, source := f.logLevel, "--log-level"
	if word == "" {
		word, source = os.Getenv(envLogLevel), envLogLevel
	}
	if word == "" {
		word = "INFO"
	}
	level, ok := levels[strings.ToUpper(word)]
	if !ok {
		return failure.Usagef("choose debug, info, warn or error", "%s '%s' is no level of logs", source, word)
	}
	s.level = level
	return nil
}

// readSimulator has the simulator take the place of everybody, on the port behind the gateway's if it is free.
func (s *site) readSimulator(f *flags) error {
	if !f.simulate {
		return nil
	}
	if !f.simulatorInThisBuild {
		return failure.Usagef("'go run ./cmd/caddy bedrock serve --simulate' in the repository has it, and so has a build with simulator/ of the repository",
			"this build of Caddy has no simulator")
	}
	if f.simulatorPort == 0 {
		n, _ := strconv.Atoi(s.port)
		f.simulatorPort = freePort(n + 1)
	}
	s.simulator = f.simulatorPort
	s.openAIKey, s.openAIURL, s.region = true, false, "us-east-1"
	return nil
}

// freePort returns the port if it is free on the loopback interface, else one that is.
func freePort(port int) int {
	for _, p := range []int{port, 0} {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: p})
		if err != nil {
			continue
		}
		port = l.Addr().(*net.TCPAddr).Port
		_ = l.Close() // it was only tried
		break
	}
	return port
}
