package exchange

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// The room set aside for a body before any of it came, and once that much came: a length is only a claim.
const (
	firstRead  = 64 << 10
	secondRead = 1 << 20
)

// readBody reads the whole request body, unpacked and then at most en.MaxBody bytes, which h holds, into memory of l.
func (en *Engine) readBody(r *http.Request, h *held, l *lender) ([]byte, error) {
	if r.ContentLength > en.MaxBody {
		return nil, en.tooLarge()
	}
	p, err := en.unpack(r, h)
	if err != nil {
		return nil, err
	}
	defer p.free()
	src := io.Reader(r.Body)
	if p != nil {
		src = p
	}
	full := max(r.ContentLength, 511) + 1 // room to meet the end without growing
	b := l.lend(int(min(full, firstRead)))
	if err := en.hold(r, h, int64(cap(b))); err != nil {
		return nil, err
	}
	for {
		n, err := src.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if int64(len(b)) > en.MaxBody {
			return nil, en.tooLarge()
		}
		switch {
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return nil, en.unpackError(r, p, err)
		case len(b) == cap(b):
			// Twice the room, of which no more is made than the claim was, if it was true.
			room := max(2*int64(cap(b)), secondRead)
			if int64(len(b)) < full {
				room = min(room, full)
			}
			next, _ := size(int(room))
			if err := en.hold(r, h, int64(next-cap(b))); err != nil {
				return nil, err
			}
			more := append(l.lend(next), b...)
			l.back(b)
			b = more
		}
	}
}

func (en *Engine) tooLarge() *chat.Error {
	return &chat.Error{Kind: chat.ErrTooLarge, Code: "request_too_large", Message: fmt.Sprintf("the request body is larger than %d bytes, the most that is taken here (max_body)", en.MaxBody)}
}

// readError returns the error for a body that could not be read: the server in front may have set a bound of its own.
func (en *Engine) readError(r *http.Request, err error) *chat.Error {
	if en.StatusOf != nil && en.StatusOf(err) == http.StatusRequestEntityTooLarge {
		return &chat.Error{Kind: chat.ErrTooLarge, Code: "request_too_large", Message: "the request body is larger than the server takes", Cause: err}
	}
	if t, ok := errors.AsType[net.Error](err); ok && t.Timeout() {
		return &chat.Error{
			Kind: chat.ErrInvalidRequest, Status: http.StatusRequestTimeout, Code: "request_timeout",
			Message: "the request body did not arrive in time", Cause: err,
		}
	}
	if r.Context().Err() != nil || errors.Is(err, io.ErrUnexpectedEOF) {
		return errClientGone
	}
	return &chat.Error{Kind: chat.ErrInvalidRequest, Message: "the request body could not be read to its end", Cause: err}
}
