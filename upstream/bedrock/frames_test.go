package bedrock

import "testing"

// Chunks are taken apart without the JSON reader where they are as Bedrock writes them; all others must take it.
func TestWrapped(t *testing.T) {
	for payload, want := range map[string]string{
		`{"bytes":"e30=","p":"abcdef"}`:      "e30=",
		`{"bytes":"e30="}`:                   "e30=",
		`{"bytes":"","p":""}`:                "",
		`{"p":"abc","bytes":"e30="}`:         "-",
		`{ "bytes":"e30="}`:                  "-",
		`{"bytes":"e30=","p":"a\\u0022"}`:    "-",
		`{"bytes":"e30=","p":"a","q":1}`:     "-",
		`{"bytes":"e30=","p":"a","q":"b"}`:   "-",
		`{"bytes":"e30=","bytes":"e30="}`:    "-",
		`{"bytes":"e30=","p":"a"} {"p":"b"}`: "-",
		`{"bytes":"e30=","p":"`:              "-",
		`{"bytes":"e30=","p":"a"`:            "-",
		`{"bytes":"e30`:                      "-",
		`{"bytes":"`:                         "-",
		``:                                   "-",
	} {
		text, ok := wrapped([]byte(payload))
		if got := string(text); ok != (want != "-") || ok && got != want {
			t.Errorf("%s: %q, %t", payload, got, ok)
		}
	}
}
