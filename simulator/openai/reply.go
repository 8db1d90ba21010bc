package openai

import (
	"encoding/json"
	"math"
)

// The reply's form: types/chat/chat_completion.py and chat_completion_chunk.py of the openai Python library. Members
// that the real API always sends are never omitted, null where empty.

type completion struct {
	ID                string         `json:"id"`
	Object            string         `json:"object"`
	Created           int64          `json:"created"`
	Model             string         `json:"model"`
	Choices           []choiceObject `json:"choices"`
	Usage             *usage         `json:"usage"`
	ServiceTier       string         `json:"service_tier"`
	SystemFingerprint string         `json:"system_fingerprint"`
}

type choiceObject struct {
	Index        int           `json:"index"`
	Message      messageObject `json:"message"`
	Logprobs     *logprobs     `json:"logprobs"`
	FinishReason string        `json:"finish_reason"`
}

type messageObject struct {
	Role         string        `json:"role"`
	Content      *string       `json:"content"`
	ToolCalls    []callObject  `json:"tool_calls,omitempty"`
	FunctionCall *functionPart `json:"function_call,omitempty"`
	Refusal      *string       `json:"refusal"`
	Annotations  []struct{}    `json:"annotations"`
	Novelty      string        `json:"novelty,omitempty"`
}

type callObject struct {
	Index    *int          `json:"index,omitempty"`
	ID       string        `json:"id,omitempty"`
	Type     string        `json:"type,omitempty"`
	Function *functionPart `json:"function,omitempty"`
	Custom   *customPart   `json:"custom,omitempty"`
}

type functionPart struct {
	Name      string `json:"name,omitempty"`
	Arguments string `json:"arguments"`
}

type customPart struct {
	Name  string `json:"name,omitempty"`
	Input string `json:"input"`
}

type usage struct {
	PromptTokens        int           `json:"prompt_tokens"`
	CompletionTokens    int           `json:"completion_tokens"`
	TotalTokens         int           `json:"total_tokens"`
	PromptTokensDetails promptDetails `json:"prompt_tokens_details"`
	CompletionDetails   outputDetails `json:"completion_tokens_details"`
}

type promptDetails struct {
	CachedTokens int `json:"cached_tokens"`
	AudioTokens  int `json:"audio_tokens"`
}

type outputDetails struct {
	ReasoningTokens int `json:"reasoning_tokens"`
	AudioTokens     int `json:"audio_tokens"`
	Accepted        int `json:"accepted_prediction_tokens"`
	Rejected        int `json:"rejected_prediction_tokens"`
}

func usageOf(r *chatRequest, answers []answer) *usage {
	u := &usage{PromptTokens: r.promptTokens()}
	// Prompts of 1024 tokens and more are cached in steps of 128.
	if u.PromptTokens >= 1024 {
		u.PromptTokensDetails.CachedTokens = u.PromptTokens / 128 * 128
	}
	for i := range answers {
		u.CompletionTokens += answers[i].completionTokens()
		u.CompletionDetails.ReasoningTokens += answers[i].reasoning
	}
	u.TotalTokens = u.PromptTokens + u.CompletionTokens
	return u
}

type logprobs struct {
	Content []tokenLogprob `json:"content"`
	Refusal []tokenLogprob `json:"refusal"`
}

type tokenLogprob struct {
	Token   string          `json:"token"`
	Logprob float64         `json:"logprob"`
	Bytes   []int           `json:"bytes"`
	Top     *[]tokenLogprob `json:"top_logprobs,omitempty"`
}

// logprobsOf assigns each piece of text a likelihood that depends on nothing but its length.
func (r *chatRequest) logprobsOf(parts []string) *logprobs {
	if !r.Logprobs {
		return nil
	}
	l := &logprobs{Content: make([]tokenLogprob, 0, len(parts))}
	for _, p := range parts {
		t := likelihood(p, 0)
		top := []tokenLogprob{}
		if r.TopLogprobs != nil {
			for i := range *r.TopLogprobs {
				top = append(top, likelihood(p, i))
			}
		}
		t.Top = &top
		l.Content = append(l.Content, t)
	}
	return l
}

func likelihood(token string, rank int) tokenLogprob {
	b := make([]int, 0, len(token))
	for i := range len(token) {
		b = append(b, int(token[i]))
	}
	return tokenLogprob{Token: token, Logprob: -math.Round(1e4*float64(rank+1)/float64(len(token)+1)) / 1e4, Bytes: b}
}

// choiceOf is one whole choice of a reply.
func (r *chatRequest) choiceOf(i int, a answer) choiceObject {
	c := choiceObject{
		Index:        i,
		FinishReason: a.finish,
		Message:      messageObject{Role: "assistant", Refusal: orNull(a.refusal), Annotations: []struct{}{}},
	}
	if a.unknown {
		c.Message.Novelty = "something new"
	}
	if a.text != "" || len(a.calls) == 0 && a.refusal == "" {
		c.Message.Content = &a.text
		c.Logprobs = r.logprobsOf(pieces(a.text))
	}
	for _, k := range a.calls {
		if a.legacy {
			c.Message.FunctionCall = &functionPart{Name: k.name, Arguments: k.arguments}
			continue
		}
		c.Message.ToolCalls = append(c.Message.ToolCalls, k.object(nil, k.arguments))
	}
	return c
}

// object is the call with its name and the given arguments; index is for streams.
func (k call) object(index *int, arguments string) callObject {
	o := callObject{Index: index, ID: k.id, Type: "function"}
	if k.custom {
		o.Type = "custom"
		o.Custom = &customPart{Name: k.name, Input: arguments}
		return o
	}
	o.Function = &functionPart{Name: k.name, Arguments: arguments}
	return o
}

// fragment is a further piece of the call's arguments in a stream.
func (k call) fragment(index *int, arguments string) callObject {
	if k.custom {
		return callObject{Index: index, Custom: &customPart{Input: arguments}}
	}
	return callObject{Index: index, Function: &functionPart{Arguments: arguments}}
}

// chunk is one event of a stream. Usage is absent unless it was asked for, then null but in the last one.
type chunk struct {
	ID                string           `json:"id"`
	Object            string           `json:"object"`
	Created           int64            `json:"created"`
	Model             string           `json:"model"`
	ServiceTier       string           `json:"service_tier"`
	SystemFingerprint string           `json:"system_fingerprint"`
	Choices           []deltaChoice    `json:"choices"`
	Usage             *json.RawMessage `json:"usage,omitempty"`
	Obfuscation       string           `json:"obfuscation,omitempty"`
}

type deltaChoice struct {
	Index        int       `json:"index"`
	Delta        delta     `json:"delta"`
	Logprobs     *logprobs `json:"logprobs"`
	FinishReason *string   `json:"finish_reason"`
}

// delta is what one event adds. Content and Refusal are raw, since null and absent differ.
type delta struct {
	Role         string           `json:"role,omitempty"`
	Content      *json.RawMessage `json:"content,omitempty"`
	ToolCalls    []callObject     `json:"tool_calls,omitempty"`
	FunctionCall *functionPart    `json:"function_call,omitempty"`
	Refusal      *json.RawMessage `json:"refusal,omitempty"`
	Novelty      string           `json:"novelty,omitempty"`
}

// raw is v as it stands in a chunk.
func raw(v any) *json.RawMessage {
	m := json.RawMessage(marshal(v))
	return &m
}
