package exchange

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/zstd"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// maxWindow bounds, in bytes, what a zstd body needs of memory besides itself: what every decoder has to have (RFC 9659).
const maxWindow = 8 << 20

// packed is a request's body that came compressed. It is read unpacked.
type packed struct {
	io.Reader
	sent   sent
	coding string
	close  func()
}

// sent is a body as it was sent. It remembers why it could not be read, which unpacking would wrap.
type sent struct {
	io.Reader
	left int64 // how much more is taken
	err  error
}

// errPacked is the error of a body that is too large before it is unpacked: it may hold nothing for ever.
var errPacked = errors.New("the compressed body is larger than max_body")

func (s *sent) Read(b []byte) (int, error) {
	if s.left <= 0 { // without any bytes: a reader that has all that it wants forgets the error
		s.err = errPacked
		return 0, errPacked
	}
	n, err := s.Reader.Read(b[:min(int64(len(b)), s.left)])
	s.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// unpack returns the request's body without its Content-Encoding; nil if it has none. Codex sends zstd.
func (en *Engine) unpack(r *http.Request, h *held) (*packed, error) {
	coding := r.Header["Content-Encoding"]
	if len(coding) == 0 {
		return nil, nil
	}
	p := &packed{coding: strings.ToLower(strings.TrimSpace(strings.Join(coding, ", ")))}
	p.sent = sent{Reader: r.Body, left: en.MaxBody + 1}
	switch p.coding {
	case "", "identity":
		return nil, nil
	case "gzip", "x-gzip":
		z, err := gzip.NewReader(&p.sent)
		if err != nil {
			return nil, en.unpackError(r, p, err)
		}
		p.Reader = z
	case "zstd":
		if err := en.hold(r, h, maxWindow); err != nil {
			return nil, err
		}
		z, err := zstd.NewReader(&p.sent, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, en.unpackError(r, p, err)
		}
		p.Reader, p.close = z, z.Close
	default:
		return nil, &chat.Error{
			Kind: chat.ErrInvalidRequest, Status: http.StatusUnsupportedMediaType, Code: "unsupported_content_encoding",
			Message: "the request body is encoded as " + chat.Clip(p.coding) + "; send it unencoded, or as gzip or zstd",
		}
	}
	return p, nil
}

// free gives back what unpacking needed.
func (p *packed) free() {
	if p != nil && p.close != nil {
		p.close()
	}
}

// unpackError returns the error for a body that could not be read, or unpacked by p; nil for one that was not packed.
func (en *Engine) unpackError(r *http.Request, p *packed, err error) *chat.Error {
	switch {
	case p == nil:
		return en.readError(r, err)
	case errors.Is(p.sent.err, errPacked):
		return en.tooLarge()
	case p.sent.err != nil:
		return en.readError(r, p.sent.err)
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return &chat.Error{Kind: chat.ErrInvalidRequest, Code: "invalid_content_encoding", Message: "the request body's zstd window is larger than 8 MiB, the most that is taken; compress it without a long window"}
	}
	return &chat.Error{Kind: chat.ErrInvalidRequest, Code: "invalid_content_encoding", Message: "the request body is not whole, or not encoded as its Content-Encoding says: " + p.coding, Cause: err}
}
