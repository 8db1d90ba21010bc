package eventstream_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// readAll returns the frames of a stream and the error that ended it.
func readAll(r *eventstream.Reader) ([][]byte, error) {
	var frames [][]byte
	for {
		m, err := r.Next()
		if err != nil {
			return frames, err
		}
		frames = append(frames, bytes.Clone(m.Raw))
	}
}

func conversation(t testing.TB) [][]byte {
	t.Helper()
	return [][]byte{
		event(t, "messageStart", `{"role":"assistant"}`),
		event(t, "contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"Hello"}}`),
		everyHeaderType(t),
		event(t, "messageStop", `{"stopReason":"end_turn"}`),
	}
}

func TestEveryDamagedByteIsAnError(t *testing.T) {
	for _, frame := range conversation(t) {
		next := event(t, "after", "{}")
		for i := range frame {
			for _, mask := range []byte{0x01, 0x80, 0xff} {
				bad := append(bytes.Clone(frame), next...)
				bad[i] ^= mask
				frames, err := readAll(eventstream.NewReader(bytes.NewReader(bad)))
				if !errors.Is(err, eventstream.ErrChecksum) || len(frames) != 0 {
					t.Fatalf("byte %d ^ %#x: %d frames, %v; want ErrChecksum at once", i, mask, len(frames), err)
				}
			}
		}
	}
}

func TestEveryCutIsUnexpectedButBetweenFrames(t *testing.T) {
	var stream []byte
	boundary := map[int]int{0: 0}
	for i, f := range conversation(t) {
		stream = append(stream, f...)
		boundary[len(stream)] = i + 1
	}
	for _, source := range []func(io.Reader) io.Reader{
		func(r io.Reader) io.Reader { return r },
		iotest.OneByteReader,
		iotest.DataErrReader, // the last bytes and io.EOF in one Read
	} {
		for cut := range len(stream) + 1 {
			r := eventstream.NewReader(source(bytes.NewReader(stream[:cut])))
			frames, err := readAll(r)
			want := io.ErrUnexpectedEOF
			if n, ok := boundary[cut]; ok {
				want = io.EOF
				if len(frames) != n {
					t.Fatalf("cut at %d: %d frames, want %d", cut, len(frames), n)
				}
			}
			if err != want {
				t.Fatalf("cut at %d: %v, want %v", cut, err, want)
			}
			if _, again := r.Next(); again != want {
				t.Fatalf("cut at %d: second error %v, want %v", cut, again, want)
			}
			if !bytes.HasPrefix(stream, bytes.Join(frames, nil)) {
				t.Fatalf("cut at %d: frames are not the stream", cut)
			}
		}
	}
}

func TestFramesThatBreakTheFormat(t *testing.T) {
	prelude := func(total, headers uint32, rest int) []byte {
		b := binary.BigEndian.AppendUint32(nil, total)
		b = binary.BigEndian.AppendUint32(b, headers)
		b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
		return append(b, make([]byte, rest)...)
	}
	tests := map[string]struct {
		stream []byte
		want   error
	}{
		"over the bound":              {prelude(eventstream.MaxFrame+1, 0, 64), eventstream.ErrTooLarge},
		"largest number":              {prelude(1<<32-1, 0, 64), eventstream.ErrTooLarge},
		"length of nothing":           {prelude(0, 0, 64), eventstream.ErrMalformed},
		"shorter than its frame":      {prelude(15, 0, 64), eventstream.ErrMalformed},
		"headers beyond the frame":    {prelude(32, 17, 64), eventstream.ErrMalformed},
		"headers of the largest size": {prelude(32, 1<<32-1, 64), eventstream.ErrMalformed},
		"name cut":                    {rawFrame([]byte("\x05name"), nil), eventstream.ErrMalformed},
		"name without a type":         {rawFrame([]byte("\x04name"), nil), eventstream.ErrMalformed},
		"unknown type":                {rawFrame([]byte("\x01n\x0a"), nil), eventstream.ErrMalformed},
		"number cut":                  {rawFrame([]byte("\x01n\x04\x00\x00\x00"), nil), eventstream.ErrMalformed},
		"uuid cut":                    {rawFrame([]byte("\x01n\x09123456789012345"), nil), eventstream.ErrMalformed},
		"string without a length":     {rawFrame([]byte("\x01n\x07\x00"), nil), eventstream.ErrMalformed},
		"string cut":                  {rawFrame([]byte("\x01n\x07\x00\x02a"), []byte("payload")), eventstream.ErrMalformed},
		"known header, no string":     {rawFrame([]byte("\x0b:event-type\x00"), nil), eventstream.ErrMalformed},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := eventstream.NewReader(bytes.NewReader(tt.stream))
			if r.Buffered() {
				t.Error("Buffered before the first read")
			}
			_, err := r.Next()
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if _, again := r.Next(); !errors.Is(again, tt.want) {
				t.Errorf("second error %v, want the first again", again)
			}
			if !r.Buffered() {
				t.Error("not Buffered after an error, which Next gives without reading")
			}
		})
	}
}

func TestLargestFrame(t *testing.T) {
	frame := rawFrame(nil, make([]byte, eventstream.MaxFrame-16))
	stream := append(bytes.Clone(frame), event(t, "after", "{}")...)
	r := eventstream.NewReader(bytes.NewReader(stream))
	m, err := r.Next()
	if err != nil || len(m.Raw) != eventstream.MaxFrame {
		t.Fatalf("got %v, want the whole frame", err)
	}
	if m, err = r.Next(); err != nil || string(m.Event) != "after" {
		t.Fatalf("the frame after: %v", err)
	}
}

// steps is a source that returns one step per Read and counts the reads.
type steps struct {
	parts []string
	err   error
	reads int
}

func (s *steps) Read(p []byte) (int, error) {
	s.reads++
	if len(s.parts) == 0 {
		return 0, s.err
	}
	n := copy(p, s.parts[0])
	if s.parts[0] = s.parts[0][n:]; s.parts[0] == "" {
		s.parts = s.parts[1:]
	}
	return n, nil
}

func TestOneReadPerNeed(t *testing.T) {
	f := conversation(t)
	src := &steps{err: io.EOF, parts: []string{
		string(f[0]) + string(f[1]) + string(f[2][:20]), // two and a part arrive together
		string(f[2][20:]),
		string(f[3][:5]), string(f[3][5:]),
	}}
	r := eventstream.NewReader(src)
	for i, want := range []struct {
		reads    int
		buffered bool
	}{{1, true}, {1, false}, {2, false}, {4, false}} {
		m, err := r.Next()
		if err != nil || !bytes.Equal(m.Raw, f[i]) {
			t.Fatalf("frame %d: %v", i, err)
		}
		if src.reads != want.reads || r.Buffered() != want.buffered {
			t.Errorf("frame %d: %d reads, buffered %t; want %d, %t", i, src.reads, r.Buffered(), want.reads, want.buffered)
		}
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("end: %v", err)
	}
}

func TestSourceErrorsComeAfterTheFramesBeforeThem(t *testing.T) {
	broken := errors.New("connection reset")
	f := event(t, "messageStart", "{}")
	for name, rest := range map[string]string{"between frames": "", "within a frame": string(f[:9])} {
		t.Run(name, func(t *testing.T) {
			src := &steps{parts: []string{string(f) + string(f) + rest}, err: broken}
			r := eventstream.NewReader(iotest.DataErrReader(src))
			frames, err := readAll(r)
			if len(frames) != 2 || err != broken {
				t.Errorf("%d frames, %v; want 2 and the source's error", len(frames), err)
			}
		})
	}
	t.Run("cut body between frames", func(t *testing.T) {
		// net/http says so itself when a body ends before its length.
		src := &steps{parts: []string{string(f)}, err: io.ErrUnexpectedEOF}
		if _, err := readAll(eventstream.NewReader(src)); err != io.ErrUnexpectedEOF {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no progress", func(t *testing.T) {
		src := &steps{}
		if _, err := eventstream.NewReader(src).Next(); err != io.ErrNoProgress {
			t.Errorf("got %v", err)
		}
	})
}

// sizes is a source that records how much room each Read has.
type sizes struct {
	src  io.Reader
	room []int
}

func (s *sizes) Read(p []byte) (int, error) {
	s.room = append(s.room, len(p))
	return s.src.Read(p)
}

func TestBufferStaysSmallOnSlowStreamsAndForgetsLargeFrames(t *testing.T) {
	small := string(event(t, "contentBlockDelta", `{"delta":{"text":"x"}}`))
	large := string(event(t, "contentBlockDelta", strings.Repeat("x", 1<<20)))
	src := &sizes{src: &steps{parts: []string{small, small, large, small, small}, err: io.EOF}}
	if frames, err := readAll(eventstream.NewReader(src)); len(frames) != 5 || err != io.EOF {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	n := len(src.room)
	for _, room := range append(src.room[1:3:3], src.room[n-2:]...) {
		if room > 4<<10 {
			t.Errorf("a read had %d bytes of room, want 4096 at most; all: %v", room, src.room)
		}
	}
}

func TestBufferGrowsOnlyWithWhatArrives(t *testing.T) {
	frame := rawFrame(nil, make([]byte, eventstream.MaxFrame-16))
	src := &sizes{src: iotest.OneByteReader(bytes.NewReader(frame[:1000]))}
	if _, err := readAll(eventstream.NewReader(src)); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	for _, room := range src.room {
		if room > 32<<10 {
			t.Fatalf("a frame of which 1000 bytes came was given %d bytes of room", room)
		}
	}
}

func TestBackToBackFramesAreTakenInLargerReads(t *testing.T) {
	stream := bytes.Repeat(event(t, "contentBlockDelta", `{"delta":{"text":"x"}}`), 4000)
	src := &sizes{src: bytes.NewReader(stream)}
	if frames, err := readAll(eventstream.NewReader(src)); len(frames) != 4000 || err != io.EOF {
		t.Fatalf("%d frames, %v", len(frames), err)
	}
	if most := len(stream)/(30<<10) + 8; len(src.room) > most {
		t.Errorf("%d reads for %d bytes, want at most %d", len(src.room), len(stream), most)
	}
}

func TestResetForgetsTheStreamBefore(t *testing.T) {
	f := event(t, "messageStart", "{}")
	r := eventstream.NewReader(strings.NewReader(string(f) + "garbage of the old stream"))
	if _, err := readAll(r); !errors.Is(err, eventstream.ErrChecksum) {
		t.Fatal(err)
	}
	r.Reset(bytes.NewReader(f))
	if frames, err := readAll(r); len(frames) != 1 || err != io.EOF {
		t.Errorf("after Reset: %d frames, %v", len(frames), err)
	}
}

// A buffer that a stream put back into the pool at its end belongs to another stream: it must be neither read nor written.
func TestMemoryIsGivenBackOnce(t *testing.T) {
	f := event(t, "messageStart", `{"role":"assistant"}`)
	ended := eventstream.NewReader(bytes.NewReader(f))
	for range 3 { // asking for the end again must not put the buffer back twice
		_, _ = readAll(ended)
	}
	a, b := eventstream.NewReader(bytes.NewReader(f)), eventstream.NewReader(bytes.NewReader(event(t, "messageStop", "{}")))
	first, err := a.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Next(); err != nil {
		t.Fatal(err)
	}
	if _, err := ended.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
	if !bytes.Equal(first.Raw, f) {
		t.Errorf("a frame was overwritten by another stream's: %q", first.Raw)
	}
}
