package main

import (
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// latencyRate is how many requests a second are asked, on all connections together.
	latencyRate = 1000
	// latencyRound is how long each round asks, whatever the options say: a p99 takes its number of replies.
	latencyRound = 3 * time.Second
)

// latency measures what the gateway and reverse_proxy add to the time of a whole reply that a direct call takes, at a rate that is
// fixed: the 99th percentile of one round, and of that the median of all rounds.
func (b *bench) latency() error {
	name := fmt.Sprintf("p99 added to a whole reply at %d a second, to reverse_proxy's", latencyRate)
	if !b.selected(name) {
		return nil
	}
	direct := task{post(chatPath, openaiRequest(gpt, false)), openaiReply, `"finish_reason":"stop"`}
	gateway := task{post(chatPath, openaiRequest(sonnet, false)), converseReply, `"finish_reason":"stop"`}
	if err := b.begin(b.gateway, gateway, pair{name: name, connections: b.connections}); err != nil {
		return err
	}
	if err := b.begin(b.proxy, direct, pair{name: name, connections: b.connections}); err != nil {
		return err
	}
	stub := &pool{address: b.proxy.stub.address()}
	defer stub.close()
	asked := []struct {
		pool *pool
		request
	}{{b.gateway.pool, gateway.request}, {b.proxy.pool, direct.request}, {stub, direct.request}}
	var p99 [3][]float64 // microseconds, of a round each
	for i := range b.rounds {
		for j := range asked {
			k := (i + j) % len(asked)
			took, err := asked[k].pool.steady(asked[k].request, b.connections)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			slices.Sort(took)
			p99[k] = append(p99[k], float64(took[len(took)*99/100])/1e3)
		}
	}
	ratios := make([]float64, b.rounds)
	for i := range ratios {
		ratios[i] = (p99[0][i] - p99[2][i]) / (p99[1][i] - p99[2][i])
	}
	row{name, 1, middle(ratios), "", fmt.Sprintf("%.0f µs, reverse_proxy %.0f µs, direct %.0f µs", middle(p99[0]), middle(p99[1]), middle(p99[2]))}.print()
	return nil
}

// steady asks on n connections by turns at latencyRate, and returns how long the replies took. A request that has to wait for the
// connection's last reply is late by that much: its time begins when it should have been sent.
func (p *pool) steady(req request, n int) ([]time.Duration, error) {
	if err := p.grow(n); err != nil {
		return nil, err
	}
	every := time.Duration(n) * time.Second / latencyRate
	start := time.Now()
	took := make([][]time.Duration, n)
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i, c := range p.clients[:n] {
		wg.Go(func() {
			for at := start.Add(every * time.Duration(i) / time.Duration(n)); at.Sub(start) < latencyRound; at = at.Add(every) {
				begin := at
				if early := time.Until(at); early > 0 {
					time.Sleep(early)
					begin = time.Now() // how late the sleep ends is not the server's
				}
				if errs[i] = c.ask(req, io.Discard); errs[i] != nil {
					return
				}
				took[i] = append(took[i], time.Since(begin))
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(took...), nil
}
