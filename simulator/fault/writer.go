package fault

import (
	"context"
	"errors"
	"net/http"
	"time"
)

// ErrEnded is returned by Writer.Write once the body has been ended early by CutClean; the handler just returns.
var ErrEnded = errors.New("the body was ended by a fault")

// Writer is an http.ResponseWriter on which a Spec's faults of the wire happen: cut, cutclean, corrupt, and, through
// Before and Frame, delay, slow, silence, hang and reset. It is for one goroutine, as any ResponseWriter.
type Writer struct {
	http.ResponseWriter
	ctx    context.Context
	spec   Spec
	bytes  int
	frames int
	ended  bool
}

// NewWriter wraps w for the reply to r.
func NewWriter(w http.ResponseWriter, r *http.Request, s Spec) *Writer {
	return &Writer{ResponseWriter: w, ctx: r.Context(), spec: s}
}

// Unwrap lets http.ResponseController find the writer below.
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Bytes is how many bytes of body have been written.
func (w *Writer) Bytes() int { return w.bytes }

// Before plays what happens before the header: delay, hang and reset. Its error says that the client left.
func (w *Writer) Before() error {
	if err := w.sleep(w.spec.Delay); err != nil {
		return err
	}
	if w.spec.HangAt == 0 {
		<-w.ctx.Done()
		return w.ctx.Err()
	}
	if w.spec.Reset {
		panic(http.ErrAbortHandler)
	}
	return nil
}

// Frame writes one frame of a stream and flushes it, after the silence asked for. It returns ErrEnded where the body
// has ended early, and the context's error if the client left meanwhile.
func (w *Writer) Frame(p []byte) error {
	if w.spec.HangAt >= 0 && w.frames >= w.spec.HangAt {
		<-w.ctx.Done()
		return w.ctx.Err()
	}
	pause := w.spec.Slow
	if w.frames == w.spec.SilenceAt {
		pause += w.spec.Silence
	}
	if err := w.sleep(pause); err != nil {
		return err
	}
	w.frames++
	if _, err := w.Write(p); err != nil {
		return err
	}
	return w.flush()
}

// Write passes p on as far as the faults let it. A cut flushes what came before it and panics with
// http.ErrAbortHandler, which is how net/http breaks a connection off.
func (w *Writer) Write(p []byte) (int, error) {
	if w.ended {
		return 0, ErrEnded
	}
	out, limit := p, -1
	for _, l := range []int{w.spec.Cut, w.spec.CutClean} {
		if l >= 0 && w.bytes+len(p) >= l && (limit < 0 || l < limit) {
			limit = l
		}
	}
	if limit >= 0 {
		out = p[:max(limit-w.bytes, 0)]
	}
	if at := w.spec.Corrupt - w.bytes; w.spec.Corrupt >= 0 && at >= 0 && at < len(out) {
		out = append([]byte(nil), out...)
		out[at] ^= 1
	}
	n, err := w.ResponseWriter.Write(out)
	w.bytes += n
	if err != nil || limit < 0 {
		return n, err
	}
	w.ended = true
	_ = w.flush()
	if limit == w.spec.Cut {
		panic(http.ErrAbortHandler)
	}
	return n, ErrEnded
}

func (w *Writer) flush() error {
	err := http.NewResponseController(w.ResponseWriter).Flush()
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

func (w *Writer) sleep(d time.Duration) error {
	if d <= 0 {
		return w.ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-w.ctx.Done():
		return w.ctx.Err()
	}
}

// Whole reports whether the body goes out as it is given, so that its length can be announced.
func (w *Writer) Whole() bool { return w.spec.CutClean < 0 }
