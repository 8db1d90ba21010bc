package main

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// memoryRounds is how often the memory is measured; each takes new processes and some seconds.
	memoryRounds = 3
	// slowPause is what a slow stream waits between its events.
	slowPause = 500 * time.Millisecond
	// settle is how long the streams go on before they are measured: some events each.
	settle = 2 * time.Second
)

// memory measures how much resident memory a slow stream takes, in new processes each time.
func (b *bench) memory() error {
	name := fmt.Sprintf("memory of a slow stream, %d of them, KB", b.streams)
	if !b.selected(name) {
		return nil
	}
	var gateway, proxy []float64
	for range memoryRounds {
		kb, err := b.streamMemory("slow gateway", gatewaySite, toConverse(paced(slowPause, typeFrames, converseStream(60))))
		if err != nil {
			return err
		}
		gateway = append(gateway, kb)
		t := task{post(chatPath, openaiRequest(gpt, true)), paced(slowPause, typeSSE, openaiStream(60)), "[DONE]"}
		if kb, err = b.streamMemory("slow reverse_proxy", proxySite, t); err != nil {
			return err
		}
		proxy = append(proxy, kb)
	}
	row{name, 80, middle(gateway), "", fmt.Sprintf("reverse_proxy %.0f", middle(proxy))}.print()
	return nil
}

// streamMemory starts a server, opens the streams and gives the growth of its memory in KB a stream.
func (b *bench) streamMemory(name, site string, t task) (float64, error) {
	s, err := start(b.ctx, name, b.binary, b.dir, site)
	if err != nil {
		return 0, err
	}
	defer s.stop()
	s.stub.reply.Store(t.reply)
	before, err := s.memory()
	if err != nil {
		return 0, err
	}
	if err := s.pool.grow(b.streams); err != nil {
		return 0, err
	}
	for _, c := range s.pool.clients {
		if _, err := c.Write(t.request); err != nil {
			return 0, err
		}
	}
	for _, c := range s.pool.clients {
		if err := c.SetDeadline(time.Now().Add(replyTimeout)); err != nil {
			return 0, err
		}
		res, err := http.ReadResponse(c.r, nil) //nolint:bodyclose // the stream goes on until its connection is closed
		if err != nil {
			return 0, err
		}
		if res.StatusCode != http.StatusOK {
			return 0, fmt.Errorf("%s: %s", name, res.Status)
		}
	}
	time.Sleep(settle)
	after, err := s.memory()
	return (after - before) / 1024 / float64(b.streams), err
}
