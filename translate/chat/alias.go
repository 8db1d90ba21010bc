package chat

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// aliases are the other names of one request's tools or tool calls: made on the way in, undone on the way out. They are
// a request's own, never the process's: two clients may use one name for two things.
type aliases struct {
	pairs []alias
}

type alias struct{ own, alias string }

// to returns the alias of own, made by shorten at its first use. The same name always has the same alias, so that prompt
// caches hold; different names never share one.
func (a *aliases) to(own string, legal func(string) bool, shorten func(own string, try int) string) string {
	for i := range a.pairs {
		if a.pairs[i].own == own {
			return a.pairs[i].alias
		}
	}
	to := own
	for try := 0; !legal(to) || a.taken(to); try++ {
		to = shorten(own, try)
	}
	a.pairs = append(a.pairs, alias{own, to})
	return to
}

func (a *aliases) taken(name string) bool {
	for i := range a.pairs {
		if a.pairs[i].alias == name {
			return true
		}
	}
	return false
}

func (a *aliases) changed() bool {
	return slices.ContainsFunc(a.pairs, func(p alias) bool { return p.own != p.alias })
}

// from returns the name whose alias is given; one that is nobody's alias is its own.
func (a *aliases) from(to string) string {
	for i := range a.pairs {
		if a.pairs[i].alias == to {
			return a.pairs[i].own
		}
	}
	return to
}

// Aliased reports whether anything in the target's replies has to be changed back for the client.
func (x *Exchange) Aliased() bool {
	return x.OutputTool != "" || x.Reworded || x.names.changed() || x.ids.changed()
}

// ToolName returns the name under which the target knows the client's tool. legal and maxLen are the target's rule: what
// breaks it gets an alias of legal characters ending in a hash of the whole name. Register the names that are legal as
// they are first, or an alias may take one.
func (x *Exchange) ToolName(own string, legal func(string) bool, maxLen int) string {
	return x.names.to(own, legal, func(own string, try int) string { return readable(own, try, maxLen) })
}

// ClientToolName returns the client's own name for a tool of the target's.
func (x *Exchange) ClientToolName(target string) string { return x.names.from(target) }

// ToolID returns the id under which the target knows a tool call of the client's history: hashed to length alphanumerics
// where the target's rule legal is broken.
func (x *Exchange) ToolID(own string, legal func(string) bool, length int) string {
	return x.ids.to(own, legal, func(own string, try int) string { return digest(own, try)[:length] })
}

// ClientToolID returns the client's own id for a tool call of the target's.
func (x *Exchange) ClientToolID(target string) string { return x.ids.from(target) }

// digest is 64 characters of hex, another for each try.
func digest(own string, try int) string {
	h := sha256.New()
	h.Write([]byte(own))
	for range try {
		h.Write([]byte{0})
	}
	return hex.EncodeToString(h.Sum(nil))
}

// readable keeps what is legal of own, so that the model still sees what the tool is about.
func readable(own string, try, maxLen int) string {
	const hash = 8
	b := make([]byte, 0, maxLen)
	for i := 0; i < len(own) && len(b) < maxLen-hash-1; i++ {
		c := own[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
			b = append(b, c)
		case len(b) > 0 && b[len(b)-1] != '_':
			b = append(b, '_')
		}
	}
	b = append(b, '_')
	return string(append(b, digest(own, try)[:hash]...))
}
