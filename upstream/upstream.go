// Package upstream is where models live: the providers' common interface, which of them serves which model, and what
// happens when one of them fails. Each provider kind is a folder below.
package upstream

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Upstream is one configured provider. All methods are safe for concurrent use.
//
// Guest modules in the namespace http.handlers.bedrock_gateway.upstreams implement it.
type Upstream interface {
	// Prepare sets x's facts of the model x.TargetModel as x.Access serves it, with the config's overrides, and the
	// guardrail of every request. Where the host has another name for the model, that
	// becomes x.TargetModel.
	Prepare(x *chat.Exchange)
	// Offers are the ways to ask for the model here, best first; never empty. The list must not be changed.
	Offers(modelID string) []Offer
	// Open sends the call and waits until its reply begins: for the head of a whole reply, or the first good frame of a
	// stream. Its error is a *chat.Error, which says whether another try may help. The end of ctx ends the call and its
	// stream.
	Open(ctx context.Context, c *Call) (*Reply, error)
	// ListModels lists the models that can be asked for here.
	ListModels(ctx context.Context) ([]Model, error)
	// Check reports whether the upstream can be reached with the credentials it has.
	Check(ctx context.Context) error
}

// Regional is an upstream that serves one region; an ARN is routed by it.
type Regional interface{ Region() string }

// Credentialed is an upstream that reports the state of its credentials. check is the error that Check has just returned:
// only a call shows whether the provider accepts them.
type Credentialed interface {
	CredentialStatus(ctx context.Context, check error) CredentialStatus
}

// Expiring is an upstream that knows when its credentials expire. CredentialsExpire asks nobody; it returns zero where they do
// not expire, or none were needed yet.
type Expiring interface{ CredentialsExpire() time.Time }

// CredentialStatus is what a health page may show of credentials: no key, no account.
type CredentialStatus struct {
	Method  string    // where they come from: "profile prod, assume role"
	Valid   bool      // there are some, they have not expired, and the provider did not refuse them
	Expires time.Time // zero: they do not expire, or there are none
}

// UsageAsker is an upstream whose streams report usage only on request (OpenAI's stream_options.include_usage).
// AskUsage reports whether to ask though the client does not.
type UsageAsker interface{ AskUsage() bool }

// Embedder is an upstream that embeds by bodies of the models' own, which calls of Op Invoke carry. Embedding returns what is
// known of a model; its Form is NotEmbedding where the upstream does not embed with it.
type Embedder interface {
	Embedding(modelID string) model.Embedding
}

// Ranker is an upstream that ranks documents by bodies of the models' own, as Embedder embeds.
type Ranker interface {
	Ranking(modelID string) model.Ranking
}

// Borrower is an upstream that gives its requests their bodies by SetBody, with the call's Lent: the memory is used for another request
// when nobody reads it any more. Body of a call to another upstream becomes garbage.
type Borrower interface{ TellsReaders() }

// Op is what is asked of an upstream.
type Op uint8

// The operations.
const (
	Chat Op = iota
	CountTokens
	Relay  // one of the provider's own HTTP calls, as it is
	Invoke // a body of the model's own form, which is no chat
)

// MaxCures is how many further tries a target may take to cure a request of what the target refused in it: by leaving out
// an unknown member or beta, or by an inference profile in place of a model. It counts those of exchange and of upstreams.
const MaxCures = 2

// Call is one request to an upstream. The upstream may read it until Open returns, and Body until the reply is closed.
type Call struct {
	Op      Op
	Model   string            // the upstream's name for it
	Dialect translate.Dialect // of a chat or a count
	Access  model.Access      // of the offer that the call takes
	Body    []byte
	Lent    *Lent // of a Borrower: is told who reads Body; nil: nobody wants to know
	Stream  bool
	Header  http.Header // the client's headers; the upstream passes on only those that it lists

	// Beside are headers that belong to the body, in the words of its API.
	Beside []chat.Pair

	// Cured is how many tries have been made to cure the call. Open adds its own, up to MaxCures.
	Cured int

	// Relay only: the method, the path below the base URL beginning with a slash, and the raw query.
	Method, Path, Query string
	// Form is the body where it is too large for memory; nil: Body is.
	Form *io.SectionReader
}

// Reply is an upstream's successful reply: a whole one with its Body, or a stream of frames. The caller closes it exactly once.
type Reply struct {
	Status    int
	Header    http.Header
	RequestID string        // the upstream's own id of the request; "" if it gave none
	Profile   string        // the inference profile that was called in place of the model; "" for none
	Body      io.ReadCloser // a whole reply, or a relay; nil for a stream
	// Usage is what the reply's headers tell of an Invoke whose body may not.
	Usage chat.Usage

	frames  Frames
	first   Frame
	pending bool // Next has not returned first yet
}

// Close ends the reply and frees its connection.
func (r *Reply) Close() error {
	if r.frames != nil {
		return r.frames.Close()
	}
	return r.Body.Close()
}

// Model is one entry of a listing.
type Model struct {
	ID      string
	Name    string // for people; "" if the provider has none
	Created int64  // Unix seconds; 0 if unknown
	OwnedBy string
	// Purpose is what the model is for; "" if unknown.
	Purpose model.Purpose
}
