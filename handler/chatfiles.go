package handler

import (
	"encoding/base64"
	"errors"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxInline bounds a file that goes to a model as it is: Bedrock's bound of a request, less room for base64.
const maxInline = 18 << 20

// storeRetry is when a client may come back to a file store that cannot be reached.
const storeRetry = 5 * time.Second

// readFiles reads the body's file_ids and makes of the files the text that goes before the question.
func (c *call) readFiles() error {
	v := c.body.Value("file_ids")
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
	text, err := c.fileText(ids...)
	if err != nil {
		return err
	}
	c.context = text
	return nil
}

// fileText is the context block of the files as a JSON string, a blank line at its end.
func (c *call) fileText(ids ...string) (chat.String, error) {
	if c.g.Files == nil {
		return nil, chat.Invalid("file_ids", "files are off on this server (files off)")
	}
	text, err := files.Context(c.r.Context(), c.g.Files, c.caller.Owner, ids, c.g.Files.Options().ContextMax)
	if err != nil {
		return nil, fileError(err)
	}
	return json.Quote(text + "\n\n"), nil
}

// fileError makes the client's error of one from the files; every one names the file.
func fileError(err error) error {
	e := &chat.Error{Kind: chat.ErrInternal, Message: "a file could not be read", Param: "file_ids", Cause: err}
	var fe *files.FileError
	name := "the file"
	if errors.As(err, &fe) {
		name = "the file '" + fe.ID + "'"
	}
	switch {
	case errors.Is(err, files.ErrNotFound):
		e.Kind, e.Code, e.Message = chat.ErrNotFound, "file_not_found", name+" does not exist, has expired or is not yours"
	case errors.Is(err, files.ErrTooLarge), errors.Is(err, files.ErrUnreadable):
		e.Kind, e.Code, e.Message, e.Cause = chat.ErrInvalidRequest, "file_unreadable", err.Error(), nil
	case errors.Is(err, files.ErrUnavailable):
		e.Kind, e.RetryAfter, e.Message = chat.ErrOverloaded, storeRetry, name+" cannot be read now: the file store is unavailable"
	}
	return e
}

// ownFile tells whether an id is one of this gateway's files; others are the provider's own.
func ownFile(id string) bool { return files.ValidID(id) }

// fileParts lets parts that name one of our files be replaced by their text in an OpenAI body that is only edited.
func (c *call) fileParts(e *chat.Edits) {
	e.Context = c.context
	if c.g.Files == nil {
		return
	}
	e.FileText = func(id string) (chat.String, error) {
		if !ownFile(id) {
			return nil, nil
		}
		return c.fileText(id)
	}
}

// resolveFiles puts the content of our files in place of the blocks that name them: as it is where the model takes such
// documents or images, else as text.
func (c *call) resolveFiles(a *attempt, req *chat.Request) error {
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

func (c *call) resolveFile(a *attempt, b *chat.Block) error {
	id := b.Media.FileID
	if !ownFile(id) {
		if a.call.Dialect.Name() == c.client.Name() {
			return nil // the provider's own file
		}
		return &chat.Error{Kind: chat.ErrNotFound, Code: "file_not_found", Param: "file_id", Message: "the file '" + id + "' is not one of this server's; upload it to /v1/files here"}
	}
	if c.g.Files == nil {
		return chat.Invalid("file_id", "files are off on this server (files off)")
	}
	ctx, owner := c.r.Context(), c.caller.Owner
	f, err := c.g.Files.Get(ctx, owner, id)
	if err != nil {
		return fileError(&files.FileError{ID: id, Err: err})
	}
	image := strings.HasPrefix(f.MediaType, "image/")
	native := image && !a.x.Facts.NoImages || f.MediaType == "application/pdf" && !a.x.Facts.NoDocuments
	if !native {
		text, err := c.fileText(id)
		if err != nil {
			return err
		}
		*b = chat.Block{Kind: chat.Text, Text: text, Cache: b.Cache}
		return nil
	}
	f, data, err := files.Load(ctx, c.g.Files, owner, id, maxInline)
	if err != nil {
		return fileError(err)
	}
	b.Media.FileID, b.Media.Type, b.Media.Name = "", f.MediaType, f.Filename
	b.Media.Data = base64.StdEncoding.AppendEncode(nil, data)
	b.Kind = chat.Document
	if image {
		b.Kind = chat.Image
	}
	return nil
}
