package bedrock

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// signingKey signs reasoning. It is no secret: a signature only shows that the text comes from a simulator.
var signingKey = []byte("simulated reasoning")

// redactedPrefix begins the content of a redacted reasoning block.
const redactedPrefix = "simulated-redacted:"

// answer says what the package documentation promises for a.
func (a *ask) answer() *answer {
	said := &answer{stop: "end_turn", usage: a.usage}
	text := fault.Strip(a.text)
	if a.thinking {
		a.reason(said, text)
	}
	switch {
	case a.fault.NoOutput:
	case a.fault.Filtered == "guardrail_intervened":
		said.text, said.stop = "Sorry, the model cannot answer this question.", a.fault.Filtered
	case a.fault.Filtered != "":
		said.text, said.stop = "", a.fault.Filtered
	case a.callTools(said, text):
		said.stop = "tool_use"
	case a.schema != nil:
		said.text = string(encode(instance(a.schema, text)))
	case a.results == nil && a.prefill == "" && strings.Contains(strings.ToLower(a.system), "valid json"):
		said.text = string(encode(a.inJSON(text)))
	default:
		said.text = a.echo(text)
	}
	if a.fault.Pause {
		said.stop = "pause_turn"
	}
	a.bound(said)
	if a.fault.Stop != "" {
		said.stop = a.fault.Stop
	}
	return said
}

// reason adds the reasoning that precedes an answer.
func (a *ask) reason(said *answer, text string) {
	said.reasoning = "The user said: " + short(text, 200)
	if len(a.results) > 0 {
		said.reasoning = "The tool said: " + short(strings.Join(a.results, "; "), 200)
	}
	if a.fault.Redacted {
		said.redacted = []byte(redactedPrefix + sign(said.reasoning))
		return
	}
	if a.model.family == "claude" {
		said.signature = sign(said.reasoning)
	}
}

// echo is the answer in words.
func (a *ask) echo(text string) string {
	var parts []string
	if a.results != nil {
		parts = append(parts, "The tool said: "+strings.Join(a.results, "; "))
	}
	if text != "" || len(parts) == 0 {
		parts = append(parts, "You said: "+text)
	}
	for _, m := range a.media {
		parts = append(parts, "["+m+"]")
	}
	whole := strings.Join(parts, " ")
	if a.prefill == "" {
		return whole
	}
	// A prefilled answer is gone on with, and what was given is not repeated.
	if rest, ok := strings.CutPrefix(whole, a.prefill); ok {
		return rest
	}
	return " " + whole
}

// inJSON is the answer where the system prompt asks for JSON in words: an instance of the schema that stands there, else an
// object with the echo.
func (a *ask) inJSON(text string) any {
	if at := strings.IndexByte(a.system, '{'); at >= 0 {
		var schema map[string]any
		if json.NewDecoder(strings.NewReader(a.system[at:])).Decode(&schema) == nil && (schema["type"] != nil || schema["properties"] != nil) {
			return instance(schema, text)
		}
	}
	return map[string]any{"said": a.echo(text)}
}

// bound applies the stop sequences and the token limit, and counts the output.
func (a *ask) bound(said *answer) {
	at := -1
	for _, s := range a.stops {
		if i := strings.Index(said.text, s); i >= 0 && (at < 0 || i < at) {
			at, said.sequence = i, s
		}
	}
	if at >= 0 {
		said.text, said.calls, said.stop = said.text[:at], nil, "stop_sequence"
	}
	spent := tokens(said.reasoning)
	for _, c := range said.calls {
		spent += tokens(c.name) + tokens(string(c.input)) + 5
	}
	if kept, over := cut(said.text, max(a.maxTokens-spent, 0)); over {
		said.text, said.stop, said.sequence = kept, "max_tokens", ""
	} else if spent > a.maxTokens {
		said.calls, said.stop = nil, "max_tokens"
		spent = a.maxTokens
	}
	said.usage.output = spent + tokens(said.text)
}

func sign(text string) string {
	mac := hmac.New(sha256.New, signingKey)
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// signed reports whether this package signed text.
func signed(text, signature string) bool {
	return hmac.Equal([]byte(sign(text)), []byte(signature))
}

var (
	callWord = regexp.MustCompile(`(?i)\bcall\s+`)
	thenCall = regexp.MustCompile(`(?i)\bthen call\s`)
	nameForm = regexp.MustCompile(`^[^\s{},;:"']+`)
	nextForm = regexp.MustCompile(`^(?:\s*[,;]\s*(?:and\s+)?|\s+and\s+)`)
)

// callTools adds the tool calls that the text or the tool choice asks for, and reports whether there are any.
func (a *ask) callTools(said *answer, text string) bool {
	if len(a.tools) == 0 || a.choice == "none" {
		return false
	}
	wanted := a.named(fault.Strip(a.newest))
	for _, r := range a.results {
		if at := thenCall.FindStringIndex(r); at != nil {
			wanted = append(wanted, a.named(r[at[0]:])...)
		}
	}
	switch {
	case a.choice == "tool":
		given := json.RawMessage(nil)
		for _, w := range wanted {
			if w.name == a.forced {
				given = w.input
			}
		}
		wanted = []call{{name: a.forced, input: given}}
	case a.choice == "any" && len(wanted) == 0:
		wanted = []call{{name: a.tools[0].name}}
	}
	if a.serial && len(wanted) > 1 {
		wanted = wanted[:1]
	}
	for i, w := range wanted {
		w.id = a.callID(i, w.name, text)
		if w.input == nil {
			for _, t := range a.tools {
				if t.name == w.name {
					w.input = encode(instance(t.schema, text))
				}
			}
		}
		said.calls = append(said.calls, w)
	}
	if said.calls != nil && strings.Contains(strings.ToLower(text), "say and call") {
		said.text = "Let me call " + said.calls[0].name + "."
	}
	return said.calls != nil
}

// named finds the calls the text asks for: "call a", "call a and b", "call a {"x":1}, b". "call any" is the first tool,
// "call all" is each of them.
func (a *ask) named(text string) []call {
	var out []call
	for _, at := range callWord.FindAllStringIndex(text, -1) {
		rest := text[at[1]:]
		for {
			name := nameForm.FindString(rest)
			// A sentence may end after the name.
			known := a.knows(name)
			for !known && strings.TrimRight(name, ".!?)") != name {
				name = name[:len(name)-1]
				known = a.knows(name)
			}
			switch {
			case known:
				var input json.RawMessage
				rest, input = givenInput(rest[len(name):])
				out = append(out, call{name: name, input: input})
			case strings.EqualFold(name, "any"):
				out = append(out, call{name: a.tools[0].name})
			case strings.EqualFold(name, "all"):
				for _, t := range a.tools {
					out = append(out, call{name: t.name})
				}
			}
			next := nextForm.FindString(rest)
			if !known || next == "" {
				break
			}
			rest = rest[len(next):]
		}
	}
	return out
}

func (a *ask) knows(name string) bool {
	for _, t := range a.tools {
		if t.name == name {
			return true
		}
	}
	return false
}

// givenInput reads a JSON object at the start of text, if there is one.
func givenInput(text string) (rest string, input json.RawMessage) {
	trimmed := strings.TrimLeft(text, " \t:")
	if !strings.HasPrefix(trimmed, "{") {
		return text, nil
	}
	d := json.NewDecoder(strings.NewReader(trimmed))
	if d.Decode(&input) != nil {
		return text, nil
	}
	return trimmed[d.InputOffset():], input
}

// callID is the same for the same call in the same place of the same conversation.
func (a *ask) callID(i int, name, text string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d %s %s", a.messages, i, name, text))
	id := strings.NewReplacer("-", "A", "_", "B").Replace(base64.RawURLEncoding.EncodeToString(sum[:]))
	if a.model.family == "mistral" {
		return id[:9]
	}
	return "tooluse_" + id[:22]
}
