package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
)

// peerStub stands for the providers at an address that peers can be configured with before the run. It answers by path
// and body, and reads requests as net/http does: peers send what they like.
type peerStub struct {
	listener         net.Listener
	chats, converses atomic.Int64 // requests that came
}

func newPeerStub(address string) (*peerStub, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	s := &peerStub{listener: l}
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

func (s *peerStub) close() { _ = s.listener.Close() }

// serve answers the requests of a connection until it ends.
func (s *peerStub) serve(conn net.Conn) {
	defer conn.Close() //nolint:errcheck // the peer is gone
	r := bufio.NewReaderSize(conn, 4<<10)
	var body bytes.Buffer
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		body.Reset()
		if _, err := io.Copy(&body, req.Body); err != nil {
			return
		}
		for _, piece := range s.answer(req.URL.Path, body.Bytes()).pieces {
			if _, err := conn.Write(piece); err != nil {
				return
			}
		}
	}
}

// What peers are answered, and what their clients must get of it.
var (
	openaiStreamReply   = stream(typeSSE, openaiStream(100))
	converseStreamReply = stream(typeFrames, converseStream(100))
	unknownReply        = &reply{pieces: [][]byte{[]byte("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")}}

	wholeAnswer  = answer{"the reply of a model", 45, `"stop"`}
	streamAnswer = answer{" a few words", 100, "[DONE]"}
)

// streams matches the member that asks for a stream, with whatever spaces.
var streams = regexp.MustCompile(`"stream"\s*:\s*true`)

func (s *peerStub) answer(path string, body []byte) *reply {
	switch {
	case strings.HasSuffix(path, "/chat/completions"):
		s.chats.Add(1)
		if streams.Match(body) {
			return openaiStreamReply
		}
		return openaiReply
	case strings.HasPrefix(path, "/model/") && strings.HasSuffix(path, "/converse"):
		s.converses.Add(1)
		return converseReply
	case strings.HasPrefix(path, "/model/") && strings.HasSuffix(path, "/converse-stream"):
		s.converses.Add(1)
		return converseStreamReply
	}
	return unknownReply
}
