package bedrock

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

// The credentials a server without Options.AccessKeys and Options.APIKeys accepts.
const (
	DefaultAccessKeyID     = "AKIASIMULATOR0000000"
	DefaultSecretAccessKey = "simulator-secret-key" // #nosec G101 -- of a simulator
	DefaultAPIKey          = "simulator-bedrock-api-key"
)

// maxBody is Bedrock's bound on a request, in bytes.
const maxBody = 25_000_000

// maxModelID is the longest model id, in bytes.
const maxModelID = 2048

// Options say what a simulated Bedrock accepts. The zero value is ready to use.
type Options struct {
	// Regions are the regions a signature may be scoped to; none: any.
	Regions []string
	// AccessKeys are the accepted access keys by id; nil: the default one. An empty map accepts none.
	AccessKeys map[string]AccessKey
	// APIKeys are the accepted Bedrock API keys (bearer tokens); nil: the default one.
	APIKeys []string
	// Profiles are the opaque resources of the account: the last segment of an application-inference-profile,
	// provisioned-model, custom-model-deployment or imported-model ARN, and the id of the model behind it. They come
	// on top of "simulator0000" (Claude Sonnet 4.5).
	Profiles map[string]string
	// Denied are the IAM actions that the account's policy does not allow: bedrock-mantle:ListModels.
	Denied []string
	// Now is the clock; default time.Now.
	Now func() time.Time
	// Observe, if not nil, is called with each call once it has been judged, before the first byte of the reply, and a
	// second time with Left set if the client left before the end of the reply. It must be safe for concurrent use.
	Observe func(Seen)
	// Logger gets one debug line per call and the canonical request of a signature that does not match; default: none.
	Logger *slog.Logger
}

// AccessKey is the secret half of an access key.
type AccessKey struct {
	Secret string
	// SessionToken, if not empty, must be sent and signed as X-Amz-Security-Token.
	SessionToken string
	// Expires, if not zero, is when the key starts to be refused with ExpiredTokenException.
	Expires time.Time
}

// Seen is a call as it arrived, and what became of it. Its Header and Body must not be changed.
type Seen struct {
	Method string
	// Path is the path as it was sent, percent-encoding included; Query what followed the question mark.
	Path, Query string
	Header      http.Header
	Body        []byte
	// Operation is Converse, ConverseStream, InvokeModel, InvokeModelWithResponseStream, CountTokens,
	// ListFoundationModels, GetFoundationModel, ListInferenceProfiles, GetInferenceProfile, ChatCompletions, Responses,
	// Models, Messages, MessagesCountTokens or empty.
	Operation string
	// Model is the model id or ARN of the path, decoded, or of the body.
	Model string
	// Region is that of the signature; of a bearer key's call, the first of Options.Regions or empty.
	Region string
	// Refused is the name of the AWS error the call got, Message its text; empty if it was served.
	Refused, Message string
	// Left says that the client left before the reply had ended.
	Left bool
}

type server struct {
	opts Options
	// mantle: this is the host bedrock-mantle, not bedrock-runtime and the control plane.
	mantle bool
	copies *openai.Copies
	faults fault.Counter
	cache  promptCache
	calls  atomic.Uint64
}

// New returns a simulated Bedrock, runtime and control plane in one. It authenticates against the request line as it
// was sent (http.Request.RequestURI) and routes by http.Request.URL, so that http.StripPrefix may stand in front. A
// handler that rewrites RequestURI too must put the original back. It is safe for concurrent use.
func New(o Options) http.Handler { return newServer(o) }

func newServer(o Options) *server {
	if o.AccessKeys == nil {
		o.AccessKeys = map[string]AccessKey{DefaultAccessKeyID: {Secret: DefaultSecretAccessKey}}
	}
	if o.APIKeys == nil {
		o.APIKeys = []string{DefaultAPIKey}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &server{opts: o, copies: openai.NewCopies()}
}

// exchange is one call on its way through the server.
type exchange struct {
	*server
	w    http.ResponseWriter
	r    *http.Request
	body []byte
	seen Seen
	// model is what the path names, nil for the control plane; modelID is its id without a fault's suffix.
	model   *model
	modelID string
	surface surface
	// sse: a stream is server-sent events.
	sse     bool
	started time.Time
	number  uint64
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, query := rawTarget(r)
	x := &exchange{server: s, w: w, r: r, started: s.opts.Now(), number: s.calls.Add(1)}
	x.seen = Seen{Method: r.Method, Path: path, Query: query, Header: r.Header.Clone()}
	w.Header().Set("X-Amzn-Requestid", fmt.Sprintf("%08x-0000-4000-8000-%012x", uint32(x.started.Unix()), x.number)) // #nosec G115 -- an id
	if refused := x.serve(); refused != nil {
		x.observe(refused)
		x.refuse(refused)
	}
}

func (x *exchange) serve() *apiError {
	route, arg := x.route()
	if route == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(x.r.Body, maxBody))
		return &apiError{name: "UnknownOperationException", message: "The requested operation is not recognized by the service."}
	}
	x.seen.Operation, x.surface = route.operation, route.surface
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &apiError{name: "RequestEntityTooLargeException", message: "The request body is too large."}
	case err != nil:
		return &apiError{name: "SerializationException", message: "The request body could not be read."}
	}
	x.body, x.seen.Body = body, body
	region, refused := x.authenticate(x.r, body)
	if refused != nil {
		return refused
	}
	x.seen.Region = region
	if refused = x.permit(); refused != nil {
		return refused
	}
	if arg != "" {
		if arg, err = url.PathUnescape(arg); err != nil {
			return invalid("The provided model identifier is invalid.")
		}
		x.seen.Model = arg
	}
	if route.model {
		x.modelID, _ = fault.Model(arg)
		x.model, refused = x.findModel(x.modelID)
		if m := byID[x.modelID]; refused != nil && route.operation == "CountTokens" && m != nil && m.id == x.modelID && !m.fixedSampling {
			// Models up to 4.6 are counted by their plain ids, though they run through profiles alone; later ones are not
			// (https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html).
			x.model, refused = m, nil
		}
		if refused != nil {
			return refused
		}
	}
	return route.serve(x)
}

// operation is one of the API's operations.
type operation struct {
	method, operation string
	// model says that the path names a model to run.
	model   bool
	surface surface
	serve   func(*exchange) *apiError
}

// runtime are the operations under /model/{id}/.
var runtime = map[string]*operation{
	"converse":                    {method: http.MethodPost, operation: "Converse", model: true, serve: (*exchange).converse},
	"converse-stream":             {method: http.MethodPost, operation: "ConverseStream", model: true, serve: (*exchange).converse},
	"invoke":                      {method: http.MethodPost, operation: "InvokeModel", model: true, serve: (*exchange).invoke},
	"invoke-with-response-stream": {method: http.MethodPost, operation: "InvokeModelWithResponseStream", model: true, serve: (*exchange).invoke},
	"count-tokens":                {method: http.MethodPost, operation: "CountTokens", model: true, serve: (*exchange).countTokens},
}

// control are the operations of the control plane, by the first segment; the second is for a path with an id.
var control = map[string][2]*operation{
	"foundation-models": {
		{method: http.MethodGet, operation: "ListFoundationModels", serve: (*exchange).listFoundationModels},
		{method: http.MethodGet, operation: "GetFoundationModel", serve: (*exchange).getFoundationModel},
	},
	"inference-profiles": {
		{method: http.MethodGet, operation: "ListInferenceProfiles", serve: (*exchange).listInferenceProfiles},
		{method: http.MethodGet, operation: "GetInferenceProfile", serve: (*exchange).getInferenceProfile},
	},
}

// route finds the operation by the path as it was sent: an id is one percent-encoded segment.
func (x *exchange) route() (op *operation, arg string) {
	if paths := runtimePaths; !x.mantle && paths[x.r.URL.Path] != nil {
		op = paths[x.r.URL.Path]
	} else if x.mantle {
		op = mantlePaths[x.r.URL.Path]
	}
	if x.mantle || op != nil {
		if op == nil || op.method != x.r.Method {
			return nil, ""
		}
		return op, ""
	}
	segments := strings.Split(strings.TrimPrefix(x.r.URL.EscapedPath(), "/"), "/")
	switch {
	case len(segments) == 3 && segments[0] == "model" && segments[1] != "":
		op, arg = runtime[segments[2]], segments[1]
	case len(segments) == 1:
		op = control[segments[0]][0]
	case len(segments) == 2 && segments[1] != "":
		op, arg = control[segments[0]][1], segments[1]
	}
	if op == nil || op.method != x.r.Method {
		return nil, ""
	}
	return op, arg
}

// homeRegion is the region of calls whose credentials do not tell one; empty: any.
func (s *server) homeRegion() string {
	if len(s.opts.Regions) > 0 {
		return s.opts.Regions[0]
	}
	return ""
}

// region is where the call takes place.
func (x *exchange) region() string { return cmp.Or(x.seen.Region, "us-east-1") }

// observe reports the call's outcome; refused is nil if it is being served.
func (x *exchange) observe(refused *apiError) {
	if refused != nil {
		x.seen.Refused, x.seen.Message = refused.name, refused.message
	}
	x.logf("%s %s: %s %s", x.seen.Method, x.seen.Path, x.seen.Refused, x.seen.Message)
	if x.opts.Observe != nil {
		x.opts.Observe(x.seen)
	}
}

// left reports that the client went away.
func (x *exchange) left() {
	x.seen.Left = true
	x.observe(nil)
}

// latency is how long the call has taken, in milliseconds, never 0.
func (x *exchange) latency() int64 {
	return max(x.opts.Now().Sub(x.started).Milliseconds(), 1)
}

func (s *server) logf(format string, args ...any) {
	if s.opts.Logger != nil {
		s.opts.Logger.Debug(fmt.Sprintf(format, args...))
	}
}

// reply begins the reply to an accepted call: it reports the call, and plays the faults asked for up to the header.
// Where there is an error, or the client has left, there is no writer.
func (x *exchange) reply(a *ask) (*fault.Writer, *apiError) {
	spec := fault.Parse(x.r, a.text, x.seen.Model)
	if spec.Invalid != "" {
		return nil, invalid("%s", spec.Invalid)
	}
	if !x.faults.Due(x.seen.Model+"\x00"+a.text, spec) {
		spec = fault.None()
	}
	a.fault = spec
	if refused := faultError(spec); refused != nil {
		return nil, refused
	}
	x.observe(nil)
	w := fault.NewWriter(x.w, x.r, spec)
	if err := w.Before(); err != nil {
		x.left()
		return nil, nil
	}
	return w, nil
}

// faultError is the refusal a fault asks for.
func faultError(spec fault.Spec) *apiError {
	e := &apiError{name: spec.Error, retryAfter: spec.RetryAfter, page: spec.Status}
	switch {
	case spec.Status != 0:
		e.name = "HTTPStatus"
		return e
	case spec.Error == "":
		return nil
	case spec.Error == "ContextOverflow":
		e.name, e.message = "ValidationException", "The model returned the following errors: prompt is too long: 216343 tokens > 200000 maximum"
		return e
	case spec.Error == "Overloaded":
		e.name = "ServiceUnavailableException"
	}
	e.message = messages[e.name]
	if e.message == "" {
		e.message = "The request was refused as a fault asked for."
	}
	return e
}
