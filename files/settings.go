package files

import (
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Storage are the gateway's settings for its Files API.
type Storage struct {
	// Where uploaded files are kept; `store` names the module. Default: `s3` if
	// the environment has S3_FILES_BUCKET, else `local`.
	FilesRaw json.RawMessage `json:"files,omitempty" caddy:"namespace=http.handlers.bedrock_gateway.files inline_key=store"`

	// Turns the Files API off. Default: `false`.
	FilesOff bool `json:"files_off,omitempty"`

	store Store // what Provision loaded
}

// Words returns the sub-directives of bedrock_gateway that s reads:
//
//	files local|s3|off [<args...>] { ... }
func (s *Storage) Words() directive.Words {
	return directive.Words{"files": {Read: s.UnmarshalCaddyfile}}
}

// UnmarshalCaddyfile reads files off, or files <store> [<args...>] { ... }, d standing on the word files.
func (s *Storage) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if !d.NextArg() {
		return d.ArgErr()
	}
	store := d.Val()
	if store == "off" {
		s.FilesOff = true
		return directive.None(d)
	}
	module, err := caddyfile.UnmarshalModule(d, "http.handlers.bedrock_gateway.files."+store)
	if err != nil {
		return err
	}
	s.FilesRaw = caddyconfig.JSONModuleObject(module, "store", store, nil)
	return nil
}

// Provision loads the store; standard is the configuration of the one used where none is configured.
func (s *Storage) Provision(ctx caddy.Context, standard json.RawMessage) error {
	if s.FilesOff {
		if len(s.FilesRaw) > 0 {
			return fmt.Errorf("files are both configured and off")
		}
		return nil
	}
	if len(s.FilesRaw) == 0 {
		s.FilesRaw = standard
	}
	module, err := ctx.LoadModule(s, "FilesRaw")
	if err != nil {
		return fmt.Errorf("files: %w", err)
	}
	store, ok := module.(Store)
	if !ok {
		return fmt.Errorf("files: module %T is not a file store", module)
	}
	s.store = store
	return nil
}

// Store returns the store that was loaded; nil if the Files API is off.
func (s *Storage) Store() Store { return s.store }

// Largest returns the largest file that is taken, in bytes; with the Files API off, the default one.
func (s *Storage) Largest() int64 {
	if s.store == nil {
		return DefaultMaxSize
	}
	return s.store.Options().MaxSize
}

// Owner returns the placeholder whose value is the owner of a request's files; "" for one space that all callers share.
func (s *Storage) Owner() string {
	if s.store == nil {
		return ""
	}
	return s.store.Options().Owner
}

// StoreSettings are the part of a file store's configuration that every store has. They are embedded in each store's
// module.
type StoreSettings struct {
	// The largest file taken, in bytes. Default: 512 MiB.
	MaxSize int64 `json:"max_size,omitempty"`

	// Whose a file is: a placeholder resolved for each request. Only requests with the same value see the file. An
	// empty string makes one space shared by all callers. Default: `{http.auth.user.id}`.
	Owner *string `json:"owner,omitempty"`

	// The most text of files that is put before a chat, in bytes. Default: 1 MiB.
	ContextMax int64 `json:"context_max,omitempty"`
}

// Options are the settings with their defaults.
func (s StoreSettings) Options() Options {
	o := Options{MaxSize: DefaultMaxSize, Owner: DefaultOwner, ContextMax: DefaultContextMax}
	if s.MaxSize > 0 {
		o.MaxSize = s.MaxSize
	}
	if s.Owner != nil {
		o.Owner = *s.Owner
	}
	if s.ContextMax > 0 {
		o.ContextMax = s.ContextMax
	}
	return o
}

// Validate refuses sizes that make no sense.
func (s StoreSettings) Validate() error {
	if s.MaxSize < 0 {
		return fmt.Errorf("max_size must not be negative: %d", s.MaxSize)
	}
	if s.ContextMax < 0 {
		return fmt.Errorf("context_max must not be negative: %d", s.ContextMax)
	}
	return nil
}

// Word reads the sub-directive d stands on if it is one of the shared ones, and says whether it was.
//
//	max_size    <size>
//	owner       <placeholder>
//	context_max <size>
func (s *StoreSettings) Word(d *caddyfile.Dispenser, seen directive.Seen) (bool, error) {
	switch d.Val() {
	case "max_size", "owner", "context_max":
	default:
		return false, nil
	}
	word := d.Val()
	if err := seen.Once(d); err != nil {
		return true, err
	}
	var err error
	switch word {
	case "max_size":
		s.MaxSize, err = directive.Size(d)
	case "context_max":
		s.ContextMax, err = directive.Size(d)
	case "owner":
		// Not directive.Arg, which refuses the empty string: here it has a meaning.
		var args []string
		if args, err = directive.Args(d, 1, 1); err == nil {
			s.Owner = &args[0]
		}
	}
	return true, err
}
