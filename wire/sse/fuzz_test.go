package sse_test

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/sse"
)

// reference reads a stream the way the standard is written, line by line over
// the whole of it. It returns the events and whether the stream ends after an
// event or a whole comment.
func reference(stream string) (events []event, clean bool) {
	stream = strings.TrimPrefix(stream, "\xef\xbb\xbf")
	stream = strings.ReplaceAll(stream, "\r\n", "\n")
	stream = strings.ReplaceAll(stream, "\r", "\n")
	lines := strings.Split(stream, "\n")
	rest := lines[len(lines)-1]
	lines = lines[:len(lines)-1]

	var typ, data string
	pending := false
	for _, line := range lines {
		if line == "" {
			if data != "" {
				events = append(events, event{typ, strings.TrimSuffix(data, "\n")})
			}
			typ, data, pending = "", "", false
			continue
		}
		if line[0] == ':' {
			continue
		}
		pending = true
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "data":
			data += value + "\n"
		case "event":
			typ = value
		}
	}
	return events, rest == "" && !pending
}

// FuzzReader compares with the reference, whatever the reads are cut into, and
// checks that a relay of all Raws and the rest is the stream.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"data: a\n\n",
		"event: e\r\ndata: a\r\ndata: b\r\n\r\n: c\r\n\r\n",
		"\xef\xbb\xbf:\rdata\rdata:  x\r\r\nid: 1\r\r",
		"retry: 1\n\nevent: a\n\n\n:\n\ndata: [DONE]\n",
	} {
		f.Add([]byte(s), []byte{1})
		f.Add([]byte(s), []byte{3, 1, 200})
	}
	f.Fuzz(func(t *testing.T, stream, cuts []byte) {
		want, clean := reference(string(stream))
		src := &cutter{b: stream, cuts: cuts}
		r := sse.NewReader(src)
		var got []event
		var relayed []byte
		for {
			buffered, reads := r.Buffered(), src.reads
			ev, err := r.Next()
			if buffered && (src.reads != reads || err != nil) {
				t.Fatal("Buffered, but Next read from the source")
			}
			if err != nil {
				if (err == io.EOF) != clean || (err != io.EOF && err != io.ErrUnexpectedEOF) {
					t.Fatalf("%q ends with %v, clean end: %t", stream, err, clean)
				}
				break
			}
			if len(ev.Raw) == 0 {
				t.Fatal("an Event of no bytes")
			}
			relayed = append(relayed, ev.Raw...)
			if ev.Data != nil {
				got = append(got, event{string(ev.Type), string(ev.Data)})
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%q: %q, want %q", stream, got, want)
		}
		if relayed = append(relayed, r.Rest()...); !bytes.Equal(relayed, stream) {
			t.Fatalf("%q relayed as %q", stream, relayed)
		}
	})
}

// cutter is a source whose reads give as many bytes as the cuts say, in turn.
type cutter struct {
	b, cuts []byte
	reads   int
}

func (c *cutter) Read(p []byte) (int, error) {
	c.reads++
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := 1
	if len(c.cuts) > 0 {
		n += int(c.cuts[c.reads%len(c.cuts)])
	}
	n = copy(p, c.b[:min(n, len(c.b))])
	c.b = c.b[n:]
	return n, nil
}
