package exchange

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const mb = 1_000_000

// bounded returns an engine whose callers are named by the header X-Caller.
func bounded(maxBuffered, maxBody int64) *Engine {
	return New(Config{
		MaxBody: maxBody, MaxBuffered: maxBuffered,
		CallerKey: func(r *http.Request) string { return r.Header.Get("X-Caller") },
	})
}

func from(caller string, body io.Reader) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", body)
	r.ContentLength = -1
	r.Header.Set("X-Caller", caller)
	return r
}

func refusedFor(err error, code string) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return ok && e.Code == code && e.StatusCode() == http.StatusServiceUnavailable && e.RetryAfter > 0
}

func TestBodiesOfAllRequestsShareABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		en := bounded(100*mb, 25*mb)
		var all [4]held
		for i := range all {
			if err := en.hold(from(string(rune('a'+i)), nil), &all[i], 25*mb); err != nil {
				t.Fatal(i, err)
			}
		}
		start := time.Now()
		var late held
		err := en.hold(from("late", nil), &late, mb)
		if waited := time.Since(start); !refusedFor(err, "too_much_buffered") || waited != holdWait {
			t.Fatalf("after %s: %v", waited, err)
		}
		go func() {
			time.Sleep(time.Second) // of the bubble's clock
			all[0].release()
		}()
		start = time.Now()
		if err := en.hold(from("late", nil), &late, mb); err != nil || time.Since(start) != time.Second {
			t.Errorf("memory given back after 1s: %v after %s", err, time.Since(start))
		}
		for i := range all {
			all[i].release()
			all[i].release() // a call's end may come twice
		}
		late.release()
		if n := en.Process.Memory.used.Load(); n != 0 || len(en.Process.Memory.callers) != 0 {
			t.Errorf("%d bytes and %d callers are left", n, len(en.Process.Memory.callers))
		}
	})
}

func TestOneCallerHoldsAQuarterButAlwaysOneBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct{ all, body, fits int64 }{{100 * mb, 5 * mb, 25 * mb}, {30 * mb, 25 * mb, 25 * mb}} {
			en := bounded(c.all, c.body)
			var first, second, other held
			if err := en.hold(from("a", nil), &first, c.fits-mb); err != nil {
				t.Fatal(err)
			}
			if err := en.hold(from("a", nil), &second, 2*mb); !refusedFor(err, "too_much_buffered") {
				t.Errorf("%+v: a caller got more than its share: %v", c, err)
			}
			if err := en.hold(from("b", nil), &other, 2*mb); err != nil {
				t.Errorf("%+v: another caller got nothing: %v", c, err)
			}
			// What is made of the only body of a caller is its own, too.
			if err := en.hold(from("a", nil), &first, mb); err != nil {
				t.Errorf("%+v: %v", c, err)
			}
		}
	})
}

// A length is a claim: what counts is what came.
func TestAnnouncedLengthsHoldNothing(t *testing.T) {
	en := bounded(100*mb, 25*mb)
	for range 1000 {
		r := from("a", strings.NewReader("{}"))
		r.ContentLength = 25 * mb
		var h held
		_, _ = en.readBody(r, &h, new(lender))
		if h.n > firstRead {
			t.Fatalf("%d bytes are held for 2", h.n)
		}
		h.release()
	}
	if n := en.Process.Memory.used.Load(); n != 0 {
		t.Errorf("%d bytes are left", n)
	}
}

func TestABodyIsCountedAsItArrives(t *testing.T) {
	en := bounded(100*mb, 25*mb)
	var h held
	body, err := en.readBody(from("a", strings.NewReader(strings.Repeat("x", 3*mb))), &h, new(lender))
	if err != nil || len(body) != 3*mb || h.n < 3*mb || h.n > 6*mb+2*secondRead {
		t.Fatalf("%d bytes read, %d held, %v", len(body), h.n, err)
	}
	if en.Process.Memory.callers["a"] != h.n {
		t.Errorf("the caller holds %d", en.Process.Memory.callers["a"])
	}
	h.release()
}

// Small requests, nearly all, take no lock and make nothing.
func TestHoldingASmallBodyDoesNotAllocate(t *testing.T) {
	en, r := bounded(100*mb, 25*mb), from("a", nil)
	if n := testing.AllocsPerRun(100, func() {
		var h held
		_ = en.hold(r, &h, 4<<10)
		h.release()
	}); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}
