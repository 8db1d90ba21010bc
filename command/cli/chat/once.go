package chat

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/markdown"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/session"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/terminal"
)

// frameEvery is the shortest time between two frames.
const frameEvery = time.Second / 60

// once is one answer on a terminal. bubbletea does not draw it: it erases a frame by the code that erases all below the cursor (ED),
// which tmux keeps in its history where the cursor is in the screen's first column and line
// (https://github.com/tmux/tmux/blob/master/screen-write.c, screen_write_clearendofscreen), and an answer often begins there.
type once struct {
	out   io.Writer
	shown []string // the frame that stands on the terminal; the cursor is at its end
}

// show answers one question on a terminal.
func (c *conversation) show(ctx context.Context, cmd *cobra.Command, question string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	o := &once{out: cmd.OutOrStdout()}
	more := make(chan struct{}, 1)
	f := &feed{send: func(tea.Msg) { more <- struct{}{} }} // it tells once for each that is taken
	a := c.waiting(f, markdown.Look{Width: terminal.Width(o.out) - 1, Colors: terminal.Colors(o.out)})
	over := make(chan answered, 1)
	go func() {
		answer, err := c.ask(ctx, question, f.each)
		over <- answered{answer, err}
	}()
	frame := func() error {
		look := a.look
		look.Width = max(terminal.Width(o.out)-1, 1)
		a.resize(look)
		done := a.arrive()
		return o.draw(done, strings.Split(a.frame(terminal.Height(o.out)-4), "\n"))
	}
	clock := time.NewTicker(frameEvery)
	defer clock.Stop()
	err := frame()
	for {
		select {
		case m := <-over:
			return errors.Join(o.draw(append(a.finish(), ending(m, a.look)...), nil), m.err)
		case <-more:
			if err != nil {
				continue // the answer is being stopped
			}
			if err = frame(); err != nil {
				cancel()
			}
		}
		select {
		case <-clock.C:
		case <-ctx.Done():
		}
	}
}

// ending returns the lines below an answer.
func ending(m answered, look markdown.Look) []string {
	if m.answer == nil {
		return nil
	}
	var parts []string
	if note := noteOf(m.answer); note != "" {
		parts = append(parts, note)
	}
	if m.err == nil {
		parts = append(parts, session.Line(m.answer))
	}
	if len(parts) == 0 {
		return nil
	}
	return linesOf(faint(ansi.Wrap(strings.Join(parts, "\n\n"), look.Width, ""), look))
}

// draw prints lines in place of the frame, and a new frame below them.
func (o *once) draw(lines, frame []string) error {
	var b strings.Builder
	// Terminals break lines anew that they became too narrow for.
	columns, rows := terminal.Width(o.out), 0
	for _, line := range o.shown {
		rows += 1 + max(ansi.StringWidth(line)-1, 0)/columns
	}
	for i := range rows {
		if i > 0 {
			b.WriteString(ansi.CursorUp(1))
		}
		b.WriteString("\r" + ansi.EraseEntireLine)
	}
	for _, line := range lines {
		b.WriteString(line + "\n")
	}
	b.WriteString(strings.Join(frame, "\n"))
	o.shown = frame
	_, err := io.WriteString(o.out, b.String())
	return err
}
