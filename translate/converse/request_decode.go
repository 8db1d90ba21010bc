package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// decoder reads a native body that chat.Body has validated. The first error sticks.
type decoder struct {
	w   json.Walker
	x   *chat.Exchange
	err error
}

// DecodeRequest reads the body of Converse or ConverseStream. The model and whether to stream are in the URL, and
// set by the caller.
func (Dialect) DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error) {
	var b chat.Body
	if err := b.ParseBody(body); err != nil {
		return nil, err
	}
	d := decoder{x: x}
	r := &chat.Request{Dialect: Name}
	for i := range b.Members {
		m := &b.Members[i]
		d.w = json.WalkAt(body, m.ValueStart)
		if d.w.Kind() == json.Null {
			continue
		}
		d.member(r, string(m.Key))
		if d.err != nil {
			return nil, d.err
		}
	}
	return r, nil
}

func (d *decoder) member(r *chat.Request, key string) {
	switch key {
	case "messages":
		d.messages(r)
	case "system":
		r.System = d.blocks("system")
	case "inferenceConfig":
		d.inferenceConfig(r)
	case "toolConfig":
		d.toolConfig(r)
	case "guardrailConfig":
		r.Guardrail = d.objectValue(key)
	case "requestMetadata":
		for ok := d.object(key); ok && d.w.Member(); {
			k := string(d.w.Key())
			r.Metadata = append(r.Metadata, chat.Pair{Key: k, Value: d.text(key)})
		}
	case "performanceConfig":
		r.Latency = d.textMember(key, "latency")
	case "serviceTier":
		r.ServiceTier = d.textMember(key, "type")
	case "outputConfig":
		d.outputConfig(r)
	case fieldsMember:
		d.additionalFields(r)
	case "file_ids":
		for ok := d.array(key); ok && d.w.Element(); {
			r.FileIDs = append(r.FileIDs, d.text(key))
		}
	case "modelId":
		r.Model = d.text(key)
	default: // additionalModelResponseFieldPaths, promptVariables, and what is newer than this code
		r.Extra = append(r.Extra, chat.Member{Key: key, Value: d.w.Value()})
	}
}

func (d *decoder) fail(param, want string) {
	if d.err == nil {
		d.err = chat.Invalid(param, "%s must be %s", param, want)
	}
	d.w = json.Walker{}
}

// object enters an object.
func (d *decoder) object(param string) bool {
	if !d.w.Object() {
		d.fail(param, "an object")
		return false
	}
	return true
}

// array enters an array.
func (d *decoder) array(param string) bool {
	if !d.w.Array() {
		d.fail(param, "an array")
		return false
	}
	return true
}

func (d *decoder) str(param string) chat.String {
	if d.w.Kind() != json.Text {
		d.fail(param, "a string")
		return nil
	}
	return d.w.String()
}

func (d *decoder) text(param string) string { return d.str(param).Unquote() }

func (d *decoder) number(param string) chat.Value {
	if d.w.Kind() != json.Number {
		d.fail(param, "a number")
		return nil
	}
	return d.w.Value()
}

func (d *decoder) objectValue(param string) chat.Value {
	if d.w.Kind() != json.Object {
		d.fail(param, "an object")
		return nil
	}
	return d.w.Value()
}

// textMember reads an object's one member of interest.
func (d *decoder) textMember(param, key string) (text string) {
	if !d.object(param) {
		return ""
	}
	for d.w.Member() {
		if string(d.w.Key()) == key {
			text = d.text(param + "." + key)
		} else {
			d.w.Skip()
		}
	}
	return text
}

func (d *decoder) messages(r *chat.Request) {
	if !d.array("messages") {
		return
	}
	for d.w.Element() {
		if decode.Long(r.Messages) {
			r.Messages = decode.Grow(r.Messages, d.w.Left())
		}
		var m chat.Message
		if !d.object("messages") {
			return
		}
		for d.w.Member() {
			switch string(d.w.Key()) {
			case "role":
				switch role := d.text("messages.role"); role {
				case "user":
				case "assistant":
					m.Role = chat.Assistant
				default:
					d.fail("messages.role", "user or assistant")
				}
			case "content":
				m.Content = d.blocks("messages.content")
			default:
				d.w.Skip()
			}
		}
		r.Messages = append(r.Messages, m)
	}
}

func (d *decoder) inferenceConfig(r *chat.Request) {
	if !d.object("inferenceConfig") {
		return
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "maxTokens":
			n, ok := json.ParseInt(d.number("inferenceConfig.maxTokens"))
			if !ok || n < 1 {
				d.fail("inferenceConfig.maxTokens", "a whole number above 0")
			}
			r.MaxTokens = n
		case "temperature":
			r.Temperature = d.number("inferenceConfig.temperature")
		case "topP":
			r.TopP = d.number("inferenceConfig.topP")
		case "stopSequences":
			for ok := d.array("inferenceConfig.stopSequences"); ok && d.w.Element(); {
				if decode.Long(r.Stop) {
					r.Stop = decode.Grow(r.Stop, d.w.Left())
				}
				r.Stop = append(r.Stop, d.text("inferenceConfig.stopSequences"))
			}
		default:
			d.w.Skip()
		}
	}
}

// outputConfig reads the format: the schema is JSON in a string.
func (d *decoder) outputConfig(r *chat.Request) {
	if !d.object("outputConfig") {
		return
	}
	for d.w.Member() {
		switch string(d.w.Key()) {
		case "effort":
			r.Reasoning.Effort = d.text("outputConfig.effort")
		case "textFormat":
			v := json.Find(json.Find(d.objectValue("outputConfig.textFormat"), "structure"), "jsonSchema")
			if v == nil {
				d.fail("outputConfig.textFormat", "of type json_schema with a structure.jsonSchema")
				return
			}
			schema := chat.String(json.Find(v, "schema")).Bytes()
			if json.Valid(schema) != nil {
				d.fail("outputConfig.textFormat", "a JSON Schema as a string in structure.jsonSchema.schema")
				return
			}
			r.Format = &chat.Format{Schema: trim(schema)}
			if name := json.Find(v, "name"); len(name) > 0 && name[0] == '"' {
				r.Format.Name = chat.String(name).Unquote()
			}
			if text := json.Find(v, "description"); len(text) > 0 && text[0] == '"' {
				r.Format.Description = chat.String(text)
			}
		default:
			d.w.Skip()
		}
	}
}

// trim returns the value alone, without white space around it.
func trim(v []byte) chat.Value {
	w := json.WalkAt(v, 0)
	return w.Value()
}

// additionalFields reads what has a canonical field; the rest stays Converse's own.
func (d *decoder) additionalFields(r *chat.Request) {
	rest := []byte{'{'}
	if !d.object(fieldsMember) {
		return
	}
	for d.w.Member() {
		key := string(d.w.Key())
		v := d.w.Value()
		if d.field(r, key, v) {
			continue
		}
		if len(rest) > 1 {
			rest = append(rest, ',')
		}
		rest = append(json.AppendQuoted(rest, key), ':')
		rest = append(rest, v...)
	}
	if len(rest) > 1 {
		r.Extra = append(r.Extra, chat.Member{Key: fieldsMember, Value: append(rest, '}')})
	}
}

// field reads one additional field; false if it has no canonical form.
func (d *decoder) field(r *chat.Request, key string, v chat.Value) bool {
	switch key {
	case "top_k":
		if v[0] == '-' || v[0] >= '0' && v[0] <= '9' {
			r.TopK = v
			return true
		}
	case "reasoning_effort":
		if v[0] == '"' {
			r.Reasoning.Effort = chat.String(v).Unquote()
			return true
		}
	case "output_config":
		if e := json.Find(v, "effort"); len(e) > 0 && e[0] == '"' && json.Find(v, "format") == nil {
			r.Reasoning.Effort = chat.String(e).Unquote()
			return true
		}
	case "reasoningConfig":
		if e := json.Find(v, "maxReasoningEffort"); len(e) > 0 && e[0] == '"' {
			r.Reasoning.Effort = chat.String(e).Unquote()
			return true
		}
	case "thinking":
		switch string(json.Find(v, "type")) {
		case `"enabled"`:
			n, ok := json.ParseInt(json.Find(v, "budget_tokens"))
			if !ok {
				return false
			}
			r.Reasoning.Thinking, r.Reasoning.Budget = chat.ThinkingBudget, n
		case `"adaptive"`:
			r.Reasoning.Thinking = chat.ThinkingAdaptive
		case `"disabled"`:
			r.Reasoning.Thinking = chat.ThinkingOff
		default:
			return false
		}
		r.Reasoning.Display = json.Find(v, "display")
		return true
	case "anthropic_beta":
		w := json.WalkAt(v, 0)
		if w.Array() {
			for w.Element() {
				r.Betas = append(r.Betas, w.String().Unquote())
			}
			return true
		}
	}
	return false
}
