package converse

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
)

// Nova's system tools run on Bedrock's side (https://docs.aws.amazon.com/nova/latest/nova2-userguide/web-grounding.html and
// tool-built-in.html). OpenAI's words for such tools stand for them: the tools web_search and code_interpreter, and
// web_search_options.
const (
	grounding   = rules.Grounding
	interpreter = rules.Interpreter
	searching   = "web_search_options"
)

// systemTool returns the name of the system tool that stands for a client's hosted tool; "" if none does.
func (e *encoder) systemTool(t *chat.Tool) string {
	if t.Raw == nil || t.Dialect == Name || !e.f.SystemTools {
		return ""
	}
	switch kind := t.RawType(); {
	case kind == "code_interpreter":
		return interpreter
	case kind == "web_search" || strings.HasPrefix(kind, "web_search_"): // dated, or a preview
		return grounding
	}
	return ""
}

// searches reports whether the client asks for a search of the web by OpenAI's parameter, and the model has one.
func (e *encoder) searches() bool {
	if !e.f.SystemTools || e.tools.none {
		return false
	}
	for i := range e.r.Extra {
		if e.r.Dialect == openAI && e.r.Extra[i].Key == searching {
			return true
		}
	}
	return false
}

// searchTool writes the tool that web_search_options stands for, unless it is among the tools.
func (e *encoder) searchTool() {
	if !e.searches() {
		return
	}
	for i := range e.r.Tools {
		t := &e.r.Tools[i]
		if t.Raw != nil && (t.Name == grounding || e.systemTool(t) == grounding) {
			return
		}
	}
	e.systemSpec(grounding)
}

func (e *encoder) systemSpec(name string) {
	e.w.Raw(`{"systemTool":{"name":`)
	e.w.Text(name)
	e.w.EndObject()
	e.w.EndObject()
}
