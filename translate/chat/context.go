package chat

// Prepend puts blocks before the content of the last user message that asks something: one with words or media of its
// own, not only the results of tools. Without any they become a user message at the end.
func (r *Request) Prepend(blocks ...Block) {
	for i := len(r.Messages) - 1; i >= 0; i-- {
		m := &r.Messages[i]
		if m.Role != User || m.Operator {
			continue
		}
		for j := range m.Content {
			if m.Content[j].Kind == ToolResult {
				continue
			}
			content := make([]Block, 0, len(m.Content)+len(blocks))
			content = append(content, m.Content[:j]...)
			content = append(content, blocks...)
			m.Content = append(content, m.Content[j:]...)
			return
		}
	}
	r.Messages = append(r.Messages, Message{Role: User, Content: blocks})
}
