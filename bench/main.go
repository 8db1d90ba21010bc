// Command bench measures what the gateway costs, as a ratio to Caddy's own reverse_proxy in the same run. It builds
// cmd/caddy, starts it twice on loopback (as the gateway and as a plain reverse_proxy) before stubs that stand for the
// providers, and ends both before it returns:
//
//	go run ./bench [-rounds 9] [-seconds 0.6] [-connections 64] [-only stream] [-profile folder]
//
// The figure is CPU time of the server's process per request: on a shared machine it is the only one that holds still.
// Short rounds of both servers alternate, and the median of the rounds' ratios counts. docs/performance.md has the
// method and results.
//
// With -before caddy-of-another-commit the rounds of two commits alternate, too.
//
// With -peer name=URL=model=pid it measures gateways beside them that are running already; bench/peers has recipes.
//
// With -scale it measures thousands of slow streams instead, each of an event a second, in about five minutes:
//
//	go run ./bench -scale [-seconds 12] [-only 'HTTP/2 with TLS, 1000$'] [-profile folder]
//
// What one function costs is measured by the benchmarks and allocation tests beside its code, not here.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"syscall"
	"time"
)

// options are what the command line says.
type options struct {
	rounds      int
	round       time.Duration
	connections int
	streams     int
	only        *regexp.Regexp
	profiles    string // folder for CPU profiles of the gateway; "" for none
	peers       peerFlags
	stub        string // address of the stub that peers ask
	scale       bool
	before      string // the binary of another commit; "" for none
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == childWord {
		if err := runChild(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	o, err := parse()
	if err == nil {
		// What ends the program early ends its servers, too.
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		err = run(ctx, o)
		stop()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse() (options, error) {
	var o options
	seconds := flag.Float64("seconds", 0.6, "length of a `round`, 12 with -scale")
	only := flag.String("only", "", "measure only the cases whose name matches this `pattern`")
	flag.IntVar(&o.rounds, "rounds", 9, "rounds of each case, of the gateway and of reverse_proxy")
	flag.IntVar(&o.connections, "connections", 64, "connections that ask at once")
	flag.IntVar(&o.streams, "streams", 1000, "slow streams whose memory is measured")
	flag.StringVar(&o.profiles, "profile", "", "write a CPU profile of the gateway in each case to this `folder`; with -scale those of both servers, and what streams hold")
	flag.Var(&o.peers, "peer", "measure a gateway that is running, too: `name=URL=model=pid`, as often as there are gateways")
	flag.Func("peer-header", "send a peer that was named before a header: `name=Header: value`", o.peers.header)
	flag.StringVar(&o.stub, "stub", "", "`address` of loopback for the stub that the peers have as their upstream")
	flag.StringVar(&o.before, "before", "", "measure another `binary` of cmd/caddy in the same rounds, and print its ratios beside the others")
	flag.BoolVar(&o.scale, "scale", false, "measure 1000, 3000 and 10000 streams of one event a second, over HTTP/1.1 and over HTTP/2 with TLS, and nothing else")
	flag.Parse()
	longer := o.scale
	flag.Visit(func(f *flag.Flag) { longer = longer && f.Name != "seconds" })
	if longer {
		*seconds = 12
	}
	o.round = time.Duration(*seconds * float64(time.Second))
	if o.rounds < 1 || o.round < time.Millisecond || o.round > time.Minute || o.connections < 1 || o.connections > 4096 || o.streams < 1 || o.streams > 10_000 {
		return o, fmt.Errorf("rounds, seconds (to 60), connections (to 4096) and streams (to 10000) must be positive")
	}
	if (len(o.peers) > 0) != (o.stub != "") {
		return o, errors.New("peers and the address of their stub are given together")
	}
	if o.stub != "" && !loopback(o.stub) {
		return o, fmt.Errorf("the stub's address %q is not 127.0.0.1 or [::1] with a port", o.stub)
	}
	var err error
	o.only, err = regexp.Compile(*only)
	return o, err
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "gateway-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what a failing disk leaves, the system's cleaning takes
	binary := filepath.Join(dir, "caddy")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "github.com/open-bedrock/caddy-bedrock-gateway/cmd/caddy") //nolint:gosec // our own command
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("building the gateway: %w", err)
	}
	if o.scale {
		m := slowMode{options: o, dir: dir, binary: binary}
		return m.run(ctx)
	}
	b, err := newBench(ctx, o, dir, binary)
	if err != nil {
		return err
	}
	defer b.close()
	fmt.Printf("%s, %d CPUs, %s/%s; %d rounds of %s, %d connections; ratios to reverse_proxy, medians\n\n",
		runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, o.rounds, o.round, o.connections)
	for _, part := range []func() error{b.ratios, b.guards, b.bodies, b.growth, b.widths, b.memory, b.latency, b.beside} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

// row is one line of the table.
type row struct {
	name     string
	bar      float64 // the most that is allowed
	measured float64
	unit     string // of both; "" for a ratio
	detail   string
}

func (r row) print() {
	met := "met"
	if r.measured > r.bar {
		met = "NOT MET"
	}
	fmt.Printf("%-58s ≤ %-9s %-9s %-8s %s\n", r.name, fmt.Sprintf("%.4g%s", r.bar, r.unit), fmt.Sprintf("%.3g%s", r.measured, r.unit), met, r.detail)
}
