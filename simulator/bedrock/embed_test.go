package bedrock

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	titanV2 = "amazon.titan-embed-text-v2:0"
	cohere3 = "cohere.embed-english-v3"
	cohere4 = "cohere.embed-v4:0"
	novaMM  = "amazon.nova-2-multimodal-embeddings-v1:0"
	marengo = "us.twelvelabs.marengo-embed-3-0-v1:0"
)

// nova2 is a body for Nova's embeddings with these parameters.
func nova2(params string) string {
	return `{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_INDEX",` + params + `}}`
}

func TestEachEmbeddingModelAnswersInItsOwnForm(t *testing.T) {
	b := newBench(t)
	for _, tt := range []struct {
		name, model, body, path string
		size                    int
		tokens                  string
	}{
		{"Titan v1", "amazon.titan-embed-text-v1", `{"inputText":"two words"}`, "embedding", 1536, "2"},
		{"Titan v2", titanV2, `{"inputText":"two words"}`, "embedding", 1024, "2"},
		{"Titan v2, short", titanV2, `{"inputText":"two words","dimensions":256}`, "embeddingsByType/float", 256, "2"},
		{"Titan multimodal", "amazon.titan-embed-image-v1", `{"inputText":"two words","inputImage":"aGk=","embeddingConfig":{"outputEmbeddingLength":384}}`, "embedding", 384, "2"},
		{"Nova", novaMM, nova2(`"text":{"truncationMode":"NONE","value":"two words"}`), "embeddings/0/embedding", 3072, "2"},
		{"Nova, an image", novaMM, nova2(`"embeddingDimension":1024,"image":{"format":"png","source":{"bytes":"aGk="}}`), "embeddings/0/embedding", 1024, "400"},
		{"Cohere v3", cohere3, `{"texts":["one","two words"],"input_type":"search_query"}`, "embeddings/1", 1024, "3"},
		{"Cohere v3, by type", cohere3, `{"texts":["one"],"input_type":"search_query","embedding_types":["float"]}`, "embeddings/float/0", 1024, "1"},
		{"Cohere v4", cohere4, `{"texts":["one"],"input_type":"search_query","embedding_types":["float"],"output_dimension":512}`, "embeddings/float/0", 512, "1"},
		{"Cohere v4 by its profile", "us." + cohere4, `{"images":["data:image/png;base64,aGk="],"input_type":"search_document"}`, "embeddings/0", 1536, "400"},
		{"Marengo", marengo, `{"inputType":"text","text":{"inputText":"two words"}}`, "data/0/embedding", 512, "2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.send(http.MethodPost, "/model/"+url.PathEscape(tt.model)+"/invoke", tt.body, bearer)
			var v any
			if err := json.Unmarshal(got.body, &v); err != nil || got.status != http.StatusOK {
				t.Fatalf("%d %s", got.status, got.body)
			}
			for step := range strings.SplitSeq(tt.path, "/") {
				switch at := v.(type) {
				case map[string]any:
					v = at[step]
				case []any:
					v = at[int(step[0]-'0')]
				}
			}
			if list, _ := v.([]any); len(list) != tt.size {
				t.Errorf("%d numbers at %s, want %d", len(list), tt.path, tt.size)
			}
			if n := got.header.Get("X-Amzn-Bedrock-Input-Token-Count"); n != tt.tokens {
				t.Errorf("%s tokens, want %s", n, tt.tokens)
			}
		})
	}
}

func TestRankingModelsSortByWhatTheyFind(t *testing.T) {
	b := newBench(t)
	for model, more := range map[string]string{"cohere.rerank-v3-5:0": `,"api_version":2`, "amazon.rerank-v1:0": ""} {
		got := b.send(http.MethodPost, "/model/"+url.PathEscape(model)+"/invoke", `{"query":"capital of France","documents":["Berlin","Paris is the capital of France","a capital"],"top_n":2`+more+`}`, bearer)
		var reply struct {
			Results []struct {
				Index int
				Score float64 `json:"relevance_score"`
			}
		}
		if err := json.Unmarshal(got.body, &reply); err != nil || len(reply.Results) != 2 || reply.Results[0].Index != 1 || reply.Results[1].Index != 2 {
			t.Errorf("%s: %d %s", model, got.status, got.body)
		}
	}
}

func TestInvalidBodiesOfEmbeddingModelsAreRefused(t *testing.T) {
	b := newBench(t)
	many := `"` + strings.Repeat(`x","`, 96) + `x"`
	for _, tt := range []struct{ name, model, body, message string }{
		{"no text", titanV2, `{}`, "#: required key [inputText] not found"},
		{"an empty text", titanV2, `{"inputText":""}`, "#/inputText: expected minLength: 1, actual: 0"},
		{"too many characters", titanV2, `{"inputText":"` + strings.Repeat("x", 50_001) + `"}`, "#/inputText: expected maxLength: 50000, actual: 50001"},
		{"too many tokens", titanV2, `{"inputText":"` + strings.Repeat("x ", 8193) + `"}`, "400 Bad Request: Too many input tokens. Max input tokens: 8192"},
		{"dimensions it has not", titanV2, `{"inputText":"x","dimensions":300}`, "#/dimensions: 300 is not a valid enum value"},
		{"dimensions as text", titanV2, `{"inputText":"x","dimensions":"256"}`, "#/dimensions: expected type: Number, found: String"},
		{"dimensions of the first Titan", "amazon.titan-embed-text-v1", `{"inputText":"x","dimensions":256}`, "#: extraneous key [dimensions] is not permitted"},
		{"nothing to embed", "amazon.titan-embed-image-v1", `{}`, "inputText and inputImage are null or empty"},
		{"no input_type", cohere3, `{"texts":["x"]}`, "#: required key [input_type] not found"},
		{"an unknown input_type", cohere3, `{"texts":["x"],"input_type":"query"}`, "#/input_type: query is not a valid enum value"},
		{"97 texts", cohere3, `{"texts":[` + many + `],"input_type":"search_query"}`, "#/texts: expected maximum item count: 96, found: 97"},
		{"a long text for Cohere v3, truncated or not", cohere3, `{"texts":["` + strings.Repeat("x", 2049) + `"],"truncate":"END","input_type":"search_query"}`, "#/texts/0: expected maxLength: 2048, actual: 2049"},
		{"the fourth's words for the third", cohere3, `{"texts":["x"],"truncate":"RIGHT","input_type":"search_query"}`, "#/truncate: RIGHT is not a valid enum value"},
		{"the third's words for the fourth", cohere4, `{"texts":["x"],"truncate":"END","input_type":"search_query"}`, "#/truncate: END is not a valid enum value"},
		{"texts and images", cohere4, `{"texts":["x"],"images":["data:image/png;base64,aGk="],"input_type":"search_query"}`, "exactly one of texts, images and inputs"},
		{"no purpose", novaMM, `{"taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"text":{"truncationMode":"NONE","value":"x"}}}`, "required key [embeddingPurpose] not found"},
		{"no truncationMode", novaMM, nova2(`"text":{"value":"x"}`), "required key [truncationMode] not found"},
		{"too many tokens for Nova", novaMM, nova2(`"text":{"truncationMode":"NONE","value":"` + strings.Repeat("x ", 8173) + `"}`), "tokens of at most 8172"},
		{"two media for Nova", novaMM, nova2(`"text":{"truncationMode":"NONE","value":"x"},"image":{"format":"png","source":{"bytes":"aGk="}}`), "exactly one of"},
		{"Marengo by its own id", marengo[3:], `{"inputType":"text","text":{"inputText":"x"}}`, "on-demand throughput isn’t supported"},
		{"another member than the type says", marengo, `{"inputType":"image","text":{"inputText":"x"}}`, "required key [image] not found"},
		{"no api_version", "cohere.rerank-v3-5:0", `{"query":"x","documents":["x"]}`, "required key [api_version] not found"},
		{"an api_version for Amazon's", "amazon.rerank-v1:0", `{"query":"x","documents":["x"],"api_version":2}`, "extraneous key [api_version]"},
		{"a document that is no text", "cohere.rerank-v3-5:0", `{"query":"x","documents":["x",{"text":"x"}],"api_version":2}`, "#/documents/1: expected type: String, found: JSONObject"},
		{"no documents", "amazon.rerank-v1:0", `{"query":"x","documents":[]}`, "#/documents: expected minimum item count: 1, found: 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.send(http.MethodPost, "/model/"+url.PathEscape(tt.model)+"/invoke", tt.body, bearer)
			if got.status != http.StatusBadRequest || got.name != "ValidationException" || !strings.Contains(got.message, tt.message) {
				t.Errorf("%d %s %q\nwant %q", got.status, got.name, got.message, tt.message)
			}
		})
	}
	if got := b.send(http.MethodPost, "/model/"+url.PathEscape(titanV2)+"/invoke-with-response-stream", `{"inputText":"x"}`, bearer); !strings.Contains(got.message, "unsupported for streaming") {
		t.Errorf("a stream of an embedding: %d %s", got.status, got.message)
	}
}

func TestTextsWithTheSameWordsAreNearToEachOther(t *testing.T) {
	near := func(a, b string) (sum float64) {
		v, w := textVector(a, 256), textVector(b, 256)
		for i := range v {
			sum += float64(v[i] * w[i])
		}
		return sum
	}
	alike, other := near("How do I renew my passport?", "Passports are renewed at the town hall."), near("How do I renew my passport?", "The pool opens at nine in summer.")
	if alike < 0.3 || other > 0.2 {
		t.Errorf("%.2f for the paragraph that answers, %.2f for another", alike, other)
	}
}
