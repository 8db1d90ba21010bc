// Package clients runs the official Go client against the gateway that GATEWAY_URL names; test/clients/run sets it up.
package clients

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// models are one of each way an answer takes: passed through, Converse with native structured output, Converse with a
// forced tool in its place.
var models = []string{"gpt-4o", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", "us.anthropic.claude-sonnet-5"}

func TestMain(m *testing.M) {
	if os.Getenv("GATEWAY_URL") == "" {
		fmt.Fprintln(os.Stderr, "GATEWAY_URL is not set: run test/clients/run go")
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func connect(options ...option.RequestOption) *openai.Client {
	c := openai.NewClient(append([]option.RequestOption{
		option.WithBaseURL(os.Getenv("GATEWAY_URL")), option.WithAPIKey(os.Getenv("GATEWAY_KEY")),
		option.WithRequestTimeout(30 * time.Second),
	}, options...)...)
	return &c
}

// each runs f once a model.
func each(t *testing.T, f func(t *testing.T, model string)) {
	for _, m := range models {
		t.Run(m, func(t *testing.T) { f(t, m) })
	}
}

func ask(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)}}
}

// streamed collects a stream. It fails the test unless the stream ends well.
func streamed(t *testing.T, c *openai.Client, p openai.ChatCompletionNewParams) *openai.ChatCompletion {
	t.Helper()
	s := c.Chat.Completions.NewStreaming(t.Context(), p)
	defer s.Close()
	var all openai.ChatCompletionAccumulator
	for s.Next() {
		if !all.AddChunk(s.Current()) {
			t.Fatalf("a chunk that does not fit the ones before: %s", s.Current().RawJSON())
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return &all.ChatCompletion
}

func TestChat(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		p := ask(model, "Grüße, \"世界\" \\ 🌍!")
		p.Messages = append([]openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Echo.")}, p.Messages...)
		reply, err := connect().Chat.Completions.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		c := reply.Choices[0]
		if !strings.Contains(c.Message.Content, "You said: Grüße, \"世界\" \\ 🌍!") || c.FinishReason != "stop" {
			t.Errorf("got %s", reply.RawJSON())
		}
		if u := reply.Usage; u.TotalTokens != u.PromptTokens+u.CompletionTokens || u.PromptTokens == 0 {
			t.Errorf("usage %+v", u)
		}
		p.StreamOptions.IncludeUsage = openai.Bool(true)
		stream := streamed(t, connect(), p)
		if stream.Choices[0].Message.Content != c.Message.Content || stream.Choices[0].FinishReason != "stop" {
			t.Errorf("streamed: %+v", stream.Choices[0])
		}
		if stream.Usage.TotalTokens != reply.Usage.TotalTokens {
			t.Errorf("usage streamed: %+v, unary %+v", stream.Usage, reply.Usage)
		}
	})
}

func TestToolsWithASecondTurn(t *testing.T) {
	tools := []openai.ChatCompletionToolUnionParam{
		openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: "get_weather",
			Parameters: openai.FunctionParameters{
				"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"},
			},
		}),
		openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{Name: "get_time"}),
	}
	each(t, func(t *testing.T, model string) {
		for name, send := range map[string]func(*testing.T, openai.ChatCompletionNewParams) *openai.ChatCompletion{
			"unary": func(t *testing.T, p openai.ChatCompletionNewParams) *openai.ChatCompletion {
				t.Helper()
				reply, err := connect().Chat.Completions.New(t.Context(), p)
				if err != nil {
					t.Fatal(err)
				}
				return reply
			},
			"streamed": func(t *testing.T, p openai.ChatCompletionNewParams) *openai.ChatCompletion {
				t.Helper()
				return streamed(t, connect(), p)
			},
		} {
			t.Run(name, func(t *testing.T) {
				p := ask(model, "call get_weather and call get_time please")
				p.Tools = tools
				first := send(t, p)
				calls := first.Choices[0].Message.ToolCalls
				if first.Choices[0].FinishReason != "tool_calls" || len(calls) != 2 || calls[0].Function.Name != "get_weather" {
					t.Fatalf("got %+v", first.Choices[0])
				}
				var arguments struct{ City string }
				if err := json.Unmarshal([]byte(calls[0].Function.Arguments), &arguments); err != nil || arguments.City == "" {
					t.Errorf("arguments %s, %v", calls[0].Function.Arguments, err)
				}
				p.Messages = append(p.Messages, first.Choices[0].Message.ToParam(),
					openai.ToolMessage("18 degrees", calls[0].ID), openai.ToolMessage("noon", calls[1].ID))
				second := send(t, p)
				text := second.Choices[0].Message.Content
				if !strings.Contains(text, "18 degrees") || !strings.Contains(text, "noon") || second.Choices[0].FinishReason != "stop" {
					t.Errorf("the second turn: %+v", second.Choices[0])
				}
			})
		}
	})
}

func TestStructuredOutput(t *testing.T) {
	format := openai.ChatCompletionNewParamsResponseFormatUnion{
		OfJSONSchema: &openai.ResponseFormatJSONSchemaParam{JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{
			Name: "event", Strict: openai.Bool(true),
			Schema: map[string]any{
				"type": "object", "additionalProperties": false, "required": []string{"title", "rooms"},
				"properties": map[string]any{"title": map[string]any{"type": "string"}, "rooms": map[string]any{"type": "integer"}},
			},
		}},
	}
	each(t, func(t *testing.T, model string) {
		p := ask(model, "plan something")
		p.ResponseFormat = format
		reply, err := connect().Chat.Completions.New(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		for name, got := range map[string]*openai.ChatCompletion{"unary": reply, "streamed": streamed(t, connect(), p)} {
			var event struct {
				Title string
				Rooms int
			}
			c := got.Choices[0]
			if err := json.Unmarshal([]byte(c.Message.Content), &event); err != nil || event.Title == "" || c.FinishReason != "stop" {
				t.Errorf("%s: %q, %s, %v", name, c.Message.Content, c.FinishReason, err)
			}
		}
	})
}

func TestImage(t *testing.T) {
	const pixel = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
	each(t, func(t *testing.T, model string) {
		reply, err := connect().Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
			Model: model,
			Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage([]openai.ChatCompletionContentPartUnionParam{
				openai.TextContentPart("what is this?"),
				openai.ImageContentPart(openai.ChatCompletionContentPartImageImageURLParam{URL: pixel}),
			})},
		})
		if err != nil {
			t.Fatal(err)
		}
		if text := reply.Choices[0].Message.Content; !strings.Contains(text, "what is this?") || !strings.Contains(text, "image") {
			t.Errorf("got %q", text)
		}
	})
}

func TestErrors(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		for _, c := range []struct {
			name   string
			params openai.ChatCompletionNewParams
			key    string
			status int
			code   string
		}{
			{"an unknown model", ask("gpt-none", "hi"), "", 404, "model_not_found"},
			{"no messages", openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{}}, "", 400, ""},
			{"a result without its call", openai.ChatCompletionNewParams{Model: model, Messages: []openai.ChatCompletionMessageParamUnion{
				openai.UserMessage("hi"), openai.ToolMessage("x", "nobody"),
			}}, "", 400, ""},
			{"a wrong key", ask(model, "hi"), "sk-wrong", 401, "invalid_api_key"},
			{"too long a prompt", ask(model, "x [[fault:context]]"), "", 400, "context_length_exceeded"},
			{"too many requests", ask(model, "x [[fault:throttle]]"), "", 429, "rate_limit_exceeded"},
		} {
			t.Run(c.name, func(t *testing.T) {
				options := []option.RequestOption{option.WithMaxRetries(0)}
				if c.key != "" {
					options = append(options, option.WithAPIKey(c.key))
				}
				_, err := connect().Chat.Completions.New(t.Context(), c.params, options...)
				e, ok := errors.AsType[*openai.Error](err)
				if !ok || e.StatusCode != c.status || (c.code != "" && e.Code != c.code) || e.Message == "" {
					t.Errorf("got %v", err)
				}
			})
		}
	})
}

// TestRetries: the gateway tries three times a call, and once when its budget of retries is spent; the client tries again.
func TestRetries(t *testing.T) {
	each(t, func(t *testing.T, model string) {
		tries := 0
		count := option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
			tries++
			return next(r)
		})
		reply, err := connect(count, option.WithMaxRetries(4)).Chat.Completions.New(t.Context(), ask(model, "go, again [[fault:throttle=3]]"))
		if err != nil {
			t.Fatal(err)
		}
		if tries < 2 || tries > 4 || !strings.Contains(reply.Choices[0].Message.Content, "You said: go, again") {
			t.Errorf("%d tries, %q", tries, reply.Choices[0].Message.Content)
		}
	})
}

func TestABrokenStreamIsAnError(t *testing.T) {
	var words strings.Builder
	for i := range 60 {
		fmt.Fprintf(&words, "word%d ", i)
	}
	each(t, func(t *testing.T, model string) {
		for _, fault := range []string{"cut=2500", "cutclean=2500", "exception=modelStreamErrorException@4"} {
			t.Run(fault, func(t *testing.T) {
				s := connect().Chat.Completions.NewStreaming(t.Context(), ask(model, words.String()+"[[fault:"+fault+"]]"))
				defer s.Close()
				text := ""
				for s.Next() {
					for _, c := range s.Current().Choices {
						text += c.Delta.Content
						if c.FinishReason != "" {
							t.Errorf("finish reason %q", c.FinishReason)
						}
					}
				}
				if s.Err() == nil {
					t.Error("the stream ended well")
				}
				if text == "" || strings.Contains(text, "word59") {
					t.Errorf("it was to break before the end: %q", text)
				}
			})
		}
	})
}

func TestFiles(t *testing.T) {
	const sales = "Date,Product,Sales\n2026-01-02,Überraschung,17\n"
	c := connect()
	made, err := c.Files.New(t.Context(), openai.FileNewParams{
		File:    openai.File(strings.NewReader(sales), "sales_data.csv", "text/csv"),
		Purpose: openai.FilePurposeUserData,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		// The test's own context has ended by now where it failed.
		gone, err := c.Files.Delete(context.WithoutCancel(t.Context()), made.ID)
		if err != nil || !gone.Deleted {
			t.Errorf("delete: %v", err)
		}
	}()
	if made.Filename != "sales_data.csv" || made.Bytes != int64(len(sales)) {
		t.Errorf("made %s", made.RawJSON())
	}
	got, err := c.Files.Get(t.Context(), made.ID)
	if err != nil || got.ID != made.ID {
		t.Errorf("get: %v, %v", got, err)
	}
	content, err := c.Files.Content(t.Context(), made.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Body.Close()
	if b, err := io.ReadAll(content.Body); err != nil || !bytes.Equal(b, []byte(sales)) {
		t.Errorf("content %q, %v", b, err)
	}
	found := false
	pages := c.Files.ListAutoPaging(t.Context(), openai.FileListParams{Limit: openai.Int(1)})
	for pages.Next() {
		found = found || pages.Current().ID == made.ID
	}
	if pages.Err() != nil || !found {
		t.Errorf("listed: %v, %v", found, pages.Err())
	}
	each(t, func(t *testing.T, model string) {
		reply, err := c.Chat.Completions.New(t.Context(), ask(model, "What was sold?"), option.WithJSONSet("file_ids", []string{made.ID}))
		if err != nil {
			t.Fatal(err)
		}
		if text := reply.Choices[0].Message.Content; !strings.Contains(text, "What was sold?") || !strings.Contains(text, "Überraschung,17") {
			t.Errorf("got %q", text)
		}
	})
}

func TestModels(t *testing.T) {
	c := connect()
	ids := map[string]bool{}
	pages := c.Models.ListAutoPaging(t.Context())
	for pages.Next() {
		ids[pages.Current().ID] = true
	}
	if err := pages.Err(); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"gpt-4o", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"} {
		m, err := c.Models.Get(t.Context(), id)
		if err != nil || m.ID != id || !ids[id] {
			t.Errorf("%s: listed %v, got %+v, %v", id, ids[id], m, err)
		}
	}
}
