package exchange

import (
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/fetch"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/limit"
	"github.com/open-bedrock/caddy-bedrock-gateway/price"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/usage"
)

// Caller is the sender of a request, as far as the server in front has identified it.
type Caller struct {
	// Owner is the owner of the files that the caller sees; "" for the one shared space.
	Owner string
	// Models are the patterns of the models that the caller may ask for; nil for all.
	Models []upstream.Pattern
}

// May reports whether the caller may ask for the model.
func (c *Caller) May(modelID string) bool {
	return c.Models == nil || slices.ContainsFunc(c.Models, func(p upstream.Pattern) bool { return p.Match(modelID) })
}

// Config is what an Engine works with. Everything is resolved: no placeholders, no environment.
type Config struct {
	Router       *upstream.Router
	DefaultModel string // used when a request names none; "": such a request is a 400

	MaxBody           int64         // bytes of a request body
	StreamIdleTimeout time.Duration // silence after which an upstream's stream is given up; 0 for no limit
	ReplyTimeout      time.Duration // for a whole reply, from the request to its last byte; 0 for no limit
	KeepAlive         time.Duration // silence after which a keep-alive is sent to the client of a stream; 0 for none
	CachePrompts      bool          // prompts are marked for the model's cache, where no route says otherwise
	EstimateTokens    bool          // tokens that no provider counts are estimated
	RejectUnsupported bool          // a parameter that the target cannot express is a 400, not dropped

	Files  files.Store   // nil: requests cannot name files
	Stored *stored.Store // keeps responses; nil: nothing is kept
	Images *fetch.Client // fetches images named by URL; nil: such images are refused where the upstream takes none

	Limits *limit.Limits // nil: calls are not limited
	// LimitKey resolves the placeholder by which a limit counts a request. It is set where Limits is.
	LimitKey func(r *http.Request, placeholder string) string

	Prices     *price.Book // nil: calls have no cost
	CostHeader bool        // tell clients what a whole reply cost

	Content *usage.Content // where prompts and replies are written; nil: nowhere

	Logger *zap.Logger // nil: nothing is logged

	// Caller identifies the caller of a request. nil: one anonymous caller who may ask for every model.
	Caller func(*http.Request) Caller
	// CallerKey names the caller for bounds that hold for each: its user, or its network address. nil: all are one.
	CallerKey func(*http.Request) string
	// Process is what all gateways of the process share. nil: this one has a process of its own.
	Process *Process
	// MaxBuffered bounds what requests hold in memory, in bytes. 0: nothing does.
	MaxBuffered int64
	// Trace begins the trace of a request's call; it returns nil for a request that is not traced. nil: none is.
	Trace func(*http.Request) Trace
	// SpoolDir is the folder in which forms wait on disk, made when it is needed; "" is the system's for temporary files.
	// MaxForm is the largest form, in bytes; 0 is the default of files.
	SpoolDir string
	MaxForm  int64
	// Observe is called with the record of every call when the call is over. nil: records are dropped.
	Observe func(*http.Request, *usage.Record)
	// StatusOf returns the HTTP status that an error from reading the body stands for; 0 if it stands for none. nil: none does.
	StatusOf func(error) int
}

// Process is what all gateways of a process share. It is safe for concurrent use; the zero value is ready.
type Process struct {
	Memory Memory
	// Forms counts the bytes of forms on disk.
	Forms Memory
	// owned: a caller of the process had an owner, or a key for certain models.
	owned atomic.Bool

	quiet quiet // lines about failing upstreams

	calls, streams atomic.Int64 // under way

	panics, files, fileBytes atomic.Int64 // since there is a gateway in the process
}

// Calls returns how many calls are under way, and how many of them are streams whose reply has begun.
func (p *Process) Calls() (calls, streams int64) { return p.calls.Load(), p.streams.Load() }

// FileStored counts an upload.
func (p *Process) FileStored(bytes int64) {
	p.files.Add(1)
	p.fileBytes.Add(bytes)
}

// Stored returns how many files were uploaded, and how many bytes they have.
func (p *Process) Stored() (files, bytes int64) { return p.files.Load(), p.fileBytes.Load() }

// Panics returns how many calls ended by a fault of the gateway.
func (p *Process) Panics() int64 { return p.panics.Load() }

// note remembers what kind of callers there are.
func (p *Process) note(c *Caller) {
	if (c.Owner != "" || c.Models != nil) && !p.owned.Load() {
		p.owned.Store(true)
	}
}

// Anonymous reports whether this caller and all others of the process so far are one and the same to the gateway: none had
// an owner, or a key for certain models.
func (en *Engine) Anonymous(c *Caller) bool {
	return c.Owner == "" && c.Models == nil && !en.Process.owned.Load()
}

// Engine makes calls. It is immutable but for what it learns of upstreams, and safe for concurrent use.
type Engine struct {
	Config
	openai  translate.Dialect
	lessons lessons
	limits  limits
}

// New returns an Engine.
func New(c Config) *Engine {
	if c.Logger == nil {
		c.Logger = zap.NewNop()
	}
	if c.Caller == nil {
		c.Caller = func(*http.Request) Caller { return Caller{} }
	}
	if c.SpoolDir == "" {
		c.SpoolDir = os.TempDir()
	}
	if c.MaxForm == 0 {
		c.MaxForm = files.DefaultMaxSize
	}
	if c.Process == nil {
		c.Process = new(Process)
	}
	return &Engine{Config: c, openai: translate.ByName(openai.Name), limits: limitsOf(c.MaxBuffered, c.MaxBody)}
}
