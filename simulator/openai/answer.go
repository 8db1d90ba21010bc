package openai

import (
	"fmt"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// answer is what the model says for one choice, before it is put into a reply or a stream.
type answer struct {
	text    string
	refusal string
	calls   []call
	// legacy says that the one call is a function_call, as the deprecated functions get it.
	legacy bool
	finish string
	// tagged is the reasoning that stands at the beginning of the text, in its tags.
	tagged string
	// reasoning is how many tokens were thought.
	reasoning int
	// unknown asks for a member that no client knows.
	unknown bool
}

// answerOf is choice number k of the reply to r: always the same for the same request.
func (r *chatRequest) answerOf(m model, k int, s fault.Spec) answer {
	a := answer{finish: "stop", unknown: s.UnknownBlock}
	if m.reasons && r.ReasoningEffort != "none" {
		a.reasoning = 64
	}
	a.calls, a.legacy = r.callsToMake()
	switch {
	case len(a.calls) > 0:
		a.finish = "tool_calls"
		if sayFirst.MatchString(r.lastUser()) {
			a.text = "Let me call " + a.calls[0].name + "."
		}
		if a.legacy {
			a.finish = "function_call"
		} else if forcedTool(r.ToolChoice) != "" {
			// The real API ends a forced call like any message.
			a.finish = "stop"
		}
	case s.Filtered == "refusal":
		a.refusal = "I'm sorry, I can't assist with that request."
	case r.ResponseFormat != nil && r.ResponseFormat.Type == "json_schema" && (m.limits == nil || !m.limits.IgnoresFormat):
		a.text = string(marshal(instance(r.ResponseFormat.JSONSchema.Schema)))
	case r.ResponseFormat != nil && r.ResponseFormat.Type == "json_object":
		a.text = string(marshal(map[string]string{"said": fault.Strip(r.lastUser())}))
	default:
		a.text = r.said()
		if k > 0 {
			a.text += fmt.Sprintf(" (choice %d)", k+1)
		}
	}
	if k > 0 {
		for i := range a.calls {
			a.calls[i].id += fmt.Sprintf("_%d", k+1)
		}
	}
	if l := m.limits; l != nil {
		if l.PositionalIDs {
			for i := range a.calls {
				a.calls[i].id = fmt.Sprintf("call_%d", i)
			}
		}
		if l.TaggedReasoning && a.reasoning > 0 && s.Filtered == "" {
			a.tagged = "<reasoning>The user said: " + fault.Strip(r.lastUser()) + "</reasoning>"
		}
	}
	for _, stop := range r.Stop {
		if i := strings.Index(a.text, stop); i >= 0 && stop != "" {
			a.text = a.text[:i]
		}
	}
	if limit := r.limit() - a.reasoning; r.limit() > 0 && tokens(a.text) > max(limit, 0) {
		a.text, a.finish = firstTokens(a.text, max(limit, 0)), "length"
	}
	if s.Filtered != "" && s.Filtered != "refusal" {
		a.finish = "content_filter"
	}
	if s.Stop != "" {
		a.finish = s.Stop
	}
	a.text = a.tagged + a.text
	return a
}

// said echoes the newest turn: what the user said and showed, or what the tools answered.
func (r *chatRequest) said() string {
	last := r.Messages[len(r.Messages)-1]
	switch last.Role {
	case "tool", "function":
		var answers []string
		for i := len(r.Messages) - 1; i >= 0 && r.Messages[i].Role == last.Role; i-- {
			answers = append([]string{r.Messages[i].Content.text()}, answers...)
		}
		return "The tool said: " + strings.Join(answers, "; ")
	case "user":
	default:
		return "You said: " + fault.Strip(r.lastUser())
	}
	var b strings.Builder
	b.WriteString("You said: ")
	b.WriteString(fault.Strip(last.Content.text()))
	for _, p := range last.Content.parts {
		switch p.Type {
		case "image_url":
			b.WriteString(" [image " + described(p.ImageURL.URL) + "]")
		case "file":
			b.WriteString(" [file " + strings.TrimSpace(p.File.Filename+" "+p.File.FileID+described(p.File.FileData)) + "]")
		case "input_audio":
			b.WriteString(" [audio]")
		}
	}
	return b.String()
}

// described is the media type and size of a data URL, and any other URL as it is.
func described(url string) string {
	if !strings.HasPrefix(url, "data:") {
		return url
	}
	mediaType, data, f := dataURL("", url)
	if f != nil {
		return "?"
	}
	return fmt.Sprintf("%s %d bytes", mediaType, len(data))
}

// firstTokens cuts a text after n tokens, at the end of a character.
func firstTokens(s string, n int) string {
	n = min(4*n, len(s))
	for n > 0 && n < len(s) && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}

// pieces cuts a text as models' tokens do: a word with the space before it.
func pieces(s string) []string {
	var out []string
	start := 0
	for i := 1; i < len(s); i++ {
		if s[i] == ' ' && s[i-1] != ' ' {
			out = append(out, s[start:i])
			start = i
		}
	}
	if start < len(s) {
		out = append(out, s[start:])
	}
	return out
}

// fragments cuts arguments into pieces of about n bytes, at the ends of characters.
func fragments(s string, n int) []string {
	var out []string
	for len(s) > n {
		cut := n
		for cut < len(s) && s[cut]&0xC0 == 0x80 {
			cut++
		}
		out = append(out, s[:cut])
		s = s[cut:]
	}
	if s != "" {
		out = append(out, s)
	}
	return out
}

// completionTokens is what the answer is billed as.
func (a *answer) completionTokens() int {
	n := a.reasoning + tokens(a.text) + tokens(a.refusal)
	for _, c := range a.calls {
		n += 4 + tokens(c.name) + tokens(c.arguments)
	}
	return n
}
