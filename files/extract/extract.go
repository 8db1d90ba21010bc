// Package extract turns the content of a file into text for a model. Its input is hostile by assumption: every
// extractor is bounded in work, in memory and in what it writes, and ends in an error rather than a panic.
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

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/pdf"
)

var (
	// ErrUnsupported is content of a kind that has no text.
	ErrUnsupported = errors.New("unsupported file type")
	// ErrMalformed is content that is not what its type says.
	ErrMalformed = errors.New("malformed document")
	// ErrLimit is content that exceeds a bound: of size, depth, work or memory. The error says which, and where.
	ErrLimit = errors.New("document exceeds the limits of extraction")
	// ErrTime is returned, wrapped in ErrLimit, when extraction ended at Limits.Time. All other errors depend on the
	// content alone; this one depends on the machine too.
	ErrTime = errors.New("it takes too long to read")
	// ErrRequest is returned, wrapped in ErrLimit, when it is not the file that is too much, but all files of the request
	// together.
	ErrRequest = budget.ErrRequest
)

// Request is what the files of one request may cost together. The zero value has spent nothing.
type Request = budget.Request

// Limits bound one extraction. A zero field is its default.
type Limits struct {
	// Text is the most text to return, in bytes; the rest is cut off. Default: 1 MiB; at most 16 MiB.
	Text int64
	// Input is the largest document, in bytes, of the formats that have to be in memory as a whole (PDF, DOCX, XLSX,
	// PPTX). The others are read only as far as Text asks, whatever their size. Default: 32 MiB.
	Input int64
	// Size is the size of the content in bytes, where it is known.
	Size int64
	// Steps and Memory are what one file may cost. Default: the bounds of package budget.
	Steps, Memory int64
	// Request, if set, is what all files of a request share.
	Request *Request
	// Time is the last stop: the work is bounded by Steps, which takes about a second. Default: 15 s.
	Time time.Duration
}

// maxText bounds Limits.Text, and so what is read of a text file.
const maxText = 16 << 20

// Result is the text of a file.
type Result struct {
	// Text is valid UTF-8 without NUL.
	Text string
	// Truncated reports whether the file has more text than Limits.Text allowed.
	Truncated bool
	// Steps and Memory are what it cost: work in steps of package budget, and the most memory held at once in bytes. They
	// are set beside an error too.
	Steps, Memory int64
}

// extractor writes the text of in to out. It ends early when out is full (errFull) or in's budget ends.
type extractor func(in *input, out *output) error

// Text reads r and returns its text. The kind of content comes from mediaType unless that is generic, else from
// filename's extension, else from the content itself. Errors are one of this package's, r's own, or ctx's.
func Text(ctx context.Context, r io.Reader, mediaType, filename string, lim Limits) (res Result, err error) {
	lim = lim.withDefaults()
	timed, cancel := context.WithTimeoutCause(ctx, lim.Time, ErrTime)
	defer cancel()
	b := budget.New(timed, lim.Request, lim.Steps, lim.Memory)
	defer func() { res.Steps, res.Memory = b.Steps(), b.Memory() }()
	in := &input{budget: b, limits: lim}
	in.Reader = bufio.NewReaderSize(meteredReader{b, r}, sniffLen)
	head, err := in.Peek(sniffLen)
	if err != nil && !errors.Is(err, io.EOF) {
		return Result{}, in.explain(ctx, timed, err)
	}
	in.mediaType = Type(mediaType, filename, head)
	in.declared = mediaType
	out := &output{budget: b, limit: int(lim.Text)}

	err = guarded(extractorFor(in.mediaType), in, out)
	if err == nil {
		err = b.Err()
	}
	switch {
	case errors.Is(err, errFull):
		out.truncated = true
	case err != nil:
		return Result{}, in.explain(ctx, timed, err)
	}
	return Result{Text: clean(out.b.String()), Truncated: out.truncated}, nil
}

func (l Limits) withDefaults() Limits {
	if l.Text <= 0 {
		l.Text = 1 << 20
	}
	l.Text = min(l.Text, maxText)
	if l.Input <= 0 {
		l.Input = 32 << 20
	}
	if l.Time <= 0 {
		l.Time = 15 * time.Second
	}
	return l
}

// explain returns the error of an extraction that failed with err: where it was, and which bound it met.
func (in *input) explain(ctx, timed context.Context, err error) error {
	if ended := in.budget.Err(); ended != nil {
		err = ended // a parser may have taken a failed charge for the end of its input
	}
	switch {
	case timed.Err() != nil && ctx.Err() == nil:
		err = fmt.Errorf("%w (%v)", ErrTime, in.limits.Time)
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, budget.ErrSteps), errors.Is(err, budget.ErrMemory), errors.Is(err, budget.ErrRequest), errors.Is(err, pdf.ErrLimit):
	default:
		return err
	}
	if errors.Is(err, ErrLimit) {
		return err
	}
	if in.at != "" {
		err = fmt.Errorf("%s: %w", in.at, err)
	}
	return fmt.Errorf("%w: %w", ErrLimit, err)
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
	budget    *budget.Budget
	limits    Limits
	mediaType string
	declared  string
	// at is the part or page being read, for errors.
	at string
}

// all reads the whole document, up to the bound.
func (in *input) all() ([]byte, error) {
	tooLarge := fmt.Errorf("%w: more than %d MiB of %s", ErrLimit, in.limits.Input>>20, in.mediaType)
	if in.limits.Size > in.limits.Input {
		return nil, tooLarge
	}
	most := int(in.limits.Input) + 1
	if n := int(in.limits.Size); n > 0 {
		// One buffer of the right size, where the size is known.
		if err := in.budget.Hold(n); err != nil {
			return nil, err
		}
		b := make([]byte, n)
		got, err := io.ReadFull(in, b)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = nil
		}
		return b[:got], err
	}
	b, err := in.budget.ReadAll(in, most)
	if err != nil {
		return nil, err
	}
	if len(b) == most {
		return nil, tooLarge
	}
	return b, nil
}

// meteredReader charges what is read, so that every extractor that reads comes to an end.
type meteredReader struct {
	budget *budget.Budget
	r      io.Reader
}

func (m meteredReader) Read(p []byte) (int, error) {
	if err := m.budget.Err(); err != nil {
		return 0, err
	}
	n, err := m.r.Read(p)
	if spent := m.budget.Step(n/4 + 1); spent != nil {
		return n, spent
	}
	return n, err
}

// errFull ends an extractor: the text wanted is there.
var errFull = errors.New("text limit reached")

// output gathers text up to a limit.
type output struct {
	b         strings.Builder
	budget    *budget.Budget
	limit     int
	truncated bool
}

// Write implements io.Writer; it fails with errFull past the limit.
func (o *output) Write(p []byte) (int, error) {
	room := o.limit - o.b.Len()
	return o.WriteString(string(p[:min(len(p), room+1)]))
}

// WriteString implements io.StringWriter; it fails with errFull past the limit.
func (o *output) WriteString(s string) (int, error) {
	room := o.limit - o.b.Len()
	full := len(s) > room
	if full {
		s = s[:room]
	}
	before := o.b.Cap()
	_, _ = o.b.WriteString(s)
	if err := o.budget.Hold(o.b.Cap() - before); err != nil {
		return len(s), err
	}
	if err := o.budget.Step(len(s)/4 + 4); err != nil {
		return len(s), err
	}
	if full {
		return len(s), errFull
	}
	return len(s), nil
}

// clean makes s valid UTF-8 without NUL, which JSON bodies and some models do not take, and without a character that
// the limit cut in two.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "")
	return strings.ReplaceAll(s, "\x00", "")
}
