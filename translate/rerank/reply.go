package rerank

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Result is one document's rank.
type Result struct {
	index int
	score json.Value // a number, as the model wrote it
}

// DecodeReply reads {"results":[{"index","relevance_score"}]}, which share no memory with the reply. Its order is kept: the
// models sort it. Errors are *chat.Error.
func (r *Request) DecodeReply(reply []byte) ([]Result, error) {
	var results []Result
	found := false
	seen := make([]bool, len(r.documents))
	rd := json.NewReader(reply)
	for rd.Object(); rd.Member(); {
		if string(rd.Key()) != "results" {
			rd.Skip()
			continue
		}
		found = true
		for rd.Array(); rd.Element(); {
			one := Result{index: -1}
			for rd.Object(); rd.Member(); {
				switch string(rd.Key()) {
				case "index":
					one.index = int(rd.Int())
				case "relevance_score":
					one.score = append(json.Value(nil), rd.Number()...)
				default:
					rd.Skip()
				}
			}
			if rd.Err() != nil {
				break
			}
			if one.score == nil || one.index < 0 || one.index >= len(seen) || seen[one.index] {
				return nil, chat.Unreadable("ranks of other documents", nil)
			}
			seen[one.index] = true
			results = append(results, one)
		}
	}
	if err := rd.End(); err != nil || !found {
		return nil, chat.Unreadable("ranks", err)
	}
	return results, nil
}

// Answer is what an answer has beside the results.
type Answer struct {
	ID, Model string
	Version   string // of Cohere's API: 1 or 2
	Usage     chat.Usage
}

// AppendAnswer appends the answer in the members of Cohere's two versions and of Jina's together: clients read those that
// they know. The documents are the client's own.
func (r *Request) AppendAnswer(dst []byte, results []Result, a *Answer) []byte {
	w := json.NewWriter(dst)
	w.BeginObject()
	w.Key("id")
	w.Text(a.ID)
	w.Key("object")
	w.Text("list")
	w.Key("model")
	w.Text(a.Model)
	w.Key("results")
	w.BeginArray()
	for _, one := range results {
		w.BeginObject()
		w.Key("index")
		w.Int(int64(one.index))
		w.Key("relevance_score")
		w.Value(one.score)
		if r.returned {
			w.Key("document")
			r.document(&w, r.documents[one.index])
		}
		w.EndObject()
	}
	w.EndArray()
	w.Key("meta")
	w.BeginObject()
	w.Key("api_version")
	w.BeginObject()
	w.Key("version")
	w.Text(a.Version)
	w.EndObject()
	if a.Usage.Known {
		w.Key("tokens")
		w.BeginObject()
		w.Key("input_tokens")
		w.Int(a.Usage.Prompt())
		w.EndObject()
	}
	w.EndObject()
	if a.Usage.Known {
		w.Key("usage")
		w.BeginObject()
		w.Key("prompt_tokens")
		w.Int(a.Usage.Prompt())
		w.Key("total_tokens")
		w.Int(a.Usage.Total())
		w.EndObject()
	}
	w.EndObject()
	return w.Bytes()
}

// document writes the client's document: its object, or its text in one.
func (r *Request) document(w *json.Writer, d json.Value) {
	if d[0] == '{' {
		w.Value(d)
		return
	}
	w.BeginObject()
	w.Key("text")
	w.Value(d)
	w.EndObject()
}
