package json

import (
	"bytes"
	stdjson "encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestWalkerFindsWhatTheReaderReads(t *testing.T) {
	body := []byte("{ \"a\\u0062\" : [ 1 , \"x\\\\\" , {\"k\":\"}\\\"]\"} ,[ ] ], \"n\":-1.5e3 ,\"t\":true,\"e\":{}}")
	w := WalkAt(body, 0)
	if !w.Object() {
		t.Fatal("no object")
	}
	var got []string
	for w.Member() {
		key := string(w.Key())
		if key == "ab" {
			if w.Kind() != Array || !w.Array() {
				t.Fatal("no array")
			}
			for w.Element() {
				got = append(got, string(w.Value()))
			}
			continue
		}
		got = append(got, key+"="+string(w.Value()))
	}
	want := []string{"1", `"x\\"`, `{"k":"}\"]"}`, "[ ]", "n=-1.5e3", "t=true", "e={}"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if w.Offset() != len(body) {
		t.Errorf("stands at %d of %d", w.Offset(), len(body))
	}
}

func TestMembersKeepTheBytesAndTheCommas(t *testing.T) {
	const body = `{ "a" : 1 , "b":[2], "c":{"x":"y"} }`
	tests := []struct {
		name, in, drop, set string
		add                 []string
		want                string
	}{
		{"nothing", body, "", "", nil, body},
		{"the first", body, "a", "", nil, `{ "b":[2], "c":{"x":"y"} }`},
		{"the middle", body, "b", "", nil, `{ "a" : 1, "c":{"x":"y"} }`},
		{"the last", body, "c", "", nil, `{ "a" : 1 , "b":[2] }`},
		{"the first two", body, "a b", "", nil, `{ "c":{"x":"y"} }`},
		{"the last two", body, "b c", "", nil, `{ "a" : 1 }`},
		{"the first and the last", body, "a c", "", nil, `{ "b":[2] }`},
		{"all", body, "a b c", "", nil, `{  }`},
		{"one for another", body, "b", "a", nil, `{ "a" : NEW, "c":{"x":"y"} }`},
		{"added at the end", body, "", "", []string{"d", "e"}, `{ "a" : 1 , "b":[2], "c":{"x":"y"},"d":0,"e":0 }`},
		{"added for the last", body, "c", "", []string{"d"}, `{ "a" : 1 , "b":[2],"d":0 }`},
		{"added for all", body, "a b c", "", []string{"d", "e"}, `{ "d":0,"e":0 }`},
		{"added to nothing", `{}`, "", "", []string{"d"}, `{"d":0}`},
		{"escaped name", `{"a":1,"\u0062":2}`, "b", "", nil, `{"a":1}`},
		{"no object", `[1]`, "a", "", []string{"d"}, `[1]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := WalkAt([]byte(tt.in), 0)
			var edits []Edit
			m := EditObject(&w, &edits)
			for m.Next() {
				switch key := string(m.Key()); {
				case slices.Contains(strings.Fields(tt.drop), key):
					m.Drop()
				case slices.Contains(strings.Fields(tt.set), key):
					m.Set([]byte("NEW"))
				default:
					w.Skip()
				}
			}
			for _, key := range tt.add {
				m.Add(key, []byte("0"))
			}
			if got := string(AppendEdited([]byte("> "), []byte(tt.in), edits)); got != "> "+tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestSortedEditsOfOnePlaceKeepTheirOrder(t *testing.T) {
	edits := []Edit{{4, 4, []byte("x")}, {1, 2, nil}, {4, 4, []byte("y")}, {0, 0, []byte("<")}, {1, 1, []byte("|")}}
	SortEdits(edits)
	if got := string(AppendEdited(nil, []byte("abcdef"), edits)); got != "<a|cdxyef" {
		t.Errorf("got %s", got)
	}
}

// FuzzMembers drops and sets members of any object by the bits of two masks and holds the outcome to encoding/json: still
// JSON, and the untouched members as they were.
func FuzzMembers(f *testing.F) {
	f.Add([]byte(`{ "a" : 1 , "b":[2,{"}":"\""}], "c":{"x":"y"} }`), uint64(5), uint64(2))
	f.Add([]byte(`{}`), uint64(0), uint64(0))
	f.Add([]byte("{\"\\\\\":\"\\\\\",\"b\" :-0.1e5\n,\"c\":null}"), uint64(1), uint64(0))
	f.Fuzz(func(t *testing.T, in []byte, drop, set uint64) {
		index, err := Index(nil, in)
		if err != nil || len(index) > 64 {
			t.Skip()
		}
		var want map[string]stdjson.RawMessage
		if err := stdjson.Unmarshal(in, &want); err != nil {
			t.Skip() // invalid by encoding/json's own bounds
		}
		w := WalkAt(in, 0)
		var edits []Edit
		m := EditObject(&w, &edits)
		for i := 0; m.Next(); i++ {
			if string(m.Key()) != string(index[i].Key) || w.KeyStart() != index[i].KeyStart {
				t.Fatalf("member %d is %q, want %q", i, m.Key(), index[i].Key)
			}
			switch {
			case drop&(1<<i) != 0:
				delete(want, string(index[i].Key))
				m.Drop()
			case set&(1<<i) != 0:
				want[string(index[i].Key)] = stdjson.RawMessage("0")
				m.Set([]byte("0"))
			default:
				if start := w.Skip(); start != index[i].ValueStart || w.Offset() != index[i].ValueEnd {
					t.Fatalf("value %d at %d:%d, want %d:%d", i, start, w.Offset(), index[i].ValueStart, index[i].ValueEnd)
				}
			}
		}
		if _, taken := want["added"]; !taken {
			want["added"] = stdjson.RawMessage("true")
			m.Add("added", []byte("true"))
		}
		out := AppendEdited(nil, in, edits)
		var got map[string]stdjson.RawMessage
		if err := stdjson.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if !maps.EqualFunc(got, want, func(a, b stdjson.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("%q became %q", in, out)
		}
	})
}

func TestElementsKeepTheBytesAndTheCommas(t *testing.T) {
	const body = `[ 1 , [2,3] ,{"x":"y"}, null ]`
	for _, tt := range []struct {
		name, in  string
		drop, set []int
		add       int
		want      string
	}{
		{"nothing", body, nil, nil, 0, body},
		{"the first", body, []int{0}, nil, 0, `[ [2,3] ,{"x":"y"}, null ]`},
		{"the middle", body, []int{1, 2}, nil, 0, `[ 1, null ]`},
		{"the last", body, []int{3}, nil, 0, `[ 1 , [2,3] ,{"x":"y"} ]`},
		{"all", body, []int{0, 1, 2, 3}, nil, 0, `[  ]`},
		{"one for another", body, []int{0}, []int{2}, 0, `[ [2,3] ,NEW, null ]`},
		{"added", body, nil, nil, 2, `[ 1 , [2,3] ,{"x":"y"}, null,0,0 ]`},
		{"added for all", body, []int{0, 1, 2, 3}, nil, 2, `[ 0,0 ]`},
		{"added to nothing", `[]`, nil, nil, 1, `[0]`},
		{"no list", `{}`, nil, nil, 1, `{}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := WalkAt([]byte(tt.in), 0)
			var edits []Edit
			list := EditArray(&w, &edits)
			for i := 0; list.Next(); i++ {
				switch {
				case slices.Contains(tt.drop, i):
					list.Drop()
				case slices.Contains(tt.set, i):
					list.Set([]byte("NEW"))
				default:
					w.Skip()
				}
			}
			for range tt.add {
				list.Add([]byte("0"))
			}
			if got := string(AppendEdited([]byte("> "), []byte(tt.in), edits)); got != "> "+tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// FuzzElements drops and sets elements of any array by the bits of two masks and holds the outcome to encoding/json: still
// JSON, and the untouched elements as they were.
func FuzzElements(f *testing.F) {
	f.Add([]byte(`[ 1 , [2,{"}":"\""}], {"x":"y"} ]`), uint64(5), uint64(2))
	f.Add([]byte(`[]`), uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, in []byte, drop, set uint64) {
		var was []stdjson.RawMessage
		if Valid(in) != nil || stdjson.Unmarshal(in, &was) != nil || was == nil || len(was) > 64 {
			t.Skip()
		}
		var want []stdjson.RawMessage
		w := WalkAt(in, 0)
		var edits []Edit
		list := EditArray(&w, &edits)
		for i := 0; list.Next(); i++ {
			switch {
			case drop&(1<<i) != 0:
				list.Drop()
			case set&(1<<i) != 0:
				want = append(want, stdjson.RawMessage("0"))
				list.Set([]byte("0"))
			default:
				want = append(want, was[i])
				w.Skip()
			}
		}
		if list.Kept() != (len(want) > 0) {
			t.Fatalf("kept %v of %q", list.Kept(), in)
		}
		list.Add([]byte("true"))
		want = append(want, stdjson.RawMessage("true"))
		out := AppendEdited(nil, in, edits)
		var got []stdjson.RawMessage
		if err := stdjson.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q became %q: %v", in, out, err)
		}
		if !slices.EqualFunc(got, want, func(a, b stdjson.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("%q became %q", in, out)
		}
	})
}
