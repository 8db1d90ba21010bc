package claude

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// efforts are the values of output_config.effort.
var efforts = [...]string{"low", "medium", "high", "xhigh", "max"}

// texts reads a list of strings.
func (d *decoder) texts(to []string) []string {
	r := &d.r
	r.Array()
	for i := 0; r.Element(); i++ {
		d.item(0, i)
		if decode.Long(to) {
			to = decode.Grow(to, r.Left())
		}
		to = append(to, r.Text())
	}
	return to
}

// whole reads a whole number of at least least.
func (d *decoder) whole(least int64) int64 {
	tok := d.r.Number()
	if d.r.Err() != nil {
		return 0
	}
	n, ok := json.ParseInt(tok)
	if !ok || n < least {
		d.fail("expected a whole number of at least %d, but got %s", least, chat.Clip(string(tok)))
		return 0
	}
	return n
}

// thinking reads {type, budget_tokens, display}.
func (d *decoder) thinking() {
	r, reasoning := &d.r, &d.req.Reasoning
	kind := ""
	r.Object()
	for r.Member() {
		d.at(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "budget_tokens":
			reasoning.Budget = d.whole(1)
		case "display":
			reasoning.Display = r.Value()
		default:
			d.omit("thinking.")
		}
	}
	switch kind {
	case "enabled":
		if reasoning.Thinking = chat.ThinkingBudget; reasoning.Budget == 0 {
			d.missing(1, "budget_tokens")
		}
	case "adaptive":
		reasoning.Thinking = chat.ThinkingAdaptive
	case "between_tools":
		reasoning.Thinking = chat.ThinkingAdaptive
		d.x.Note("thinking between tools is not told apart from adaptive thinking")
	case "disabled":
		reasoning.Thinking = chat.ThinkingOff
	case "":
		d.missing(1, "type")
	default:
		d.failAt(1, "type", "Input tag '%s' does not match any of the expected tags: 'adaptive', 'between_tools', 'disabled', 'enabled'", chat.Clip(kind))
	}
}

// outputConfig reads {effort, format}.
func (d *decoder) outputConfig() {
	r := &d.r
	r.Object()
	for r.Member() {
		d.at(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "effort":
			effort := r.Text()
			if r.Err() == nil && !slices.Contains(efforts[:], effort) {
				d.fail("Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
			}
			d.req.Reasoning.Effort = effort
		case "format":
			d.format(2)
		default:
			d.omit("output_config.")
		}
	}
}

// format reads {type, schema}; its members stand at level of the path.
func (d *decoder) format(level int) {
	r := &d.r
	f := &chat.Format{}
	kind := ""
	r.Object()
	for r.Member() {
		d.at(level)
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "schema":
			f.Schema = r.ObjectValue()
		default:
			r.Skip()
		}
	}
	switch {
	case kind != "json_schema":
		d.failAt(level, "type", "Input should be 'json_schema'")
	case f.Schema == nil:
		d.missing(level, "schema")
	}
	d.req.Format = f
}

// omit skips a member that only Claude knows and that has no canonical field, and lists it.
func (d *decoder) omit(of string) {
	key := string(d.r.Key())
	d.r.Skip()
	if d.r.Err() == nil && rules.LegalName(key) {
		d.x.Omit(of + key)
	}
}
