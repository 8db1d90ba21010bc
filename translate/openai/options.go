package openai

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// efforts are the values of reasoning_effort.
var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// option reads the members that are objects of their own or seldom there.
func (d *decoder) option() {
	r, req := &d.R, d.req
	switch key := string(r.Key()); key {
	case "stream_options":
		r.Object()
		for r.Member() {
			if d.At(1); string(r.Key()) == "include_usage" && !r.Null() {
				req.IncludeUsage = r.Bool()
			} else {
				r.Skip() // include_obfuscation pads the stream, which hides nothing from the next hop
			}
		}
		d.x.IncludeUsage = req.IncludeUsage
	case "response_format":
		d.format()
	case "reasoning_effort":
		if req.Reasoning.Effort = r.Text(); r.Err() == nil && !slices.Contains(efforts, req.Reasoning.Effort) {
			d.Fail("invalid value: '%s'; supported values are: none, minimal, low, medium, high, xhigh and max", req.Reasoning.Effort)
		}
	case "thinking":
		d.thinking()
	case "service_tier":
		req.ServiceTier = r.Text()
	case "user":
		req.User = r.String()
	case "metadata":
		d.metadata()
	case "guardrailConfig":
		d.guardrail()
	case "requestMetadata":
		d.requestMetadata()
	case "performanceConfig", "serviceTier", "promptVariables", "outputConfig", "additionalModelRequestFields":
		// Converse's own, in its own form, for a target that is asked by Converse.
		req.Extra = append(req.Extra, chat.Member{Key: key, Value: r.ObjectValue()})
	case "projectIdentifier":
		req.Extra = append(req.Extra, chat.Member{Key: key, Value: json.Value(r.String())})
	case "additionalModelResponseFieldPaths":
		d.fieldPaths()
	case "file_ids":
		r.Array()
		for i := 0; r.Element(); i++ {
			d.Item(0, i)
			req.FileIDs = append(req.FileIDs, r.Text())
		}
	default:
		v := r.Value()
		if !idle(key, v) && r.Err() == nil {
			req.Extra = append(req.Extra, chat.Member{Key: key, Value: v})
		}
	}
}

// idle reports whether a member asks for nothing but what every model does anyway, so that it need not be listed as dropped.
func idle(key string, v json.Value) bool {
	switch key {
	case "logprobs", "store":
		return string(v) == "false"
	case "modalities":
		return string(json.AppendCompact(nil, v)) == `["text"]`
	case "logit_bias":
		return string(json.AppendCompact(nil, v)) == "{}"
	}
	return false
}

// metadata reads strings by their names.
func (d *decoder) metadata() {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(1)
		key := string(r.Key())
		d.req.Metadata = append(d.req.Metadata, chat.Pair{Key: key, Value: r.Text()})
	}
}

// fieldPaths keeps Converse's list of the fields that the client wants of the model's own reply.
func (d *decoder) fieldPaths() {
	r := &d.R
	if r.Kind() != json.Array {
		r.Array() // fails in the reader's words
		return
	}
	v := r.Value()
	w := json.WalkAt(v, 0)
	for ok := w.Array(); ok && w.Element(); w.Skip() {
		if w.Kind() != json.Text {
			d.Fail("invalid type for 'additionalModelResponseFieldPaths': expected an array of strings")
			return
		}
	}
	d.x.ShowFields = true
	d.req.Extra = append(d.req.Extra, chat.Member{Key: "additionalModelResponseFieldPaths", Value: v})
}

// requestMetadata keeps Converse's object whole. What Bedrock would refuse of it is a 400 that names the entry.
func (d *decoder) requestMetadata() {
	r := &d.R
	v := r.ObjectValue()
	if r.Err() != nil {
		return
	}
	n := 0
	w := json.WalkAt(v, 0)
	for w.Object(); w.Member(); n++ {
		key := string(w.Key())
		value, text := "", w.Kind() == json.Text
		if text {
			value = w.String().Unquote()
		} else {
			w.Skip()
		}
		if !text || key == "" || !rules.MetadataText(key) || !rules.MetadataText(value) {
			d.Fail("invalid entry '%s' of 'requestMetadata': expected a key and a string of at most 256 letters, digits, spaces and :_@$#=/+,-. each", chat.Clip(key))
		}
	}
	if n > rules.MaxMetadata {
		d.Fail("invalid 'requestMetadata': expected at most %d entries, but got %d", rules.MaxMetadata, n)
	}
	d.req.Extra = append(d.req.Extra, chat.Member{Key: "requestMetadata", Value: v})
}

// guardrail keeps Converse's guardrailConfig whole and looks whether its trace is asked for.
func (d *decoder) guardrail() {
	v := d.R.ObjectValue()
	if d.R.Err() != nil {
		return
	}
	d.req.Guardrail = v
	w := json.WalkAt(v, 0)
	w.Object()
	for w.Member() {
		if string(w.Key()) != "trace" {
			w.Skip()
			continue
		}
		switch w.String().Unquote() {
		case "enabled", "enabled_full":
			d.x.ShowTrace = true
		}
	}
}

// thinking reads Claude's own object: {type, budget_tokens, display}.
func (d *decoder) thinking() {
	r, reasoning := &d.R, &d.req.Reasoning
	r.Object()
	for r.Member() {
		d.At(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			switch kind := r.Text(); kind {
			case "enabled":
				reasoning.Thinking = chat.ThinkingBudget
			case "adaptive":
				reasoning.Thinking = chat.ThinkingAdaptive
			case "disabled":
				reasoning.Thinking = chat.ThinkingOff
			default:
				d.Fail("invalid value: '%s'; supported values are: enabled, adaptive and disabled", kind)
			}
		case "budget_tokens":
			reasoning.Budget = d.Whole(1)
		case "display":
			reasoning.Display = r.Value()
		default:
			r.Skip()
		}
	}
	switch {
	case reasoning.Thinking == chat.ThinkingUnset:
		d.Missing(1, "type")
	case reasoning.Thinking == chat.ThinkingBudget && reasoning.Budget == 0:
		d.Missing(1, "budget_tokens")
	}
}

// format reads response_format. Text is what there is without one.
func (d *decoder) format() {
	r := &d.R
	r.Object()
	var f chat.Format
	kind, schema := "", false
	for r.Member() {
		d.At(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
		case "json_schema":
			schema = true
			d.jsonSchema(&f)
		default:
			r.Skip()
		}
	}
	switch kind {
	case "text":
	case "json_object":
		d.req.Format = &chat.Format{}
	case "json_schema":
		if !schema {
			d.Missing(1, "json_schema")
		}
		d.req.Format = &f
	case "":
		d.Missing(1, "type")
	default:
		d.FailAt(1, "type", "invalid value: '%s'; supported values are: text, json_object and json_schema", kind)
	}
}

func (d *decoder) jsonSchema(f *chat.Format) {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(2)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "name":
			f.Name = r.Text()
		case "description":
			f.Description = r.String()
		case "schema":
			f.Schema = r.ObjectValue()
		case "strict":
			f.Strict = d.Bool()
		default:
			r.Skip()
		}
	}
}
