package usage

import (
	"encoding/json"
	"regexp"
	"unicode/utf8"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Content writes what was said in calls to a logger of its own. It is safe for concurrent use. A nil Content writes nothing,
// and costs nothing.
type Content struct {
	Log    *zap.Logger
	Max    int              // bytes of a prompt, and of a reply
	Redact []*regexp.Regexp // what is replaced by redacted
}

const (
	redacted = "[redacted]"
	// margin is how much more than Max is looked at, so that what is to be redacted is found where it crosses the bound.
	margin = 4 << 10
)

// Said is what was said in one call. It belongs to one goroutine. A nil Said takes nothing.
type Said struct {
	content *Content
	request []byte
	reply   []byte
	open    chat.BlockKind // of the reply's latest block
	index   int
	blocks  int
}

// Begin returns what is going to be said in a call.
func (c *Content) Begin() *Said {
	if c == nil {
		return nil
	}
	return &Said{content: c}
}

// Request takes the body of the request.
func (s *Said) Request(body []byte) {
	if s != nil && s.request == nil {
		s.request = append(make([]byte, 0, min(len(body), s.content.Max+margin)), body[:min(len(body), s.content.Max+margin)]...)
	}
}

// Answer takes the next piece of a reply's body.
func (s *Said) Answer(body []byte) {
	if s == nil {
		return
	}
	if room := s.content.Max + margin - len(s.reply); room > 0 {
		s.reply = append(s.reply, body[:min(len(body), room)]...)
	}
}

// kindNames are the types of a streamed reply's blocks, in Anthropic's words.
var kindNames = map[chat.BlockKind]string{chat.Text: "text", chat.Thinking: "thinking", chat.ToolUse: "tool_use"}

// Event takes an event of a streamed reply: its blocks become a JSON array, whatever the dialect.
func (s *Said) Event(e *chat.Event) {
	if s == nil || e.Kind != chat.EventBlockStart && e.Kind != chat.EventBlockDelta || len(s.reply) > s.content.Max+margin {
		return
	}
	name, known := kindNames[e.Block]
	if !known {
		return
	}
	if e.Kind == chat.EventBlockStart || s.blocks == 0 || s.open != e.Block || s.index != e.Index {
		s.reply = append(s.reply, separators[min(s.blocks, 1)]...)
		s.blocks++
		s.open, s.index = e.Block, e.Index
		s.reply = append(s.reply, `{"type":"`+name+`"`...)
		if e.Block == chat.ToolUse {
			s.reply = append(append(append(s.reply, `,"name":`...), quoted(e.Name)...), `,"input":"`...)
		} else {
			s.reply = append(s.reply, `,"`+name+`":"`...)
		}
	}
	if e.Kind == chat.EventBlockDelta && len(e.Text) > 2 { // the token's quotes are those of the whole text
		s.reply = append(s.reply, e.Text[1:len(e.Text)-1]...)
	}
}

var separators = [...]string{"[", `"},`}

// quoted returns a name as a JSON string.
func quoted(name string) []byte {
	b, _ := json.Marshal(name)
	return b
}

// Write logs what was said in a call that is over.
func (s *Said) Write(r *Record) {
	if s == nil || s.request == nil {
		return
	}
	if s.blocks > 0 {
		s.reply = append(s.reply, `"}]`...)
	}
	s.content.Log.Info("content", zap.String("request_id", r.RequestID), zap.String("user_id", r.User), zap.String("model", r.Model),
		zap.String("upstream", r.Upstream), zap.ByteString("request", s.Clean(s.request)), zap.ByteString("reply", s.Clean(s.reply)))
}

// Asked returns what was kept of the request's body: all of it, unless that is longer than what is logged.
func (s *Said) Asked() []byte { return s.request }

// Reply returns what was kept of the reply; nil for a streamed one.
func (s *Said) Reply() []byte {
	if s.blocks > 0 {
		return nil
	}
	return s.reply
}

// Blocks returns the blocks of a streamed reply, once Write was called; nil for another.
func (s *Said) Blocks() []chat.Block {
	var list []struct {
		Type, Name     string
		Text, Thinking json.RawMessage
		Input          string
	}
	if s.blocks == 0 || json.Unmarshal(s.reply, &list) != nil {
		return nil
	}
	blocks := make([]chat.Block, len(list))
	for i, b := range list {
		switch b.Type {
		case "tool_use":
			blocks[i] = chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{Name: b.Name}}
			if json.Valid([]byte(b.Input)) {
				blocks[i].Tool.Input = chat.Value(b.Input)
			}
		case "thinking":
			blocks[i] = chat.Block{Kind: chat.Thinking, Text: chat.String(b.Thinking)}
		default:
			blocks[i] = chat.Block{Text: chat.String(b.Text)}
		}
	}
	return blocks
}

// Clean returns the text without what is to be redacted, cut to its bound at the end of a character.
func (s *Said) Clean(text []byte) []byte {
	c := s.content
	for _, r := range c.Redact {
		text = r.ReplaceAllLiteral(text, []byte(redacted))
	}
	if len(text) <= c.Max {
		return text
	}
	end := c.Max
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end]
}
