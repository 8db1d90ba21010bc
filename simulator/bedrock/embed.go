package bedrock

import (
	"encoding/base64"
	"fmt"
	"maps"
	"strings"
)

// The bodies of models that embed and rank, from the user guide's pages model-parameters-titan-embed-text,
// model-parameters-titan-embed-mm, model-parameters-embed-v3, model-parameters-embed-v4, model-parameters-marengo-3 and
// model-parameters-rerank, and the Nova user guide's page embeddings-schema.

// ownBody is how a family of models is invoked.
type ownBody struct {
	form *bodyForm
	// answer makes the reply of a body that has the form. It returns how many tokens went in, and all the text, which may
	// hold a fault's directive.
	answer func(m *model, body map[string]any) (reply map[string]any, in int, text string, refused *apiError)
	// uncounted: no header tells the tokens.
	uncounted bool
}

var ownBodies = map[string]*ownBody{
	"titan-embed-v1": {form: record(map[string]*bodyForm{"inputText": texts(1, 50_000)}, "inputText"), answer: titanEmbed},
	"titan-embed-v2": {form: record(map[string]*bodyForm{
		"inputText": texts(1, 50_000), "dimensions": oneSize(256, 512, 1024), "normalize": {kind: "Boolean"},
		"embeddingTypes": several(oneWord("float", "binary"), 1, 2),
	}, "inputText"), answer: titanEmbed},
	"titan-embed-image": {form: record(map[string]*bodyForm{
		"inputText": texts(1, 0), "inputImage": texts(1, 0),
		"embeddingConfig": record(map[string]*bodyForm{"outputEmbeddingLength": oneSize(256, 384, 1024)}),
	}), answer: titanEmbedImage},
	"nova-embed":      {form: novaEmbedForm, answer: novaEmbed},
	"cohere-embed-v3": {form: cohereForm(texts(1, 2048), 1, map[string]*bodyForm{"truncate": oneWord("NONE", "START", "END")}), answer: cohereEmbed},
	"cohere-embed-v4": {form: cohereForm(texts(1, 0), 96, map[string]*bodyForm{
		"truncate": oneWord("NONE", "LEFT", "RIGHT"), "output_dimension": oneSize(256, 512, 1024, 1536),
		"max_tokens": {kind: "Number", low: 1, high: 128_000},
		"inputs":     several(record(map[string]*bodyForm{"content": several(&bodyForm{kind: "JSONObject"}, 1, 0)}, "content"), 1, 96),
	}), answer: cohereEmbed},
	"marengo": {form: marengoForm, answer: marengoEmbed},
	"cohere-rerank": {form: record(map[string]*bodyForm{
		"query": texts(1, 0), "documents": several(&bodyForm{}, 1, 1000), "top_n": {kind: "Number", low: 1},
		"api_version": {kind: "Number", low: 2}, "max_tokens_per_doc": {kind: "Number", low: 1},
	}, "query", "documents", "api_version"), answer: rank, uncounted: true},
	"amazon-rerank": {form: record(map[string]*bodyForm{
		"query": texts(1, 32_000), "documents": several(texts(1, 0), 1, 1000), "top_n": {kind: "Number", low: 1},
	}, "query", "documents"), answer: rank, uncounted: true},
}

// invokeOwn serves InvokeModel for a model that embeds or ranks.
func (x *exchange) invokeOwn(own *ownBody, stream bool) *apiError {
	if stream {
		return invalid("The model is unsupported for streaming.")
	}
	body, refused := decodeJSON(x.body)
	if refused != nil {
		return invalid("Malformed input request, please reformat your input and try again.")
	}
	if refused = own.form.check("#", body); refused != nil {
		return refused
	}
	reply, in, text, refused := own.answer(x.model, body)
	if refused != nil {
		return refused
	}
	a := &ask{model: x.model, text: text}
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	if x.setInvokeHeaders(usage{input: in}, false); own.uncounted {
		x.w.Header().Del("X-Amzn-Bedrock-Input-Token-Count")
	}
	x.w.Header().Del("X-Amzn-Bedrock-Output-Token-Count")
	x.sendInvoke(w, a, reply)
	return nil
}

// numberOr returns the whole number at a member of a form's body; def if it is not there.
func numberOr(v any, def int) int {
	if n, ok := asNumber(v); ok {
		return int(n)
	}
	return def
}

// tooMany is what Titan says of a text with more tokens than it takes.
func tooMany(limit, n int) *apiError {
	return invalid("400 Bad Request: Too many input tokens. Max input tokens: %d, request input token count: %d ", limit, n)
}

func titanEmbed(m *model, body map[string]any) (map[string]any, int, string, *apiError) {
	text := body["inputText"].(string)
	n := tokens(text)
	if n > 8192 {
		return nil, 0, "", tooMany(8192, n)
	}
	if m.family == "titan-embed-v1" {
		return map[string]any{"embedding": textVector(text, 1536), "inputTextTokenCount": n}, n, text, nil
	}
	v := textVector(text, numberOr(body["dimensions"], 1024))
	types := map[string]any{}
	list, _ := body["embeddingTypes"].([]any)
	if list == nil {
		list = []any{"float"}
	}
	for _, one := range list {
		if one == "binary" {
			types["binary"] = bits(v)
		} else {
			types["float"] = v
		}
	}
	return map[string]any{"embedding": v, "embeddingsByType": types, "inputTextTokenCount": n}, n, text, nil
}

func titanEmbedImage(_ *model, body map[string]any) (map[string]any, int, string, *apiError) {
	text, _ := body["inputText"].(string)
	image, _ := body["inputImage"].(string)
	n := tokens(text)
	size := 1024
	if c, ok := body["embeddingConfig"].(map[string]any); ok {
		size = numberOr(c["outputEmbeddingLength"], size)
	}
	switch picture, err := base64.StdEncoding.DecodeString(image); {
	case text == "" && image == "":
		return nil, 0, "", invalid("Both inputText and inputImage are null or empty. At least one of them must be provided.")
	case err != nil:
		return nil, 0, "", invalid("Failed to decode image: it must be base64-encoded.")
	case n > 128:
		return nil, 0, "", tooMany(128, n)
	case image != "":
		text = fmt.Sprintf("%s %x", text, picture)
	}
	return map[string]any{"embedding": textVector(text, size), "inputTextTokenCount": n, "message": nil}, n, text, nil
}

var novaEmbedForm = func() *bodyForm {
	object := &bodyForm{kind: "JSONObject"}
	return record(map[string]*bodyForm{
		"schemaVersion": oneWord("nova-multimodal-embed-v1"), "taskType": oneWord("SINGLE_EMBEDDING"),
		"singleEmbeddingParams": record(map[string]*bodyForm{
			"embeddingPurpose": oneWord("GENERIC_INDEX", "GENERIC_RETRIEVAL", "TEXT_RETRIEVAL", "IMAGE_RETRIEVAL", "VIDEO_RETRIEVAL", "DOCUMENT_RETRIEVAL",
				"AUDIO_RETRIEVAL", "CLASSIFICATION", "CLUSTERING"),
			"embeddingDimension": oneSize(256, 384, 1024, 3072),
			"text":               record(map[string]*bodyForm{"truncationMode": oneWord("START", "END", "NONE"), "value": texts(1, 0), "source": object}, "truncationMode"),
			"image": record(map[string]*bodyForm{
				"format": oneWord("png", "jpeg", "gif", "webp"), "source": object, "detailLevel": oneWord("STANDARD_IMAGE", "DOCUMENT_IMAGE"),
			}, "format", "source"),
			"audio": record(map[string]*bodyForm{"format": oneWord("mp3", "wav", "ogg"), "source": object}, "format", "source"),
			"video": record(map[string]*bodyForm{
				"format": oneWord("mp4", "mov", "mkv", "webm", "flv", "mpeg", "mpg", "wmv", "3gp"), "source": object,
				"embeddingMode": oneWord("AUDIO_VIDEO_COMBINED", "AUDIO_VIDEO_SEPARATE"),
			}, "format", "source", "embeddingMode"),
		}, "embeddingPurpose"),
	}, "taskType", "singleEmbeddingParams")
}()

// novaLimit is how many tokens of a text Nova's model takes.
const novaLimit = 8172

func novaEmbed(_ *model, body map[string]any) (map[string]any, int, string, *apiError) {
	p := body["singleEmbeddingParams"].(map[string]any)
	kind, said := "", ""
	n := 0
	one := map[string]any{}
	for _, name := range []string{"text", "image", "audio", "video"} {
		part, ok := p[name].(map[string]any)
		switch {
		case !ok:
			continue
		case kind != "":
			return nil, 0, "", malformed("#/singleEmbeddingParams", "exactly one of text, image, video and audio must be given")
		case name == "text":
			value, ok := part["value"].(string)
			if !ok {
				return nil, 0, "", malformed("#/singleEmbeddingParams/text", "required key [value] not found")
			}
			said, n = value, tokens(value)
			if n <= novaLimit {
				break
			}
			if part["truncationMode"] == "NONE" {
				return nil, 0, "", invalid("The text is too long: %d tokens of at most %d. Too many input tokens.", n, novaLimit)
			}
			kept, _ := cut(value, novaLimit)
			one["truncatedCharLength"], n, said = len([]rune(kept)), novaLimit, kept
		default:
			said, n = fmt.Sprint(part["source"]), 400
		}
		kind = name
	}
	if kind == "" {
		return nil, 0, "", malformed("#/singleEmbeddingParams", "exactly one of text, image, video and audio must be given")
	}
	one["embeddingType"] = strings.ToUpper(kind)
	one["embedding"] = textVector(said, numberOr(p["embeddingDimension"], 3072))
	return map[string]any{"embeddings": []any{one}}, n, said, nil
}

func cohereForm(text *bodyForm, images int, more map[string]*bodyForm) *bodyForm {
	m := map[string]*bodyForm{
		"texts": several(text, 1, 96), "images": several(texts(1, 0), 1, images),
		"input_type":      oneWord("search_document", "search_query", "classification", "clustering", "image"),
		"embedding_types": several(oneWord("float", "int8", "uint8", "binary", "ubinary"), 1, 5),
	}
	maps.Copy(m, more)
	return record(m, "input_type")
}

func cohereEmbed(m *model, body map[string]any) (map[string]any, int, string, *apiError) {
	var said []string
	n := 0
	list, _ := body["texts"].([]any)
	for _, one := range list {
		said = append(said, one.(string))
		n += tokens(one.(string))
	}
	images, _ := body["images"].([]any)
	for i, one := range images {
		if !strings.HasPrefix(one.(string), "data:image/") {
			return nil, 0, "", invalid("invalid request: image %d must be a valid data URI", i)
		}
		said, n = append(said, one.(string)), n+400
	}
	inputs, _ := body["inputs"].([]any)
	for _, one := range inputs {
		said, n = append(said, fmt.Sprint(one)), n+400
	}
	if given := min(len(list), 1) + min(len(images), 1) + min(len(inputs), 1); given != 1 {
		return nil, 0, "", invalid("invalid request: exactly one of texts, images and inputs must be given")
	}
	size := 1024
	if m.family == "cohere-embed-v4" {
		size = numberOr(body["output_dimension"], 1536)
	} else if images != nil && body["input_type"] != "image" {
		return nil, 0, "", invalid("invalid request: input_type must be image for images")
	}
	vectors := make([]any, len(said))
	for i, text := range said {
		vectors[i] = textVector(text, size)
	}
	reply := map[string]any{"id": "simulator", "texts": list, "embeddings": vectors, "response_type": "embeddings_floats"}
	if types, ok := body["embedding_types"].([]any); ok {
		byType := map[string]any{}
		for _, one := range types {
			byType[one.(string)] = vectors
		}
		reply["embeddings"], reply["response_type"] = byType, "embeddings_by_type"
	}
	return reply, n, strings.Join(said, " "), nil
}

var marengoForm = func() *bodyForm {
	media := record(map[string]*bodyForm{"base64String": texts(1, 0), "s3Location": {kind: "JSONObject"}})
	text := texts(1, 0)
	return record(map[string]*bodyForm{
		"inputType": oneWord("text", "image", "text_image", "multi_input", "audio", "video"),
		"text":      record(map[string]*bodyForm{"inputText": text}, "inputText"), "image": record(map[string]*bodyForm{"mediaSource": media}, "mediaSource"),
		"text_image": record(map[string]*bodyForm{"inputText": text, "mediaSource": media}, "inputText", "mediaSource"),
	}, "inputType")
}()

func marengoEmbed(_ *model, body map[string]any) (map[string]any, int, string, *apiError) {
	kind := body["inputType"].(string)
	part, ok := body[kind].(map[string]any)
	if !ok {
		return nil, 0, "", malformed("#", "required key ["+kind+"] not found")
	}
	text, _ := part["inputText"].(string)
	n := tokens(text)
	if n > 500 {
		return nil, 0, "", invalid("The text is too long: %d tokens of at most 500. Too many input tokens.", n)
	}
	if source, ok := part["mediaSource"].(map[string]any); ok {
		text += fmt.Sprint(source)
	}
	return map[string]any{"data": []any{map[string]any{"embedding": textVector(text, 512)}}}, n, text, nil
}
