package transport

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
)

// get sends a request, and returns its reply's body.
func get(ctx context.Context, t *testing.T, d *direct, url string) *body {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := d.RoundTrip(req) //nolint:bodyclose // its test closes it, or reads it to its end
	if err != nil {
		t.Fatal(err)
	}
	return res.Body.(*body)
}

func TestAStreamIsWaitedFor(t *testing.T) {
	d, _ := both(t, "")
	next := make(chan struct{})
	s, _, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, event := range []string{"one", "two"} {
			_, _ = io.WriteString(w, event)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	})
	b := get(t.Context(), t, d, s.URL)
	p := make([]byte, 8)
	for _, event := range []string{"one", "two"} {
		b.Wait()
		if n, err := b.Read(p); string(p[:n]) != event || err != nil {
			t.Errorf("read %q: %v", p[:n], err)
		}
		next <- struct{}{}
	}
	b.Wait()
	if n, err := b.Read(p); n != 0 || err != io.EOF { //nolint:errorlint // a reader's end is io.EOF itself
		t.Errorf("read %q: %v", p[:n], err)
	}
	b.Wait() // for nothing
}

// All of a reply with a length may have been read before its end was told: nothing more comes on its connection.
func TestNothingIsWaitedForBehindALength(t *testing.T) {
	d, _ := both(t, "")
	s, _, _ := counted(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "3")
		_, _ = io.WriteString(w, "abc")
	})
	b := get(t.Context(), t, d, s.URL)
	if _, err := io.ReadFull(b, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	b.Wait()
	_ = b.Close()
}

func TestAWaitEndsWithItsRequest(t *testing.T) {
	d, _ := both(t, "")
	s, _, closed := counted(t, func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	})
	for name, end := range map[string]func(b *body, cancel func()){
		"its context ends":    func(_ *body, cancel func()) { cancel() },
		"its reply is closed": func(b *body, _ func()) { _ = b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			closed.Store(0)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			b := get(ctx, t, d, s.URL)
			go end(b, cancel)
			b.Wait()
			if _, err := b.Read(make([]byte, 1)); err == nil {
				t.Error("a read of nothing")
			}
			eventually(t, "the connection's end", func() bool { return closed.Load() == 1 })
		})
	}
}

// A reset is told once. What waits must not take it away from what reads, which would see the stream's regular end.
func TestAResetIsToldThoughItWasWaitedFor(t *testing.T) {
	for name, head := range map[string]string{"until the end": "", "chunks": "Transfer-Encoding: chunked\r\n"} {
		t.Run(name, func(t *testing.T) {
			d, _ := both(t, "")
			reset := make(chan struct{})
			url := listen(t, func(nc net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(nc)); err != nil {
					return
				}
				_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\n"+head+"\r\n1\r\na\r\n")
				<-reset
				_ = nc.(*net.TCPConn).SetLinger(0) // so that closing it resets it
			})
			b := get(t.Context(), t, d, url)
			p := make([]byte, 64)
			if _, err := b.Read(p); err != nil {
				t.Fatal(err)
			}
			close(reset)
			b.Wait()
			_, err := io.ReadAll(b)
			if op, ok := errors.AsType[*net.OpError](err); !ok || op.Op != "read" {
				t.Errorf("read to the end with %v", err)
			}
		})
	}
}
