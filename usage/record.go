// Package usage is what a call used: the record that is made of every call, its form in logs and placeholders, and the
// prices of models. How usage is read from a reply is the dialects' work in translate/; bounds on it are package limit's.
package usage

import (
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Record is what is known of a chat call when it is over, for logs, placeholders and metrics.
type Record struct {
	RequestID         string
	Upstream          string // the one that answered, or failed last; "" if none was asked
	UpstreamRequestID string
	Model             string // as the client named it
	UpstreamModel     string // as the upstream was asked for it
	ServedModel       string // as the upstream's reply names it; "" if it does not
	Profile           string // the inference profile that was called in place of UpstreamModel; "" for none
	Dialect           string // the client's
	API               string // Bedrock's, by which the model was asked: converse, chat, mantle/messages; "" for other upstreams
	Attempts          int    // how many times an upstream was asked
	Stream            bool
	Status            int // HTTP status; 499 if the client left
	Usage             chat.Usage
	Stop              chat.StopReason
	FirstByte         time.Duration // from the request's arrival to the reply's first content; 0 if there was none
	Dropped           []string      // parameters that did not reach the upstream
	Err               error         // what broke the call, also after its status was sent; nil if nothing did
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
	case chat.EventStart:
		if e.Model != "" {
			r.ServedModel = e.Model
		}
		if e.Usage.Known {
			r.Usage = e.Usage
		}
	case chat.EventStop:
		r.Stop = e.Stop
	case chat.EventBlockStart, chat.EventBlockDelta, chat.EventSignature, chat.EventCitation, chat.EventBlockStop, chat.EventPing, chat.EventEnd:
	}
}
