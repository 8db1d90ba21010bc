package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/sse"
)

// ChatRequest is a chat in OpenAI's form, with the gateway's own file_ids.
type ChatRequest struct {
	Model           string         `json:"model,omitempty"` // "" for the gateway's default
	Messages        []Message      `json:"messages"`
	FileIDs         []string       `json:"file_ids,omitempty"`
	Temperature     *float64       `json:"temperature,omitempty"`
	MaxTokens       int            `json:"max_completion_tokens,omitempty"`
	ReasoningEffort string         `json:"reasoning_effort,omitempty"`
	ResponseFormat  any            `json:"response_format,omitempty"`
	Stream          bool           `json:"stream,omitempty"`
	StreamOptions   *streamOptions `json:"stream_options,omitempty"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

// Message is what somebody said: a text, and pictures beside it.
type Message struct {
	Role   string
	Text   string
	Images []string // data URLs
}

type part struct {
	Type     string    `json:"type"`
	Text     string    `json:"text,omitempty"`
	ImageURL *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

type message struct {
	Role    string `json:"role"`
	Content any    `json:"content"`
}

// MarshalJSON writes the message in OpenAI's form: a text alone, or parts.
func (m Message) MarshalJSON() ([]byte, error) {
	if len(m.Images) == 0 {
		return json.Marshal(message{m.Role, m.Text})
	}
	parts := make([]part, 0, len(m.Images)+1)
	for _, u := range m.Images {
		parts = append(parts, part{Type: "image_url", ImageURL: &imageURL{u}})
	}
	return json.Marshal(message{m.Role, append(parts, part{Type: "text", Text: m.Text})})
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (m *Message) UnmarshalJSON(data []byte) error {
	var raw struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		return err
	}
	*m = Message{Role: raw.Role}
	if !bytes.HasPrefix(bytes.TrimSpace(raw.Content), []byte("[")) {
		return json.Unmarshal(raw.Content, &m.Text)
	}
	var parts []part
	if err := json.Unmarshal(raw.Content, &parts); err != nil {
		return err
	}
	for _, p := range parts {
		switch {
		case p.Type == "text":
			m.Text += p.Text
		case p.Type == "image_url" && p.ImageURL != nil:
			m.Images = append(m.Images, p.ImageURL.URL)
		default:
			return fmt.Errorf("a message has a part of an unknown type %q", p.Type)
		}
	}
	return nil
}

// Usage is what a chat used.
type Usage struct {
	Input   int64 `json:"prompt_tokens"`
	Output  int64 `json:"completion_tokens"`
	Details struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// Chunk is a piece of an answer: an event of a stream, or the whole reply where it is not streamed.
type Chunk struct {
	Text, Reasoning, Refusal string
	Raw                      []byte // the JSON as it came; valid until the next piece
}

// Answer is what is known of an answer at its end.
type Answer struct {
	Text, Reasoning string
	Model           string
	Finish          string
	Usage           *Usage // nil if nobody counted
	Cost            string // dollars; "" if the gateway does not tell
	Dropped         string // parameters that the model does not have
	First, Took     time.Duration
}

// TokensPerSecond returns how fast the answer came after its first token; 0 if that cannot be told.
func (a *Answer) TokensPerSecond() float64 {
	d := a.Took - a.First
	if a.Usage == nil || d < time.Millisecond {
		return 0
	}
	return float64(a.Usage.Output) / d.Seconds()
}

// Chat asks, and calls each for every piece of the answer. With an error the answer has what had come by then; it is nil if
// nothing had.
func (c *Client) Chat(ctx context.Context, r *ChatRequest, each func(*Chunk) error) (*Answer, error) {
	r.StreamOptions = nil
	header := http.Header{"Content-Type": {"application/json"}}
	if r.Stream {
		r.StreamOptions = &streamOptions{IncludeUsage: true}
		header["Te"] = []string{"trailers"} // what a stream cost is known at its end
	}
	body, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	res, err := c.do(ctx, http.MethodPost, "/v1/chat/completions", bytes.NewReader(body), header)
	if err != nil {
		if f, ok := errors.AsType[*failure.Error](err); ok && r.Model == "" && f.Code == failure.Refused && f.Next == "" {
			f.Next = "name one with --model; 'caddy bedrock models' lists them"
		}
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end, or given up
	t := &turn{Answer: Answer{Dropped: res.Header.Get("Bedrock-Gateway-Dropped")}, begun: begun, each: each}
	if r.Stream && strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		err = t.stream(res.Body)
	} else {
		err = t.whole(c, res)
	}
	t.Took = time.Since(begun)
	t.Answer.Text, t.Answer.Reasoning = t.text.String(), t.reasoning.String()
	if t.Cost = res.Header.Get(costHeader); t.Cost == "" {
		t.Cost = res.Trailer.Get(costHeader)
	}
	if ctx.Err() != nil && err != nil {
		err = ctx.Err()
	}
	return &t.Answer, err
}

const costHeader = "Bedrock-Gateway-Cost"

// turn gathers an answer while it comes.
type turn struct {
	Answer
	begun           time.Time
	each            func(*Chunk) error
	text, reasoning strings.Builder
}

// piece is a chat.completion or a chat.completion.chunk.
type piece struct {
	Model   string `json:"model"`
	Choices []struct {
		Message said    `json:"message"`
		Delta   said    `json:"delta"`
		Finish  *string `json:"finish_reason"`
	} `json:"choices"`
	Usage *Usage          `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type said struct {
	Content   string `json:"content"`
	Reasoning string `json:"reasoning_content"`
	Refusal   string `json:"refusal"`
}

// stream reads server-sent events to [DONE]; without it the answer is not whole.
func (t *turn) stream(body io.Reader) error {
	events := sse.NewReader(body)
	for {
		ev, err := events.Next()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return &failure.Error{Code: failure.Refused, Cause: errors.New("the answer broke off before its end"), Next: "what came of it is above; ask again for the rest"}
		case err != nil:
			return fmt.Errorf("reading the answer: %w", err)
		case ev.Data == nil:
			continue
		case string(ev.Data) == "[DONE]":
			_, err = io.Copy(io.Discard, body) // the trailers come after the last byte
			return err
		}
		if err := t.take(ev.Data); err != nil {
			return err
		}
	}
}

// whole reads a reply that is not streamed.
func (t *turn) whole(c *Client, res *http.Response) error {
	raw, err := c.decode(res, nil)
	if err != nil {
		return err
	}
	if err := t.take(raw); err != nil {
		return err
	}
	t.First = 0
	return nil
}

// take adds a piece to the answer.
func (t *turn) take(raw []byte) error {
	var p piece
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("the gateway answered with something that is not a chat: %w", err)
	}
	if p.Model != "" {
		t.Model = p.Model
	}
	if p.Usage != nil {
		t.Usage = p.Usage
	}
	chunk := Chunk{Raw: raw}
	for i := range p.Choices {
		c := &p.Choices[i]
		chunk.Text += c.Message.Content + c.Delta.Content
		chunk.Reasoning += c.Message.Reasoning + c.Delta.Reasoning
		chunk.Refusal += c.Message.Refusal + c.Delta.Refusal
		if c.Finish != nil {
			t.Finish = *c.Finish
		}
	}
	if t.First == 0 && chunk.Text+chunk.Reasoning+chunk.Refusal != "" {
		t.First = time.Since(t.begun)
	}
	t.text.WriteString(chunk.Text)
	t.text.WriteString(chunk.Refusal) // what the model says in place of an answer is its answer
	t.reasoning.WriteString(chunk.Reasoning)
	if err := t.each(&chunk); err != nil {
		return err
	}
	if len(p.Error) > 0 && string(p.Error) != "null" {
		e := &Error{Message: errorMessage(raw)}
		if e.Message == "" {
			e.Message = "the answer broke off with an error that has no message"
		}
		return refused(e)
	}
	return nil
}
