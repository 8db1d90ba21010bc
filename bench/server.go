package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// startTimeout is how long a server may take until it accepts connections.
const startTimeout = 20 * time.Second

// server is a process that is measured, before a stub of its own.
type server struct {
	name    string
	address string // of the server
	admin   string // of Caddy's admin endpoint
	stub    *stub
	pool    *pool
	process *exec.Cmd
	log     bytes.Buffer
}

// gatewaySite is the gateway with everything at its defaults but the addresses and keys.
const gatewaySite = `	bedrock_gateway {
		openai sk-bench {
			base_url http://%[1]s/v1
		}
		bedrock us-east-1 {
			endpoint http://%[1]s
			credentials AKIABENCH00000000000 bench-secret-key
		}
		files off
	}
`

// proxySite is Caddy's reverse_proxy: the flush setting is the default, the idle connections are as many as are used, as
// the gateway's are.
const proxySite = `	reverse_proxy %[1]s {
		transport http {
			keepalive_idle_conns_per_host 4096
		}
	}
`

// start runs the site and waits until it serves. The process ends with ctx, at the latest.
func start(ctx context.Context, name, binary, dir, site string) (*server, error) {
	s := &server{name: name}
	var err error
	if s.stub, err = newStub(); err != nil {
		return nil, err
	}
	if s.address, err = freeAddress(); err != nil {
		return nil, err
	}
	if s.admin, err = freeAddress(); err != nil {
		return nil, err
	}
	if err := s.launch(ctx, binary, dir, "", "http://"+s.address, fmt.Sprintf(site, s.stub.address())); err != nil {
		return nil, err
	}
	s.pool = &pool{address: s.address}
	return s, nil
}

// launch runs Caddy with the one site at an address, and waits until it listens. It ends the process if it does not.
func (s *server) launch(ctx context.Context, binary, dir, globals, address, site string) error {
	home := filepath.Join(dir, s.name)
	if err := os.MkdirAll(home, 0o700); err != nil {
		return err
	}
	file := filepath.Join(home, "Caddyfile")
	text := fmt.Sprintf("{\n\tadmin %s\n\tpersist_config off\n\tlog {\n\t\tlevel ERROR\n\t}\n%s}\n\n%s {\n\tbind 127.0.0.1\n%s}\n", s.admin, globals, address, site)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return err
	}
	s.process = exec.CommandContext(ctx, binary, "run", "--adapter", "caddyfile", "--config", file) //nolint:gosec // built by us
	s.process.Env = environment(home)
	s.process.Stderr = &s.log
	if err := s.process.Start(); err != nil {
		return err
	}
	for deadline := time.Now().Add(startTimeout); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
			return nil
		}
		if time.Now().After(deadline) {
			s.stop()
			return fmt.Errorf("%s does not serve: %s", s.name, s.log.String())
		}
	}
}

// stop ends the process, and its stub if that is in this one.
func (s *server) stop() {
	if s.pool != nil {
		s.pool.close()
	}
	_ = s.process.Process.Kill()
	_ = s.process.Wait()
	if s.stub != nil {
		_ = s.stub.listener.Close()
	}
}

// environment returns the environment of this process without AWS's variables, and with home for what Caddy writes.
func environment(home string) []string {
	env := []string{"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "AppData=" + home, "AWS_EC2_METADATA_DISABLED=true"}
	for _, name := range []string{"PATH", "SystemRoot", "TMPDIR", "TEMP", "GOMAXPROCS", "GOGC", "GODEBUG"} {
		if v, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+v)
		}
	}
	return env
}

// freeAddress returns an address of loopback that is not in use.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close() //nolint:errcheck // it was never used
	return l.Addr().String(), nil
}

// pid is the process's id.
func (s *server) pid() int { return s.process.Process.Pid }

// profile writes a CPU profile of the next seconds to a file.
func (s *server) profile(seconds int, file string) error {
	data, err := s.get(fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds))
	if err != nil {
		return err
	}
	return os.WriteFile(file, data, 0o600)
}

// get asks the admin endpoint.
func (s *server) get(path string) ([]byte, error) {
	res, err := http.Get("http://" + s.admin + path)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, res.Status)
	}
	return io.ReadAll(res.Body)
}

// held is the memory of heap and stacks that is in use after collections of garbage, in bytes. What of it was never touched is not
// resident.
func (s *server) held() (float64, error) {
	const collected = "/debug/pprof/heap?gc=1&debug=1"
	if _, err := s.get(collected); err != nil { // pools let go of what is in them at the second
		return 0, err
	}
	text, err := s.get(collected)
	if err != nil {
		return 0, err
	}
	var total float64
	for _, name := range []string{"# HeapAlloc = ", "# Stack = "} {
		var v float64
		_, rest, _ := strings.Cut(string(text), name)
		if _, err := fmt.Sscan(rest, &v); err != nil {
			return 0, fmt.Errorf("the server's profile lacks %q: %w", name, err)
		}
		total += v
	}
	return total, nil
}
