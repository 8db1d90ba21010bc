package handler

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Miss is a request for one of the APIs at a path that the gateway does not serve.
type Miss struct {
	form *exchange.Form
	path string // that is served, and was meant; "" if there is none
}

// asides are the segments that clients put before an API's path when their base URL is not the gateway's: twice the version,
// the name of a provider's API. Azure's has a segment after it.
var asides = []string{"v1", "v1beta", "api", "openai", "anthropic", "bedrock", "deployments"}

// unserved are the first segments of paths of OpenAI's API that the gateway does not serve, for clients whose base URL lacks
// the version. Source, November 2026: https://platform.openai.com/docs/api-reference.
var unserved = []string{
	"assistants", "batches", "chatkit", "containers", "evals", "fine_tuning", "organization", "realtime", "skills",
	"threads", "uploads", "vector_stores", "videos",
}

// Miss returns what is wrong with the path of a request that ServeHTTP does not serve: it is nearly right, or it belongs to an
// API and is not served here. It returns nil for all other paths, which are no client's of the APIs.
func (g *Gateway) Miss(r *http.Request) *Miss {
	segments := strings.Split(r.URL.EscapedPath(), "/")
	segments = slices.DeleteFunc(segments, func(s string) bool { return s == "" })
	if len(segments) == 0 {
		return nil
	}
	m := &Miss{form: &openaiForm}
	_, anthropic := r.Header["Anthropic-Version"]
	versioned := false
	rest := segments
	for ; ; rest = rest[1:] {
		for _, before := range [...]string{"/v1", ""} {
			u, err := url.Parse(before + "/" + strings.Join(rest, "/"))
			if err != nil || u.Path == r.URL.Path {
				continue
			}
			if res, _ := g.surface.find(u); res != nil && len(rest) > 0 {
				m.form, m.path = res.form, u.Path
				if m.form == &modelForm {
					m.form = modelsForm(r)
				}
				return m
			}
		}
		if len(rest) == 0 || !slices.Contains(asides, rest[0]) {
			break
		}
		versioned = versioned || rest[0] == "v1"
		if rest[0] == "deployments" && len(rest) > 1 {
			rest = rest[1:]
		}
	}
	switch {
	case segments[0] == "model" && g.serves("/model/m/converse"):
		m.form = &bedrockForm
	case !versioned && (len(rest) == 0 || !slices.Contains(unserved, rest[0])):
		return nil
	case anthropic, len(rest) > 0 && rest[0] == "messages":
		m.form = &anthropicForm
	}
	return m
}

func (g *Gateway) serves(path string) bool {
	res, _ := g.surface.find(&url.URL{Path: path})
	return res != nil
}

// NotFound answers a miss with a 404 in the form of the API that was meant. base is the address of the site as the client
// has it, without a slash at its end.
func (g *Gateway) NotFound(w http.ResponseWriter, r *http.Request, m *Miss, base string) {
	if m.form != &anthropicForm && m.form != &bedrockForm {
		base += "/v1"
	}
	e := &chat.Error{Kind: chat.ErrNotFound, Code: "unknown_url", Type: "UnknownOperationException"}
	e.Message = "Unknown request URL: " + r.Method + " " + chat.Clip(r.URL.Path) + ". "
	if m.path != "" {
		e.Message += "This is " + chat.Clip(m.path) + " here; set the client's base URL to " + base
	} else {
		e.Message += "The gateway does not serve it; clients' base URL is " + base
	}
	g.Fail(w, r, m.form, exchange.NewID(), e)
}
