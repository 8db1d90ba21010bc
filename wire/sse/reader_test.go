package sse_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/sse"
)

// event is what a client sees of an event.
type event struct{ typ, data string }

// readAll returns the events of a stream, all bytes as a relay would write them,
// and the error that ended it.
func readAll(r *sse.Reader) (events []event, relayed string, err error) {
	for {
		ev, err := r.Next()
		if err != nil {
			return events, relayed + string(r.Rest()), err
		}
		relayed += string(ev.Raw)
		if ev.Data != nil {
			events = append(events, event{string(ev.Type), string(ev.Data)})
		}
	}
}

func TestEvents(t *testing.T) {
	tests := map[string]struct {
		stream string
		want   []event
		err    error
	}{
		"nothing":                  {"", nil, io.EOF},
		"one":                      {"data: a\n\n", []event{{"", "a"}}, io.EOF},
		"typed":                    {"event: ping\ndata: {}\n\n", []event{{"ping", "{}"}}, io.EOF},
		"type behind the data":     {"data: {}\nevent: ping\n\n", []event{{"ping", "{}"}}, io.EOF},
		"last type counts":         {"event: a\nevent: b\ndata: x\n\n", []event{{"b", "x"}}, io.EOF},
		"type is not inherited":    {"event: a\ndata: x\n\ndata: y\n\n", []event{{"a", "x"}, {"", "y"}}, io.EOF},
		"type without data":        {"event: a\n\ndata: y\n\n", []event{{"", "y"}}, io.EOF},
		"several data lines":       {"data: a\ndata:\ndata: b\n\n", []event{{"", "a\n\nb"}}, io.EOF},
		"empty data":               {"data:\n\n", []event{{"", ""}}, io.EOF},
		"empty data, two lines":    {"data\ndata\n\n", []event{{"", "\n"}}, io.EOF},
		"field without a colon":    {"data\n\n", []event{{"", ""}}, io.EOF},
		"only one space is eaten":  {"data:  a \ndata:b\ndata:\tc\n\n", []event{{"", " a \nb\n\tc"}}, io.EOF},
		"colons in the value":      {"data: {\"a\":\"b:c\"}\n\n", []event{{"", `{"a":"b:c"}`}}, io.EOF},
		"other fields":             {"id: 1\nretry: 3000\nDATA: no\n data: no\ndatax: no\ndata: a\n\n", []event{{"", "a"}}, io.EOF},
		"retry alone":              {"retry: 3000\n\n", nil, io.EOF},
		"comments around":          {": a\n\n:b\ndata: x\n: c\ndata: y\n\n:\n", []event{{"", "x\ny"}}, io.EOF},
		"blank lines":              {"\n\n\ndata: x\n\n\n\n", []event{{"", "x"}}, io.EOF},
		"CRLF":                     {"event: e\r\ndata: a\r\ndata: b\r\n\r\n: c\r\n\r\ndata: d\r\n\r\n", []event{{"e", "a\nb"}, {"", "d"}}, io.EOF},
		"CR":                       {"event: e\rdata: a\rdata: b\r\r: c\r\rdata: d\r\r", []event{{"e", "a\nb"}, {"", "d"}}, io.EOF},
		"mixed line ends":          {"data: a\n\r\ndata: b\r\n\ndata: c\r\r\n", []event{{"", "a"}, {"", "b"}, {"", "c"}}, io.EOF},
		"LF after CR CR":           {"data: a\r\r\n\ndata: b\r\r", []event{{"", "a"}, {"", "b"}}, io.EOF},
		"byte order mark":          {"\xef\xbb\xbfdata: a\n\n", []event{{"", "a"}}, io.EOF},
		"mark, then a comment":     {"\xef\xbb\xbf: a\n", nil, io.EOF},
		"mark alone":               {"\xef\xbb\xbf", nil, io.EOF},
		"second mark is a name":    {"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\ndata: b\n\n", []event{{"", "b"}}, io.EOF},
		"mark within":              {"data: a\n\n\xef\xbb\xbfdata: b\n\n", []event{{"", "a"}}, io.EOF},
		"two bytes of a mark":      {"\xef\xbbdata: a\n\ndata: b\n\n", []event{{"", "b"}}, io.EOF},
		"no UTF-8":                 {"data: \xff\x00\n\n", []event{{"", "\xff\x00"}}, io.EOF},
		"cut in a mark":            {"\xef\xbb", nil, io.ErrUnexpectedEOF},
		"cut in a field":           {"data: a\n\ndata: b", []event{{"", "a"}}, io.ErrUnexpectedEOF},
		"cut before a blank line":  {"data: a\n\ndata: b\n", []event{{"", "a"}}, io.ErrUnexpectedEOF},
		"cut before a blank CRLF":  {"data: a\r\n", nil, io.ErrUnexpectedEOF},
		"cut in a CRLF":            {"data: a\r\n\r", []event{{"", "a"}}, io.EOF},
		"cut in a comment":         {"data: a\n\n: b", []event{{"", "a"}}, io.ErrUnexpectedEOF},
		"cut behind a type":        {"data: a\n\nevent: b\n", []event{{"", "a"}}, io.ErrUnexpectedEOF},
		"cut behind a late remark": {"data: a\n: b\n", nil, io.ErrUnexpectedEOF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if want, clean := reference(tt.stream); !slices.Equal(want, tt.want) || clean != (tt.err == io.EOF) {
				t.Fatalf("the reference of the fuzz test says %q, clean %t", want, clean)
			}
			// Every cut into two reads, and a byte at a time.
			sources := []io.Reader{
				iotest.OneByteReader(strings.NewReader(tt.stream)),
				iotest.DataErrReader(strings.NewReader(tt.stream)),
			}
			for i := range len(tt.stream) {
				sources = append(sources, &steps{parts: []string{tt.stream[:i], tt.stream[i:]}, err: io.EOF})
			}
			for i, src := range sources {
				r := sse.NewReader(src)
				got, relayed, err := readAll(r)
				if !slices.Equal(got, tt.want) || err != tt.err {
					t.Fatalf("source %d: %q, %v; want %q, %v", i, got, err, tt.want, tt.err)
				}
				if relayed != tt.stream {
					t.Fatalf("source %d: relayed %q", i, relayed)
				}
				if _, again := r.Next(); again != tt.err {
					t.Fatalf("source %d: second error %v, want %v", i, again, tt.err)
				}
				if !r.Buffered() {
					t.Fatalf("source %d: not Buffered after the end, which Next gives without reading", i)
				}
			}
		})
	}
}

func TestRawHoldsWhatCameAhead(t *testing.T) {
	stream := ": hello\n\nretry: 1\n\nid: 7\ndata: a\n\n\ndata: b\n\n: bye\n"
	want := []string{": hello\n\nretry: 1\n\nid: 7\ndata: a\n\n", "\ndata: b\n\n", ": bye\n"}
	r := sse.NewReader(strings.NewReader(stream))
	for i, raw := range want {
		ev, err := r.Next()
		if err != nil || string(ev.Raw) != raw {
			t.Errorf("event %d: %q, %v; want %q", i, ev.Raw, err, raw)
		}
	}
}

// steps is a source that gives one step a Read and counts the reads.
type steps struct {
	parts []string
	err   error
	reads int
}

func (s *steps) Read(p []byte) (int, error) {
	s.reads++
	for len(s.parts) > 0 && s.parts[0] == "" {
		s.parts = s.parts[1:]
	}
	if len(s.parts) == 0 {
		return 0, s.err
	}
	n := copy(p, s.parts[0])
	s.parts[0] = s.parts[0][n:]
	return n, nil
}

func TestWhatIsCompleteIsReturnedBeforeTheNextRead(t *testing.T) {
	src := &steps{err: io.EOF, parts: []string{
		"data: a\n\ndata: b\n\nda",  // two and a part arrive together
		"ta: c\n\n: keep-alive\n\n", // an event with a comment behind it
		": keep-alive\n",            // a comment without its blank line
		"\n",
		": late\ndata: d\n", // a comment and a part: the comment can go
		"\n",
		"data: e\r\n\r", // the blank line is there, half of its end is not
		"\ndata: f\r\n\r\n",
	}}
	r := sse.NewReader(src)
	for i, want := range []struct {
		raw      string
		data     string
		reads    int
		buffered bool
	}{
		{"data: a\n\n", "a", 1, true},
		{"data: b\n\n", "b", 1, false},
		{"data: c\n\n", "c", 2, true},
		{": keep-alive\n\n", "", 2, false},
		{": keep-alive\n", "", 3, false},
		{"\n", "", 4, false},
		{": late\n", "", 5, false},
		{"data: d\n\n", "d", 6, false},
		{"data: e\r\n\r", "e", 7, false},
		{"\ndata: f\r\n\r\n", "f", 8, false},
	} {
		ev, err := r.Next()
		if err != nil || string(ev.Raw) != want.raw || string(ev.Data) != want.data || (ev.Data == nil) != (want.data == "") {
			t.Fatalf("%d: raw %q, data %q, %v; want %q, %q", i, ev.Raw, ev.Data, err, want.raw, want.data)
		}
		if src.reads != want.reads || r.Buffered() != want.buffered {
			t.Errorf("%d: %d reads, buffered %t; want %d, %t", i, src.reads, r.Buffered(), want.reads, want.buffered)
		}
	}
}

func TestSourceErrorsComeAfterTheEventsBeforeThem(t *testing.T) {
	broken := errors.New("connection reset")
	src := &steps{parts: []string{"data: a\n\ndata: b\n\n: c\ndata: d\n"}, err: broken}
	events, relayed, err := readAll(sse.NewReader(iotest.DataErrReader(src)))
	if len(events) != 2 || err != broken {
		t.Errorf("%q, %v; want two events and the source's error", events, err)
	}
	if relayed != "data: a\n\ndata: b\n\n: c\ndata: d\n" {
		t.Errorf("relayed %q", relayed)
	}
	if _, err := sse.NewReader(&steps{}).Next(); err != io.ErrNoProgress {
		t.Errorf("without progress: %v", err)
	}
}

func TestEventsAreBounded(t *testing.T) {
	largest := "data: " + strings.Repeat("x", sse.MaxEvent-8) + "\n\n"
	events, _, err := readAll(sse.NewReader(strings.NewReader(largest + "data: a\n\n")))
	if len(events) != 2 || err != io.EOF {
		t.Fatalf("largest event: %d events, %v", len(events), err)
	}
	for name, stream := range map[string]string{
		"one line":      "data: x" + largest,
		"one comment":   ":" + strings.Repeat("x", sse.MaxEvent) + "\n\n",
		"many lines":    strings.Repeat("data: 0123456789\r", sse.MaxEvent/17+1),
		"no line break": strings.Repeat("x", sse.MaxEvent+1),
	} {
		r := sse.NewReader(strings.NewReader(stream))
		if _, err := r.Next(); !errors.Is(err, sse.ErrTooLarge) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
		}
		if got := string(r.Rest()); !strings.HasPrefix(stream, got) || len(got) != sse.MaxEvent {
			t.Errorf("%s: rest of %d bytes", name, len(got))
		}
		if _, err := r.Next(); !errors.Is(err, sse.ErrTooLarge) {
			t.Errorf("%s: second error %v", name, err)
		}
	}
}

func TestCommentsWithoutEndAreNoEvent(t *testing.T) {
	// A stream may stay alive on comments for any length.
	stream := strings.Repeat(": keep-alive\n", 2*sse.MaxEvent/13)
	r := sse.NewReader(strings.NewReader(stream))
	n := 0
	for {
		ev, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		n += len(ev.Raw)
	}
	if n != len(stream) {
		t.Errorf("%d of %d bytes", n, len(stream))
	}
}

// sizes is a source that notes how much room each Read is given.
type sizes struct {
	src  io.Reader
	room []int
}

func (s *sizes) Read(p []byte) (int, error) {
	s.room = append(s.room, len(p))
	return s.src.Read(p)
}

func TestBufferStaysSmallOnSlowStreamsAndForgetsLargeEvents(t *testing.T) {
	small := "data: {\"delta\":\"x\"}\n\n"
	large := "data: " + strings.Repeat("x", 1<<20) + "\n\n"
	src := &sizes{src: &steps{parts: []string{small, small, large, small, small}, err: io.EOF}}
	if events, _, err := readAll(sse.NewReader(src)); len(events) != 5 || err != io.EOF {
		t.Fatalf("%d events, %v", len(events), err)
	}
	n := len(src.room)
	for _, room := range append(src.room[1:3:3], src.room[n-2:]...) {
		if room > 4<<10 {
			t.Errorf("a read had %d bytes of room, want 4096 at most; all: %v", room, src.room)
		}
	}
}

func TestBackToBackEventsAreTakenInLargerReads(t *testing.T) {
	stream := strings.Repeat("event: e\ndata: {\"delta\":\"x\"}\n\n", 20_000)
	src := &sizes{src: strings.NewReader(stream)}
	r := sse.NewReader(src)
	n := 0
	for ; ; n++ {
		if _, err := r.Next(); err != nil {
			break
		}
	}
	if most := len(stream)/(30<<10) + 8; n != 20_000 || len(src.room) > most {
		t.Errorf("%d events in %d reads, want at most %d", n, len(src.room), most)
	}
}

func TestResetForgetsTheStreamBefore(t *testing.T) {
	r := sse.NewReader(strings.NewReader("event: old\ndata: a\ndata: b\r"))
	if _, _, err := readAll(r); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	stream := "\xef\xbb\xbfdata: new\n\n"
	r.Reset(strings.NewReader(stream))
	events, relayed, err := readAll(r)
	if !slices.Equal(events, []event{{"", "new"}}) || relayed != stream || err != io.EOF {
		t.Errorf("after Reset: %q, %q, %v", events, relayed, err)
	}
}

func TestAppend(t *testing.T) {
	var b []byte
	b = sse.AppendComment(b, "")
	b = sse.AppendComment(b, "keep-alive")
	b = sse.AppendEvent(b, "", []byte("[DONE]"))
	b = sse.AppendEvent(b, "ping", []byte("{}"))
	b = sse.AppendEvent(b, "", nil)
	const want = ":\n\n: keep-alive\n\ndata: [DONE]\n\nevent: ping\ndata: {}\n\ndata: \n\n"
	if string(b) != want {
		t.Fatalf("%q, want %q", b, want)
	}
	events, _, err := readAll(sse.NewReader(bytes.NewReader(b)))
	if !slices.Equal(events, []event{{"", "[DONE]"}, {"ping", "{}"}, {"", ""}}) || err != io.EOF {
		t.Errorf("read back as %q, %v", events, err)
	}
}
