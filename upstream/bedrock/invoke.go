package bedrock

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// Headers of InvokeModel that stand for what Converse has in its body
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html).
const (
	guardrailHeader        = "X-Amzn-Bedrock-Guardrailidentifier"
	guardrailVersionHeader = "X-Amzn-Bedrock-Guardrailversion"
	traceHeader            = "X-Amzn-Bedrock-Trace"
)

var clientHeaders = []string{guardrailHeader, guardrailVersionHeader, traceHeader, "X-Amzn-Bedrock-Performanceconfig-Latency", "X-Amzn-Bedrock-Service-Tier"}

// invokeHeaders copies those of the client's headers that InvokeModel has, and sets the configured guardrail. The client's
// guardrail is used only if the configured one may be overridden.
func (u *Upstream) invokeHeaders(dst, client http.Header) {
	u.guard(dst, client, clientHeaders...)
}

// guard takes the named headers from the client's, which may name a guardrail, and adds the configured one.
func (u *Upstream) guard(dst, client http.Header, names ...string) {
	upstream.PassHeaders(dst, client, names...)
	if u.guardrailConfig == nil || u.guardrail.AllowOverride && dst[guardrailHeader] != nil {
		return
	}
	dst.Set(guardrailHeader, u.guardrail.ID)
	dst.Set(guardrailVersionHeader, u.guardrail.Version)
	if u.guardrail.Trace {
		dst.Set(traceHeader, "ENABLED")
	} else {
		dst.Del(traceHeader)
	}
}

// relay sends one of Bedrock's own calls as it came, with the gateway's signature. Paths below /model go to the
// runtime, others to the control plane.
func (u *Upstream) relay(ctx context.Context, c *upstream.Call) (*upstream.Reply, error) {
	if action, ok := modelAction(c); ok {
		return u.profiled(ctx, c, c.Model, func(modelID string) (*upstream.Reply, error) {
			return u.relayAt(ctx, c, "/model/"+url.PathEscape(modelID)+action)
		})
	}
	return u.relayAt(ctx, c, c.Path)
}

// modelAction returns what follows the model in the path of a call that answers for it; false for any other call.
func modelAction(c *upstream.Call) (action string, ok bool) {
	if c.Model == "" {
		return "", false
	}
	action, ok = strings.CutPrefix(c.Path, "/model/"+url.PathEscape(c.Model))
	return action, ok && action != countTokens
}

// relayAt sends the call to a path of the runtime or the control plane.
func (u *Upstream) relayAt(ctx context.Context, c *upstream.Call, path string) (*upstream.Reply, error) {
	base := u.controlPlane
	header := make(http.Header, 8)
	if strings.HasPrefix(path, "/model/") {
		base = u.runtime
		u.invokeHeaders(header, c.Header)
	}
	upstream.PassHeaders(header, c.Header, "Accept", "Content-Type", "X-Amzn-Bedrock-Accept")
	plain, err := url.PathUnescape(path)
	if err != nil {
		return nil, chat.Invalid("", "the path is malformed")
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment, _ = url.PathUnescape(segment); climbs(segment) {
			return nil, chat.Invalid("", "the path has a segment '%s', which leads to another path", segment)
		}
	}
	target := *base
	target.RawPath, target.Path, target.RawQuery = base.EscapedPath()+path, base.Path+plain, c.Query
	res, err := u.send(ctx, u.signer, c.Method, &target, c.Body, c.Lent, header)
	if err != nil {
		return nil, err
	}
	return &upstream.Reply{Status: res.StatusCode, Header: res.Header, RequestID: res.Header.Get(requestIDHeader), Body: res.Body}, nil
}
