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
	byID    map[string]queue // the results of an id that no call has taken
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

func (c *conversation) begin() { c.arena = decode.NewArena(8) }

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
	n := len(d.results)
	if d.byID == nil {
		d.byID = make(map[string]queue, 8)
	}
	q := d.byID[b.Tool.ID]
	if q.first == 0 {
		q.first = n
	} else {
		d.results[q.last-1].next = n
	}
	q.last = n
	d.byID[b.Tool.ID] = q
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
	id := call.id
	q := d.byID[id]
	if q.first == 0 && call.kind == chat.LocalShellTool && call.item != "" {
		id = call.item
		q = d.byID[id]
	}
	if q.first == 0 {
		d.x.Note("a tool call of the history has no result; the model is told that it was aborted")
		return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: call.id, Kind: call.kind, Content: []chat.Block{aborted}, IsError: true}}
	}
	r := &d.results[q.first-1]
	r.taken = true
	q.first = r.next
	d.byID[id] = q
	r.block.Tool.ID = call.id
	return r.block
}
