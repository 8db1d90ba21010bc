package model

import "strings"

// EmbedForm is the form of the body by which Bedrock's InvokeModel embeds with a family of models.
type EmbedForm uint8

// The forms. NotEmbedding is that of any other model, and of one that is not known.
const (
	NotEmbedding    EmbedForm = iota
	TitanEmbed                // {inputText}
	TitanEmbed2               // {inputText, dimensions, normalize}
	TitanEmbedImage           // {inputText, inputImage, embeddingConfig}
	NovaEmbed                 // {taskType, singleEmbeddingParams}
	CohereEmbed3              // {texts | images, input_type, truncate}
	CohereEmbed4              // {texts | images | inputs, input_type, output_dimension, truncate}
	MarengoEmbed3             // {inputType, text | image | text_image}
)

// Embedding is what is known of one embedding model.
type Embedding struct {
	Form EmbedForm
	// Sizes are the numbers of dimensions that the model has, its default first.
	Sizes []int
	// Texts and Images are the most of each that one call takes.
	Texts, Images int
	// Chars bounds the characters of one text, which the model refuses above it whatever it is told of truncation; 0: no
	// such bound is known.
	Chars int

	// InputType and Truncate are the configuration's defaults for requests that do not say; "" for none.
	InputType, Truncate string
}

// InputTypes are what vectors may be for, and Truncations what is done to a text that is too long, as requests and the
// configuration say it.
var (
	InputTypes = []string{
		"search_document", "search_query", "classification", "clustering", "image", "text_retrieval", "image_retrieval",
		"video_retrieval", "document_retrieval", "audio_retrieval",
	}
	Truncations = []string{"none", "start", "end"}
)

// embeddings are Bedrock's embedding models by a part of their base ids. Sources, November 2026: Bedrock's user guide, pages
// model-parameters-titan-embed-text, titan-multiemb-models, model-parameters-embed-v3, model-parameters-embed-v4 and
// model-parameters-marengo-3; Nova's, page embeddings-schema. The 2,048 characters of Cohere's third hold with truncation too.
var embeddings = [...]struct {
	part  string
	facts Embedding
}{
	{"titan-embed-text-v2", Embedding{Form: TitanEmbed2, Sizes: []int{1024, 512, 256}, Texts: 1, Chars: 50_000}},
	{"titan-embed-image", Embedding{Form: TitanEmbedImage, Sizes: []int{1024, 384, 256}, Texts: 1, Images: 1}},
	{"titan-embed", Embedding{Form: TitanEmbed, Sizes: []int{1536}, Texts: 1, Chars: 50_000}},
	{"nova-2-multimodal-embeddings", Embedding{Form: NovaEmbed, Sizes: []int{3072, 1024, 384, 256}, Texts: 1, Images: 1}},
	{"cohere.embed-english-v3", Embedding{Form: CohereEmbed3, Sizes: []int{1024}, Texts: 96, Images: 1, Chars: 2_048}},
	{"cohere.embed-multilingual-v3", Embedding{Form: CohereEmbed3, Sizes: []int{1024}, Texts: 96, Images: 1, Chars: 2_048}},
	{"cohere.embed-v4", Embedding{Form: CohereEmbed4, Sizes: []int{1536, 1024, 512, 256}, Texts: 96, Images: 96}},
	{"marengo-embed-3", Embedding{Form: MarengoEmbed3, Sizes: []int{512}, Texts: 1, Images: 1}},
}

// EmbeddingOf returns what is known of the embedding model with the given id, in any form that Bedrock takes. Its Form is
// NotEmbedding for any other.
func EmbeddingOf(id string) Embedding {
	base := Base(id)
	for i := range embeddings {
		if strings.Contains(base, embeddings[i].part) {
			return embeddings[i].facts
		}
	}
	return Embedding{}
}

// RankForm is the form of the body by which Bedrock's InvokeModel ranks documents with a family of models.
type RankForm uint8

// The forms. NotRanking is that of any other model, and of one that is not known.
const (
	NotRanking RankForm = iota
	CohereRank          // {query, documents, top_n, api_version, max_tokens_per_doc}
	AmazonRank          // {query, documents, top_n}
)

// Ranking is what is known of one model that ranks documents.
type Ranking struct{ Form RankForm }

// RankingOf returns what is known of the ranking model with the given id, as EmbeddingOf does. Source, November 2026:
// Bedrock's user guide, pages rerank-supported and rerank-use.
func RankingOf(id string) Ranking {
	switch base := Base(id); {
	case strings.Contains(base, "cohere.rerank"):
		return Ranking{Form: CohereRank}
	case strings.Contains(base, "amazon.rerank"):
		return Ranking{Form: AmazonRank}
	}
	return Ranking{}
}
