package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// childWord is the first argument of a bench that another one has started: stub and client of thousands of streams have open
// files of their own. The second argument is its job.
const childWord = "child"

// childJob is what such a process does: it is a stub where Form is set, else a client.
type childJob struct {
	Form             string // of the stub's events
	Certificate, Key string // files of the stub's, for HTTP/2 with TLS

	Address string // of what the client asks
	Secure  bool   // over HTTP/2 with TLS
	Streams int
	Model   string
}

// Words that the client is told on its standard input.
const (
	wordBegin = "begin"
	wordEnd   = "end"
)

// runChild does the job until standard input ends, as it does at the latest with the process that has started this one.
// Each line that it writes is a JSON value.
func runChild(argument string) error {
	var job childJob
	if err := json.Unmarshal([]byte(argument), &job); err != nil {
		return err
	}
	if job.Form != "" {
		return job.stub()
	}
	return job.client()
}

func (job childJob) stub() error {
	var secure *tls.Config
	if job.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(job.Certificate, job.Key)
		if err != nil {
			return err
		}
		secure = &tls.Config{Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}, MinVersion: tls.VersionTLS12}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	failed := make(chan error, 1)
	go func() { failed <- slowStub{eventsOf(job.Form)}.serve(l, secure) }()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		failed <- nil
	}()
	if err := json.NewEncoder(os.Stdout).Encode(l.Addr().String()); err != nil {
		return err
	}
	return <-failed
}

func (job childJob) client() error {
	l := &slowLoad{address: job.Address, body: openaiRequest(job.Model, true), failed: make(chan error, 1)}
	if err := l.open(job.Streams, job.Secure); err != nil {
		return err
	}
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode("open"); err != nil {
		return err
	}
	words := make(chan string)
	go func() {
		defer close(words)
		for in := bufio.NewScanner(os.Stdin); in.Scan(); {
			words <- in.Text()
		}
	}()
	for {
		select {
		case err := <-l.failed:
			return err
		case word, ok := <-words:
			if !ok {
				return nil
			}
			l.delays.on.Store(word == wordBegin)
			if word == wordEnd {
				if err := out.Encode(l.delays.result()); err != nil {
					return err
				}
			}
		}
	}
}

// child is such a process, as the one that has started it sees it.
type child struct {
	process *exec.Cmd
	in      io.WriteCloser
	out     *json.Decoder
	log     bytes.Buffer
}

// startChild starts a process that ends with ctx, at the latest.
func startChild(ctx context.Context, job childJob) (*child, error) {
	argument, err := json.Marshal(job)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	c := &child{process: exec.CommandContext(ctx, self, childWord, string(argument))} //nolint:gosec // ourselves
	c.process.Stderr = &c.log
	c.process.WaitDelay = time.Second
	if c.in, err = c.process.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.out = json.NewDecoder(out)
	return c, c.process.Start()
}

// say tells the process a word.
func (c *child) say(word string) error {
	_, err := io.WriteString(c.in, word+"\n")
	return err
}

// hear waits for what the process says next.
func (c *child) hear(v any) error {
	if err := c.out.Decode(v); err != nil {
		c.stop()
		return fmt.Errorf("a process of the bench has ended: %w: %s", err, strings.TrimSpace(c.log.String()))
	}
	return nil
}

func (c *child) stop() {
	_ = c.in.Close()
	_ = c.process.Process.Kill()
	_ = c.process.Wait()
}
