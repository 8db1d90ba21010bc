package converse

import "github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"

// outputConfig writes the native format. The schema is a string there, closed at every object: Bedrock refuses it
// otherwise.
func (e *encoder) outputConfig() {
	if !e.format.Native {
		return
	}
	f := e.r.Format
	schema, err := rules.FormatSchema(f.Schema, e.f)
	if err != nil {
		e.fail(err)
		return
	}
	e.w.Raw(`"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":`)
	e.w.Text(string(schema))
	if rules.LegalName(f.Name) {
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
