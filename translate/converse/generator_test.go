package converse

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// generator makes canonical requests of the bytes of its seed.
type generator struct {
	seed []byte
	pos  int
}

func (g *generator) pick(n int) int {
	if len(g.seed) == 0 {
		return 0
	}
	c := g.seed[g.pos%len(g.seed)]
	g.pos++
	return (int(c) + g.pos/len(g.seed)) % n
}

func (g *generator) maybe() bool { return g.pick(3) == 0 }

func (g *generator) text() chat.String {
	return chat.String([]string{`"hi"`, `""`, `" \n"`, `"\u00a0"`, `"é\ud83d\ude00"`, `"a\"b\\"`}[g.pick(6)])
}

func (g *generator) name() string {
	return []string{"f", "weather", "a.b", "", "ünï", strings.Repeat("n", 80)}[g.pick(6)]
}

func (g *generator) value() chat.Value {
	return chat.Value([]string{`0.5`, `1`, `1.5`, `0`, `-1`, `2e0`}[g.pick(6)])
}

func (g *generator) schema() chat.Value {
	return chat.Value([]string{``, `null`, `{}`, `{"type":"object"}`, `{"type":"object","properties":{"a":{"$ref":"#/$defs/d"}},"$defs":{"d":{"$ref":"#"}}}`, ` { "$ref" : "#/x" } `, `true`}[g.pick(7)])
}

func (g *generator) media() *chat.Media {
	m := &chat.Media{Type: []string{"image/png", "", "application/pdf", "text/plain", "audio/wav", "video/mp4", "x/y"}[g.pick(7)], Name: g.name()}
	switch g.pick(5) {
	case 0:
		m.Text = g.text()
	case 1:
		m.S3 = "s3://b/k.png"
	case 2:
		m.URL = "https://x.example/"
	case 3:
		m.Content = []chat.Block{say("x")}
	default:
		m.Data = []byte("aGVsbG8=")
	}
	return m
}

func (g *generator) block(depth int) chat.Block {
	b := chat.Block{Kind: chat.BlockKind(g.pick(int(chat.Opaque) + 1)), Dialect: chat.Claude} //nolint:gosec // a small number
	switch b.Kind {
	case chat.Text, chat.Refusal:
		b.Text = g.text()
	case chat.Thinking:
		b.Text = g.text()
		if g.maybe() {
			b.Own = chat.Own(q("s"))
		}
	case chat.RedactedThinking:
		b.Own = chat.Own(q("AAAA"))
	case chat.Image, chat.Document, chat.Audio, chat.Video:
		b.Media = g.media()
	case chat.ToolUse:
		b.Tool = &chat.Tooling{ID: g.id(), Name: g.name(), Input: chat.Value(`{"a": 1}`)}
	case chat.ToolResult:
		b.Tool = &chat.Tooling{ID: g.id(), IsError: g.maybe()}
		for n := g.pick(3); n > 0 && depth < 2; n-- {
			b.Tool.Content = append(b.Tool.Content, g.block(depth+1))
		}
	case chat.Opaque:
		b.Own = chat.Own(chat.Value(`{"x":1}`))
	}
	if g.maybe() {
		b.Cache = chat.CacheDefault + chat.Cache(g.pick(3)) //nolint:gosec // a small number
	}
	return b
}

func (g *generator) id() string { return []string{"a", "b", "call/1", ""}[g.pick(4)] }

func (g *generator) request() *chat.Request {
	r := &chat.Request{Dialect: "openai"}
	for n := g.pick(3); n > 0; n-- {
		r.System = append(r.System, chat.Block{Kind: chat.Text, Text: g.text()})
	}
	for n := 1 + g.pick(6); n > 0; n-- {
		m := chat.Message{Role: chat.Role(g.pick(2))} //nolint:gosec // a small number
		for k := g.pick(4); k > 0; k-- {
			m.Content = append(m.Content, g.block(0))
		}
		if g.maybe() { // answer what was asked, or hardly any history would be whole
			for i := range r.Messages {
				for _, b := range r.Messages[i].Content {
					if b.Kind == chat.ToolUse && i == len(r.Messages)-1 {
						m.Role = chat.User
						m.Content = append(m.Content, toolAnswer(b.Tool.ID, say("r")))
					}
				}
			}
		}
		r.Messages = append(r.Messages, m)
	}
	for n := g.pick(3); n > 0; n-- {
		t := chat.Tool{Name: g.name(), Description: g.text(), Schema: g.schema()}
		if g.maybe() {
			t.Raw, t.Dialect = chat.Value(`{"type":"bash_20250124","name":"bash"}`), "claude"
		}
		r.Tools = append(r.Tools, t)
	}
	r.ToolChoice = chat.ToolChoice{Kind: chat.ToolChoiceKind(g.pick(5)), Name: g.name()} //nolint:gosec // a small number
	if g.maybe() {
		r.Temperature, r.TopP, r.TopK = g.value(), g.value(), g.value()
		r.Stop = []string{"", " ", "x"}[:g.pick(4)]
	}
	if g.maybe() {
		r.Format = &chat.Format{Schema: g.schema(), Name: g.name()}
		if len(r.Format.Schema) == 0 {
			r.Format.Schema = nil
		}
	}
	if g.maybe() {
		r.Reasoning = chat.Reasoning{
			Effort:   []string{"", "none", "low", "max", "odd"}[g.pick(5)],
			Thinking: chat.ThinkingKind(g.pick(4)), Budget: int64(g.pick(9000)), //nolint:gosec // a small number
		}
		r.MaxTokens = int64(g.pick(3000))
	}
	if g.maybe() {
		serial(r)
	}
	return r
}
