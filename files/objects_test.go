package files

import (
	"bytes"
	"testing"
	"time"
)

// What was encoded comes back, and nothing else is taken for an object: sweeps read what is on a disk or in a bucket.
func FuzzDecodeObject(f *testing.F) {
	b, err := EncodeObject(Object{Owner: "o", Kind: KindKept, ID: "resp_1", Body: []byte("x\ny"), ExpiresAt: time.Unix(1_800_000_000, 0)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:len(b)-1])
	f.Add([]byte("{}\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, err := DecodeObject(b)
		if err != nil {
			return
		}
		head, err := ObjectHead(b)
		if err != nil || head.ID != o.ID || !head.ExpiresAt.Equal(o.ExpiresAt) {
			t.Errorf("head %+v, %v; object %+v", head, err, o)
		}
		again, err := EncodeObject(o)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := DecodeObject(again); err != nil || got.Owner != o.Owner || got.ID != o.ID || !bytes.Equal(got.Body, o.Body) {
			t.Errorf("again %+v, %v; want %+v", got, err, o)
		}
	})
}

// Two ids never share a name, also where a file system does not tell large letters from small ones.
func TestObjectNames(t *testing.T) {
	for id, plain := range map[string]bool{
		"resp_0123456789abcdef0123456789abcdef": true, "msg_68af-1_0": true, "rs_1": true,
		"resp_A": false, "con": false, "nul.txt": false, "": false, "..": false, "a/_": false, "ü_": false, "a_ ": false,
	} {
		if name := ObjectName(id); (name == id) != plain || len(name) == 0 || len(name) > 128 {
			t.Errorf("%q: %q", id, name)
		}
	}
	if ObjectName("resp_A") == ObjectName("resp_a") || ObjectName("resp_A") == ObjectName("resp_B") {
		t.Error("two ids share a name")
	}
}
