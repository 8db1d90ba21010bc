package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is the gateway and the reverse_proxy that it is compared with.
type bench struct {
	options
	ctx         context.Context
	dir, binary string
	gateway     *server
	proxy       *server
	older       *server // nil where no other commit is measured
}

func newBench(ctx context.Context, o options, dir, binary string) (*bench, error) {
	b := &bench{options: o, ctx: ctx, dir: dir, binary: binary}
	var err error
	if b.gateway, err = start(ctx, "gateway", binary, dir, gatewaySite); err != nil {
		return nil, err
	}
	if b.proxy, err = start(ctx, "reverse_proxy", binary, dir, proxySite); err != nil {
		b.gateway.stop()
		return nil, err
	}
	if o.before == "" {
		return b, nil
	}
	if b.older, err = start(ctx, "before", o.before, dir, gatewaySite); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bench) close() {
	b.gateway.stop()
	b.proxy.stop()
	if b.older != nil {
		b.older.stop()
	}
}

// task is what a server is asked, and what its stub answers.
type task struct {
	request request
	reply   *reply
	want    string // in what the client gets
}

// pair is the same work for both servers.
type pair struct {
	name           string
	gateway, proxy task
	connections    int // 0 for as many as the options say
}

// sample is what one round of a pair measured: CPU time per request, of reverse_proxy or of what else is compared with. older is 0
// where no other commit is measured.
type sample struct{ gateway, proxy, older time.Duration }

func (s sample) ratio() float64 { return float64(s.gateway) / float64(s.proxy) }

// compare runs the pair's rounds, the gateway and the proxy first by turns.
func (b *bench) compare(p pair) ([]sample, error) {
	if p.connections == 0 {
		p.connections = b.connections
	}
	samples, err := b.between(b.gateway, b.proxy, b.older, p)
	if err != nil {
		return nil, err
	}
	return samples, b.writeProfile(b.gateway, p)
}

// between runs the pair's rounds on two servers, and on one of an older commit if that is not nil.
func (b *bench) between(gateway, proxy, older *server, p pair) ([]sample, error) {
	if p.connections == 0 {
		p.connections = b.connections
	}
	if err := b.begin(gateway, p.gateway, p); err != nil {
		return nil, err
	}
	if err := b.begin(proxy, p.proxy, p); err != nil {
		return nil, err
	}
	if older != nil {
		if err := b.begin(older, p.gateway, p); err != nil {
			return nil, err
		}
	}
	samples := make([]sample, b.rounds)
	for i := range samples {
		s := &samples[i]
		sides := []func() error{
			func() (err error) { s.gateway, err = b.perRequest(gateway, p.gateway, p.connections); return err },
			func() (err error) { s.proxy, err = b.perRequest(proxy, p.proxy, p.connections); return err },
		}
		if older != nil {
			sides = append(sides, func() (err error) { s.older, err = b.perRequest(older, p.gateway, p.connections); return err })
		}
		if i%2 == 1 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			if err := side(); err != nil {
				return nil, fmt.Errorf("%s: %w", p.name, err)
			}
		}
	}
	return samples, nil
}

// begin sets what the server's stub answers, checks the work and warms the server up.
func (b *bench) begin(s *server, t task, p pair) error {
	s.stub.reply.Store(t.reply)
	err := s.pool.probe(t.request, t.want)
	if err == nil {
		_, err = s.pool.load(t.request, p.connections, b.round/3)
	}
	if err != nil {
		return fmt.Errorf("%s, %s: %w", p.name, s.name, err)
	}
	return nil
}

// perRequest is the server's CPU time per request in one round.
func (b *bench) perRequest(s *server, t task, connections int) (time.Duration, error) {
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	n, err := s.pool.load(t.request, connections, b.round)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := s.cpu()
	return (after - before) / time.Duration(n), err
}

// writeProfile writes a CPU profile of a gateway at this work, if asked to.
func (b *bench) writeProfile(s *server, p pair) error {
	if b.profiles == "" {
		return nil
	}
	name := strings.Map(func(r rune) rune {
		if r == '/' || r == ' ' || r == ',' {
			return '_'
		}
		return r
	}, p.name)
	done := make(chan error, 1)
	go func() { done <- s.profile(3, filepath.Join(b.profiles, name+".prof")) }()
	if _, err := s.pool.load(p.gateway.request, p.connections, 3*time.Second); err != nil {
		return err
	}
	return <-done
}

// selected reports whether a case is to be measured.
func (o *options) selected(name string) bool { return o.only.MatchString(name) }

// median of f over the samples.
func median(samples []sample, f func(sample) float64) float64 {
	values := make([]float64, len(samples))
	for i, s := range samples {
		values[i] = f(s)
	}
	return middle(values)
}

// middle is the median of the values, which it sorts.
func middle(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[n/2] + values[(n-1)/2]) / 2
}

// microseconds says what the samples' medians are.
func microseconds(samples []sample) string {
	before := ""
	if samples[0].older > 0 {
		before = fmt.Sprintf(", before %.3g (%.1f µs)", median(samples, func(s sample) float64 { return float64(s.older) / float64(s.proxy) }),
			median(samples, func(s sample) float64 { return float64(s.older) / 1e3 }))
	}
	return fmt.Sprintf("%.1f µs, reverse_proxy %.1f µs",
		median(samples, func(s sample) float64 { return float64(s.gateway) / 1e3 }),
		median(samples, func(s sample) float64 { return float64(s.proxy) / 1e3 })) + before
}
