package openai

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// Copy is the API as another provider serves it: the same shapes, rules and answers, for models of its own that refuse
// more than the originals. It does not authenticate, and is for one request.
type Copy struct{ server }

// Model is a model as one of the APIs of a Copy serves it.
type Model struct {
	ID string
	// Context and Output are tokens.
	Context, Output int
	Limits
}

// Limits are where a copy's model differs from the original API. The zero value takes all that OpenAI's chat models do.
type Limits struct {
	// Reasons: the model thinks and takes one of Efforts; without it there is no reasoning_effort.
	Reasons bool
	Efforts []string
	// CompletionTokens: max_tokens is refused.
	CompletionTokens bool
	// ToolsWithoutEffort: function tools need the effort none. SamplingWithoutEffort: so do temperature, top_p, the
	// penalties and logprobs.
	ToolsWithoutEffort, SamplingWithoutEffort bool
	// NoStop, NoLogitBias: stop, logit_bias are refused. PenaltiesFail: a penalty is answered by 503.
	NoStop, NoLogitBias, PenaltiesFail bool
	// NoImages, NoFiles: parts of that kind are refused. InlineImages: images are data: and s3:// URLs.
	NoImages, NoFiles, InlineImages bool
	// IgnoresFormat: a json_schema response format changes nothing.
	IgnoresFormat bool
	// TaggedReasoning: the answer begins with <reasoning>…</reasoning>.
	TaggedReasoning bool
	// OpenReasoning: Responses shows what the model thought as it is, and seals nothing.
	OpenReasoning bool
	// NoBreakpoints: prompt_cache_breakpoint is refused.
	NoBreakpoints bool
	// PositionalIDs: tool calls have the ids call_0, call_1 in every reply.
	PositionalIDs bool
	// Tools are the types of tools that Responses takes; nil: all.
	Tools []string
	// Items are the types of input items that Responses refuses.
	RefusedItems []string
	// Tiers are the service tiers that Responses takes, Summaries the values of reasoning.summary; nil: all.
	Tiers, Summaries []string
	// Background: Responses takes background:true.
	Background bool
}

// Refusal is an error in the API's form.
type Refusal struct {
	Status              int
	Type, Code, Message string
}

// Write answers with the error.
func (e *Refusal) Write(w http.ResponseWriter) { e.failure().write(w) }

func (e *Refusal) failure() *failure {
	return &failure{status: e.Status, Message: e.Message, Type: e.Type, Code: orNull(e.Code)}
}

// Copies is what the copies of one provider share: their counters.
type Copies struct {
	faults fault.Counter
	calls  atomic.Uint64
}

// NewCopies returns the shared part of a provider's copies.
func NewCopies() *Copies { return &Copies{} }

// With returns the copy for one request. find returns the model of the given id as the request's API serves it, or why
// it does not.
func (p *Copies) With(find func(id string) (Model, *Refusal)) *Copy {
	p.calls.Add(1)
	return &Copy{server{opts: Options{Series: "00000000"}, faults: &p.faults, calls: &p.calls, find: func(id string) (model, string, *failure) {
		m, refused := find(id)
		if refused != nil {
			return model{}, "", refused.failure()
		}
		return model{id: m.ID, context: m.Context, output: m.Output, reasons: m.Reasons, limits: &m.Limits}, id, nil
	}}}
}

// Chat answers POST chat/completions with the given body.
func (c *Copy) Chat(w http.ResponseWriter, r *http.Request, body []byte) {
	c.server.chat(w, r, body)
}

// Respond answers POST responses with the given body.
func (c *Copy) Respond(w http.ResponseWriter, r *http.Request, body []byte) {
	c.server.responses(w, r, body)
}

// List answers with a list of models. The owner is the first part of an id.
func List(w http.ResponseWriter, ids []string) {
	l := modelList{Object: "list", Data: make([]modelObject, 0, len(ids))}
	for _, id := range ids {
		owner, _, _ := strings.Cut(id, ".")
		l.Data = append(l.Data, modelObject{ID: id, Object: "model", Created: 1764460800, OwnedBy: owner})
	}
	writeJSON(w, http.StatusOK, l)
}

// sampling are the parameters that some models take only without reasoning.
var sampling = []string{"temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs"}

// checkCopy holds a chat against the limits of a copy's model.
func (r *chatRequest) checkCopy(m model, present map[string]any) *failure {
	l := m.limits
	if f := l.checkEffort(r.ReasoningEffort, "reasoning_effort"); f != nil {
		return f
	}
	effortless := l.Reasons && r.ReasoningEffort == "none"
	switch {
	case l.CompletionTokens && present["max_tokens"] != nil:
		return unsupported("max_tokens", "Use 'max_completion_tokens' instead.")
	case l.NoStop && present["stop"] != nil:
		return invalid("stop", "unsupported_parameter", "This model doesn't support the stopSequences field. Remove stopSequences and try again.")
	case l.NoLogitBias && present["logit_bias"] != nil:
		return unsupported("logit_bias", "")
	case l.ToolsWithoutEffort && len(r.Tools) > 0 && !effortless:
		return invalid("tools", "unsupported_parameter", "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. Please use /v1/responses instead, or set reasoning_effort to 'none'.")
	}
	for _, name := range sampling {
		if l.SamplingWithoutEffort && !effortless && present[name] != nil && present[name] != false {
			return unsupported(name, "")
		}
		if n, _ := present[name].(json.Number); l.PenaltiesFail && strings.HasSuffix(name, "_penalty") && n != "" && n != "0" {
			f := refused("ServiceUnavailableException")
			return f
		}
	}
	for i, msg := range r.Messages {
		for j, p := range msg.Content.parts {
			if f := l.checkPart(p, fmt.Sprintf("messages[%d].content[%d]", i, j)); f != nil {
				return f
			}
		}
	}
	return nil
}

func unsupported(name, hint string) *failure {
	return invalid(name, "unsupported_parameter", strings.TrimSpace("Unsupported parameter: '"+name+"' is not supported with this model. "+hint))
}

// checkEffort holds an effort, at the member at, against the model.
func (l *Limits) checkEffort(effort, at string) *failure {
	switch {
	case effort == "":
	case !l.Reasons:
		return unsupported(at, "")
	case !slices.Contains(l.Efforts, effort):
		return invalid(at, "unsupported_value", "Unsupported value: '"+effort+"' is not supported with this model. Supported values are: "+quoted(l.Efforts, "and")+".")
	}
	return nil
}

// checkPart holds a content part, at the member at, against the model.
func (l *Limits) checkPart(p chatPart, at string) *failure {
	switch p.Type {
	case "image_url":
		if l.NoImages {
			return invalid(at, "unsupported_content", "This model doesn't support image input.")
		}
		if url := p.ImageURL.URL; l.InlineImages && !strings.HasPrefix(url, "data:") && !strings.HasPrefix(url, "s3://") {
			return invalid(at, "invalid_image_url", "Image URLs must be data: or s3:// URLs.")
		}
	case "file", "input_audio":
		if l.NoFiles {
			return invalid(at, "unsupported_content", "This model doesn't support content of type '"+p.Type+"' with this API.")
		}
	}
	return nil
}
