package openai

import (
	"fmt"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// dump writes a request as lines that a person can compare.
func dump(r *chat.Request) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	if r.Model != "" {
		line("model %s", r.Model)
	}
	if len(r.System) > 0 {
		line("system %s", dumpBlocks(r.System))
	}
	for _, m := range r.Messages {
		name := ""
		if m.Name != "" {
			name = "(" + m.Name + ")"
		}
		line("%s%s %s", m.Role, name, dumpBlocks(m.Content))
	}
	for _, t := range r.Tools {
		line("tool %s %s %s%s%s", t.Name, t.Description, t.Schema, dumpCache(t.Cache), t.Raw)
		if t.Strict != nil {
			line("  strict %v", *t.Strict)
		}
	}
	if c := r.ToolChoice; c.Kind != chat.ToolsUnset {
		line("choice %d %s %q", c.Kind, c.Name, c.Allowed)
	}
	if r.ParallelToolCalls != nil {
		line("parallel %v", *r.ParallelToolCalls)
	}
	for _, v := range []struct {
		name  string
		value chat.Value
	}{{"temperature", r.Temperature}, {"top_p", r.TopP}, {"top_k", r.TopK}, {"seed", r.Seed}, {"frequency", r.FrequencyPenalty}, {"presence", r.PresencePenalty}, {"guardrail", r.Guardrail}, {"user", chat.Value(r.User)}} {
		if v.value != nil {
			line("%s %s", v.name, v.value)
		}
	}
	if r.MaxTokens != 0 {
		line("max %d", r.MaxTokens)
	}
	if r.N != 0 {
		line("n %d", r.N)
	}
	if r.Stop != nil {
		line("stop %q", r.Stop)
	}
	if f := r.Format; f != nil {
		line("format %s %s %s", f.Name, f.Schema, f.Description)
	}
	if p := r.Reasoning; p.Effort != "" || p.Thinking != chat.ThinkingUnset {
		line("reasoning %s %d %d %s", p.Effort, p.Thinking, p.Budget, p.Display)
	}
	if r.Stream {
		line("stream usage=%v", r.IncludeUsage)
	}
	if r.ServiceTier != "" {
		line("tier %s", r.ServiceTier)
	}
	if r.Metadata != nil {
		line("metadata %v", r.Metadata)
	}
	if r.FileIDs != nil {
		line("files %v", r.FileIDs)
	}
	for _, m := range r.Extra {
		line("extra %s=%s", m.Key, m.Value)
	}
	return b.String()
}

func dumpCache(c chat.Cache) string {
	if c == chat.NoCache {
		return ""
	}
	return " cache(" + c.TTL() + ")"
}

func dumpBlocks(blocks []chat.Block) string {
	parts := make([]string, 0, len(blocks))
	for _, b := range blocks {
		s := b.Kind.String()
		switch b.Kind {
		case chat.ToolUse:
			s += fmt.Sprintf(" %s %s %s", b.Tool.ID, b.Tool.Name, b.Tool.Input)
		case chat.ToolResult:
			s += fmt.Sprintf(" %s [%s]", b.Tool.ID, dumpBlocks(b.Tool.Content))
		case chat.RedactedThinking:
			s += " " + string(b.Data())
		default:
			s += " " + string(b.Text)
		}
		if b.Signature() != nil {
			s += " signed " + string(b.Signature())
		}
		if m := b.Media; m != nil {
			s += fmt.Sprintf("%s|%s|%s|%s%s%s|%s", m.Type, m.Name, m.Data, m.URL, m.FileID, m.S3, m.Detail)
		}
		parts = append(parts, s+dumpCache(b.Cache))
	}
	return strings.Join(parts, ", ")
}
