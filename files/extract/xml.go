package extract

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth bounds the nesting of XML.
const maxDepth = 256

// structuredXML lays XML out in lines, two spaces a level, an element with nothing but text on one. Entities that the
// document defines are shown, never expanded. What is no XML after all is shown as it is.
func structuredXML(in *input, out *output) error {
	b, more, err := in.prefix(out.limit * readAhead)
	if err != nil {
		return err
	}
	laid := &output{limit: out.limit, budget: out.budget}
	err = layXML(b, laid)
	switch {
	case errors.Is(err, errNoXML) && !more:
		_, err = out.Write(b)
		return err
	case errors.Is(err, errNoXML):
		err = nil // cut
	}
	out.b, out.truncated = laid.b, more
	return err
}

var errNoXML = errors.New("not well-formed XML")

func layXML(b []byte, out *output) error {
	tokens := newTokens(bytes.NewReader(b), out.budget)
	tokens.d.Strict = false
	l := xmlLayout{out: out}
	for l.err == nil {
		t, err := tokens.next()
		if errors.Is(err, io.EOF) {
			if len(l.open) > 0 {
				return errNoXML
			}
			l.write("\n")
			return l.err
		}
		if err != nil {
			if spent := out.budget.Err(); spent != nil {
				return spent
			}
			return errNoXML
		}
		l.token(t)
	}
	return l.err
}

type xmlLayout struct {
	out  *output
	open []string
	// bare says that the innermost element has no child yet, so that its end can stand behind its text.
	bare    bool
	started bool
	err     error
}

func (l *xmlLayout) write(s string) {
	if l.err == nil {
		_, l.err = l.out.WriteString(s)
	}
}

func (l *xmlLayout) line() {
	if l.started {
		l.write("\n" + strings.Repeat("  ", min(len(l.open), maxIndent)))
	}
	l.started = true
}

func (l *xmlLayout) token(t xml.Token) {
	switch t := t.(type) {
	case xml.StartElement:
		if len(l.open) == maxDepth {
			l.err = fmt.Errorf("%w: XML nested deeper than %d", ErrLimit, maxDepth)
			return
		}
		l.line()
		l.write("<" + nameOf(t.Name))
		for _, a := range t.Attr {
			l.write(" " + nameOf(a.Name) + `="` + escapeXML(a.Value, true) + `"`)
		}
		l.write(">")
		l.open = append(l.open, nameOf(t.Name))
		l.bare = true
	case xml.EndElement:
		name := nameOf(t.Name)
		if len(l.open) == 0 || l.open[len(l.open)-1] != name {
			l.err = errNoXML
			return
		}
		l.open = l.open[:len(l.open)-1]
		if !l.bare {
			l.line()
		}
		l.write("</" + name + ">")
		l.bare = false
	case xml.CharData:
		text := strings.TrimSpace(string(t))
		if text == "" {
			return
		}
		if !l.bare {
			l.line()
		}
		l.write(escapeXML(text, false))
	case xml.Comment:
		l.line()
		l.write("<!--" + string(t) + "-->")
		l.bare = false
	case xml.ProcInst:
		l.line()
		l.write("<?" + t.Target + " " + string(t.Inst) + "?>")
		l.bare = false
	case xml.Directive:
		l.line()
		l.write("<!" + string(t) + ">")
		l.bare = false
	}
}

// nameOf is a raw name; RawToken leaves the prefix in Space.
func nameOf(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

var (
	textEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	attrEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;", "\n", "&#10;")
)

// escapeXML writes no more escapes than XML needs: a model reads "it's" better than "it&#39;s".
func escapeXML(s string, attr bool) string {
	if attr {
		return attrEscapes.Replace(s)
	}
	return textEscapes.Replace(s)
}
