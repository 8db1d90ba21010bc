package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// encoder writes one request body.
type encoder struct {
	w json.Writer
	r *chat.Request
	x *chat.Exchange
	f *model.Facts
	// err is the first thing that went wrong. Writing goes on after it; the bytes are thrown away.
	err error

	seen     survey
	tools    toolPlan
	thinking thinkingPlan
	format   formatPlan

	skipPoints int      // cache points still to be left out
	names      []string // of the documents written
	calls      []call   // of the assistant's last turn
	callSpace  [8]call
}

// survey is what one look over the whole request finds, before anything is written.
type survey struct {
	toolBlocks  bool // the history has calls or results of tools
	illegalName bool // some tool's name must be aliased
	illegalID   bool
}

// EncodeRequest appends the body for POST /model/{id}/converse and converse-stream; the model stands in the URL, not in
// the body.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	e := encoder{w: json.NewWriter(dst), r: r, x: x, f: &x.Facts}
	e.calls = e.callSpace[:0]
	if r.N > 1 {
		return nil, &chat.Error{
			Kind: chat.ErrInvalidRequest, Code: "unsupported_parameter", Param: "n", Fallback: true,
			Message: "the model '" + x.Model + "' gives one choice only; leave out n, or send the request several times",
		}
	}
	e.survey()
	e.planFormat()
	e.planThinking()
	e.planTools()
	if e.err != nil {
		return nil, e.err
	}
	e.skipPoints = e.countPoints() - maxCachePoints

	// Tools, system and messages are written in the order of the prompt, since of too many cache points the first are
	// left out.
	e.w.BeginObject()
	e.toolConfig()
	e.system()
	e.messages()
	e.parameters()
	e.outputConfig()
	e.guardrail()
	e.additional()
	e.w.EndObject()
	if e.err != nil {
		return nil, e.err
	}
	return e.w.Bytes(), nil
}

func (e *encoder) fail(err error) {
	if e.err == nil && err != nil {
		e.err = err
	}
}

func (e *encoder) drop(param string) { e.fail(e.x.Drop(param)) }

// survey looks for what decides how the rest is written.
func (e *encoder) survey() {
	for i := range e.r.Tools {
		if e.r.Tools[i].Raw == nil && !legalToolName(e.r.Tools[i].Name) {
			e.seen.illegalName = true
		}
	}
	for i := range e.r.Messages {
		content := e.r.Messages[i].Content
		for j := range content {
			t := content[j].Tool
			if t == nil {
				e.unspoken(&content[j])
				continue
			}
			e.seen.toolBlocks = true
			if content[j].Kind == chat.ToolUse && !legalToolName(t.Name) {
				e.seen.illegalName = true
			}
			if !e.legalToolID(t.ID) {
				e.seen.illegalID = true
			}
		}
	}
	if e.seen.illegalName {
		e.registerNames()
	}
	if e.seen.illegalID {
		e.registerIDs()
	}
}

// unspoken tells what of the history the model does not get. Reasoning comes back from clients that were never asked for
// it, so that no policy refuses it.
func (e *encoder) unspoken(b *chat.Block) {
	if e.visibleBlock(b) {
		return
	}
	switch b.Kind {
	case chat.Thinking, chat.RedactedThinking:
		e.x.Omit("thinking_blocks")
	case chat.Opaque:
		e.drop("messages.content")
	case chat.Text, chat.Refusal, chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolUse, chat.ToolResult:
	}
}

// object is a member that is opened when its first own member is written, and not at all if there is none.
type object struct {
	name string
	open bool
}

func (e *encoder) key(o *object, name string) {
	if !o.open {
		e.w.Key(o.name)
		e.w.BeginObject()
		o.open = true
	}
	e.w.Key(name)
}

func (e *encoder) end(o *object) {
	if o.open {
		e.w.EndObject()
	}
}
