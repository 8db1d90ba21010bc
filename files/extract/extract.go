// Package extract turns the content of a file into text for a model. Its input is hostile by assumption: every
// extractor is bounded in time, in memory and in what it writes, and ends in an error rather than a panic.
package extract

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"
)

var (
	// ErrUnsupported is content of a kind that has no text to give.
	ErrUnsupported = errors.New("unsupported file type")
	// ErrMalformed is content that is not what its type says.
	ErrMalformed = errors.New("malformed document")
	// ErrLimit is content that goes past a bound: size, depth, time.
	ErrLimit = errors.New("document exceeds the limits of extraction")
)

// Limits bound one extraction. A zero field is its default.
type Limits struct {
	// Text is the most text to give, in bytes; the rest is cut off. Default: 1 MiB.
	Text int64
	// Input is the largest document, in bytes, of the formats that have to be in memory as a whole (PDF, DOCX, XLSX,
	// JSON, HTML). Plain text, CSV, JSON Lines and XML are read only as far as Text asks, whatever their size.
	// Default: 32 MiB.
	Input int64
	// Unpacked is how much the parts of a DOCX, XLSX or PPTX may unpack to together, in bytes. Default: 64 MiB.
	Unpacked int64
	// Time is how long it may take. Default: 10 s.
	Time time.Duration
}

// Result is the text of a file.
type Result struct {
	// Text is valid UTF-8 without NUL.
	Text string
	// Truncated says that the file has more text than Limits.Text allowed.
	Truncated bool
}

// extractor writes the text of in to out. It ends early when out is full (errFull) or in's context ends.
type extractor func(in *input, out *output) error

// Text reads r and gives its text. The kind of content comes from mediaType unless that is generic, else from
// filename's extension, else from the content itself. Errors are one of this package's, r's own, or ctx's.
func Text(ctx context.Context, r io.Reader, mediaType, filename string, lim Limits) (res Result, err error) {
	lim = lim.withDefaults()
	timed, cancel := context.WithTimeout(ctx, lim.Time)
	defer cancel()
	in := &input{ctx: timed, limits: lim}
	in.Reader = bufio.NewReaderSize(ctxReader{ctx: timed, r: r}, sniffLen)
	head, err := in.Peek(sniffLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return Result{}, lim.explain(ctx, timed, err)
	}
	in.mediaType = Type(mediaType, filename, head)
	in.declared = mediaType
	out := &output{limit: int(lim.Text)}

	err = guarded(extractorFor(in.mediaType), in, out)
	switch {
	case errors.Is(err, errFull):
		out.truncated = true
	case err == nil:
	default:
		return Result{}, lim.explain(ctx, timed, err)
	}
	return Result{Text: clean(out.b.String()), Truncated: out.truncated}, nil
}

func (l Limits) withDefaults() Limits {
	if l.Text <= 0 {
		l.Text = 1 << 20
	}
	if l.Input <= 0 {
		l.Input = 32 << 20
	}
	if l.Unpacked <= 0 {
		l.Unpacked = 64 << 20
	}
	if l.Time <= 0 {
		l.Time = 10 * time.Second
	}
	return l
}

// explain tells our own end of time from the caller's.
func (l Limits) explain(ctx, timed context.Context, err error) error {
	if timed.Err() != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: it takes longer than %v", ErrLimit, l.Time)
	}
	return err
}

// guarded turns a panic of a parser into an error: the parsers of binary formats are other people's, and one bad
// document must not end the process.
func guarded(f extractor, in *input, out *output) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if e, ok := p.(error); ok && errors.Is(e, errFull) {
				err = e
				return
			}
			err = fmt.Errorf("%w: parser failed: %v at %s", ErrMalformed, p, panicSite())
		}
	}()
	return f(in, out)
}

// panicSite is the innermost frame of a panic's stack, enough to find it without the whole stack in an error.
func panicSite() string {
	lines := strings.Split(string(debug.Stack()), "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "panic(") && i+3 < len(lines) {
			site, _, _ := strings.Cut(strings.TrimSpace(lines[i+3]), " ")
			return site[strings.LastIndexByte(site, '/')+1:]
		}
	}
	return "unknown"
}

// input is the content on its way to an extractor.
type input struct {
	*bufio.Reader
	ctx       context.Context //nolint:containedctx // lives as long as one call of Text
	limits    Limits
	mediaType string
	declared  string
}

// all reads the whole document, up to the bound.
func (in *input) all() ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(in, in.limits.Input+1))
	if err != nil {
		return nil, err
	}
	if int64(len(b)) > in.limits.Input {
		return nil, fmt.Errorf("%w: more than %d MiB of %s", ErrLimit, in.limits.Input>>20, in.mediaType)
	}
	return b, nil
}

// ctxReader ends reading when its context ends, so that every extractor that reads is bounded in time.
type ctxReader struct {
	ctx context.Context //nolint:containedctx // lives as long as one call of Text
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// errFull ends an extractor: the text wanted is there.
var errFull = errors.New("text limit reached")

// output gathers text up to a limit.
type output struct {
	b         strings.Builder
	limit     int
	truncated bool
}

// Write implements io.Writer; it fails with errFull past the limit.
func (o *output) Write(p []byte) (int, error) {
	return o.WriteString(string(p))
}

// WriteString implements io.StringWriter; it fails with errFull past the limit.
func (o *output) WriteString(s string) (int, error) {
	room := o.limit - o.b.Len()
	if len(s) <= room {
		return o.b.WriteString(s)
	}
	_, _ = o.b.WriteString(s[:room])
	return room, errFull
}

// clean makes s valid UTF-8 without NUL, which JSON bodies and some models do not take, and without a character that
// the limit cut in two.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	return strings.ReplaceAll(s, "\x00", "")
}
