package responses

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/decode"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// conversation puts items together to messages. Items stand in the order in which they came about; providers want turns: an
// assistant's, with all its calls, and a user's with a result for each of them.
type conversation struct {
	arena   decode.Arena
	scratch []chat.Block // content of the item being read
	turn    []chat.Block // the assistant's turn being read
	asked   bool         // it calls tools
	closed  bool         // and a result of one of them came

	calls   []itemCall
	turns   []turnCalls
	results []itemResult
	byID    map[string]queue // the results of an id that no call has taken; nil where they are few

	// What a request of usual size needs, so that it costs no further memory.
	scratchSpace [4]chat.Block
	turnSpace    [6]chat.Block
	callSpace    [6]itemCall
	turnsSpace   [4]turnCalls
	resultSpace  [4]itemResult
}

// itemCall is a call of the history.
type itemCall struct {
	id   string
	item string // the item's own id: results of local_shell name it
	kind chat.ToolKind
}

// turnCalls are the calls of one turn, and where the message for their results stands.
type turnCalls struct{ from, to, message int }

// itemResult is the result of a call.
type itemResult struct {
	block chat.Block
	index int // of its item
	taken bool
	next  int // the next result of the same id; 1 more than its index, 0 for none
}

// queue is the first and the last of the results of one id; 1 more than their index.
type queue struct{ first, last int }

// few is how many results are looked through one by one.
const few = 16

func (c *conversation) begin() {
	c.arena = decode.NewArena(8)
	c.scratch, c.turn, c.calls, c.turns, c.results = c.scratchSpace[:0], c.turnSpace[:0], c.callSpace[:0], c.turnsSpace[:0], c.resultSpace[:0]
}

// assistant adds blocks to the assistant's turn.
func (d *requestDecoder) assistant(blocks ...chat.Block) {
	if d.closed {
		d.endTurn()
	}
	d.turn = append(d.turn, blocks...)
}

// called adds a call to the assistant's turn.
func (d *requestDecoder) called(b chat.Block, item string) {
	d.assistant(b)
	d.asked = true
	d.calls = append(d.calls, itemCall{b.Tool.ID, item, b.Tool.Kind})
}

// answered keeps the result of a call until all items are known: it may come late, or before another call of the same turn.
func (d *requestDecoder) answered(b chat.Block, index int) {
	d.closed = d.closed || d.asked
	d.results = append(d.results, itemResult{block: b, index: index})
}

// index makes byID of many results.
func (c *conversation) index() {
	if len(c.results) <= few {
		return
	}
	c.byID = make(map[string]queue, len(c.results))
	for i := range c.results {
		id := c.results[i].block.Tool.ID
		q := c.byID[id]
		if q.first == 0 {
			q.first = i + 1
		} else {
			c.results[q.last-1].next = i + 1
		}
		q.last = i + 1
		c.byID[id] = q
	}
}

// take takes the first result of an id that no call has taken; nil if there is none.
func (c *conversation) take(id string) *itemResult {
	if c.byID == nil {
		for i := range c.results {
			if r := &c.results[i]; !r.taken && r.block.Tool.ID == id {
				r.taken = true
				return r
			}
		}
		return nil
	}
	q := c.byID[id]
	if q.first == 0 {
		return nil
	}
	r := &c.results[q.first-1]
	r.taken = true
	q.first = r.next
	c.byID[id] = q
	return r
}

// user adds a user's message, or one of the operator's.
func (d *requestDecoder) user(m chat.Message) {
	d.endTurn()
	if len(m.Content) > 0 {
		d.req.Messages = append(d.req.Messages, m)
	}
}

// endTurn ends the assistant's turn, and leaves room for the results of its calls.
func (d *requestDecoder) endTurn() {
	d.dangling()
	if len(d.turn) > 0 {
		d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.Assistant, Content: d.arena.Keep(&d.turn, 0)})
	}
	if d.asked {
		from := 0
		if n := len(d.turns); n > 0 {
			from = d.turns[n-1].to
		}
		d.turns = append(d.turns, turnCalls{from, len(d.calls), len(d.req.Messages)})
		d.req.Messages = append(d.req.Messages, chat.Message{Role: chat.User})
	}
	d.turn, d.asked, d.closed = d.turn[:0], false, false
}

// aborted is the result of a call that was interrupted before it had one. Codex writes the same.
var aborted = chat.Block{Kind: chat.Text, Text: json.String(`"aborted"`)}

// assemble gives each turn its results. A client sends the same history again with each request: to refuse an interrupted
// call would lock its session for good.
func (d *requestDecoder) assemble() error {
	d.endTurn()
	d.index()
	for _, t := range d.turns {
		content := make([]chat.Block, 0, t.to-t.from)
		for i := t.from; i < t.to; i++ {
			content = append(content, d.resultOf(&d.calls[i]))
		}
		d.req.Messages[t.message].Content = content
	}
	for i := range d.results {
		if r := &d.results[i]; !r.taken {
			d.Where.At(0, inputKey)
			d.Where.Item(0, r.index)
			return chat.Invalid(d.Path(), "No tool call found for function call output with call_id %s.", chat.Clip(r.block.Tool.ID))
		}
	}
	return nil
}

// dangling leaves out the reasoning that a turn ends with, as Codex sends it after a stream that broke behind a whole
// reasoning item: the answer begins anew. Claude refuses a last block of thinking, and others an assistant's last turn.
func (d *requestDecoder) dangling() {
	if d.same {
		return
	}
	for n := len(d.turn); n > 0 && (d.turn[n-1].Kind == chat.Thinking || d.turn[n-1].Kind == chat.RedactedThinking); n-- {
		d.turn = d.turn[:n-1]
		d.omit("input.reasoning")
	}
}

// resultOf takes the result of a call out of those that came.
func (d *requestDecoder) resultOf(call *itemCall) chat.Block {
	r := d.take(call.id)
	if r == nil && call.kind == chat.LocalShellTool && call.item != "" {
		r = d.take(call.item)
	}
	if r == nil {
		d.x.Note("a tool call of the history has no result; the model is told that it was aborted")
		return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: call.id, Kind: call.kind, Content: []chat.Block{aborted}, IsError: true}}
	}
	r.block.Tool.ID = call.id
	return r.block
}
