package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// claudeRequest is a Claude body that has passed its shape.
type claudeRequest struct {
	MaxTokens     int      `json:"max_tokens"`
	StopSequences []string `json:"stop_sequences"`
	Temperature   *float64
	TopP          *float64 `json:"top_p"`
	System        claudeContent
	Messages      []claudeMessage
	Tools         []struct {
		Type, Name, Description string
		InputSchema             json.RawMessage `json:"input_schema"`
		CacheControl            *cacheMark      `json:"cache_control"`
	}
}

type claudeMessage struct {
	Role    string
	Content claudeContent
}

// claudeContent is a string or a list of blocks; a string becomes one text block.
type claudeContent []claudeBlock

func (c *claudeContent) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*c = claudeContent{{Type: "text", Text: s}}
		return nil
	}
	return json.Unmarshal(raw, (*[]claudeBlock)(c))
}

type claudeBlock struct {
	Type, Text   string
	CacheControl *cacheMark `json:"cache_control"`
	Source       struct {
		Type, Data string
		MediaType  string `json:"media_type"`
		Content    claudeContent
	} `json:"-"`
	RawSource           json.RawMessage `json:"source"`
	Title               string
	ID, Name            string
	Input               json.RawMessage
	ToolUseID           string `json:"tool_use_id"`
	IsError             bool   `json:"is_error"`
	Content             claudeContent
	Thinking, Signature string
	Data                string
}

// UnmarshalJSON leaves the content of blocks alone that the shapes do not describe, and reads a source that is no string.
func (b *claudeBlock) UnmarshalJSON(raw []byte) error {
	type plain claudeBlock
	var tag struct{ Type string }
	if err := json.Unmarshal(raw, &tag); err != nil {
		return err
	}
	switch tag.Type {
	case "text", "image", "document", "search_result", "tool_result", "tool_use", "thinking", "redacted_thinking":
		if err := json.Unmarshal(raw, (*plain)(b)); err != nil {
			return err
		}
		if isObject(b.RawSource) {
			return json.Unmarshal(b.RawSource, &b.Source)
		}
	default:
		b.Type = tag.Type
	}
	return nil
}

// decodeClaude reads a Claude body and holds it against its shape. counting leaves out what CountTokens does not want.
func decodeClaude(body []byte, counting bool) (*claudeRequest, map[string]any, *apiError) {
	value, refused := decodeJSON(body)
	if refused != nil {
		return nil, nil, invalid("Malformed input request, please reformat your input and try again.")
	}
	required := []string{"anthropic_version", "max_tokens", "messages"}
	if counting {
		required = []string{"anthropic_version", "messages"}
	}
	for _, name := range required {
		if _, ok := value[name]; !ok {
			return nil, nil, malformed("#", "required key ["+name+"] not found")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if claudeMembers[name] == nil {
			return nil, nil, malformed("#", "extraneous key ["+name+"] is not permitted")
		}
	}
	if v := value["anthropic_version"]; v != "bedrock-2023-05-31" {
		return nil, nil, malformed("#/anthropic_version", fmt.Sprintf("%v is not a valid enum value", v))
	}
	for _, name := range slices.Sorted(maps.Keys(value)) {
		if p := claudeProblem(claudeMembers[name], value[name], name); p != "" {
			return nil, nil, invalid("%s", p)
		}
	}
	if p := claudeMessagesProblem(value); p != "" {
		return nil, nil, invalid("%s", p)
	}
	q := &claudeRequest{}
	if err := json.Unmarshal(body, q); err != nil {
		return nil, nil, invalid("Malformed input request: %s, please reformat your input and try again.", err)
	}
	return q, value, nil
}

// claudeMessagesProblem holds contents and tools against the shapes that depend on the role or the type.
func claudeMessagesProblem(value map[string]any) string {
	messages, _ := value["messages"].([]any)
	for i, m := range messages {
		msg, _ := m.(map[string]any)
		blocks := claudeUserBlocks
		if msg["role"] == "assistant" {
			blocks = claudeAssistantBlocks
		}
		at := fmt.Sprintf("messages.%d.content", i)
		if list, ok := msg["content"].([]any); ok {
			for j, b := range list {
				if p := misplaced(b, blocks, at, j); p != "" {
					return p
				}
			}
		}
		if p := claudeProblem(stringOr(listOf(byType(blocks))), msg["content"], at); p != "" {
			return p
		}
	}
	tools, _ := value["tools"].([]any)
	p, _ := claudeParameters(value)
	return claudeToolsProblem(tools, p.betas)
}

func customToolProblem(t any, at string) string {
	if p := claudeProblem(claudeTool, t, at); p != "" {
		return p
	}
	schema, ok := t.(map[string]any)["input_schema"].(map[string]any)
	switch {
	case !ok:
		return at + ".input_schema: Input should be a valid dictionary"
	case schema["type"] == nil:
		return at + ".input_schema.type: Field required"
	case schema["type"] != "object":
		return at + ".input_schema.type: Input should be 'object'"
	}
	if _, ok := soundSchema(schema, at); !ok {
		return at + ".input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12)."
	}
	return ""
}

// misplaced names a block that only the other role may have.
func misplaced(b any, blocks members, at string, j int) string {
	m, _ := b.(map[string]any)
	kind, _ := m["type"].(string)
	if blocks[kind] != nil {
		return ""
	}
	if claudeUserBlocks[kind] != nil {
		return fmt.Sprintf("%s.%d: `%s` blocks can only be in `user` messages", at, j, kind)
	}
	if claudeAssistantBlocks[kind] != nil {
		return fmt.Sprintf("%s.%d: `%s` blocks can only be in `assistant` messages", at, j, kind)
	}
	return ""
}

// claudeAsk reads a Claude body, holds it against every rule, and returns what there is to answer.
func (x *exchange) claudeAsk(body []byte, counting bool) (*ask, *apiError) {
	q, value, refused := decodeClaude(body, counting)
	if refused != nil {
		return nil, refused
	}
	p, problem := claudeParameters(value)
	if problem == "" {
		p.temperature, p.topP, p.maxTokens = q.Temperature, q.TopP, q.MaxTokens
		problem = p.check(x.model)
	}
	if problem == "" {
		problem = q.problem(x.model, &p)
	}
	if problem != "" {
		return nil, invalid("%s", problem)
	}
	a := &ask{
		model: x.model, messages: len(q.Messages), maxTokens: q.MaxTokens, stops: q.StopSequences,
		choice: p.choice, forced: p.forced, serial: p.serial, thinking: p.thinks(),
	}
	for i := range q.System {
		a.system += q.System[i].Text + "\n"
	}
	if f, ok := p.format.(map[string]any); ok {
		a.schema = f["schema"]
	}
	for _, t := range q.Tools {
		if t.InputSchema != nil {
			a.tools = append(a.tools, tool{name: t.Name, schema: decoded(t.InputSchema)})
		}
	}
	q.hear(a)
	a.usage = usage{input: q.prefix(x.model).tokens}
	if !counting {
		a.usage = x.cache.use(q.prefix(x.model), x.opts.Now())
	}
	return a, nil
}

// hear takes the last user turn into a: consecutive messages of one role are one turn.
func (q *claudeRequest) hear(a *ask) {
	var texts []string
	last := ""
	for _, m := range q.Messages {
		if m.Role == "system" {
			continue
		}
		if m.Role == "user" && last != "user" {
			texts, a.newest, a.media, a.results = nil, "", nil, nil
		}
		last = m.Role
		if m.Role == "assistant" {
			a.prefill = ""
		}
		for i := range m.Content {
			b := &m.Content[i]
			switch {
			case m.Role == "assistant":
				a.prefill += b.Text
			case b.Type == "text":
				texts = append(texts, b.Text)
				a.ordered(b.Text)
			case b.Type == "tool_result":
				a.results = append(a.results, b.result())
			default:
				a.media = append(a.media, b.describe())
			}
		}
	}
	if last != "assistant" {
		a.prefill = ""
	}
	a.text = strings.Join(texts, "\n")
}

func (b *claudeBlock) result() string {
	parts := make([]string, 0, len(b.Content))
	for i := range b.Content {
		if c := &b.Content[i]; c.Type == "text" {
			parts = append(parts, c.Text)
		} else {
			parts = append(parts, "["+c.describe()+"]")
		}
	}
	text := strings.Join(parts, " ")
	if b.IsError {
		return "error: " + text
	}
	return text
}

func (b *claudeBlock) describe() string {
	switch b.Type {
	case "image":
		return fmt.Sprintf("image %s, %d bytes", strings.TrimPrefix(b.Source.MediaType, "image/"), len(b.bytes()))
	case "document":
		return fmt.Sprintf("document %q %s, %d bytes", b.Title, b.Source.MediaType, len(b.bytes()))
	case "search_result":
		return fmt.Sprintf("search result %q", b.Title)
	}
	return b.Type
}

// bytes is what a source holds: decoded base64, or the text.
func (b *claudeBlock) bytes() []byte {
	switch b.Source.Type {
	case "base64":
		data, _ := base64.StdEncoding.DecodeString(b.Source.Data)
		return data
	case "content":
		var all []byte
		for i := range b.Source.Content {
			all = append(all, b.Source.Content[i].Text...)
		}
		return all
	}
	return []byte(b.Source.Data)
}
