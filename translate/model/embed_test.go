package model

import "testing"

func TestEmbeddingAndRankingModelsAreKnownByEveryFormOfTheirIDs(t *testing.T) {
	for id, want := range map[string]EmbedForm{
		"amazon.titan-embed-text-v1":                 TitanEmbed,
		"amazon.titan-embed-text-v1:2:8k":            TitanEmbed,
		"amazon.titan-embed-g1-text-02":              TitanEmbed,
		"amazon.titan-embed-text-v2:0":               TitanEmbed2,
		"amazon.titan-embed-image-v1":                TitanEmbedImage,
		"amazon.nova-2-multimodal-embeddings-v1:0":   NovaEmbed,
		"cohere.embed-english-v3":                    CohereEmbed3,
		"cohere.embed-multilingual-v3:0:512":         CohereEmbed3,
		"cohere.embed-v4:0":                          CohereEmbed4,
		"us.cohere.embed-v4:0":                       CohereEmbed4,
		"twelvelabs.marengo-embed-3-0-v1:0":          MarengoEmbed3,
		"us.twelvelabs.marengo-embed-3-0-v1:0":       MarengoEmbed3,
		"us.twelvelabs.marengo-embed-2-7-v1:0":       NotEmbedding,
		"amazon.nova-2-lite-v1:0":                    NotEmbedding,
		"text-embedding-3-small":                     NotEmbedding,
		"cohere.rerank-v3-5:0":                       NotEmbedding,
		"arn:aws:bedrock:r:1:provisioned-model/abcd": NotEmbedding,
	} {
		if got := EmbeddingOf(id).Form; got != want {
			t.Errorf("EmbeddingOf(%q).Form = %d, want %d", id, got, want)
		}
	}
	for id, want := range map[string]RankForm{
		"cohere.rerank-v3-5:0": CohereRank,
		"amazon.rerank-v1:0":   AmazonRank,
		"cohere.embed-v4:0":    NotRanking,
		"rerank-v3.5":          NotRanking,
	} {
		if got := RankingOf(id).Form; got != want {
			t.Errorf("RankingOf(%q).Form = %d, want %d", id, got, want)
		}
	}
	const arn = "arn:aws:bedrock:us-east-1::foundation-model/"
	if EmbeddingOf(arn+"amazon.titan-embed-text-v2:0").Form != TitanEmbed2 || RankingOf(arn+"amazon.rerank-v1:0").Form != AmazonRank {
		t.Error("a model is not known by its ARN")
	}
}
