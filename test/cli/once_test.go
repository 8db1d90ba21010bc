package cli_test

import "testing"

// One answer: longer than its terminal is high, and stopped. What was drawn while it came must not be left among its lines, as it was
// now and then in tmux when bubbletea drew it.
func TestOnceOnTerminals(t *testing.T) {
	h := newHome(t)
	serveGateway(t, h, "")
	for name, size := range map[string][2]int{"narrow": {40, 8}, "usual": {80, 24}} {
		m := h.terminal(t, size[0], size[1], "bedrock", "chat", written)
		m.ended(t)
		m.golden(t, "once-long-"+name, (*tmux).screen)
	}

	m := h.terminal(t, 80, 24, "bedrock", "chat", "[[fault:hang@4]] a question whose answer does not end")
	m.await(t, `^You said: a\n\nAnswering. Ctrl-C stops it.\n$`)
	m.press(t, "C-c")
	m.ended(t)
	m.golden(t, "once-stopped", (*tmux).screen)
}
