// Package rerank translates between Cohere's and Jina's rerank and the bodies by which Bedrock's models rank documents. One
// decoder reads both: they agree in what they have in common. It takes bytes and returns bytes.
package rerank

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// maxDocuments is the most documents of one request, as Bedrock has it
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_agent-runtime_Rerank.html).
const maxDocuments = 1000

// Request is a request to rank documents.
type Request struct {
	query      json.String
	documents  []json.Value // as the client sent them: strings, or objects
	top        int64        // 0: all
	returned   bool         // the answer has the documents
	rankFields []string     // of objects: what of them is ranked by
	tokens     json.Value   // max_tokens_per_doc
	others     []string     // members that no model of Bedrock's has
}

// DecodeRequest reads the body of Cohere's https://docs.cohere.com/v1/reference/rerank and https://docs.cohere.com/reference/rerank
// and of Jina's https://api.jina.ai/docs. returned says whether the documents are answered where the request does not say.
func DecodeRequest(b *chat.Body, returned bool) (*Request, error) {
	r := &Request{returned: returned}
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
	switch {
	case r.query.Empty():
		return nil, chat.Invalid("query", "'query' is missing or empty; set it to what the documents are ranked by")
	case len(r.documents) == 0:
		return nil, chat.Invalid("documents", "'documents' is missing or empty; set it to a list of texts")
	}
	return r, nil
}

func (r *Request) member(name string, v json.Value) error {
	switch name {
	case "model", "model_id": // routing has read it
	case "query":
		if v[0] != '"' {
			return chat.Invalid(name, "'query' must be a string")
		}
		r.query = json.String(v)
	case "documents":
		return r.readDocuments(v)
	case "top_n":
		n, ok := json.ParseInt(v)
		if !ok || n < 1 {
			return chat.Invalid(name, "'top_n' must be a whole number of at least 1")
		}
		r.top = n
	case "return_documents":
		if string(v) != "true" && string(v) != "false" {
			return chat.Invalid(name, "'return_documents' must be a boolean")
		}
		r.returned = v[0] == 't'
	case "rank_fields":
		rd := json.NewReader(v)
		for rd.Array(); rd.Element(); {
			r.rankFields = append(r.rankFields, rd.Text())
		}
		if rd.End() != nil {
			return chat.Invalid(name, "'rank_fields' must be a list of names")
		}
	case "max_tokens_per_doc":
		if n, ok := json.ParseInt(v); !ok || n < 1 {
			return chat.Invalid(name, "'max_tokens_per_doc' must be a whole number of at least 1")
		}
		r.tokens = v
	default:
		r.others = append(r.others, name)
	}
	return nil
}

func (r *Request) readDocuments(v json.Value) error {
	rd := json.NewReader(v)
	for rd.Array(); rd.Element(); {
		if len(r.documents) == maxDocuments {
			return chat.Invalid("documents", "'documents' has more than %d entries, the most of one request", maxDocuments)
		}
		if kind := rd.Kind(); kind != json.Text && kind != json.Object {
			return chat.Invalid("documents", "documents[%d] must be a string, or an object with a text", len(r.documents))
		}
		r.documents = append(r.documents, rd.Value())
	}
	if rd.End() != nil {
		return chat.Invalid("documents", "'documents' must be a list")
	}
	return nil
}

// AppendCall appends the body by which the model is asked. What it has no words for is dropped by x's rules.
func (r *Request) AppendCall(dst []byte, form model.RankForm, x *chat.Exchange) ([]byte, error) {
	for _, name := range r.others {
		if err := x.Drop(name); err != nil {
			return nil, err
		}
	}
	w := json.NewWriter(dst)
	w.BeginObject()
	w.Key("query")
	w.String(r.query)
	w.Key("documents")
	w.BeginArray()
	for i, d := range r.documents {
		if d[0] == '"' {
			w.Value(d)
			continue
		}
		text, err := r.text(i, d)
		if err != nil {
			return nil, err
		}
		w.String(text)
	}
	w.EndArray()
	if r.top > 0 {
		w.Key("top_n")
		w.Int(min(r.top, int64(len(r.documents))))
	}
	switch {
	case form == model.CohereRank:
		w.Key("api_version")
		w.Int(2)
		if r.tokens != nil {
			w.Key("max_tokens_per_doc")
			w.Value(r.tokens)
		}
	case r.tokens != nil:
		if err := x.Drop("max_tokens_per_doc"); err != nil {
			return nil, err
		}
	}
	w.EndObject()
	return w.Bytes(), nil
}

// text is what of an object is ranked: its text, or its rank_fields, a line each, as Cohere renders them.
func (r *Request) text(i int, d json.Value) (json.String, error) {
	if len(r.rankFields) == 0 {
		text := json.Find(d, "text")
		if text == nil || text[0] != '"' {
			return nil, chat.Invalid("documents", "documents[%d] has no 'text'; name the members to rank by in 'rank_fields', or send a string", i)
		}
		return json.String(text), nil
	}
	var lines []string
	for _, name := range r.rankFields {
		switch v := json.Find(d, name); {
		case v == nil || string(v) == "null":
		case v[0] == '"':
			lines = append(lines, name+": "+json.String(v).Unquote())
		default:
			lines = append(lines, name+": "+string(json.AppendCompact(nil, v)))
		}
	}
	if lines == nil {
		return nil, chat.Invalid("documents", "documents[%d] has none of the 'rank_fields'", i)
	}
	return json.Quote(strings.Join(lines, "\n")), nil
}
