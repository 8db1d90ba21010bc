// Package local keeps files in a directory.
package local

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// sweepEvery is the mean time between two sweeps of a process: listing directories costs little.
const sweepEvery = 15 * time.Minute

func init() {
	caddy.RegisterModule(new(Store))
}

// Store keeps uploaded files in a directory, each with a small JSON file beside it, and stored responses in its folder
// `objects`. Several processes may share the
// directory; the file system must have atomic renames and keep what was synced, as every local one does.
type Store struct {
	files.StoreSettings

	// The directory. It is made when the first file is uploaded. Placeholders are resolved when the configuration is
	// loaded. Default: `bedrock_gateway/files` in Caddy's data directory.
	Dir string `json:"dir,omitempty"`

	// dir is Dir resolved: the trace log prints exported fields as they were configured.
	dir     string
	options files.Options
	log     *zap.Logger
	damaged damaged
	objects objects
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway.files.local",
		New: func() caddy.Module { return new(Store) },
	}
}

// UnmarshalCaddyfile reads
//
//	local [<dir>] {
//		max_size    <size>
//		owner       <placeholder>
//		context_max <size>
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	args, err := directive.Args(d, 0, 1)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		s.Dir = args[0]
	}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if known, err := s.Word(d, seen); err != nil {
			return err
		} else if !known {
			return directive.Unknown(d)
		}
	}
	return nil
}

// Provision resolves the directory and starts the sweeping of expired files. It touches no disk.
func (s *Store) Provision(ctx caddy.Context) error {
	s.log = ctx.Logger()
	s.options = s.Options()
	dir := filepath.Join(caddy.AppDataDir(), "bedrock_gateway", "files")
	if s.Dir != "" {
		var err error
		if dir, err = caddy.NewReplacer().ReplaceOrErr(s.Dir, true, true); err != nil {
			return fmt.Errorf("files local: directory: %w", err)
		}
	}
	// A later change of the working directory must not move the store.
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("files local: directory %s: %w", dir, err)
	}
	s.dir = abs
	s.prepareObjects()
	go files.KeepSwept(ctx, s, sweepEvery, s.log)
	return nil
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddy.Validator       = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
	_ files.Store           = (*Store)(nil)
)
