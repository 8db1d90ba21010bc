package bedrock

import (
	"fmt"
	"slices"
	"strings"
)

// claudeParams are the parameters of a Claude call whose rules depend on each other and on the model, whether they came
// in Claude's own body or in a Converse request with additionalModelRequestFields. Problems are told in Claude's words.
type claudeParams struct {
	thinking               string // enabled, adaptive, disabled or empty
	budget                 *float64
	temperature, topP      *float64
	topK                   bool
	maxTokens              int
	choice, forced, effort string
	serial                 bool
	format                 any // of output_config
	betas                  []string
}

// claudeParameters reads the parameters out of a Claude body or of additionalModelRequestFields.
func claudeParameters(body map[string]any) (p claudeParams, problem string) {
	for _, name := range []string{"thinking", "reasoning_config"} {
		v, there := body[name]
		if !there {
			continue
		}
		t, ok := v.(map[string]any)
		if !ok {
			return p, name + ": Input should be a valid dictionary"
		}
		p.thinking, _ = t["type"].(string)
		if !slices.Contains([]string{"enabled", "adaptive", "disabled"}, p.thinking) {
			return p, name + ": Input tag '" + p.thinking + "' found using 'type' does not match any of the expected tags: 'adaptive', 'disabled', 'enabled'"
		}
		for key := range t {
			if !slices.Contains(thinkingMembers[p.thinking], key) {
				return p, name + "." + p.thinking + "." + key + ": Extra inputs are not permitted"
			}
		}
		if b, there := t["budget_tokens"]; there {
			n, ok := asNumber(b)
			if !ok {
				return p, name + ".enabled.budget_tokens: Input should be a valid integer"
			}
			p.budget = &n
		}
	}
	if v, there := body["top_k"]; there {
		if n, ok := asNumber(v); !ok || n < 0 {
			return p, "top_k: Input should be a valid integer greater than or equal to 0"
		}
		p.topK = true
	}
	if problem = p.readChoice(body["tool_choice"]); problem != "" {
		return p, problem
	}
	if v, there := body["output_config"]; there {
		o, ok := v.(map[string]any)
		if !ok {
			return p, "output_config: Input should be a valid dictionary"
		}
		for key := range o {
			if key != "effort" && key != "format" {
				return p, "output_config." + key + ": Extra inputs are not permitted"
			}
		}
		if e, there := o["effort"]; there {
			if p.effort, ok = e.(string); !ok || !slices.Contains(efforts, p.effort) {
				return p, "output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"
			}
		}
		p.format = o["format"]
	}
	if v, there := body["anthropic_beta"]; there {
		list, ok := v.([]any)
		for _, one := range list {
			s, isText := one.(string)
			ok = ok && isText
			p.betas = append(p.betas, s)
		}
		if !ok {
			return p, "anthropic_beta: Input should be a valid list"
		}
	}
	return p, ""
}

var thinkingMembers = map[string][]string{
	"enabled":  {"type", "budget_tokens", "display"},
	"adaptive": {"type", "display"},
	"disabled": {"type"},
}

func (p *claudeParams) readChoice(v any) (problem string) {
	if v == nil {
		return ""
	}
	c, ok := v.(map[string]any)
	if !ok {
		return "tool_choice: Input should be a valid dictionary"
	}
	p.choice, _ = c["type"].(string)
	allowed := []string{"type", "disable_parallel_tool_use"}
	switch p.choice {
	case "auto", "any":
	case "none":
		allowed = allowed[:1]
	case "tool":
		allowed = append(allowed, "name")
		if p.forced, _ = c["name"].(string); p.forced == "" {
			return "tool_choice.tool.name: Field required"
		}
	default:
		return "tool_choice: Input tag '" + p.choice + "' found using 'type' does not match any of the expected tags: 'auto', 'any', 'tool', 'none'"
	}
	for key := range c {
		if !slices.Contains(allowed, key) {
			return "tool_choice." + p.choice + "." + key + ": Extra inputs are not permitted"
		}
	}
	if s, there := c["disable_parallel_tool_use"]; there {
		if p.serial, ok = s.(bool); !ok {
			return "tool_choice." + p.choice + ".disable_parallel_tool_use: Input should be a valid boolean"
		}
	}
	return ""
}

// merge adds what Converse says in fields of its own.
func (p *claudeParams) merge(q *converseRequest) {
	ic := &q.InferenceConfig
	p.temperature, p.topP = ic.Temperature, ic.TopP
	if ic.MaxTokens != nil {
		p.maxTokens = *ic.MaxTokens
	}
	if q.ToolConfig != nil && q.ToolConfig.ToolChoice != nil && p.choice == "" {
		p.choice, p.forced = q.toolChoice()
	}
}

// thinks reports whether a thinking block was asked for.
func (p *claudeParams) thinks() bool { return p.thinking == "enabled" || p.thinking == "adaptive" }

// check holds the parameters against each other and the model; the problem is empty if all is well.
func (p *claudeParams) check(m *model) (problem string) {
	for _, check := range []func(*model) string{p.checkThinking, p.checkSampling, p.checkOutput, p.checkBetas} {
		if problem = check(m); problem != "" {
			return problem
		}
	}
	forces := p.choice == "any" || p.choice == "tool"
	switch {
	case forces && p.thinks():
		return "Thinking may not be enabled when tool_choice forces tool use."
	case forces && !m.anyTool:
		return "tool_choice: forced tool use is not supported for this model."
	}
	return ""
}

func (p *claudeParams) checkThinking(m *model) string {
	limit := p.maxTokens
	if limit == 0 {
		limit = m.maxTokens
	}
	switch {
	case p.thinking == "":
		return ""
	case m.thinking == noThinking:
		if p.thinking == "disabled" {
			return ""
		}
		return "thinking: Extra inputs are not permitted"
	case p.thinking == "adaptive" && m.thinking == budgetThinking:
		return "adaptive thinking is not supported on this model"
	case p.thinking == "disabled" && m.thinking == alwaysThinking:
		return `"thinking.type.disabled" is not supported for this model.`
	case p.thinking != "enabled":
		return ""
	case m.thinking >= adaptiveThinking:
		return `"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.`
	case p.budget == nil:
		return "thinking.enabled.budget_tokens: Field required"
	case *p.budget < 1024:
		return "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"
	case *p.budget >= float64(limit) && !slices.Contains(p.betas, "interleaved-thinking-2025-05-14"):
		return "`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"
	}
	return ""
}

func (p *claudeParams) checkSampling(m *model) string {
	if m.fixedSampling {
		const refusal = "`%s` is deprecated for this model."
		switch {
		case p.temperature != nil:
			return fmt.Sprintf(refusal, "temperature")
		case p.topP != nil:
			return fmt.Sprintf(refusal, "top_p")
		case p.topK:
			return fmt.Sprintf(refusal, "top_k")
		}
	}
	if m.oneOfSampling && p.temperature != nil && p.topP != nil {
		return "`temperature` and `top_p` cannot both be specified for this model. Please use only one."
	}
	if !p.thinks() {
		return ""
	}
	const more = " Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#important-considerations-when-using-extended-thinking"
	switch {
	case p.temperature != nil && *p.temperature != 1:
		return "`temperature` may only be set to 1 when thinking is enabled." + more
	case p.topP != nil && *p.topP < 0.95:
		return "`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled." + more
	case p.topK:
		return "`top_k` must be unset when thinking is enabled." + more
	}
	return ""
}

func (p *claudeParams) checkOutput(m *model) string {
	if p.effort != "" && !m.effort() {
		return "This model does not support the effort parameter."
	}
	if p.format == nil {
		return ""
	}
	f, _ := p.format.(map[string]any)
	switch {
	case !m.structured:
		return "output_config.format: Extra inputs are not permitted"
	case f["type"] != "json_schema" || f["schema"] == nil:
		return "output_config.format: type json_schema and a schema are required"
	}
	if refused := checkClosed(f["schema"], "output_config.format.schema"); refused != nil {
		return strings.TrimPrefix(refused.message, "The model returned the following errors: ")
	}
	return ""
}

// betas are the flags Bedrock takes, by live probes of August 2026 (envoyproxy/ai-gateway issue 2512) and AWS's page.
var betas = []string{
	"computer-use-2024-10-22", "computer-use-2025-01-24", computerUse, "context-1m-2025-08-07", "context-management-2025-06-27",
	"dev-full-thinking-2025-05-14", "effort-2025-11-24", "fine-grained-tool-streaming-2025-05-14",
	"interleaved-thinking-2025-05-14", "mcp-client-2025-04-04", "mcp-client-2025-11-20", "output-128k-2025-02-19",
	"search-results-2025-06-09", "token-counting-2024-11-01", "token-efficient-tools-2025-02-19",
	"tool-examples-2025-10-29", "tool-search-tool-2025-10-19", "web-search-2025-03-05",
}

// computerUse brings the computer tool of Opus from 4.5 on and of the other families from 4.6 on.
const computerUse = "computer-use-2025-11-24"

// checkBetas: Opus 4.7 takes interleaved thinking and the computer tool and nothing else, Opus 4.6 takes claude-code's own
// flag besides.
func (p *claudeParams) checkBetas(m *model) string {
	for _, b := range p.betas {
		ok := slices.Contains(betas, b)
		switch {
		case strings.Contains(m.id, "opus-4-7"):
			ok = b == "interleaved-thinking-2025-05-14" || b == computerUse
		case strings.Contains(m.id, "opus-4-6"):
			ok = ok || b == "claude-code-20250219"
		case b == computerUse:
			ok = m.thinking >= eitherThinking || strings.Contains(m.id, "opus-4-5")
		}
		if !ok {
			return "invalid beta flag"
		}
	}
	return ""
}
