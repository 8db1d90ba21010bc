// Package cli tests the commands of `caddy bedrock` as they are run: by a whole Caddy in a process of its own, with an
// environment, a home and a working directory that have nothing in them but what the test puts there.
package cli_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	_ "github.com/caddyserver/caddy/v2/modules/standard" // what every Caddy has

	_ "github.com/open-bedrock/caddy-bedrock-gateway"             // the gateway
	_ "github.com/open-bedrock/caddy-bedrock-gateway/command/cli" // what is tested
	_ "github.com/open-bedrock/caddy-bedrock-gateway/simulator"   // as in cmd/caddy
)

// asCaddy makes this test binary a caddy.
const asCaddy = "BEDROCK_TEST_AS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(asCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// home is somebody's machine: an empty home directory, an empty working directory, and an environment.
type home struct {
	dir, work string
	env       []string // NAME=value, on top of the few variables that a program needs to run
}

func newHome(t *testing.T, env ...string) *home {
	t.Helper()
	h := &home{dir: t.TempDir(), work: t.TempDir(), env: env}
	return h
}

// file writes a file in the working directory, and returns its path.
func (h *home) file(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(h.work, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// read returns a file of the working directory; "" if there is none.
func (h *home) read(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(h.work, name))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(raw)
}

// command returns `caddy args…`, not started yet.
func (h *home) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, os.Args[0], args...) // #nosec G204 G702 -- this very binary
	cmd.Dir = h.work
	cmd.Env = slices.Concat([]string{
		asCaddy + "=1", "HOME=" + h.dir, "XDG_DATA_HOME=" + h.dir, "XDG_CONFIG_HOME=" + h.dir, "AppData=" + h.dir, "USERPROFILE=" + h.dir,
		"AWS_EC2_METADATA_DISABLED=true", "SystemRoot=" + os.Getenv("SystemRoot"), "PATH=" + os.Getenv("PATH"),
	}, h.env)
	return cmd
}

// result is what a command left behind.
type result struct {
	code        int
	stdout, err string
}

// caddy runs a command to its end, with what stands on its standard input.
func (h *home) caddy(t *testing.T, stdin string, args ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := h.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// process is a command that runs beside the test until the test ends.
type process struct {
	cmd *exec.Cmd

	mu      sync.Mutex
	written bytes.Buffer  // both streams
	more    chan struct{} // closed and made anew when something was written, or the process ended
	over    bool
}

func (h *home) start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: h.command(context.WithoutCancel(t.Context()), args...), more: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.cmd.Wait() // it is killed, or its output says why it ended
		p.mu.Lock()
		defer p.mu.Unlock()
		p.over = true
		close(p.more)
		p.more = make(chan struct{})
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-ended
		_ = stdin.(io.Closer).Close()
	})
	return p
}

// Write keeps what the process says.
func (p *process) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.more)
	p.more = make(chan struct{})
	return p.written.Write(b)
}

// said returns what the process has written so far.
func (p *process) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.written.String()
}

// await returns when the process has written the text.
func (p *process) await(t *testing.T, text string) {
	t.Helper()
	late := time.After(time.Minute)
	for {
		p.mu.Lock()
		said, more, over := p.written.String(), p.more, p.over
		p.mu.Unlock()
		if strings.Contains(said, text) {
			return
		}
		if over {
			t.Fatalf("it ended without %q:\n%s", text, said)
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("it did not say %q:\n%s", text, said)
		}
	}
}
