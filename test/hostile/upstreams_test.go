// Package hostile runs the whole gateway against upstreams and clients that misbehave. What clients get is a table in
// docs/failures.md, which the tests write with -update and compare without.
package hostile

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

var update = flag.Bool("update", false, "write the table of docs/failures.md")

// behaviour is what an upstream does with every request.
type behaviour struct {
	name string
	raw  string // what it writes
	hang bool   // it keeps the connection open afterwards, until the client closes it
}

func whole(status, headers, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, headers, len(body), body)
}

const (
	asJSON = "Content-Type: application/json\r\n"
	asSSE  = "Content-Type: text/event-stream\r\n"
)

var behaviours = []behaviour{
	{name: "accepts the connection and sends nothing", hang: true},
	{name: "closes the connection without an answer"},
	{name: "sends what is not HTTP", raw: "\x00\x01\x02 garbage\r\n\r\n"},
	{name: "sends half a head, then nothing", raw: "HTTP/1.1 200 OK\r\nContent-Ty", hang: true},
	{name: "sends a hundred 103s", raw: strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 100)},
	{name: "switches protocols (101)", raw: "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", hang: true},
	{name: "answers with status 099", raw: whole("099 X", asJSON, "{}")},
	{name: "answers with status 999", raw: whole("999 X", asJSON, "{}")},
	{name: "redirects", raw: whole("302 Found", "Location: http://elsewhere.invalid/\r\n", "")},
	{name: "sends a head, then nothing", raw: "HTTP/1.1 200 OK\r\n" + asJSON + "Content-Length: 100\r\n\r\n", hang: true},
	{name: "sends a head, then breaks", raw: "HTTP/1.1 200 OK\r\n" + asJSON + "Content-Length: 100\r\n\r\n"},
	{name: "sends half a body, then nothing", raw: "HTTP/1.1 200 OK\r\n" + asJSON + "Content-Length: 100\r\n\r\n{\"id\":", hang: true},
	{name: "sends half a body, then breaks", raw: "HTTP/1.1 200 OK\r\n" + asJSON + "Content-Length: 100\r\n\r\n{\"id\":"},
	{name: "sends 200 and no body", raw: whole("200 OK", asJSON, "")},
	{name: "sends 200 and null", raw: whole("200 OK", asJSON, "null")},
	{name: "sends 200 and {}", raw: whole("200 OK", asJSON, "{}")},
	{name: "sends 200 and []", raw: whole("200 OK", asJSON, "[]")},
	{name: "sends 200 and a string", raw: whole("200 OK", asJSON, `"hello"`)},
	{name: "sends 200 and a web page", raw: whole("200 OK", "Content-Type: text/html\r\n", "<html>log in</html>")},
	{name: "compresses its reply unasked", raw: whole("200 OK", asJSON+"Content-Encoding: gzip\r\n", "\x1f\x8b\x08\x00")},
	{name: "sends an error, then nothing", raw: "HTTP/1.1 400 Bad Request\r\n" + asJSON + "Content-Length: 100\r\n\r\n{\"error\":", hang: true},
	{name: `sends 400 and {"message":…}`, raw: whole("400 Bad Request", asJSON, `{"message":"no such thing"}`)},
	{name: `sends 400 and {"detail":…}`, raw: whole("400 Bad Request", asJSON, `{"detail":"no such thing"}`)},
	{name: "sends [DONE] alone", raw: whole("200 OK", asSSE, "data: [DONE]\n\n")},
	{name: "sends a stream, then nothing", raw: "HTTP/1.1 200 OK\r\n" + asSSE + "\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n", hang: true},
	{name: "sends a stream, then breaks", raw: "HTTP/1.1 200 OK\r\n" + asSSE + "Content-Length: 1000\r\n\r\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hi\"}}]}\n\n"},
}

// listen starts an upstream that behaves so, and returns its address.
func (b *behaviour) listen(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				r := bufio.NewReader(conn)
				req, err := http.ReadRequest(r)
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, req.Body)
				_, _ = io.WriteString(conn, b.raw)
				if b.hang {
					_, _ = io.Copy(io.Discard, r)
				}
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		serving.Wait()
	})
	return l.Addr().String()
}

// ways are how a client asks: the columns of the table.
var ways = []struct{ name, path, body, kind string }{
	{"chat", "/v1/chat/completions", `{"model":"%s","messages":[{"role":"user","content":"Hi"}]}`, "openai"},
	{"chat, streamed", "/v1/chat/completions", `{"model":"%s","stream":true,"messages":[{"role":"user","content":"Hi"}]}`, "openai"},
	{"relay", "/v1/embeddings", `{"model":"%s","input":"Hi"}`, "openai"},
	{"Bedrock's path", "/model/%s/converse", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, "bedrock"},
	{"Bedrock's path, streamed", "/model/%s/converse-stream", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, "bedrock"},
	{"Bedrock's path, unread", "/model/%s/invoke", `{"prompt":"Hi"}`, "bedrock"},
	{"files in S3", "/%s/v1/files", "", "files"},
}

// most is the time that no call may take: reply_timeout and stream_idle_timeout are 2 s, long enough for a busy machine, and there is one more try.
const most = 30 * time.Second

func TestUpstreamsThatMisbehave(t *testing.T) {
	var config strings.Builder
	config.WriteString("bedrock_gateway {\n\treply_timeout 2s\n\tstream_idle_timeout 2s\n\tfiles off\n")
	for i := range behaviours {
		addr := behaviours[i].listen(t)
		fmt.Fprintf(&config, "\tupstream o%d openai {\n\t\tapi_key k\n\t\tbase_url http://%s/v1\n\t}\n", i, addr)
		fmt.Fprintf(&config, "\tupstream b%d bedrock us-east-1 {\n\t\tendpoint http://%s\n\t\tcontrol_endpoint http://%s\n\t\tcredentials AKIDEXAMPLE secret\n\t\tprofiles off\n\t}\n", i, addr, addr)
		fmt.Fprintf(&config, "\troute openai-%d {\n\t\tto o%d\n\t\tretries 1\n\t}\n\troute bedrock-%d {\n\t\tto b%d\n\t\tretries 1\n\t}\n", i, i, i, i)
	}
	config.WriteString("}")
	// A store of files is one for a gateway, so that each behaviour has a gateway of its own.
	var stores strings.Builder
	for i := range behaviours {
		fmt.Fprintf(&stores, "handle_path /files-%d/* {\n\tbedrock_gateway {\n\t\topenai k\n\t\tfiles s3 bucket {\n\t\t\tendpoint http://%s\n\t\t\tregion us-east-1\n\t\t\tpath_style\n\t\t\tcredentials AKIDEXAMPLE {env.HOME}\n\t\t}\n\t}\n}\n", i, behaviours[i].listen(t))
	}
	g := gatewaytest.Start(t, stores.String()+"handle {\n"+config.String()+"\n}")

	cells := make([][]string, len(behaviours))
	var asking sync.WaitGroup
	for i := range behaviours {
		cells[i] = make([]string, len(ways))
		for j, way := range ways {
			asking.Go(func() {
				start := time.Now()
				model := fmt.Sprintf("%s-%d", way.kind, i)
				path, body := way.path, way.body
				if way.kind == "files" {
					path = fmt.Sprintf(path, model)
				} else if strings.Contains(path, "%s") {
					path = fmt.Sprintf(path, model)
				} else {
					body = fmt.Sprintf(body, model)
				}
				cells[i][j] = outcome(t.Context(), g, path, body)
				took := time.Since(start)
				if took > most {
					t.Errorf("%s, %s: took %s", behaviours[i].name, way.name, took)
				}
				cells[i][j] += after(took)
			})
		}
	}
	asking.Wait()
	for i, b := range behaviours {
		for j, way := range ways {
			got := cells[i][j]
			// An unread reply is the client's own to judge; every other success is none.
			unread := way.name == "relay" || way.name == "Bedrock's path, unread"
			if strings.HasPrefix(got, "200") && !strings.Contains(got, "cut") && !strings.Contains(got, "error") && !unread {
				t.Errorf("%s, %s: the client takes it for an answer: %s", b.name, way.name, got)
			}
			if strings.HasPrefix(got, "no answer") {
				t.Errorf("%s, %s: %s", b.name, way.name, got)
			}
		}
	}
	checkTable(t, "upstreams", tableOf(cells))
}

// outcome asks, and describes what the client got.
func outcome(ctx context.Context, g *gatewaytest.Gateway, path, body string) string {
	ask := g.Try
	if body == "" {
		ask = func(ctx context.Context, path, _ string) (*http.Response, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, gatewaytest.URL+path, nil)
			if err != nil {
				return nil, err
			}
			return g.Client.Do(req)
		}
	}
	res, err := ask(ctx, path, body)
	if err != nil {
		return "no answer: " + err.Error()
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	got, err := io.ReadAll(res.Body)
	text := fmt.Sprint(res.StatusCode)
	switch {
	case res.StatusCode >= http.StatusBadRequest:
		var e struct {
			Error struct{ Message, Type, Code string }
			// Bedrock's form
			Message string
		}
		if json.Unmarshal(got, &e) != nil || e.Error.Message == "" && e.Message == "" {
			return text + " without an error object: " + string(got)
		}
		if e.Error.Code != "" {
			text += " `" + e.Error.Code + "`"
		} else if e.Error.Type != "" {
			text += " `" + e.Error.Type + "`"
		} else {
			text += " `" + res.Header.Get("X-Amzn-Errortype") + "`"
		}
	case strings.Contains(string(got), `"error"`) || strings.Contains(string(got), "exception"):
		text += ", an error event"
	case len(got) == 0:
		text += ", an empty body"
	}
	if err != nil {
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			return text + ", cut: " + err.Error()
		}
		text += ", cut"
	}
	return text
}

// after says how long the client waited, by the limits that there are: 2 s here, and 20 s of a store.
func after(took time.Duration) string {
	switch {
	case took < 1900*time.Millisecond:
		return ""
	case took < 15*time.Second:
		return " after 2 s"
	}
	return " after 20 s"
}

// unhurried returns a table without the short waits, which a busy machine may add.
func unhurried(table string) string { return strings.ReplaceAll(table, " after 2 s", "") }

func tableOf(cells [][]string) string {
	var b strings.Builder
	b.WriteString("| The upstream …")
	for _, way := range ways {
		b.WriteString(" | " + way.name)
	}
	b.WriteString(" |\n|---" + strings.Repeat("|---", len(ways)) + "|\n")
	for i := range behaviours {
		b.WriteString("| " + behaviours[i].name + " | " + strings.Join(cells[i], " | ") + " |\n")
	}
	return b.String()
}

const page = "../../docs/failures.md"

// checkTable compares a table of the page, between its marks, with what the test found.
func checkTable(t *testing.T, name, table string) {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+", written by test/hostile -->\n", "<!-- end of "+name+" -->\n"
	before, rest, ok := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no marks for %s", page, name)
	}
	if unhurried(old) == unhurried(table) && !*update {
		return
	}
	if !*update {
		t.Errorf("%s, table %s, does not hold any more; run go test ./test/hostile -update and read it:\n%s", page, name, table)
		return
	}
	if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
