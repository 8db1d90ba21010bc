package recall

import (
	"fmt"
	"strings"
	"testing"
)

// secret is what ann said, and nobody else may read.
const secret = "the-word-is-xyzzy"

// way is how a caller tries to reach a response of ann's.
type way struct {
	name         string
	key          string // of the caller; "" is bob's
	method, path string
	body         string
	headers      []string
	status       int // that the caller gets
	ann          int // that ann gets for the very same, so that the way is one; 0: she is not asked
	// refusedThere: OpenAI refuses the member, which is none of this path.
	refusedThere bool
}

// secrets are ann's responses: of the gateway's own, of OpenAI's, one there in the background, of the other server's, and items
// of them.
type secrets struct{ own, ownItem, ownInput, kept, keptItem, keptMessage, background, stream, other string }

func annsSecrets(t *testing.T, w *world) *secrets {
	t.Helper()
	own := w.create(t, ann, claude, `"input":"`+secret+`"`)
	kept := w.create(t, ann, gpt, `"input":"`+secret+`"`)
	s := &secrets{
		own: own.ID, ownItem: own.Output[0].ID, ownInput: "msg_" + strings.TrimPrefix(own.ID, "resp_") + "_i0", kept: kept.ID, keptItem: kept.Output[0].ID, keptMessage: kept.Output[1].ID,
		background: w.create(t, ann, gpt, `"input":"`+secret+`","background":true`).ID,
		other:      w.create(t, ann, "gpt-4o", `"input":"`+secret+`"`).ID,
	}
	a := w.ask(t, ann, "POST", "/v1/responses", `{"model":"gpt-5","input":"`+secret+`","background":true,"stream":true}`)
	_, id, _ := strings.Cut(a.Body, `"id":"`)
	s.stream, _, _ = strings.Cut(id, `"`)
	return s
}

// ways are the ways to another owner's response that this test knows.
func ways(s *secrets) []way {
	ask := func(model, members string) string { return fmt.Sprintf(`{"model":"%s",%s}`, model, members) }
	previous := func(id string) string {
		return `"input":"repeat all that was said","previous_response_id":"` + id + `"`
	}
	reference := func(id string) string {
		return `"input":[{"role":"user","content":"hello"},{"type":"item_reference","id":"` + id + `"},{"role":"user","content":"repeat it"}]`
	}
	const create = "/v1/responses"
	all := []way{
		// By id.
		{name: "read", method: "GET", path: create + "/" + s.own, status: 404, ann: 200},
		{name: "its headers alone", method: "HEAD", path: create + "/" + s.own, status: 404, ann: 200},
		{name: "delete", method: "DELETE", path: create + "/" + s.own, status: 404},
		{name: "its input", method: "GET", path: create + "/" + s.own + "/input_items", status: 404, ann: 200},
		{name: "cancel", method: "POST", path: create + "/" + s.own + "/cancel", status: 404, ann: 409},
		{name: "its events", method: "GET", path: create + "/" + s.own + "?stream=true", status: 404, ann: 200},
		{name: "at Bedrock's own path", method: "GET", path: "/openai/v1/responses/" + s.own, status: 404, ann: 200},
		{name: "delete at Bedrock's own path", method: "DELETE", path: "/openai/v1/responses/" + s.own, status: 404},

		// By chain.
		{name: "gone on with", method: "POST", path: create, body: ask(claude, previous(s.own)), status: 400, ann: 200},
		{name: "gone on with in a stream", method: "POST", path: create, body: ask(claude, previous(s.own)+`,"stream":true`), status: 400, ann: 200},
		{name: "gone on with at OpenAI", method: "POST", path: create, body: ask(gpt, previous(s.own)), status: 400, ann: 200},
		{name: "gone on with at Bedrock's own path", method: "POST", path: "/openai/v1/responses", body: ask(claude, previous(s.own)), status: 400, ann: 200},
		{name: "counted with its conversation", method: "POST", path: create + "/input_tokens", body: ask(claude, previous(s.own)), status: 400, ann: 200},
		{name: "compacted", method: "POST", path: create + "/compact", body: ask(claude, previous(s.own)), status: 400, ann: 200},
		{name: "gone on with and not stored", method: "POST", path: create, body: ask(claude, previous(s.own)+`,"store":false`), status: 400, ann: 200},

		// By reference.
		{name: "an item of the reply", method: "POST", path: create, body: ask(claude, reference(s.ownItem)), status: 404, ann: 200},
		{name: "an item of the reply at OpenAI", method: "POST", path: create, body: ask(gpt, reference(s.ownItem)), status: 404, ann: 200},
		{name: "an item of the input", method: "POST", path: create, body: ask(claude, reference(s.ownInput)), status: 404, ann: 200},
		{name: "an item by its id alone", method: "POST", path: create, body: ask(claude, `"input":[{"id":"`+s.ownInput+`"}]`), status: 404, ann: 200},
		{name: "an item that OpenAI keeps", method: "POST", path: create, body: ask(gpt, `"input":[{"role":"user","content":"hello"},{"type":"item_reference","id":"`+s.keptItem+`"},{"type":"item_reference","id":"`+s.keptMessage+`"},{"role":"user","content":"repeat it"}]`), status: 404, ann: 200},
		{name: "reasoning by its id", method: "POST", path: create, body: ask(gpt, `"input":[{"role":"user","content":"hello"},{"type":"reasoning","id":"`+s.keptItem+`","summary":[]},{"role":"assistant","content":"Hi."},{"role":"user","content":"repeat your thoughts"}]`), status: 404, ann: 200},
		{name: "a picture by its id", method: "POST", path: create, body: ask(gpt, `"input":[{"role":"user","content":"draw it again"},{"type":"image_generation_call","id":"`+s.keptItem+`"}]`), status: 404, ann: 200},
		{name: "an approval of what a model asked", method: "POST", path: create, body: ask(gpt, `"input":[{"type":"mcp_approval_response","approval_request_id":"`+s.keptItem+`","approve":true}]`), status: 404, ann: 200},
		{name: "an item with two types", method: "POST", path: create, body: ask(gpt, `"input":[{"type":"item_reference","id":"`+s.keptItem+`","type":"message","role":"user","content":"x"}]`), status: 404},
		{name: "an item in escapes", method: "POST", path: create, body: ask(gpt, `"input":[{"t\u0079pe":"item\u005freference","id":"`+s.keptItem+`"}]`), status: 404},
		{name: "an item whose type is null", method: "POST", path: create, body: ask(gpt, `"input":[{"type":null,"id":"`+s.keptItem+`","content":"x"}]`), status: 404},

		// By what OpenAI keeps.
		{name: "read at OpenAI", method: "GET", path: create + "/" + s.kept, status: 404, ann: 200},
		{name: "delete at OpenAI", method: "DELETE", path: create + "/" + s.kept, status: 404},
		{name: "its input at OpenAI", method: "GET", path: create + "/" + s.kept + "/input_items", status: 404, ann: 200},
		{name: "cancel in the background", method: "POST", path: create + "/" + s.background + "/cancel", status: 404},
		{name: "poll in the background", method: "GET", path: create + "/" + s.background, status: 404},
		{name: "its events at OpenAI", method: "GET", path: create + "/" + s.stream + "?stream=true&starting_after=0", status: 404, ann: 200},
		{name: "gone on with there", method: "POST", path: create, body: ask(gpt, previous(s.kept)), status: 400, ann: 200},
		{name: "gone on with there in a stream", method: "POST", path: create, body: ask(gpt, previous(s.kept)+`,"stream":true`), status: 400, ann: 200},
		{name: "gone on with there in the background", method: "POST", path: create, body: ask(gpt, previous(s.kept)+`,"background":true`), status: 400, ann: 200},
		{name: "gone on with by a request of no model", method: "POST", path: create, body: `{` + previous(s.kept) + `}`, status: 400},
		{name: "gone on with by a request of no model, at Bedrock's own path", method: "POST", path: "/openai/v1/responses", body: `{` + previous(s.kept) + `}`, status: 400},
		{name: "gone on with by a body that says it is a form", method: "POST", path: create, body: ask(gpt, previous(s.kept)), headers: []string{"Content-Type: multipart/form-data; boundary=x"}, status: 400},
		{name: "gone on with at the other server", method: "POST", path: create, body: ask("gpt-4o", previous(s.other)), status: 400, ann: 200},
		{name: "counted with its conversation there", method: "POST", path: create + "/input_tokens", body: ask(gpt, previous(s.kept)), status: 400},
		{name: "compacted there", method: "POST", path: create + "/compact", body: ask(gpt, previous(s.kept)), status: 400},
		{name: "its cache compared", method: "POST", path: create, body: ask(gpt, `"input":"x","prompt_cache_options":{"comparison_response_id":"`+s.kept+`"}`), status: 400, ann: 200},
		{name: "a conversation", method: "POST", path: create, body: ask(gpt, `"input":"x","conversation":"conv_1"`), status: 400},
		{name: "a path that the gateway does not know", method: "GET", path: create + "/" + s.kept + "/output_items", status: 404},
		{name: "by a body of another path", method: "POST", path: create + "/x/" + s.kept, body: `{}`, status: 404},

		// By listing.
		{name: "a list of responses", method: "GET", path: create, status: 405},
		{name: "the list of files", method: "GET", path: "/v1/files?limit=100", status: 200},
		{name: "as a file", method: "GET", path: "/v1/files/" + s.own, status: 404},
		{name: "as a file's content", method: "GET", path: "/v1/files/" + s.own + "/content", status: 404},
		{name: "as a file of a chat", method: "POST", path: "/v1/chat/completions", body: ask(claude, `"messages":[{"role":"user","content":"repeat it"}],"file_ids":["`+s.own+`"]`), status: 404},
		{name: "conversations", method: "GET", path: "/v1/conversations", status: 404},

		// By the spelling of paths and members.
		{name: "a path that climbs", method: "GET", path: create + "/x/../" + s.own, status: 404},
		{name: "a path that climbs to OpenAI's", method: "GET", path: "/v1/images/../responses/" + s.kept, status: 404},
		{name: "a path that climbs in escapes", method: "GET", path: create + "/x%2F..%2F" + s.kept, status: 404},
		{name: "a path with two slashes", method: "GET", path: "/v1//responses/" + s.own, status: 404},
		{name: "a path with a slash at its end", method: "GET", path: create + "/" + s.own + "/", status: 404},
		{name: "a path in escapes", method: "GET", path: create + "/%72" + s.own[1:], status: 404, ann: 200},
		{name: "a path with a parameter", method: "GET", path: create + "/" + s.own + ";owner=ann", status: 404},
		{name: "a path with a zero byte", method: "GET", path: create + "/" + s.own + "%00", status: 404},
		{name: "an id in capitals", method: "GET", path: create + "/" + strings.ToUpper(s.own), status: 404},
		{name: "an id with a point at its end", method: "GET", path: create + "/" + s.own + ".", status: 404},
		{name: "an id that climbs among the objects", method: "GET", path: create + "/..%5c..%5c" + s.own, status: 404},
		{name: "an id that climbs in the body", method: "POST", path: create, body: ask(gpt, previous("../kept/"+s.kept)), status: 400},
		{name: "a query", method: "GET", path: create + "/" + s.own + "?owner=ann&user=ann", status: 404},
		{name: "a member in capitals", method: "POST", path: create, body: ask(gpt, `"input":"x","Previous_Response_Id":"`+s.kept+`"`), status: 400},
		{name: "a member in escapes", method: "POST", path: create, body: ask(gpt, `"input":"x","previous\u005fresponse_id":"`+s.kept+`"`), status: 400},
		{name: "a member twice", method: "POST", path: create, body: ask(gpt, `"input":"x","previous_response_id":null,"previous_response_id":"`+s.kept+`"`), status: 400},
		{name: "a member of chat", method: "POST", path: "/v1/chat/completions", body: ask(gpt, `"messages":[{"role":"user","content":"x"}],"previous_response_id":"`+s.kept+`"`), status: 400, refusedThere: true},

		// By keys.
		{name: "a key for that model", key: carol, method: "GET", path: create + "/" + s.own, status: 404},
		{name: "a key for that model, gone on with", key: carol, method: "POST", path: create, body: ask(claude, previous(s.own)), status: 400},
		{name: "a key for certain models at OpenAI", key: dan, method: "GET", path: create + "/" + s.other, status: 404},
		{name: "a key for certain models, gone on with", key: dan, method: "POST", path: create, body: ask("gpt-4o", previous(s.other)), status: 400},
		{name: "a key for certain models, no model", key: dan, method: "POST", path: create, body: `{` + previous(s.other) + `}`, status: 400},
		{name: "her own key for other models", key: "sk-ann-limited", method: "GET", path: create + "/" + s.own, status: 404},
		{name: "her own key for other models, at OpenAI", key: "sk-ann-limited", method: "GET", path: create + "/" + s.kept, status: 404},
		{name: "her own key for other models, gone on with", key: "sk-ann-limited", method: "POST", path: create, body: ask("us.amazon.nova-pro-v1:0", previous(s.own)), status: 400},
		{name: "no key", key: "none", method: "GET", path: create + "/" + s.own, status: 401},
	}
	for _, h := range []string{
		"X-User: ann", "X-Forwarded-User: ann", "Remote-User: ann", "X-Auth-User-Id: ann", "Http.auth.user.id: ann", "OpenAI-Organization: ann", "OpenAI-Project: ann",
		"X-Forwarded-For: 127.0.0.1", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /v1/responses/" + s.own, "Cookie: user=ann", "X-Api-Key: {http.auth.user.id}",
	} {
		all = append(all, way{name: "the header " + h, method: "GET", path: create + "/" + s.own, headers: []string{h}, status: 404})
	}
	return all
}

func TestNoWayLeadsToAnotherOwnersResponse(t *testing.T) {
	w := newWorld(t, keys, "")
	s := annsSecrets(t, w)
	w.reached()
	n := 0
	for _, x := range ways(s) {
		t.Run(x.name, func(t *testing.T) {
			key := x.key
			switch key {
			case "":
				key = bob
			case "none":
				key = ""
			}
			a := w.ask(t, key, x.method, x.path, x.body, x.headers...)
			if a.Status != x.status {
				t.Errorf("status %d, not %d: %s", a.Status, x.status, a.Body)
			}
			if strings.Contains(a.Body, secret) {
				t.Errorf("told ann's secret: %s", a.Body)
			}
			if calls := w.reached(); len(calls) > 0 && !x.refusedThere {
				t.Errorf("OpenAI was asked: %q", calls)
			}
			if n++; x.ann == 0 {
				return
			}
			if a := w.ask(t, ann, x.method, x.path, x.body, x.headers...); a.Status != x.ann {
				t.Errorf("ann got %d, not %d: %s", a.Status, x.ann, a.Body)
			}
			w.reached()
		})
	}
	t.Logf("%d ways", n)
	for id, status := range map[string]string{s.own: "completed", s.kept: "completed", s.background: "in_progress", s.stream: "completed", s.other: "completed"} {
		if r := read(t, w.ask(t, ann, "GET", "/v1/responses/"+id, ""), 200); r.Status != status {
			t.Errorf("%s is %s afterwards, not %s", id, r.Status, status)
		}
	}
}

// A caller may say of its own words that they are an item of ann's. They stay its own words.
func TestAForgedIDLeadsToTheForgersWords(t *testing.T) {
	w := newWorld(t, keys, "")
	s := annsSecrets(t, w)
	forged := w.create(t, bob, claude, `"input":[{"type":"message","role":"user","id":"`+s.ownItem+`","content":"mine"},{"type":"message","role":"user","id":"`+s.keptItem+`","content":"mine too"}]`)
	for _, members := range []string{
		`"input":"go on","previous_response_id":"` + forged.ID + `"`, `"input":[{"role":"user","content":"hello"},{"type":"item_reference","id":"` + forged.Output[0].ID + `"},{"role":"user","content":"go on"}]`,
	} {
		a := w.ask(t, bob, "POST", "/v1/responses", `{"model":"`+claude+`",`+members+`}`)
		items := w.ask(t, bob, "GET", "/v1/responses/"+read(t, a, 200).ID+"/input_items", "")
		if strings.Contains(a.Body+items.Body, secret) {
			t.Errorf("%s %s", a.Body, items.Body)
		}
	}
	// A turn with Claude, which does without another maker's thoughts, does not make them the forger's for OpenAI.
	forged = w.create(t, bob, claude, `"input":[{"role":"user","content":"hello"},{"type":"reasoning","id":"`+s.keptItem+`","summary":[]},{"role":"assistant","content":"Hi."},{"role":"user","content":"and now?"}]`)
	w.reached()
	read(t, w.ask(t, bob, "POST", "/v1/responses", `{"model":"gpt-5","input":"repeat your thoughts","previous_response_id":"`+forged.ID+`"}`), 404)
	if calls := w.reached(); len(calls) > 0 {
		t.Errorf("OpenAI was asked: %q", calls)
	}
	e := read(t, w.ask(t, bob, "POST", "/v1/responses", `{"model":"`+claude+`","input":[{"id":"`+s.ownItem+`"}]}`), 404)
	if !strings.Contains(e.Error.Message, "Item with id '"+s.ownItem+"' not found.") {
		t.Errorf("%+v", e.Error)
	}
}

// A key that is given to somebody else brings nothing of its former owner's with it, and the owner loses nothing with the key.
func TestAResponseStaysItsOwnersWhenKeysChange(t *testing.T) {
	w := newWorld(t, keys, "")
	s := annsSecrets(t, w)
	w.reload(t, "api_key_auth {\n\tkey eve "+ann+"\n\tkey ann sk-new\n\tkey Ann sk-capital\n\tkey \"ann \" sk-space\n}\n")
	for _, id := range []string{s.own, s.kept, s.other} {
		for _, key := range []string{ann, "sk-capital", "sk-space"} {
			if a := w.ask(t, key, "GET", "/v1/responses/"+id, ""); a.Status != 404 || strings.Contains(a.Body, secret) {
				t.Errorf("%s by %s: %d %s", id, key, a.Status, a.Body)
			}
		}
		if a := w.ask(t, "sk-new", "GET", "/v1/responses/"+id, ""); a.Status != 200 || !strings.Contains(a.Body, secret) {
			t.Errorf("%s by its owner: %d %s", id, a.Status, a.Body)
		}
	}
}

// Without authentication all callers are one, and an id is all that protects a response. Once somebody has a key, what is
// nobody's is reached by nobody who has one.
func TestAnonymousCallersShareWhatTheyKeep(t *testing.T) {
	w := newWorld(t, "", "")
	r := w.create(t, "", claude, `"input":"`+secret+`"`)
	if a := w.ask(t, "", "GET", "/v1/responses/"+r.ID, ""); a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	w.reload(t, keys)
	for _, key := range []string{ann, bob} {
		if a := w.ask(t, key, "GET", "/v1/responses/"+r.ID, ""); a.Status != 404 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
}
