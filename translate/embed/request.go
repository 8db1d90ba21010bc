// Package embed translates between OpenAI's /v1/embeddings and the bodies by which Bedrock's embedding models are invoked.
// It takes bytes and returns bytes: how many calls run at once, and what happens when one fails, is package exchange's.
package embed

import (
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// MaxInputs is the most inputs of one request, as OpenAI has it
// (https://platform.openai.com/docs/api-reference/embeddings/create).
const MaxInputs = 2048

// Request is a request for embeddings, as far as every model has it.
type Request struct {
	Texts  []json.String // the inputs, in order; empty where a member of the model's own says what to embed
	Listed bool          // the inputs are a list: errors name the place in it
	Base64 bool          // vectors are answered as base64 of float32

	dimensions int64 // 0: the model's own
	purpose    named // what the vectors are for, in a word of purposes
	truncate   named
	others     []own
}

// named is a value with the member that it came in.
type named struct{ member, value string }

// own is a member that only some models have.
type own struct {
	name  string
	value json.Value
}

// DecodeRequest reads OpenAI's body. What OpenAI does not have, one of Bedrock's models may: input_type and truncate, and the
// members of the model itself.
func DecodeRequest(b *chat.Body) (*Request, error) {
	r := &Request{}
	for i := range b.Members {
		m := &b.Members[i]
		v := json.Value(b.Raw[m.ValueStart:m.ValueEnd])
		if string(v) == "null" {
			continue
		}
		if err := r.member(string(m.Key), v); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (r *Request) member(name string, v json.Value) error {
	switch name {
	case "model", "model_id":
		return nil // routing has read it
	case "input":
		return r.input(v)
	case "encoding_format":
		switch textOf(v) {
		case "float":
		case "base64":
			r.Base64 = true
		default:
			return chat.Invalid(name, "'encoding_format' must be float or base64")
		}
		return nil
	case "dimensions":
		n, ok := json.ParseInt(v)
		if !ok || n < 1 {
			return chat.Invalid(name, "'dimensions' must be a whole number of at least 1")
		}
		r.dimensions = n
		return nil
	case "input_type", "embeddingPurpose":
		return set(&r.purpose, name, purposeOf(textOf(v)), model.InputTypes)
	case "truncate", "truncationMode":
		return set(&r.truncate, name, truncations[strings.ToLower(textOf(v))], model.Truncations)
	}
	r.others = append(r.others, own{name, v})
	return nil
}

// set sets a value that is one of several words; "" is none of them.
func set(to *named, member, value string, words []string) error {
	if value == "" {
		return chat.Invalid(member, "'%s' must be one of %s", member, strings.Join(words, ", "))
	}
	if to.member != "" && to.value != value {
		return chat.Invalid(member, "'%s' and '%s' contradict each other; send one of them", to.member, member)
	}
	*to = named{member, value}
	return nil
}

// textOf returns the meaning of a value that is a string; "" of any other.
func textOf(v json.Value) string {
	if v[0] != '"' {
		return ""
	}
	return json.String(v).Unquote()
}

// input reads a string, a list of strings, a text's tokens or a list of them.
func (r *Request) input(v json.Value) error {
	const want = "'input' must be a string, a list of strings, or the tokens of one text or of several"
	switch {
	case v[0] == '"':
		if text := json.String(v); !text.Empty() {
			r.Texts = []json.String{text}
		}
		return nil
	case v[0] != '[':
		return chat.Invalid("input", want)
	}
	rd := json.NewReader(v)
	var tokens []uint
	for rd.Array(); rd.Element(); {
		if len(r.Texts) == MaxInputs {
			return chat.Invalid("input", "'input' has more than %d texts, the most of one request", MaxInputs)
		}
		i := len(r.Texts)
		switch kind := rd.Kind(); {
		case kind == json.Text && tokens == nil:
			text := rd.String()
			if text.Empty() {
				return chat.Invalid("input", "input[%d] is an empty string; leave it out", i)
			}
			r.Texts = append(r.Texts, text)
		case kind == json.Array && tokens == nil:
			text, err := tokenText(rd, i)
			if err != nil {
				return err
			}
			r.Texts = append(r.Texts, text)
		case kind == json.Number && len(r.Texts) == 0:
			n := rd.Int()
			if n < 0 {
				return chat.Invalid("input", "'input' has a token below 0")
			}
			tokens = append(tokens, uint(n))
		default:
			return chat.Invalid("input", want)
		}
	}
	if err := rd.End(); err != nil {
		return chat.Invalid("input", want)
	}
	if tokens != nil {
		text, err := decodeTokens(tokens, "input")
		r.Texts = append(r.Texts, text)
		return err
	}
	r.Listed = true
	return nil
}

// tokenText reads the tokens of the i-th text.
func tokenText(rd *json.Reader, i int) (json.String, error) {
	var tokens []uint
	for rd.Array(); rd.Element(); {
		n := rd.Int()
		if rd.Err() == nil && n >= 0 {
			tokens = append(tokens, uint(n))
		} else if rd.Err() == nil {
			rd.Fail(chat.Invalid("input", "input[%d] has a token below 0", i))
		}
	}
	if rd.Err() != nil {
		return nil, chat.Invalid("input", "input[%d] must be a string or a list of tokens, whole numbers", i)
	}
	return decodeTokens(tokens, indexed(i))
}

// purpose is one thing that vectors are for.
type purpose struct {
	words        []string // the first is that of Plan
	cohere, nova string
}

// purposes are the words for what vectors are for, in Cohere's terms and in Nova's. Each has the words of other providers'
// clients for the same; from Bedrock's user guide, page model-parameters-embed-v3, Nova's, page embeddings-schema, and the
// API references of Voyage and NVIDIA's NIM.
var purposes = []purpose{
	{[]string{"search_document", "document", "passage", "generic_index"}, "search_document", "GENERIC_INDEX"},
	{[]string{"search_query", "query", "generic_retrieval"}, "search_query", "GENERIC_RETRIEVAL"},
	{[]string{"text_retrieval"}, "search_query", "TEXT_RETRIEVAL"},
	{[]string{"image_retrieval"}, "search_query", "IMAGE_RETRIEVAL"},
	{[]string{"video_retrieval"}, "search_query", "VIDEO_RETRIEVAL"},
	{[]string{"document_retrieval"}, "search_query", "DOCUMENT_RETRIEVAL"},
	{[]string{"audio_retrieval"}, "search_query", "AUDIO_RETRIEVAL"},
	{[]string{"classification"}, "classification", "CLASSIFICATION"},
	{[]string{"clustering"}, "clustering", "CLUSTERING"},
	{[]string{"image"}, "image", "GENERIC_INDEX"},
}

// defaultPurpose is the one of requests that do not say: what LiteLLM sends, too. Most texts that are embedded are documents.
const defaultPurpose = "search_document"

// purposeOf returns the first word of the purpose that word stands for; "" if it stands for none.
func purposeOf(word string) string {
	word = strings.ToLower(word)
	for i := range purposes {
		if slices.Contains(purposes[i].words, word) {
			return purposes[i].words[0]
		}
	}
	return ""
}

// Truncations: what is done to a text that is too long.
const (
	truncateNone  = "NONE"
	truncateStart = "START"
	truncateEnd   = "END"
)

// truncations are the words for them; Cohere's fourth has words of its own.
var truncations = map[string]string{
	"none": truncateNone, "start": truncateStart, "end": truncateEnd, "left": truncateStart, "right": truncateEnd,
}
