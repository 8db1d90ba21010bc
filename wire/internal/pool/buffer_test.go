package pool

import (
	"io"
	"strings"
	"testing"
)

// slow is a source that is waited for.
type slow struct {
	events []string
	wait   func()
}

func (s *slow) Wait() { s.wait() }

func (s *slow) Read(p []byte) (int, error) {
	if len(s.events) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.events[0])
	s.events = s.events[1:]
	return n, nil
}

// Thousands of streams wait at a time. One that has said little before has no memory meanwhile, unless it holds half an event.
func TestASlowStreamWaitsWithoutMemory(t *testing.T) {
	src := &slow{events: []string{"a", "b", "half ", "an event", "c"}}
	b := NewBuffer(src)
	var sizes []int
	src.wait = func() { sizes = append(sizes, b.Size()) }
	for i, want := range []string{"a", "b", "half ", "half an event", "c"} {
		if b.Fill(false, 1<<20); string(b.Bytes()) != want || b.Err != nil {
			t.Errorf("%d: %q, want %q: %v", i, b.Bytes(), want, b.Err)
		}
		if want != "half " {
			b.Advance(b.Len())
		}
	}
	if b.Fill(false, 1<<20); b.Err != io.EOF { //nolint:errorlint // a source's end is io.EOF itself
		t.Errorf("the end is %v", b.Err)
	}
	if len(sizes) != 4 {
		t.Errorf("waited %d times, want 4: not for the first event, and not for the rest of one", len(sizes))
	}
	for _, size := range sizes {
		if size != 0 {
			t.Errorf("waits with %d bytes", size)
		}
	}
}

// Of a source that cannot wait, the beginning of the next event is waited for.
func TestASlowStreamWaitsWithLittleMemory(t *testing.T) {
	long := strings.Repeat("event ", 100)
	src := &chunks{pieces: []string{"a", long, "b"}}
	b := NewBuffer(src)
	for i, want := range []string{"a", long[:64], long, "b", ""} {
		if b.Fill(false, 1<<20); string(b.Bytes()) != want {
			t.Errorf("%d: %q, want %q: %v", i, b.Bytes(), want, b.Err)
		}
		if want != long[:64] {
			b.Advance(b.Len())
		}
	}
	if b.Err != io.EOF || len(src.rooms) != 5 { //nolint:errorlint // a source's end is io.EOF itself
		t.Fatalf("%v after %v", b.Err, src.rooms)
	}
	for i, want := range []int{Large, 64, Small - 64, 64, 64} {
		if src.rooms[i] != want {
			t.Errorf("read %d had room for %d bytes, want %d", i, src.rooms[i], want)
		}
	}
}

// chunks is a source of pieces, of which each is read by itself.
type chunks struct {
	pieces []string
	rooms  []int
}

func (c *chunks) Read(p []byte) (int, error) {
	c.rooms = append(c.rooms, len(p))
	if len(c.pieces) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.pieces[0])
	if c.pieces[0] = c.pieces[0][n:]; c.pieces[0] == "" {
		c.pieces = c.pieces[1:]
	}
	return n, nil
}
