package bedrock

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// problem holds a Claude body against the rules of a conversation; empty: nothing is wrong.
func (q *claudeRequest) problem(m *model, p *claudeParams) string {
	if q.MaxTokens > m.maxTokens {
		return fmt.Sprintf("max_tokens: %d > %d, which is the maximum allowed number of output tokens for %s", q.MaxTokens, m.maxTokens, claudeModel(m))
	}
	for i, s := range q.StopSequences {
		if strings.TrimSpace(s) == "" {
			return fmt.Sprintf("stop_sequences.%d: each stop sequence must contain non-whitespace", i)
		}
	}
	if len(q.Messages) == 0 {
		return "messages: at least one message is required"
	}
	if problem := q.checkSystemTurns(m); problem != "" {
		return problem
	}
	if q.Messages[0].Role != "user" {
		return `messages: first message must use the "user" role`
	}
	for _, check := range []func() string{
		q.checkTexts, func() string { return q.checkMarks(m) }, func() string { return q.checkSources(m) },
		q.checkPairs, func() string { return q.checkThoughts(p) },
	} {
		if problem := check(); problem != "" {
			return problem
		}
	}
	last := q.Messages[len(q.Messages)-1]
	if last.Role == "assistant" {
		if !m.prefill {
			return "This model does not support assistant message prefill. The conversation must end with a user message."
		}
		if n := len(last.Content); n > 0 && strings.HasSuffix(last.Content[n-1].Type, "thinking") {
			return fmt.Sprintf("messages.%d: The final block in an assistant message cannot be `thinking`.", len(q.Messages)-1)
		}
		if n := len(last.Content); n > 0 && last.Content[n-1].Type == "text" && strings.TrimRight(last.Content[n-1].Text, " \t\r\n") != last.Content[n-1].Text {
			return "messages: final assistant content cannot end with trailing whitespace"
		}
	}
	return q.checkChoice(p)
}

// checkSystemTurns holds messages of role system against where and to whom they may be said:
// https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-mid-conversation-system.html.
func (q *claudeRequest) checkSystemTurns(m *model) string {
	for i, msg := range q.Messages {
		switch {
		case msg.Role != "system":
			continue
		case !m.systemTurns:
			return "messages: Unexpected role \"system\". The Messages API accepts a top-level `system` parameter, not \"system\" as an input message role."
		case i == 0:
			return "messages.0: use the top-level 'system' parameter for the initial system prompt"
		case q.Messages[i-1].Role != "user":
			return fmt.Sprintf("messages.%d: role 'system' must follow a 'user' message", i)
		case i+1 < len(q.Messages) && q.Messages[i+1].Role != "assistant":
			return fmt.Sprintf("messages.%d: role 'system' must precede an 'assistant' message or end the array", i)
		}
		for _, b := range msg.Content {
			if b.Type != "text" {
				return fmt.Sprintf("messages.%d: role 'system' takes text blocks only", i)
			}
		}
	}
	return ""
}

func (q *claudeRequest) checkChoice(p *claudeParams) string {
	if p.choice == "" {
		return ""
	}
	if len(q.Tools) == 0 {
		return "tool_choice may only be specified while providing tools."
	}
	if p.choice != "tool" {
		return ""
	}
	for _, t := range q.Tools {
		if t.Name == p.forced {
			return ""
		}
	}
	return "Tool '" + p.forced + "' not found in provided tools"
}

func (q *claudeRequest) checkTexts() string {
	for i := range q.System {
		if len(q.System) > 1 || q.System[i].CacheControl != nil {
			if q.System[i].Text == "" {
				return "system: text content blocks must be non-empty"
			}
		}
	}
	for i, m := range q.Messages {
		if len(m.Content) == 0 || len(m.Content) == 1 && m.Content[0].Type == "text" && m.Content[0].Text == "" {
			if i == len(q.Messages)-1 && m.Role == "assistant" {
				continue
			}
			return fmt.Sprintf("messages.%d: all messages must have non-empty content except for the optional final assistant message", i)
		}
		for _, b := range m.Content {
			if b.Type != "text" {
				continue
			}
			if b.Text == "" {
				return "messages: text content blocks must be non-empty"
			}
			if strings.TrimSpace(b.Text) == "" {
				return "messages: text content blocks must contain non-whitespace text"
			}
		}
	}
	return ""
}

// checkMarks counts the cache controls.
func (q *claudeRequest) checkMarks(m *model) string {
	var marks []*cacheMark
	note := func(c *cacheMark) {
		if c != nil {
			marks = append(marks, c)
		}
	}
	for _, t := range q.Tools {
		note(t.CacheControl)
	}
	for _, b := range q.System {
		note(b.CacheControl)
	}
	for _, msg := range q.Messages {
		for _, b := range msg.Content {
			note(b.CacheControl)
			for _, c := range b.Content {
				note(c.CacheControl)
			}
		}
	}
	if len(marks) > maxCachePoints {
		return fmt.Sprintf("A maximum of 4 blocks with cache_control may be provided. Found %d.", len(marks))
	}
	for _, c := range marks {
		switch {
		case !m.cache:
			return "This model does not support prompt caching."
		case c.TTL == "1h" && !m.cacheHour:
			return "This model does not support the cache_control ttl 1h."
		}
	}
	return ""
}

// checkSources holds images and documents against what they say they are.
func (q *claudeRequest) checkSources(m *model) string {
	for i, msg := range q.Messages {
		for j := range msg.Content {
			at := fmt.Sprintf("messages.%d.content.%d", i, j)
			blocks := append([]claudeBlock{msg.Content[j]}, msg.Content[j].Content...)
			for k := range blocks {
				if problem := blocks[k].sourceProblem(m, at); problem != "" {
					return problem
				}
			}
		}
	}
	return ""
}

func (b *claudeBlock) sourceProblem(m *model, at string) string {
	if b.Type != "image" && b.Type != "document" {
		return ""
	}
	if b.Type == "image" && !m.images {
		return at + ": this model does not support image input"
	}
	if b.Source.Type != "base64" {
		return ""
	}
	data, err := base64.StdEncoding.DecodeString(b.Source.Data)
	if err != nil {
		return at + "." + b.Type + ".source.base64: invalid base64 data"
	}
	if b.Type == "document" {
		if !strings.HasPrefix(string(data), "%PDF-") {
			return at + ".document.source.base64.data: The PDF specified was not valid."
		}
		return ""
	}
	switch is := sniffImage(data); {
	case is == "":
		return at + ".image.source.base64.data: Could not process image"
	case "image/"+is != b.Source.MediaType:
		return fmt.Sprintf("%s.image.source.base64.data: Image does not match the provided media type %s", at, b.Source.MediaType)
	}
	return ""
}

// checkPairs holds tool_use and tool_result blocks against each other.
func (q *claudeRequest) checkPairs() string {
	var pending []string
	ids, used := map[string]bool{}, false
	for i, m := range q.Messages {
		var uses, results []string
		found := map[string]bool{}
		for j, b := range m.Content {
			at := fmt.Sprintf("messages.%d.content.%d", i, j)
			switch b.Type {
			case "tool_use":
				if ids[b.ID] {
					return at + ": `tool_use` ids must be unique"
				}
				ids[b.ID] = true
				uses = append(uses, b.ID)
			case "tool_result":
				switch {
				case found[b.ToolUseID]:
					return fmt.Sprintf("%s: each tool_use must have a single result. Found multiple `tool_result` blocks with id: %s", at, b.ToolUseID)
				case !contains(pending, b.ToolUseID):
					return fmt.Sprintf("%s: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", at, b.ToolUseID)
				case j > 0 && m.Content[j-1].Type != "tool_result":
					return missingResults(i-1, pending)
				}
				found[b.ToolUseID] = true
				results = append(results, b.ToolUseID)
			}
		}
		used = used || len(uses)+len(results) > 0
		if missing := without(pending, found); len(missing) > 0 {
			return missingResults(i-1, missing)
		}
		pending = uses
	}
	switch {
	case len(pending) > 0:
		return missingResults(len(q.Messages)-1, pending)
	case used && len(q.Tools) == 0:
		return "Requests which include `tool_use` or `tool_result` blocks must define tools"
	}
	return ""
}

func missingResults(i int, ids []string) string {
	return fmt.Sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i, strings.Join(ids, ", "))
}

func contains(list []string, one string) bool { return len(without([]string{one}, set(list))) == 0 }

func set(list []string) map[string]bool {
	m := map[string]bool{}
	for _, s := range list {
		m[s] = true
	}
	return m
}

func without(list []string, gone map[string]bool) []string {
	var left []string
	for _, s := range list {
		if !gone[s] {
			left = append(left, s)
		}
	}
	return left
}

// checkThoughts holds thinking blocks of the history against what this package signed.
func (q *claudeRequest) checkThoughts(p *claudeParams) string {
	for i, m := range q.Messages {
		for j, b := range m.Content {
			data, _ := base64.StdEncoding.DecodeString(b.Data)
			switch {
			case b.Type == "thinking" && !signed(b.Thinking, b.Signature):
				return fmt.Sprintf("messages.%d.content.%d: Invalid `signature` in `thinking` block", i, j)
			case b.Type == "redacted_thinking" && !redactedHere(data):
				return fmt.Sprintf("messages.%d.content.%d: Invalid `data` in `redacted_thinking` block", i, j)
			}
		}
	}
	n := len(q.Messages)
	if n > 0 && q.Messages[n-1].Role == "system" {
		n--
	}
	if p.thinking != "enabled" || n < 2 || q.Messages[n-2].Role != "assistant" || len(q.Messages[n-2].Content) == 0 {
		return ""
	}
	before := q.Messages[n-2].Content
	calls := false
	for _, b := range before {
		calls = calls || b.Type == "tool_use"
	}
	if first := before[0].Type; calls && first != "thinking" && first != "redacted_thinking" {
		return fmt.Sprintf("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks).", n-2, first)
	}
	return ""
}

// claudeModel is the model's name as Anthropic has it: claude-sonnet-4-5-20250929.
func claudeModel(m *model) string {
	name := strings.TrimPrefix(m.id, "anthropic.")
	if i := strings.LastIndex(name, "-v"); i > 0 {
		name = name[:i]
	}
	return name
}

// prefix counts the whole prompt and its cache points.
func (q *claudeRequest) prefix(m *model) *prefix {
	p := newPrefix(m.id)
	for _, t := range q.Tools {
		p.text("tool", t.Name+" "+t.Description+" "+compact(t.InputSchema))
		p.point(t.CacheControl)
	}
	for i := range q.System {
		p.claude("system", &q.System[i])
	}
	for _, msg := range q.Messages {
		p.add("role", msg.Role, 3)
		for i := range msg.Content {
			p.claude(msg.Role, &msg.Content[i])
		}
	}
	return p
}

func (p *prefix) claude(role string, b *claudeBlock) {
	switch b.Type {
	case "text":
		p.text(role, b.Text)
	case "thinking":
		p.text("reasoning", b.Thinking)
	case "tool_use":
		p.text("toolUse", b.ID+" "+b.Name+" "+compact(b.Input))
	case "tool_result":
		p.text("toolResult", b.ToolUseID)
		for i := range b.Content {
			p.claude("result", &b.Content[i])
		}
	case "image", "document":
		p.add(b.Type, string(b.bytes()), blobTokens(len(b.bytes())))
	case "search_result":
		p.text("search", b.Title)
		for i := range b.Content {
			p.claude("search", &b.Content[i])
		}
	}
	p.point(b.CacheControl)
}
