package stored_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// What one owner may keep takes nothing from what another one may, and refuses no call.
func TestALimitOfWhatIsKept(t *testing.T) {
	g, m := start(t, "limit mine {\n\t\tkey {http.request.header.X-User}\n\t\tstored 3KB\n\t}")
	ask := func(user string) reply {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/responses", strings.NewReader(`{"model":"`+claude+`","input":"hello"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("X-User", user)
		_, r := final(t, false, g.Do(t, req).Body)
		return r
	}
	stored := 0
	for range 10 {
		r := ask("alice")
		if r.Status != "completed" || r.Store == nil {
			t.Fatalf("%+v", r)
		}
		if there := load(t, m, "alice", r.ID) != nil; there != *r.Store {
			t.Errorf("stored %v, says %v", there, *r.Store)
		}
		if *r.Store {
			stored++
		}
	}
	if stored == 0 || stored == 10 {
		t.Errorf("%d of 10 are stored", stored)
	}
	if held := m.OwnerUsage("response", "alice"); held > 3000 {
		t.Errorf("%d bytes are held", held)
	}
	if r := ask("bob"); !*r.Store {
		t.Error("another owner's are not stored")
	}
	if w := warnings(t, g); len(w) != 1 || !strings.Contains(w[0], "'mine'") {
		t.Errorf("logged %q", w)
	}
}
