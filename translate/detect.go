package translate

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The names of the dialects that Detect distinguishes.
const (
	nameOpenAI = "openai"
	nameClaude = "claude"
	nameTitan  = "titan"
)

// evidence is what a body shows of its dialect.
type evidence struct {
	openAI, claude bool
}

// Detect names the dialect that a body of POST /v1/chat/completions is written in: openai, claude or titan. The rules
// stand in their order: what only Claude or only Titan has at the top level, then OpenAI's own words wherever they
// stand, then Claude's, then a plain list of messages, which is OpenAI's. A body that shows none of this is a 400 that
// names the three forms. b must have been parsed.
func Detect(b *chat.Body) (string, error) {
	var e evidence
	var messages, tools, choice *json.Member
	var topK, maxTokens bool
	for i := range b.Members {
		m := &b.Members[i]
		switch string(m.Key) {
		case "anthropic_version":
			return nameClaude, nil
		case "inputText":
			if b.Member("anthropic_version") != nil {
				return nameClaude, nil
			}
			return nameTitan, nil
		case "messages":
			messages = m
		case "tools":
			tools = m
		case "tool_choice":
			choice = m
		case "stop", "response_format", "max_completion_tokens", "stream_options", "n", "seed", "logprobs", "frequency_penalty", "presence_penalty":
			e.openAI = true
		case "system", "stop_sequences":
			e.claude = true
		case "top_k":
			topK = true
		case "max_tokens":
			maxTokens = true
		}
	}
	e.claude = e.claude || topK && maxTokens
	if choice != nil && !e.openAI {
		e.choice(json.WalkAt(b.Raw, choice.ValueStart))
	}
	if tools != nil && !e.openAI {
		e.tools(json.WalkAt(b.Raw, tools.ValueStart))
	}
	if messages != nil && !e.openAI {
		e.messages(json.WalkAt(b.Raw, messages.ValueStart))
	}
	switch {
	case e.openAI:
		return nameOpenAI, nil
	case messages == nil || b.Raw[messages.ValueStart] != '[':
		return "", chat.Invalid("messages", "the request is in none of the forms that are understood: send an OpenAI chat ('messages'), a Bedrock Claude body ('anthropic_version' and 'messages') or a Bedrock Titan body ('inputText')")
	case e.claude:
		return nameClaude, nil
	}
	return nameOpenAI, nil
}

// choice looks at tool_choice: OpenAI's words are strings or types of its own.
func (e *evidence) choice(w json.Walker) {
	if w.Kind() == json.Text {
		e.openAI = true
		return
	}
	switch string(typeOf(w)) {
	case "function", "custom", "allowed_tools":
		e.openAI = true
	case "auto", "any", "tool", "none":
		e.claude = true
	}
}

func (e *evidence) tools(w json.Walker) {
	if !w.Array() {
		return
	}
	for w.Element() {
		if !w.Object() {
			w.Skip()
			continue
		}
		for w.Member() {
			switch string(w.Key()) {
			case "function":
				e.openAI = true
				return
			case "input_schema":
				e.claude = true
			}
			w.Skip()
		}
	}
}

// messages ends at the first word of OpenAI's; Claude's may be followed by one.
func (e *evidence) messages(w json.Walker) {
	if !w.Array() {
		return
	}
	for w.Element() {
		if !w.Object() {
			w.Skip()
			continue
		}
		for w.Member() {
			switch string(w.Key()) {
			case "role":
				switch string(w.String().Bytes()) {
				case "system", "developer", "tool", "function":
					e.openAI = true
					return
				}
			case "tool_calls":
				e.openAI = true
				return
			case "content":
				if e.content(&w); e.openAI {
					return
				}
			default:
				w.Skip()
			}
		}
	}
}

func (e *evidence) content(w *json.Walker) {
	if !w.Array() {
		w.Skip()
		return
	}
	for w.Element() {
		if !w.Object() {
			w.Skip()
			continue
		}
		var kind []byte
		source := false
		for w.Member() {
			switch string(w.Key()) {
			case "type":
				kind = w.String().Bytes()
			case "source":
				source = true
				w.Skip()
			default:
				w.Skip()
			}
		}
		switch string(kind) {
		case "image_url", "input_audio", "file", "refusal":
			e.openAI = true
			return
		case "tool_use", "tool_result", "thinking", "redacted_thinking":
			e.claude = true
		case "image", "document":
			e.claude = e.claude || source
		}
	}
}

// typeOf returns the type member of the object that w stands before; nil if there is none.
func typeOf(w json.Walker) []byte {
	if !w.Object() {
		return nil
	}
	for w.Member() {
		if string(w.Key()) == "type" {
			return w.String().Bytes()
		}
		w.Skip()
	}
	return nil
}
