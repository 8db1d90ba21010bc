package limit

import (
	"strings"
	"testing"
)

func TestStoredIsBoundedByOwnerAndByAll(t *testing.T) {
	l := New([]*Rule{
		{Name: "each", Key: "{user}", Stored: 100},
		{Name: "all", Stored: 1000},
		{Name: "small", Key: "{user}", Stored: 10, Models: []func(string) bool{func(m string) bool { return m == "nano" }}},
		{Name: "rate", Concurrent: 1},
	})
	for _, c := range []struct {
		model            string
		size, owner, all int64
		want             string
	}{
		{"m", 100, 0, 0, ""},
		{"m", 101, 0, 0, "each"},
		{"m", 1, 100, 100, "each"},
		{"m", 1, 99, 999, ""},
		{"m", 2, 98, 999, "all"},
		{"nano", 11, 0, 0, "small"},
	} {
		if got := l.Full(c.model, c.size, func() int64 { return c.owner }, func() int64 { return c.all }); got != c.want {
			t.Errorf("%+v: %q", c, got)
		}
	}
	if len(l.rules) != 1 {
		t.Errorf("calls are counted by %d limits", len(l.rules))
	}
	if err := l.CheckStored("{user}"); err != nil {
		t.Error(err)
	}
	if err := l.CheckStored("{other}"); err == nil || !strings.Contains(err.Error(), "'each'") || !strings.Contains(err.Error(), "{other}") {
		t.Errorf("another key: %v", err)
	}
	var none *Limits
	if none.Full("m", 1, nil, nil) != "" || none.CheckStored("x") != nil {
		t.Error("no limits bound something")
	}
}
