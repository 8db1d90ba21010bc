package credentials

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

const (
	// refreshTimeout bounds one refresh, with all its roles and retries.
	refreshTimeout = 20 * time.Second

	// maxWindow is how long before their expiry credentials are renewed, at most; short-lived ones are renewed when a
	// quarter of their life is left. ECS and EC2 renew theirs five minutes before expiry, so asking earlier has no use.
	maxWindow = 5 * time.Minute

	// minInterval between refreshes: a source that returns nearly expired credentials is not asked all the time.
	minInterval = 250 * time.Millisecond

	// maxBackoff between failing background refreshes. Without valid credentials, requests wait for nothing longer than
	// maxFailed: until then they get the last error at once.
	maxBackoff = 30 * time.Second
	maxFailed  = 2 * time.Second

	// forcedInterval is how young credentials must be for a forced refresh to leave them: requests that were refused
	// together then lead to one refresh.
	forcedInterval = 2 * time.Second

	// extension of an instance's credentials while its metadata service fails: AWS accepts them past their expiry then.
	// https://docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html
	extension = 10 * time.Minute
)

var errStatic = errors.New("static credentials cannot be refreshed")

// snapshot is one answer of the source. It never changes.
type snapshot struct {
	creds     aws.Credentials
	refreshAt time.Time
	expires   time.Time
}

// cache keeps the credentials of one settings. It is shared by every Provider with the same settings, over reloads.
type cache struct {
	settings *settings
	get      func(context.Context) (aws.Credentials, error)
	now      func() time.Time

	current atomic.Pointer[snapshot]

	mu        sync.Mutex
	flight    *flight // the refresh under way, if any: never more than one
	succeeded time.Time
	failures  int
	failed    error     // of the last refresh; nil if it succeeded
	retryAt   time.Time // no refresh before that, unless forced
	timer     *time.Timer
	closed    bool
}

type flight struct {
	done chan struct{} // closed at the end; err is set before
	err  error
}

// refreshedCount and failedCount count the refreshes of this process.
var refreshedCount, failedCount atomic.Int64

// Refreshes returns how often credentials were refreshed in this process, and how often that failed.
func Refreshes() (ok, bad int64) { return refreshedCount.Load(), failedCount.Load() }

func newCache(s *settings) *cache {
	return &cache{settings: s, get: s.retrieve, now: time.Now}
}

// retrieve is on the path of every request: while the credentials are valid it takes no lock and allocates nothing.
func (c *cache) retrieve(ctx context.Context) (aws.Credentials, error) {
	if s := c.current.Load(); s != nil {
		if !s.creds.CanExpire {
			return s.creds, nil
		}
		now := c.now()
		if now.Before(s.refreshAt) {
			return s.creds, nil
		}
		if now.Before(s.expires) {
			c.refreshInBackground()
			return s.creds, nil
		}
	}
	return c.wait(ctx)
}

// wait is for requests that find nothing valid.
func (c *cache) wait(ctx context.Context) (aws.Credentials, error) {
	c.mu.Lock()
	if s := c.current.Load(); s.valid(c.now()) {
		c.mu.Unlock()
		return s.creds, nil
	}
	if c.flight == nil && c.failed != nil && c.now().Before(c.retryAt) {
		defer c.mu.Unlock()
		return aws.Credentials{}, c.failed
	}
	f := c.start()
	c.mu.Unlock()
	if err := f.wait(ctx); err != nil {
		return aws.Credentials{}, err
	}
	return c.current.Load().creds, nil
}

// refreshInBackground starts a refresh, unless one is under way or one failed a moment ago.
func (c *cache) refreshInBackground() {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, now := c.current.Load(), c.now()
	// Another request may have done it since this one looked.
	if s != nil && now.Before(s.refreshAt) || now.Before(c.retryAt) {
		return
	}
	c.start()
}

// force refreshes credentials that AWS has refused, whatever their expiry. An error means that asking AWS again is
// pointless.
func (c *cache) force(ctx context.Context) error {
	if c.settings.base.hasKeys() && len(c.settings.roles) == 0 {
		return &Error{
			Holder: c.settings.holder, Method: c.settings.method(),
			Problem: "AWS has refused the static credentials as expired",
			Hint:    "replace them; prefer a method that renews them: a role, SSO, or web identity",
			err:     errStatic,
		}
	}
	c.mu.Lock()
	// Those that are due for renewal may well be the refused ones, however young.
	s, now := c.current.Load(), c.now()
	if c.flight == nil && c.failed == nil && s != nil && now.Sub(c.succeeded) < forcedInterval && (!s.creds.CanExpire || now.Before(s.refreshAt)) {
		c.mu.Unlock()
		return nil
	}
	if c.flight == nil && c.failed != nil && now.Before(c.retryAt) {
		defer c.mu.Unlock()
		return c.failed
	}
	f := c.start()
	c.mu.Unlock()
	return f.wait(ctx)
}

// start begins a refresh, or joins the one under way. c.mu is held.
func (c *cache) start() *flight {
	if c.flight == nil {
		c.flight = &flight{done: make(chan struct{})}
		go c.refresh(c.flight)
	}
	return c.flight
}

// wait returns how the refresh ended. The refresh goes on when ctx ends: others need it too.
func (f *flight) wait(ctx context.Context) error {
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cache) refresh(f *flight) {
	// Not a request's context: the credentials are for all of them.
	ctx, cancel := context.WithTimeout(context.Background(), refreshTimeout)
	defer cancel()
	creds, err := c.get(ctx)
	now := c.now()
	var s *snapshot
	if err == nil {
		s, err = c.settings.snapshot(creds, now)
	}

	if err == nil {
		refreshedCount.Add(1)
	} else {
		failedCount.Add(1)
	}
	c.mu.Lock()
	if err == nil {
		c.current.Store(s)
		c.succeeded, c.failures, c.failed, c.retryAt = now, 0, nil, time.Time{}
		if creds.CanExpire {
			c.schedule(s.refreshAt.Sub(now))
		}
	} else {
		err = c.failure(err, now)
	}
	c.flight = nil
	c.mu.Unlock()

	f.err = err
	close(f.done)
}

// failure keeps the old credentials while they are valid, and sets when to try again. c.mu is held.
func (c *cache) failure(err error, now time.Time) error {
	c.failures++
	c.failed = err
	wait := min(minInterval<<min(c.failures, 10), maxBackoff)

	s := c.current.Load()
	if s != nil && s.creds.Source == ec2rolecreds.ProviderName && s.expires.Before(now.Add(extension)) {
		longer := *s
		longer.expires = now.Add(extension)
		longer.creds.Expires = longer.expires
		s = &longer
		c.current.Store(s)
	}
	if !s.valid(now) {
		c.retryAt = now.Add(min(wait, maxFailed))
		return err
	}
	c.retryAt = now.Add(wait)
	c.schedule(wait)
	// The logger is looked up now: the one of the config that made this cache may be gone.
	caddy.Log().Named("http.handlers.bedrock_gateway.credentials").Warn("refreshing AWS credentials failed; the old ones stay in use",
		zap.Time("valid_until", s.expires), zap.Duration("retry_in", wait), zap.Error(err))
	return err
}

// schedule sets the one timer for the next refresh in the background. c.mu is held.
func (c *cache) schedule(in time.Duration) {
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.closed {
		c.timer = time.AfterFunc(in, c.refreshInBackground)
	}
}

// Destruct stops the background refreshes; the usage pool calls it when no config uses the cache any more. Requests that
// are still under way keep their credentials.
func (c *cache) Destruct() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	return nil
}

func (s *snapshot) valid(now time.Time) bool {
	return s != nil && (!s.creds.CanExpire || now.Before(s.expires))
}

// snapshot decides when creds, received at now, are renewed and when they expire.
func (s *settings) snapshot(creds aws.Credentials, now time.Time) (*snapshot, error) {
	if !creds.CanExpire {
		return &snapshot{creds: creds}, nil
	}
	left := creds.Expires.Sub(now)
	if left <= 0 {
		if creds.Source != ec2rolecreds.ProviderName {
			return nil, &Error{
				Holder: s.holder, Method: s.method(),
				Problem: "AWS answered with credentials that have already expired",
				Hint:    "set this machine's clock",
				err:     errors.New("expired credentials"),
			}
		}
		left = extension
		creds.Expires = now.Add(left)
	}
	early := min(left/4, maxWindow)
	return &snapshot{creds: creds, expires: creds.Expires, refreshAt: now.Add(max(left-early, minInterval))}, nil
}
