package bedrock

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// countTokens serves CountTokens, which only Claude models have. A Converse input needs no complete conversation rules
// but those of its shape; an InvokeModel body is held against Claude's.
func (x *exchange) countTokens() *apiError {
	value, refused := decodeJSON(x.body)
	if refused != nil {
		return refused
	}
	if refused = countTokensShape.check(value); refused != nil {
		return refused
	}
	if x.model.family != "claude" {
		return invalid("The provided model doesn't support counting tokens.")
	}
	var in struct {
		Input struct {
			InvokeModel *struct{ Body string }
			Converse    *converseRequest
		}
	}
	if err := json.Unmarshal(x.body, &in); err != nil {
		return &apiError{name: "SerializationException", message: err.Error()}
	}
	a := &ask{model: x.model}
	if q := in.Input.Converse; q != nil {
		if a, refused = q.check(x.model, false); refused != nil {
			return refused
		}
		a.usage.input = q.prefix(x.model).tokens
	} else {
		body, _ := base64.StdEncoding.DecodeString(in.Input.InvokeModel.Body)
		if a, refused = x.claudeAsk(body, true); refused != nil {
			return refused
		}
	}
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	x.w.Header().Set("Content-Type", "application/json")
	u := a.usage
	x.send(w, fmt.Appendf(nil, `{"inputTokens":%d}`, u.input+u.read+u.write))
	return nil
}
