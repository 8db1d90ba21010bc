package rerank

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

func request(members string, returned bool) (*Request, error) {
	var b chat.Body
	if err := b.ParseBody([]byte(`{"model":"m",` + members + `}`)); err != nil {
		return nil, err
	}
	return DecodeRequest(&b, returned)
}

func TestEachModelIsAskedInItsOwnForm(t *testing.T) {
	for _, tt := range []struct {
		rule, members   string
		cohere, dropped string
		amazon          string
	}{
		{
			"texts", `"query":"q","documents":["a","b"]`,
			`{"query":"q","documents":["a","b"],"api_version":2}`, "", `{"query":"q","documents":["a","b"]}`,
		},
		{
			"the best few", `"query":"q","documents":["a","b"],"top_n":1,"max_tokens_per_doc":100`,
			`{"query":"q","documents":["a","b"],"top_n":1,"api_version":2,"max_tokens_per_doc":100}`, "max_tokens_per_doc", `{"query":"q","documents":["a","b"],"top_n":1}`,
		},
		{
			"more than there are", `"query":"q","documents":["a"],"top_n":9`,
			`{"query":"q","documents":["a"],"top_n":1,"api_version":2}`, "", `{"query":"q","documents":["a"],"top_n":1}`,
		},
		{
			"objects", `"query":"q","documents":[{"text":"a\u00e9","id":7},"b"],"return_documents":true`,
			`{"query":"q","documents":["a\u00e9","b"],"api_version":2}`, "", `{"query":"q","documents":["a\u00e9","b"]}`,
		},
		{
			"objects by some of their members", `"query":"q","documents":[{"title":"T","n":[1, 2],"x":null,"text":"a"}],"rank_fields":["title","n","x","gone"]`,
			`{"query":"q","documents":["title: T\nn: [1,2]"],"api_version":2}`, "", `{"query":"q","documents":["title: T\nn: [1,2]"]}`,
		},
		{
			"members that no model has", `"query":"q","documents":["a"],"priority":1,"max_chunks_per_doc":5,"user":null`,
			`{"query":"q","documents":["a"],"api_version":2}`, "priority, max_chunks_per_doc", `{"query":"q","documents":["a"]}`,
		},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			r, err := request(tt.members, false)
			if err != nil {
				t.Fatal(err)
			}
			x := &chat.Exchange{}
			for form, want := range map[model.RankForm]string{model.CohereRank: tt.cohere, model.AmazonRank: tt.amazon} {
				if got, err := r.AppendCall(nil, form, x); err != nil || string(got) != want {
					t.Errorf("got %s, %v\nwant %s", got, err, want)
				}
			}
			if got := strings.Join(x.Dropped, ", "); got != tt.dropped {
				t.Errorf("dropped %q, want %q", got, tt.dropped)
			}
		})
	}
}

func TestRequestsThatCannotBeServedSayWhy(t *testing.T) {
	for members, want := range map[string]string{
		`"documents":["a"]`:                                                 "'query' is missing or empty",
		`"query":"","documents":["a"]`:                                      "'query' is missing or empty",
		`"query":["q"],"documents":["a"]`:                                   "'query' must be a string",
		`"query":"q"`:                                                       "'documents' is missing or empty",
		`"query":"q","documents":[]`:                                        "'documents' is missing or empty",
		`"query":"q","documents":"a"`:                                       "'documents' must be a list",
		`"query":"q","documents":["a",1]`:                                   "documents[1] must be a string",
		`"query":"q","documents":["a",{"title":"b"}]`:                       "documents[1] has no 'text'; name the members to rank by in 'rank_fields'",
		`"query":"q","documents":[{"text":1}]`:                              "documents[0] has no 'text'",
		`"query":"q","documents":[{"a":1}],"rank_fields":["b"]`:             "documents[0] has none of the 'rank_fields'",
		`"query":"q","documents":["a"],"rank_fields":"b"`:                   "must be a list of names",
		`"query":"q","documents":["a"],"top_n":0`:                           "'top_n' must be a whole number of at least 1",
		`"query":"q","documents":["a"],"return_documents":"yes"`:            "must be a boolean",
		`"query":"q","documents":["a"],"max_tokens_per_doc":"many"`:         "whole number",
		`"query":"q","documents":[` + strings.Repeat(`"a",`, 1000) + `"a"]`: "more than 1000 entries",
	} {
		r, err := request(members, false)
		if err == nil {
			_, err = r.AppendCall(nil, model.CohereRank, &chat.Exchange{})
		}
		if e, ok := errors.AsType[*chat.Error](err); !ok || e.StatusCode() != 400 || e.Param == "" || !strings.Contains(e.Message, want) {
			t.Errorf("%.80s: %v, want %s", members, err, want)
		}
	}
}

func TestTheAnswerHasTheMembersOfCohereAndJina(t *testing.T) {
	const reply = `{"results":[{"index":1,"relevance_score":0.9870},{"index":0,"relevance_score":1e-5}],"id":"x"}`
	const documents = `"query":"q","documents":["a\u00e9",{"text":"b","id":[1, 2]}]`
	a := &Answer{ID: "id1", Model: "m", Version: "1", Usage: chat.Usage{Known: true, Input: 7}}
	for _, tt := range []struct {
		rule, members string
		returned      bool
		want          string
	}{
		{
			"with the client's documents", documents, true,
			`{"id":"id1","object":"list","model":"m","results":[{"index":1,"relevance_score":0.9870,"document":{"text":"b","id":[1,2]}},{"index":0,"relevance_score":1e-5,"document":{"text":"a\u00e9"}}],"meta":{"api_version":{"version":"1"},"tokens":{"input_tokens":7}},"usage":{"prompt_tokens":7,"total_tokens":7}}`,
		},
		{
			"without them", documents + `,"return_documents":false`, true,
			`{"id":"id1","object":"list","model":"m","results":[{"index":1,"relevance_score":0.9870},{"index":0,"relevance_score":1e-5}],"meta":{"api_version":{"version":"1"},"tokens":{"input_tokens":7}},"usage":{"prompt_tokens":7,"total_tokens":7}}`,
		},
	} {
		r, err := request(tt.members, tt.returned)
		if err != nil {
			t.Fatal(err)
		}
		results, err := r.DecodeReply([]byte(reply))
		if err != nil {
			t.Fatal(err)
		}
		if got := string(r.AppendAnswer(nil, results, a)); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.rule, got, tt.want)
		}
	}
}

func TestRepliesThatCannotBeReadAreErrors(t *testing.T) {
	r, err := request(`"query":"q","documents":["a","b"]`, false)
	if err != nil {
		t.Fatal(err)
	}
	for _, reply := range []string{
		`{}`, `{"results":{}}`, `{"results":[{"index":2,"relevance_score":1}]}`, `{"results":[{"index":-1,"relevance_score":1}]}`, `{"results":[{"index":0}]}`,
		`{"results":[{"relevance_score":1}]}`, `{"results":[{"index":0,"relevance_score":1},{"index":0,"relevance_score":1}]}`, `{"results":[{"index":0,"relevance_score":"1"}]}`, `<html>`,
	} {
		if _, err := r.DecodeReply([]byte(reply)); err == nil {
			t.Errorf("%s was taken", reply)
		} else if e, ok := errors.AsType[*chat.Error](err); !ok || e.StatusCode() != 502 {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

// FuzzRequest: whatever the request, it is refused as a 400, or what is sent and answered is JSON.
func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"model":"m","query":"q","documents":["a",{"text":"b"}],"top_n":1,"return_documents":true}`), []byte(`{"results":[{"index":1,"relevance_score":0.5}]}`))
	f.Add([]byte(`{"query":"q","documents":[{"a":{"b":1}}],"rank_fields":["a"],"max_tokens_per_doc":5}`), []byte(`{"results":[]}`))
	f.Fuzz(func(t *testing.T, body, reply []byte) {
		var b chat.Body
		if b.ParseBody(body) != nil {
			t.Skip()
		}
		r, err := DecodeRequest(&b, true)
		var call []byte
		if err == nil {
			call, err = r.AppendCall(nil, model.CohereRank, &chat.Exchange{})
		}
		if e, ok := errors.AsType[*chat.Error](err); err != nil && (!ok || e.StatusCode() != 400) {
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		if !json.Valid(call) {
			t.Fatalf("of %s: %s", body, call)
		}
		results, err := r.DecodeReply(reply)
		if err != nil {
			return
		}
		if answer := r.AppendAnswer(nil, results, &Answer{}); !json.Valid(answer) {
			t.Fatalf("of %s and %s: %s", body, reply, answer)
		}
	})
}
