package pdf

import (
	"bytes"
	"compress/zlib"
	"encoding/ascii85"
	"fmt"
	"io"
)

// maxFilters bounds the filters on one stream.
const maxFilters = 8

// decode undoes a stream's filters (7.4). A filter that leads to no text, an image's, gives nil. Data that breaks off
// gives what there is.
func (f *file) decode(d dict, b []byte) ([]byte, error) {
	filters, params := f.list(d["Filter"]), f.list(d["DecodeParms"])
	if len(filters) > maxFilters {
		return nil, nil
	}
	for i, filter := range filters {
		var p dict
		if i < len(params) {
			p = f.dict(params[i])
		}
		var err error
		switch f.get(filter) {
		case name("FlateDecode"), name("Fl"):
			b, err = f.flate(b)
		case name("LZWDecode"), name("LZW"):
			early := 1
			if e, ok := f.get(p["EarlyChange"]).(float64); ok && e == 0 {
				early = 0
			}
			b, err = f.lzw(b, early)
		case name("ASCII85Decode"), name("A85"):
			b, err = f.ascii85(b)
		case name("ASCIIHexDecode"), name("AHx"):
			p := parser{b: b}
			b = []byte(p.hex())
		case name("RunLengthDecode"), name("RL"):
			b, err = f.runLength(b)
		default:
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if b, err = f.predict(p, b); err != nil {
			return nil, err
		}
	}
	return b, nil
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

// spend takes decoded bytes from what is allowed.
func (f *file) spend(n int) error {
	if f.left.decoded -= n; f.left.decoded < 0 {
		return fmt.Errorf("%w: it decodes to too much", ErrLimit)
	}
	return nil
}

// readAll reads what a decoder gives, up to its first error.
func (f *file) readAll(r io.Reader) ([]byte, error) {
	b, _ := io.ReadAll(io.LimitReader(r, int64(f.left.decoded)+1))
	return b, f.spend(len(b))
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

func (f *file) runLength(b []byte) ([]byte, error) {
	var out []byte
	for len(b) > 0 && b[0] != 128 && len(out) <= f.left.decoded {
		n := int(b[0])
		if n < 128 {
			n = min(n+1, len(b)-1)
			out = append(out, b[1:1+n]...)
			b = b[1+n:]
			continue
		}
		if len(b) < 2 {
			break
		}
		out = append(out, bytes.Repeat(b[1:2], 257-n)...)
		b = b[2:]
	}
	return out, f.spend(len(out))
}

// lzw is the variant of TIFF: codes of 9 to 12 bits, the highest bit first, their width growing one code early (7.4.4).
func (f *file) lzw(b []byte, early int) ([]byte, error) {
	const (
		clearCode = 256
		endCode   = 257
	)
	type link struct {
		prev int16
		last byte
		size int16
	}
	var table [4096]link
	for i := range 256 {
		table[i] = link{-1, byte(i), 1}
	}
	next, width, prev := 258, 9, -1
	var out []byte
	var bits uint32
	var have int
	for _, c := range b {
		bits = bits<<8 | uint32(c)
		have += 8
		if have < width {
			continue
		}
		code := int(bits >> (have - width) & (1<<width - 1))
		have -= width
		if code == endCode {
			break
		}
		if code == clearCode {
			next, width, prev = 258, 9, -1
			continue
		}
		if code > next || code == next && prev < 0 || code >= 4096 {
			break
		}
		entry := code
		if code == next {
			entry = prev // its last byte is its first, added below
		}
		size := int(table[entry].size)
		start := len(out)
		out = append(out, make([]byte, size)...)
		for i, e := start+size-1, entry; i >= start && e >= 0; i-- {
			out[i] = table[e].last
			e = int(table[e].prev)
		}
		first := out[start]
		if code == next {
			out = append(out, first)
		}
		if prev >= 0 && next < 4096 {
			table[next] = link{int16(prev), first, table[prev].size + 1} //nolint:gosec // below 4096
			next++
		}
		for width < 12 && next+early >= 1<<width {
			width++
		}
		prev = code
		if len(out) > f.left.decoded {
			break
		}
	}
	return out, f.spend(len(out))
}

// predict undoes the predictors of PNG and TIFF (7.4.4.4); object streams and tables use them.
func (f *file) predict(p dict, b []byte) ([]byte, error) {
	kind := toInt(f.get(p["Predictor"]))
	if kind < 2 {
		return b, nil
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
	if kind == 2 {
		if bits != 8 {
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
