package main

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// besideCase is one of the gateway's own cases that peers are measured on.
type besideCase struct {
	name             string
	converse, stream bool
}

// beside measures the peers on what they serve of the gateway's own cases, in rounds by turns with reverse_proxy.
func (b *bench) beside() error {
	if len(b.peers) == 0 {
		return nil
	}
	stub, err := newPeerStub(b.stub)
	if err != nil {
		return err
	}
	defer stub.close()
	var reached []*peer
	for _, p := range b.peers {
		defer p.close()
		if err := p.find(stub); err != nil {
			fmt.Printf("%-58s is not measured: %v\n", p.name, err)
			continue
		}
		reached = append(reached, p)
	}
	for _, c := range []besideCase{
		{"OpenAI passthrough, unary", false, false},
		{"OpenAI passthrough, stream of 100", false, true},
		{"OpenAI → Converse → OpenAI, unary", true, false},
		{"OpenAI → Converse → OpenAI, stream of 100, back to back", true, true},
	} {
		serving := slices.DeleteFunc(slices.Clone(reached), func(p *peer) bool { return p.converse != c.converse })
		if len(serving) == 0 || !b.selected(c.name) {
			continue
		}
		if err := b.besideAll(c, serving); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return b.printMemory()
}

// printMemory says what the servers take after their work, for comparison with the peers.
func (b *bench) printMemory() error {
	for _, s := range []*server{b.gateway, b.proxy} {
		bytes, err := s.memory()
		if err != nil {
			return err
		}
		fmt.Printf("%-58s %.0f MB resident\n", s.name, bytes/(1<<20))
	}
	return nil
}

// find asks the peer once, and looks which of its APIs the stub was asked by.
func (p *peer) find(stub *peerStub) error {
	chats, converses := stub.chats.Load(), stub.converses.Load()
	t := p.load(p.chat(false), wholeAnswer, 1, 0)
	switch {
	case stub.converses.Load() > converses:
		p.converse = true
	case stub.chats.Load() == chats && t.cause == nil:
		return fmt.Errorf("it answers, but from another upstream than the stub on %s", stub.listener.Addr())
	case stub.chats.Load() == chats:
		return t.cause
	}
	return nil // what it makes of the answer is counted
}

// besideAll runs the rounds of a case: reverse_proxy and each of the peers once in each.
func (b *bench) besideAll(c besideCase, peers []*peer) error {
	work, want := task{post(chatPath, openaiRequest(gpt, c.stream)), openaiReply, `"stop"`}, wholeAnswer
	if c.stream {
		work.reply, want = stream(typeSSE, openaiStream(100)), streamAnswer
	}
	if err := b.begin(b.proxy, work, pair{name: c.name, connections: b.connections}); err != nil {
		return err
	}
	results := make([]peerResult, len(peers))
	for _, p := range peers {
		p.load(p.chat(c.stream), want, b.connections, b.round/3)
	}
	for range b.rounds {
		plain, err := b.perRequest(b.proxy, work, b.connections)
		if err != nil {
			return err
		}
		for i, p := range peers {
			results[i].round(p, p.chat(c.stream), want, b, plain)
		}
	}
	fmt.Printf("%s, beside:\n", c.name)
	for i, p := range peers {
		results[i].print("  "+p.name, p)
	}
	return nil
}

// peerResult is what the rounds of a case measured of a peer.
type peerResult struct {
	tally
	samples []sample // of the rounds in which a request was served
}

// round measures the peer's CPU time per request that it served: failures are not worth less for having been cheap.
func (r *peerResult) round(p *peer, req request, want answer, b *bench, plain time.Duration) {
	processes, err := family(p.pid)
	if err != nil {
		r.add(tally{failed: 1, cause: err})
		return
	}
	before, err := cpuOf(processes...)
	if err != nil {
		r.add(tally{failed: 1, cause: err})
		return
	}
	t := p.load(req, want, b.connections, b.round)
	after, err := cpuOf(processes...)
	if err != nil {
		t.cause = err
	} else if t.served > 0 {
		r.samples = append(r.samples, sample{gateway: (after - before) / time.Duration(t.served), proxy: plain})
	}
	r.add(t)
}

func (r *peerResult) print(name string, p *peer) {
	detail := fmt.Sprintf("%d of %d failed", r.failed, r.served+r.failed)
	if bytes, err := p.memory(); err == nil {
		detail = fmt.Sprintf("%.0f MB resident, %s", bytes/(1<<20), detail)
	}
	if r.cause != nil {
		detail += ", one with: " + strings.ReplaceAll(r.cause.Error(), "\n", "; ")
	}
	if len(r.samples) == 0 {
		fmt.Printf("%-58s %s\n", name, detail)
		return
	}
	fmt.Printf("%-58s   %-9s %-9.3g %-8s %s, %s\n", name, "", median(r.samples, sample.ratio), "", microseconds(r.samples), detail)
}

// memory is the resident memory of the peer's processes in bytes.
func (p *peer) memory() (float64, error) {
	processes, err := family(p.pid)
	if err != nil {
		return 0, err
	}
	return memoryOf(processes...)
}
