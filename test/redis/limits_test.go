//go:build unix

package redis

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const (
	failed   = "the store of limits failed"
	away     = "the store of limits does not answer"
	returned = "the store of limits answers again"
)

// A limit that two gateways share holds within 2 % over the whole run, debt included, whatever comes.
func TestASharedLimitHolds(t *testing.T) {
	store := "limits_store redis " + os.Getenv("LIMITS_REDIS_URL")
	if os.Getenv("LIMITS_REDIS_CLUSTER") != "" {
		store += " {\n\t\t\tcluster\n\t\t}"
	} else {
		port := gatewaytest.FreePort(t)
		gatewaytest.StartRedis(t, port)
		store = fmt.Sprintf("limits_store redis redis://127.0.0.1:%d", port)
	}
	f := newFleet(t, 2, store)
	const long = 15 * time.Second
	begun := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), long)
	defer cancel()
	l := f.ask(ctx)
	l.check(t)
	// The bucket was full, and has been filled for as long as calls began.
	allowed := limitTokens * (1 + min(time.Since(begun), long+100*time.Millisecond).Seconds())
	// What the store could not say in 50 ms was counted by one gateway alone.
	late := 0
	for _, g := range f.gateways {
		late += g.Logged(t, failed)
		if n := g.Logged(t, away); n > 0 {
			t.Errorf("the store was away %d times:\n%s", n, g.Lines(t, "limits_store"))
		}
	}
	given := float64(f.given.Load())
	t.Logf("%.0f tokens were given, %.0f allowed: %+.2f %%; the store was late %d times", given, allowed, (given/allowed-1)*100, late)
	if allowance := allowed*1.02 + float64(late)*1220; given > allowance || given < allowed*0.9 {
		t.Errorf("%.0f tokens were given; the limit allows %.0f", given, allowed)
	}
}

// Whatever becomes of Redis, no request hangs or fails by it, and during an outage each gateway gives the limit at most.
func TestRedisIsKilledAndPaused(t *testing.T) {
	port := gatewaytest.FreePort(t)
	server := gatewaytest.StartRedis(t, port)
	f := newFleet(t, 2, fmt.Sprintf("limits_store redis redis://127.0.0.1:%d", port))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan *load)
	go func() { result <- f.ask(ctx) }()

	// during returns what was given from now until as long after.
	during := func(what string, shares float64, long time.Duration) {
		t.Helper()
		begun, before := time.Now(), f.given.Load()
		time.Sleep(long) // under load
		given, allowed := float64(f.given.Load()-before), shares*limitTokens*(1+time.Since(begun).Seconds())
		t.Logf("%s: %.0f tokens in %v, at most %.0f allowed", what, given, long, allowed)
		if given > allowed*1.05 || given < allowed/10 {
			t.Errorf("%s: %.0f tokens were given in %v; %.0f are allowed", what, given, long, allowed)
		}
	}
	comesBack := func(times int) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			back := 0
			for _, g := range f.gateways {
				if g.Logged(t, returned) >= times {
					back++
				}
			}
			if back == len(f.gateways) {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%d gateways have noticed that Redis is back", back)
			}
		}
	}
	during("Redis answers", 1, 2*time.Second)
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	during("Redis was killed", 2, 4*time.Second)
	server = gatewaytest.StartRedis(t, port)
	comesBack(1)
	during("Redis was started again", 1, 3*time.Second)
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	during("Redis is paused", 2, 5*time.Second)
	if err := server.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	comesBack(2)
	during("Redis goes on", 1, 3*time.Second)
	cancel()
	(<-result).check(t)
	for i, g := range f.gateways {
		if n, m := g.Logged(t, away), g.Logged(t, returned); n != m || n < 2 {
			t.Errorf("gateway %d: %d outages logged, and %d returns", i+1, n, m)
		}
	}
}
