package bedrock

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// FuzzBodies: whatever the body, the answer is a reply or a refusal in AWS's form, never a panic. Faults are left out,
// since they abort connections on purpose.
func FuzzBodies(f *testing.F) {
	for _, tt := range invalidBodies {
		f.Add(0, []byte(tt.body))
	}
	f.Add(1, []byte(say(`{"text":"call lookup and ping {\"a\":1}"}`, lookupTool+`,"outputConfig":{"effort":"low"}`)))
	f.Add(2, []byte(claudeSays(claudeHi+","+claudeCalled+","+claudeResult, claudeTools)))
	f.Add(3, []byte(claudeSays(claudeHi, `,"thinking":{"type":"enabled","budget_tokens":1024}`)))
	f.Add(4, []byte(`{"inputText":"User: a\nBot:","textGenerationConfig":{"maxTokenCount":3}}`))
	f.Add(5, []byte(`{"input":{"invokeModel":{"body":"e30="}}}`))
	f.Add(6, []byte(`{"inputText":"a","dimensions":256}`))
	f.Add(7, []byte(`{"texts":["a"],"input_type":"search_query","truncate":"RIGHT"}`))
	f.Add(8, []byte(`{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"CLUSTERING","text":{"truncationMode":"NONE","value":"a"}}}`))
	f.Add(9, []byte(`{"query":"a","documents":["a"],"api_version":2}`))
	f.Add(10, []byte(`{"inputType":"text","text":{"inputText":"a"}}`))
	h := New(Options{})
	targets := []string{
		"/model/" + haiku3 + "/converse", "/model/" + sonnet45 + "/converse-stream", "/model/" + haiku3 + "/invoke",
		"/model/" + sonnet45 + "/invoke-with-response-stream", "/model/" + titan + "/invoke", "/model/" + sonnet45 + "/count-tokens",
		"/model/amazon.titan-embed-text-v2:0/invoke", "/model/cohere.embed-v4:0/invoke", "/model/amazon.nova-2-multimodal-embeddings-v1:0/invoke",
		"/model/cohere.rerank-v3-5:0/invoke", "/model/us.twelvelabs.marengo-embed-3-0-v1:0/invoke",
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		if bytes.Contains(body, []byte("fault")) || bytes.Contains(body, []byte(`\u00`)) {
			t.Skip()
		}
		target := targets[int(uint(which)%uint(len(targets)))]
		u, err := url.Parse("http://simulator" + target)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodPost, u.String(), bytes.NewReader(body))
		bearer(r)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code == http.StatusOK {
			return
		}
		var m struct{ Message string }
		if w.Code >= 500 || w.Header().Get("X-Amzn-Errortype") == "" || json.Unmarshal(w.Body.Bytes(), &m) != nil || m.Message == "" {
			t.Errorf("%s: %d %v %s", target, w.Code, w.Header(), w.Body)
		}
	})
}
