package converse

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// formatPlan is how the structure that the client asked for is brought about.
type formatPlan struct {
	native      bool
	instruction string // to the model, behind the system text
}

func (p *formatPlan) instruct(text string) {
	if p.instruction != "" {
		p.instruction += "\n"
	}
	p.instruction += text
}

// outputToolName is the name of the tool that stands for a format, if the client has none of that name.
const outputToolName = "structured_output"

// planFormat decides it: natively where the model can, else by a tool that the model must call, else in words. A format
// without a schema is asked for in words alone.
func (e *encoder) planFormat() {
	f := e.r.Format
	switch {
	case f == nil:
	case f.Schema == nil:
		e.format.instruct("Reply with one valid JSON object and nothing else: no text around it, no code fence.")
	case e.f.NativeSchema:
		e.format.native = true
	case e.f.NoTools:
		e.format.instruct("Reply with one valid JSON value that matches this JSON Schema, and nothing else: no text around it, no code fence.\n" +
			string(json.AppendCompact(nil, f.Schema)))
	case e.r.ToolChoice.Kind == chat.ToolsNamed || e.r.ToolChoice.Kind == chat.ToolsAny && len(e.r.Tools) > 0:
		// The client itself forces a call: there will be no text to give a structure to.
	default:
		e.x.OutputTool = outputToolName
		for slices.ContainsFunc(e.r.Tools, func(t chat.Tool) bool { return t.Name == e.x.OutputTool }) {
			e.x.OutputTool += "_"
		}
	}
}

// outputTool writes the spec of the tool that stands for the format.
func (e *encoder) outputTool() {
	f := e.r.Format
	description := f.Description
	if description.Blank() {
		description = quote("Gives the final answer in the required structure.")
	}
	e.spec(e.toolName(e.x.OutputTool), description, f.Schema, false)
}

// outputConfig writes the native format. The schema is a string there, closed at every object: Bedrock refuses it
// otherwise.
func (e *encoder) outputConfig() {
	if !e.format.native {
		return
	}
	f := e.r.Format
	schema, err := rewriteSchema(nil, f.Schema, schemaRules{close: true, inline: e.f.NoSchemaRefs})
	if err != nil {
		e.fail(chat.Invalid("response_format", "the schema of the response format %s", err))
		return
	}
	e.w.Raw(`"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":`)
	e.w.Text(string(schema))
	if legalToolName(f.Name) {
		e.w.Key("name")
		e.w.Text(f.Name)
	}
	if !f.Description.Blank() {
		e.w.Key("description")
		e.w.String(f.Description)
	}
	e.w.EndObject()
	e.w.EndObject()
	e.w.EndObject()
	e.w.EndObject()
}
