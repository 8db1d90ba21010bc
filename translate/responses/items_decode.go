package responses

import (
	"bytes"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// inputItem is what one element of input says, before it is interpreted by its type. Values are read when the type is known,
// for it may stand last.
type inputItem struct {
	index int
	raw   json.Value
	kind  string
	role  string
	id    string

	callID, name, namespace string

	text      json.String // content, output or input, if it is a string
	content   json.Value  // content or output, if it is none
	arguments json.Value  // of a call: a string, or of tool_search anything
	action    json.Value  // of a call: action or operation
	summary   json.Value
	encrypted json.String
	tools     json.Value
	reasoning json.Value
	format    json.Value // text of a configuration_update
	status    string
	execution string
	alone     bool // it has nothing but an id
}

// items reads input.
func (d *requestDecoder) items() {
	r := &d.R
	d.req.Messages = make([]chat.Message, 0, 8)
	r.Array()
	for i := 0; r.Element(); i++ {
		d.Item(0, i)
		it := inputItem{index: i, alone: true}
		start := r.Offset()
		d.item(&it)
		if r.Err() != nil {
			return
		}
		it.raw = bytes.TrimLeft(d.input[start:r.Offset()], " \t\r\n")
		d.Where.Cut(1)
		d.settle(&it)
		d.place(&it)
	}
	d.settle(nil)
}

// item reads one item.
func (d *requestDecoder) item(it *inputItem) {
	r := &d.R
	r.Object()
	for r.Member() {
		d.At(1)
		if r.Null() {
			continue
		}
		switch string(r.Key()) {
		case "id", "type":
		default:
			it.alone = false
		}
		switch string(r.Key()) {
		case "type":
			it.kind = r.Text()
		case "role":
			it.role = r.Text()
		case "id":
			it.id = r.Text()
		case "call_id":
			it.callID = r.Text()
		case "name":
			it.name = r.Text()
		case "namespace":
			it.namespace = r.Text()
		case "content", "output", "input":
			if r.Kind() == json.Text {
				it.text = r.String()
			} else {
				it.content = r.Value()
			}
		case "arguments":
			it.arguments = r.Value()
		case "action", "operation":
			it.action = r.Value()
		case "summary":
			it.summary = r.Value()
		case "encrypted_content":
			it.encrypted = r.String()
		case "tools":
			it.tools = r.ArrayValue()
		case "reasoning":
			it.reasoning = r.Value()
		case "text":
			it.format = r.Value()
		case "status":
			it.status = r.Text()
		case "execution":
			it.execution = r.Text()
		case "phase":
			r.Skip()
			d.omit("input.phase")
		case "caller":
			if string(json.Find(r.Value(), "type")) != `"direct"` {
				d.omit("input.caller")
			}
		case "async":
			if string(r.Value()) != "false" {
				d.omit("input.async")
			}
		default:
			r.Skip() // what the kinds that are left out have; their whole item is listed
		}
	}
}

// place interprets the item by its type.
func (d *requestDecoder) place(it *inputItem) {
	switch it.kind {
	case "message", "":
		d.message(it)
	case "reasoning":
		d.reasoning(it)
	case "function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call":
		d.call(it)
	case "function_call_output", "custom_tool_call_output", "local_shell_call_output", "shell_call_output", "apply_patch_call_output":
		d.result(it)
	case "tool_search_call", "tool_search_output":
		d.toolSearch(it)
	case "additional_tools":
		d.moreTools(it)
	case "configuration_update":
		d.update(it)
	case "compaction", "context_compaction":
		d.compaction(it)
	case "compaction_trigger":
		d.kept.compact = true
	case "agent_message":
		d.agentMessage(it)
	case "item_reference":
		d.reference(it)
	case searchKind.item, interpreterKind.item:
		d.shown(it)
	default:
		d.foreign(it)
	}
}

// foreign is an item of what OpenAI's side ran, or one that is newer than this: no other model has a word for it.
func (d *requestDecoder) foreign(it *inputItem) {
	if d.same {
		d.assistant(chat.Block{Kind: chat.Opaque, Own: chat.Own(it.raw), Dialect: chat.Responses})
		return
	}
	d.x.Omit("input." + chat.Clip(it.kind))
}

// reference refuses an item that stands for a stored one.
func (d *requestDecoder) reference(it *inputItem) {
	path := d.Path()
	d.unsupported(path, "item_reference '"+chat.Clip(it.id)+"' names an item that it does not have: send the item itself (store: false makes the AI SDK do so)")
}

// message is a turn's text. An assistant's is one that it gave before.
func (d *requestDecoder) message(it *inputItem) {
	if it.kind == "" && it.role == "" && it.id != "" && it.alone {
		d.reference(it)
		return
	}
	switch it.role {
	case "user", "assistant", "system", "developer":
	case "":
		d.Missing(1, "role")
		return
	default:
		d.FailAt(1, "role", "invalid value: '%s'; supported values are: user, assistant, system and developer", it.role)
		return
	}
	if it.text == nil && it.content == nil {
		d.Missing(1, "content")
		return
	}
	blocks := d.blocksOf(it, contentKey)
	if d.R.Err() != nil {
		return
	}
	switch it.role {
	case "user":
		d.kept.user(it.raw)
		d.user(chat.Message{Role: chat.User, Content: d.arena.Keep(&d.scratch, 0)})
	case "assistant":
		for i := range blocks {
			if k := blocks[i].Kind; k != chat.Text && k != chat.Refusal {
				d.FailAt(1, "content", "invalid content: assistant messages hold output_text and refusal parts only")
				return
			}
		}
		d.assistant(blocks...)
	default:
		for i := range blocks {
			if blocks[i].Kind != chat.Text {
				d.FailAt(1, "content", "invalid content: %s messages hold input_text parts only", it.role)
				return
			}
		}
		if len(d.req.Messages) == 0 && len(d.turn) == 0 {
			d.req.System = append(d.req.System, blocks...)
			return
		}
		d.user(chat.Message{Role: chat.User, Operator: true, Content: d.arena.Keep(&d.scratch, 0)})
	}
}

// agentMessage is what another agent of Codex's said to this one: content that only OpenAI can read is left out.
func (d *requestDecoder) agentMessage(it *inputItem) {
	blocks := d.blocksOf(it, contentKey)
	if d.R.Err() != nil {
		return
	}
	if len(blocks) == 0 {
		d.omit("input.agent_message")
		return
	}
	d.assistant(blocks...)
}

// update is a change of settings amid the conversation. The last one holds, for a request has one of each.
func (d *requestDecoder) update(it *inputItem) {
	if it.reasoning != nil {
		d.Where.At(1, reasoningKey)
		d.Within(it.reasoning, func() { d.reasoningOptions(2, false) })
	}
	if it.format != nil {
		d.Where.At(1, textKey)
		d.Within(it.format, func() { d.textOptions(2, false) })
	}
}

// moreTools adds tools that were declared in mid-history.
func (d *requestDecoder) moreTools(it *inputItem) {
	if it.tools == nil {
		d.Missing(1, "tools")
		return
	}
	d.Where.At(1, toolsKey)
	d.Within(it.tools, func() { d.tools(1) })
}

var contentKey, outputKey, toolsKey, reasoningKey, textKey = []byte("content"), []byte("output"), []byte("tools"), []byte("reasoning"), []byte("text")

// blocksOf returns the content of an item: blank text is left out, as no other provider takes it. They are valid until the
// next item is read.
func (d *requestDecoder) blocksOf(it *inputItem, key []byte) []chat.Block {
	d.scratch = d.scratch[:0]
	switch {
	case it.content != nil:
		d.Where.At(1, key)
		d.Within(it.content, d.parts)
	case !it.text.Blank():
		d.scratch = append(d.scratch, chat.Block{Kind: chat.Text, Text: it.text})
	}
	return d.scratch
}
