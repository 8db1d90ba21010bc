package decode

import (
	"errors"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Cursor reads a body of one of OpenAI's APIs and knows where it is, for errors in their words.
type Cursor struct {
	R     json.Reader
	Where Path
}

// At notes that the reader stands before the value of the member whose name it read last.
func (c *Cursor) At(level int) { c.Where.At(level, c.R.Key()) }

// Item notes that the reader stands before the i-th element of the list at level.
func (c *Cursor) Item(level, i int) { c.Where.Item(level, i) }

// Path writes where the reader is: messages[2].content[0].image_url.url.
func (c *Cursor) Path() string { return c.Where.Text("[", "]") }

// Within reads a value that the reader has passed already: f reads it by R, and its error is R's own afterwards.
func (c *Cursor) Within(v json.Value, f func()) {
	outer := c.R
	if outer.Err() != nil {
		return
	}
	c.R.Reset(v)
	f()
	err := c.R.Err()
	c.R = outer
	if err != nil {
		c.R.Fail(err)
	}
}

// Fail ends the decoding with a 400 about where the reader is.
func (c *Cursor) Fail(format string, args ...any) {
	if c.R.Err() == nil {
		c.R.Fail(chat.Invalid(c.Path(), format, args...))
	}
}

// FailAt ends the decoding with a 400 about the member named key of what stands at the first levels of the path.
func (c *Cursor) FailAt(levels int, key, format string, args ...any) {
	if c.R.Err() != nil {
		return
	}
	c.R.Fail(chat.Invalid(c.Member(levels, key), format, args...))
}

// Member is the path of the member named key of what stands at the first levels of the path.
func (c *Cursor) Member(levels int, key string) string {
	c.Where.Cut(levels)
	if levels == 0 {
		return key
	}
	return c.Path() + "." + key
}

// Missing ends the decoding in the words that OpenAI has for it.
func (c *Cursor) Missing(levels int, key string) {
	if c.R.Err() == nil {
		path := c.Member(levels, key)
		c.R.Fail(chat.Invalid(path, "missing required parameter: '%s'", path))
	}
}

// Refuse returns the error that the client gets of the reader's.
func (c *Cursor) Refuse(body []byte, err error) error {
	var wrong *json.TypeError
	if errors.As(err, &wrong) && c.Where.Depth() > 0 {
		path := c.Path()
		return chat.Invalid(path, "invalid type for '%s': expected %s, but got %s instead", path, wrong.Want, wrong.Got)
	}
	return chat.BadJSON(body, err)
}

// Bool reads a boolean that may be absent.
func (c *Cursor) Bool() *bool {
	b := c.R.Bool()
	return &b
}

// Whole reads a whole number of at least least.
func (c *Cursor) Whole(least int64) int64 {
	tok := c.R.Number()
	if c.R.Err() != nil {
		return 0
	}
	n, ok := json.ParseInt(tok)
	if !ok || n < least {
		c.Fail("invalid value for '%s': expected a whole number of at least %d, but got %s", c.Path(), least, tok)
		return 0
	}
	return n
}
