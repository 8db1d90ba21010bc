package json

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestValidAgreesWithTheGrammar(t *testing.T) {
	tests := []struct {
		name, in, want string // want: part of the error, "" for valid
	}{
		{"scalar", ` 1 `, ""},
		{"nested", `{"a":[1,2.5e-3,{"b":null}],"c":"\u00e9\n","d":true,"e":false}`, ""},
		{"empty containers", `[{},[],""]`, ""},
		{"nothing", ``, "at byte 0: unexpected end"},
		{"trailing comma in an object", `{"a":1,}`, "at byte 7: unexpected '}', expected another after the comma"},
		{"trailing comma in an array", `[1,]`, "at byte 3"},
		{"leading comma", `[,1]`, "at byte 1: unexpected ','"},
		{"missing colon", `{"a" 1}`, "expected ':'"},
		{"key without quotes", `{a:1}`, "expected a member's name in quotes"},
		{"two values", `{} {}`, "expected nothing after the value"},
		{"leading zero", `01`, "expected nothing after the value"},
		{"lonely minus", `-`, "expected a digit"},
		{"no fraction", `1.`, "expected a digit after the point"},
		{"no exponent", `1e+`, "expected a digit in the exponent"},
		{"control character", "\"a\nb\"", "control character in a string"},
		{"bad escape", `"\x"`, "bad escape"},
		{"cut unicode escape", `"\u12"`, "bad escape"},
		{"open string", `"abc`, "closing quote"},
		{"invalid UTF-8", "\"\xff\"", "invalid UTF-8"},
		{"misspelt literal", `nul`, "expected null"},
		{"too deep", strings.Repeat("[", MaxDepth+1), "nested more than 1000 deep"},
		{"as deep as allowed", strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth), ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := Valid([]byte(tt.in))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("Valid(%q) = %v, want %q", tt.in, err, tt.want)
			}
		})
	}
}

func TestReaderReadsEachType(t *testing.T) {
	r := NewReader([]byte(` {"s":"a\"b","n":-12,"f":1.5,"e":1e3,"b":true,"z":null,"v": [ 1, {"x": 2} ],"\u006b":"key"} `))
	var s, k string
	var n, e int64
	var f, v Value
	var b, z bool
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "s":
			s = r.Text()
		case "n":
			n = r.Int()
		case "f":
			f = r.Number()
		case "e":
			e = r.Int()
		case "b":
			b = r.Bool()
		case "z":
			z = r.Null()
		case "v":
			v = r.Value()
		case "k":
			k = r.Text()
		default:
			t.Errorf("unknown key %q", r.Key())
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	if s != `a"b` || n != -12 || e != 1000 || string(f) != "1.5" || !b || !z || string(v) != `[ 1, {"x": 2} ]` || k != "key" {
		t.Errorf("read %q %d %d %q %v %v %q %q", s, n, e, f, b, z, v, k)
	}
}

func TestATypeErrorNamesBothTypesAndThePlace(t *testing.T) {
	r := NewReader([]byte(`{"model":[1]}`))
	r.Object()
	r.Member()
	r.Text()
	var te *TypeError
	if err := r.Err(); !errors.As(err, &te) || err.Error() != "expected a string but found an array at byte 9" {
		t.Errorf("err = %v", err)
	}
}

func TestIndexFindsMembersAndDuplicates(t *testing.T) {
	body := []byte(`{ "a" : 1 , "b":{"a":2},"c":"x" }`)
	ms, err := Index(nil, body)
	if err != nil || len(ms) != 3 {
		t.Fatalf("Index = %v, %v", ms, err)
	}
	if m := ms[1]; string(m.Key) != "b" || string(body[m.KeyStart:m.ValueEnd]) != `"b":{"a":2}` || string(body[m.ValueStart:m.ValueEnd]) != `{"a":2}` {
		t.Errorf("second member = %+v", m)
	}
	// A duplicate hidden behind an escape is still one: another parser would see it.
	_, err = Index(nil, []byte(`{"model":"a","m\u006fdel":"b"}`))
	var dup *DuplicateError
	if !errors.As(err, &dup) || dup.Key != "model" || dup.Offset != 13 {
		t.Errorf("err = %v", err)
	}
	if _, err = Index(nil, []byte(`[1]`)); err == nil || err.Error() != "expected an object but found an array at byte 0" {
		t.Errorf("err = %v", err)
	}
}

func TestBlankSeesThroughEscapes(t *testing.T) {
	for in, want := range map[string]bool{`""`: true, `"  "`: true, `"\n\t"`: true, `"\u00a0 "`: true, "\"\u3000\"": true, `"a"`: false, `" a"`: false, `"\u0061"`: false, `"é"`: false} {
		if got := String(in).Blank(); got != want {
			t.Errorf("Blank(%s) = %v", in, got)
		}
	}
}

func TestWriterPlacesCommas(t *testing.T) {
	w := NewWriter([]byte("data: "))
	w.BeginObject()
	w.Key("a")
	w.Int(1)
	w.Key("b")
	w.BeginArray()
	w.Text("x\"\n\x01é")
	w.Bool(true)
	w.Null()
	w.BeginObject()
	w.EndObject()
	w.EndArray()
	w.Key("c")
	w.Value(Value("{ \"k\" : [ 1,\n 2 ], \"s\": \" \\\" x \" }"))
	w.Key("d")
	w.String(nil)
	w.EndObject()
	const want = `data: {"a":1,"b":["x\"\n\u0001é",true,null,{}],"c":{"k":[1,2],"s":" \" x "},"d":""}`
	if got := string(w.Bytes()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestReadingAllocatesNothing(t *testing.T) {
	body := chatBody()
	var r Reader
	if n := testing.AllocsPerRun(100, func() {
		r.Reset(body)
		r.Skip()
		if r.End() != nil {
			t.Error(r.Err())
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// FuzzReader holds the reader to encoding/json: the same texts accepted, the same meaning of every string, and what is
// compacted or quoted read back as it was. Where they differ by design (UTF-8, depth) the input is left out.
func FuzzReader(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,{"b":null}],"c":"\u00e9\ud83d\ude00\ud800"}`, `"\ud800\u0041"`, `[1,]`, `-0.0e1`, `{"a":1,"a":2}`, "\"\\/\"", ` true `, `{"":""}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if !utf8.Valid(in) || bytes.Count(in, []byte("["))+bytes.Count(in, []byte("{")) > MaxDepth {
			t.Skip()
		}
		err := Valid(in)
		if want := stdjson.Valid(in); (err == nil) != want {
			t.Fatalf("Valid(%q) = %v, encoding/json says %v", in, err, want)
		}
		var known Reader
		known.ResetValid(in)
		read := said(&known)
		if err != nil {
			return
		}
		if want := said(NewReader(in)); read != want {
			t.Fatalf("%q, known to be valid, reads %q, want %q", in, read, want)
		}
		var compact bytes.Buffer
		if err := stdjson.Compact(&compact, in); err != nil {
			t.Fatal(err)
		}
		if got := AppendCompact(nil, in); !bytes.Equal(got, compact.Bytes()) {
			t.Fatalf("AppendCompact(%q) = %q, want %q", in, got, compact.Bytes())
		}
		r := NewReader(in)
		switch r.Kind() {
		case Text:
			tok := NewReader(in).String()
			var want string
			if err := stdjson.Unmarshal(in, &want); err != nil {
				t.Fatal(err)
			}
			if got := tok.Unquote(); got != want {
				t.Fatalf("Unquote(%q) = %q, want %q", tok, got, want)
			}
			if back := Quote(want).Unquote(); back != want {
				t.Fatalf("Quote(%q) reads back as %q", want, back)
			}
			if blank := strings.TrimSpace(want) == ""; blank && !tok.Blank() {
				t.Fatalf("Blank(%q) = false", tok)
			}
		case Object:
			var want map[string]stdjson.RawMessage
			if err := stdjson.Unmarshal(in, &want); err != nil {
				t.Fatal(err)
			}
			ms, err := Index(nil, in)
			if err != nil {
				return // duplicates, or too many members
			}
			if len(ms) != len(want) {
				t.Fatalf("Index(%q) found %d members, want %d", in, len(ms), len(want))
			}
			for _, m := range ms {
				if got := in[m.ValueStart:m.ValueEnd]; !bytes.Equal(got, want[string(m.Key)]) {
					t.Fatalf("member %q = %q, want %q", m.Key, got, want[string(m.Key)])
				}
			}
		case Number:
			if n, ok := ParseInt(NewReader(in).Number()); ok {
				var f float64
				if err := stdjson.Unmarshal(in, &f); err != nil || float64(n) != f {
					t.Fatalf("ParseInt(%q) = %d, want %v", in, n, f)
				}
			}
		case Invalid, Null, False, True, Array:
		}
	})
}

// said is all that a Reader reads, in words.
func said(r *Reader) string {
	switch r.Kind() {
	case Object:
		s := "{"
		for r.Object(); r.Member(); {
			s += strconv.Quote(string(r.Key())) + ":" + said(r)
		}
		return s + "}"
	case Array:
		s := "["
		for r.Array(); r.Element(); {
			s += said(r)
		}
		return s + "]"
	case Text:
		return strconv.Quote(r.Text())
	case Invalid, Null, False, True, Number:
	}
	return string(r.Value()) + ";"
}

func chatBody() []byte {
	var b bytes.Buffer
	b.WriteString(`{"model":"anthropic.claude-3-haiku-20240307-v1:0","temperature":0.7,"messages":[`)
	for i := range 5 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"role":"user","content":"` + strings.Repeat("some words of a chat, ", 12) + `"}`)
	}
	b.WriteString(`],"tools":[{"type":"function","function":{"name":"get_weather","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]}`)
	return b.Bytes()
}

// BenchmarkValidateImage is the first walk over a string of a megabyte.
func BenchmarkValidateImage(b *testing.B) {
	body := []byte(`"` + strings.Repeat("iVBORw0KGgoAAAANSUhEUgAA", 1<<20/24) + `"`)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if err := Valid(body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadValidChat is the second walk over a body.
func BenchmarkReadValidChat(b *testing.B) {
	body := chatBody()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	var r Reader
	for b.Loop() {
		r.ResetValid(body)
		if r.Skip(); r.End() != nil {
			b.Fatal(r.Err())
		}
	}
}

func BenchmarkValidateChat(b *testing.B) {
	body := chatBody()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := Valid(body); err != nil {
			b.Fatal(err)
		}
	}
}

// Left counts as Element goes, and consumes nothing.
func TestLeft(t *testing.T) {
	const body = `[1, [2,3], {"a":[4]}, "]" ]`
	r, w := NewReader([]byte(body)), WalkAt([]byte(body), 0)
	r.Array()
	w.Array()
	for left := 4; left > 0; left-- {
		if !r.Element() || !w.Element() {
			t.Fatalf("%d left, and no element", left)
		}
		if n, m := r.Left(), w.Left(); n != left || m != left {
			t.Errorf("a Reader says %d, a Walker %d, want %d", n, m, left)
		}
		r.Skip()
		w.Skip()
	}
	if r.Element() || w.Element() || r.End() != nil {
		t.Error("an element behind the last")
	}
}
