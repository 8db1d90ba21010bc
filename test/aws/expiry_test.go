package aws

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// settled is how old credentials must be to be renewed when AWS refuses them: younger ones were renewed for another
// request that was refused. The test has to let that time pass.
const settled = 2*time.Second + 100*time.Millisecond

// Credentials that AWS calls expired before their time are renewed once, for however many requests, and each of these is
// sent once more, the same and signed anew. When that does not help, the client is told.
func TestExpiredTokenRenewsOnceAndRetriesOnce(t *testing.T) {
	c := newCloud(t, "us-east-1")
	b := c.bedrock(t)
	g := gatewaytest.Start(t, "bedrock_gateway {\n"+b.block("here", c.static(), c.role())+"}")
	if a := g.Post(t, "/v1/chat/completions", ask("here")); a.Status != http.StatusOK {
		t.Fatal(a.Status, a.Body)
	}
	calls := b.take()
	if n := c.Calls()["AssumeRole"]; n != 1 || len(calls) != 1 {
		t.Fatalf("%d roles assumed for %q", n, calls)
	}
	old, _, _ := strings.Cut(calls[0], " ")
	<-time.After(settled)

	var mu sync.Mutex
	bodies := map[string]int{}
	refused := 0
	b.refuseBy(func(s simulator.Session, body []byte) (int, string) {
		mu.Lock()
		defer mu.Unlock()
		bodies[string(body)]++
		if s.AccessKeyID != old {
			return 0, ""
		}
		refused++
		return 403, "ExpiredTokenException"
	})
	const many = 20
	var wg sync.WaitGroup
	for range many {
		wg.Go(func() {
			if a := g.Post(t, "/v1/chat/completions", ask("here")); a.Status != http.StatusOK || a.Header.Get("Bedrock-Gateway-Attempts") != "" {
				t.Errorf("%d %s, attempts %q", a.Status, a.Body, a.Header.Get("Bedrock-Gateway-Attempts"))
			}
		})
	}
	wg.Wait()
	calls = b.take()
	if n := c.Calls()["AssumeRole"]; n != 2 || refused == 0 || len(calls) != many+refused || len(bodies) != 1 {
		t.Errorf("%d roles assumed, %d calls of which %d refused, %d bodies; want 2, as many above %d as refused, 1", n, len(calls), refused, len(bodies), many)
	}

	b.refuseBy(func(simulator.Session, []byte) (int, string) { return 403, "ExpiredTokenException" })
	<-time.After(settled)
	a := g.Post(t, "/v1/chat/completions", ask("here"))
	calls = b.take()
	if n := c.Calls()["AssumeRole"]; n != 3 || len(calls) != 2 || calls[0] == calls[1] {
		t.Errorf("%d roles assumed; called by %q; want 3, and two different sessions", n, calls)
	}
	if want := `{"error":{"message":"*refused the gateway's own credentials (ExpiredTokenException)*","type":"*","param":null,"code":"upstream_credentials"}}`; a.Status != http.StatusForbidden || !gatewaytest.SameJSON(a.Body, want) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// What nothing can renew is not tried again, and the client is told whose fault it is.
func TestExpiredStaticCredentialsAreNotRetried(t *testing.T) {
	c := newCloud(t, "us-east-1")
	b := c.bedrock(t)
	b.refuseBy(func(simulator.Session, []byte) (int, string) { return 403, "ExpiredTokenException" })
	g := gatewaytest.Start(t, "bedrock_gateway {\n"+b.block("here", c.static())+"}")
	a := g.Post(t, "/v1/chat/completions", ask("here"))
	if calls := b.take(); a.Status != http.StatusForbidden || len(calls) != 1 ||
		!strings.Contains(a.Body, "the gateway has no valid AWS credentials for upstream 'here': AWS has refused the static credentials as expired") {
		t.Errorf("%d %s, called by %q", a.Status, a.Body, calls)
	}
}

// A role that cannot be assumed again leaves the answer to be an error about credentials; a second upstream serves.
func TestAnotherTargetServesWhereCredentialsFail(t *testing.T) {
	c := newCloud(t, "us-east-1")
	bad, good := c.bedrock(t), c.bedrock(t)
	g := gatewaytest.Start(t, "bedrock_gateway {\n"+bad.block("bad", c.static(), "assume_role "+roleARN+" {\nexternal_id wrong-number\n}")+
		good.block("good", c.static())+"route both {\nto bad "+claude+"\nto good "+claude+"\n}\n}")
	a := g.Post(t, "/v1/chat/completions", ask("bad"))
	if a.Status != http.StatusForbidden || !strings.Contains(a.Body, "upstream 'bad': access denied when assuming role; its log says more") || len(bad.take()) != 0 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	a = g.Post(t, "/v1/chat/completions", strings.Replace(chat, claude, "both", 1))
	if a.Status != http.StatusOK || a.Header.Get("Bedrock-Gateway-Upstream") != "good" || len(good.take()) != 1 {
		t.Errorf("%d %s from %q", a.Status, a.Body, a.Header.Get("Bedrock-Gateway-Upstream"))
	}
}
