package transport

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A server may answer a request that it has not read to its end, and close: 55 of 300 such answers were lost to writes that
// failed.
func TestAnAnswerBeforeTheEndOfTheRequest(t *testing.T) {
	url := listen(t, func(nc net.Conn) {
		r := bufio.NewReaderSize(nc, 16)
		for line := ""; line != "\r\n"; {
			var err error
			if line, err = r.ReadString('\n'); err != nil {
				return
			}
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
	})
	d, _ := both(t, "")
	lost := 0
	for range 100 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(strings.Repeat("x", maxDirect)))
		if err != nil {
			t.Fatal(err)
		}
		res, err := d.RoundTrip(req)
		if err != nil {
			lost++
			continue
		}
		if res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("got %s", res.Status)
		}
		_ = res.Body.Close()
	}
	// The system itself throws an answer away that is not read before the connection is reset.
	if lost > 10 {
		t.Errorf("%d of 100 answers were lost", lost)
	}
}

// A request that changes nothing is sent again where a connection was closed just then, as by http.Transport.
func TestAGetMeetsAConnectionThatIsBeingClosed(t *testing.T) {
	url := listen(t, func(nc net.Conn) {
		r := bufio.NewReader(nc)
		if _, err := http.ReadRequest(r); err != nil {
			return
		}
		_, _ = io.WriteString(nc, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, _ = http.ReadRequest(r) // and closes
	})
	d, _ := both(t, "")
	for range 3 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := d.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(res.Body); err != nil {
			t.Error(err)
		}
		_ = res.Body.Close()
	}
}
