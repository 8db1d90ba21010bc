package handler

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const (
	// flushAt is how much is gathered before it is written though more can be read without waiting.
	flushAt = 32 << 10
	// lingerTime is how long an upstream may take to end its transport after its terminal event. Its end frees the
	// connection for the next call; the client has everything by then.
	lingerTime = time.Second
)

var (
	errIdle   = errors.New("the upstream's stream fell silent")
	errLinger = errors.New("the upstream did not end its stream")
)

// pump relays a stream: frames in, the client's form out, flushed before every wait. It returns when the reply is
// whole, and panics with http.ErrAbortHandler when it is not, having told the client so in its dialect: a connection
// that ends as it should looks like success to a client that does not read errors.
func (c *call) pump(a *attempt, cancel context.CancelCauseFunc) {
	a.call.Body, c.body = nil, chat.Body{} // a request may be large, a stream long
	enc := c.out.NewStreamEncoder(a.x)
	if c.form.native && strings.HasPrefix(enc.ContentType(), "text/event-stream") {
		enc = &invokeEncoder{StreamEncoder: enc}
	}
	c.setHeaders(a)
	h := c.w.Header()
	h["Content-Type"] = contentType(enc.ContentType())
	h["Cache-Control"] = noCache
	c.rec.Status = http.StatusOK
	c.w.WriteHeader(http.StatusOK)

	p := &c.pulse
	p.w, p.rc, p.cancel, p.ping = c.w, *http.NewResponseController(c.w), cancel, enc.KeepAlive
	p.idle, p.keepAlive = c.g.StreamIdleTimeout, c.g.KeepAlive
	p.begin()
	defer p.end()
	err := c.relay(a, enc, p)
	c.note(a.x)
	if err == nil {
		return
	}
	e := c.streamError(a, err)
	c.rec.Err = e
	if e == errClientGone {
		c.rec.Status = statusClientGone
		return
	}
	c.g.Logger.Warn("stream broke", zap.String("request_id", c.rec.RequestID), zap.String("upstream", e.Upstream),
		zap.String("model", a.x.TargetModel), zap.String("upstream_error", e.Type), zap.Error(e))
	panic(http.ErrAbortHandler)
}

var (
	noCache = []string{"no-cache"}
	sseType = []string{"text/event-stream; charset=utf-8"}
)

// contentType is the header's value; the commonest is made once.
func contentType(mediaType string) []string {
	if mediaType == sseType[0] {
		return sseType
	}
	return []string{mediaType}
}

// relay moves the frames. Whatever it returns, the client has been sent everything that came, and the error event if the
// stream is not whole.
func (c *call) relay(a *attempt, enc chat.StreamEncoder, p *pulse) error {
	dec := a.call.Dialect.NewStreamDecoder(a.x)
	raw := c.relays(a)
	// The upstream's bytes can be the client's where their transports are the same; else only its payloads can.
	asIs := raw && strings.HasPrefix(a.reply.Header.Get("Content-Type"), "text/event-stream") == strings.HasPrefix(enc.ContentType(), "text/event-stream")
	buf := getBuffer()
	defer putBuffer(buf)
	events := buf.events[:0]
	defer func() { buf.events = events }()
	ended := false // the upstream's terminal event was passed on
	for {
		f, err := a.reply.Next()
		if err == nil && f.Payload != nil {
			if events, err = dec.Decode(events[:0], f.Name, f.Payload); err != nil && raw && !reported(err) {
				a.x.Note("a chunk of the upstream's stream cannot be read; it was relayed as it is")
				err = nil
			}
		}
		for i := range events {
			e := &events[i]
			c.rec.see(e)
			ended = ended || e.Kind == chat.EventEnd
			if !raw {
				buf.b = enc.Encode(buf.b, e)
			}
		}
		switch {
		case !raw, a.hidesUsage && onlyUsage(events):
		case asIs:
			buf.b = append(buf.b, f.Raw...)
		case err == nil && f.Payload != nil:
			buf.b = appendPayload(buf.b, f.Payload, c.out.Name() == "claude")
		}
		events = events[:0]
		if err != nil {
			return c.finish(a, enc, p, buf, dec, ended, asIs && f.Raw != nil && reported(err), err)
		}
		if c.rec.FirstByte == 0 && len(buf.b) > 0 {
			c.rec.FirstByte = time.Since(c.start)
		}
		if len(buf.b) >= flushAt || !a.reply.Buffered() {
			if err := p.write(buf.b); err != nil {
				return errClientGone
			}
			buf.b = buf.b[:0]
			if ended {
				p.linger()
			}
		}
	}
}

// finish sends what is left when the frames have ended with err. told tells that the error's own frame is already in buf.
func (c *call) finish(a *attempt, enc chat.StreamEncoder, p *pulse, buf *buffer, dec chat.StreamDecoder, ended, told bool, err error) error {
	whole := ended || errors.Is(err, io.EOF) && dec.Done()
	switch {
	case whole && !ended && !c.relays(a):
		// The upstream gave its reason to stop and ended, without the last formality.
		buf.b = enc.Encode(buf.b, &chat.Event{Kind: chat.EventEnd})
	case !whole && !told && c.r.Context().Err() == nil:
		buf.b = enc.Error(buf.b, c.streamError(a, err))
	}
	if werr := p.write(buf.b); werr != nil && !whole {
		return errClientGone
	}
	if whole {
		return nil
	}
	return err
}

// reported tells whether an error is one that the upstream told of, not one in reading what it sent.
func reported(err error) bool {
	var e *chat.Error
	return errors.As(err, &e) && !e.Garbled
}

// onlyUsage tells whether a frame said nothing but the usage.
func onlyUsage(events []chat.Event) bool {
	return len(events) == 1 && events[0].Kind == chat.EventUsage
}

// streamError makes of what ended a stream too early what the client is told.
func (c *call) streamError(a *attempt, err error) *chat.Error {
	var e *chat.Error
	switch {
	case c.r.Context().Err() != nil, errors.Is(err, errClientGone):
		return errClientGone
	case errors.As(err, &e):
	case errors.Is(context.Cause(c.ctx), errIdle):
		e = &chat.Error{Kind: chat.ErrTimeout, Code: "stream_idle_timeout", Message: fmt.Sprintf("the upstream's stream was silent for %s and was given up", c.g.StreamIdleTimeout), Cause: err}
	default:
		e = &chat.Error{Kind: chat.ErrUpstream, Code: "stream_broken", Message: "the upstream's stream broke before its end; the reply is not whole", Cause: err}
	}
	if e.Upstream == "" {
		e.Upstream = a.target.Name
	}
	return e
}

// pulse watches over a stream's silences: it tells a waiting client that the stream lives, and gives up an upstream that
// says nothing for too long. One timer does both; its lock is held per write, so it is all but never contended.
type pulse struct {
	w         http.ResponseWriter
	rc        http.ResponseController
	idle      time.Duration
	keepAlive time.Duration
	cancel    context.CancelCauseFunc
	ping      func(dst []byte) []byte // appends what fills a silence

	mu      sync.Mutex
	timer   *time.Timer
	read    time.Time // when the upstream was last heard
	written time.Time // when the client was last sent something
	ending  bool
	over    bool
}

// begin sends the head and starts the watch.
func (p *pulse) begin() {
	now := time.Now()
	p.read, p.written = now, now
	_ = p.rc.Flush()
	if d := p.due(now); d > 0 {
		p.mu.Lock()
		p.timer = time.AfterFunc(d, p.tick)
		p.mu.Unlock()
	}
}

// due is how long it is until something is to be done; 0 if nothing ever is. The caller holds the lock, or is alone.
func (p *pulse) due(now time.Time) time.Duration {
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

func (p *pulse) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over {
		return
	}
	now := time.Now()
	switch {
	case p.ending:
		p.cancel(errLinger)
		return
	case p.idle > 0 && now.Sub(p.read) >= p.idle:
		p.cancel(errIdle)
		return
	case p.keepAlive > 0 && now.Sub(p.written) >= p.keepAlive:
		p.written = now
		if ping := p.ping(nil); len(ping) > 0 {
			if _, err := p.w.Write(ping); err == nil {
				_ = p.rc.Flush()
			}
		}
	}
	p.timer.Reset(p.due(now))
}

// write sends at once what the upstream said, which may be nothing for the client.
func (p *pulse) write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
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

// linger gives the upstream a moment to end its transport.
func (p *pulse) linger() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ending {
		return
	}
	p.ending = true
	if p.timer == nil {
		p.timer = time.AfterFunc(lingerTime, p.tick)
		return
	}
	p.timer.Reset(lingerTime)
}

// end stops the watch; nothing is written after it returns.
func (p *pulse) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	if p.timer != nil {
		p.timer.Stop()
	}
}
