package bedrock

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// What blocks say, and how many tokens they count.

// plainText is the text of a block that is text.
func (b *block) plainText() string {
	switch {
	case b.Text != nil:
		return *b.Text
	case b.GuardContent != nil && b.GuardContent.Text != nil:
		return b.GuardContent.Text.Text
	}
	return ""
}

// describe names a block that is not text: "image png, 68 bytes".
func (b *block) describe() string {
	switch {
	case b.Image != nil:
		return "image " + b.Image.Format + ", " + b.Image.Source.describe()
	case b.Video != nil:
		return "video " + b.Video.Format + ", " + b.Video.Source.describe()
	case b.Audio != nil:
		return "audio " + b.Audio.Format + ", " + b.Audio.Source.describe()
	case b.Document != nil:
		return fmt.Sprintf("document %q %s, %s", b.Document.Name, b.Document.Format, b.Document.Source.describe())
	case b.SearchResult != nil:
		return fmt.Sprintf("search result %q", b.SearchResult.Title)
	}
	return ""
}

func (s *source) describe() string {
	if s.S3Location != nil {
		return s.S3Location.URI
	}
	return fmt.Sprintf("%d bytes", s.size())
}

// size is the length of the content in bytes; what lies in S3 counts as nothing.
func (s *source) size() int {
	n := len(s.Bytes)
	if s.Text != nil {
		n += len(*s.Text)
	}
	for _, c := range s.Content {
		n += len(c.Text)
	}
	return n
}

// said is a tool's result as one text.
func (r *toolResult) said() string {
	var parts []string
	for i := range r.Content {
		c := &r.Content[i]
		switch {
		case c.Text != nil:
			parts = append(parts, *c.Text)
		case c.JSON != nil:
			parts = append(parts, compact(c.JSON))
		default:
			parts = append(parts, "["+c.describe()+"]")
		}
	}
	text := strings.Join(parts, " ")
	if r.Status == "error" {
		return "error: " + text
	}
	return text
}

// prefix counts the whole prompt and its cache points.
func (q *converseRequest) prefix(m *model) *prefix {
	p := newPrefix(m.id)
	if q.ToolConfig != nil {
		for _, t := range q.ToolConfig.Tools {
			if t.ToolSpec != nil {
				p.text("tool", t.ToolSpec.Name+" "+t.ToolSpec.Description+" "+compact(t.ToolSpec.InputSchema.JSON))
			}
			p.point(t.CachePoint)
		}
	}
	for i := range q.System {
		p.block("system", &q.System[i])
	}
	for i := range q.Messages {
		p.add("role", q.Messages[i].Role, 3)
		for j := range q.Messages[i].Content {
			p.block(q.Messages[i].Role, &q.Messages[i].Content[j])
		}
	}
	return p
}

func (p *prefix) point(c *cacheMark) {
	if c != nil {
		p.mark(c.TTL)
	}
}

func (p *prefix) block(role string, b *block) {
	p.point(b.CachePoint)
	switch {
	case b.plainText() != "":
		p.text(role, b.plainText())
	case b.Image != nil:
		p.source("image", &b.Image.Source)
	case b.Video != nil:
		p.source("video", &b.Video.Source)
	case b.Audio != nil:
		p.source("audio", &b.Audio.Source)
	case b.Document != nil:
		p.source("document", &b.Document.Source)
	case b.ToolUse != nil:
		p.text("toolUse", b.ToolUse.ToolUseID+" "+b.ToolUse.Name+" "+compact(b.ToolUse.Input))
	case b.ToolResult != nil:
		p.text("toolResult", b.ToolResult.ToolUseID+" "+b.ToolResult.Status)
		for i := range b.ToolResult.Content {
			c := &b.ToolResult.Content[i]
			if c.JSON != nil {
				p.text("json", compact(c.JSON))
			}
			p.block("result", c)
		}
	case b.ReasoningContent != nil && b.ReasoningContent.ReasoningText != nil:
		p.text("reasoning", b.ReasoningContent.ReasoningText.Text)
	case b.SearchResult != nil:
		p.text("search", b.SearchResult.Title+" "+b.SearchResult.Source)
		for _, c := range b.SearchResult.Content {
			p.text("search", c.Text)
		}
	case b.CitationsContent != nil:
		for _, c := range b.CitationsContent.Content {
			p.text("citations", c.Text)
		}
	}
}

func (p *prefix) source(kind string, s *source) {
	content := string(s.Bytes)
	if s.S3Location != nil {
		content = s.S3Location.URI
	}
	if s.Text != nil {
		content = *s.Text
	}
	for _, c := range s.Content {
		content += c.Text
	}
	p.add(kind, content, blobTokens(len(content)))
}

func compact(raw json.RawMessage) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func decoded(raw []byte) any {
	var v any
	_ = json.Unmarshal(raw, &v)
	return v
}

// asNumber reads a JSON number that was decoded in either way.
func asNumber(v any) (float64, bool) {
	switch n := v.(type) {
	case float64:
		return n, true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	}
	return 0, false
}

// encode is JSON without HTML escapes, as AWS sends it.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return []byte("{}")
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
