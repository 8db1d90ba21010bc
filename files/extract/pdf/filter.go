package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"io"
	"math"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// maxFilters bounds the filters on one stream.
const maxFilters = 8

// decode undoes a stream's filters (7.4), and holds what it returns. A filter that leads to no text, an image's, returns
// nil. Data that breaks off returns what there is.
func (f *file) decode(d dict, raw []byte) (b []byte, err error) {
	filters, params := f.list(d["Filter"]), f.list(d["DecodeParms"])
	if len(filters) > maxFilters {
		return nil, nil
	}
	b = raw
	held := 0 // of b; raw is held by the caller
	for i, filter := range filters {
		var p dict
		if i < len(params) {
			p = f.dict(params[i])
		}
		switch f.get(filter) {
		case name("FlateDecode"), name("Fl"):
			b, err = f.flate(b)
		case name("LZWDecode"), name("LZW"):
			early := 1
			if e, ok := f.get(p["EarlyChange"]).(float64); ok && e == 0 {
				early = 0
			}
			b, err = f.readAll(newLZW(b, early))
		case name("ASCII85Decode"), name("A85"):
			b, err = f.ascii85(b)
		case name("ASCIIHexDecode"), name("AHx"):
			b, err = f.readAll(&hexReader{b})
		case name("RunLengthDecode"), name("RL"):
			b, err = f.readAll(&runLengthReader{b: b})
		default:
			b = nil
		}
		f.budget.Release(held)
		if err != nil || b == nil {
			return nil, err
		}
		held = len(b)
		if b, err = f.predict(p, b); err != nil {
			return nil, err
		}
		f.budget.Release(held)
		held = len(b)
	}
	return b, f.budget.Hold(len(b) - held)
}

// list is an array, or one object as an array of one.
func (f *file) list(v any) array {
	switch v := f.get(v).(type) {
	case nil:
		return nil
	case array:
		return v
	default:
		return array{v}
	}
}

// readAll reads what a decoder returns, up to its first error. An error is the budget's.
func (f *file) readAll(r io.Reader) ([]byte, error) {
	b, _ := f.budget.ReadAll(meteredReader{f.budget, r}, math.MaxInt32)
	if err := f.budget.Err(); err != nil {
		return nil, err
	}
	if b == nil {
		b = []byte{}
	}
	return b, nil
}

// meteredReader charges what is decoded.
type meteredReader struct {
	budget *budget.Budget
	r      io.Reader
}

func (m meteredReader) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if spent := m.budget.Step(n/4 + 1); spent != nil {
		return n, spent
	}
	return n, err
}

func (f *file) flate(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, nil
	}
	return f.readAll(r)
}

func (f *file) ascii85(b []byte) ([]byte, error) {
	b = bytes.TrimPrefix(bytes.TrimSpace(b), []byte("<~"))
	if i := bytes.IndexByte(b, '~'); i >= 0 {
		b = b[:i]
	}
	return f.readAll(ascii85.NewDecoder(bytes.NewReader(b)))
}

// hexReader decodes pairs of hex digits, up to a > (7.4.2).
type hexReader struct{ b []byte }

func (r *hexReader) Read(p []byte) (n int, err error) {
	half := -1
	for n < len(p) && len(r.b) > 0 && r.b[0] != '>' {
		d := hexDigit(r.b[0])
		r.b = r.b[1:]
		switch {
		case d < 0:
		case half < 0:
			half = d
		default:
			p[n] = byte(half<<4 | d)
			n++
			half = -1
		}
	}
	if half >= 0 { // an odd last digit; p has room, or the loop had gone on
		p[n] = byte(half << 4)
		n++
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// runLengthReader decodes runs of a repeated byte and of others (7.4.5).
type runLengthReader struct {
	b    []byte
	run  int // of b's first byte, still to be repeated
	copy int // bytes of b, still to be copied
}

func (r *runLengthReader) Read(p []byte) (n int, err error) {
	for n < len(p) {
		switch {
		case r.run > 0:
			p[n] = r.b[0]
			n++
			if r.run--; r.run == 0 {
				r.b = r.b[1:]
			}
		case r.copy > 0 && len(r.b) > 0:
			c := copy(p[n:], r.b[:min(r.copy, len(r.b))])
			r.b, r.copy, n = r.b[c:], r.copy-c, n+c
		case len(r.b) < 2 || r.b[0] == 128:
			if n == 0 {
				return 0, io.EOF
			}
			return n, nil
		case r.b[0] < 128:
			r.b, r.copy = r.b[1:], int(r.b[0])+1
		default:
			r.b, r.run = r.b[1:], 257-int(r.b[0])
		}
	}
	return n, nil
}

// predict undoes the predictors of PNG and TIFF (7.4.4.4); object streams and tables use them. What it returns is held
// beside b.
func (f *file) predict(p dict, b []byte) ([]byte, error) {
	kind := toInt(f.get(p["Predictor"]))
	if kind < 2 {
		return b, f.budget.Hold(len(b))
	}
	number := func(key name, missing int) int {
		if n := toInt(f.get(p[key])); n > 0 && n < 1<<16 {
			return n
		}
		return missing
	}
	colors, bits, columns := number("Colors", 1), number("BitsPerComponent", 8), number("Columns", 1)
	pixel := max(1, colors*bits/8)
	row := (colors*bits*columns + 7) / 8
	if row > len(b) {
		return nil, nil
	}
	if err := f.budget.Hold(len(b)); err != nil {
		return nil, err
	}
	if err := f.budget.Step(len(b)); err != nil {
		return nil, err
	}
	if kind == 2 {
		if bits != 8 {
			f.budget.Release(len(b))
			return nil, nil
		}
		b = bytes.Clone(b)
		for start := 0; start+row <= len(b); start += row {
			for i := start + pixel; i < start+row; i++ {
				b[i] += b[i-pixel]
			}
		}
		return b, nil
	}
	all := len(b)
	out := make([]byte, 0, len(b))
	above := make([]byte, row)
	for len(b) > row {
		filter := b[0]
		out = append(out, b[1:1+row]...)
		line := out[len(out)-row:]
		b = b[1+row:]
		for i := range line {
			var left, corner byte
			if i >= pixel {
				left, corner = line[i-pixel], above[i-pixel]
			}
			switch filter {
			case 1:
				line[i] += left
			case 2:
				line[i] += above[i]
			case 3:
				line[i] += byte((int(left) + int(above[i])) / 2)
			case 4:
				line[i] += paeth(left, above[i], corner)
			}
		}
		above = line
	}
	f.budget.Release(all - len(out))
	return out, nil
}

// paeth is PNG's predictor: of left, above and their corner the one nearest to left + above - corner.
func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}
