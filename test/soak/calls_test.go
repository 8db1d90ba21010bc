package soak

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// reply is what a client made of an answer.
type reply struct {
	status int
	text   string // all of it that came
	ended  bool   // as the dialect ends a whole answer
	broken bool   // by an error event, or by the connection
}

// kind is a call in one dialect to one model. %s in the body is the text.
type kind struct {
	name, path, body string
	read             func(io.Reader) (text string, ended, broken bool)
}

const (
	claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	nova   = "amazon.nova-lite-v1:0"
)

var kinds = []kind{
	{"openai", "/v1/chat/completions", `{"model":"gpt-4o","messages":[{"role":"user","content":%s}]}`, whole("choices")},
	{"openai, streamed", "/v1/chat/completions", `{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":%s}]}`, openaiStream},
	{"openai from Claude, streamed", "/v1/chat/completions", `{"model":"` + claude + `","stream":true,"messages":[{"role":"user","content":%s}]}`, openaiStream},
	{"openai from Nova", "/v1/chat/completions", `{"model":"` + nova + `","messages":[{"role":"user","content":%s}]}`, whole("choices")},
	{"messages", "/v1/messages", `{"model":"` + claude + `","max_tokens":500,"messages":[{"role":"user","content":%s}]}`, whole("content")},
	{"messages, streamed", "/v1/messages", `{"model":"` + claude + `","max_tokens":500,"stream":true,"messages":[{"role":"user","content":%s}]}`, claudeStream},
	{"messages from GPT, streamed", "/v1/messages", `{"model":"gpt-4o","max_tokens":500,"stream":true,"messages":[{"role":"user","content":%s}]}`, claudeStream},
	{"converse", "/model/" + nova + "/converse", `{"messages":[{"role":"user","content":[{"text":%s}]}]}`, whole("output")},
	{"converse, streamed", "/model/" + nova + "/converse-stream", `{"messages":[{"role":"user","content":[{"text":%s}]}]}`, converseStream},
	{"converse from GPT, streamed", "/model/gpt-4o/converse-stream", `{"messages":[{"role":"user","content":[{"text":%s}]}]}`, converseStream},
	{"titan", "/model/amazon.titan-text-express-v1/invoke", `{"inputText":%s,"textGenerationConfig":{"maxTokenCount":500}}`, whole("results")},
}

// whole reads a JSON body that has a member.
func whole(member string) func(io.Reader) (string, bool, bool) {
	return func(r io.Reader) (string, bool, bool) {
		raw, err := io.ReadAll(r)
		var body map[string]json.RawMessage
		ok := err == nil && json.Unmarshal(raw, &body) == nil && body[member] != nil
		return string(body[member]), ok, err != nil
	}
}

// events reads server-sent events until one of them is the last.
func events(r io.Reader, take func(data []byte) (last, broken bool)) (ended, broken bool) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		last, wrong := take(data)
		ended, broken = ended || last, broken || wrong
	}
	return ended, broken || lines.Err() != nil
}

func openaiStream(r io.Reader) (text string, ended, broken bool) {
	var b strings.Builder
	finished := false
	ended, broken = events(r, func(data []byte) (last, wrong bool) {
		if string(data) == "[DONE]" {
			return finished, false
		}
		var chunk struct {
			Error   json.RawMessage `json:"error"`
			Choices []struct {
				Delta  struct{ Content string } `json:"delta"`
				Finish string                   `json:"finish_reason"`
			} `json:"choices"`
		}
		wrong = json.Unmarshal(data, &chunk) != nil || chunk.Error != nil
		for _, c := range chunk.Choices {
			b.WriteString(c.Delta.Content)
			finished = finished || c.Finish != ""
		}
		return false, wrong
	})
	return b.String(), ended, broken
}

func claudeStream(r io.Reader) (text string, ended, broken bool) {
	var b strings.Builder
	ended, broken = events(r, func(data []byte) (last, wrong bool) {
		var e struct {
			Type  string                `json:"type"`
			Delta struct{ Text string } `json:"delta"`
		}
		wrong = json.Unmarshal(data, &e) != nil || e.Type == "error"
		b.WriteString(e.Delta.Text)
		return e.Type == "message_stop", wrong
	})
	return b.String(), ended, broken
}

func converseStream(r io.Reader) (text string, ended, broken bool) {
	var b strings.Builder
	decoder := eventstream.NewDecoder()
	stopped := false
	for {
		m, err := decoder.Decode(r, nil)
		if err != nil {
			return b.String(), ended, !errors.Is(err, io.EOF)
		}
		event := ""
		if v := m.Headers.Get(":event-type"); v != nil {
			event = v.String()
		}
		switch event {
		case "contentBlockDelta":
			var e struct {
				Delta struct{ Text string } `json:"delta"`
			}
			if json.Unmarshal(m.Payload, &e) != nil {
				return b.String(), false, true
			}
			b.WriteString(e.Delta.Text)
		case "messageStop":
			stopped = true
		case "metadata":
			ended = stopped
		case "": // an exception
			return b.String(), false, true
		}
	}
}

// client calls a gateway. Its requests cannot be repeated by its transport, so that what a kept connection loses is seen.
type client struct {
	http *http.Client
	url  string
}

func (c *client) do(ctx context.Context, method, path, contentType string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, body)
	if err != nil {
		return nil, err
	}
	req.GetBody = nil
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	req.Header.Set("Authorization", "Bearer sk-simulator")
	req.Header.Set("X-User", "user")
	return c.http.Do(req)
}

// call makes a call; err is of the connection, before an answer came.
func (c *client) call(ctx context.Context, k *kind, text string) (*reply, error) {
	quoted, err := json.Marshal(text)
	if err != nil {
		return nil, err
	}
	res, err := c.do(ctx, http.MethodPost, k.path, "application/json", strings.NewReader(fmt.Sprintf(k.body, quoted)))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end, or broken
	a := &reply{status: res.StatusCode}
	if a.status != http.StatusOK {
		raw, err := io.ReadAll(res.Body)
		a.text, a.broken = string(raw), err != nil
		return a, nil
	}
	a.text, a.ended, a.broken = k.read(res.Body)
	return a, nil
}

// file uploads a file, reads it back, and deletes it.
func (c *client) file(ctx context.Context, content string) (string, error) {
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	_ = w.WriteField("purpose", "user_data")
	part, err := w.CreateFormFile("file", "a.txt")
	if err != nil {
		return "", err
	}
	_, _ = io.WriteString(part, content)
	_ = w.Close()
	var made struct {
		ID string `json:"id"`
	}
	got := ""
	for _, step := range []struct {
		method, path, contentType string
		body                      io.Reader
		take                      func([]byte) error
	}{
		{http.MethodPost, "/v1/files", w.FormDataContentType(), &form, func(b []byte) error { return json.Unmarshal(b, &made) }},
		{http.MethodGet, "/v1/files/%s/content", "", http.NoBody, func(b []byte) error { got = string(b); return nil }},
		{http.MethodDelete, "/v1/files/%s", "", http.NoBody, func([]byte) error { return nil }},
	} {
		res, err := c.do(ctx, step.method, strings.Replace(step.path, "%s", made.ID, 1), step.contentType, step.body)
		if err != nil {
			return "", err
		}
		raw, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			return "", err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Sprintf("%s %s: %d %s", step.method, step.path, res.StatusCode, raw), nil
		}
		if err := step.take(raw); err != nil {
			return err.Error(), nil //nolint:nilerr // a wrong answer, and no lost connection
		}
	}
	return got, nil
}
