package exchange

import (
	"net/http"
	"strconv"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
)

// Reply answers with a JSON body of the gateway's own.
func (c *Call) Reply(body []byte) {
	c.reply(JSONType, body)
}

// reply answers with a body that no upstream sent.
func (c *Call) reply(contentType []string, body []byte) {
	c.setHeaders(nil)
	h := c.w.Header()
	h["Content-Type"] = contentType
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	c.Record.Status, c.Record.FirstByte = http.StatusOK, time.Since(c.start)
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method == http.MethodHead {
		return
	}
	if _, err := c.w.Write(body); err != nil {
		c.Record.Status, c.Record.Err = statusClientGone, errClientGone
	}
}

// NoRetry tells OpenAI's clients that another try of the call is of no use.
func (c *Call) NoRetry() { c.w.Header().Set("X-Should-Retry", "false") }

// Replay answers with the events of a response that is over, as they were sent first, from behind the one with the number
// after on.
func (c *Call) Replay(record *stored.Record, after int64) error {
	events, err := responses.Replay(nil, record.Response, record.Marks, after)
	if err != nil {
		return err
	}
	c.w.Header()["Cache-Control"] = noCache
	c.reply(sseType, events)
	return nil
}
