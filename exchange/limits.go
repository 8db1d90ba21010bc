package exchange

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/claude"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// reserve takes what the call is about to use from the limits that hold for it, or returns the error for the client.
func (c *Call) reserve(route *upstream.Route) error {
	if c.engine.Limits == nil {
		return nil
	}
	c.input = estimate(c.raw)
	ask := limit.Ask{
		Model: c.Model, Input: c.input, Most: c.mostOutput(),
		Key: func(placeholder string) string { return c.engine.LimitKey(c.r, placeholder) },
	}
	if c.inquiry != nil {
		ask.Most = 1 // it asks for no words
	}
	if c.engine.Limits.Costs(c.Model) {
		c.priceAhead(&ask, route)
	}
	var refused *limit.Refusal
	if c.lease, refused = c.engine.Limits.Begin(&ask); refused == nil {
		return nil
	}
	c.setLimitHeaders(c.w.Header(), refused.Requests, refused.Tokens)
	e := &chat.Error{Kind: chat.ErrRateLimit, Code: "rate_limit_exceeded", Message: refused.Message(), RetryAfter: refused.Wait}
	switch {
	case refused.Unpriced != "":
		e.Kind, e.Code, e.Param = chat.ErrPermission, "model_without_price", "model"
	case refused.TooLarge > 0:
		e.Kind, e.Code = chat.ErrTooLarge, "request_too_large"
	case refused.Unknown:
		e.Kind, e.Code = chat.ErrOverloaded, "limits_unknown"
	}
	return e
}

// priceAhead sets what the call may cost, by the dearest of the models that it may go to.
func (c *Call) priceAhead(ask *limit.Ask, route *upstream.Route) {
	most := ask.Most
	if most <= 0 {
		most = limit.UsualOutput
	}
	for _, t := range route.Targets {
		id := t.ModelFor(c.Model)
		in, priced := c.cost(id, &chat.Usage{Known: true, Input: ask.Input})
		out, also := c.cost(id, &chat.Usage{Known: true, Output: most})
		if !priced && !also {
			ask.Unpriced = id
		}
		ask.InputCost, ask.MostCost = max(ask.InputCost, in), max(ask.MostCost, out)
	}
}

// cost returns what usage costs in billionths of a dollar, which limits count in, rounded up.
func (c *Call) cost(modelID string, u *chat.Usage) (int64, bool) {
	amount, ok := c.engine.Prices.Cost(modelID, u, "")
	return nanodollars(amount), ok
}

func nanodollars(a price.Amount) int64 {
	const nano = price.Dollar / 1e9
	n := int64(a / nano)
	if a%nano > 0 {
		n++
	}
	return n
}

// settle replaces what was reserved by what was used: the provider's figure, or where there is none the input's estimate and
// the pieces of the stream, each of which is a token at least. So a client that leaves pays for what it got. A call that
// failed before it got anything used nothing. The record has its cost by then.
func (c *Call) settle() {
	if c.lease == nil {
		return
	}
	var used limit.Amounts
	usage := chat.Usage{Known: true}
	switch u := &c.Record.Usage; {
	case u.Known:
		used.Tokens = u.Total()
		usage.Input, usage.Output = u.Prompt(), u.Output
	case c.Record.FirstByte > 0 || c.r.Context().Err() != nil:
		used.Tokens = c.input + c.pieces
		usage.Input, usage.Output = c.input, c.pieces
	}
	if c.Record.Priced {
		used.Cost = nanodollars(c.Record.Cost)
	} else if c.engine.Limits.Costs(c.Model) { // a kind of tokens without a price costs what the others do
		used.Cost, _ = c.cost(c.Record.UpstreamModel, &usage)
	}
	c.lease.Settle(used)
	c.lease = nil
}

// mostOutput returns the most output tokens that the request asks for, in the words of any dialect; 0 if it sets no limit.
func (c *Call) mostOutput() int64 {
	for _, v := range [...]chat.Value{
		c.Body.Value("max_completion_tokens"), c.Body.Value("max_tokens"), c.Body.Value("max_output_tokens"),
		json.Find(c.Body.Value("inferenceConfig"), "maxTokens"), json.Find(c.Body.Value("textGenerationConfig"), "maxTokenCount"),
	} {
		if n, ok := json.ParseInt(v); ok && n > 0 {
			return n
		}
	}
	return 0
}

// The estimate of a request's tokens: about four characters each. A long string without a space is an image or another
// medium in base64, which providers count by its size in pixels or pages: 1,600 tokens are a picture of a megapixel
// (https://platform.claude.com/docs/en/build-with-claude/vision).
const (
	tokenBytes  = 4
	mediumBytes = 4 << 10
	mediumCost  = 1600
)

// estimate returns about how many tokens a request's body has.
func estimate(body []byte) int64 {
	if len(body) < mediumBytes {
		return int64(len(body) / tokenBytes)
	}
	text, media := 0, 0
	for len(body) > 0 {
		i := bytes.IndexByte(body, '"')
		if i < 0 {
			text += len(body)
			break
		}
		if i >= mediumBytes && bytes.IndexByte(body[:i], ' ') < 0 {
			media++
		} else {
			text += i
		}
		body = body[i+1:]
	}
	return int64(text/tokenBytes + media*mediumCost)
}

// limitHeaders sets the headers of the tightest limit that holds for the call, in place of the upstream's: those are of the
// gateway's key, not of the client's.
func (c *Call) limitHeaders(h http.Header) {
	if c.lease == nil {
		return
	}
	requests, tokens := c.lease.Reports()
	c.setLimitHeaders(h, requests, tokens)
}

func (c *Call) setLimitHeaders(h http.Header, requests, tokens limit.Report) {
	for name := range h {
		if strings.HasPrefix(name, "X-Ratelimit-") {
			delete(h, name)
		}
	}
	if c.form.Native { // Bedrock has no such headers
		return
	}
	names := &openaiLimits
	anthropic := c.form.Errors.Name() == claude.Name
	if anthropic {
		names = &anthropicLimits
	}
	var text []byte
	var ends [6]int // of the values in text
	for i, one := range [...]limit.Report{requests, tokens} {
		if one.Limit == 0 {
			continue
		}
		text = strconv.AppendInt(text, one.Limit, 10)
		ends[3*i] = len(text)
		text = strconv.AppendInt(text, one.Remaining, 10)
		ends[3*i+1] = len(text)
		if anthropic {
			text = time.Now().Add(one.Reset).UTC().AppendFormat(text, time.RFC3339)
		} else {
			text = append(text, one.Reset.Round(time.Millisecond).String()...)
		}
		ends[3*i+2] = len(text)
	}
	// One string and one array for all of them: set one by one they were 3 % of a call.
	all, values, from := string(text), make([]string, len(ends)), 0
	for i, end := range ends {
		if end > 0 {
			values[i] = all[from:end]
			h[names[i]] = values[i : i+1 : i+1]
			from = end
		}
	}
}

// The headers of limits, in canonical form: limit, remaining and reset of requests, and of tokens.
var (
	// https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers
	openaiLimits = [6]string{
		"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests",
		"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
	}
	// https://platform.claude.com/docs/en/api/rate-limits#response-headers
	anthropicLimits = [6]string{
		"Anthropic-Ratelimit-Requests-Limit", "Anthropic-Ratelimit-Requests-Remaining", "Anthropic-Ratelimit-Requests-Reset",
		"Anthropic-Ratelimit-Tokens-Limit", "Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Tokens-Reset",
	}
)
