package bedrock

import (
	"strconv"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

func TestFactsOfModelsAreRememberedWithinBounds(t *testing.T) {
	var m modelFacts
	for _, id := range []string{"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0", "no such model", ""} {
		for range 2 {
			if got, want := m.of(id), model.Lookup(id); got != want {
				t.Errorf("%q: got %+v, want %+v", id, got, want)
			}
		}
	}
	m.of(strings.Repeat("a", maxID+1))
	for i := range 2 * maxFacts {
		m.of("a" + strconv.Itoa(i))
	}
	n := 0
	m.known.Range(func(id, _ any) bool {
		if n++; len(id.(string)) > maxID {
			t.Errorf("a name of %d letters is kept", len(id.(string)))
		}
		return true
	})
	if n != maxFacts {
		t.Errorf("%d models are kept", n)
	}
	id := strings.Clone("amazon.nova-pro-v1:0")
	if n := testing.AllocsPerRun(100, func() { m.of(id) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
