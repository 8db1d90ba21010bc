package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestPeersOfTheCommandLine(t *testing.T) {
	for _, c := range []struct {
		text, address, path, model string
		pid                        int
	}{
		{"a=http://127.0.0.1:4000/v1=gpt-4o=12", "127.0.0.1:4000", "/v1/chat/completions", "gpt-4o", 12},
		{"a b=http://[::1]:4000/x/?k=v=m=1", "[::1]:4000", "/x/chat/completions", "m", 1},
	} {
		p, err := parsePeer(c.text)
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if p.address != c.address || p.path != c.path || p.model != c.model || p.pid != c.pid {
			t.Errorf("%s: %+v", c.text, p)
		}
	}
	for _, text := range []string{
		"", "a", "a=http://127.0.0.1:1/v1", "a=http://127.0.0.1:1/v1=m", "a=http://127.0.0.1:1/v1==1", "a=http://127.0.0.1:1/v1=m=0",
		"=http://127.0.0.1:1/v1=m=1", "a=https://127.0.0.1:1/v1=m=1", "a=http://127.0.0.1/v1=m=1", "a=http://192.0.2.1:80/v1=m=1",
	} {
		if p, err := parsePeer(text); err == nil {
			t.Errorf("%q is taken for %+v", text, p)
		}
	}
	var f peerFlags
	if err := f.Set("a=http://127.0.0.1:4000/v1=gpt-4o=12"); err != nil {
		t.Fatal(err)
	}
	if err := f.header("a=X-Key: v=1"); err != nil || !strings.Contains(string(f[0].chat(false)), "\r\nX-Key: v=1\r\n\r\n") {
		t.Errorf("%v, %q", err, f[0].chat(false))
	}
	for _, text := range []string{"b=X: y", "a=X", "a=X: y\r\nZ: z"} {
		if err := f.header(text); err == nil {
			t.Errorf("%q is taken for a header", text)
		}
	}
}

// TestAPeerIsMeasured shows that what a peer does wrong is counted, and ends nothing.
func TestAPeerIsMeasured(t *testing.T) {
	stub, err := newPeerStub("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer stub.close()
	upstream, err := url.Parse("http://" + stub.listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	relay := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(upstream) }}
	for _, c := range []struct {
		name     string
		handler  http.Handler
		served   bool
		failure  string
		converse bool
	}{
		{name: "relays", handler: relay, served: true},
		{name: "asks for Converse", handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			res, err := http.Post(upstream.String()+"/model/m/converse", "application/json", strings.NewReader("{}"))
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(w, res.Body)
			_ = res.Body.Close()
		}), failure: errIncomplete.Error(), converse: true},
		{name: "refuses", handler: http.NotFoundHandler(), failure: "404"},
		{name: "says nothing", handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), failure: errIncomplete.Error()},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(c.handler)
			defer server.Close()
			p := &peer{address: server.Listener.Addr().String(), path: chatPath, model: gpt, pid: os.Getpid()}
			defer p.close()
			found := p.find(stub)
			for _, streamed := range []bool{false, true} {
				want := wholeAnswer
				if streamed {
					want = streamAnswer
				}
				got := p.load(p.chat(streamed), want, 2, time.Millisecond)
				if (got.served > 0) != c.served || (got.failed > 0) == c.served {
					t.Errorf("%+v", got)
				}
				if c.failure != "" && !strings.Contains(got.cause.Error(), c.failure) {
					t.Errorf("it failed with %v", got.cause)
				}
			}
			if c.served {
				// As Node does with connections that were idle for five seconds.
				server.CloseClientConnections()
				if got := p.load(p.chat(false), wholeAnswer, 2, time.Millisecond); got.failed > 0 {
					t.Errorf("after idle connections were closed: %+v", got)
				}
			}
			if p.converse != c.converse || (found == nil) != (c.served || c.converse) {
				t.Errorf("converse %t, %v", p.converse, found)
			}
		})
	}
}

func TestFamily(t *testing.T) {
	if _, err := cpuOf(os.Getpid()); err != nil {
		t.Log(err) // no Linux
		return
	}
	child := exec.CommandContext(t.Context(), "sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()         //nolint:errcheck // it was killed
	defer child.Process.Kill() //nolint:errcheck // it may have ended
	all, err := family(os.Getpid())
	if err != nil || all[0] != os.Getpid() || !slices.Contains(all, child.Process.Pid) {
		t.Errorf("%v, %v lacks %d", err, all, child.Process.Pid)
	}
	if memory, err := memoryOf(all...); err != nil || memory < 1<<20 {
		t.Errorf("%v, %v bytes", err, memory)
	}
	before, err := cpuOf(all...)
	if err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Millisecond); time.Now().Before(end); {
		continue
	}
	if after, err := cpuOf(all...); err != nil || after <= before {
		t.Errorf("%v, %v after %v", err, after, before)
	}
}
