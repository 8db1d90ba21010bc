package translation_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// open asks for a stream and gives its lines, those of the events that came so far already read.
func (tb *table) open(ctx context.Context, t *testing.T, model string, events int) (lines *bufio.Reader) {
	t.Helper()
	res := tb.g.Open(ctx, t, "/v1/chat/completions", `{"model":"`+model+`",`+streamed+`}`)
	if res.StatusCode != 200 {
		t.Fatalf("got status %d", res.StatusCode)
	}
	lines = bufio.NewReader(res.Body)
	for range events * 2 { // and the blank line
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	return lines
}

// providers are the beginnings of a stream of each, and what goes on behind them.
var providers = []struct{ name, model, begin, rest, got string }{
	{
		"bedrock", sonnet35, gatewaytest.Frames(`messageStart {"role":"assistant"}`, say(0, "before")), gatewaytest.Frames(say(0, "after"), `messageStop {"stopReason":"end_turn"}`, `metadata {`+counted+`}`),
		sse(sonnet35, `{"content":"after"}`, "finish stop", "[DONE]"),
	},
	{
		"openai", gpt, gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"role":"assistant"},"finish_reason":null}]`), chunk(`"choices":[{"index":0,"delta":{"content":"before"},"finish_reason":null}]`)),
		gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"after"},"finish_reason":"stop"}]`), "[DONE]"),
		gatewaytest.SSE(chunk(`"choices":[{"index":0,"delta":{"content":"after"},"finish_reason":"stop"}]`), "[DONE]"),
	},
}

// What was read is flushed before the next wait: the client has it while the upstream is silent.
func TestWhatCameIsFlushedAtOnce(t *testing.T) {
	tb := start(t)
	for _, p := range providers {
		t.Run(p.name, func(t *testing.T) {
			until := make(chan struct{})
			tb.u.Play(gatewaytest.Reply{Body: p.begin, Until: until, Rest: p.rest, Header: typed(p.name)})
			lines := tb.open(t.Context(), t, p.model, 2)
			close(until)
			rest, err := io.ReadAll(lines)
			if got := sameIDs(t, string(rest)); err != nil || got != p.got {
				t.Errorf("behind the silence came %q, %v", got, err)
			}
		})
	}
}

func typed(provider string) map[string]string {
	if provider == "openai" {
		return map[string]string{"Content-Type": "text/event-stream"}
	}
	return map[string]string{"Content-Type": "application/vnd.amazon.eventstream"}
}

// A client that leaves ends the upstream's work at once: before the first byte, and in the middle of a stream.
func TestAClientThatLeavesCancelsTheUpstream(t *testing.T) {
	tb := start(t)
	gone := func(t *testing.T, left time.Time) {
		t.Helper()
		select {
		case <-tb.u.Gone():
			t.Logf("the upstream was cancelled after %s", time.Since(left).Round(10*time.Microsecond))
			if took := time.Since(left); took > 500*time.Millisecond {
				t.Errorf("the upstream worked on for %s", took)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the upstream was not cancelled")
		}
	}
	for _, p := range providers {
		t.Run(p.name+", in a stream", func(t *testing.T) {
			tb.u.Play(gatewaytest.Reply{Body: p.begin, Hang: true, Header: typed(p.name)})
			ctx, leave := context.WithCancel(t.Context())
			tb.open(ctx, t, p.model, 2)
			left := time.Now()
			leave()
			gone(t, left)
		})
		t.Run(p.name+", before the answer", func(t *testing.T) {
			began := make(chan struct{})
			tb.u.Play(gatewaytest.Reply{Hang: true, Began: began})
			ctx, leave := context.WithCancel(t.Context())
			over := make(chan struct{})
			go func() {
				defer close(over)
				if res, err := tb.g.Try(ctx, "/v1/chat/completions", `{"model":"`+p.model+`",`+hi+`}`); err == nil {
					_ = res.Body.Close()
				}
			}()
			<-began
			left := time.Now()
			leave()
			gone(t, left)
			<-over
		})
	}
}

// A client that left is counted as 499 where no status was sent, and its stream as one that it left.
func TestAClientThatLeavesIsCounted(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, "log\nbedrock_gateway {\n\topenai sk-gateway {\n\t\tbase_url "+u.URL+"/v1\n\t}\n}")}
	began := make(chan struct{})
	u.Play(gatewaytest.Reply{Hang: true, Began: began})
	ctx, leave := context.WithCancel(t.Context())
	over := make(chan struct{})
	go func() {
		defer close(over)
		if res, err := tb.g.Try(ctx, "/v1/chat/completions", `{"model":"gpt-4o",`+hi+`}`); err == nil {
			_ = res.Body.Close()
		}
	}()
	<-began
	leave()
	<-over
	line := tb.logged(t, `"stream":false`)
	if !strings.Contains(line, `"status":499`) || !strings.Contains(line, `"error":"the client went away"`) {
		t.Errorf("a client that left was logged as %s", line)
	}
	u.Play(gatewaytest.Reply{Body: providers[1].begin, Hang: true})
	ctx, leave = context.WithCancel(t.Context())
	tb.open(ctx, t, gpt, 2)
	leave()
	if line := tb.logged(t, `"stream":true`); !strings.Contains(line, `"error":"the client went away"`) {
		t.Errorf("a client that left its stream was logged as %s", line)
	}
}

// logged waits for the line of the access log that holds the word.
func (tb *table) logged(t *testing.T, word string) string {
	t.Helper()
	deadline, again := time.After(10*time.Second), time.NewTicker(2*time.Millisecond)
	defer again.Stop()
	for {
		log, err := os.ReadFile(tb.g.Log)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(log)) {
			if strings.Contains(line, `"handled request"`) && strings.Contains(line, word) {
				return line
			}
		}
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("no line with %s in the log:\n%s", word, log)
		}
	}
}

// Comments fill long silences, and stop when the stream goes on.
func TestKeepAlive(t *testing.T) {
	tb := start(t, "keep_alive 30ms")
	for _, p := range providers {
		t.Run(p.name, func(t *testing.T) {
			until := make(chan struct{})
			tb.u.Play(gatewaytest.Reply{Body: p.begin, Until: until, Rest: p.rest, Header: typed(p.name)})
			lines := tb.open(t.Context(), t, p.model, 2)
			for range 3 {
				if line, err := lines.ReadString('\n'); line != ": ping\n" {
					t.Fatalf("the silence was filled with %q, %v", line, err)
				}
				if line, err := lines.ReadString('\n'); line != "\n" {
					t.Fatalf("a comment ended with %q, %v", line, err)
				}
			}
			close(until)
			rest, err := io.ReadAll(lines)
			got := strings.ReplaceAll(sameIDs(t, string(rest)), ": ping\n\n", "")
			if err != nil || got != p.got {
				t.Errorf("behind the silence came %q, %v", got, err)
			}
		})
	}
}

// An upstream that says nothing for too long is given up, with an error event and without [DONE].
func TestIdleTimeout(t *testing.T) {
	tb := start(t, "stream_idle_timeout 60ms")
	for _, p := range providers {
		t.Run(p.name, func(t *testing.T) {
			tb.u.Play(gatewaytest.Reply{Body: p.begin, Hang: true, Header: typed(p.name)})
			began := time.Now()
			rest, err := io.ReadAll(tb.open(t.Context(), t, p.model, 2))
			want := sse(p.model, `error {"error":{"message":"the upstream's stream was silent for 60ms and was given up","type":"timeout_error","param":null,"code":"stream_idle_timeout"}}`)
			if string(rest) != want || err == nil {
				t.Errorf("the silent stream ended with %q, %v", rest, err)
			}
			if took := time.Since(began); took < 60*time.Millisecond || took > 5*time.Second {
				t.Errorf("it was given up after %s", took)
			}
			<-tb.u.Gone()
		})
	}
}

// On reload the streams under way go on, by the configuration that they began with.
func TestReloadKeepsStreams(t *testing.T) {
	for _, p := range providers {
		t.Run(p.name, func(t *testing.T) {
			tb := start(t)
			until := make(chan struct{})
			tb.u.Play(gatewaytest.Reply{Body: p.begin, Until: until, Rest: p.rest, Header: typed(p.name)})
			lines := tb.open(t.Context(), t, p.model, 2)
			tb.g.Load(t, "respond teapot 418")
			close(until)
			rest, err := io.ReadAll(lines)
			if got := sameIDs(t, string(rest)); err != nil || got != p.got {
				t.Errorf("behind the reload came %q, %v", got, err)
			}
		})
	}
}

// A reply that is whole but was not counted is one warning, whichever side the stream is written for: an operator who bills by
// tokens must hear of it, and not once for each frame.
func TestAnUncountedStreamIsOneWarning(t *testing.T) {
	const chunk = `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"W"},"finish_reason":"stop"}]}`
	tb := start(t)
	for i, s := range []struct {
		path, body string
		reply      gatewaytest.Reply
		end        string // that the client gets all the same
	}{
		{"/v1/chat/completions", `{"model":"gpt-4o","stream":true,` + hi + `}`, gatewaytest.Reply{Body: gatewaytest.SSE(chunk)}, "[DONE]"},
		{"/v1/messages", `{"model":"gpt-4o","max_tokens":9,"stream":true,` + hi + `}`, gatewaytest.Reply{Body: gatewaytest.SSE(chunk)}, "message_stop"},
		{"/v1/chat/completions", `{"model":"` + nova + `","stream":true,` + hi + `}`, frames(`messageStart {"role":"assistant"}`, say(0, "W"), end(0), `messageStop {"stopReason":"end_turn"}`), "[DONE]"},
		{"/model/" + nova + "/converse-stream", `{"messages":[{"role":"user","content":[{"text":"Hi"}]}]}`, frames(`messageStart {"role":"assistant"}`, say(0, "W"), end(0), `messageStop {"stopReason":"end_turn"}`), "metadata"},
	} {
		tb.u.Play(s.reply)
		a := tb.ask(t, s.path, s.body, "")
		if a.Broken != nil || !strings.Contains(a.Body, s.end) || strings.Contains(a.Body, "usage") && s.path != "/v1/messages" { // whose events have to have one
			t.Errorf("%s: the client got %v\n%s", s.path, a.Broken, a.Body)
		}
		deadline, again := time.After(10*time.Second), time.NewTicker(2*time.Millisecond)
		for tb.warnings(t) <= i {
			select {
			case <-again.C:
			case <-deadline:
				t.Fatalf("%s for %s: no warning", s.path, s.body)
			}
		}
		again.Stop()
		if n := tb.warnings(t); n != i+1 {
			t.Errorf("%s for %s: %d warnings", s.path, s.body, n-i)
		}
	}
}

// warnings counts the lines that tell of replies that were not counted.
func (tb *table) warnings(t *testing.T) int {
	t.Helper()
	log, err := os.ReadFile(tb.g.Log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(log), "its tokens are not counted")
}
