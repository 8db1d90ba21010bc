package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// reply is what a stub answers, ready for the wire.
type reply struct {
	pieces [][]byte
	pause  time.Duration // between pieces
}

// stub stands for a provider: an HTTP/1.1 server on loopback that reads requests and answers all of them with the reply
// that was set. It is not net/http's, so that it takes as little as can be of the CPUs that it shares with what is
// measured.
type stub struct {
	listener net.Listener
	reply    atomic.Pointer[reply]
}

func newStub() (*stub, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &stub{listener: l}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			go s.serve(conn)
		}
	}()
	return s, nil
}

func (s *stub) address() string { return s.listener.Addr().String() }

// serve answers the requests of a connection until it ends.
func (s *stub) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the peer is gone
	r := bufio.NewReaderSize(conn, 4<<10)
	for {
		if err := readRequest(r); err != nil {
			return
		}
		answer := s.reply.Load()
		for i, piece := range answer.pieces {
			if i > 0 {
				time.Sleep(answer.pause)
			}
			if _, err := conn.Write(piece); err != nil {
				return
			}
		}
	}
}

// readRequest reads a request with a Content-Length, as both servers send it, to its end.
func readRequest(r *bufio.Reader) error {
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		if len(line) == 2 {
			break
		}
		if name, value, ok := bytes.Cut(line, []byte(":")); ok && strings.EqualFold(string(name), "Content-Length") {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	_, err := io.CopyN(io.Discard, r, int64(length))
	return err
}
