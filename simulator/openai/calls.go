package openai

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

type call struct {
	id, name, arguments string
	custom              bool
}

// The words by which a text asks for calls.
var (
	callWord = regexp.MustCompile(`(?i)\bcall\s+`)
	thenCall = regexp.MustCompile(`(?i)\bthen call\s`)
	nameForm = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}`)
	nextForm = regexp.MustCompile(`^(?:\s*[,;]\s*(?:and\s+)?|\s+and\s+)`)
	sayFirst = regexp.MustCompile(`(?i)\bsay and call\b`)
)

// callsToMake are the tools the request forces, or its newest user turn asks for.
func (r *chatRequest) callsToMake() (calls []call, legacy bool) {
	if r.Functions != nil {
		return r.functionToCall(), true
	}
	word := strings.Trim(string(r.ToolChoice), `"`)
	if len(r.Tools) == 0 || word == "none" {
		return nil, false
	}
	tools := r.Tools
	if allowed, must := allowedTools(r.ToolChoice); allowed != nil {
		tools = nil
		for _, t := range r.Tools {
			if allowed[t.name()] {
				tools = append(tools, t)
			}
		}
		if must {
			word = "required"
		}
	}
	forced := forcedTool(r.ToolChoice)
	if forced == "" {
		calls = askedFor(tools, r.orders())
	}
	if len(calls) == 0 && (forced != "" || word == "required") {
		for _, t := range tools {
			if forced == "" || t.name() == forced {
				calls = append(calls, t.call(0, ""))
				break
			}
		}
	}
	if len(calls) > 1 && r.ParallelToolCalls != nil && !*r.ParallelToolCalls {
		calls = calls[:1]
	}
	return calls, false
}

// orders is the text that may ask for calls: what the user just said, or what stands behind "then" in what a tool just
// answered, as in a file with the next step of a task.
func (r *chatRequest) orders() string {
	last := r.Messages[len(r.Messages)-1]
	for i := len(r.Messages) - 1; i > 0 && (last.Role == "system" || last.Role == "developer"); i-- {
		last = r.Messages[i-1] // what the operator adds behind the user's words
	}
	switch last.Role {
	case "user":
		return fault.Strip(r.lastUser())
	case "tool":
		if at := thenCall.FindStringIndex(last.Content.text()); at != nil {
			return last.Content.text()[at[0]:]
		}
	}
	return ""
}

// askedFor are the calls that a text names: "call a", "call a and b", "call a {"x":1}, b". "call any" is the first tool,
// "call all" each of them. A custom tool is called with the text that {"input":"…"} holds.
func askedFor(tools []chatTool, text string) []call {
	var calls []call
	for _, at := range callWord.FindAllStringIndex(text, -1) {
		for rest := text[at[1]:]; ; {
			word := nameForm.FindString(rest)
			rest = rest[len(word):]
			called := meant(tools, word)
			if len(called) == 0 {
				break
			}
			arguments, after := argumentsAfter(rest)
			for _, t := range called {
				calls = append(calls, t.call(len(calls), arguments))
			}
			next := nextForm.FindString(after)
			if next == "" {
				break
			}
			rest = after[len(next):]
		}
	}
	return calls
}

// meant are the tools that a word means: namespace__name is the tool of a namespace.
func meant(tools []chatTool, word string) []chatTool {
	for i, t := range tools {
		if strings.Replace(t.name(), namespaceMark, "__", 1) == word {
			return tools[i : i+1]
		}
	}
	switch {
	case word == "any" && len(tools) > 0:
		return tools[:1]
	case word == "all":
		return tools
	}
	return nil
}

// argumentsAfter is the JSON object that text begins with, if it does, and what comes after it.
func argumentsAfter(text string) (arguments, rest string) {
	trimmed := strings.TrimLeft(text, " \t:")
	if !strings.HasPrefix(trimmed, "{") {
		return "", text
	}
	d := json.NewDecoder(strings.NewReader(trimmed))
	var o json.RawMessage
	if d.Decode(&o) != nil {
		return "", text
	}
	return string(o), trimmed[d.InputOffset():]
}

// call is call number i of a turn, its arguments made from the tool's schema where none are given.
func (t *chatTool) call(i int, arguments string) call {
	c := call{id: fmt.Sprintf("call_%s_%d", t.name(), i+1), name: t.name(), arguments: arguments, custom: t.Type == "custom"}
	if len(c.id) > 40 {
		c.id = fmt.Sprintf("call_%d", i+1)
	}
	if arguments == "" && !c.custom {
		c.arguments = string(marshal(instance(t.Function.Parameters)))
	}
	var text struct{ Input *string }
	if c.custom && json.Unmarshal([]byte(arguments), &text) == nil && text.Input != nil {
		c.arguments = *text.Input
	}
	return c
}

func (r *chatRequest) functionToCall() []call {
	var forced struct {
		Name string `json:"name"`
	}
	if len(r.FunctionCall) > 0 && r.FunctionCall[0] == '{' && json.Unmarshal(r.FunctionCall, &forced) != nil {
		return nil
	}
	if string(r.FunctionCall) == `"none"` {
		return nil
	}
	tools := make([]chatTool, 0, len(r.Functions))
	for _, f := range r.Functions {
		t := chatTool{Type: "function", Function: f}
		if f.Name == forced.Name {
			return []call{t.call(0, "")}
		}
		tools = append(tools, t)
	}
	if r.Messages[len(r.Messages)-1].Role != "user" {
		return nil
	}
	calls := askedFor(tools, fault.Strip(r.lastUser()))
	return calls[:min(len(calls), 1)]
}

// allowedTools are the names an allowed_tools choice lists, and whether one of them must be called.
func allowedTools(choice json.RawMessage) (names map[string]bool, must bool) {
	if len(choice) == 0 || choice[0] != '{' {
		return nil, false
	}
	var c struct {
		Type    string `json:"type"`
		Allowed struct {
			Mode  string     `json:"mode"`
			Tools []chatTool `json:"tools"`
		} `json:"allowed_tools"`
	}
	if json.Unmarshal(choice, &c) != nil || c.Type != "allowed_tools" {
		return nil, false
	}
	names = make(map[string]bool, len(c.Allowed.Tools))
	for _, t := range c.Allowed.Tools {
		names[t.name()] = true
	}
	return names, c.Allowed.Mode == "required"
}
