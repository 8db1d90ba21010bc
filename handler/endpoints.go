package handler

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/pages"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// endpoint is one row of the table: a path and a method, and what serves them.
type endpoint struct {
	// Name identifies the endpoint, in metrics and in the API's description; it never changes.
	name   string
	method string // GET serves HEAD as well; "" is every method
	// path is a literal, or has one variable: {x} is one segment, {x...} all that stands there, slashes included; neither is
	// empty, but for {path...}. {sent...} is the rest of a path that is sent on to an upstream, "" or a slash and more. A path
	// that climbs matches {path...} alone, where there is nothing but files of pages and 404s.
	path  string
	form  *exchange.Form // of its errors
	serve func(g *Gateway, w http.ResponseWriter, r *http.Request, variable string)
	off   string // the sub-directive that switches the endpoint off; "" if nothing does
}

// endpoints is the URL surface: every path and method that the gateway answers. The first row that matches a path counts,
// together with the others of the same path.
var endpoints = []endpoint{
	{"chat", http.MethodPost, "/v1/chat/completions", &openaiForm, (*Gateway).serveChat, ""},
	{"chat.health", http.MethodGet, "/v1/chat/completions/health", &openaiForm, (*Gateway).serveChatHealth, ""},
	{"messages", http.MethodPost, "/v1/messages", &anthropicForm, (*Gateway).serveMessages, ""},
	{"messages.count_tokens", http.MethodPost, "/v1/messages/count_tokens", &anthropicForm, (*Gateway).serveCountTokens, ""},
	{"models.list", http.MethodGet, "/v1/models", &modelForm, (*Gateway).serveModels, ""},
	{"models.get", http.MethodGet, "/v1/models/{model...}", &modelForm, (*Gateway).serveModel, ""},

	{"files.list", http.MethodGet, "/v1/files", &filesForm, filesEndpoint((*filesAPI).list), "files off"},
	{"files.upload", http.MethodPost, "/v1/files", &filesForm, filesEndpoint((*filesAPI).upload), "files off"},
	{"files.health", http.MethodGet, "/v1/files/health", &filesForm, filesEndpoint((*filesAPI).health), "files off"},
	{"files.get", http.MethodGet, "/v1/files/{file}", &filesForm, filesEndpoint((*filesAPI).get), "files off"},
	{"files.delete", http.MethodDelete, "/v1/files/{file}", &filesForm, filesEndpoint((*filesAPI).remove), "files off"},
	{"files.content", http.MethodGet, "/v1/files/{file}/content", &filesForm, filesEndpoint((*filesAPI).content), "files off"},
	{"files.unknown", "", "/v1/files/{path...}", &filesForm, filesEndpoint((*filesAPI).notFound), "files off"},

	{"embeddings", http.MethodPost, "/v1/embeddings", &openaiForm, (*Gateway).serveEmbeddings, ""},
	{"rerank", http.MethodPost, "/v1/rerank", &openaiForm, serveRerank("1"), ""},
	{"rerank.v2", http.MethodPost, "/v2/rerank", &openaiForm, serveRerank("2"), ""},
	{"rerank.plain", http.MethodPost, "/rerank", &openaiForm, serveRerank("1"), ""},
	{"images", "", "/v1/images{sent...}", &openaiForm, (*Gateway).serveRelay, ""},
	{"audio", "", "/v1/audio{sent...}", &openaiForm, (*Gateway).serveAudio, ""},
	{"moderations", "", "/v1/moderations{sent...}", &openaiForm, (*Gateway).serveRelay, ""},
	{"completions", "", "/v1/completions{sent...}", &openaiForm, (*Gateway).serveRelay, ""},
	{"responses", http.MethodPost, "/v1/responses", &responsesForm, (*Gateway).serveResponses, ""},
	{"responses.websocket", http.MethodGet, "/v1/responses", &responsesForm, (*Gateway).serveWebSocket, ""},
	{"responses.input_tokens", http.MethodPost, "/v1/responses/input_tokens", &responsesForm, (*Gateway).serveInputTokens, ""},
	{"responses.compact", http.MethodPost, "/v1/responses/compact", &responsesForm, (*Gateway).serveCompact, ""},
	{"responses.get", http.MethodGet, "/v1/responses/{response}", &responsesForm, serveStored(retrievesResponse), ""},
	{"responses.delete", http.MethodDelete, "/v1/responses/{response}", &responsesForm, serveStored(deletesResponse), ""},
	{"responses.input_items", http.MethodGet, "/v1/responses/{response}/input_items", &responsesForm, serveStored(listsInputItems), ""},
	{"responses.cancel", http.MethodPost, "/v1/responses/{response}/cancel", &responsesForm, serveStored(cancelsResponse), ""},
	{"responses.stored", "", "/v1/responses{sent...}", &responsesForm, (*Gateway).serveRelay, ""},
	{"conversations", "", "/v1/conversations{sent...}", &responsesForm, (*Gateway).serveConversations, ""},

	{"health", http.MethodGet, "/health", &openaiForm, (*Gateway).serveHealth, "health off"},

	{"playground.slash", http.MethodGet, "/playground", &openaiForm, serveSlash, "playground off"},
	{"playground", http.MethodGet, "/playground/{path...}", &openaiForm, servePage(pages.Playground), "playground off"},
	{"openapi", http.MethodGet, "/openapi.json", &openaiForm, (*Gateway).serveDescription, docsOff},
	{"docs.slash", http.MethodGet, "/docs", &openaiForm, serveSlash, docsOff},
	{"docs", http.MethodGet, "/docs/{path...}", &openaiForm, servePage(pages.Docs), docsOff},
	{"redoc.slash", http.MethodGet, "/redoc", &openaiForm, serveSlash, docsOff},
	{"redoc", http.MethodGet, "/redoc/{path...}", &openaiForm, servePage(pages.Redoc), docsOff},

	{"status", http.MethodGet, "/bedrock_gateway/status", &openaiForm, (*Gateway).serveStatus, noStatus},
	{"status.script", http.MethodGet, "/bedrock_gateway/status/app.js", &openaiForm, (*Gateway).serveStatusScript, noStatus},
	{"status.style", http.MethodGet, "/bedrock_gateway/status/style.css", &openaiForm, (*Gateway).serveStatusStyle, noStatus},

	{"converse", http.MethodPost, "/model/{model...}/converse", &bedrockForm, serveNative("converse"), "native off"},
	{"converse_stream", http.MethodPost, "/model/{model...}/converse-stream", &bedrockForm, serveNative("converse-stream"), "native off"},
	{"invoke", http.MethodPost, "/model/{model...}/invoke", &bedrockForm, serveNative("invoke"), "native off"},
	{"invoke_stream", http.MethodPost, "/model/{model...}/invoke-with-response-stream", &bedrockForm, serveNative("invoke-with-response-stream"), "native off"},
	{"count_tokens", http.MethodPost, "/model/{model...}/count-tokens", &bedrockForm, serveNative("count-tokens"), "native off"},
	{"bedrock.chat", http.MethodPost, "/openai/v1/chat/completions", &openaiForm, (*Gateway).serveChat, "native off"},
	{"bedrock.responses", http.MethodPost, "/openai/v1/responses", &responsesForm, (*Gateway).serveResponses, "native off"},
	{"bedrock.responses.websocket", http.MethodGet, "/openai/v1/responses", &responsesForm, (*Gateway).serveWebSocket, "native off"},
	{"bedrock.responses.get", http.MethodGet, "/openai/v1/responses/{response}", &responsesForm, serveStored(retrievesResponse), "native off"},
	{"bedrock.responses.delete", http.MethodDelete, "/openai/v1/responses/{response}", &responsesForm, serveStored(deletesResponse), "native off"},
	{"bedrock.responses.input_items", http.MethodGet, "/openai/v1/responses/{response}/input_items", &responsesForm, serveStored(listsInputItems), "native off"},
	{"bedrock.responses.cancel", http.MethodPost, "/openai/v1/responses/{response}/cancel", &responsesForm, serveStored(cancelsResponse), "native off"},
	{"bedrock.models", http.MethodGet, "/openai/v1/models", &openaiForm, (*Gateway).serveModels, "native off"},
	{"bedrock.messages", http.MethodPost, "/anthropic/v1/messages", &anthropicForm, (*Gateway).serveMessages, "native off"},
	{"bedrock.messages.count_tokens", http.MethodPost, "/anthropic/v1/messages/count_tokens", &anthropicForm, (*Gateway).serveCountTokens, "native off"},
	{"foundation_models", http.MethodGet, "/foundation-models{sent...}", &bedrockForm, (*Gateway).serveControl, "native off"},
	{"inference_profiles", http.MethodGet, "/inference-profiles{sent...}", &bedrockForm, (*Gateway).serveControl, "native off"},
}

// docsOff switches off the pages of the API's description.
const docsOff = "docs off"

// noStatus is the word without which the status page's endpoints are off.
const noStatus = "status_page"

// resource is the endpoints of one path.
type resource struct {
	before, after string // what stands around the variable; before is the whole path where there is none
	variable      variable
	empty         bool // the variable may be empty
	form          *exchange.Form
	endpoints     []*endpoint
	allow         string // the methods, for a 405; "" if every method is served
}

// variable is what a path's variable stands for.
type variable uint8

const (
	none    variable = iota
	segment          // {x}
	several          // {x...}
	sent             // {sent...}
)

// surface finds the resource of a path. It is immutable, and safe for concurrent use.
type surface struct {
	literal  map[string]*resource
	variable []*resource // in the order of the table
}

// newSurface returns the surface of the rows that are not switched off.
func newSurface(rows []endpoint, off map[string]bool) *surface {
	s := &surface{literal: map[string]*resource{}}
	byPath := map[string]*resource{}
	for i := range rows {
		e := &rows[i]
		if off[e.off] {
			continue
		}
		res := byPath[e.path]
		if res == nil {
			res = newResource(e)
			byPath[e.path] = res
			if res.variable == none {
				s.literal[e.path] = res
			} else {
				s.variable = append(s.variable, res)
			}
		}
		res.endpoints = append(res.endpoints, e)
	}
	for _, res := range byPath {
		res.allow = allowed(res.endpoints)
	}
	return s
}

func newResource(e *endpoint) *resource {
	res := &resource{before: e.path, form: e.form}
	before, rest, ok := strings.Cut(e.path, "{")
	if !ok {
		return res
	}
	name, after, _ := strings.Cut(rest, "}")
	res.before, res.after = before, after
	switch {
	case name == "sent...":
		res.variable = sent
	case strings.HasSuffix(name, "..."):
		res.variable, res.empty = several, name == "path..."
	default:
		res.variable = segment
	}
	return res
}

// allowed returns the methods of endpoints as Allow lists them; "" for every method.
func allowed(endpoints []*endpoint) string {
	var methods []string
	for _, e := range endpoints {
		switch e.method {
		case "":
			return ""
		case http.MethodGet:
			methods = append(methods, http.MethodGet, http.MethodHead)
		default:
			methods = append(methods, e.method)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// find returns the resource of the request's path and the value of its variable; nil if there is none.
func (s *surface) find(u *url.URL) (*resource, string) {
	if res := s.literal[u.Path]; res != nil {
		return res, ""
	}
	for _, res := range s.variable {
		if v, ok := res.match(u); ok && (res.empty || !climbs(u.Path)) {
			return res, v
		}
	}
	return nil, ""
}

// match returns the value of the resource's variable in the path. A model's id in Bedrock's own paths is read from the path
// as it was sent: AWS clients encode it as one segment, others leave its colons and slashes as they are.
func (res *resource) match(u *url.URL) (string, bool) {
	path, asSent := u.Path, res.form.Native && res.variable == several
	if asSent {
		path = u.EscapedPath()
	}
	v, ok := strings.CutPrefix(path, res.before)
	if !ok {
		return "", false
	}
	if v, ok = strings.CutSuffix(v, res.after); !ok {
		return "", false
	}
	switch res.variable {
	case segment:
		return v, v != "" && !strings.Contains(v, "/") && !climbs(v)
	case sent:
		return v, v == "" || v[0] == '/'
	case none, several:
	}
	if v == "" && !res.empty {
		return "", false // nothing is named: the path is another one, with a slash at its end
	}
	if asSent {
		id, err := url.PathUnescape(v)
		return id, err == nil
	}
	return v, true
}

// climbs reports whether a decoded path has a segment that leads elsewhere. An upstream that resolves /v1/images/../files would
// do anything that its API can, with the gateway's own key. And Caddy's matchers look at the path where it leads: to one that
// leaves /docs/* open, /model/../docs/x/converse is a page.
func climbs(path string) bool {
	for segment := range strings.FieldsFuncSeq(path, func(c rune) bool { return c == '/' || c == '\\' }) {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}

// endpoint returns the endpoint of the method; nil if the resource has none.
func (res *resource) endpoint(method string) *endpoint {
	for _, e := range res.endpoints {
		if e.method == "" || e.method == method || e.method == http.MethodGet && method == http.MethodHead {
			return e
		}
	}
	return nil
}

// refuseMethod answers 405.
func (g *Gateway) refuseMethod(w http.ResponseWriter, r *http.Request, res *resource) {
	w.Header().Set("Allow", res.allow)
	f := res.form
	e := &chat.Error{
		Kind: chat.ErrInvalidRequest, Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Message: r.Method + " is not allowed on " + r.URL.Path + "; use " + res.allow,
	}
	switch f {
	case &modelForm:
		f = modelsForm(r)
	case &filesForm:
		e.Code, e.Message = "method_not_supported", "Not allowed to "+r.Method+" on "+r.URL.Path+"."
	}
	g.Fail(w, r, f, exchange.NewID(), e)
}
