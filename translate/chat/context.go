package chat

// PrependContext puts text before the content of the last user message that asks something: one with words or media of
// its own, not only the results of tools. Without any it becomes a user message at the end.
func (r *Request) PrependContext(text String) {
	block := Block{Kind: Text, Text: text}
	for i := len(r.Messages) - 1; i >= 0; i-- {
		m := &r.Messages[i]
		if m.Role != User {
			continue
		}
		for j := range m.Content {
			if m.Content[j].Kind == ToolResult {
				continue
			}
			content := make([]Block, 0, len(m.Content)+1)
			content = append(content, m.Content[:j]...)
			content = append(content, block)
			m.Content = append(content, m.Content[j:]...)
			return
		}
	}
	r.Messages = append(r.Messages, Message{Role: User, Content: []Block{block}})
}
