package serve

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// watchEvery is how often the file of variables is looked at; Caddy looks at its configuration as often.
const watchEvery = time.Second

func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// watch serves anew whenever the content of the file of variables has changed, until ctx ends. What cannot be served is
// logged, and what was served before stays.
func (s *server) watch(ctx context.Context) {
	last, _ := os.ReadFile(s.file)
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := os.ReadFile(s.file)
		if err != nil && !isMissing(err) || err != nil && s.must || bytes.Equal(now, last) {
			continue // an editor may be about to write it
		}
		last = now
		log := caddy.Log().Named("bedrock.serve").With(zap.String("file", s.file))
		if err := s.again(); err != nil {
			log.Error("the file changed, and cannot be served; what was served before stays", zap.Error(err))
			continue
		}
		log.Info("the file changed, and is served")
	}
}

// again serves what the flags and the file say now.
func (s *server) again() error {
	_, undo, err := s.readFile()
	if err != nil {
		return err
	}
	site, err := read(s.flags)
	if err == nil {
		// The Caddyfile may be the same, with other values in the environment.
		err = load(site.caddyfile(s.file), true)
	}
	if err != nil {
		undo()
	}
	return err
}
