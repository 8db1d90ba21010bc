package exchange

import (
	"strings"
	"testing"
)

// A header of hundreds of kilobytes makes clients and proxies give up the whole answer.
func TestTheListOfWhatWasDroppedHasAnEnd(t *testing.T) {
	names := []string{"top_k", strings.Repeat("a", 300_000)}
	if got, want := listed(names), "top_k, "+strings.Repeat("a", maxListedName)+"..."; got != want {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
	names = make([]string, 100)
	for i := range names {
		names[i] = "n"
	}
	if got := listed(names); got != strings.Repeat("n, ", maxListed)+"..." {
		t.Errorf("a hundred names: %s", got)
	}
}
