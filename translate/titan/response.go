package titan

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// DecodeResponse reads {inputTextTokenCount, results: [{tokenCount, outputText, completionReason}]}. The text stays as it
// is, white space at its ends included.
func (Dialect) DecodeResponse(body []byte, x *chat.Exchange) (*chat.Response, error) {
	r := json.NewReader(body)
	out := &chat.Response{}
	results := false
	r.Object()
	for r.Member() {
		switch string(r.Key()) {
		case "inputTextTokenCount":
			count(r, &out.Usage, &out.Usage.Input)
		case "results":
			if r.Kind() != json.Array {
				r.Skip()
				continue
			}
			for r.Array(); r.Element(); results = true {
				decodeResult(r, out, x)
			}
		default:
			r.Skip()
		}
	}
	if err := r.End(); err != nil {
		return nil, chat.Unreadable("a reply", err)
	}
	if !results {
		x.Note("a reply without results")
	}
	return out, nil
}

func decodeResult(r *json.Reader, out *chat.Response, x *chat.Exchange) {
	if !r.MaybeObject() {
		return
	}
	for r.Member() {
		switch string(r.Key()) {
		case "outputText":
			if text := r.MaybeString(); !text.Empty() {
				out.Content = append(out.Content, chat.Block{Kind: chat.Text, Text: text})
			}
		case "tokenCount":
			count(r, &out.Usage, &out.Usage.Output)
		case "completionReason":
			out.Stop = reasons.Read(r.MaybeString(), x)
		default:
			r.Skip()
		}
	}
}

// count reads a number of tokens of u; what is none is skipped.
func count(r *json.Reader, u *chat.Usage, to *int64) {
	if n, ok := r.MaybeCount(); ok {
		*to, u.Known = n, true
	}
}

// EncodeResponse appends a reply with one result: all its text. What the forced output tool was given is its text. A
// reply with tool calls, which CanAnswer should have kept from being asked for, is an error.
func (Dialect) EncodeResponse(dst []byte, r *chat.Response, x *chat.Exchange) ([]byte, error) {
	output := false
	for i := range r.Content {
		if b := &r.Content[i]; b.Kind == chat.ToolUse {
			if !x.IsOutput(b.Tool.Name) {
				return nil, &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the model answered with a tool call, which has no words in Titan's form"}
			}
			output = true
		}
	}
	dst = append(dst, `{"inputTextTokenCount":`...)
	dst = appendCount(dst, r.Usage.Known, r.Usage.Prompt())
	dst = append(dst, `,"results":[{"tokenCount":`...)
	dst = appendCount(dst, r.Usage.Known, r.Usage.Output)
	dst = append(dst, `,"outputText":"`...)
	for i := range r.Content {
		switch b := &r.Content[i]; b.Kind {
		case chat.Text, chat.Refusal:
			if !output && len(b.Text) > 2 {
				dst = append(dst, b.Text[1:len(b.Text)-1]...)
			}
		case chat.ToolUse:
			dst = json.AppendEscaped(dst, json.AppendCompact(nil, b.Tool.Input))
		case chat.Thinking, chat.RedactedThinking: // has no place, and was not asked for
		case chat.Image, chat.Document, chat.Audio, chat.Video, chat.ToolResult, chat.Opaque:
			x.Note("the reply holds a block that a Titan reply has no place for: " + b.Kind.String())
		}
	}
	dst = append(dst, `","completionReason":"`...)
	dst = append(dst, reasonName(r.Stop)...)
	return append(dst, `"}]}`...), nil
}

// appendCount appends a number of tokens; null, as Titan's own chunks have it, if it is unknown.
func appendCount(dst []byte, known bool, n int64) []byte {
	if !known {
		return append(dst, "null"...)
	}
	return strconv.AppendInt(dst, n, 10)
}
