// Package settings holds the part of a file store's configuration that every store has, in JSON and in the Caddyfile.
package settings

import (
	"fmt"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Settings are embedded in each store's module.
type Settings struct {
	// The largest file taken, in bytes. Default: 512 MiB.
	MaxSize int64 `json:"max_size,omitempty"`

	// Whose a file is: a placeholder resolved for each request. Only requests with the same value see the file. An
	// empty string makes one space shared by all callers. Default: `{http.auth.user.id}`.
	Owner *string `json:"owner,omitempty"`

	// The most text of files that is put before a chat, in bytes. Default: 1 MiB.
	ContextMax int64 `json:"context_max,omitempty"`
}

// Options are the settings with their defaults.
func (s Settings) Options() files.Options {
	o := files.Options{MaxSize: files.DefaultMaxSize, Owner: files.DefaultOwner, ContextMax: files.DefaultContextMax}
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
func (s Settings) Validate() error {
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
func (s *Settings) Word(d *caddyfile.Dispenser, seen directive.Seen) (bool, error) {
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
