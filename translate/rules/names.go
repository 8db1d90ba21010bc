package rules

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// maxName and maxID are the limits of names and ids that Bedrock's models have in common, aliasedID how long an alias is
// that stands for an illegal id.
const (
	maxName   = 64
	maxID     = 64
	aliasedID = 32
)

// LegalName reports whether every provider takes the name for a tool: 1 to 64 letters, digits, '_' and '-'.
func LegalName(s string) bool { return Alphanumeric(s, "_-") && s != "" && len(s) <= maxName }

// Alphanumeric reports whether s is of ASCII letters, digits and the characters in also alone.
func Alphanumeric(s, also string) bool {
	for i := range len(s) {
		if c := s[i]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9') && strings.IndexByte(also, c) < 0 {
			return false
		}
	}
	return true
}

// IDs is a target's rule for the ids of tool calls.
type IDs struct {
	Also   string // the characters besides letters and digits
	Length int    // exactly so many; 0 for 1 to 64
}

// Legal reports whether the target takes the id.
func (r IDs) Legal(id string) bool {
	if r.Length > 0 && len(id) != r.Length {
		return false
	}
	return Alphanumeric(id, r.Also) && id != "" && len(id) <= maxID
}

// Names are what a target calls the client's tools and their calls: as the client does, or an alias where that is no legal
// name there. Aliases are the exchange's, which undoes them in the reply. The zero Names change nothing.
type Names struct {
	x           *chat.Exchange
	ids         IDs
	illegalName bool // some tool's name must be aliased
	illegalID   bool
}

// NamesOf looks through a request. All that is legal is taken before any alias is made, or an alias may take it.
func NamesOf(r *chat.Request, x *chat.Exchange, ids IDs) Names {
	n := Names{x: x, ids: ids}
	for i := range r.Tools {
		if t := &r.Tools[i]; t.Raw == nil && !LegalName(t.Name) {
			n.illegalName = true
		}
	}
	r.EachTooling(func(b *chat.Block) {
		n.illegalName = n.illegalName || b.Kind == chat.ToolUse && !LegalName(b.Tool.Name)
		n.illegalID = n.illegalID || !ids.Legal(b.Tool.ID)
	})
	if !n.illegalName && !n.illegalID {
		return n
	}
	for i := range r.Tools {
		if t := &r.Tools[i]; t.Raw == nil && LegalName(t.Name) {
			n.Tool(t.Name)
		}
	}
	r.EachTooling(func(b *chat.Block) {
		if b.Kind == chat.ToolUse && LegalName(b.Tool.Name) {
			n.Tool(b.Tool.Name)
		}
		if ids.Legal(b.Tool.ID) {
			n.ID(b.Tool.ID)
		}
	})
	return n
}

// Tool returns the target's name for the client's tool.
func (n *Names) Tool(own string) string {
	if !n.illegalName {
		return own
	}
	return n.x.ToolName(own, LegalName, maxName)
}

// ID returns the target's id for a call of the client's history.
func (n *Names) ID(own string) string {
	if !n.illegalID {
		return own
	}
	length := aliasedID
	if n.ids.Length > 0 {
		length = n.ids.Length
	}
	return n.x.ToolID(own, n.ids.Legal, length)
}
