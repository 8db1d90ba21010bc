package openai

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// check holds a request against the rules that one member alone cannot show. OpenAI's own words, where they are known.
func (r *chatRequest) check(m model, present map[string]any) *failure {
	for _, rule := range []func(model, map[string]any) *failure{
		r.checkModel, r.checkLimits, r.checkTools, r.checkFormat, r.checkMessages,
	} {
		if f := rule(m, present); f != nil {
			return f
		}
	}
	return nil
}

// onlyDefault are the sampling parameters that reasoning models take at their default and no other value.
var onlyDefault = []struct {
	name  string
	value string
}{{"temperature", "1"}, {"top_p", "1"}, {"n", "1"}, {"presence_penalty", "0"}, {"frequency_penalty", "0"}}

// unsupportedByReasoning are the parameters that reasoning models do not take at all.
var unsupportedByReasoning = []string{"stop", "logprobs", "top_logprobs", "logit_bias"}

func (r *chatRequest) checkModel(m model, present map[string]any) *failure {
	if m.limits != nil {
		return r.checkCopy(m, present)
	}
	if !m.reasons {
		if present["reasoning_effort"] != nil {
			return invalid("", "", "Unrecognized request argument supplied: reasoning_effort")
		}
		return nil
	}
	if present["max_tokens"] != nil {
		return invalid("max_tokens", "unsupported_parameter", "Unsupported parameter: 'max_tokens' is not supported "+
			"with this model. Use 'max_completion_tokens' instead.")
	}
	for _, p := range onlyDefault {
		n, ok := present[p.name].(json.Number)
		if !ok {
			continue
		}
		if got, err := n.Float64(); err != nil || plain(got) != p.value {
			return invalid(p.name, "unsupported_value", fmt.Sprintf(
				"Unsupported value: '%s' does not support %s with this model. Only the default (%s) value is supported.",
				p.name, n, p.value))
		}
	}
	for _, name := range unsupportedByReasoning {
		if present[name] != nil && present[name] != false {
			return invalid(name, "unsupported_parameter",
				"Unsupported parameter: '"+name+"' is not supported with this model.")
		}
	}
	return nil
}

func (r *chatRequest) checkLimits(m model, present map[string]any) *failure {
	if r.MaxTokens != nil && r.MaxCompletionTokens != nil {
		return invalid("max_tokens", "invalid_parameter_combination",
			"Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.")
	}
	if n := r.limit(); n > m.output {
		param := "max_tokens"
		if r.MaxCompletionTokens != nil {
			param = "max_completion_tokens"
		}
		return invalid(param, "invalid_value", fmt.Sprintf(
			"%s is too large: %d. This model supports at most %d completion tokens, whereas you provided %d.",
			param, n, m.output, n))
	}
	if present["stream_options"] != nil && !r.Stream {
		return invalid("stream_options", "", "The 'stream_options' parameter is only allowed when 'stream' is enabled.")
	}
	if r.TopLogprobs != nil && !r.Logprobs {
		return invalid("top_logprobs", "", "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.")
	}
	if slices.Contains(r.Modalities, "audio") || present["audio"] != nil {
		return invalid("modalities", "unsupported_value", "This model does not support the audio modality.")
	}
	if present["web_search_options"] != nil {
		return invalid("", "", "Web search options not supported with this model.")
	}
	return nil
}

func (r *chatRequest) checkTools(_ model, present map[string]any) *failure {
	if r.Tools == nil {
		for _, name := range []string{"tool_choice", "parallel_tool_calls"} {
			if present[name] != nil {
				return invalid(name, "", fmt.Sprintf(
					"Invalid value for '%s': '%s' is only allowed when 'tools' are specified.", name, name))
			}
		}
	}
	if present["function_call"] != nil && r.Functions == nil {
		return invalid("function_call", "",
			"Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified.")
	}
	if r.Tools != nil && r.Functions != nil {
		return invalid("", "", "'functions' and 'tools' may not be given at the same time.")
	}
	seen := map[string]bool{}
	for i, t := range r.Tools {
		if seen[t.name()] {
			return invalid(fmt.Sprintf("tools[%d].function.name", i), "", "Tool names must be unique.")
		}
		seen[t.name()] = true
		param := fmt.Sprintf("tools[%d].function.parameters", i)
		if f := checkSchema(param, "function '"+t.name()+"'", "invalid_function_parameters", t.Function.Parameters, t.Function.Strict); f != nil {
			return f
		}
	}
	if wanted := forcedTool(r.ToolChoice); wanted != "" && !seen[wanted] {
		return invalid("tool_choice", "", "Invalid value for 'tool_choice': tool '"+wanted+"' not found in 'tools'.")
	}
	return nil
}

func (r *chatRequest) checkFormat(_ model, _ map[string]any) *failure {
	if r.ResponseFormat == nil {
		return nil
	}
	switch r.ResponseFormat.Type {
	case "json_object":
		for _, m := range r.Messages {
			if strings.Contains(strings.ToLower(m.Content.text()), "json") {
				return nil
			}
		}
		return invalid("messages", "", "'messages' must contain the word 'json' in some form, to use "+
			"'response_format' of type 'json_object'.")
	case "json_schema":
		s := r.ResponseFormat.JSONSchema
		if s.Schema == nil {
			return invalid("response_format.json_schema.schema", "missing_required_parameter",
				"Missing required parameter: 'response_format.json_schema.schema'.")
		}
		return checkSchema("response_format", "response_format '"+s.Name+"'", "", s.Schema, s.Strict)
	}
	return nil
}

// checkMessages is about contents that may not be null, and tool calls and their results.
func (r *chatRequest) checkMessages(_ model, _ map[string]any) *failure {
	var open []string
	for i, m := range r.Messages {
		at := fmt.Sprintf("messages.[%d]", i)
		if m.Role != "tool" && len(open) > 0 {
			return unanswered(at, open)
		}
		switch m.Role {
		case "tool":
			k := slices.Index(open, m.ToolCallID)
			if k < 0 {
				return orphan(at, r.Messages[:i])
			}
			open = slices.Delete(open, k, k+1)
		case "assistant":
			if !m.Content.present && m.Refusal == nil && m.ToolCalls == nil && m.FunctionCall == nil && m.Audio == nil {
				return invalid(at+".content", "", "Invalid value for 'content': expected a string, got null.")
			}
			for _, c := range m.ToolCalls {
				if slices.Contains(open, c.ID) {
					return invalid(at+".tool_calls", "", "Duplicate value for 'tool_call_id' of '"+c.ID+"'.")
				}
				open = append(open, c.ID)
			}
		}
	}
	if len(open) > 0 {
		return unanswered(fmt.Sprintf("messages.[%d]", len(r.Messages)), open)
	}
	return nil
}

func unanswered(at string, ids []string) *failure {
	return invalid(at+".role", "", "An assistant message with 'tool_calls' must be followed by tool messages responding "+
		"to each 'tool_call_id'. The following tool_call_ids did not have response messages: "+strings.Join(ids, ", "))
}

// orphan tells a tool message after no call at all from one that answers another call.
func orphan(at string, before []chatMessage) *failure {
	for i := len(before) - 1; i >= 0 && before[i].Role != "user"; i-- {
		if len(before[i].ToolCalls) > 0 {
			return invalid(at+".tool_call_id", "", "Invalid parameter: 'tool_call_id' of the tool message is not found in "+
				"'tool_calls' of the previous message.")
		}
	}
	return invalid(at+".role", "",
		"Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.")
}

// forcedTool is the one tool that tool_choice names, if it does.
func forcedTool(choice json.RawMessage) string {
	if len(bytes.TrimSpace(choice)) == 0 || choice[0] != '{' {
		return ""
	}
	var c struct {
		Function struct {
			Name string `json:"name"`
		} `json:"function"`
		Custom struct {
			Name string `json:"name"`
		} `json:"custom"`
	}
	if json.Unmarshal(choice, &c) != nil {
		return ""
	}
	return c.Function.Name + c.Custom.Name
}
