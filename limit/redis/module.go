package redis

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/redis/rueidis"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
)

func init() {
	caddy.RegisterModule(new(Store))
}

// Store counts limits in Redis 6 or later, Valkey, or a cluster of them, for all
// gateways that have it in common and have the same limits. It keeps nothing but
// counts, which expire by themselves.
type Store struct {
	limit.StoreSettings

	// Where the server is: `redis://<host>:<port>/<database>`, by TLS with
	// `rediss://`, or `unix://<path>`. A user and password stand before the host,
	// `redis://<user>:<password>@<host>`; placeholders in them are taken as they
	// are, and need no escaping. More nodes of a cluster are given by
	// `?addr=<host>:<port>&addr=…`.
	URL string `json:"url"`

	// The server is a Redis or Valkey Cluster. Default: `false`.
	Cluster bool `json:"cluster,omitempty"`

	option   rueidis.ClientOption
	identity string
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway.limits_stores.redis",
		New: func() caddy.Module { return new(Store) },
	}
}

// UnmarshalCaddyfile reads
//
//	redis <url> {
//		cluster
//		on_error allow|deny
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := directive.Set(d, &s.URL); err != nil {
		return err
	}
	directive.SecretInURL(d, "limits_store redis", s.URL)
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if known, err := s.Word(d, seen); err != nil {
			return err
		} else if known {
			continue
		}
		if d.Val() != "cluster" {
			return directive.Unknown(d)
		}
		if err := seen.Once(d); err != nil {
			return err
		}
		if err := directive.None(d); err != nil {
			return err
		}
		s.Cluster = true
	}
	return nil
}

// How the connections are kept. A server that is gone is known after silence, not at once; the limits do not wait for it.
const (
	dialTimeout = time.Second
	silence     = 2 * time.Second
	bufferSize  = 32 << 10
)

// Provision resolves the address. It sends nothing.
func (s *Store) Provision(caddy.Context) error {
	if err := s.Validate(); err != nil {
		return err
	}
	address, err := resolve(s.URL)
	if err != nil {
		return fmt.Errorf("limits_store redis: %w", err)
	}
	option, err := rueidis.ParseURL(address)
	if err != nil {
		return errors.New("limits_store redis: the url is not one of redis://, rediss:// or unix:// that can be read") // err quotes passwords
	}
	option.ForceSingleClient = !s.Cluster && option.Sentinel.MasterSet == ""
	option.DisableCache, option.DisableRetry = true, true // what is counted is asked each time, and twice is wrong
	option.Dialer.Timeout, option.ConnWriteTimeout = dialTimeout, silence
	option.ReadBufferEachConn, option.WriteBufferEachConn = bufferSize, bufferSize
	option.ClientName = "bedrock_gateway"
	s.option = option
	s.identity = fmt.Sprintf("redis %x %v", sha256.Sum256([]byte(address)), s.Cluster)
	return nil
}

// resolve replaces the placeholders of an address. Those of the user and the password may have any characters.
func resolve(address string) (string, error) {
	repl := caddy.NewReplacer()
	scheme, rest, ok := strings.Cut(address, "://")
	at := strings.LastIndexByte(rest, '@')
	if !ok || at < 0 {
		return replaced(repl, address)
	}
	user, password, hasPassword := strings.Cut(rest[:at], ":")
	for _, part := range []*string{&user, &password} {
		if !strings.Contains(*part, "{") {
			continue
		}
		value, err := replaced(repl, *part)
		if err != nil {
			return "", err
		}
		*part = url.QueryEscape(value)
		*part = strings.ReplaceAll(*part, "+", "%20")
	}
	host, err := replaced(repl, rest[at+1:])
	if err != nil {
		return "", err
	}
	if hasPassword {
		user += ":" + password
	}
	return scheme + "://" + user + "@" + host, nil
}

func replaced(repl *caddy.Replacer, s string) (string, error) {
	return repl.ReplaceOrErr(s, true, true)
}

// Identity implements limit.StoreModule.
func (s *Store) Identity() string { return s.identity }

// Open implements limit.StoreModule.
func (s *Store) Open() limit.Store { return &store{option: s.option} }

// Interface guards
var (
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
	_ limit.StoreModule     = (*Store)(nil)
	_ limit.Store           = (*store)(nil)
)
