package handler

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// What callers reach of an upstream that keeps objects. All of the gateway's users share its one account there, so an object
// is nobody's: a caller that knows an id would reach another's.

// modelPaths are the relayed paths whose call is its model's alone, by POST. On any other path, or with another method, the
// provider acts on something else than the model that the body may name.
var modelPaths = map[string]bool{
	"/v1/completions": true, "/v1/moderations": true,
	"/v1/responses": true, "/v1/responses/input_tokens": true, "/v1/responses/compact": true,
	"/v1/images/generations": true, "/v1/images/edits": true, "/v1/images/variations": true,
	"/v1/audio/speech": true, "/v1/audio/transcriptions": true, "/v1/audio/translations": true,
}

// checkScope refuses a relayed call that a key for certain models cannot be charged with.
func checkScope(c *exchange.Call, r *http.Request) error {
	if c.Caller.Models == nil || r.Method == http.MethodPost && modelPaths[apiPath(r.URL.Path)] {
		return nil
	}
	return &chat.Error{
		Kind: chat.ErrPermission, Code: "model_not_allowed",
		Message: "your key is for certain models only, and " + r.Method + " " + r.URL.Path + " is not a call of one",
	}
}

// apiPath returns a path as OpenAI's API has it: on Bedrock's own host it stands below /openai.
func apiPath(path string) string { return strings.TrimPrefix(path, "/openai") }

// checkObjects refuses a relayed call on what an upstream keeps, unless every object there can only be the caller's: this
// caller and all others of the process are anonymous, and there is one upstream that it may be at. What a request of Responses
// names is looked for elsewhere (recall); this is for bodies that the gateway does not read, and for paths that it does not know.
func (g *Gateway) checkObjects(c *exchange.Call, r *http.Request, body []byte) error {
	path := apiPath(r.URL.Path)
	rest, is := strings.CutPrefix(path, "/v1/responses")
	if !is || g.Anonymous(&c.Caller) && g.one(upstream.KindOpenAI) {
		return nil
	}
	if id, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "/"); id != "" && !modelPaths[path] {
		return stored.NoResponse(id)
	}
	var b chat.Body
	if b.ParseBody(body) != nil {
		return nil
	}
	if names, err := stored.NamesIn(&b); err != nil {
		return err
	} else if names.Any() {
		return ownerless("previous_response_id")
	}
	if b.Value("conversation") != nil {
		return ownerless("conversation")
	}
	return nil
}

// ownerless is the error for a request that names what nobody can tell the owner of.
func ownerless(param string) *chat.Error {
	e := chat.Invalid(param, "'%s' names what an upstream keeps for all users of this gateway, and nobody can tell whose it is; send the whole conversation in 'input'", param)
	e.Code = "previous_response_not_found"
	return e
}

// one reports whether there is a single upstream of the kind.
func (g *Gateway) one(kind string) bool {
	n := 0
	for _, u := range g.upstreams {
		if u.Kind == kind {
			n++
		}
	}
	return n == 1
}

// controlParams are the parameters of the control plane's listings
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html, …_ListInferenceProfiles.html).
var controlParams = map[string][]string{
	"/foundation-models":  {"byCustomizationType", "byInferenceType", "byOutputModality", "byProvider"},
	"/inference-profiles": {"maxResults", "nextToken", "type"},
}

// controlQuery returns those parameters of a listing that AWS documents; no other reaches AWS under the gateway's signature.
func controlQuery(u *url.URL) string {
	if u.RawQuery == "" {
		return ""
	}
	given, kept := u.Query(), url.Values{}
	for _, name := range controlParams[u.Path] {
		if v := given[name]; len(v) > 0 {
			kept[name] = v[:1]
		}
	}
	return kept.Encode()
}
