package command_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"

	_ "github.com/open-bedrock/caddy-bedrock-gateway/simulator" // in cmd/caddy, for the quickstart
)

// The quickstart is what somebody sees first: its root says what is there, test-aws passes, and the user's own last
// configuration stays what it was.
func TestQuickstart(t *testing.T) {
	text, err := os.ReadFile("../examples/quickstart/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	config := "{\n\tadmin off" + strings.TrimPrefix(string(text[strings.Index(string(text), "\n{\n"):]), "\n{")
	for _, port := range []string{"8000", "8001"} {
		config = strings.ReplaceAll(config, ":"+port, fmt.Sprint(":", freePort(t)))
	}
	a := newAccount(t)
	t.Setenv("XDG_CONFIG_HOME", a.dir)
	t.Setenv("XDG_DATA_HOME", a.dir)
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(config), nil)
	if err != nil {
		t.Fatalf("%v\n%s", err, config)
	}
	if err := caddy.Load(adapted, true); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = caddy.Stop() }()

	address := config[strings.Index(config, "base URL ")+len("base URL "):]
	address = address[:strings.Index(address, "/v1")]
	res, err := http.Get(address + "/") //nolint:noctx // on loopback
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	root, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(root), "base URL "+address+"/v1") {
		t.Errorf("the root says %q, %v", root, err)
	}
	code, out, errs := a.caddy(t, nil, "bedrock", "test-aws", "--config", a.file(t, "Caddyfile", config))
	if code != 0 || !strings.Contains(out, "✓ Identity: arn:aws:iam::123456789012:user/simulator") || strings.Count(out, "✓") != 5 {
		t.Errorf("test-aws: exit code %d\n%s%s", code, out, errs)
	}
	if !strings.Contains(string(adapted), `"persist":false`) {
		t.Errorf("it is written where the user's own last configuration stands: %s", adapted)
	}
}

// freePort returns a port of the loopback interface that is free now.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // closed at once
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was written
	return l.Addr().(*net.TCPAddr).Port
}
