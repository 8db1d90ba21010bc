package handler

import (
	"io"
	"mime/multipart"
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// serveAudio is what OpenAI has below /v1/audio: relayed as it is. The forms of transcriptions and translations bring files far
// larger than max_body, and OpenAI's own example sends the file before the model, by which the form is routed: they wait on
// disk.
func (g *Gateway) serveAudio(w http.ResponseWriter, r *http.Request, rest string) {
	boundary, ok := isMultipart(r.Header.Get("Content-Type"))
	if !ok || r.Method != http.MethodPost {
		g.serveRelay(w, r, rest)
		return
	}
	c := g.NewCall(w, r, openaiForm)
	c.Out = openaiForm.Errors
	c.Record.Dialect = c.Out.Name()
	c.Answer(func() error {
		if err := checkScope(c, r); err != nil {
			return err
		}
		name := ""
		form, err := c.Spool(func(body io.Reader) (err error) {
			name, err = formModel(multipart.NewReader(body, boundary))
			return err
		})
		if err != nil {
			return err
		}
		if !wholeForm(form, boundary) {
			return errCutForm
		}
		if name == "" {
			return chat.Invalid("model", "the form has no part 'model'; add one that names the model")
		}
		route, err := g.relayRoute(c, r, name)
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(r.URL.EscapedPath(), "/v1")
		return c.Relay(route, func(*upstream.Target) (string, string) { return path, r.URL.RawQuery })
	})
}

var errCutForm = &chat.Error{Kind: chat.ErrInvalidRequest, Message: "the multipart body is malformed: its last boundary is missing"}

// formModel reads a form to its last boundary and returns the value of its one part named model; "" if it has none.
func formModel(form *multipart.Reader) (string, error) {
	name, found := "", false
	for parts := 1; ; parts++ {
		part, err := form.NextRawPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one is a body without boundaries
			return name, nil
		}
		if err == nil && parts > maxFormParts {
			return "", chat.Invalid("", "the multipart body has more than %d parts", maxFormParts)
		}
		if err != nil {
			return "", &chat.Error{Kind: chat.ErrInvalidRequest, Message: "the multipart body is malformed", Cause: err}
		}
		if part.FormName() != "model" {
			continue
		}
		if found { // which of them counts is each reader's own choice
			return "", chat.Invalid("model", "the multipart body names more than one model")
		}
		b, err := io.ReadAll(io.LimitReader(part, exchange.MaxModelID+1))
		if err != nil {
			return "", &chat.Error{Kind: chat.ErrInvalidRequest, Message: "the multipart body is malformed", Cause: err}
		}
		name, found = string(b), true
	}
}

// maxEpilogue bounds what may stand behind a form's last boundary.
const maxEpilogue = 4 << 10

// wholeForm reports whether a form on disk ends with its last boundary.
func wholeForm(form *io.SectionReader, boundary string) bool {
	end := make([]byte, min(form.Size(), maxEpilogue))
	if _, err := form.ReadAt(end, form.Size()-int64(len(end))); err != nil && err != io.EOF { //nolint:errorlint // ReadAt's own
		return false
	}
	return closed(end, boundary)
}
