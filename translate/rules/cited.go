package rules

import (
	"bytes"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// CitedMember is a member of ours, of a message or of a part of text: the citations that OpenAI's annotations cannot say, or
// not all of. Each has the characters that it was given for and the citation in Claude's form, or as it came where Claude has
// none for it.
const CitedMember = "bedrock_citations"

// Cited is a citation as OpenAI's clients get it. It shares no memory with what it was made of.
type Cited struct {
	URL, Title chat.Value // JSON strings, of a page: OpenAI's url_citation
	File, Name string     // of a file of the gateway's own: OpenAI's file_citation
	Own        chat.Value // of all but pages: what CitedMember has
}

// OpenAICitation returns a citation as OpenAI's clients get it. Documents are counted over the whole request
// (https://platform.claude.com/docs/en/build-with-claude/citations).
func OpenAICitation(v chat.Value, x *chat.Exchange) (c Cited) {
	url, title := URLCitation(v)
	if url != nil {
		return Cited{URL: bytes.Clone(url), Title: bytes.Clone(title)}
	}
	own := ClaudeCitation(v)
	if at, ok := json.ParseInt(json.Find(own, "document_index")); ok && at >= 0 && at < int64(len(x.Documents)) {
		c.File, c.Name = x.Documents[at].Key, x.Documents[at].Value
	}
	if own == nil {
		own = v
	}
	c.Own = json.AppendCompact(nil, own)
	return c
}

// AppendCited appends the element of CitedMember for a citation that was given for the characters from from to before end.
// inner is written behind them.
func (c *Cited) AppendCited(dst []byte, from, end int64, inner string) []byte {
	dst = append(dst, `{"start_index":`...)
	dst = strconv.AppendInt(dst, from, 10)
	dst = append(dst, `,"end_index":`...)
	dst = strconv.AppendInt(dst, end, 10)
	dst = append(dst, inner...)
	dst = append(dst, `,"citation":`...)
	return append(append(dst, c.Own...), '}')
}

// AppendFile appends the members of OpenAI's file_citation: the file, and where in the text it is cited.
func (c *Cited) AppendFile(dst []byte, at int64) []byte {
	dst = append(dst, `"file_id":`...)
	dst = json.AppendQuoted(dst, c.File)
	dst = append(dst, `,"filename":`...)
	dst = json.AppendQuoted(dst, c.Name)
	dst = append(dst, `,"index":`...)
	return strconv.AppendInt(dst, at, 10)
}
