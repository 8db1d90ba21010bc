package rules

import (
	"slices"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// longOutput is the beta by which Claude 3.7 writes up to longOutputTokens
// (https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-37.html).
const (
	longOutput       = "output-128k-2025-02-19"
	longOutputTokens = 128_000
)

// mostOutput returns the most tokens that a reply may have; 0 if that is unknown.
func mostOutput(betas []string, f *model.Facts) int64 {
	if f.MaxOutput > 0 && !f.OutputBound && slices.Contains(betas, longOutput) && f.Beta(longOutput) {
		return max(f.MaxOutput, longOutputTokens)
	}
	return f.MaxOutput
}

// CutOutput returns the limit for a reply of which a client wants n tokens, the model's own where n is above it, and whether
// it is another one than n. Providers refuse more with a 400, while clients send one number to every model: opencode, cline,
// pydantic-ai and mirascope send 32,000 to Nova. A cut is listed among what was dropped, or refused where the config wants
// that. param is the client's word for the limit.
func CutOutput(n int64, param string, betas []string, x *chat.Exchange) (limit int64, cut bool, err error) {
	most := mostOutput(betas, &x.Facts)
	if most <= 0 || n <= most {
		return n, false, nil
	}
	if x.RejectUnsupported {
		e := chat.Invalid(param, "%s is too large: %d; the model '%s' supports at most %d output tokens", param, n, x.Model, most)
		e.Fallback = true
		return n, false, e
	}
	x.Omit(param + " above " + strconv.FormatInt(most, 10))
	return most, true, nil
}

// LimitOutput cuts the limit of the reply's tokens down to the model's own, and with it a budget for reasoning, which must
// be below the limit.
func LimitOutput(r *chat.Request, x *chat.Exchange) error {
	limit, _, err := CutOutput(r.MaxTokens, limitParam(r), r.Betas, x)
	if err != nil {
		return err
	}
	r.MaxTokens = limit
	if most := mostOutput(r.Betas, &x.Facts); most > 0 && r.Reasoning.Thinking == chat.ThinkingBudget && r.Reasoning.Budget >= most {
		r.Reasoning.Budget = max(most-answerRoom, most/2)
		x.Omit("thinking.budget_tokens above " + strconv.FormatInt(r.Reasoning.Budget, 10))
	}
	return nil
}

// BoundOutput returns a limit that the config sets hold for a request without one.
func BoundOutput(r *chat.Request, x *chat.Exchange) {
	if r.MaxTokens <= 0 && x.Facts.OutputBound {
		r.MaxTokens = x.Facts.MaxOutput
	}
}

// limitParam is the client's word for the limit of output tokens.
func limitParam(r *chat.Request) string {
	switch r.Dialect {
	case "converse":
		return "inferenceConfig.maxTokens"
	case "titan":
		return "textGenerationConfig.maxTokenCount"
	case responses:
		return "max_output_tokens"
	}
	return "max_tokens"
}

// SpliceLimit returns a body's object of settings with its member key, a limit of output tokens, cut down to the model's own;
// nil if the object stays as it is. A limit that the config sets is added to an object without one. param is the client's
// word for the limit.
func SpliceLimit(settings chat.Value, key, param string, x *chat.Exchange) ([]byte, error) {
	if x.Facts.MaxOutput <= 0 {
		return nil, nil
	}
	given := json.Find(settings, key)
	if len(given) == 0 || string(given) == "null" {
		if !x.Facts.OutputBound || len(settings) > 0 && settings[0] != '{' {
			return nil, nil
		}
		return setLimit(settings, key, x.Facts.MaxOutput), nil
	}
	n, ok := json.ParseInt(given)
	if !ok { // not a whole number: for the provider to refuse
		return nil, nil
	}
	limit, cut, err := CutOutput(n, param, nil, x)
	if err != nil || !cut {
		return nil, err
	}
	return setLimit(settings, key, limit), nil
}

func setLimit(settings chat.Value, key string, limit int64) []byte {
	n := strconv.AppendInt(nil, limit, 10)
	if len(settings) == 0 {
		settings = chat.Value("{}")
	}
	var edits []json.Edit
	w := json.WalkAt(settings, 0)
	found := false
	m := json.EditObject(&w, &edits)
	for m.Next() {
		if string(m.Key()) == key {
			m.Set(n)
			found = true
		} else {
			w.Skip()
		}
	}
	if !found {
		m.Add(key, n)
	}
	json.SortEdits(edits)
	return json.AppendEdited(nil, settings, edits)
}
