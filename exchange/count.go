package exchange

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/claude"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// CountTokens answers with the number of input tokens of the request, as the provider counts them: by Bedrock's CountTokens or
// mantle's counter for the models that they serve; for the others it is a 501, or an estimate where the configuration wants one.
func (c *Call) CountTokens() { c.Answer(c.countTokens) }

func (c *Call) countTokens() error {
	route, err := c.read(nil)
	if err != nil {
		return err
	}
	c.Stream = false
	c.Record.Stream = false
	var n int64
	a, err := c.try(route, c.prepareCount)
	switch {
	case err == nil:
		defer a.close()
		if n, err = decodeCount(a.body.b); err != nil {
			return c.unreadable(a, err)
		}
		c.setHeaders(a)
	case c.engine.EstimateTokens && uncountable(err):
		if n, err = c.estimated(); err != nil {
			return err
		}
	default:
		return err
	}
	c.Record.Status = http.StatusOK
	c.Record.FirstByte = time.Since(c.start)
	jw := json.NewWriter(nil)
	jw.BeginObject()
	if c.Client.Name() == responses.Name {
		jw.Key("object")
		jw.Text("response.input_tokens")
	}
	jw.Key("input_tokens")
	jw.Int(n)
	jw.EndObject()
	c.w.Header()["Content-Type"] = JSONType
	_, _ = c.w.Write(jw.Bytes())
	return nil
}

// estimated returns an estimate of the request's tokens where nobody counts them, files that it names included.
func (c *Call) estimated() (int64, error) {
	n := estimateHigh(c.Body.Raw)
	if c.Body.Value("tools") != nil {
		n += toolsHigh
	}
	inline, text, err := c.filesFor(&model.Facts{})
	if err != nil {
		return 0, err
	}
	n += estimateHigh(text)
	for i := range inline {
		b := &inline[i]
		n += estimateHigh(b.Text)
		if b.Kind == chat.Document {
			n += int64(len(b.Media.Data) / documentHigh)
		}
		if b.Kind == chat.Image {
			n += imageHigh
		}
	}
	c.setHeaders(nil)
	c.w.Header().Set(EstimateHeader, "estimate")
	return n, nil
}

// uncounted are members that Bedrock's CountTokens does not know though InvokeModel takes them:
// https://github.com/anthropics/claude-code/issues/63532.
var uncounted = [...]member{{"tools", "eager_input_streaming"}}

// prepareCount writes the request for the target: the body that InvokeModel would get, in base64.
func (c *Call) prepareCount(t *upstream.Target) (*attempt, error) {
	modelID := t.ModelFor(c.Model)
	x := &chat.Exchange{Model: c.Model, TargetModel: modelID, RejectUnsupported: c.engine.RejectUnsupported}
	t.Prepare(x)
	if c.noBetas {
		x.Facts = x.Facts.WithoutBetas()
	}
	c.Record.Upstream, c.Record.UpstreamModel = t.Name, modelID
	var counted translate.Dialect // in which the request is counted
	for _, o := range t.Offers(modelID) {
		if o.Dialect != nil && o.Dialect.Name() == claude.Name {
			counted = o.Dialect
		}
	}
	if counted == nil || !x.Facts.CountTokens {
		return nil, &chat.Error{
			Kind: chat.ErrUnsupported, Fallback: true,
			Message: "tokens of the model '" + c.Model + "' cannot be counted ahead: its provider has no call for it; the reply's usage tells them",
		}
	}
	a := &attempt{target: t, x: x}
	a.call = upstream.Call{Lent: c.lender.to(t.Upstream), Op: upstream.CountTokens, Model: modelID, Dialect: counted, Header: c.r.Header}
	inline, text, err := c.filesFor(&x.Facts)
	if err != nil {
		return nil, err
	}
	x.Target = counted.Name()
	if inline == nil && c.Client.Name() == counted.Name() {
		err = c.splice(a, text)
	} else {
		err = c.translate(a, inline, text)
	}
	if err != nil {
		return nil, err
	}
	for _, m := range uncounted {
		c.leaveOut(a, m)
	}
	body := []byte(`{"input":{"invokeModel":{"body":"`)
	body = base64.StdEncoding.AppendEncode(body, a.call.Body)
	a.call.Body = append(body, `"}}}`...)
	c.Record.Dropped = x.Dropped
	return a, nil
}

// decodeCount reads {"inputTokens":n}.
func decodeCount(body []byte) (int64, error) {
	n := int64(-1)
	r := json.NewReader(body)
	for r.Object(); r.Member(); {
		if string(r.Key()) == "inputTokens" {
			n = r.Int()
		} else {
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		return 0, err
	}
	if n < 0 {
		return 0, chat.Unreadable("a token count", nil)
	}
	return n, nil
}
