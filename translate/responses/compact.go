package responses

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// A compaction is a turn of the model that sums up the conversation. Its text goes to the client in an envelope, and stands for
// the conversation when it comes back.

// compactPrompt asks for the summary.
var compactPrompt = json.Quote("Sum up this conversation for another model that will go on with it and will see nothing of it but your summary. " +
	"Write down what the user asked for and how they want it done, what has been done and decided so far and why, what was learned (files, commands, names, values and errors, " +
	"as exactly as they will be needed), and what is left to do, in the order of the next steps. Answer with the summary alone, and call no tool.")

// summarize makes the request one for a summary.
func (d *requestDecoder) summarize() {
	d.endTurn()
	r := d.req
	r.Messages = append(r.Messages, chat.Message{Role: chat.User, Content: d.arena.One(chat.Block{Kind: chat.Text, Text: compactPrompt})})
	r.Format = nil
	if r.ToolChoice = (chat.ToolChoice{}); len(r.Tools) > 0 {
		r.ToolChoice.Kind = chat.ToolsNone
	}
}

// Compact is the dialect of POST /v1/responses/compact: a request like those of Responses, answered with the user's messages
// and a summary of the rest. It is a client's dialect alone.
type Compact struct{ Dialect }

// CompactName is the dialect's name.
const CompactName = "compact"

// Name is "compact".
func (Compact) Name() string { return CompactName }

// DecodeRequest reads a body of POST /v1/responses/compact.
func (Compact) DecodeRequest(body []byte, x *chat.Exchange) (*chat.Request, error) {
	return decodeRequest(body, x, true)
}

// EncodeResponse appends a response.compaction.
func (Compact) EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error) {
	k := keptOf(x)
	text := summaryOf(r.Content)
	if len(text) == 0 {
		return nil, noSummary()
	}
	dst = append(dst, `{"id":"resp_`...)
	dst = json.AppendEscaped(dst, x.ID)
	dst = append(dst, `","object":"response.compaction","created_at":`...)
	dst = strconv.AppendInt(dst, x.Created, 10)
	dst = append(dst, `,"output":[`...)
	dst = append(dst, k.users...)
	if len(k.users) > 0 {
		dst = append(dst, ',')
	}
	dst = appendCompaction(dst, x, 0, text)
	dst = append(dst, `],"usage":`...)
	return append(appendUsage(dst, &r.Usage), '}'), nil
}

// user keeps a user's message for the reply, which names the type of each item: the request need not.
func (k *kept) user(item json.Value) {
	if !k.keepsUsers {
		return
	}
	if len(k.users) > 0 {
		k.users = append(k.users, ',')
	}
	if json.Find(item, "type") == nil {
		k.users = append(k.users, `{"type":"message",`...)
		item = item[1:]
	}
	k.users = json.AppendCompact(k.users, item)
}

// summaryOf joins the texts of a reply, without quotes.
func summaryOf(blocks []chat.Block) (text []byte) {
	for i := range blocks {
		if b := &blocks[i]; b.Kind == chat.Text {
			text = appendInner(text, b.Text)
		}
	}
	return text
}

func noSummary() *chat.Error {
	return &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the model gave no summary of the conversation", Retryable: true}
}

// appendCompaction appends the item.
func appendCompaction(dst []byte, x *chat.Exchange, index int, text []byte) []byte {
	dst = itemHead(dst, "cmp", "compaction", x, index)
	dst = append(dst, `,"encrypted_content":`...)
	return append(appendSummaryEnvelope(dst, quoted(text)), '}')
}

// compaction writes a stream whose reply is a compaction: the text is kept, and told as one item at its end.
func (e *streamEncoder) compaction(dst []byte, ev *chat.Event) []byte {
	switch ev.Kind {
	case chat.EventBlockDelta:
		if ev.Block == chat.Text {
			e.held = appendInner(e.held, ev.Text)
		}
	case chat.EventStart, chat.EventUsage:
		if ev.Usage.Known {
			e.usage = ev.Usage
		}
	case chat.EventStop:
		e.stop, e.stopped = ev.Stop, true
	case chat.EventEnd:
		if e.over {
			return dst
		}
		if len(e.held) == 0 {
			return e.Error(dst, noSummary())
		}
		dst = at(e.event(dst, "response.output_item.added"), 0)
		dst = append(dst, `,"item":`...)
		from := len(dst)
		dst = appendCompaction(dst, e.x, 0, e.held)
		item := dst[from:len(dst):len(dst)]
		dst = at(e.event(end(dst), "response.output_item.done"), 0)
		dst = append(dst, `,"item":`...)
		from = len(dst)
		dst = e.finished(append(dst, item...), 0, from)
		e.held = nil
		return e.finish(dst)
	case chat.EventBlockStart, chat.EventSignature, chat.EventCitation, chat.EventBlockStop, chat.EventPing:
	}
	return dst
}
