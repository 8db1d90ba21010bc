package bedrock

import (
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// invoke serves InvokeModel and InvokeModelWithResponseStream for Claude's and Titan's bodies, and InvokeModel for those of
// models that embed and rank. The reply's body is the model's own form; streamed, each of its chunks is the base64 in an
// event named chunk.
func (x *exchange) invoke() *apiError {
	stream := x.seen.Operation == "InvokeModelWithResponseStream"
	if refused := x.checkInvokeHeaders(stream); refused != nil {
		return refused
	}
	if body := ownBodies[x.model.family]; body != nil {
		return x.invokeOwn(body, stream)
	}
	var a *ask
	var refused *apiError
	switch x.model.family {
	case "claude":
		a, refused = x.claudeAsk(x.body, false)
	case "titan":
		a, refused = x.titanAsk()
	default:
		return invalid("This simulator invokes Claude and Titan models, and those that embed or rank, only. Try again with Converse.")
	}
	if refused != nil {
		return refused
	}
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	said := a.answer()
	x.setInvokeHeaders(said.usage, stream)
	switch {
	case x.model.family == "titan" && stream:
		x.titanStream(w, a, said)
	case x.model.family == "titan":
		x.sendInvoke(w, a, titanReply(said))
	case stream:
		x.claudeStream(w, a, said)
	default:
		x.sendInvoke(w, a, x.claudeReply(a, said))
	}
	return nil
}

func (x *exchange) sendInvoke(w *fault.Writer, a *ask, reply map[string]any) {
	x.w.Header().Set("Content-Type", "application/json")
	if a.fault.NoOutput {
		reply = map[string]any{}
	}
	x.send(w, encode(reply))
}

// Forms of the headers of InvokeModel, from its API reference.
var (
	guardrailForm    = regexp.MustCompile(`^(([a-z0-9]+)|(arn:aws(-[^:]+)?:bedrock:[a-z0-9-]{1,20}:[0-9]{12}:guardrail/[a-z0-9]+))$`)
	guardrailVersion = regexp.MustCompile(`^(([1-9][0-9]{0,7})|(DRAFT))$`)
	headerEnums      = map[string][]string{
		"X-Amzn-Bedrock-Trace":                     {"ENABLED", "DISABLED", "ENABLED_FULL"},
		"X-Amzn-Bedrock-PerformanceConfig-Latency": {"standard", "optimized"},
		"X-Amzn-Bedrock-Service-Tier":              {"priority", "default", "flex", "reserved"},
	}
)

// checkInvokeHeaders holds the headers against their forms. An SDK that was given no content type sends
// application/octet-stream or none, which the service takes.
func (x *exchange) checkInvokeHeaders(stream bool) *apiError {
	h := x.r.Header
	if t := h.Get("Content-Type"); t != "" {
		if kind, _, err := mime.ParseMediaType(t); err != nil || kind != "application/json" && kind != "application/octet-stream" {
			return invalid("The provided content type %s is not supported. Use application/json.", t)
		}
	}
	accept := h.Get("Accept")
	if stream {
		accept = h.Get("X-Amzn-Bedrock-Accept")
	}
	if accept != "" && !strings.Contains(accept, "*/*") && !strings.Contains(accept, "application/json") {
		return invalid("The requested response type %s is not supported. Use application/json.", accept)
	}
	for name, allowed := range headerEnums {
		if v := h.Get(name); v != "" && !slices.Contains(allowed, v) {
			return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", v, strings.ToLower(name), strings.Join(allowed, ", "))
		}
	}
	if h.Get("X-Amzn-Bedrock-PerformanceConfig-Latency") == "optimized" && !x.model.optimized {
		return invalid("Latency performance configuration is not supported for %s.", x.model.id)
	}
	return checkGuardrail(h)
}

// checkGuardrail holds the headers that name a guardrail against their forms.
func checkGuardrail(h http.Header) *apiError {
	id, version := h.Get("X-Amzn-Bedrock-GuardrailIdentifier"), h.Get("X-Amzn-Bedrock-GuardrailVersion")
	switch {
	case id == "" && version == "":
		return nil
	case id == "" || version == "":
		return invalid("The guardrail identifier and the guardrail version must be given together.")
	case !guardrailForm.MatchString(id) || !guardrailVersion.MatchString(version):
		return invalid("The guardrail identifier or version provided in the request does not exist.")
	}
	return nil
}

// setInvokeHeaders sets the headers that tell usage and latency, and repeats the tier and latency that were asked for.
func (x *exchange) setInvokeHeaders(u usage, stream bool) {
	h := x.w.Header()
	for _, name := range []string{"X-Amzn-Bedrock-PerformanceConfig-Latency", "X-Amzn-Bedrock-Service-Tier"} {
		if v := x.r.Header.Get(name); v != "" {
			h.Set(name, v)
		}
	}
	if stream {
		h.Set("X-Amzn-Bedrock-Content-Type", "application/json")
		return
	}
	h.Set("X-Amzn-Bedrock-Input-Token-Count", strconv.Itoa(u.input))
	h.Set("X-Amzn-Bedrock-Output-Token-Count", strconv.Itoa(u.output))
	h.Set("X-Amzn-Bedrock-Invocation-Latency", strconv.FormatInt(x.latency(), 10))
	if u.read+u.write > 0 {
		h.Set("X-Amzn-Bedrock-Cache-Read-Input-Token-Count", strconv.Itoa(u.read))
		h.Set("X-Amzn-Bedrock-Cache-Write-Input-Token-Count", strconv.Itoa(u.write))
	}
}

// guardedCall reports whether the call names a guardrail.
func guardedCall(r *http.Request) bool {
	return r.Header.Get("X-Amzn-Bedrock-GuardrailIdentifier") != ""
}

// metrics is what the last chunk of a stream tells.
func (x *exchange) metrics(u usage) map[string]any {
	m := map[string]any{
		"inputTokenCount": u.input, "outputTokenCount": u.output,
		"invocationLatency": x.latency(), "firstByteLatency": x.latency(),
	}
	if u.read+u.write > 0 {
		m["cacheReadInputTokenCount"], m["cacheWriteInputTokenCount"] = u.read, u.write
	}
	return m
}

// chunk sends one chunk of the model's own stream.
func (f *frames) chunk(v map[string]any) bool {
	if f.x.sse {
		return f.exception() && f.serverSent(v["type"].(string), v)
	}
	return f.event("chunk", map[string]any{"bytes": encode(v)})
}
