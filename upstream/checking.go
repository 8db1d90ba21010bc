package upstream

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// checkTimeout bounds one active check.
const checkTimeout = 10 * time.Second

// keepChecking checks the upstream every so often until ctx ends. The first check comes after one interval: provisioning a
// configuration sends nothing. An upstream that fails its check is passed over as a failing target is; one that passes it may
// still be passed over for the failures of calls.
func (n *Named) keepChecking(ctx context.Context, every time.Duration) {
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			n.check(ctx, min(every, checkTimeout))
		case <-ctx.Done():
			return
		}
	}
}

// check asks the upstream once, and notes whether it is healthy.
func (n *Named) check(ctx context.Context, timeout time.Duration) {
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err := n.Check(limited)
	if ctx.Err() != nil { // the configuration ended: nothing is known
		return
	}
	down := !healthy(err)
	if n.memory.down.Swap(down) == down {
		return
	}
	if down {
		n.memory.troubled.Store(true)
		n.Logger.Warn("an upstream failed its check and is passed over", zap.String("upstream", n.Name), zap.Error(err))
	} else {
		n.Logger.Info("an upstream passed its check again", zap.String("upstream", n.Name))
	}
}

// healthy reports whether the error of a check is that of an upstream that works. One that answers works, though it may not
// list models for these credentials or at all; one that does not accept the credentials serves no call either.
func healthy(err error) bool {
	if err == nil {
		return true
	}
	e, ok := errors.AsType[*chat.Error](err)
	switch {
	case !ok:
		return false
	case e.UpstreamStatus == 0 || e.UpstreamStatus >= http.StatusInternalServerError || e.UpstreamStatus == http.StatusUnauthorized:
		return false
	case e.Kind == chat.ErrPermission:
		return e.Type == "AccessDeniedException" || e.Code != "upstream_credentials"
	}
	return true
}
