package cli_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"

// Scripts get the answer as the model wrote it, and nothing else.
func TestChatInScripts(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	h.file(t, "schema.json", `{"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false}`)
	h.file(t, "bad.json", `[]`)
	h.file(t, "data.csv", "name,value\nwidget,41\n")
	var pixels bytes.Buffer
	if err := png.Encode(&pixels, image.NewGray(image.Rect(0, 0, 2, 2))); err != nil {
		t.Fatal(err)
	}
	h.file(t, "dot.png", pixels.String())
	for _, w := range []has{
		{args: "chat Hello **you**", stdout: []string{"You said: Hello **you**\n"}},
		{args: "chat --model " + claude + " --effort low Hello", stdout: []string{"You said: Hello\n"}}, // and not its reasoning
		{args: "chat", stdin: "from a pipe\n", stdout: []string{"You said: from a pipe\n"}},
		{args: "chat Review this:", stdin: "a\nb\n", stdout: []string{"You said: Review this:\n\na\nb\n"}},
		{args: "chat --stream=false Hello", stdout: []string{"You said: Hello\n"}},
		{args: "chat --json Hello", stdout: []string{`"object":"chat.completion",`, `"content":"You said: Hello"`}},
		{args: "chat --json --stream Hello", stdout: []string{"\n{\"id\":", `"object":"chat.completion.chunk"`, `"usage":{"prompt_tokens":`}},
		{args: "chat --schema schema.json Invent", stdout: []string{`{"name":`}},
		{args: "chat --schema schema.json --model " + claude + " Invent", stdout: []string{`{"name":`}},
		{args: "chat --file data.csv What is it?", stdout: []string{"widget,41"}},
		{args: "chat --image dot.png Look", stdout: []string{"Look [image image/png "}},
		{args: "chat --max-tokens 2 One two three four five", stdout: []string{"You said"}, err: []string{"The answer was cut off"}},
		{args: "chat --model amazon.nova-lite-v1:0 --effort high Hello", stdout: []string{"You said: Hello\n"}, err: []string{"This model does not have, and did not get: reasoning_effort\n"}},

		{args: "chat", code: 2, err: []string{"Error: there is no message, and standard input is empty\n"}},
		{args: "chat --model= Hello", stdout: []string{"You said: Hello\n"}},
		{args: "chat --model nothing Hello", code: 4, err: []string{"'nothing'", "→ 'caddy bedrock models' lists"}},
		{args: "chat --server-url http://127.0.0.1:1 Hello", code: 3, err: []string{"Error: no gateway answers"}},
		{args: "chat --schema bad.json Hello", code: 1, err: []string{"Error: bad.json is no JSON Schema"}},
		{args: "chat --image data.csv Hello", code: 1, err: []string{"Error: data.csv is no image, but text/plain"}},
		{args: "chat --file missing Hello", code: 1, err: []string{"Error: stat missing"}},
		{args: "chat --file file-0 Hello", code: 4, err: []string{"Error: No such File object: file-0"}},
		{args: "chat --max-tokens -1 Hello", code: 2, err: []string{"Error: --max-tokens is a positive number"}},
		{args: "chat --session ../x Hello", code: 2, err: []string{`Error: "../x" is no name of a session`}},
		{args: "chat [[fault:exception=throttlingException@3]] --model " + claude, code: 4, stdout: []string{"You"}, err: []string{"Error: "}},
	} {
		out := w.check(t, h)
		if !strings.Contains(w.args, "json") && len(w.stdout) == 1 && strings.HasSuffix(w.stdout[0], "\n") && out != w.stdout[0] {
			t.Errorf("%s: standard output has more: %q", w.args, out)
		}
		if strings.Contains(w.args, "--stream Hello") {
			for line := range strings.Lines(out) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%s: no JSON: %s", w.args, line)
				}
			}
		}
	}
}

func TestChatIsKept(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	h.file(t, "data.csv", "name,value\nwidget,41\n")
	has{args: "history list", err: []string{"No chat is kept."}}.check(t, h)
	has{args: "history list --json", stdout: []string{"[]\n"}}.check(t, h)
	has{args: "chat --session work --model gpt-4o --file data.csv first", stdout: []string{"first"}}.check(t, h)
	has{args: "chat --session work second", stdout: []string{"second"}}.check(t, h)
	has{args: "chat not kept", stdout: []string{"not kept"}}.check(t, h)

	path := filepath.Join(h.dir, "caddy", "bedrock", "sessions", "work.json")
	if runtime.GOOS == "linux" {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v: others may read it", info, err)
		}
		has{args: "history list", stdout: []string{"work  20", "  2  first\n"}}.check(t, h)
	}
	out := has{args: "history show work --json", stdout: []string{`"model":"gpt-4o"`}}.check(t, h)
	var kept struct {
		Messages []struct{ Role, Content string }
		Files    []struct{ Name string }
		Used     struct {
			Answers int
			Cost    string
		}
	}
	if err := json.Unmarshal([]byte(out), &kept); err != nil || len(kept.Messages) != 4 || kept.Messages[2].Content != "second" || len(kept.Files) != 1 || kept.Used.Answers != 2 || kept.Used.Cost == "" {
		t.Errorf("%v: %+v", err, kept)
	}
	has{args: "history show work", stdout: []string{"› first\n\nYou said: ", "› second\n\nYou said: "}, err: []string{" in · ", " out · $0.00"}}.check(t, h)
	has{args: "history show", code: 2, err: []string{"Error: "}}.check(t, h)
	has{args: "history show play", code: 1, err: []string{"Error: there is no session 'play'", "→ 'caddy bedrock history list'"}}.check(t, h)
	has{args: "history delete play", code: 1, err: []string{"Error: there is no session 'play'"}}.check(t, h)

	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	has{args: "history show work", code: 1, err: []string{"work.json", "unexpected", "→ mend the file, or delete it"}}.check(t, h)
	has{args: "chat --session work third", code: 1, err: []string{"work.json", "unexpected", "→ mend the file, or delete it"}}.check(t, h)
	has{args: "history delete work", err: []string{"deleted work\n"}}.check(t, h)
	has{args: "history list", err: []string{"No chat is kept."}}.check(t, h)
}

// Ctrl-C ends with what came, and the exit code of shells.
func TestChatInterrupted(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Log("Windows has no SIGINT to send")
		return
	}
	h := newHome(t)
	serveGateway(t, h, "")
	cmd := h.command(t.Context(), "bedrock", "chat", "--session", "cut", "[[fault:hang@4]] one two three")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("You"))); err != nil {
		t.Fatal(err, errs.String())
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out) // until it ends
	_ = cmd.Wait()                  // its exit code says how
	if code := cmd.ProcessState.ExitCode(); code != 130 || errs.String() != "Error: stopped\n" {
		t.Errorf("exit code %d: %s", code, errs.String())
	}
	has{args: "history show cut", stdout: []string{"one two three\n\nYou"}, err: []string{"in"}}.check(t, h)
}

func TestChatWithoutModel(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	h.env = append(h.env, "DEFAULT_OPENAI_MODEL=")
	has{args: "chat Hello", code: 4, err: []string{"Error: you must provide a model", "→ name one with --model; 'caddy bedrock models' lists them"}}.check(t, h)
	h.file(t, ".env", "DEFAULT_OPENAI_MODEL=gpt-4o\n")
	h.env = h.env[:len(h.env)-2]
	has{args: "chat Hello", stdout: []string{"You said: Hello\n"}}.check(t, h)
}
