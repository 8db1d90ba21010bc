package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// checkModel holds everything of a Converse request that depends on the model but the tools and media.
func (q *converseRequest) checkModel(m *model, stream bool) *apiError {
	ic := &q.InferenceConfig
	switch {
	case m.other, m.apis&(noConverse|invokeOnly) != 0:
		return invalid("This action doesn't support the model that you provided. Try again with a supported text or chat model.")
	case stream && !m.streaming:
		return invalid("This model doesn't support streaming.")
	case len(q.System) > 0 && !m.system:
		return invalid("This model doesn't support the system field. Remove system and try again.")
	case ic.MaxTokens != nil && *ic.MaxTokens > m.maxTokens:
		return invalid("The maximum tokens you requested exceeds the model limit of %d. Try again with a maximum tokens value that is lower than %[1]d.", m.maxTokens)
	case m.noStop && len(ic.StopSequences) > 0:
		return invalid("This model doesn't support the stopSequences field. Remove stopSequences and try again.")
	case q.PerformanceConfig != nil && q.PerformanceConfig.Latency == "optimized" && !m.optimized:
		return invalid("Latency performance configuration is not supported for %s.", m.id)
	case q.OutputConfig != nil && q.OutputConfig.TextFormat != nil && !m.structured:
		return invalid("This model doesn't support the outputConfig.textFormat field. Remove outputConfig.textFormat and try again.")
	}
	for i, path := range q.AdditionalModelResponseFieldPaths {
		if !strings.HasPrefix(path, "/") {
			return invalid("The value at additionalModelResponseFieldPaths.%d is not a JSON pointer: %s", i, path)
		}
	}
	if m.family == "claude" {
		for i, s := range ic.StopSequences {
			if strings.TrimSpace(s) == "" {
				return modelError("stop_sequences.%d: each stop sequence must contain non-whitespace", i)
			}
		}
	}
	for i, msg := range q.Messages {
		if msg.Role == "system" && (m.family != "claude" || m.thinking < adaptiveThinking) {
			return invalid("This model doesn't support messages of role system at messages.%d.", i)
		}
	}
	if q.OutputConfig != nil {
		return checkOutput(q, m)
	}
	return nil
}

// efforts are the values of outputConfig.effort and Claude's output_config.effort.
var efforts = []string{"low", "medium", "high", "xhigh", "max"}

func checkOutput(q *converseRequest, m *model) *apiError {
	if e := q.OutputConfig.Effort; e != "" {
		switch {
		case !slices.Contains(efforts, e):
			return invalid("The outputConfig.effort field must be one of: %s.", strings.Join(efforts, ", "))
		case !m.effort():
			return invalid("This model doesn't support the outputConfig.effort field. Remove outputConfig.effort and try again.")
		}
	}
	if f := q.OutputConfig.TextFormat; f != nil {
		var schema any
		if json.Unmarshal([]byte(f.Structure.JSONSchema.Schema), &schema) != nil {
			return invalid("The outputConfig.textFormat.structure.jsonSchema.schema field is not a JSON schema.")
		}
		return checkClosed(schema, "output_config.format.schema")
	}
	return nil
}

// effort reports whether the model takes an effort: Claude since Opus 4.5, gpt-oss, Nova 2.
func (m *model) effort() bool {
	return m.thinking >= eitherThinking || m.family == "gpt-oss" || m.family == "nova2" || strings.Contains(m.id, "opus-4-5")
}

// checkClosed refuses a schema of structured output unless each object in it is closed.
func checkClosed(v any, at string) *apiError {
	switch s := v.(type) {
	case map[string]any:
		_, hasProperties := s["properties"].(map[string]any)
		if (s["type"] == "object" || hasProperties) && s["additionalProperties"] != false {
			return modelError("%s: For 'object' type, 'additionalProperties' must be explicitly set to false", at)
		}
		for name, sub := range s {
			if name == "enum" || name == "const" || name == "default" || name == "examples" {
				continue
			}
			if refused := checkClosed(sub, at+"."+name); refused != nil {
				return refused
			}
		}
	case []any:
		for _, sub := range s {
			if refused := checkClosed(sub, at); refused != nil {
				return refused
			}
		}
	}
	return nil
}

// checkPrefill holds a trailing assistant message against the model.
func (q *converseRequest) checkPrefill(m *model) *apiError {
	last := &q.Messages[len(q.Messages)-1]
	if last.Role != "assistant" {
		return nil
	}
	if !m.prefill {
		return modelError("This model does not support assistant message prefill. The conversation must end with a user message.")
	}
	end := &last.Content[len(last.Content)-1]
	if m.family == "claude" && end.ReasoningContent != nil {
		return modelError("messages.%d: The final block in an assistant message cannot be `thinking`.", len(q.Messages)-1)
	}
	if m.family == "claude" && end.Text != nil && strings.TrimRight(*end.Text, " \t\r\n") != *end.Text {
		return modelError("messages: final assistant content cannot end with trailing whitespace")
	}
	return nil
}

// extraFields are the members of additionalModelRequestFields each family takes; a family that is not here is not
// looked at.
var extraFields = map[string][]string{
	"claude": {"anthropic_beta", "container", "context_management", "metadata", "output_config", "reasoning_config", "thinking", "tool_choice", "tools", "top_k"},
	"nova":   {"inferenceConfig"},
	"nova2":  {"inferenceConfig", "reasoningConfig"},
	"titan":  {"textGenerationConfig"},
	"gpt-oss": {
		"frequency_penalty", "logit_bias", "logprobs", "n", "parallel_tool_calls", "presence_penalty", "reasoning_effort", "response_format",
		"seed", "top_logprobs", "user",
	},
	"gpt":   {"reasoning_effort", "parallel_tool_calls", "prompt_cache_key", "safety_identifier", "verbosity"},
	"grok":  {"reasoning_effort", "parallel_tool_calls"},
	"llama": {"max_gen_len", "temperature", "top_p"}, "mistral": {"safe_prompt", "top_k"},
}

// checkExtra holds additionalModelRequestFields against the family.
func (q *converseRequest) checkExtra(m *model) *apiError {
	extra, ok := q.AdditionalModelRequestFields.(map[string]any)
	if !ok && q.AdditionalModelRequestFields != nil {
		return invalid("The additionalModelRequestFields field must be a JSON object.")
	}
	allowed, known := extraFields[m.family]
	for name := range extra {
		if known && !slices.Contains(allowed, name) {
			return malformed("#", "extraneous key ["+name+"] is not permitted")
		}
	}
	switch m.family {
	case "claude":
		return q.checkClaudeExtra(m, extra)
	case "nova2":
		return checkNovaReasoning(extra["reasoningConfig"])
	case "gpt", "grok":
		if e, there := extra["reasoning_effort"]; there && !slices.Contains(m.efforts, fmt.Sprint(e)) {
			return modelError("reasoning_effort: must be one of %s", strings.Join(m.efforts, ", "))
		}
	case "gpt-oss":
		if e, there := extra["reasoning_effort"]; there && !slices.Contains([]any{"low", "medium", "high"}, e) {
			return modelError("reasoning_effort: must be one of low, medium, high")
		}
	case "deepseek":
		if c, there := extra["reasoning_config"]; there {
			if _, isText := c.(string); !isText {
				return malformed("#/reasoning_config", "expected type: String, found: "+jsonType(c))
			}
		}
	}
	return nil
}

func checkNovaReasoning(v any) *apiError {
	if v == nil {
		return nil
	}
	c, _ := v.(map[string]any)
	switch c["type"] {
	case "disabled":
		return nil
	case "enabled":
		if slices.Contains([]any{"low", "medium", "high"}, c["maxReasoningEffort"]) {
			return nil
		}
	}
	return malformed("#/reasoningConfig", "type must be enabled, with maxReasoningEffort low, medium or high, or disabled")
}

// checkClaudeExtra turns the request's parameters into Claude's own and holds them against Claude's rules, and the
// history's reasoning against what this server has signed.
func (q *converseRequest) checkClaudeExtra(m *model, extra map[string]any) *apiError {
	p, problem := claudeParameters(extra)
	if problem != "" {
		return modelError("%s", problem)
	}
	p.merge(q)
	if problem = p.check(m); problem != "" {
		return modelError("%s", problem)
	}
	if v, there := extra["tools"]; there {
		list, ok := v.([]any)
		if !ok {
			return modelError("tools: Input should be a valid list")
		}
		if problem = claudeToolsProblem(list, p.betas); problem != "" {
			return modelError("%s", problem)
		}
	}
	if p.choice != "" && q.ToolConfig == nil && extra["tools"] == nil {
		return modelError("tool_choice may only be specified while providing tools.")
	}
	return nil
}

// checkReasoning holds reasoning blocks of the history against what this server has signed, and, where thinking has a
// budget, wants the last turn with tool calls to begin with them.
func (q *converseRequest) checkReasoning(m *model, thinks bool) *apiError {
	if m.family != "claude" {
		return nil
	}
	for i, msg := range q.Messages {
		for j, b := range msg.Content {
			r := b.ReasoningContent
			switch {
			case r == nil:
			case r.ReasoningText != nil && !signed(r.ReasoningText.Text, r.ReasoningText.Signature):
				return modelError("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j)
			case r.ReasoningText == nil && !redactedHere(r.RedactedContent):
				return modelError("messages.%d.content.%d: Invalid `data` in `redacted_thinking` block", i, j)
			}
		}
	}
	n := len(q.Messages)
	if !thinks || n < 2 || q.Messages[n-1].Role != "user" {
		return nil
	}
	before := &q.Messages[n-2]
	if first := &before.Content[0]; before.Role == "assistant" && first.ReasoningContent == nil && callsTools(before) {
		return modelError("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).", n-2, claudeNames[first.kind()])
	}
	return nil
}

// claudeNames are Claude's names of the blocks an assistant turn can begin with.
var claudeNames = map[string]string{"text": "text", "toolUse": "tool_use", "citationsContent": "text"}

func callsTools(m *message) bool {
	for i := range m.Content {
		if m.Content[i].ToolUse != nil {
			return true
		}
	}
	return false
}

func jsonType(v any) string {
	switch v.(type) {
	case map[string]any:
		return "JSONObject"
	case []any:
		return "JSONArray"
	case string:
		return "String"
	case bool:
		return "Boolean"
	case nil:
		return "Null"
	}
	return "Number"
}

// redactedHere reports whether data is a redacted reasoning block of this server.
func redactedHere(data []byte) bool {
	sum, ok := strings.CutPrefix(string(data), redactedPrefix)
	_, err := base64.StdEncoding.DecodeString(sum)
	return ok && err == nil
}
