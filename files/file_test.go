package files

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestIDs(t *testing.T) {
	now := time.Now()
	id, later := NewID(now), NewID(now.Add(time.Millisecond))
	if !ValidID(id) || id == NewID(now) || id >= later {
		t.Errorf("ids %s, %s: want valid, unique, in order of time", id, later)
	}
	for _, bad := range []string{"", "file-", "file", id[:36], id + "0", strings.ToUpper(id), "file_" + id[5:], id[:36] + "g", id[:36] + "/"} {
		if ValidID(bad) {
			t.Errorf("%q is taken for an id", bad)
		}
	}
}

func TestCleanName(t *testing.T) {
	for in, want := range map[string]string{
		"data.csv":                        "data.csv",
		"":                                "",
		"..":                              "",
		"a/..":                            "",
		"dir/":                            "",
		" \t ":                            "_",
		"../../etc/passwd":                "passwd",
		`C:\dir\x.txt`:                    "x.txt",
		"a\r\nb\x00c\x7f.txt":             "a__b_c_.txt",
		"a\u2028b\u202Ec":                 "a_b_c",
		"bad\xffutf8":                     "bad\uFFFDutf8",
		"naïve 数据 📄.md":                   "naïve 数据 📄.md",
		strings.Repeat("é", 300) + ".txt": strings.Repeat("é", 300) + ".txt",
		strings.Repeat("é", 800) + ".txt": strings.Repeat("é", 510) + ".txt",
		strings.Repeat("x", 2000):         strings.Repeat("x", 1024),
		"x." + strings.Repeat("y", 2000):  "x." + strings.Repeat("y", 1022),
	} {
		if got := CleanName(in); got != want || !utf8.ValidString(got) {
			t.Errorf("CleanName(%.40q) = %.60q (%d bytes), want %.60q", in, got, len(got), want)
		}
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0B", 500: "500B", 1023: "1023B", 1024: "1.0KB", 1229: "1.2KB", 1<<20 - 1: "1.0MB", 1 << 20: "1.0MB",
		512 << 20: "512.0MB", 3 << 30: "3.0GB", 5 << 40: "5.0TB",
	} {
		if got := FormatSize(n); got != want {
			t.Errorf("FormatSize(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestTextCacheStaysInItsBound(t *testing.T) {
	const bound = 100 << 10
	c := newTextCache(bound)
	key := func(i int) textKey { return textKey{sha256: strings.Repeat("0", i)} }
	for i := range 50 {
		c.put(textEntry{key: key(i), text: strings.Repeat("x", 10<<10)})
		if _, ok := c.get(key(0)); !ok {
			t.Fatalf("after %d others, the entry used all the time is gone", i)
		}
	}
	if _, ok := c.get(key(10)); ok {
		t.Error("an entry long unused is still there")
	}
	if c.used > bound || len(c.byKey) != c.order.Len() {
		t.Errorf("%d bytes used of %d; %d keys, %d in order", c.used, bound, len(c.byKey), c.order.Len())
	}
	c.put(textEntry{key: key(90), text: strings.Repeat("x", bound/2)})
	if _, ok := c.get(key(90)); ok {
		t.Error("a text of half the cache was kept")
	}
}
