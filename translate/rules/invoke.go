package rules

import (
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The headers of InvokeModel that stand for members of Converse's body: botocore 1.44.8, InvokeModelRequest, and
// https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html.
const (
	headerGuardrail        = "X-Amzn-Bedrock-Guardrailidentifier"
	headerGuardrailVersion = "X-Amzn-Bedrock-Guardrailversion"
	headerTrace            = "X-Amzn-Bedrock-Trace"
	headerLatency          = "X-Amzn-Bedrock-Performanceconfig-Latency"
	headerTier             = "X-Amzn-Bedrock-Service-Tier"
	headerMetadata         = "X-Amzn-Bedrock-Request-Metadata"
	headerProject          = "X-Amzn-Bedrock-Projectidentifier"
)

// InvokeHeaders puts what InvokeModel takes in headers into x.Headers, and returns the request without it. For another API it
// returns r as it is.
func InvokeHeaders(r *chat.Request, x *chat.Exchange) (*chat.Request, error) {
	if x.Access.API != model.Invoke {
		return r, nil
	}
	h := invokeHeaders{x: x}
	own := *r
	own.Extra, own.Metadata, own.Guardrail = nil, nil, nil
	for i := range r.Extra {
		if m := &r.Extra[i]; !h.passed(&own, m) {
			own.Extra = append(own.Extra, *m)
		}
	}
	if r.Guardrail != nil {
		h.guardrail(r.Guardrail)
	}
	if own.Latency == "optimized" {
		h.set("performanceConfig", headerLatency, own.Latency)
		own.Latency = ""
	}
	switch own.ServiceTier {
	case "flex", "priority", "reserved":
		h.set("serviceTier", headerTier, own.ServiceTier)
		own.ServiceTier = ""
	}
	own.Metadata = h.metadata(r.Metadata)
	return &own, h.err
}

// invokeHeaders collects the headers.
type invokeHeaders struct {
	x    *chat.Exchange
	said []chat.Pair // of requestMetadata
	err  error
}

// set sets the header for what the client says in its member param.
func (h *invokeHeaders) set(param, name, value string) {
	if strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c > '~' }) {
		h.err = chat.Invalid(param, "%s has characters that no header can carry", param)
		return
	}
	h.x.Headers = append(h.x.Headers, chat.Pair{Key: name, Value: value})
}

// passed takes a member of Converse's that an OpenAI body holds; false if the member is none that has a header. The decoder has
// checked their types.
func (h *invokeHeaders) passed(own *chat.Request, m *chat.Member) bool {
	if own.Dialect != openAI {
		return false
	}
	switch m.Key {
	case "performanceConfig":
		own.Latency = textOf(json.Find(m.Value, "latency"))
	case "serviceTier":
		own.ServiceTier = textOf(json.Find(m.Value, "type"))
	case "projectIdentifier":
		h.set(m.Key, headerProject, textOf(m.Value))
	case "requestMetadata":
		w := json.WalkAt(m.Value, 0)
		for w.Object(); w.Member(); {
			key := string(w.Key())
			h.said = append(h.said, chat.Pair{Key: key, Value: w.String().Unquote()})
		}
	default:
		return false
	}
	return true
}

// openAI is the name of the dialect whose bodies may hold members of Converse's.
const openAI = "openai"

func textOf(v chat.Value) string {
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return chat.String(v).Unquote()
}

// guardrail names the request's own guardrail, if the configuration has none or allows another.
func (h *invokeHeaders) guardrail(g chat.Value) {
	const param = "guardrailConfig"
	if h.x.Guardrail != nil && !h.x.GuardrailOverride {
		h.x.Omit(param)
		return
	}
	w := json.WalkAt(g, 0)
	for w.Object(); w.Member(); {
		key, v := string(w.Key()), textOf(w.Value())
		switch key {
		case "guardrailIdentifier":
			h.set(param, headerGuardrail, v)
		case "guardrailVersion":
			h.set(param, headerGuardrailVersion, v)
		case "trace":
			h.set(param, headerTrace, strings.ToUpper(v))
		}
	}
}

// metadata writes the entries that fit, those of requestMetadata first, and returns the others.
func (h *invokeHeaders) metadata(entries []chat.Pair) (rest []chat.Pair) {
	said := h.said
	for _, p := range entries {
		switch {
		case slices.ContainsFunc(said, func(o chat.Pair) bool { return o.Key == p.Key }):
		case len(said) < MaxMetadata && p.Key != "" && MetadataText(p.Key) && MetadataText(p.Value):
			said = append(said, p)
		default:
			rest = append(rest, p)
		}
	}
	if len(said) == 0 {
		return rest
	}
	w := json.NewWriter(nil)
	w.BeginObject()
	for i := range said {
		w.Key(said[i].Key) // of characters that need no escape
		w.Text(said[i].Value)
	}
	w.EndObject()
	h.set("metadata", headerMetadata, string(w.Bytes()))
	return rest
}
