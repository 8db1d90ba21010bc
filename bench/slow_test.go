package main

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// TestSlowStreamsAreTimed lets the client of -scale ask its stub, without a server between, over more than one connection.
func TestSlowStreamsAreTimed(t *testing.T) {
	m := slowMode{dir: t.TempDir()}
	if err := m.makeCertificate(); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(m.certificate, m.key)
	if err != nil {
		t.Fatal(err)
	}
	for name, secure := range map[string]*tls.Config{
		"HTTP/1.1":        nil,
		"HTTP/2 with TLS": {Certificates: []tls.Certificate{pair}, NextProtos: []string{"h2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() { _ = slowStub{eventsOf(formSSE)}.serve(listener, secure) }()
			l := &slowLoad{address: listener.Addr().String(), body: openaiRequest(gpt, true), failed: make(chan error, 1)}
			l.delays.on.Store(true)
			const n = slowPerConnection + 1
			if err := l.open(n, secure != nil); err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(replyTimeout); ; time.Sleep(10 * time.Millisecond) {
				r := l.delays.result()
				if r.Events >= n {
					if r.Median <= 0 || r.P99 < r.Median {
						t.Errorf("median %s, p99 %s", r.Median, r.P99)
					}
					return
				}
				select {
				case err := <-l.failed:
					t.Fatal(err)
				default:
				}
				if time.Now().After(end) {
					t.Fatalf("%d events of %d streams", r.Events, n)
				}
			}
		})
	}
}

func TestDelaysAreCountedByStamps(t *testing.T) {
	var d delays
	d.on.Store(true)
	for range 99 {
		d.scan([]byte(`data: {"content":"` + stamp() + `"}`))
	}
	d.scan([]byte(`data: {"content":"@1000000000000000000"} data: {"content":"@12`))
	if r := d.result(); r.Events != 100 || r.Median > time.Second/2 || r.P99 > time.Second/2 {
		t.Errorf("%+v", r)
	}
	d.scan([]byte("@1000000000000000000"))
	d.scan([]byte("@1000000000000000000"))
	if r := d.result(); r.Events != 102 || r.P99 != time.Second {
		t.Errorf("%+v", r)
	}
}
