package embed

import (
	"cmp"
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// AppendCall appends the body of the ith call.
func (p *Plan) AppendCall(dst []byte, i int) []byte {
	from, to := p.Span(i)
	writer := json.NewWriter(dst)
	w := &writer
	w.BeginObject()
	switch items := p.items[from:to]; p.facts.Form {
	case model.TitanEmbed, model.TitanEmbed2:
		w.Key("inputText")
		w.Value(items[0])
		if p.size > 0 {
			w.Key("dimensions")
			w.Int(int64(p.size))
		}
	case model.TitanEmbedImage:
		p.titanImage(w, items[0])
	case model.NovaEmbed:
		p.nova(w, items[0])
	case model.CohereEmbed3, model.CohereEmbed4:
		p.cohere(w, items)
	case model.MarengoEmbed3:
		p.marengo(w, items[0])
	case model.NotEmbedding:
	}
	for i := range p.passed {
		w.Key(p.passed[i].name)
		w.Value(p.passed[i].value)
	}
	w.EndObject()
	return w.Bytes()
}

func (p *Plan) titanImage(w *json.Writer, item json.Value) {
	text := p.text
	if p.media == "" {
		text = json.String(item)
	} else {
		w.Key("inputImage")
		w.Value(item)
	}
	if text != nil {
		w.Key("inputText")
		w.String(text)
	}
	if p.size > 0 {
		w.Key("embeddingConfig")
		w.BeginObject()
		w.Key("outputEmbeddingLength")
		w.Int(int64(p.size))
		w.EndObject()
	}
}

func (p *Plan) nova(w *json.Writer, item json.Value) {
	w.Key("schemaVersion")
	w.Text("nova-multimodal-embed-v1")
	w.Key("taskType")
	w.Text("SINGLE_EMBEDDING")
	w.Key("singleEmbeddingParams")
	w.BeginObject()
	w.Key("embeddingPurpose")
	w.Text(p.purposeWord(false))
	w.Key("embeddingDimension")
	w.Int(int64(p.dimensions()))
	if p.media != "" {
		w.Key(p.media)
		w.Value(item)
	} else {
		w.Key("text")
		w.BeginObject()
		w.Key("truncationMode") // which has no default
		w.Text(cmp.Or(p.truncate, truncateNone))
		w.Key("value")
		w.Value(item)
		w.EndObject()
	}
	w.EndObject()
}

func (p *Plan) cohere(w *json.Writer, items []json.Value) {
	name := p.media
	if name == "" {
		name = "texts"
	}
	w.Key(name)
	w.BeginArray()
	for _, item := range items {
		w.Value(item)
	}
	w.EndArray()
	w.Key("input_type")
	if p.facts.Form == model.CohereEmbed3 && p.media != "" {
		w.Text("image") // the one that the model takes for images
	} else {
		w.Text(p.purposeWord(true))
	}
	if p.truncate != "" && p.media == "" {
		w.Key("truncate")
		w.Text(p.truncation())
	}
	if p.size > 0 {
		w.Key("output_dimension")
		w.Int(int64(p.size))
	}
}

// truncation returns the truncation in the model's words.
func (p *Plan) truncation() string {
	if p.facts.Form == model.CohereEmbed4 {
		switch p.truncate {
		case truncateStart:
			return "LEFT"
		case truncateEnd:
			return "RIGHT"
		}
	}
	return p.truncate
}

func (p *Plan) marengo(w *json.Writer, item json.Value) {
	w.Key("inputType")
	if p.media != "" {
		w.Text(p.media)
		w.Key(p.media)
		w.Value(item)
		return
	}
	w.Text("text")
	w.Key("text")
	w.BeginObject()
	w.Key("inputText")
	w.Value(item)
	w.EndObject()
}

// purposeWord returns the purpose in Cohere's words or in Nova's.
func (p *Plan) purposeWord(cohere bool) string {
	i := slices.IndexFunc(purposes, func(one purpose) bool { return one.words[0] == cmp.Or(p.purpose, defaultPurpose) })
	if cohere {
		return purposes[i].cohere
	}
	return purposes[i].nova
}
