// Package openai plays the OpenAI API on loopback: chat completions, models, embeddings, completions, responses,
// moderations, images and audio, as strict about a request as the real one and with the same headers, statuses and
// words, so that what passes here passes there. It shares no code with the gateway: it is an oracle for it.
//
// # Keys
//
// Every call needs "Authorization: Bearer" with the key, sk-simulator unless Options.Key says otherwise.
//
// # What it refuses
//
// Unknown members ("Unrecognized request argument supplied: file_ids"), wrong types and ranges, missing members, names
// that do not match ^[a-zA-Z0-9_-]{1,64}$, tool calls without their results and results without their call, images
// that are none, schemas that strict mode does not take, sampling parameters and max_tokens for reasoning models,
// models it does not know (404), prompts beyond a model's context (context_length_exceeded).
//
// # What it answers
//
// Always the same to the same request:
//
//   - "You said: …", the newest user message, with a note for each image, file and sound in it
//   - after tool results: "The tool said: …", or the call that a result asks for with "then call <tool>"
//   - a tool call where tool_choice forces one, or where the newest user message says "call <tool>" for a tool that
//     was given; "call a and b" makes two in one turn, "call any" the first tool's, "call all" each tool's. A JSON
//     object after the name becomes the arguments (call get_weather {"city":"Paris"}), otherwise they are made from
//     the tool's schema; {"input":"…"} is the text of a custom tool. "say and call <tool>" has text before the call
//   - for response_format json_schema, an instance of the schema; for json_object, {"said": …}
//   - reasoning models bill 64 reasoning tokens, unless reasoning_effort is none
//   - Responses answers the same in items. It keeps the newest thousands of responses: by their ids they are read, listed,
//     deleted and gone on with. One in the background is queued, runs at the first look and is done at the second. The
//     encrypted_content of reasoning is returned where it is asked for, and one that this package has not made is refused. A
//     compaction_trigger at the end of the input is answered by one compaction item
//
// The reply names the dated snapshot of the model that was asked for: gpt-4o is answered by gpt-4o-2024-08-06.
//
// # What it does wrong on demand
//
// The faults of package fault, by the header Bedrock-Simulator-Fault, a directive in the last user message
// ([[fault:throttle=2]]) or a suffix of the model's id (gpt-4o~throttle=2). AWS exception names stand for what OpenAI
// answers in their place: throttle is 429 rate_limit_exceeded, InternalServerException 500 server_error. An exception
// in a stream is an event {"error":{…}}. One word more is known here: nodone leaves out the [DONE] that ends a stream.
package openai

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// DefaultKey is the API key that is taken where Options name none.
const DefaultKey = "sk-simulator"

// maxBody bounds what a request may bring, in bytes.
const maxBody = 128 << 20

// fingerprint is the system_fingerprint of every reply.
const fingerprint = "fp_simulator0"

// Options say what a simulated OpenAI accepts. The zero value is ready to use.
type Options struct {
	// Key is the one API key taken. Default: DefaultKey.
	Key string
	// Series tells the ids of this server's responses from those of another one: 8 hex digits. Default: 00000000.
	Series string
	// Observe, if not nil, is called with each call as it arrived, before it is judged. It must be safe for concurrent use.
	Observe func(Seen)
}

// Seen is a call as it arrived. Its Header and Body must not be changed.
type Seen struct {
	Method string
	// Path is the path as it was sent, percent-encoding included; Query what followed the question mark.
	Path, Query string
	Header      http.Header
	Body        []byte
}

type server struct {
	opts   Options
	find   func(id string) (m model, replyName string, f *failure)
	faults *fault.Counter
	calls  *atomic.Uint64
	// storage is what is kept of responses; nil: nothing.
	storage *storage
}

// New returns a simulated OpenAI. It is safe for concurrent use.
func New(o Options) http.Handler {
	if o.Key == "" {
		o.Key = DefaultKey
	}
	if o.Series == "" {
		o.Series = "00000000"
	}
	return &server{
		opts: o, find: findOwn, faults: new(fault.Counter), calls: new(atomic.Uint64),
		storage: &storage{responses: map[string]*storedResponse{}, items: map[string]map[string]any{}, thoughts: map[string]string{}},
	}
}

// endpoint serves one path: body is the whole request.
type endpoint struct {
	method string
	serve  func(s *server, w http.ResponseWriter, r *http.Request, body []byte)
}

var endpoints = map[string]endpoint{
	"/v1/models":               {http.MethodGet, (*server).models},
	"/v1/chat/completions":     {http.MethodPost, (*server).chat},
	"/v1/completions":          {http.MethodPost, (*server).completions},
	"/v1/responses":            {http.MethodPost, (*server).responses},
	"/v1/embeddings":           {http.MethodPost, (*server).embeddings},
	"/v1/moderations":          {http.MethodPost, (*server).moderations},
	"/v1/images/generations":   {http.MethodPost, (*server).images},
	"/v1/audio/speech":         {http.MethodPost, (*server).speech},
	"/v1/audio/transcriptions": {http.MethodPost, (*server).transcriptions},
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := s.calls.Add(1)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if s.opts.Observe != nil {
		path, query, _ := strings.Cut(r.RequestURI, "?")
		s.opts.Observe(Seen{Method: r.Method, Path: path, Query: query, Header: r.Header.Clone(), Body: body})
	}
	h := w.Header()
	h.Set("X-Request-Id", fmt.Sprintf("req_%032x", id))
	h.Set("Openai-Version", "2020-10-01")
	if err != nil {
		f := invalid("", "", "The request body could not be read, or is too large.")
		f.status = http.StatusRequestEntityTooLarge
		f.write(w)
		return
	}
	if f := s.authorize(r); f != nil {
		h.Set("Www-Authenticate", `Bearer realm="OpenAI API"`)
		f.write(w)
		return
	}
	h.Set("Openai-Organization", "org-simulator")
	h.Set("Openai-Processing-Ms", "7")
	path := r.URL.Path
	if strings.HasPrefix(path, "/v1/models/") {
		path = "/v1/models"
	}
	if rest, is := strings.CutPrefix(path, "/v1/responses/"); is {
		s.stored(w, r, rest)
		return
	}
	e, ok := endpoints[path]
	switch {
	case !ok:
		unknownURL(r).write(w)
	case r.Method != e.method:
		wrongMethod(r).write(w)
	default:
		e.serve(s, w, r, body)
	}
}

// authorize checks the bearer key, in constant time.
func (s *server) authorize(r *http.Request) *failure {
	scheme, key, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	key = strings.TrimSpace(key)
	if !strings.EqualFold(scheme, "bearer") || key == "" {
		return noKey()
	}
	if subtle.ConstantTimeCompare([]byte(key), []byte(s.opts.Key)) != 1 {
		return wrongKey(key)
	}
	return nil
}

func (s *server) models(w http.ResponseWriter, r *http.Request, _ []byte) {
	id := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/v1/models"), "/")
	if id == "" {
		writeJSON(w, http.StatusOK, listModels())
		return
	}
	m, name, ok := find(id)
	if !ok {
		noSuchModel(id).write(w)
		return
	}
	o := m.object()
	if name != m.snapshot {
		o.ID = name
	} else {
		o.ID = id
	}
	writeJSON(w, http.StatusOK, o)
}

// read takes a JSON body apart, checks it against the rules and finds its model, in the order in which the real API
// does. byDefault is the model of a body that names none; empty: it must name one.
func (s *server) read(r *http.Request, body []byte, u use, byDefault string, rules rule) (present map[string]any, m model, reply string, f *failure) {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		f := invalid("", "unsupported_content_type", "Unsupported content type: '"+r.Header.Get("Content-Type")+
			"'. This API method only accepts 'application/json' requests, but you specified the header 'Content-Type: "+
			r.Header.Get("Content-Type")+"'. Please try again with a supported content type.")
		return nil, m, "", f
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&present) != nil || present == nil {
		return nil, m, "", notJSON()
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, m, "", notJSON()
	}
	if _, ok := present["model"]; !ok && byDefault != "" {
		present["model"] = byDefault
	}
	id, ok := present["model"].(string)
	switch {
	case !ok && present["model"] != nil:
		return nil, m, "", wrongType("model", "a string", present["model"])
	case id == "":
		return nil, m, "", invalid("", "", "you must provide a model parameter")
	}
	id, _ = fault.Model(id)
	if m, reply, f = s.find(id); f != nil {
		return nil, m, "", f
	}
	if m.use != u {
		f := invalid("model", "", "This is not a model that this endpoint serves: `"+id+"`.")
		f.status = http.StatusNotFound
		return nil, m, "", f
	}
	return present, m, reply, rules("", present)
}

// play reads the faults of a call and plays those that come before the reply. The writer is nil where the call has
// been answered or left.
func (s *server) play(w http.ResponseWriter, r *http.Request, said, model string) (out *fault.Writer, spec fault.Spec, done bool) {
	spec, done = faultsOf(r, said, model)
	if spec.Invalid != "" {
		invalid("", "", spec.Invalid).write(w)
		return nil, spec, done
	}
	if !s.faults.Due(model+"\x00"+said, spec) {
		spec, done = fault.None(), true
	}
	out = fault.NewWriter(w, r, spec)
	if out.Before() != nil {
		return nil, spec, done
	}
	h := w.Header()
	h.Set("X-Ratelimit-Limit-Requests", "10000")
	h.Set("X-Ratelimit-Limit-Tokens", "2000000")
	h.Set("X-Ratelimit-Remaining-Requests", "9999")
	h.Set("X-Ratelimit-Remaining-Tokens", strconv.Itoa(2000000-tokens(said)))
	h.Set("X-Ratelimit-Reset-Requests", "6ms")
	h.Set("X-Ratelimit-Reset-Tokens", "0s")
	switch {
	case spec.Status != 0:
		h.Set("Content-Type", "text/html")
		w.WriteHeader(spec.Status)
		_, _ = fmt.Fprintf(out, "<html><head><title>%d %s</title></head></html>\n", spec.Status, http.StatusText(spec.Status))
		return nil, spec, done
	case spec.Error != "":
		f := refused(spec.Error)
		f.retryAfter = spec.RetryAfter
		if f.status == http.StatusTooManyRequests {
			h.Set("X-Ratelimit-Remaining-Requests", "0")
		}
		f.write(out)
		return nil, spec, done
	}
	return out, spec, done
}

// noDone is this simulator's own fault: a stream that ends well but for its [DONE].
const noDone = "nodone"

// faultsOf reads the faults of a call; done is false where the stream's end is to be left out.
func faultsOf(r *http.Request, said, model string) (spec fault.Spec, done bool) {
	spec = fault.Parse(r, said, model)
	words := strings.FieldsFunc(spec.Raw, func(c rune) bool { return c == ',' || c == ';' || c == ' ' })
	rest := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return w == noDone })
	if len(rest) == len(words) {
		return spec, true
	}
	return fault.Parse(nil, "", "~"+strings.Join(rest, ",")), false
}

func now() int64 { return time.Now().Unix() }
