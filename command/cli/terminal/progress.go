package terminal

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/dustin/go-humanize"
)

const (
	progressAfter = time.Second // shorter transfers show nothing
	progressEvery = 100 * time.Millisecond
	barWidth      = 20
)

// Progress is a line that shows how far a transfer is: bytes, rate, and the time that is left. Where it would not be written to a
// terminal it writes nothing. It is safe for concurrent use.
type Progress struct {
	w     io.Writer
	name  string
	begun time.Time
	now   func() time.Time

	mu     sync.Mutex
	last   time.Time
	drawn  bool
	closed bool
}

// NewProgress returns a Progress of the transfer that begins now.
func NewProgress(w io.Writer, name string) *Progress {
	return &Progress{w: w, name: Printable(name), begun: time.Now(), now: time.Now, closed: !Is(w)}
}

// Show draws the line anew, not too often. A total below zero is not known.
func (p *Progress) Show(done, total int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if p.closed || now.Sub(p.begun) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last, p.drawn = now, true
	_, _ = io.WriteString(p.w, "\r"+p.line(done, total, now.Sub(p.begun), Width(p.w)-1)+ansi.EraseLineRight)
}

// Close removes the line.
func (p *Progress) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn && !p.closed {
		_, _ = io.WriteString(p.w, "\r"+ansi.EraseLineRight)
	}
	p.closed = true
}

// line returns as much of the line as the width holds: the bar goes first, then the rate, then the name.
func (p *Progress) line(done, total int64, took time.Duration, width int) string {
	rate := float64(done) / took.Seconds()
	amount, left, bar := humanize.IBytes(size(done)), "", ""
	if total > 0 {
		part := min(float64(done)/float64(total), 1)
		amount = fmt.Sprintf("%3.0f%%  %s of %s", 100*part, amount, humanize.IBytes(size(total)))
		full := int(part * barWidth)
		bar = strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + "  "
		if rate > 0 && total > done {
			left = "  " + Duration(time.Duration(float64(total-done)/rate*float64(time.Second))) + " left"
		}
	}
	speed := "  " + humanize.IBytes(uint64(rate)) + "/s"
	for _, line := range []string{
		p.name + "  " + bar + amount + speed + left,
		p.name + "  " + amount + speed + left,
		p.name + "  " + amount + left,
		amount + left,
	} {
		if ansi.StringWidth(line) <= width {
			return line
		}
	}
	return ansi.Truncate(amount, width, "")
}

func size(n int64) uint64 { return uint64(max(n, 0)) }

// Duration returns a duration in one or two units, as people say it.
func Duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%.0f s", d.Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours())/24)
}
