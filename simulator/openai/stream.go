package openai

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// stream writes server-sent events through a fault writer. Once a write has failed, the client is gone or a fault has
// ended the body: everything further is left out.
type stream struct {
	w      *fault.Writer
	spec   fault.Spec
	events int
	broken bool
}

// newStream promises an event stream.
func newStream(w *fault.Writer, s fault.Spec) *stream {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusOK)
	return &stream{w: w, spec: s}
}

// data sends one event, after the exception if its turn has come. It reports whether the stream goes on.
func (s *stream) data(name string, v []byte) bool {
	if s.spec.Exception != "" && s.events == s.spec.ExceptionAt {
		s.frame("", refused(s.spec.Exception).body())
		s.broken = true
	}
	s.frame(name, v)
	return !s.broken
}

func (s *stream) frame(name string, v []byte) {
	if s.broken {
		return
	}
	s.events++
	var b strings.Builder
	if name != "" {
		b.WriteString("event: " + name + "\n")
	}
	b.WriteString("data: ")
	b.Write(v)
	b.WriteString("\n\n")
	s.broken = s.w.Frame([]byte(b.String())) != nil
}

// chatStream turns the answers of one request into chunks.
type chatStream struct {
	*stream
	request *chatRequest
	// head holds what all chunks share.
	head chunk
	// obfuscate pads content chunks to even lengths, as the real API does unless told not to.
	obfuscate bool
}

func (c *chatStream) send(index int, d delta, finish *string, parts ...string) bool {
	k := c.head
	k.Choices = []deltaChoice{{Index: index, Delta: d, FinishReason: finish}}
	if len(parts) > 0 {
		k.Choices[0].Logprobs = c.request.logprobsOf(parts)
	}
	if c.obfuscate {
		k.Obfuscation = obfuscation(d)
	}
	return c.data("", marshal(k))
}

// obfuscation fills a delta up to a multiple of 16 bytes, so that its length does not tell the token.
func obfuscation(d delta) string {
	const letters = "nQ7xW2kLm9RtZb4V"
	return letters[len(marshal(d))%16:]
}

// run sends all chunks; done is false where the terminal [DONE] is to be left out.
func (c *chatStream) run(answers []answer, total *usage, done bool) {
	for i := range answers {
		first := delta{Role: "assistant", Content: raw(""), Refusal: raw(nil)}
		if answers[i].text == "" && (len(answers[i].calls) > 0 || answers[i].refusal != "") {
			first.Content = raw(nil)
		}
		if answers[i].unknown {
			first.Novelty = "something new"
		}
		if !c.send(i, first, nil) {
			return
		}
	}
	if !c.interleave(answers) {
		return
	}
	for i := range answers {
		if !c.send(i, delta{}, &answers[i].finish) {
			return
		}
	}
	if o := c.request.StreamOptions; o != nil && o.IncludeUsage {
		k := c.head
		k.Choices, k.Usage = []deltaChoice{}, raw(total)
		if c.obfuscate {
			k.Obfuscation = obfuscation(delta{})
		}
		if !c.data("", marshal(k)) {
			return
		}
	}
	if done {
		c.data("", []byte("[DONE]"))
	}
}

// step is one delta of a choice; part is the text it stands for, for its likelihood.
type step struct {
	delta delta
	part  []string
}

// interleave sends the choices' deltas in turns, as they come when several are sampled at once.
func (c *chatStream) interleave(answers []answer) bool {
	rows := make([][]step, len(answers))
	most := 0
	for i := range answers {
		rows[i] = answers[i].steps()
		most = max(most, len(rows[i]))
	}
	for at := range most {
		for i, row := range rows {
			if at < len(row) && !c.send(i, row[at].delta, nil, row[at].part...) {
				return false
			}
		}
	}
	return true
}

func (a *answer) steps() []step {
	var out []step
	// Tags come in pieces of their own making.
	for _, p := range append(fragments(a.tagged, 7), pieces(a.text[len(a.tagged):])...) {
		out = append(out, step{delta: delta{Content: raw(p)}, part: []string{p}})
	}
	for _, p := range pieces(a.refusal) {
		out = append(out, step{delta: delta{Refusal: raw(p)}})
	}
	for i, k := range a.calls {
		if a.legacy {
			out = append(out, step{delta: delta{FunctionCall: &functionPart{Name: k.name}}})
			for _, p := range fragments(k.arguments, 8) {
				out = append(out, step{delta: delta{FunctionCall: &functionPart{Arguments: p}}})
			}
			continue
		}
		out = append(out, step{delta: delta{ToolCalls: []callObject{k.object(&i, "")}}})
		for _, p := range fragments(k.arguments, 8) {
			out = append(out, step{delta: delta{ToolCalls: []callObject{k.fragment(&i, p)}}})
		}
	}
	return out
}
