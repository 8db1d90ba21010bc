package exchange

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// spoolShare is how many forms of the largest size the process keeps on disk at most; one caller may have one.
const spoolShare = 4

// spoolRetry is when a client whose form found no room may come back.
const spoolRetry = 5 * time.Second

// spooled is a request's body on disk. The zero value holds nothing.
type spooled struct {
	file *os.File
	size int64
	held held
}

// reader returns the body from its start; nil if there is none.
func (s *spooled) reader() *io.SectionReader {
	if s.file == nil {
		return nil
	}
	return io.NewSectionReader(s.file, 0, s.size)
}

// close frees the disk; it may be called again.
func (s *spooled) close() {
	if s.file == nil {
		return
	}
	_ = s.file.Close()
	_ = os.Remove(s.file.Name()) // where it could not be removed before
	s.file = nil
	s.held.release()
}

// Spool writes the request's body to disk, to its end, and has look read it on the way. Relay sends it from there. The body may
// have Config.MaxForm bytes; all forms of the process together and those of one caller have bounds, over which it is a 503.
// look's error comes after the whole body: a client that still sends would not read the answer.
func (c *Call) Spool(look func(body io.Reader) error) (*io.SectionReader, error) {
	en, s := c.engine, &c.spooled
	if coding := c.r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return nil, &chat.Error{
			Kind: chat.ErrInvalidRequest, Status: http.StatusUnsupportedMediaType, Code: "unsupported_content_encoding",
			Message: "the form is encoded as " + chat.Clip(coding) + "; send it unencoded",
		}
	}
	if c.r.ContentLength > en.MaxForm {
		return nil, en.formTooLarge()
	}
	// The claim must fit, and nothing is held for it: what is held is what came.
	err := c.holdForm(c.r.ContentLength)
	if s.held.release(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(en.SpoolDir, 0o700); err != nil {
		return nil, spoolError(err)
	}
	f, err := os.CreateTemp(en.SpoolDir, "form-*")
	if err != nil {
		return nil, spoolError(err)
	}
	s.file = f
	_ = os.Remove(f.Name()) // an open file needs no name, but on Windows, where close removes it
	body := &spooling{call: c}
	err = look(body)
	if _, rest := io.Copy(io.Discard, body); rest != nil {
		return nil, rest
	}
	return s.reader(), err
}

// spooling reads a request's body, and writes what it read to disk.
type spooling struct {
	call *Call
	err  error // that ended it, which is not io.EOF
}

func (b *spooling) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	c := b.call
	n, err := c.r.Body.Read(p)
	if n > 0 {
		b.err = c.keepForm(p[:n])
	}
	if err != nil && !errors.Is(err, io.EOF) && b.err == nil {
		b.err = c.engine.readError(c.r, err)
	}
	if b.err != nil {
		return 0, b.err
	}
	return n, err
}

// keepForm writes a piece of the form to disk.
func (c *Call) keepForm(piece []byte) error {
	s := &c.spooled
	size := s.size + int64(len(piece))
	if size > c.engine.MaxForm {
		return c.engine.formTooLarge()
	}
	if err := c.holdForm(size - s.held.n); err != nil {
		return err
	}
	if _, err := s.file.Write(piece); err != nil {
		return spoolError(err)
	}
	s.size = size
	return nil
}

// holdForm holds n more bytes of disk for the form.
func (c *Call) holdForm(n int64) error {
	en, h := c.engine, &c.spooled.held
	if n <= 0 {
		return nil
	}
	h.memory = &en.Process.Forms
	if h.caller == "" {
		h.caller = en.callerKey(c.r)
	}
	if h.memory.take(h, n, limits{all: spoolShare * en.MaxForm, caller: en.MaxForm}) {
		return nil
	}
	return &chat.Error{
		Kind: chat.ErrOverloaded, Code: "too_much_buffered", RetryAfter: spoolRetry,
		Message: "the gateway holds as many forms as it has room for; try again shortly",
	}
}

func (en *Engine) formTooLarge() *chat.Error {
	e := en.tooLarge()
	e.Message = "the form is larger than the most that is taken here, which is that of files (max_size)"
	return e
}

func spoolError(err error) *chat.Error {
	return &chat.Error{Kind: chat.ErrInternal, Message: "the gateway cannot keep the form; its log says why", Cause: err}
}

// CleanSpool removes what a process that was killed left. A file that is in use has no name, or cannot be removed.
func CleanSpool(dir string) {
	left, err := filepath.Glob(filepath.Join(dir, "form-*"))
	if err != nil {
		return
	}
	for _, name := range left {
		_ = os.Remove(name)
	}
}
