package pool

import (
	"io"
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
