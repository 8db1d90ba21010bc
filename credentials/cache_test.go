package credentials

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
)

// bench is a cache with a clock that stands still, and a source that the test answers for.
type bench struct {
	*cache
	t     *testing.T
	clock atomic.Int64 // Unix nanoseconds
	asked chan chan answer
}

type answer struct {
	creds aws.Credentials
	err   error
}

func newBench(t *testing.T) *bench {
	b := &bench{t: t, asked: make(chan chan answer, 100)}
	b.clock.Store(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano())
	b.cache = newCache(&settings{holder: `upstream "eu"`, region: "us-east-1"})
	b.now = func() time.Time { return time.Unix(0, b.clock.Load()) }
	b.get = func(context.Context) (aws.Credentials, error) {
		c := make(chan answer)
		b.asked <- c
		a := <-c
		return a.creds, a.err
	}
	t.Cleanup(func() { _ = b.Destruct() })
	return b
}

// answer waits for a refresh to begin, and answers it.
func (b *bench) answer(id string, life time.Duration, err error) {
	b.t.Helper()
	select {
	case c := <-b.asked:
		c <- answer{b.creds(id, life), err}
	case <-time.After(10 * time.Second):
		b.t.Fatal("no refresh began")
	}
}

func (b *bench) creds(id string, life time.Duration) aws.Credentials {
	return aws.Credentials{AccessKeyID: id, SecretAccessKey: "s", CanExpire: true, Expires: b.now().Add(life)}
}

func (b *bench) pass(d time.Duration) { b.clock.Add(int64(d)) }

// settle waits for the refresh under way, if any.
func (b *bench) settle() {
	b.mu.Lock()
	f := b.flight
	b.mu.Unlock()
	if f != nil {
		<-f.done
	}
}

// expect retrieves without allowing it to wait for the source.
func (b *bench) expect(id string) {
	b.t.Helper()
	c, err := b.retrieve(b.t.Context())
	if err != nil || c.AccessKeyID != id {
		b.t.Fatalf("got %s, %v; want %s", c.AccessKeyID, err, id)
	}
}

// first fills the cache.
func (b *bench) first(id string, life time.Duration) {
	b.t.Helper()
	done := make(chan error)
	go func() { _, err := b.retrieve(b.t.Context()); done <- err }()
	b.answer(id, life, nil)
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) noRefresh() {
	b.t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.flight != nil || len(b.asked) > 0 {
		b.t.Fatal("a refresh is under way")
	}
}

func TestRefreshInBackground(t *testing.T) {
	b := newBench(t)
	b.first("one", time.Hour)
	b.pass(55*time.Minute - time.Second)
	b.expect("one")
	b.noRefresh()

	b.pass(2 * time.Second) // five minutes are left
	for range 50 {
		b.expect("one") // while the refresh is under way
	}
	b.answer("two", time.Hour, nil)
	b.settle()
	b.expect("two")
	b.noRefresh()
}

func TestOneRefreshForAllWhoWait(t *testing.T) {
	b := newBench(t)
	var done sync.WaitGroup
	var got [50]string
	for i := range got {
		done.Go(func() {
			c, err := b.retrieve(t.Context())
			got[i] = fmt.Sprint(c.AccessKeyID, err)
		})
	}
	b.answer("one", time.Hour, nil)
	done.Wait()
	for _, g := range got {
		if g != "one<nil>" {
			t.Fatalf("got %s", g)
		}
	}
	b.noRefresh()
}

func TestFailedRefreshKeepsTheOldOnes(t *testing.T) {
	b := newBench(t)
	broken := errors.New("broken")
	b.first("one", time.Hour)
	b.pass(56 * time.Minute)
	b.expect("one")
	b.answer("", 0, broken)
	b.settle()
	b.expect("one")
	b.noRefresh() // the next try has to wait

	b.pass(minInterval << 1)
	b.expect("one")
	b.answer("", 0, broken)
	b.settle()
	b.expect("one")

	b.pass(3 * time.Minute)
	b.expect("one")
	b.answer("two", time.Hour, nil)
	b.settle()
	b.expect("two")
}

func TestErrorIsRememberedForAMoment(t *testing.T) {
	b := newBench(t)
	broken := errors.New("broken")
	done := make(chan error)
	go func() { _, err := b.retrieve(t.Context()); done <- err }()
	b.answer("", 0, broken)
	if err := <-done; err != broken {
		t.Fatalf("got %v", err)
	}
	for range 50 { // requests that come in a burst do not each ask AWS
		if _, err := b.retrieve(t.Context()); err != broken {
			t.Fatalf("got %v", err)
		}
	}
	b.noRefresh()
	b.pass(maxFailed)
	b.first("one", time.Hour)
}

func TestExpiredCredentialsAreNotServed(t *testing.T) {
	b := newBench(t)
	b.first("one", time.Hour)
	b.pass(time.Hour)
	done := make(chan error)
	go func() { _, err := b.retrieve(t.Context()); done <- err }()
	b.answer("", 0, errors.New("broken"))
	if err := <-done; err == nil || err.Error() != "broken" {
		t.Fatalf("got %v", err)
	}
}

func TestCredentialsThatComeExpired(t *testing.T) {
	b := newBench(t)
	done := make(chan error)
	go func() { _, err := b.retrieve(t.Context()); done <- err }()
	b.answer("old", -time.Minute, nil)
	err := <-done
	if e, ok := err.(*Error); !ok || e.Problem != "AWS answered with credentials that have already expired" || e.Hint != "set this machine's clock" {
		t.Fatalf("got %v", err)
	}
}

// TestInstanceCredentialsOutliveTheirService follows the SDKs' static stability: while the metadata service fails,
// expired instance credentials are used on.
func TestInstanceCredentialsOutliveTheirService(t *testing.T) {
	b := newBench(t)
	life := time.Hour
	b.get = func(context.Context) (aws.Credentials, error) {
		c := b.creds("instance", life)
		c.Source = ec2rolecreds.ProviderName
		if life == 0 {
			return aws.Credentials{}, errors.New("metadata service is down")
		}
		return c, nil
	}
	b.expect("instance")
	life = 0
	b.pass(59 * time.Minute)
	b.expect("instance")
	b.settle()
	b.pass(5 * time.Minute)
	b.expect("instance")
	b.settle()

	life = -time.Minute // the service is back, with credentials that have expired
	b.pass(time.Hour)
	b.expect("instance")
}

func TestForcedRefresh(t *testing.T) {
	b := newBench(t)
	b.first("one", time.Hour)
	if err := b.force(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.noRefresh() // they are too young to be the refused ones

	b.pass(time.Minute)
	var done sync.WaitGroup
	var failed atomic.Int32
	for range 50 {
		done.Go(func() {
			if b.force(t.Context()) != nil {
				failed.Add(1)
			}
		})
	}
	b.answer("two", time.Hour, nil)
	done.Wait()
	b.noRefresh()
	b.expect("two")
	if n := failed.Load(); n != 0 {
		t.Errorf("%d failed", n)
	}

	b.pass(time.Minute)
	result := make(chan error)
	go func() { result <- b.force(t.Context()) }()
	b.answer("", 0, errors.New("broken"))
	if err := <-result; err == nil {
		t.Error("a failed refresh gives no error")
	}
	if err := b.force(t.Context()); err == nil || err.Error() != "broken" {
		t.Errorf("right after a failed refresh: %v", err)
	}
	b.noRefresh()
	b.expect("two")
}

// TestForcedRefreshOfCredentialsThatAreDue: short-lived credentials are refused within the interval in which a forced
// refresh leaves young ones alone.
func TestForcedRefreshOfCredentialsThatAreDue(t *testing.T) {
	b := newBench(t)
	b.first("one", forcedInterval)
	b.pass(forcedInterval * 9 / 10)
	result := make(chan error)
	go func() { result <- b.force(t.Context()) }()
	b.answer("two", time.Hour, nil)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	b.expect("two")
}

func TestStaticCredentialsCannotBeRefreshed(t *testing.T) {
	b := newBench(t)
	b.settings.base.static = aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}
	b.get = b.settings.retrieve
	b.expect("a")
	b.pass(10000 * time.Hour)
	b.expect("a")
	err := b.force(t.Context())
	if !errors.Is(err, errStatic) || ClientMessage(err) != `the gateway has no valid AWS credentials for upstream "eu": AWS has refused the static credentials as expired; its log says more` {
		t.Errorf("got %v", err)
	}
}

func TestWaitingEndsWithTheRequest(t *testing.T) {
	b := newBench(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { _, err := b.retrieve(ctx); done <- err }()
	c := <-b.asked
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	c <- answer{b.creds("one", time.Hour), nil} // the refresh goes on, for the next request
	b.settle()
	b.expect("one")
}

// TestIdleProviderStaysWarm has no request near the expiry: the timer alone renews.
func TestIdleProviderStaysWarm(t *testing.T) {
	b := newBench(t)
	b.now = time.Now
	b.first("one", 300*time.Millisecond)
	b.answer("two", time.Hour, nil)
	b.settle()
	b.expect("two")
}

func TestNoBackgroundRefreshAfterDestruct(t *testing.T) {
	b := newBench(t)
	if err := b.Destruct(); err != nil {
		t.Fatal(err)
	}
	b.first("one", time.Hour) // a request that is still under way is served
	if b.timer != nil {
		t.Error("a timer was set")
	}
}

func TestRetrieveAllocatesNothing(t *testing.T) {
	b := newBench(t)
	b.first("one", time.Hour)
	ctx := t.Context()
	if n := testing.AllocsPerRun(1000, func() { _, _ = b.retrieve(ctx) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRetrieve(b *testing.B) {
	c := newCache(&settings{})
	c.get = func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b", CanExpire: true, Expires: time.Now().Add(time.Hour)}, nil
	}
	defer c.Destruct()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.retrieve(context.Background()); err != nil {
				b.Error(err)
			}
		}
	})
}
