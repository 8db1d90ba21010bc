package exchange

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"
)

// lingerTime is how long an upstream may take to end its transport after its terminal event. Its end frees the connection
// for the next call; the client has everything by then.
const lingerTime = time.Second

// What a watchdog ends an upstream's work with.
var (
	errIdle   = errors.New("the upstream's stream fell silent")
	errSlow   = errors.New("the upstream's reply took too long")
	errLinger = errors.New("the upstream did not end its stream")
)

// watchdog watches the silences of a stream: it sends keep-alives to a waiting client, and cancels an upstream that sends
// nothing for too long. One timer does both. Its lock is held per write, and is hardly ever contended.
type watchdog struct {
	w         http.ResponseWriter
	rc        http.ResponseController
	idle      time.Duration
	cause     error // what silence for as long as idle ends the upstream's work with
	keepAlive time.Duration
	cancel    context.CancelCauseFunc
	ping      func(dst []byte) []byte // appends what fills a silence

	mu      sync.Mutex
	timer   *time.Timer
	read    time.Time // when the upstream was last heard
	written time.Time // when the client was last sent something
	busy    bool      // what the upstream said is on its way to the client
	opening bool      // the upstream's first word, or its next, is waited for outside of a begun stream
	begun   bool
	ending  bool
	over    bool
}

// await watches over a wait for the upstream before the stream has begun, or for a whole reply: the upstream's work is
// cancelled with the cause when the wait takes as long as idle; 0 is no limit. awaited must follow; both may be called
// again and again.
func (p *watchdog) await(idle time.Duration, cause error, cancel context.CancelCauseFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle, p.cause, p.cancel = idle, cause, cancel
	if idle > 0 {
		p.opening, p.read = true, time.Now()
		p.wake(idle)
	}
}

// awaited ends the watch that await began.
func (p *watchdog) awaited() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.opening = false
	if p.timer != nil {
		p.timer.Stop()
	}
}

// begin starts the watch over the stream. The head goes out with the first frame, which is at hand.
func (p *watchdog) begin() {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.read, p.written, p.begun, p.cause = now, now, true, errIdle
	if d := p.due(now); d > 0 {
		p.wake(d)
	}
}

// wake lets tick run after d. The caller holds the lock.
func (p *watchdog) wake(d time.Duration) {
	if p.timer == nil {
		p.timer = time.AfterFunc(d, p.tick)
		return
	}
	p.timer.Reset(d)
}

// due is how long it is until something is to be done; 0 if nothing ever is. The caller holds the lock.
func (p *watchdog) due(now time.Time) time.Duration {
	var d time.Duration
	if p.idle > 0 {
		d = max(p.idle-now.Sub(p.read), time.Millisecond)
	}
	if p.keepAlive > 0 {
		if k := max(p.keepAlive-now.Sub(p.written), time.Millisecond); d == 0 || k < d {
			d = k
		}
	}
	return d
}

func (p *watchdog) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || !p.begun && !p.opening { // this tick was under way when it was stopped
		return
	}
	now := time.Now()
	switch {
	case p.ending:
		p.cancel(errLinger)
		return
	case p.idle > 0 && now.Sub(p.read) >= p.idle:
		p.cancel(p.cause)
		return
	case p.begun && p.keepAlive > 0 && now.Sub(p.written) >= p.keepAlive && !p.busy:
		p.written = now
		if ping := p.ping(nil); len(ping) > 0 {
			if _, err := p.w.Write(ping); err == nil {
				_ = p.rc.Flush()
			}
		}
	}
	p.timer.Reset(p.due(now))
}

// last writes the end of a whole stream: the server sends it, with the end of its own, when the handler returns.
func (p *watchdog) last(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(b) > 0 {
		_, _ = p.w.Write(b) // a client that left has all that it wanted
	}
}

// take says that the upstream was heard: until write, nothing else is written.
func (p *watchdog) take() {
	p.mu.Lock()
	p.busy = true
	p.mu.Unlock()
}

// write sends at once what the upstream said, which may be nothing for the client.
func (p *watchdog) write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy = false
	if len(b) == 0 {
		p.read = time.Now()
		return nil
	}
	if _, err := p.w.Write(b); err != nil {
		return err
	}
	err := p.rc.Flush()
	p.read = time.Now() // behind the write: a slow client is not a silent upstream
	p.written = p.read
	return err
}

// linger allows the upstream a moment to end its transport.
func (p *watchdog) linger() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return
	}
	p.ending = true
	p.wake(lingerTime)
}

// end stops the watch; nothing is written after it returns.
func (p *watchdog) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
