package chat

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// conversation is what is said to a model. It is kept if its session has a name.
type conversation struct {
	client  *client.Client
	request client.ChatRequest // how to ask; its messages and files are the session's
	session *session.Session
	images  []string // of the next question, as URLs
}

// model is the model's name for people.
func (c *conversation) model() string {
	if c.session.Model == "" {
		return "the gateway's default model"
	}
	return terminal.Printable(c.session.Model)
}

// ask asks, and calls each for every piece of the answer. What came of an answer that broke off, or was stopped, stays in the
// conversation; a question without any answer does not.
func (c *conversation) ask(ctx context.Context, text string, each func(*client.Chunk) error) (*client.Answer, error) {
	question := client.Message{Role: "user", Text: text, Images: c.images}
	r := c.request
	r.Model = c.session.Model
	if c.session.System != "" {
		r.Messages = append(r.Messages, client.Message{Role: "system", Text: c.session.System})
	}
	r.Messages = append(append(r.Messages, c.session.Messages...), question)
	for _, f := range c.session.Files {
		r.FileIDs = append(r.FileIDs, f.ID)
	}
	a, err := c.client.Chat(ctx, &r, each)
	if a == nil {
		return nil, err
	}
	c.session.Used.Add(a)
	if a.Text == "" {
		return a, err
	}
	c.images = nil
	c.session.Messages = append(c.session.Messages, question, client.Message{Role: "assistant", Text: a.Text})
	return a, errors.Join(err, c.keep())
}

// keep keeps the conversation, if it has a name.
func (c *conversation) keep() error {
	if c.session.Name == "" {
		return nil
	}
	return c.session.Save()
}

// attach has the conversation be about a file: one here, which is uploaded, or one that the gateway keeps, by its id.
func (c *conversation) attach(ctx context.Context, name string, progress client.Progress) (session.File, error) {
	var f *client.File
	_, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(name, "file-"):
		f, err = c.client.File(ctx, name)
	case err == nil:
		f, err = c.client.Upload(ctx, name, "user_data", progress)
	}
	if err != nil {
		return session.File{}, err
	}
	return session.File{ID: f.ID, Name: f.Filename}, nil
}

// maxImage bounds an image, in bytes: it is sent inside of the request.
const maxImage = 20 << 20

// imageURL returns an image for a question: a URL as it is, a file as a data URL.
func imageURL(name string) (string, error) {
	if strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "data:image/") {
		return name, nil
	}
	info, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if info.Size() > maxImage {
		return "", failure.Newf("make it smaller", "%s is larger than %s", name, humanize.IBytes(maxImage))
	}
	raw, err := os.ReadFile(name) //nolint:gosec // the user names it
	if err != nil {
		return "", err
	}
	mediaType := http.DetectContentType(raw)
	if !strings.HasPrefix(mediaType, "image/") {
		return "", failure.Newf("ask about other files with --file, or /file", "%s is no image, but %s", name, mediaType)
	}
	return "data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(raw), nil
}

// noteOf says what a person should know of an answer besides its words; "" if there is nothing.
func noteOf(a *client.Answer) string {
	var notes []string
	switch a.Finish {
	case "length":
		notes = append(notes, "The answer was cut off at the most tokens that it may have; --max-tokens sets them.")
	case "content_filter":
		notes = append(notes, "The provider's filter stopped the answer.")
	case "tool_calls", "function_call":
		notes = append(notes, "The model called a tool, which a chat here has none of.")
	}
	if a.Dropped != "" {
		notes = append(notes, "This model does not have, and did not get: "+terminal.Printable(a.Dropped))
	}
	return strings.Join(notes, "\n")
}

// resume loads the session of that name, or begins it.
func resume(name string) (*session.Session, error) {
	if name == "" {
		return new(session.Session), nil
	}
	s, err := session.Load(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &session.Session{Name: name}, nil
	}
	return s, err
}

// fileNames names the files that a conversation is about.
func fileNames(files []session.File) string {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = fmt.Sprintf("%s (%s)", filepath.Base(f.Name), f.ID)
	}
	return terminal.Printable(strings.Join(names, ", "))
}
