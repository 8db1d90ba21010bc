package claude

import (
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

func TestAliasesAreUndone(t *testing.T) {
	x, r := exchangeFor(sonnet45), hello()
	r.Tools = []chat.Tool{{Name: "mcp.files/read"}}
	body := mustEncode(t, r, x)
	at := strings.Index(body, `"mcp_files_read_`)
	alias := body[at+1 : at+1+strings.IndexByte(body[at+1:], '"')]
	out, err := Dialect{}.DecodeResponse([]byte(`{"content":[{"type":"tool_use","id":"t","name":"`+alias+`","input":{}}]}`), x)
	if err != nil || out.Content[0].Tool.Name != "mcp.files/read" {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestRequestsThatClaudeCannotTake(t *testing.T) {
	tests := []struct {
		name        string
		id          string
		change      func(r *chat.Request)
		param, part string
		fallback    bool
	}{
		{"several choices", sonnet45, func(r *chat.Request) { r.N = 2 }, "n", "one choice", true},
		{"nobody asks", sonnet45, func(r *chat.Request) { r.Messages = []chat.Message{says(text(" "))} }, "messages", "no user message", false},
		{"the assistant begins", sonnet45, func(r *chat.Request) { r.Messages = []chat.Message{answers(text("x")), says(text("y"))} }, "messages", "begins with an assistant", false},
		{"a prefill that the model does not continue", opus47, func(r *chat.Request) { r.Messages = append(r.Messages, answers(text("x"))) }, "messages", "continues none", true},
		{"a call without a result", sonnet45, func(r *chat.Request) {
			r.Messages = append(r.Messages, answers(calls("c9", "f", "{}")), says(text("x")))
		}, "messages", "c9", false},
		{"a call without a result at the end", sonnet45, func(r *chat.Request) { r.Messages = append(r.Messages, answers(calls("c9", "f", "{}"))) }, "messages", "c9", false},
		{"a result without a call", sonnet45, func(r *chat.Request) { r.Messages = append(r.Messages, answers(text("x")), says(result("c9"))) }, "messages", "c9", false},
		{"an image at a URL", sonnet45, func(r *chat.Request) {
			r.Messages[0].Content = []chat.Block{{Kind: chat.Image, Media: &chat.Media{URL: "https://x"}}}
		}, "messages", "fetch_remote_images is off", false},
		{"an image in S3", sonnet45, func(r *chat.Request) {
			r.Messages[0].Content = []chat.Block{{Kind: chat.Image, Media: &chat.Media{S3: "s3://x/y"}}}
		}, "messages", "S3 location", true},
		{"an image of another kind", sonnet45, func(r *chat.Request) {
			r.Messages[0].Content = []chat.Block{{Kind: chat.Image, Media: &chat.Media{Type: "image/bmp", Data: []byte("AAAA")}}}
		}, "messages", "png, jpeg, gif and webp", false},
		{"a document of another kind", sonnet45, func(r *chat.Request) {
			r.Messages[0].Content = []chat.Block{{Kind: chat.Document, Media: &chat.Media{Type: "application/msword", Data: []byte("AAAA")}}}
		}, "messages", "application/pdf and text", true},
		{"audio", sonnet45, func(r *chat.Request) { r.Messages[0].Content = []chat.Block{{Kind: chat.Audio, Media: &chat.Media{}}} }, "messages", "audio", true},
		{"a choice of a tool that is not there", sonnet45, func(r *chat.Request) { r.ToolChoice = chat.ToolChoice{Kind: chat.ToolsNamed, Name: "x"} }, "tool_choice", "'x'", false},
		{"an unknown effort", sonnet45, func(r *chat.Request) { r.Reasoning.Effort = "huge" }, "reasoning_effort", "huge", false},
		{"a guardrail of the request's own", sonnet45, func(r *chat.Request) { r.Guardrail = chat.Value("{}") }, "guardrailConfig", "gateway's configuration", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := hello()
			tt.change(r)
			_, err := Dialect{}.EncodeRequest(nil, r, exchangeFor(tt.id))
			wantError(t, err, 400, tt.param, tt.part)
			var e *chat.Error
			if errors.As(err, &e) && e.Fallback != tt.fallback {
				t.Errorf("fallback %v", e.Fallback)
			}
		})
	}
}

func TestUnsupportedParametersAreRefusedIfAskedTo(t *testing.T) {
	x, r := exchangeFor(sonnet45), hello()
	x.RejectUnsupported, r.Seed = true, chat.Value("1")
	_, err := Dialect{}.EncodeRequest(nil, r, x)
	wantError(t, err, 400, "seed", "not supported")
}

// A profile whose model is not told is asked for all that the client wants.
func TestAnUnknownModelIsNotSecondGuessed(t *testing.T) {
	x := &chat.Exchange{Facts: model.Facts{}}
	const body = `{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}],"temperature":0.5,"top_p":0.5,"thinking":{"type":"disabled"},"output_config":{"effort":"max"}}`
	got := without(t, mustEncode(t, mustDecode(t, body, x), x))
	if got != body || x.Dropped != nil {
		t.Errorf("got %s, dropped %q", got, x.Dropped)
	}
}
