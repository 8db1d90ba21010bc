package translation_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const formType = "multipart/form-data; boundary=x"

// audio is a form with a file of n bytes and then the models.
func audio(n int, models ...string) string {
	var b strings.Builder
	b.WriteString("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav\r\n\r\n")
	b.WriteString(strings.Repeat("0123456789abcde\n", n/16) + "\r\n")
	for _, m := range models {
		b.WriteString("--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n" + m + "\r\n")
	}
	return b.String() + "--x--\r\n"
}

// forms is a gateway that takes forms of at most 4 MiB.
func forms(t *testing.T) (*gatewaytest.Gateway, *gatewaytest.Upstream) {
	t.Helper()
	u := gatewaytest.NewUpstream(t)
	return gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-gateway {\n\t\tbase_url %s/v1\n\t}\n\tbedrock us-east-1 {\n\t\tcredentials a b\n\t}\n\tfiles local %s {\n\t\tmax_size 4MiB\n\t}\n\tmax_body 1MiB\n}", u.URL, t.TempDir())), u
}

func send(t *testing.T, g *gatewaytest.Gateway, path, body string) *gatewaytest.Answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://gateway.test"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", formType)
	return g.Do(t, req)
}

// onDisk are the forms that wait on disk under a name.
func onDisk(t *testing.T) []string {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(caddy.AppDataDir(), "bedrock_gateway", "forms", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return left
}

func TestAFormLargerThanABodyIsRelayedToTheByte(t *testing.T) {
	g, u := forms(t)
	body := audio(3<<20, "whisper-1")
	for _, path := range []string{"/v1/audio/transcriptions", "/v1/audio/translations"} {
		u.Play(gatewaytest.Reply{Status: 500, Body: `{"error":{"message":"Bad"}}`}, gatewaytest.Reply{Body: `{"text":"A"}`})
		a := send(t, g, path, body)
		if a.Status != http.StatusOK || a.Body != `{"text":"A"}` {
			t.Fatalf("%d %s", a.Status, a.Body)
		}
		seen := u.Seen()
		if len(seen) != 2 { // each try has the whole form
			t.Fatalf("%d tries", len(seen))
		}
		for _, s := range seen {
			if s.Path != path || s.Body != body || s.Header.Get("Content-Type") != formType || s.Header.Get("Content-Length") == "" {
				t.Errorf("%s: %d bytes, want %d; %v", s.Path, len(s.Body), len(body), s.Header)
			}
		}
	}
	if left := onDisk(t); len(left) > 0 {
		t.Errorf("left on disk: %v", left)
	}
}

func TestFormsThatCannotBeRelayedSayWhy(t *testing.T) {
	g, u := forms(t)
	whole := audio(1<<10, "whisper-1")
	for _, tt := range []struct {
		rule, body string
		status     int
		message    string
	}{
		{"no model", audio(1 << 10), 400, "the form has no part 'model'"},
		{"two models", audio(1<<10, "whisper-1", "whisper-1"), 400, "more than one model"},
		{"no form", "hello", 400, "multipart body is malformed"},
		{"cut within the file", whole[:200], 400, "malformed"},
		{"cut within its last boundary", strings.TrimSuffix(whole, "--\r\n"), 400, "malformed"},
		{"too large", audio(4<<20, "whisper-1"), 413, "larger than the most that is taken here"},
		{"many parts", strings.Repeat("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n", 65) + whole, 400, "more than 64 parts"},
		{"Bedrock's", audio(1<<10, "amazon.nova-2-sonic-v1:0"), 404, "'amazon.nova-2-sonic-v1:0' is not served on /v1/audio/transcriptions"},
		{"nobody's", audio(1<<10, "my-ears"), 404, "my-ears"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			u.Play()
			a := send(t, g, "/v1/audio/transcriptions", tt.body)
			if a.Status != tt.status || !strings.Contains(a.Body, tt.message) || len(u.Seen()) > 0 {
				t.Errorf("%d %s, the upstream saw %d", a.Status, a.Body, len(u.Seen()))
			}
		})
	}
	if left := onDisk(t); len(left) > 0 {
		t.Errorf("left on disk: %v", left)
	}
}

// slow begins to send a form and holds its rest back until the function it returns is called, which returns the status.
func slow(t *testing.T, g *gatewaytest.Gateway, body string) (finish func() string) {
	t.Helper()
	conn := g.Dial(t)
	half := len(body) - 100
	fmt.Fprintf(conn, "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", formType, len(body), body[:half])
	return func() string {
		if _, err := io.WriteString(conn, body[half:]); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(conn).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return line
	}
}

func TestOneCallerMayHaveOneLargeFormOnDisk(t *testing.T) {
	g, u := forms(t)
	u.Play(gatewaytest.Reply{Body: `{"text":"A"}`})
	finish := slow(t, g, audio(3<<20, "whisper-1"))
	var a *gatewaytest.Answer
	for { // until most of the first has come
		if a = send(t, g, "/v1/audio/transcriptions", audio(3<<20, "whisper-1")); a.Status != http.StatusOK {
			break
		}
	}
	if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") != "5" || !strings.Contains(a.Body, "too_much_buffered") {
		t.Errorf("%d %v %s", a.Status, a.Header, a.Body)
	}
	if a := send(t, g, "/v1/audio/transcriptions", audio(64<<10, "whisper-1")); a.Status != http.StatusOK {
		t.Errorf("a small one beside it: %d %s", a.Status, a.Body)
	}
	if line := finish(); !strings.Contains(line, "200") {
		t.Error("the first:", line)
	}
	if a := send(t, g, "/v1/audio/transcriptions", audio(3<<20, "whisper-1")); a.Status != http.StatusOK {
		t.Errorf("after it: %d %s", a.Status, a.Body)
	}
}

// A client that leaves gives its room back.
func TestAClientThatLeavesKeepsNoRoom(t *testing.T) {
	g, u := forms(t)
	u.Play(gatewaytest.Reply{Body: `{"text":"A"}`})
	body := audio(3<<20, "whisper-1")
	conn := g.Dial(t)
	fmt.Fprintf(conn, "POST /v1/audio/transcriptions HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", formType, len(body), body[:len(body)-100])
	_ = conn.Close()
	for { // the server notices when it reads on
		if a := send(t, g, "/v1/audio/transcriptions", body); a.Status == http.StatusOK {
			return
		} else if a.Status != http.StatusServiceUnavailable {
			t.Fatal(a.Status, a.Body)
		}
	}
}

func TestWhatAKilledProcessLeftIsRemoved(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"form-1", "form-2", "mine.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), bytes.Repeat([]byte("x"), 100), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	exchange.CleanSpool(dir)
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 || left[0].Name() != "mine.txt" {
		t.Errorf("left: %v, %v", left, err)
	}
}
