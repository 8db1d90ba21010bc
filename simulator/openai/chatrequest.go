package openai

import (
	"encoding/json"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// chatRequest is a body that chatBody has taken.
type chatRequest struct {
	Model               string          `json:"model"`
	Messages            []chatMessage   `json:"messages"`
	Tools               []chatTool      `json:"tools"`
	ToolChoice          json.RawMessage `json:"tool_choice"`
	ParallelToolCalls   *bool           `json:"parallel_tool_calls"`
	Functions           []function      `json:"functions"`
	FunctionCall        json.RawMessage `json:"function_call"`
	ResponseFormat      *responseForm   `json:"response_format"`
	MaxTokens           *int            `json:"max_tokens"`
	MaxCompletionTokens *int            `json:"max_completion_tokens"`
	Stop                stopList        `json:"stop"`
	N                   *int            `json:"n"`
	Logprobs            bool            `json:"logprobs"`
	TopLogprobs         *int            `json:"top_logprobs"`
	ReasoningEffort     string          `json:"reasoning_effort"`
	Modalities          []string        `json:"modalities"`
	ServiceTier         string          `json:"service_tier"`
	Stream              bool            `json:"stream"`
	StreamOptions       *struct {
		IncludeUsage       bool  `json:"include_usage"`
		IncludeObfuscation *bool `json:"include_obfuscation"`
	} `json:"stream_options"`
}

type chatMessage struct {
	Role         string       `json:"role"`
	Content      chatContent  `json:"content"`
	Refusal      *string      `json:"refusal"`
	ToolCalls    []toolCalled `json:"tool_calls"`
	ToolCallID   string       `json:"tool_call_id"`
	FunctionCall *called      `json:"function_call"`
	Audio        *struct{}    `json:"audio"`
}

type toolCalled struct {
	ID string `json:"id"`
}

type called struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// chatContent is a string or a list of parts; neither where the member is absent or null.
type chatContent struct {
	present bool
	parts   []chatPart
}

type chatPart struct {
	Type string `json:"type"`
	Text string `json:"text"`
	File struct {
		FileData string `json:"file_data"`
		FileID   string `json:"file_id"`
		Filename string `json:"filename"`
	} `json:"file"`
	ImageURL struct {
		URL string `json:"url"`
	} `json:"image_url"`
}

func (c *chatContent) UnmarshalJSON(b []byte) error {
	switch b[0] {
	case '"':
		c.present, c.parts = true, []chatPart{{Type: "text"}}
		return json.Unmarshal(b, &c.parts[0].Text)
	case '[':
		c.present = true
		return json.Unmarshal(b, &c.parts)
	}
	return nil
}

// text is all the text of the parts, in order.
func (c *chatContent) text() string {
	var b strings.Builder
	for _, p := range c.parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

type chatTool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
	Custom   struct {
		Name string `json:"name"`
	} `json:"custom"`
}

func (t *chatTool) name() string {
	if t.Type == "custom" {
		return t.Custom.Name
	}
	return t.Function.Name
}

type function struct {
	Name       string          `json:"name"`
	Parameters json.RawMessage `json:"parameters"`
	Strict     bool            `json:"strict"`
}

type responseForm struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
		Strict bool            `json:"strict"`
	} `json:"json_schema"`
}

// stopList is a string or a list of them.
type stopList []string

func (l *stopList) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*l = stopList{""}
		return json.Unmarshal(b, &(*l)[0])
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// lastUser is the text of the newest user message, fault directives included.
func (r *chatRequest) lastUser() string {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		if r.Messages[i].Role == "user" {
			return r.Messages[i].Content.text()
		}
	}
	return ""
}

// limit is how many tokens the answer may have; 0: as many as the model can.
func (r *chatRequest) limit() int {
	switch {
	case r.MaxCompletionTokens != nil:
		return *r.MaxCompletionTokens
	case r.MaxTokens != nil:
		return *r.MaxTokens
	}
	return 0
}

// promptTokens is a count that grows with the messages: four bytes a token, three tokens around each message, 85 for
// each image.
func (r *chatRequest) promptTokens() int {
	n := 3
	for _, m := range r.Messages {
		n += 3
		for _, p := range m.Content.parts {
			switch p.Type {
			case "text":
				n += tokens(fault.Strip(p.Text))
			case "image_url":
				n += 85
			default:
				n += 16
			}
		}
	}
	for _, t := range r.Tools {
		n += 8 + len(t.Function.Parameters)/4
	}
	return n
}

// tokens is the length of a text: four bytes a token, and one at least for a text that is not empty.
func tokens(s string) int { return (len(s) + 3) / 4 }
