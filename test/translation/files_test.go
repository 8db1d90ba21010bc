package translation_test

import (
	"bytes"
	"encoding/json"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// upload puts a file into the gateway's store and gives its id and the context block that a chat gets of it.
func (tb *table) upload(t *testing.T, name, mediaType, content, size, text string) (id, block string) {
	t.Helper()
	var form bytes.Buffer
	mw := multipart.NewWriter(&form)
	if err := mw.WriteField("purpose", "user_data"); err != nil {
		t.Fatal(err)
	}
	part, err := mw.CreatePart(textproto.MIMEHeader{"Content-Disposition": {`form-data; name="file"; filename="` + name + `"`}, "Content-Type": {mediaType}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := mw.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, gatewaytest.URL+"/v1/files", &form)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mw.FormDataContentType())
	a := tb.g.Do(t, req)
	var f struct {
		ID      string `json:"id"`
		Created int64  `json:"created_at"`
	}
	if err := json.Unmarshal([]byte(a.Body), &f); err != nil || f.ID == "" {
		t.Fatalf("the upload got %d %s", a.Status, a.Body)
	}
	created := time.Unix(f.Created, 0).UTC().Format(time.RFC3339)
	return f.ID, "=== UPLOADED FILES CONTEXT ===\n\n📄 **File: " + name + "** (" + mediaType + ", " + size + ")\nCreated: " + created + "\n\n**Processed Content:**\n" + text + "\n\n=== END OF FILES CONTEXT ===\n\n"
}

// quoted is text as a JSON string.
func quoted(text string) string {
	b, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestFiles shows how uploaded files come into chats.
func TestFiles(t *testing.T) {
	tb := start(t)
	csv, block := tb.upload(t, "sales.csv", "text/csv", "Date,Sales\n1,2\n", "15B", "Date,Sales\n1,2")
	pdf, _ := tb.upload(t, "a.pdf", "application/pdf", "%PDF-1.4", "", "")
	const missing = "file-00000000000000000000000000000000"
	const three = `"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"}]`
	ids := func(ids ...string) string { return `,"file_ids":["` + strings.Join(ids, `","`) + `"]` }
	part := func(id string) string {
		return `"messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"file","file":{"file_id":"` + id + `"}}]}]`
	}
	notFound := func(param, id string) string { return fault("invalid_request_error", param, "file_not_found", id) }
	tb.run(t, []row{
		{
			rule: "file_ids are text before the question, which is the last user message", request: three + ids(csv),
			sent: `{"messages":[{"role":"user","content":[{"text":"A"}]},{"role":"assistant","content":[{"text":"B"}]},{"role":"user","content":[{"text":` + quoted(block) + `},{"text":"C"}]}]}`,
		},
		{
			rule: "toward OpenAI in the message's own string", model: gpt, request: three + ids(csv),
			sent: `{"model":"gpt-4o","messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":` + quoted(block+"C") + `}]}`,
		},
		{
			rule: "and before the parts of one that has parts", model: gpt, request: `"messages":[{"role":"user","content":[{"type":"text","text":"C"}]}]` + ids(csv),
			sent: `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":` + quoted(block) + `},{"type":"text","text":"C"}]}]}`,
		},
		{rule: "a part that names a file of text is its text", request: part(csv), sent: user(`{"text":"Look"},{"text":` + quoted(block) + `}`)},
		{rule: "so it is toward OpenAI", model: gpt, request: part(csv), sent: `{"model":"gpt-4o","messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"text","text":` + quoted(block) + `}]}]}`},
		{rule: "a document where the model takes one", model: nova, request: part(pdf), sent: user(`{"text":"Look"},{"document":{"format":"pdf","name":"a","source":{"bytes":"JVBERi0xLjQ="}}}`)},
		{rule: "so it is by file_ids", model: nova, request: hi + ids(pdf), sent: user(`{"document":{"format":"pdf","name":"a","source":{"bytes":"JVBERi0xLjQ="}}},{"text":"Hi"}`)},
		{rule: "a file that is not there is told before anything is sent", request: hi + ids(csv, missing), status: 404, get: notFound("file_ids", missing)},
		{rule: "so it is toward OpenAI", model: gpt, request: hi + ids(missing), status: 404, get: notFound("file_ids", missing)},
		{rule: "so it is with a part", request: part(missing), status: 404, get: notFound("file_ids", missing)},
		{rule: "OpenAI's own file ids are its business", model: gpt, request: part("file-abc"), sent: `{"model":"gpt-4o",` + part("file-abc") + `}`},
		{rule: "file_ids that are no list", request: hi + `,"file_ids":"x"`, status: 400, get: invalid("file_ids", "must be a list")},
		{rule: "no file ids", request: hi + `,"file_ids":[]`, sent: greeted()},
	})
}
