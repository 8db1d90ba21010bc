package converse

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
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

	view     rules.View
	names    rules.Names
	history  bool // the conversation has calls or results of tools
	tools    toolPlan
	thinking thinkingPlan
	format   rules.Format

	points    rules.Breakpoints
	documents []string   // names of those written
	calls     chat.Calls // of the assistant's last turn
}

// EncodeRequest appends the body for POST /model/{id}/converse and converse-stream; the model stands in the URL, not in
// the body.
func (Dialect) EncodeRequest(dst []byte, r *chat.Request, x *chat.Exchange) ([]byte, error) {
	r, err := takePassed(r, x)
	if err != nil {
		return nil, err
	}
	e := encoder{w: json.NewWriter(dst), r: r, x: x, f: &x.Facts}
	if err := rules.OneChoice(r, x); err != nil {
		return nil, err
	}
	if err := rules.LimitOutput(r, x); err != nil {
		return nil, err
	}
	rules.BoundOutput(r, x)
	// Reasoning that no signature proves is Claude's to refuse, and nobody else's.
	e.view = rules.View{Dialect: chat.Converse, Thinking: rules.KeepsThinking(e.f), Family: e.f.Family, Unsigned: e.f.Family != model.Claude, Served: rules.Served(e.f)}
	e.history = r.HoldsTooling()
	e.names = rules.NamesOf(r, x, idRule(e.f))
	e.fail(e.view.Unspoken(e.r.Messages, e.x))
	e.format.Plan(r, x, e.f.NativeSchema)
	e.planThinking()
	e.planTools()
	if e.err != nil {
		return nil, e.err
	}
	e.planPoints()

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
	return autoCached(e.w.Bytes(), len(dst), x), nil
}

func (e *encoder) fail(err error) {
	if e.err == nil && err != nil {
		e.err = err
	}
}

func (e *encoder) drop(param string) { e.fail(e.x.Drop(param)) }

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
