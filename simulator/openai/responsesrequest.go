package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// responsesRequest is a body that responsesBody has taken.
type responsesRequest struct {
	Model             string          `json:"model"`
	Input             responsesInput  `json:"input"`
	Instructions      string          `json:"instructions"`
	Tools             []flatTool      `json:"tools"`
	ToolChoice        json.RawMessage `json:"tool_choice"`
	ParallelToolCalls *bool           `json:"parallel_tool_calls"`
	MaxOutputTokens   *int            `json:"max_output_tokens"`
	Background        bool            `json:"background"`
	Stream            bool            `json:"stream"`
	Store             *bool           `json:"store"`
	Include           []string        `json:"include"`
	ServiceTier       string          `json:"service_tier"`
	Reasoning         struct {
		Effort  string `json:"effort"`
		Summary string `json:"summary"`
	} `json:"reasoning"`
	Text struct {
		Format *struct {
			Type   string          `json:"type"`
			Name   string          `json:"name"`
			Schema json.RawMessage `json:"schema"`
			Strict bool            `json:"strict"`
		} `json:"format"`
	} `json:"text"`
}

// responsesInput is a list of items; a string is a user's message.
type responsesInput []responsesItem

func (l *responsesInput) UnmarshalJSON(b []byte) error {
	if b[0] == '"' {
		*l = responsesInput{{Type: "message", Role: "user"}}
		return json.Unmarshal(b, &(*l)[0].Content)
	}
	return json.Unmarshal(b, (*[]responsesItem)(l))
}

type responsesItem struct {
	Type      string         `json:"type"`
	ID        string         `json:"id"`
	Role      string         `json:"role"`
	Content   responsesParts `json:"content"`
	CallID    string         `json:"call_id"`
	Name      string         `json:"name"`
	Namespace string         `json:"namespace"`
	Arguments string         `json:"arguments"`
	Input     string         `json:"input"`
	Output    responsesParts `json:"output"`
	Sealed    string         `json:"encrypted_content"`
	Tools     []flatTool     `json:"tools"`
}

// responsesParts is content in the words of chat; a string is one text part.
type responsesParts struct{ chatContent }

// chatParts are the types of parts that chat has in other words; those of outputs are texts.
var chatParts = map[string]string{"input_text": "text", "output_text": "text", "reasoning_text": "text", "input_image": "image_url", "input_file": "file"}

func (p *responsesParts) UnmarshalJSON(b []byte) error {
	if b[0] != '[' {
		return p.chatContent.UnmarshalJSON(b)
	}
	var parts []struct {
		Type     string `json:"type"`
		Text     string `json:"text"`
		ImageURL string `json:"image_url"`
		FileData string `json:"file_data"`
		FileID   string `json:"file_id"`
		FileURL  string `json:"file_url"`
		Filename string `json:"filename"`
	}
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	p.present = true
	for _, one := range parts {
		c := chatPart{Type: chatParts[one.Type], Text: one.Text}
		c.ImageURL.URL = one.ImageURL
		if c.Type == "image_url" && one.ImageURL == "" {
			c.ImageURL.URL = one.FileID
		}
		c.File.FileData, c.File.FileID, c.File.Filename = one.FileData, one.FileID+one.FileURL, one.Filename
		p.parts = append(p.parts, c)
	}
	return nil
}

// flatTool is a tool as Responses has it; a namespace holds more of them.
type flatTool struct {
	Type       string          `json:"type"`
	Name       string          `json:"name"`
	Parameters json.RawMessage `json:"parameters"`
	Strict     bool            `json:"strict"`
	Tools      []flatTool      `json:"tools"`
}

// namespaceMark stands between a namespace and the name of a tool in it, in a chat's tool names.
const namespaceMark = "\x00"

// chatTools are the tools that the model can call, in the words of chat.
func chatTools(tools []flatTool, namespace string) []chatTool {
	var out []chatTool
	for _, t := range tools {
		name := t.Name
		if namespace != "" {
			name = namespace + namespaceMark + name
		}
		switch t.Type {
		case "function":
			out = append(out, chatTool{Type: "function", Function: function{Name: name, Parameters: t.Parameters, Strict: t.Strict}})
		case "custom":
			c := chatTool{Type: "custom"}
			c.Custom.Name = name
			out = append(out, c)
		case "namespace":
			out = append(out, chatTools(t.Tools, t.Name)...)
		}
	}
	return out
}

// chat is the request in the words of chat, which says how it is answered.
func (r *responsesRequest) chat() *chatRequest {
	c := &chatRequest{
		Model: r.Model, ToolChoice: chatChoice(r.ToolChoice), ParallelToolCalls: r.ParallelToolCalls,
		MaxCompletionTokens: r.MaxOutputTokens, ReasoningEffort: r.Reasoning.Effort, ServiceTier: r.ServiceTier, Stream: r.Stream,
	}
	tools := r.Tools
	if r.Instructions != "" {
		c.Messages = append(c.Messages, textMessage("developer", r.Instructions))
	}
	for _, item := range r.Input {
		switch item.Type {
		case "", "message":
			c.Messages = append(c.Messages, chatMessage{Role: item.Role, Content: item.Content.chatContent})
		case "function_call", "custom_tool_call":
			c.Messages = append(c.Messages, chatMessage{Role: "assistant", ToolCalls: []toolCalled{{ID: item.CallID}}})
		case "function_call_output", "custom_tool_call_output":
			c.Messages = append(c.Messages, chatMessage{Role: "tool", ToolCallID: item.CallID, Content: item.Output.chatContent})
		case "compaction":
			c.Messages = append(c.Messages, textMessage("developer", unsealed(item.Sealed)))
		case "additional_tools":
			tools = append(slices.Clone(tools), item.Tools...)
		}
	}
	if len(c.Messages) == 0 {
		c.Messages = []chatMessage{textMessage("user", "")}
	}
	c.Tools = chatTools(tools, "")
	if f := r.Text.Format; f != nil {
		c.ResponseFormat = &responseForm{Type: f.Type}
		c.ResponseFormat.JSONSchema.Name, c.ResponseFormat.JSONSchema.Schema, c.ResponseFormat.JSONSchema.Strict = f.Name, f.Schema, f.Strict
	}
	return c
}

func textMessage(role, text string) chatMessage {
	return chatMessage{Role: role, Content: chatContent{present: true, parts: []chatPart{{Type: "text", Text: text}}}}
}

// chatChoice is a flat tool_choice as chat has it.
func chatChoice(choice json.RawMessage) json.RawMessage {
	var c struct {
		Type      string          `json:"type"`
		Name      string          `json:"name"`
		Namespace string          `json:"namespace"`
		Mode      string          `json:"mode"`
		Tools     json.RawMessage `json:"tools"`
	}
	if len(choice) == 0 || choice[0] != '{' || json.Unmarshal(choice, &c) != nil {
		return choice
	}
	if c.Namespace != "" {
		c.Name = c.Namespace + namespaceMark + c.Name
	}
	switch c.Type {
	case "function", "custom":
		return marshal(map[string]any{"type": c.Type, c.Type: map[string]string{"name": c.Name}})
	case "allowed_tools":
		var named []struct{ Type, Name string }
		_ = json.Unmarshal(c.Tools, &named)
		tools := make([]any, 0, len(named))
		for _, t := range named {
			tools = append(tools, map[string]any{"type": t.Type, t.Type: map[string]string{"name": t.Name}})
		}
		return marshal(map[string]any{"type": c.Type, "allowed_tools": map[string]any{"mode": c.Mode, "tools": tools}})
	}
	return nil // one of OpenAI's own tools, which this simulator never uses
}

// check holds a request against the rules that one member alone cannot show.
func (r *responsesRequest) check(m model, present map[string]any) *failure {
	if r.Input == nil && present["prompt"] == nil && present["previous_response_id"] == nil && present["conversation"] == nil {
		return invalid("input", "missing_required_parameter", "Missing required parameter: 'input'.")
	}
	if r.Background && r.Store != nil && !*r.Store {
		return invalid("background", "", "Background mode requires 'store' to be true.")
	}
	c := r.chat()
	if f := r.checkModel(m, c, present); f != nil {
		return f
	}
	if n := c.limit(); n > m.output {
		return invalid("max_output_tokens", "invalid_value", fmt.Sprintf("max_output_tokens is too large: %d. This model supports at most %d completion tokens.", n, m.output))
	}
	if c.Tools == nil && forcedTool(c.ToolChoice) == "" && string(r.ToolChoice) == `"required"` && len(r.Tools) == 0 {
		return invalid("tool_choice", "", "Tool choice 'required' must be specified with 'tools' parameter.")
	}
	if len(c.Tools) > 0 {
		if f := c.checkTools(m, nil); f != nil {
			f.Message = strings.ReplaceAll(f.Message, namespaceMark, ".")
			return f
		}
	}
	if f := c.checkFormat(m, nil); f != nil {
		return f
	}
	if f := r.checkThoughts(m); f != nil {
		return f
	}
	return r.checkCalls()
}

// checkModel holds parameters against what the model takes.
func (r *responsesRequest) checkModel(m model, c *chatRequest, present map[string]any) *failure {
	if !m.reasons && slices.Contains(r.Include, "reasoning.encrypted_content") {
		return invalid("include", "", "Encrypted content is not supported with this model.")
	}
	if !m.reasons && r.Reasoning.Summary != "" {
		return unsupported("reasoning.summary", "")
	}
	if m.limits != nil {
		return r.checkCopy(m.limits, c, present)
	}
	if !m.reasons {
		if r.Reasoning.Effort != "" {
			return invalid("reasoning.effort", "unsupported_parameter", "Unsupported parameter: 'reasoning.effort' is not supported with this model.")
		}
		return nil
	}
	for _, name := range []string{"temperature", "top_p", "top_logprobs"} {
		if n, ok := present[name].(json.Number); ok && r.Reasoning.Effort != "none" && (name == "top_logprobs" || n != "1") {
			return unsupported(name, "")
		}
	}
	return nil
}

// checkCopy holds a request against the limits of a copy's model.
func (r *responsesRequest) checkCopy(l *Limits, c *chatRequest, present map[string]any) *failure {
	if f := l.checkEffort(r.Reasoning.Effort, "reasoning.effort"); f != nil {
		return f
	}
	for i, t := range r.Tools {
		if l.Tools != nil && !slices.Contains(l.Tools, t.Type) {
			return invalid(fmt.Sprintf("tools[%d].type", i), "invalid_value", fmt.Sprintf("Invalid value: '%s'. Supported values are: %s.", t.Type, quoted(l.Tools, "and")))
		}
	}
	listed, _ := present["input"].([]any)
	for i, item := range listed {
		if o, _ := item.(map[string]any); o[passthrough] != nil {
			return unknownMembers(fmt.Sprintf("input[%d]", i), []string{passthrough})
		}
	}
	for i, item := range r.Input {
		if slices.Contains(l.RefusedItems, item.Type) {
			return invalid(fmt.Sprintf("input[%d].type", i), "invalid_value", "Invalid value: '"+item.Type+"'.")
		}
		for j, t := range item.Tools {
			if l.Tools != nil && !slices.Contains(l.Tools, t.Type) {
				return invalid(fmt.Sprintf("input[%d].tools[%d].type", i, j), "invalid_value", "Invalid value: '"+t.Type+"'.")
			}
		}
	}
	switch {
	case l.NoBreakpoints && bytes.Contains(marshal(present["input"]), []byte(`"prompt_cache_breakpoint":`)):
		return unsupported("prompt_cache_breakpoint", "")
	case r.Background && !l.Background:
		return unsupported("background", "")
	case l.Tiers != nil && r.ServiceTier != "" && !slices.Contains(l.Tiers, r.ServiceTier):
		return invalid("service_tier", "unsupported_value", "Unsupported value: '"+r.ServiceTier+"'. Supported values are: "+quoted(l.Tiers, "and")+".")
	case l.Summaries != nil && r.Reasoning.Summary != "" && !slices.Contains(l.Summaries, r.Reasoning.Summary):
		return invalid("reasoning.summary", "unsupported_value", "Unsupported value: '"+r.Reasoning.Summary+"'. Supported values are: "+quoted(l.Summaries, "and")+".")
	}
	for _, name := range []string{"temperature", "top_p", "top_logprobs"} {
		if l.SamplingWithoutEffort && r.Reasoning.Effort != "none" && present[name] != nil {
			return unsupported(name, "")
		}
	}
	for i, msg := range c.Messages {
		for j, p := range msg.Content.parts {
			if f := l.checkPart(p, fmt.Sprintf("input[%d].content[%d]", i, j)); f != nil {
				return f
			}
		}
	}
	return nil
}

// checkThoughts holds that each thought is followed by what it led to. One that ends the input of the original is gone on
// from: Codex sends it after a stream that broke behind it.
func (r *responsesRequest) checkThoughts(m model) *failure {
	for i, item := range r.Input {
		if item.Type != "reasoning" || i+1 == len(r.Input) && m.limits == nil {
			continue
		}
		next := responsesItem{}
		if i+1 < len(r.Input) {
			next = r.Input[i+1]
		}
		if next.Type != "reasoning" && next.Role != "assistant" && !strings.HasSuffix(next.Type, "_call") {
			return invalid("input", "", "Item '"+item.ID+"' of type 'reasoning' was provided without its required following item.")
		}
	}
	return nil
}

// checkCalls pairs the input's tool calls with their outputs: each has the other.
func (r *responsesRequest) checkCalls() *failure {
	open := map[string]string{} // what a call is answered by
	var order []string
	for _, item := range r.Input {
		switch item.Type {
		case "function_call", "custom_tool_call":
			if _, twice := open[item.CallID]; twice {
				return invalid("input", "", "Duplicate call_id '"+item.CallID+"'.")
			}
			open[item.CallID] = item.Type + "_output"
			order = append(order, item.CallID)
		case "function_call_output", "custom_tool_call_output":
			if open[item.CallID] != item.Type {
				return invalid("input", "", "No tool call found for "+strings.ReplaceAll(item.Type, "_", " ")+" with call_id "+item.CallID+".")
			}
			order = slices.DeleteFunc(order, func(id string) bool { return id == item.CallID })
		}
	}
	if len(order) > 0 {
		return invalid("input", "", "No tool output found for function call "+order[0]+".")
	}
	return nil
}
