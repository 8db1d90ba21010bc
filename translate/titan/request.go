package titan

import (
	"errors"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// DecodeRequest reads {inputText, textGenerationConfig}. A prompt written as a conversation becomes its messages.
func (Dialect) DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error) {
	d := decoder{req: &chat.Request{Dialect: Name}}
	x.Reader(&d.r, body)
	d.request()
	err := d.r.End()
	var wrong *json.TypeError
	switch {
	case errors.As(err, &wrong) && d.path != "":
		return nil, chat.Invalid(d.path, "invalid type for '%s': expected %s, but got %s", d.path, wrong.Want, wrong.Got)
	case err != nil:
		return nil, chat.BadJSON(body, err)
	case d.prompt.Empty():
		return nil, chat.Invalid("inputText", "'inputText' is missing or empty")
	}
	readPrompt(d.prompt, d.req)
	return d.req, nil
}

type decoder struct {
	r      json.Reader
	req    *chat.Request
	prompt chat.String
	path   string // where the reader is
}

func (d *decoder) request() {
	r, req := &d.r, d.req
	r.Object()
	for r.Member() {
		d.path = string(r.Key())
		if r.Null() {
			continue
		}
		switch key := d.path; key {
		case "inputText":
			d.prompt = r.String()
		case "textGenerationConfig":
			d.config()
		case "model":
			req.Model = r.Text()
		case "model_id":
			if id := r.Text(); req.Model == "" {
				req.Model = id
			}
		case "stream":
			req.Stream = r.Bool()
		case "file_ids":
			for r.Array(); r.Element(); {
				req.FileIDs = append(req.FileIDs, r.Text())
			}
		default:
			if v := r.Value(); r.Err() == nil {
				req.Extra = append(req.Extra, chat.Member{Key: key, Value: v})
			}
		}
	}
}

func (d *decoder) config() {
	const at = "textGenerationConfig"
	r, req := &d.r, d.req
	r.Object()
	for r.Member() {
		key := string(r.Key())
		d.path = at + "." + key
		if r.Null() {
			continue
		}
		switch key {
		case "temperature":
			req.Temperature = r.Number()
		case "topP":
			req.TopP = r.Number()
		case "maxTokenCount":
			n, ok := json.ParseInt(r.Number())
			if r.Err() == nil && (!ok || n < 0) {
				r.Fail(chat.Invalid(d.path, "'%s' must be a whole number of at least 0", d.path))
			}
			req.MaxTokens = n
		case "stopSequences":
			for r.Array(); r.Element(); {
				if s := r.Text(); s != "" {
					req.Stop = append(req.Stop, s)
				}
			}
		default:
			if v := r.Value(); r.Err() == nil {
				req.Extra = append(req.Extra, chat.Member{Key: d.path, Value: v})
			}
		}
	}
}

// EncodeRequest appends the body of InvokeModel: the conversation as a prompt. Titan has no tools and takes no media:
// a request with them is a 400.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	r, err := rules.InvokeHeaders(r, x)
	if err != nil {
		return nil, err
	}
	instruction, err := check(r, x)
	if err != nil {
		return nil, err
	}
	if err := rules.LimitOutput(r, x); err != nil {
		return nil, err
	}
	rules.BoundOutput(r, x)
	prompt, err := writePrompt(r, instruction, x)
	if err != nil {
		return nil, err
	}
	stop, err := stops(r, x)
	if err != nil {
		return nil, err
	}
	w := json.NewWriter(dst)
	w.BeginObject()
	w.Key("inputText")
	w.Text(prompt)
	if r.Temperature != nil || r.TopP != nil || r.MaxTokens > 0 || len(stop) > 0 {
		w.Key("textGenerationConfig")
		w.BeginObject()
		if r.Temperature != nil {
			w.Key("temperature")
			w.Value(rules.Clamp(r.Temperature))
		}
		if r.TopP != nil {
			w.Key("topP")
			w.Value(rules.Clamp(r.TopP))
		}
		if r.MaxTokens > 0 {
			w.Key("maxTokenCount")
			w.Int(r.MaxTokens)
		}
		if len(stop) > 0 {
			w.Key("stopSequences")
			w.BeginArray()
			for _, s := range stop {
				w.Text(s)
			}
			w.EndArray()
		}
		w.EndObject()
	}
	w.EndObject()
	return w.Bytes(), nil
}

// check refuses what Titan cannot do, drops what it has no parameter for, and returns what goes into the prompt in words.
func check(r *chat.Request, x *chat.Exchange) (instruction string, err error) {
	if err := rules.OneChoice(r, x); err != nil {
		return "", err
	}
	refuse := func(param, format string, args ...any) error {
		e := chat.Invalid(param, format, args...)
		e.Fallback = true
		return e
	}
	switch {
	case len(r.Tools) > 0 && r.ToolChoice.Kind != chat.ToolsNone:
		return "", refuse("tools", "the model '%s' has no tools; leave out 'tools' or choose another model", x.Model)
	case r.HoldsTooling():
		return "", refuse("messages", "the conversation holds tool calls, and the model '%s' has no tools", x.Model)
	}
	if err := rules.NoGuardrail(r, x); err != nil {
		return "", err
	}
	for _, p := range [...]struct {
		name string
		set  bool
	}{
		{"tools", len(r.Tools) > 0},
		{"top_k", r.TopK != nil},
		{"seed", r.Seed != nil},
		{"frequency_penalty", r.FrequencyPenalty != nil && !rules.Idle(r.FrequencyPenalty)},
		{"presence_penalty", r.PresencePenalty != nil && !rules.Idle(r.PresencePenalty)},
		{rules.ThinkingParam(r), r.Reasoning.Effort != "" && r.Reasoning.Effort != "none"},
		{"thinking", r.Reasoning.Thinking == chat.ThinkingBudget || r.Reasoning.Thinking == chat.ThinkingAdaptive},
		{"user", r.User != nil},
		{"metadata", len(r.Metadata) > 0},
		{"service_tier", !rules.UsualTier(r.ServiceTier)},
		{"performanceConfig", r.Latency != "" && r.Latency != "standard"},
		{"anthropic_beta", len(r.Betas) > 0},
	} {
		if p.set {
			if err := x.Drop(p.name); err != nil {
				return "", err
			}
		}
	}
	for i := range r.Extra {
		if m := &r.Extra[i]; !rules.IdleMember(m) && !(m.Key == "modalities" && !asksForMedia(r)) {
			if err := x.Drop(m.Key); err != nil {
				return "", err
			}
		}
	}
	if r.Format != nil {
		instruction = rules.InWords(r.Format)
	}
	return instruction, nil
}

// stops returns the stop sequences that Titan takes. Its own check is "string [x] does not match pattern
// ^(\|+|User:)$"; others are dropped.
func stops(r *chat.Request, x *chat.Exchange) (kept []string, err error) {
	for _, s := range r.Stop {
		switch {
		case s == "":
		case s == userWord, strings.Trim(s, "|") == "":
			kept = append(kept, s)
		case r.Dialect == Name:
			err = x.Drop("stopSequences")
		default:
			err = x.Drop("stop")
		}
		if err != nil {
			return nil, err
		}
	}
	return kept, nil
}
