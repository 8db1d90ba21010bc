package exchange

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// openCured opens the attempt, and opens it again where the upstream refuses something that the request can do without:
// betas, or members that it does not know. These tries, together with those that an upstream makes itself, are at most
// upstream.MaxCures for a target. A target that was cured has not failed.
func (c *Call) openCured(a *attempt) error {
	var gone []member
	c.heed(a)
	for {
		before := a.call.Cured
		err := c.tryOpen(a)
		c.Record.Attempts += a.call.Cured - before
		if err == nil {
			if gone != nil {
				c.learn(a, gone)
				for _, m := range gone {
					c.Record.Healed = append(c.Record.Healed, m.String())
				}
			}
			return nil
		}
		if a.call.Cured >= upstream.MaxCures {
			return err
		}
		if !c.noBetas && refusesBetas(err) {
			if err := c.withoutBetas(a, gone); err != nil {
				return err
			}
		} else {
			members := c.heal(a, err)
			if members == nil {
				return err
			}
			gone = append(gone, members...)
		}
		a.call.Cured++
		c.Record.Attempts++
	}
}

// refusesBetas reports whether an upstream refused a request for a beta that it does not know, or no longer knows. Betas are
// there to be opted into, not to be relied on, so the request is worth one more try without them.
func refusesBetas(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return ok && e.StatusCode() == http.StatusBadRequest && strings.Contains(strings.ToLower(e.Message), "invalid beta flag")
}

// withoutBetas writes the attempt's request again without betas, and without the members that are gone already. It is not
// remembered: one client's unknown beta must not cost others theirs.
func (c *Call) withoutBetas(a *attempt, gone []member) error {
	c.noBetas = true
	prepare := c.prepare
	if a.call.Op == upstream.CountTokens {
		prepare = c.prepareCount
	}
	again, err := prepare(a.target)
	if err != nil {
		return err
	}
	again.ctx, again.cancel, again.call.Cured, again.call.Header = a.ctx, a.cancel, a.call.Cured, a.call.Header
	*a = *again
	c.heed(a)
	for _, m := range gone {
		c.leaveOut(a, m)
	}
	return nil
}

// heal takes out of the attempt's body what the upstream refused it for, and returns that; nil where another try makes no
// sense: the error is another one, a member that it names must not be missing or does not stand in the body, or the
// operator wants such requests refused.
func (c *Call) heal(a *attempt, err error) []member {
	if a.call.Op != upstream.Chat || c.engine.RejectUnsupported {
		return nil
	}
	members, body := refused(err), a.call.Body
	for _, m := range members {
		var found bool
		if body, found = without(body, m); !found {
			return nil
		}
	}
	for _, m := range members {
		c.leaveOut(a, m)
	}
	return members
}

// leaveOut takes a member out of the attempt's body and lists it, if it is there.
func (c *Call) leaveOut(a *attempt, m member) {
	body, found := without(a.call.Body, m)
	if !found {
		return
	}
	a.call.Body = body
	a.x.Omit(m.String())
	c.Record.Dropped = a.x.Dropped
}

// heed leaves out what the target has refused before.
func (c *Call) heed(a *attempt) {
	if a.call.Op != upstream.Chat || c.engine.RejectUnsupported {
		return
	}
	for _, m := range c.engine.lessons.at(placeOf(a), c.start) {
		c.leaveOut(a, m)
	}
}

// learn remembers that the target answered without the members that it had refused.
func (c *Call) learn(a *attempt, gone []member) {
	p := placeOf(a)
	c.engine.lessons.learn(p, gone, time.Now())
	names := make([]string, len(gone))
	for i, m := range gone {
		names[i] = m.String()
	}
	c.engine.Logger.Info("the upstream does not know members of the request; they are left out for an hour",
		zap.String("request_id", c.Record.RequestID), zap.String("upstream", p.upstream), zap.String("api", p.api),
		zap.String("model", p.model), zap.Strings("members", names))
}

func placeOf(a *attempt) place {
	api := a.x.Access.String()
	if api == "" {
		api = a.call.Dialect.Name()
	}
	return place{a.target.Name, api, a.call.Model}
}
