package failure

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestPrint(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"a plain error":          {errors.New("it broke"), "Error: it broke\n"},
		"with a next step":       {Newf("mend it", "it %s", "broke"), "Error: it broke\n  → mend it\n"},
		"wrapped":                {fmt.Errorf("serve: %w", Newf("mend it", "it broke")), "Error: serve: it broke\n  → mend it\n"},
		"several lines":          {errors.New("one\ntwo\n"), "Error: one\n  two\n"},
		"a word as long as that": {errors.New("no " + strings.Repeat("x", 90)), "Error: no\n  " + strings.Repeat("x", 90) + "\n"},
		"lines of 80 columns": {
			Newf("run this as the file's owner, or name another file that can be read by --env-file", "%s cannot be read: the file is there but belongs to somebody else: permission denied", ".env"),
			"Error: .env cannot be read: the file is there but belongs to somebody else:\n  permission denied\n" +
				"  → run this as the file's owner, or name another file that can be read by\n    --env-file\n",
		},
	} {
		var b strings.Builder
		Print(&b, tc.err)
		if b.String() != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, b.String(), tc.want)
		}
	}
}

func TestFailureUnwraps(t *testing.T) {
	if err := New(fs.ErrNotExist, "make it"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the cause is lost")
	}
}
