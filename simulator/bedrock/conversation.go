package bedrock

import (
	"fmt"
	"strings"
)

// A conversation's rules, in the order and with the words of the real service:
// https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html.

// checkConversation holds the messages and the system prompt against the rules that are the same for every model.
func (q *converseRequest) checkConversation() *apiError {
	if len(q.Messages) == 0 {
		return invalid("A conversation must have at least one message. Add a message and try again.")
	}
	for i := range q.System {
		b := &q.System[i]
		if b.Text != nil && strings.TrimSpace(*b.Text) == "" {
			return invalid("The text field in the SystemContentBlock object at system.%d is blank. Add text to the text field, and try again.", i)
		}
	}
	last := ""
	for i := range q.Messages {
		m := &q.Messages[i]
		if len(m.Content) == 0 {
			return invalid("The content field in the Message object at messages.%d is empty. Add a ContentBlock object to the content field and try again.", i)
		}
		if m.Role == "system" {
			continue
		}
		switch {
		case last == "" && m.Role != "user":
			return invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
		case last == m.Role:
			return invalid("A conversation must alternate between user and assistant roles. Make sure the conversation alternates between user and assistant roles and try again.")
		}
		last = m.Role
	}
	if last == "" {
		return invalid("A conversation must start with a user message. Try again with a conversation that starts with a user message.")
	}
	for i := range q.Messages {
		if refused := q.Messages[i].checkBlocks(i); refused != nil {
			return refused
		}
	}
	return q.checkPairs()
}

// checkBlocks holds each block against its role and its own rules.
func (m *message) checkBlocks(i int) *apiError {
	for j := range m.Content {
		b, at := &m.Content[j], fmt.Sprintf("messages.%d.content.%d", i, j)
		if b.Text != nil && strings.TrimSpace(*b.Text) == "" {
			return invalid("The text field in the ContentBlock object at %s is blank. Add text to the text field, and try again.", at)
		}
		kind := b.kind()
		if b.ranHere() {
			kind = "toolUse" // stands in the model's turn, as its call does
		}
		if roles, bound := blockRoles[kind]; bound && !strings.Contains(roles, m.Role) {
			return invalid("The %s block at %s is not permitted in a message of role %s.", kind, at, m.Role)
		}
		if b.ToolUse != nil && !isObject(b.ToolUse.Input) {
			return invalid("The format of the value at %s.toolUse.input is invalid. Provide a json object for the field and try again.", at)
		}
		if b.ToolResult != nil {
			for k := range b.ToolResult.Content {
				c := &b.ToolResult.Content[k]
				if c.Text != nil && strings.TrimSpace(*c.Text) == "" {
					return invalid("The text field in the ToolResultContentBlock object at %s.toolResult.content.%d is blank. Add text to the text field, and try again.", at, k)
				}
				if c.JSON != nil && !isObject(c.JSON) {
					return invalid("The format of the value at %s.toolResult.content.%d.json is invalid. Provide a json object for the field and try again.", at, k)
				}
			}
		}
	}
	return nil
}

// blockRoles are the roles of the blocks that are not for every role.
var blockRoles = map[string]string{
	"image": "user", "document": "user", "video": "user", "audio": "user", "toolResult": "user", "searchResult": "user",
	"toolUse": "assistant", "reasoningContent": "assistant", "citationsContent": "assistant",
	"toolAddition": "system", "toolRemoval": "system",
}

// kind is the name of the one member that is set.
func (b *block) kind() string {
	switch {
	case b.Text != nil:
		return "text"
	case b.Image != nil:
		return "image"
	case b.Video != nil:
		return "video"
	case b.Audio != nil:
		return "audio"
	case b.Document != nil:
		return "document"
	case b.ToolUse != nil:
		return "toolUse"
	case b.ToolResult != nil:
		return "toolResult"
	case b.GuardContent != nil:
		return "guardContent"
	case b.CachePoint != nil:
		return "cachePoint"
	case b.ReasoningContent != nil:
		return "reasoningContent"
	case b.CitationsContent != nil:
		return "citationsContent"
	case b.SearchResult != nil:
		return "searchResult"
	case b.ToolAddition != nil:
		return "toolAddition"
	case b.ToolRemoval != nil:
		return "toolRemoval"
	}
	return "json"
}

// ranHere reports whether the block is a call, or a result, of a tool that Bedrock ran.
func (b *block) ranHere() bool {
	return b.ToolUse != nil && b.ToolUse.Type != "" || b.ToolResult != nil && b.ToolResult.Type != ""
}

// checkPairs holds toolUse and toolResult blocks against each other: the turn after calls answers each of them, and
// nothing else is answered.
func (q *converseRequest) checkPairs() *apiError {
	var pending []string
	used := false
	for i := range q.Messages {
		m := &q.Messages[i]
		if m.Role == "system" {
			continue
		}
		var uses, results []string
		seen := map[string]bool{}
		ran := map[string]bool{}
		for j := range m.Content {
			b := &m.Content[j]
			if b.ranHere() && b.ToolUse != nil {
				ran[b.ToolUse.ToolUseID] = true
			}
			if b.ranHere() {
				if r := b.ToolResult; r != nil && !ran[r.ToolUseID] {
					return invalid("The toolResult block at messages.%d.content.%d answers no server_tool_use block before it.", i, j)
				}
				used = true
				continue
			}
			if u := m.Content[j].ToolUse; u != nil {
				if seen[u.ToolUseID] {
					return invalid("The toolUse block at messages.%d.content.%d has a duplicate toolUseId: %s. Provide a unique id and try again.", i, j, u.ToolUseID)
				}
				seen[u.ToolUseID] = true
				uses = append(uses, u.ToolUseID)
			}
			if r := m.Content[j].ToolResult; r != nil {
				if seen[r.ToolUseID] {
					return invalid("messages.%d.content: each toolUse block must have a single result. Found multiple `toolResult` blocks with id: %s", i, r.ToolUseID)
				}
				seen[r.ToolUseID] = true
				results = append(results, r.ToolUseID)
			}
		}
		used = used || len(uses)+len(results) > 0
		if refused := pair(i, pending, results); refused != nil {
			return refused
		}
		pending = uses
	}
	if len(pending) > 0 {
		return invalid("Expected toolResult blocks at messages.%d.content for the following Ids: %s", len(q.Messages), strings.Join(pending, ", "))
	}
	if used && q.ToolConfig == nil {
		return invalid("The toolConfig field must be defined when using toolUse and toolResult content blocks.")
	}
	return nil
}

// pair holds the results of turn i against the calls of the turn before.
func pair(i int, uses, results []string) *apiError {
	if len(results) > len(uses) {
		return invalid("The number of toolResult blocks at messages.%d.content exceeds the number of toolUse blocks of previous turn.", i)
	}
	answered := map[string]bool{}
	for _, id := range results {
		answered[id] = true
	}
	var missing []string
	for _, id := range uses {
		if !answered[id] {
			missing = append(missing, id)
		}
	}
	if len(missing) > 0 {
		message := fmt.Sprintf("Expected toolResult blocks at messages.%d.content for the following Ids: %s", i, strings.Join(missing, ", "))
		if len(results) > 0 {
			message += ", but found: " + strings.Join(results, ", ")
		}
		return invalid("%s", message)
	}
	return nil
}
