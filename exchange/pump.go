package exchange

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// flushAt is how much is gathered before it is written though more can be read without waiting.
const flushAt = 32 << 10

// pump relays a stream: frames in, the client's form out, flushed before every wait. It returns when the reply is
// whole, and panics with http.ErrAbortHandler when it is not, after an error event in the client's dialect: a connection
// that ends as it should looks like success to a client that does not read errors.
func (c *Call) pump(a *attempt) {
	a.call.Body, c.raw, c.Body, c.turn = nil, nil, chat.Body{}, turn{} // a request may be large, a stream long
	c.releaseBody()
	c.giveBack()
	enc := c.Out.NewStreamEncoder(a.x)
	if c.form.Native && strings.HasPrefix(enc.ContentType(), "text/event-stream") {
		enc = &invokeEncoder{StreamEncoder: enc}
	}
	c.setHeaders(a)
	h := c.w.Header()
	h["Content-Type"] = contentType(enc.ContentType())
	h["Cache-Control"] = noCache
	trailer := c.engine.CostHeader && strings.Contains(c.r.Header.Get("Te"), "trailers")
	if trailer {
		h["Trailer"] = []string{costHeader}
	}
	c.Record.Status = http.StatusOK
	c.w.WriteHeader(http.StatusOK)

	p := &c.watch
	p.w, p.rc, p.ping, p.keepAlive = c.w, *http.NewResponseController(c.w), enc.KeepAlive, c.engine.KeepAlive
	p.begin()
	defer p.end()
	c.engine.Process.streams.Add(1)
	defer c.engine.Process.streams.Add(-1)
	err := c.relay(a, enc, p)
	c.note(a.x)
	if err == nil {
		if trailer {
			c.costHeader(h)
		}
		return
	}
	e := c.streamError(a, err)
	c.Record.Err = e
	if e == errClientGone {
		c.Record.Status = statusClientGone
		return
	}
	c.logFailure("stream broke", e.Upstream, a.x.TargetModel, e, nextCut)
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

// closing ends a payload that is whole: one that goes into another transport must be.
var closing = []byte("}")

// relay moves the frames. Whatever it returns, the client has been sent everything that came, and the error event if the
// stream is not whole.
func (c *Call) relay(a *attempt, enc chat.StreamEncoder, p *watchdog) error {
	dec := a.call.Dialect.NewStreamDecoder(a.x)
	raw := c.relays(a)
	// The upstream's bytes can be the client's where their transports are the same; else only its payloads can.
	sse := strings.HasPrefix(a.reply.Header.Get("Content-Type"), "text/event-stream")
	asIs := raw && sse == strings.HasPrefix(enc.ContentType(), "text/event-stream")
	skim, _ := dec.(chat.Skimmer)
	if c.said != nil || !raw {
		skim = nil // what is written must be read
	}
	var names naming
	if raw {
		names = c.namingOf(a)
	}
	buf := getBuffer()
	defer func() { putBuffer(buf) }()
	var follower chat.Follower
	if asIs {
		follower, _ = enc.(chat.Follower)
	}
	if asIs && skim != nil && follower == nil {
		a.reply.Glance(skim.OnlyContent)
	}
	ended := false // the upstream's terminal event was passed on
	keeps := c.keep != nil && (c.keptThere(a) || c.stores())
	if m, ok := enc.(interface{ Marks() []byte }); ok && keeps {
		c.keep.marks = m.Marks
	}
	taken := false
	for {
		f, err := a.reply.Next()
		if buf == nil {
			buf = getBuffer()
		}
		events := buf.events[:0]
		c.pieces++
		if !taken {
			p.take()
			taken = true
		}
		sent := names.owned(&f)
		if follower != nil && err == nil && f.Payload != nil {
			follower.Follow(sent.Name, sent.Payload)
		}
		skimmed := skim != nil && (asIs || bytes.HasSuffix(f.Payload, closing)) && skim.OnlyContent(f.Name, f.Payload)
		if err == nil && f.Payload != nil && !skimmed {
			if events, err = dec.Decode(events[:0], f.Name, f.Payload); err != nil && asIs && !reported(err) {
				a.x.Note("a chunk of the upstream's stream cannot be read; it was relayed as it is")
				err = nil
			}
		}
		buf.events = events
		from := len(buf.b)
		for i := range events {
			e := &events[i]
			c.Record.Observe(e)
			c.said.Event(e)
			ended = ended || e.Kind == chat.EventEnd
			if !raw {
				buf.b = enc.Encode(buf.b, e)
			}
		}
		switch {
		case !raw, a.hidesUsage && onlyUsage(events):
		case asIs:
			buf.b = names.frame(buf.b, &sent, sse)
		case err == nil && f.Payload != nil:
			buf.b = appendPayload(buf.b, names.payload(sent.Payload), c.Out.Name() == "claude")
		}
		if keeps && err == nil {
			if err = c.keepFrame(a, p, buf, from, &f, ended); err != nil {
				return err
			}
		}
		if err != nil {
			return c.finish(a, enc, p, buf, dec, ended, asIs && f.Raw != nil && reported(err), err)
		}
		if c.Record.FirstByte == 0 && len(buf.b) > 0 {
			c.Record.FirstByte = time.Since(c.start)
		}
		if len(buf.b) >= flushAt || !a.reply.Buffered() {
			if err := p.write(buf.b); err != nil {
				return errClientGone
			}
			buf.b, taken = buf.b[:0], false
			if ended {
				p.linger()
			}
			if !a.reply.Buffered() { // most of a stream's time is waiting, for which it needs no buffer
				putBuffer(buf)
				buf = nil
			}
		}
	}
}

// finish sends what is left when the frames have ended with err. told: the error's own frame is already in buf.
func (c *Call) finish(a *attempt, enc chat.StreamEncoder, p *watchdog, buf *buffer, dec chat.StreamDecoder, ended, told bool, err error) error {
	whole := ended || errors.Is(err, io.EOF) && dec.Done()
	switch {
	case whole && !ended:
		buf.b = c.complete(a, enc, buf.b, dec)
	case !whole && !told && c.r.Context().Err() == nil:
		buf.b = enc.Error(buf.b, c.streamError(a, err))
	}
	if !ended && c.stores() && !c.keptThere(a) && c.r.Context().Err() == nil {
		var gone error
		if buf.b, gone = c.keepStream(p, buf.b); gone != nil {
			return gone
		}
	}
	if whole {
		p.last(buf.b)
		return nil
	}
	if werr := p.write(buf.b); werr != nil {
		return errClientGone
	}
	return err
}

// complete appends the end of a reply whose upstream said why it stopped and closed the connection in order, without its
// dialect's last event. Servers that imitate OpenAI leave [DONE] out. What that event would have counted stays unknown.
func (c *Call) complete(a *attempt, enc chat.StreamEncoder, dst []byte, dec chat.StreamDecoder) []byte {
	events := []chat.Event{{Kind: chat.EventEnd}}
	if f, ok := dec.(chat.Finisher); ok {
		events = f.Finish(events[:0])
	}
	for i := range events {
		c.Record.Observe(&events[i])
		if !c.relays(a) {
			dst = enc.Encode(dst, &events[i])
		}
	}
	if closer, ok := enc.(chat.Closer); ok && c.relays(a) {
		dst = closer.Close(dst)
	}
	if !c.Record.Usage.Known {
		a.x.Note("the upstream's stream ended without its last event and without usage; the reply is whole, its tokens are not counted")
	}
	return dst
}

// reported reports whether the upstream itself sent the error; false for an error in reading what it sent.
func reported(err error) bool {
	var e *chat.Error
	return errors.As(err, &e) && !e.Garbled
}

// onlyUsage reports whether a frame said nothing but the usage.
func onlyUsage(events []chat.Event) bool {
	return len(events) == 1 && events[0].Kind == chat.EventUsage
}

// streamError returns the error that the client gets for a stream that ended too early.
func (c *Call) streamError(a *attempt, err error) *chat.Error {
	var e *chat.Error
	switch {
	case c.r.Context().Err() != nil, errors.Is(err, errClientGone):
		return errClientGone
	case errors.As(c.givenUp(a.ctx, err), &e):
	default:
		e = &chat.Error{Kind: chat.ErrUpstream, Code: "stream_broken", Message: "the upstream's stream broke before its end; the reply is not whole", Cause: err}
	}
	if e.Upstream == "" {
		e.Upstream = a.target.Name
	}
	return e
}
