package responses

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// efforts are the values of reasoning.effort.
var efforts = []string{"none", "minimal", "low", "medium", "high", "xhigh", "max"}

// stored are the members that name what only a store of responses has, and what a client does without one.
var stored = map[string]string{
	"previous_response_id": "send the whole conversation in 'input'",
	"conversation":         "send the whole conversation in 'input'",
	"prompt":               "send the prompt's own text in 'instructions' and 'input'",
}

// moved are members of Chat Completions, and what Responses has for them; the words are OpenAI's.
var moved = map[string]string{
	"messages": "input", "max_tokens": "max_output_tokens", "max_completion_tokens": "max_output_tokens",
	"response_format": "text.format", "reasoning_effort": "reasoning.effort", "functions": "tools", "function_call": "tool_choice",
}

// usual are the values that ask for nothing but what happens anyway.
var usual = map[string]string{
	"truncation": `"disabled"`, "background": "false", "top_logprobs": "0", "max_tool_calls": "0", "prompt_cache_retention": `"in_memory"`,
}

// option reads the members that are seldom there.
func (d *requestDecoder) option(key string) {
	r := &d.R
	switch key {
	case "store":
		// Where nothing is stored, the reply says so.
		if r.Bool() {
			d.kept.expectsStore = true
			if !d.x.Stored {
				d.omit(key)
			}
		} else {
			d.kept.refusesStore = true
		}
		return
	case "include":
		d.include()
		return
	case "stream_options":
		r.Object()
		for r.Member() {
			if d.At(1); string(r.Key()) == "include_obfuscation" && !r.Null() {
				if r.Bool() { // it pads the stream, which hides nothing from the next hop
					d.omit("stream_options.include_obfuscation")
				}
			} else {
				r.Skip()
			}
		}
		return
	}
	if instead, ok := stored[key]; ok {
		r.Skip()
		d.unsupported(key, instead)
		return
	}
	if to, ok := moved[key]; ok {
		d.FailAt(0, key, "Unsupported parameter: '%s'. In the Responses API, this parameter has moved to '%s'. Try again with the new parameter.", key, to)
		return
	}
	v := r.Value()
	switch {
	case usual[key] == string(v):
	case key == "background" && string(v) == "true":
		d.unsupported(key, "leave it out, and stream the reply if it may take long")
	default:
		d.extra(key, v)
	}
}

// unsupported refuses a member that would need stored responses.
func (d *requestDecoder) unsupported(param, instead string) {
	if d.R.Err() != nil {
		return
	}
	e := chat.Invalid(param, "'%s' is not supported for the model '%s': this gateway stores no responses; %s", param, d.x.Model, instead)
	e.Code, e.Fallback = "unsupported_parameter", true // an upstream of OpenAI's own takes it
	d.R.Fail(e)
}

// include reads what the client wants shown. Encrypted reasoning is all of it that other models have.
func (d *requestDecoder) include() {
	r := &d.R
	v := r.ArrayValue()
	others := false
	d.Within(v, func() {
		d.R.Array()
		for i := 0; d.R.Element(); i++ {
			d.Item(0, i)
			if d.R.Text() == "reasoning.encrypted_content" {
				d.kept.encrypted = true
			} else {
				others = true
			}
		}
	})
	if others {
		d.extra("include", v)
	}
}

// metadata reads strings by their names.
func (d *requestDecoder) metadata() {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(1)
		key := string(r.Key())
		d.req.Metadata = append(d.req.Metadata, chat.Pair{Key: key, Value: r.Text()})
	}
}

// reasoningOptions reads {effort, summary, context, mode}; its members stand at level of the path. top: it is the request's
// own, else an update amid the conversation.
func (d *requestDecoder) reasoningOptions(level int, top bool) {
	r, req := &d.R, d.req
	r.Object()
	for r.Member() {
		d.At(level)
		if r.Null() {
			continue
		}
		switch key := string(r.Key()); key {
		case "effort":
			if req.Reasoning.Effort = r.Text(); r.Err() == nil && !slices.Contains(efforts, req.Reasoning.Effort) {
				d.Fail("invalid value: '%s'; supported values are: none, minimal, low, medium, high, xhigh and max", req.Reasoning.Effort)
			}
		case "summary", "generate_summary":
			v := json.Value(r.String())
			d.kept.summary = true
			if d.same {
				d.extra("reasoning."+key, v)
			}
		case "context", "mode":
			if v := r.Value(); string(v) != `"auto"` && string(v) != `"standard"` {
				d.extra("reasoning."+key, v)
			}
		default:
			d.other("reasoning."+key, top)
		}
	}
}

// textOptions reads {format, verbosity} likewise.
func (d *requestDecoder) textOptions(level int, top bool) {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(level)
		if r.Null() {
			continue
		}
		switch key := string(r.Key()); key {
		case "format":
			d.format(level + 1)
		case "verbosity":
			if v := r.Value(); string(v) != `"medium"` {
				d.extra("text.verbosity", v)
			}
		default:
			d.other("text."+key, top)
		}
	}
}

// other keeps a member that is newer than this.
func (d *requestDecoder) other(path string, top bool) {
	if v := d.R.Value(); top {
		d.extra(path, v)
	} else {
		d.omit("input.configuration_update." + path)
	}
}

// format reads text.format: the schema stands flat beside the type. Text is what there is without one.
func (d *requestDecoder) format(level int) {
	r := &d.R
	var f chat.Format
	kind := ""
	r.Object()
	for r.Member() {
		d.At(level)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "type":
			kind = r.Text()
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
			d.omit("text.format." + chat.Clip(string(r.Key())))
		}
	}
	switch kind {
	case "text":
		d.req.Format = nil
	case "json_object":
		d.req.Format = &chat.Format{}
	case "json_schema":
		if f.Schema == nil {
			d.Missing(level, "schema")
		}
		if f.Name == "" {
			d.Missing(level, "name")
		}
		d.req.Format = &f
	case "":
		d.Missing(level, "type")
	case "grammar", "python": // of older versions of the API
		d.FailAt(level, "type", "the format '%s' is not supported; supported values are: text, json_object and json_schema", kind)
	default:
		d.FailAt(level, "type", "invalid value: '%s'; supported values are: text, json_object and json_schema", kind)
	}
}
