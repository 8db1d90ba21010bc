package handler

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
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
	if c.Caller.Models == nil || r.Method == http.MethodPost && modelPaths[r.URL.Path] {
		return nil
	}
	return &chat.Error{
		Kind: chat.ErrPermission, Code: "model_not_allowed",
		Message: "your key is for certain models only, and " + r.Method + " " + r.URL.Path + " is not a call of one",
	}
}

// checkObjects refuses a relayed call on what an upstream keeps, unless every object there can only be the caller's: this
// caller and all others of the process are anonymous, and there is one upstream that it may be at.
func (g *Gateway) checkObjects(c *exchange.Call, r *http.Request, body []byte) error {
	rest, named := strings.CutPrefix(r.URL.Path, "/v1/responses/")
	inPath := named && rest != "" && rest != "input_tokens" && rest != "compact"
	param := ""
	if !inPath && strings.HasPrefix(r.URL.Path, "/v1/responses") {
		param = objectIn(body)
	}
	if !inPath && param == "" || g.Anonymous(&c.Caller) && g.one(upstream.KindOpenAI) {
		return nil
	}
	if inPath {
		id, _, _ := strings.Cut(rest, "/")
		return &chat.Error{Kind: chat.ErrNotFound, Param: "response_id", Message: "Response with id '" + chat.Clip(id) + "' not found."}
	}
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

// objectIn returns the member of a Responses body that names a stored object; "" if there is none.
func objectIn(body []byte) string {
	var b chat.Body
	if b.ParseBody(body) != nil {
		return ""
	}
	for _, key := range [...]string{"previous_response_id", "conversation"} {
		if b.Value(key) != nil {
			return key
		}
	}
	input := b.Value("input")
	if input == nil || input[0] != '[' {
		return ""
	}
	r := json.NewReader(input)
	for r.Array(); r.Element(); {
		if r.Kind() != json.Object {
			r.Skip()
			continue
		}
		kind, id, other := "", false, false
		for r.Object(); r.Member(); {
			switch key := string(r.Key()); {
			case key == "type" && r.Kind() == json.Text:
				kind = r.Text()
			case key == "id":
				id = true
				r.Skip()
			default:
				other = true
				r.Skip()
			}
		}
		// An item with nothing but an id is a reference, too.
		if kind == "item_reference" || kind == "" && id && !other {
			return "input"
		}
	}
	return ""
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
