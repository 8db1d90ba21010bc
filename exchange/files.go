package exchange

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	// maxInline bounds the files of one request that go to a model as they are: Bedrock's bound of a request, less room
	// for base64.
	maxInline = 18 << 20
	// storeRetry is when a client may come back to a file store that cannot be reached.
	storeRetry = 5 * time.Second
)

// inlineImages are the images that models take as they are.
var inlineImages = []string{"image/png", "image/jpeg", "image/gif", "image/webp"}

// readFiles reads the body's file_ids and looks the files up: one that is missing is an error before anything is sent.
func (c *Call) readFiles() error {
	v := c.Body.Value("file_ids")
	if v == nil {
		return nil
	}
	var ids []string
	r := json.NewReader(v)
	for r.Array(); r.Element(); {
		ids = append(ids, r.Text())
	}
	if r.Err() != nil {
		return chat.Invalid("file_ids", "'file_ids' must be a list of file ids")
	}
	if len(ids) == 0 {
		return nil
	}
	if c.engine.Files == nil {
		return errFilesOff("file_ids")
	}
	found, err := files.LookUp(c.r.Context(), c.engine.Files, c.Caller.Owner, ids)
	if err != nil {
		return fileError(err)
	}
	c.files = found
	if slices.ContainsFunc(found, func(f files.File) bool { return inlineKind(&f) != chat.Text }) {
		return nil // how each goes depends on the model
	}
	c.context, err = c.fileText(found...)
	return err
}

func errFilesOff(param string) error {
	return chat.Invalid(param, "files are off on this server (files off)")
}

// inlineKind returns the kind of block in which a model can take the file as it is: Image, Document, or Text for text only.
func inlineKind(f *files.File) chat.BlockKind {
	switch {
	case slices.Contains(inlineImages, f.MediaType):
		return chat.Image
	case f.MediaType == "application/pdf":
		return chat.Document
	}
	return chat.Text
}

// takes reports whether the model takes the file as it is. An unknown model is assumed not to.
func takes(facts *model.Facts, f *files.File) bool {
	switch inlineKind(f) { //nolint:exhaustive // there are no more
	case chat.Image:
		return facts.Family != model.Unknown && !facts.NoImages
	case chat.Document:
		return facts.Family != model.Unknown && !facts.NoDocuments
	}
	return false
}

// filesFor returns what goes before the question for one target: the blocks of the files that its model takes as they are,
// and the text of the others.
func (c *Call) filesFor(facts *model.Facts) (blocks []chat.Block, text chat.String, err error) {
	if c.context != nil || len(c.files) == 0 {
		return nil, c.context, nil
	}
	var asText []files.File
	left := int64(maxInline)
	for i := range c.files {
		f := &c.files[i]
		if !takes(facts, f) {
			asText = append(asText, *f)
			continue
		}
		b, err := c.inline(f.ID, left)
		if err != nil {
			return nil, nil, err
		}
		left -= f.Bytes
		blocks = append(blocks, b)
	}
	if asText != nil {
		text, err = c.fileText(asText...)
	}
	return blocks, text, err
}

// inline loads a file as a block.
func (c *Call) inline(id string, limit int64) (chat.Block, error) {
	f, data, err := files.Load(c.r.Context(), c.engine.Files, c.Caller.Owner, id, limit)
	if err != nil {
		return chat.Block{}, fileError(err)
	}
	return chat.Block{
		Kind:  inlineKind(&f),
		Media: &chat.Media{Type: f.MediaType, Name: f.Filename, Of: id, Data: base64.StdEncoding.AppendEncode(nil, data)},
	}, nil
}

// fileText is the context block of the files as a JSON string, a blank line at its end.
func (c *Call) fileText(of ...files.File) (chat.String, error) {
	ids := make([]string, len(of))
	for i := range of {
		ids[i] = of[i].ID
	}
	text, err := files.Context(c.r.Context(), c.engine.Files, c.Caller.Owner, ids, c.engine.Files.Options().ContextMax, &c.reading)
	if err != nil {
		return nil, fileError(err)
	}
	return json.Quote(text + "\n\n"), nil
}

// fileError returns the client's error for one from the file store; it always names the file.
func fileError(err error) error {
	if errors.Is(err, context.Canceled) {
		return errClientGone
	}
	e := &chat.Error{Kind: chat.ErrInternal, Message: "a file could not be read", Param: "file_ids", Cause: err}
	name := "the file"
	if fe, ok := errors.AsType[*files.FileError](err); ok {
		name = "the file '" + fe.ID + "'"
	}
	switch {
	case errors.Is(err, files.ErrNotFound):
		e.Kind, e.Code, e.Message = chat.ErrNotFound, "file_not_found", name+" does not exist, has expired or is not yours"
	case errors.Is(err, files.ErrTooLarge), errors.Is(err, files.ErrUnreadable):
		e.Kind, e.Code, e.Message, e.Cause = chat.ErrInvalidRequest, "file_unreadable", err.Error(), nil
	case errors.Is(err, files.ErrBusy):
		e.Kind, e.RetryAfter, e.Message = chat.ErrOverloaded, storeRetry, name+" cannot be read now: the server is reading too many files"
	case errors.Is(err, files.ErrUnavailable):
		e.Kind, e.RetryAfter, e.Message = chat.ErrOverloaded, storeRetry, name+" cannot be read now: the file store is unavailable"
	}
	return e
}

// fileParts lets parts that name one of our files be replaced by their text in a body that is only edited.
func (c *Call) fileParts(e *chat.Edits) {
	if c.engine.Files == nil {
		return
	}
	e.FileText = func(id string) (chat.String, error) {
		if !files.ValidID(id) {
			return nil, nil
		}
		return c.fileText(files.File{ID: id})
	}
}

// resolveFiles puts the content of our files in place of the blocks that name them: as it is where the model takes such
// documents or images, else as text.
func (c *Call) resolveFiles(a *attempt, req *chat.Request) error {
	for i := range req.Messages {
		content := req.Messages[i].Content
		for j := range content {
			if m := content[j].Media; m != nil && m.FileID != "" {
				if err := c.resolveFile(a, &content[j]); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *Call) resolveFile(a *attempt, b *chat.Block) error {
	id := b.Media.FileID
	switch {
	case !files.ValidID(id) && a.call.Dialect.Name() == c.Client.Name():
		return nil // the provider's own file
	case !files.ValidID(id):
		return &chat.Error{Kind: chat.ErrNotFound, Code: "file_not_found", Param: "file_id", Message: "the file '" + id + "' is not one of this server's; upload it to /v1/files here"}
	case c.engine.Files == nil:
		return errFilesOff("file_id")
	}
	f, err := c.engine.Files.Get(c.r.Context(), c.Caller.Owner, id)
	if err != nil {
		return fileError(&files.FileError{ID: id, Err: err})
	}
	cache, media := b.Cache, b.Media
	if takes(&a.x.Facts, &f) {
		if *b, err = c.inline(id, maxInline); err == nil {
			b.Media.Citations, b.Media.Context = media.Citations, media.Context
		}
	} else {
		if media.Citations {
			a.x.Omit("citations") // the text of a file stands among others
		}
		*b = chat.Block{Kind: chat.Text}
		b.Text, err = c.fileText(f)
	}
	b.Cache = cache
	return err
}

// noteDocuments notes which files the documents of a request are, for the citations of the reply.
func noteDocuments(x *chat.Exchange, blocks []chat.Block) {
	for i := range blocks {
		b := &blocks[i]
		switch {
		case b.Kind == chat.Document && b.Raw() == nil && b.Media != nil:
			d := chat.Pair{Key: b.Media.Of}
			if d.Key != "" {
				d.Value = b.Media.Name
			}
			x.Documents = append(x.Documents, d)
		case b.Tool != nil:
			noteDocuments(x, b.Tool.Content)
		}
	}
}
