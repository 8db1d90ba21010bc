package bedrock

import (
	"encoding/json"
	"fmt"
	"strings"
)

// anthropicVersion is the one that the Messages API of both hosts knows.
const anthropicVersion = "2023-06-01"

// messages serves Anthropic's Messages: the body of InvokeModel but for what stands in headers there, and server-sent
// events.
func (x *exchange) messages() *apiError {
	a, stream, refused := x.messagesAsk(false)
	if refused != nil {
		return refused
	}
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	said := a.answer()
	if !stream {
		x.sendInvoke(w, a, x.claudeReply(a, said))
		return nil
	}
	x.claudeStream(w, a, said)
	return nil
}

// messagesCountTokens counts the input tokens of a Messages body.
func (x *exchange) messagesCountTokens() *apiError {
	a, _, refused := x.messagesAsk(true)
	if refused != nil {
		return refused
	}
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	x.w.Header().Set("Content-Type", "application/json")
	u := a.usage
	x.send(w, fmt.Appendf(nil, `{"input_tokens":%d}`, u.input+u.read+u.write))
	return nil
}

// messagesAsk reads a Messages body: it is InvokeModel's with model and stream in it, and version and betas in headers.
func (x *exchange) messagesAsk(counting bool) (a *ask, stream bool, refused *apiError) {
	value, refused := decodeJSON(x.body)
	if refused != nil {
		return nil, false, invalid("The request body is not valid JSON: %s", refused.message)
	}
	id, ok := value["model"].(string)
	if !ok {
		return nil, false, invalid("model: Field required")
	}
	x.seen.Model = id
	if x.model, refused = x.bodyModel(id, runtimeMessages, mantleMessages); refused != nil {
		return nil, false, refused
	}
	switch v := x.r.Header.Get("Anthropic-Version"); v {
	case anthropicVersion:
	case "":
		return nil, false, invalid("anthropic-version: header is required")
	default:
		return nil, false, invalid("anthropic-version: %q is not a valid version", v)
	}
	for _, name := range []string{"anthropic_version", "anthropic_beta"} {
		if _, there := value[name]; there {
			return nil, false, invalid("%s: Extra inputs are not permitted", name)
		}
	}
	if _, there := value["max_tokens"]; there && counting {
		return nil, false, invalid("max_tokens: Extra inputs are not permitted")
	}
	if v, there := value["stream"]; there {
		if stream, ok = v.(bool); !ok || counting {
			return nil, false, invalid("stream: Input should be a valid boolean")
		}
	}
	delete(value, "model")
	delete(value, "stream")
	value["anthropic_version"] = "bedrock-2023-05-31"
	var betas []string
	for _, line := range x.r.Header.Values("Anthropic-Beta") {
		for one := range strings.SplitSeq(line, ",") {
			betas = append(betas, strings.TrimSpace(one))
		}
	}
	if betas != nil {
		value["anthropic_beta"] = betas
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, false, invalid("%s", err)
	}
	x.sse = stream
	a, refused = x.claudeAsk(body, counting)
	return a, stream, refused
}
