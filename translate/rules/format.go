package rules

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Format is how the structure that the client asked for is brought about. The third way, a tool that the model must call,
// is the exchange's OutputTool.
type Format struct {
	Native      bool
	Instruction string // to the model, behind the system text; "" for none
}

// Instruct adds a line to the instruction.
func (p *Format) Instruct(text string) {
	if p.Instruction != "" {
		p.Instruction += "\n"
	}
	p.Instruction += text
}

// outputTool is the name of the tool that stands for a format, if the client has none of that name.
const outputTool = "structured_output"

// Plan decides it: natively where the target can, else by a tool that the model must call, else in words. A format
// without a schema is asked for in words alone.
func (p *Format) Plan(r *chat.Request, x *chat.Exchange, native bool) {
	f := r.Format
	switch {
	case f == nil:
	case f.Schema == nil:
		p.Instruct(InWords(f))
	case native:
		p.Native = true
	case x.Facts.NoTools:
		p.Instruct(InWords(f))
	case r.ToolChoice.Kind == chat.ToolsNamed || r.ToolChoice.Kind == chat.ToolsAny && len(r.Tools) > 0:
		// The client itself forces a call: there will be no text to structure.
	default:
		x.OutputTool = outputTool
		for slices.ContainsFunc(r.Tools, func(t chat.Tool) bool { return t.Name == x.OutputTool }) {
			x.OutputTool += "_"
		}
	}
}

// InWords asks for a format where nothing but words will do it.
func InWords(f *chat.Format) string {
	const alone = "and nothing else: no text around it, no code fence."
	if f.Schema == nil {
		return "Reply with one valid JSON object " + alone
	}
	return "Reply with one valid JSON value that matches this JSON Schema, " + alone + "\n" + string(json.AppendCompact(nil, f.Schema))
}

// OutputTool returns the tool that stands for the request's format.
func OutputTool(r *chat.Request, x *chat.Exchange) chat.Tool {
	t := chat.Tool{Name: x.OutputTool, Description: r.Format.Description, Schema: r.Format.Schema}
	if t.Description.Blank() {
		t.Description = chat.String(`"Gives the final answer in the required structure."`)
	}
	return t
}
