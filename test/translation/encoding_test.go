package translation_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

func gzipped(t *testing.T, body string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := io.WriteString(w, body)
	if err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func zstandard(t *testing.T, body string, options ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = io.WriteString(w, body); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func sendEncoded(t *testing.T, tb *table, path, coding string, body io.Reader) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+path, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Content-Encoding", coding)
	return tb.g.Do(t, req)
}

// Codex compresses its requests with zstd. Every path that takes JSON reads them, and the upstream gets them unpacked.
func TestCompressedBodies(t *testing.T) {
	tb := start(t)
	for name, tc := range map[string]struct{ path, body string }{
		"chat":          {"/v1/chat/completions", `{"model":"` + sonnet35 + `","messages":[{"role":"user","content":"hi"}]}`},
		"Responses":     {"/v1/responses", `{"model":"` + sonnet35 + `","input":"hi"}`},
		"Messages":      {"/v1/messages", `{"model":"` + sonnet35 + `","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}`},
		"Converse":      {"/model/" + sonnet35 + "/converse", `{"messages":[{"role":"user","content":[{"text":"hi"}]}]}`},
		"a relayed one": {"/v1/embeddings", `{"model":"gpt-embed","input":"hi"}`},
	} {
		t.Run(name, func(t *testing.T) {
			for coding, packed := range map[string][]byte{
				"gzip": gzipped(t, tc.body), "zstd": zstandard(t, tc.body), "ZSTD": zstandard(t, tc.body), "identity": []byte(tc.body),
			} {
				tb.u.Play(gatewaytest.Reply{Status: 418, Body: `{"message":"read"}`})
				sendEncoded(t, tb, tc.path, coding, bytes.NewReader(packed))
				all := tb.u.Seen()
				if len(all) == 0 {
					t.Fatalf("%s: the upstream was not asked", coding)
				}
				if last := all[len(all)-1]; !strings.Contains(last.Body, `hi`) || last.Header.Get("Content-Encoding") != "" {
					t.Errorf("%s: the upstream saw %+v", coding, last)
				}
			}
		})
	}
}

// endless is a body that goes on for ever and unpacks to nothing: empty frames to be skipped.
type endless struct{ n int }

func (e *endless) Read(b []byte) (int, error) {
	frame := []byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}
	for i := range b {
		b[i] = frame[e.n%len(frame)]
		e.n++
	}
	return len(b), nil
}

// What is small on the wire may be large in memory, or never end.
func TestHostileCompressedBodies(t *testing.T) {
	zeros := `{"x":"` + strings.Repeat("0", 10<<20) + `"}`
	tb := start(t, "max_body 2KB")
	for name, tc := range map[string]struct {
		coding string
		body   io.Reader
		status int
		says   string
	}{
		"a gzip bomb":             {"gzip", bytes.NewReader(gzipped(t, zeros)[:1900]), 413, "2000 bytes"},
		"a zstd bomb":             {"zstd", bytes.NewReader(zstandard(t, zeros)), 413, "2000 bytes"},
		"one that never ends":     {"zstd", &endless{}, 413, "2000 bytes"},
		"a window that is large":  {"zstd", bytes.NewReader([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 14 << 3, 0x01, 0, 0}), 400, "window is larger"},
		"cut gzip":                {"gzip", bytes.NewReader(gzipped(t, `{"model":"x"}`)[:20]), 400, "not whole"},
		"cut zstd":                {"zstd", bytes.NewReader(zstandard(t, `{"model":"x"}`)[:12]), 400, "not whole"},
		"no gzip at all":          {"gzip", strings.NewReader(`{"model":"x"}`), 400, "not encoded as"},
		"no zstd at all":          {"zstd", strings.NewReader(`{"model":"x"}`), 400, "not encoded as"},
		"an encoding of its own":  {"br", strings.NewReader(`x`), 415, "encoded as br"},
		"one on top of the other": {"gzip, zstd", strings.NewReader(`x`), 415, "gzip, zstd"},
	} {
		t.Run(name, func(t *testing.T) {
			a := sendEncoded(t, tb, "/v1/responses", tc.coding, tc.body)
			if a.Status != tc.status || !strings.Contains(a.Body, tc.says) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		})
	}
}
