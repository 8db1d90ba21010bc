package main

import (
	"crypto/sha256"
	"fmt"
	"time"
)

// bodies measures what large requests cost beyond relaying them and the one SHA-256 that signing them takes, in units of
// that SHA-256.
func (b *bench) bodies() error {
	for _, c := range []struct {
		name        string
		body        string
		connections int
	}{
		{"request of 100 KB of text, beyond one SHA-256, in SHA-256", textRequest(100_000), 16},
		{"request of 5 MB with an image, beyond one SHA-256, in SHA-256", imageRequest(5_000_000 / 4 * 3), 4},
	} {
		if !b.selected(c.name) {
			continue
		}
		req := post(chatPath, c.body)
		samples, err := b.compare(pair{
			name: c.name, gateway: task{req, converseReply, `"finish_reason":"stop"`}, proxy: task{req, openaiReply, `"finish_reason":"stop"`},
			connections: c.connections,
		})
		if err != nil {
			return err
		}
		hash := float64(hashTime([]byte(c.body)))
		added := median(samples, func(s sample) float64 { return (float64(s.gateway-s.proxy) - hash) / hash })
		detail := fmt.Sprintf("%s, hash %.1f µs", microseconds(samples), hash/1e3)
		if b.older != nil {
			detail += fmt.Sprintf(", before %.3g", median(samples, func(s sample) float64 { return (float64(s.older-s.proxy) - hash) / hash }))
		}
		row{c.name, 1.5, added, "", detail}.print()
	}
	return nil
}

// hashTime is how long SHA-256 of the body takes: the shortest of some, which nobody else's work has disturbed.
func hashTime(body []byte) time.Duration {
	shortest := time.Hour
	for end := time.Now().Add(200 * time.Millisecond); time.Now().Before(end); {
		start := time.Now()
		sha256.Sum256(body)
		shortest = min(shortest, time.Since(start))
	}
	return shortest
}

// growth measures whether a delta costs as much in a long stream as in a short one.
func (b *bench) growth() error {
	const name = "cost of a delta in a stream of 10,000, to one of 100"
	if !b.selected(name) {
		return nil
	}
	lengths := [...]int{1, 100, 10_000}
	var tasks [len(lengths)]task
	for i, n := range lengths {
		tasks[i] = toConverse(stream(typeFrames, converseStream(n)))
	}
	var ratios, short, long []float64
	for range b.rounds {
		var cost [len(lengths)]time.Duration
		for i, t := range tasks {
			b.gateway.stub.reply.Store(t.reply)
			var err error
			if cost[i], err = b.perRequest(b.gateway, t, b.connections); err != nil {
				return err
			}
		}
		delta := func(i int) float64 { return float64(cost[i]-cost[0]) / float64(lengths[i]-lengths[0]) }
		ratios, short, long = append(ratios, delta(2)/delta(1)), append(short, delta(1)), append(long, delta(2))
	}
	row{name, 1.10, middle(ratios), "", fmt.Sprintf("%.0f ns a delta of 100, %.0f ns of 10,000", middle(short), middle(long))}.print()
	return nil
}

// widths measures whether a request costs as much, compared with reverse_proxy, among many as alone.
func (b *bench) widths() error {
	const name = "cost of a request on 512 connections, to that on 1"
	if !b.selected(name) {
		return nil
	}
	p := pair{
		name:    name,
		gateway: task{post(chatPath, openaiRequest(sonnet, false)), converseReply, `"finish_reason":"stop"`},
		proxy:   task{post(chatPath, openaiRequest(gpt, false)), openaiReply, `"finish_reason":"stop"`},
	}
	var ratios [2]float64
	var details [2]string
	for i, n := range []int{1, 512} {
		p.connections = n
		samples, err := b.compare(p)
		if err != nil {
			return err
		}
		ratios[i] = median(samples, sample.ratio)
		details[i] = fmt.Sprintf("on %d %.2f (%s)", n, ratios[i], microseconds(samples))
	}
	row{name, 1.10, ratios[1] / ratios[0], "", details[0] + ", " + details[1]}.print()
	return nil
}
