package converse

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// parameters writes inferenceConfig and the members beside it, and drops what Converse cannot say.
func (e *encoder) parameters() {
	r := e.r
	o := object{name: "inferenceConfig"}
	if n := e.thinking.tokens; n > 0 && !e.thinking.unsaid {
		e.key(&o, "maxTokens")
		e.w.Int(n)
	}
	if v := r.Temperature; v != nil && e.samples("temperature", v) {
		e.key(&o, "temperature")
		e.w.Value(rules.Clamp(v))
	}
	if v := r.TopP; v != nil && e.samples("top_p", v) {
		if r.Temperature != nil && e.f.OneSampling {
			e.drop("top_p")
		} else {
			e.key(&o, "topP")
			e.w.Value(rules.Clamp(v))
		}
	}
	e.stop(&o)
	e.end(&o)

	if r.Latency != "" {
		e.w.Raw(`"performanceConfig":{"latency":`)
		e.w.Text(r.Latency)
		e.w.EndObject()
	}
	e.serviceTier()
	e.metadata()
	if r.User != nil {
		e.drop("user")
	}
	rules.OmitNames(r, e.x)
}

// samples reports whether the model takes the named parameter of sampling; if not, it is dropped. Claude at work with
// reasoning takes none, but 1 is what it does anyway.
func (e *encoder) samples(param string, v chat.Value) bool {
	if !e.f.NoSampling && !e.thinking.sampling {
		return true
	}
	if n, err := strconv.ParseFloat(string(v), 64); param == "top_k" || err != nil || n != 1 {
		e.drop(param)
	}
	return false
}

// stop writes the stop sequences. Claude refuses those of white space alone.
func (e *encoder) stop(o *object) {
	stops, err := rules.Stops(e.r, e.x, e.f.Family != model.Claude, "stop")
	e.fail(err)
	if len(stops) == 0 {
		return
	}
	e.key(o, "stopSequences")
	e.w.BeginArray()
	for _, s := range stops {
		e.w.Text(s)
	}
	e.w.EndArray()
}

// serviceTier writes the tier; the default one is not written, since models without tiers refuse the member.
func (e *encoder) serviceTier() {
	switch t := e.r.ServiceTier; t {
	case "flex", "priority", "reserved":
		e.w.Raw(`"serviceTier":{"type":`)
		e.w.Text(t)
		e.w.EndObject()
	default:
		if !rules.UsualTier(t) {
			e.drop("service_tier")
		}
	}
}

// metadata writes what fits requestMetadata.
func (e *encoder) metadata() {
	o := object{name: "requestMetadata"}
	n := 0
	for i := range e.r.Metadata {
		p := &e.r.Metadata[i]
		if n == rules.MaxMetadata || p.Key == "" || !rules.MetadataText(p.Key) || !rules.MetadataText(p.Value) {
			e.drop("metadata")
			continue
		}
		n++
		e.key(&o, p.Key) // of characters that need no escape
		e.w.Text(p.Value)
	}
	e.end(&o)
}

// guardrail writes the configured guardrail, or the request's own if it may choose.
func (e *encoder) guardrail() {
	g := e.x.Guardrail
	if own := e.r.Guardrail; own != nil {
		if g == nil || e.x.GuardrailOverride {
			g = own
		} else {
			e.x.Omit("guardrailConfig")
		}
	}
	if g == nil {
		return
	}
	e.w.Key("guardrailConfig")
	e.w.BeginObject()
	w := json.WalkAt(g, 0)
	w.Object()
	for w.Member() {
		switch key := string(w.Key()); key {
		case "guardrailIdentifier", "guardrailVersion", "trace":
			v := w.Value()
			e.w.Key(key)
			e.w.Value(v)
			if key == "trace" && (string(v) == `"enabled"` || string(v) == `"enabled_full"`) {
				e.x.ShowTrace = true
			}
		case "streamProcessingMode":
			v := w.Value()
			if e.r.Stream { // Converse refuses what ConverseStream takes
				e.w.Key(key)
				e.w.Value(v)
			}
		default:
			w.Skip()
		}
	}
	e.w.EndObject()
}
