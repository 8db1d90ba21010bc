package chat

// Call is a tool call that waits for its result.
type Call struct {
	ID, Name string
	Answered bool
}

// Calls are the tool calls of an assistant's turn, to be paired with the results in the turn after it. Empty them with
// c[:0] when the next assistant's turn begins.
type Calls []Call

// Add takes a call in; false if the turn has one of that id already, which no provider takes twice.
func (c *Calls) Add(id, name string) bool {
	for i := range *c {
		if (*c)[i].ID == id {
			return false
		}
	}
	if *c == nil {
		*c = make(Calls, 0, 4)
	}
	*c = append(*c, Call{ID: id, Name: name})
	return true
}

// Answer marks the call with the given id as answered. first is false for an answer after the first, known for one to a
// call that nobody made.
func (c Calls) Answer(id string) (first, known bool) {
	for i := range c {
		if c[i].ID == id {
			first = !c[i].Answered
			c[i].Answered = true
			return first, true
		}
	}
	return false, false
}

// Unanswered returns the first call without a result; nil if all have theirs.
func (c Calls) Unanswered() *Call {
	for i := range c {
		if !c[i].Answered {
			return &c[i]
		}
	}
	return nil
}

// EachTooling calls f with every block of the conversation that calls a tool or is the result of one, in order.
func (r *Request) EachTooling(f func(*Block)) {
	for m := range r.Messages {
		for i := range r.Messages[m].Content {
			if b := &r.Messages[m].Content[i]; b.Tool != nil {
				f(b)
			}
		}
	}
}

// HoldsTooling reports whether the conversation calls a tool or has the result of one.
func (r *Request) HoldsTooling() bool {
	for m := range r.Messages {
		for i := range r.Messages[m].Content {
			if k := r.Messages[m].Content[i].Kind; k == ToolUse || k == ToolResult {
				return true
			}
		}
	}
	return false
}
