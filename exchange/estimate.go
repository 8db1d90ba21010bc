package exchange

import (
	"bytes"
	"errors"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// EstimateHeader tells a client that a number of tokens is the gateway's estimate, not its provider's count.
const EstimateHeader = "Bedrock-Gateway-Token-Count"

// The estimate of CountTokens is on the high side: an agent that compacts its conversation too early loses little, one that
// believes in too few tokens runs over its window. Measured against Claude's newest tokenizers, four characters a token gave
// half of what there was (https://github.com/BerriAI/litellm/issues/37102).
const (
	asciiHigh    = 5     // half bytes of ASCII a token: code and JSON have no more than 2.5
	otherHigh    = 4     // half bytes of anything else a token: a Chinese character has three, and up to 1.5 tokens
	imageHigh    = 4_800 // an image of the most pixels that a model looks at (https://platform.claude.com/docs/en/build-with-claude/vision)
	documentHigh = 8     // bytes of a PDF in base64 a token: pages are texts and pictures both
	toolsHigh    = 600   // what a provider adds for tools (https://platform.claude.com/docs/en/agents-and-tools/tool-use/overview#pricing)
)

// pdfBase64 begins a PDF in base64: %PDF-.
var pdfBase64 = []byte("JVBERi")

// estimateHigh returns no less than about how many tokens a request's body has.
func estimateHigh(body []byte) int64 {
	parts, n := int64(0), int64(0)
	count := func(text []byte) {
		ascii := int64(0)
		for _, c := range text {
			if c < 0x80 {
				ascii++
			}
		}
		parts += 2*ascii*otherHigh + 2*(int64(len(text))-ascii)*asciiHigh
	}
	for len(body) > 0 {
		i := bytes.IndexByte(body, '"')
		if i < 0 {
			count(body)
			break
		}
		// As in estimate: a long string without a space is a medium.
		switch medium := i >= mediumBytes && bytes.IndexByte(body[:i], ' ') < 0; {
		case medium && bytes.Contains(body[:min(i, 64)], pdfBase64):
			n += int64(i / documentHigh)
		case medium:
			n += imageHigh
		default:
			count(body[:i+1])
		}
		body = body[i+1:]
	}
	return n + (parts+asciiHigh*otherHigh-1)/(asciiHigh*otherHigh)
}

// uncountable reports whether the error says that nobody counts the model's tokens, and not that the request is wrong or the
// upstream failed.
func uncountable(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	if !ok {
		return false
	}
	switch e.Kind { //nolint:exhaustive // the others are failures
	case chat.ErrUnsupported:
		return true
	case chat.ErrNotFound: // through profiles alone, which CountTokens does not take
		return e.Upstream != ""
	case chat.ErrInvalidRequest:
		return strings.Contains(e.Message, "support counting tokens")
	}
	return false
}
