package cli_test

import (
	"regexp"
	"testing"
)

// A file that is kept, got and deleted, and a session that is deleted.
func TestKeptThingsOnTerminals(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	h.file(t, "data.csv", "name,value\nwidget,41\n")
	m := h.terminal(t, 80, 24, "bedrock", "files", "upload", "data.csv")
	m.ended(t)
	m.golden(t, "files-upload", (*tmux).screen)
	id := regexp.MustCompile(`file-[0-9a-f]{32}`).FindString(m.screen(t))
	has{args: "chat --session work Hello", stdout: []string{"You said: Hello"}}.check(t, h)
	for _, c := range []struct {
		name string
		args []string
	}{
		{"files-get-refused", []string{"files", "get", id}},
		{"files-get", []string{"files", "get", id, "--output", "copy.csv"}},
		{"files-delete", []string{"files", "delete", id}},
		{"files-delete-again", []string{"files", "delete", id}},
		{"history-delete", []string{"history", "delete", "work"}},
		{"history-delete-again", []string{"history", "delete", "work"}},
	} {
		m := h.terminal(t, 80, 24, append([]string{"bedrock"}, c.args...)...)
		m.ended(t)
		m.golden(t, c.name, (*tmux).screen)
	}
}
