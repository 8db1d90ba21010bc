package gatewaytest

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// Process is a program that runs beside the test until the test ends: a gateway of its own, a Redis.
type Process struct {
	cmd  *exec.Cmd
	log  string
	over bool
}

// Run starts a program, whose data directory is dir.
func Run(t testing.TB, dir, name string, args ...string) *Process {
	t.Helper()
	f, err := os.CreateTemp(dir, "log")
	if err != nil {
		t.Fatal(err)
	}
	p := &Process{cmd: exec.Command(name, args...), log: f.Name()} //nolint:gosec,noctx // the test names it, and it ends with the test
	p.cmd.Stdout, p.cmd.Stderr = f, f
	p.cmd.Env = append(os.Environ(), "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = f.Close() // the program has its own
	t.Cleanup(func() { _ = p.Kill() })
	return p
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends a signal.
func (p *Process) Signal(s os.Signal) error { return p.cmd.Process.Signal(s) }

// Kill ends the process at once.
func (p *Process) Kill() error {
	if p.over {
		return nil
	}
	p.over = true
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // it was killed
	return err
}

// Logged returns how often a text stands in what the program wrote.
func (p *Process) Logged(t testing.TB, text string) int {
	t.Helper()
	return bytes.Count(p.output(t), []byte(text))
}

// Lines returns the lines of what the program wrote that have a text.
func (p *Process) Lines(t testing.TB, text string) string {
	t.Helper()
	var found []byte
	for line := range bytes.Lines(p.output(t)) {
		if bytes.Contains(line, []byte(text)) {
			found = append(found, line...)
		}
	}
	return string(found)
}

func (p *Process) output(t testing.TB) []byte {
	t.Helper()
	raw, err := os.ReadFile(p.log)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// FreePort returns a port that was free a moment ago.
func FreePort(t testing.TB) int {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // nothing was done with it
	return l.Addr().(*net.TCPAddr).Port
}

// Await returns when something listens at the address.
func Await(t testing.TB, address string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Build returns the path of cmd/caddy: made if it is given, else built with the flags.
func Build(t testing.TB, made string, flags ...string) string {
	t.Helper()
	if made != "" {
		return made
	}
	binary := filepath.Join(t.TempDir(), "caddy")
	args := append(append([]string{"build"}, flags...), "-o", binary, "github.com/open-bedrock/caddy-bedrock-gateway/cmd/caddy")
	if out, err := exec.CommandContext(t.Context(), "go", args...).CombinedOutput(); err != nil { //nolint:gosec // the test's own flags
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// StartRedis starts a Redis that keeps nothing on disk. Where no script says by LIMITS_REDIS_SERVER that there is one, the
// test is skipped.
func StartRedis(t testing.TB, port int) *Process {
	t.Helper()
	server := os.Getenv("LIMITS_REDIS_SERVER")
	if server == "" {
		t.Skip("no redis-server: run test/redis/run")
	}
	dir := t.TempDir()
	p := Run(t, dir, server, "--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--appendonly", "no")
	Await(t, fmt.Sprintf("127.0.0.1:%d", port))
	return p
}
