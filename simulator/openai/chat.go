package openai

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

func (s *server) chat(w http.ResponseWriter, r *http.Request, body []byte) {
	present, m, replyName, f := s.read(r, body, chatUse, "", chatBody)
	if f != nil {
		f.write(w)
		return
	}
	var req chatRequest
	if err := json.Unmarshal(body, &req); err != nil {
		notJSON().write(w)
		return
	}
	if f := req.check(m, present); f != nil {
		f.write(w)
		return
	}
	if n := req.promptTokens() + req.limit(); n > m.context {
		overflow(m, n, req.limit()).write(w)
		return
	}
	out, spec, done := s.play(w, r, req.lastUser(), req.Model)
	if out == nil {
		return
	}
	req.reply(out, spec, done, m, replyName, s.calls.Load())
}

// overflow is what a prompt too long for the model gets.
func overflow(m model, n, limit int) *failure {
	message := fmt.Sprintf("This model's maximum context length is %d tokens. However, your messages resulted in %d "+
		"tokens. Please reduce the length of the messages.", m.context, n)
	if limit > 0 {
		message = fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested %d tokens (%d in "+
			"the messages, %d in the completion). Please reduce the length of the messages or completion.",
			m.context, n, n-limit, limit)
	}
	return invalid("messages", "context_length_exceeded", message)
}

func (r *chatRequest) reply(out *fault.Writer, spec fault.Spec, done bool, m model, name string, call uint64) {
	n := 1
	if r.N != nil {
		n = *r.N
	}
	if spec.NoOutput {
		n = 0
	}
	answers := make([]answer, 0, n)
	for k := range n {
		answers = append(answers, r.answerOf(m, k, spec))
	}
	tier := r.ServiceTier
	if tier == "" || tier == "auto" {
		tier = "default"
	}
	id := fmt.Sprintf("chatcmpl-simulator%08d", call)
	total := usageOf(r, answers)
	if r.Stream {
		c := chatStream{
			stream: newStream(out, spec), request: r, obfuscate: true,
			head: chunk{
				ID: id, Object: "chat.completion.chunk", Created: now(), Model: name,
				ServiceTier: tier, SystemFingerprint: fingerprint,
			},
		}
		if o := r.StreamOptions; o != nil {
			if o.IncludeUsage {
				c.head.Usage = raw(nil)
			}
			c.obfuscate = o.IncludeObfuscation == nil || *o.IncludeObfuscation
		}
		c.run(answers, total, done)
		return
	}
	k := completion{
		ID: id, Object: "chat.completion", Created: now(), Model: name, Choices: make([]choiceObject, 0, n),
		Usage: total, ServiceTier: tier, SystemFingerprint: fingerprint,
	}
	for i, a := range answers {
		k.Choices = append(k.Choices, r.choiceOf(i, a))
	}
	writeJSON(out, http.StatusOK, k)
}
