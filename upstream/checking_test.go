package upstream

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// checked is an upstream whose checks have one result.
type checked struct {
	Upstream
	err   error
	calls chan struct{}
}

func (c *checked) Check(context.Context) error {
	if c.calls != nil {
		c.calls <- struct{}{}
	}
	return c.err
}

// TestChecks shows what an active check says of an upstream. A role that may not list models may well serve chats.
func TestChecks(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		down bool
	}{
		"works":                   {nil, false},
		"may not list":            {&chat.Error{Kind: chat.ErrPermission, Code: "upstream_credentials", Type: "AccessDeniedException", UpstreamStatus: 403}, false},
		"a restricted OpenAI key": {&chat.Error{Kind: chat.ErrPermission, UpstreamStatus: 403}, false},
		"has no list":             {&chat.Error{Kind: chat.ErrNotFound, UpstreamStatus: 404}, false},
		"is busy":                 {&chat.Error{Kind: chat.ErrRateLimit, UpstreamStatus: 429}, false},
		"expired credentials":     {&chat.Error{Kind: chat.ErrPermission, Code: "upstream_credentials", Type: "ExpiredTokenException", UpstreamStatus: 403}, true},
		"refused key":             {&chat.Error{Kind: chat.ErrPermission, Code: "upstream_credentials", UpstreamStatus: 401}, true},
		"no connection":           {&chat.Error{Kind: chat.ErrUpstream, Code: "upstream_unreachable"}, true},
		"fails":                   {&chat.Error{Kind: chat.ErrUpstream, UpstreamStatus: 500}, true},
		"any other error":         {errors.New("x"), true},
	} {
		t.Run(name, func(t *testing.T) {
			n := &Named{Name: "x", Upstream: &checked{err: tc.err}, Failing: Failing{MaxFails: 5, Duration: time.Minute}, Logger: zap.NewNop(), memory: new(memory)}
			n.check(t.Context(), time.Second)
			target := &Target{Named: n}
			if failing, _ := target.state("m", time.Now()); failing != tc.down {
				t.Errorf("passed over: %v", failing)
			}
			n.Upstream = &checked{}
			n.check(t.Context(), time.Second)
			if failing, _ := target.state("m", time.Now()); failing {
				t.Error("it is passed over though it passed its check")
			}
		})
	}
}

// A check that passes does not overrule the failures of calls.
func TestChecksLeaveFailures(t *testing.T) {
	n := &Named{Name: "x", Upstream: &checked{}, Failing: Failing{MaxFails: 1, Duration: time.Minute}, Logger: zap.NewNop(), memory: new(memory)}
	target := &Target{Named: n}
	target.note(t.Context(), "m", &chat.Error{Kind: chat.ErrUpstream, UpstreamStatus: 500}, time.Now())
	n.check(t.Context(), time.Second)
	if failing, _ := target.state("m", time.Now()); !failing {
		t.Error("the check made a failing target healthy")
	}
	if failing, _ := target.state("other", time.Now()); failing {
		t.Error("another model fails too")
	}
}

// Checks end with the configuration.
func TestChecksEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := &checked{calls: make(chan struct{})}
	n := &Named{Name: "x", Upstream: c, Logger: zap.NewNop(), memory: new(memory)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		n.keepChecking(ctx, time.Millisecond)
	}()
	<-c.calls
	<-c.calls
	cancel()
	select {
	case <-ended:
	case <-c.calls: // the one that had begun
		<-ended
	}
}
