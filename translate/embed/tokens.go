package embed

import (
	"fmt"
	"strings"
	"sync"

	"github.com/tiktoken-go/tokenizer/codec"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// cl100k is OpenAI's vocabulary of that name, made at the first use: it takes 5 MB. LangChain's OpenAIEmbeddings sends its
// tokens in place of texts, for every model whose name OpenAI's tiktoken does not know, too
// (langchain_openai/embeddings/base.py, _tokenize).
var cl100k = sync.OnceValue(codec.NewCl100kBase)

// decodeTokens returns the text that the tokens stand for. A text cut between two tokens of one character has U+FFFD in its
// place. at says where the tokens stand in the request.
func decodeTokens(tokens []uint, at string) (json.String, error) {
	if len(tokens) == 0 {
		return nil, chat.Invalid("input", "%s is an empty list; leave it out", at)
	}
	text, err := cl100k().Decode(tokens)
	if err != nil {
		return nil, chat.Invalid("input", "%s has tokens that are none of cl100k_base, OpenAI's vocabulary for embeddings, so no text can be made of them; send strings, with LangChain by OpenAIEmbeddings(check_embedding_ctx_length=False)", at)
	}
	return json.Quote(strings.ToValidUTF8(text, "\uFFFD")), nil
}

// indexed names a place in the input.
func indexed(i int) string { return fmt.Sprintf("input[%d]", i) }
