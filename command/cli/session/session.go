// Package session keeps chats under the user's data directory, so that they can be gone on with.
package session

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/client"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/replace"
)

// Session is a chat as it is kept.
type Session struct {
	Name     string           `json:"name"`
	Model    string           `json:"model,omitempty"`
	System   string           `json:"system,omitempty"`
	Created  time.Time        `json:"created"`
	Updated  time.Time        `json:"updated"`
	Messages []client.Message `json:"messages"`
	Files    []File           `json:"files,omitempty"`
	Used     Used             `json:"used"`
}

// File is a file of the gateway's that the chat is about.
type File struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// extension is that of a session's file.
const extension = ".json"

// Dir returns the directory of the sessions, below Caddy's own data directory.
func Dir() string { return filepath.Join(caddy.AppDataDir(), "bedrock", "sessions") }

var names = regexp.MustCompile(`^[\pL\pN][\pL\pN._-]{0,63}$`)

func path(name string) (string, error) {
	if !names.MatchString(name) {
		return "", failure.Usagef("use up to 64 letters, digits, and . _ - between them", "%q is no name of a session", name)
	}
	return filepath.Join(Dir(), name+extension), nil
}

// Load returns a session. Its error is fs.ErrNotExist if there is none of the name.
func Load(name string) (*Session, error) {
	p, err := path(name)
	if err != nil {
		return nil, err
	}
	raw, err := os.ReadFile(p) //nolint:gosec // the name was checked
	if errors.Is(err, fs.ErrNotExist) {
		return nil, failure.New(fmt.Errorf("there is no session '%s': %w", name, fs.ErrNotExist), "'caddy bedrock history list' has their names")
	}
	if err != nil {
		return nil, err
	}
	s := new(Session)
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, failure.New(fmt.Errorf("%s cannot be read: %w", p, err), "mend the file, or delete it")
	}
	s.Name = name
	return s, nil
}

// Save keeps the session as it is now. It does not overwrite what another chat has kept under that name meanwhile.
func (s *Session) Save() error {
	p, err := path(s.Name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(p), 0o700); err != nil {
		return err
	}
	before := s.Updated
	if s.Created.IsZero() {
		s.Created = time.Now().UTC()
	}
	err = replace.Edit(p, func(old []byte) ([]byte, error) {
		if old != nil {
			var other Session
			if err := json.Unmarshal(old, &other); err != nil || !other.Updated.Equal(before) {
				return nil, failure.Newf("/save it under another name", "the session '%s' is another chat's now", s.Name)
			}
		}
		s.Updated = time.Now().UTC()
		return json.Marshal(s)
	})
	if err != nil {
		s.Updated = before
	}
	return err
}

// List returns the sessions, the latest first, and an error for each that cannot be read.
func List() ([]*Session, error) {
	entries, err := os.ReadDir(Dir())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var all []*Session
	var failed []error
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), extension)
		if !ok || !names.MatchString(name) {
			continue
		}
		s, err := Load(name)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		all = append(all, s)
	}
	slices.SortStableFunc(all, func(a, b *Session) int { return b.Updated.Compare(a.Updated) })
	return all, errors.Join(failed...)
}

// Delete deletes a session.
func Delete(name string) error {
	p, err := path(name)
	if err != nil {
		return err
	}
	if _, err := Load(name); errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Remove(p)
}

// Title is the beginning of what was asked first.
func (s *Session) Title() string {
	for _, m := range s.Messages {
		if m.Role == "user" {
			return strings.Join(strings.Fields(m.Text), " ")
		}
	}
	return ""
}
