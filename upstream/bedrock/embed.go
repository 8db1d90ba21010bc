package bedrock

import (
	"net/http"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// about returns the id of the model whose facts hold for the given one.
func (u *Upstream) about(modelID string) string {
	if o := u.override(modelID); o != nil && o.like != "" {
		return o.like
	}
	if behind := u.behind(modelID); behind != "" {
		return behind
	}
	return modelID
}

// Embedding returns what is known of an embedding model, with the configuration's defaults.
func (u *Upstream) Embedding(modelID string) model.Embedding {
	e := model.EmbeddingOf(u.about(modelID))
	if o := u.override(modelID); o != nil {
		e.InputType, e.Truncate = o.inputType, o.truncate
	}
	return e
}

// Ranking returns what is known of a model that ranks documents.
func (u *Upstream) Ranking(modelID string) model.Ranking { return model.RankingOf(u.about(modelID)) }

// inputCountHeader tells the tokens of an InvokeModel, also of models whose replies do not.
const inputCountHeader = "X-Amzn-Bedrock-Input-Token-Count"

// countedByHeader returns the usage that the headers of an InvokeModel's reply tell.
func countedByHeader(h http.Header) chat.Usage {
	n, err := strconv.ParseInt(h.Get(inputCountHeader), 10, 64)
	if err != nil || n < 0 {
		return chat.Usage{}
	}
	return chat.Usage{Known: true, Input: n}
}

// Interface guards
var (
	_ upstream.Embedder = (*Upstream)(nil)
	_ upstream.Ranker   = (*Upstream)(nil)
)
