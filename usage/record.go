// Package usage is what a call used: the record that is made of every call, and its form in logs and placeholders. How usage
// is read from a reply is the dialects' work in translate/; what it costs is package price's, bounds on it are package limit's.
package usage

import (
	"errors"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Record is what is known of a call when it is over. It feeds logs, placeholders, metrics, traces, prices and limits, all of
// which read it and none of which change it.
type Record struct {
	RequestID         string
	Route             string // the endpoint's name, such as chat or messages.count_tokens
	User              string // who called, if the site authenticates; "" if it does not
	Tags              string // of the user's key, separated by spaces
	Upstream          string // the one that answered, or failed last; "" if none was asked
	UpstreamRequestID string
	Model             string // as the client named it
	UpstreamModel     string // as the upstream was asked for it
	ServedModel       string // as the upstream's reply names it; "" if it does not
	Profile           string // the inference profile that was called in place of UpstreamModel; "" for none
	ReplyID           string // the provider's own id of the reply; "" if it has none
	Dialect           string // the client's
	UpstreamDialect   string // the upstream's
	API               string // Bedrock's, by which the model was asked: converse, chat, mantle/messages; "" for other upstreams
	ServiceTier       string // as the upstream's reply names it; "" if it does not
	Attempts          int    // how many times an upstream was asked
	Tries             []Try  // the attempts, one by one; those that cure a request belong to the try that they cure
	Stream            bool
	Status            int // HTTP status; 499 if the client left
	Usage             chat.Usage
	Cost              price.Amount
	Priced            bool // Cost is known; it is not where a model has no price, which is not the same as a price of 0
	Stop              chat.StopReason
	Start             time.Time     // the request's arrival
	FirstByte         time.Duration // from the request's arrival to the reply's first content; 0 if there was none
	Duration          time.Duration // from the request's arrival to the reply's end
	Dropped           []string      // parameters that did not reach the upstream
	Healed            []string      // those of them that the upstream refused, after which it was asked without them
	Err               error         // what broke the call, also after its status was sent; nil if nothing did
	Panicked          bool          // Err is the gateway's own fault
}

// Try is one attempt at an upstream.
type Try struct {
	Upstream string
	Model    string // as the upstream was asked for it
	Start    time.Time
	Took     time.Duration // until the reply began, or until it failed
	Status   int           // the upstream's; 0 if it did not answer
	Err      *chat.Error   // why it failed; nil if it did not
}

// Cause returns why the try failed, as CauseOf does; "" if it did not.
func (t *Try) Cause() string {
	switch {
	case t.Err != nil:
		return CauseOf(t.Err)
	case t.Status == 0:
		return "internal" // it panicked
	}
	return ""
}

// Fallbacks returns how many of the tries were at another upstream or model than the one before, and Retries how many were at
// the same.
func (r *Record) Fallbacks() (fallbacks, retries int) {
	for i := 1; i < len(r.Tries); i++ {
		if a, b := &r.Tries[i-1], &r.Tries[i]; a.Upstream == b.Upstream && a.Model == b.Model {
			retries++
		} else {
			fallbacks++
		}
	}
	return fallbacks, retries
}

// Broken reports whether a reply had begun and was not whole when it ended.
func (r *Record) Broken() bool {
	return r.Err != nil && r.FirstByte > 0 && (r.Status < 400 || r.Status == statusClientGone)
}

// statusClientGone is what a call has whose client left.
const statusClientGone = 499

// Cause returns what broke the call, as a word of a short list; "" if nothing did.
func (r *Record) Cause() string {
	if r.Err == nil {
		return ""
	}
	if e, ok := errors.AsType[*chat.Error](r.Err); ok {
		return CauseOf(e)
	}
	return "internal"
}

// Price sets what the call cost, by the model that was called in the end.
func (r *Record) Price(b *price.Book) {
	modelID := r.UpstreamModel
	if r.Profile != "" {
		modelID = r.Profile
	}
	r.Cost, r.Priced = b.Cost(modelID, &r.Usage, r.ServiceTier)
}

// Count takes a reply's usage, and counts it under the model that a prompt router chose; "" stands for the model that was
// asked for.
func (r *Record) Count(u *chat.Usage, routed string) {
	r.Usage = *u
	if routed != "" {
		r.UpstreamModel = routed
	}
}

// Observe takes usage and stop reason from a stream's event.
func (r *Record) Observe(e *chat.Event) {
	switch e.Kind {
	case chat.EventUsage:
		r.Count(&e.Usage, e.Model)
		if e.ServiceTier != "" {
			r.ServiceTier = e.ServiceTier
		}
	case chat.EventStart:
		if e.Model != "" {
			r.ServedModel = e.Model
		}
		if e.ID != "" {
			r.ReplyID = e.ID
		}
		if e.Usage.Known {
			r.Usage = e.Usage
		}
	case chat.EventStop:
		r.Stop = e.Stop
	case chat.EventBlockStart, chat.EventBlockDelta, chat.EventSignature, chat.EventCitation, chat.EventBlockStop, chat.EventPing, chat.EventEnd:
	}
}
