package embed

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

const (
	titan1   = "amazon.titan-embed-text-v1"
	titan2   = "amazon.titan-embed-text-v2:0"
	titanMM  = "amazon.titan-embed-image-v1"
	nova     = "amazon.nova-2-multimodal-embeddings-v1:0"
	cohere3  = "cohere.embed-english-v3"
	cohere4  = "us.cohere.embed-v4:0"
	marengo3 = "us.twelvelabs.marengo-embed-3-0-v1:0"
)

// planned returns the plan of a request's members for a model.
func planned(id, members string, change func(*model.Embedding)) (*Plan, *chat.Exchange, error) {
	var b chat.Body
	if err := b.ParseBody([]byte(`{"model":"m",` + members + `}`)); err != nil {
		return nil, nil, err
	}
	r, err := DecodeRequest(&b)
	if err != nil {
		return nil, nil, err
	}
	f := model.EmbeddingOf(id)
	if change != nil {
		change(&f)
	}
	x := &chat.Exchange{Model: "m", TargetModel: id}
	p, err := r.Plan(&f, x)
	return p, x, err
}

func TestEachModelIsAskedInItsOwnForm(t *testing.T) {
	for _, tt := range []struct {
		rule, model, members, dropped string
		calls                         []string
	}{
		{"a text", titan1, `"input":"a\u00e9"`, "", []string{`{"inputText":"a\u00e9"}`}},
		{"texts, one a call", titan2, `"input":["a","b"]`, "", []string{`{"inputText":"a"}`, `{"inputText":"b"}`}},
		{"dimensions", titan2, `"input":"a","dimensions":256`, "", []string{`{"inputText":"a","dimensions":256}`}},
		{"the default's dimensions, which go without saying", titan1, `"input":"a","dimensions":1536`, "", []string{`{"inputText":"a"}`}},
		{"a member of the model's own", titan2, `"input":"a","normalize":false`, "", []string{`{"inputText":"a","normalize":false}`}},
		{"what the model has no word for", titan2, `"input":"a","input_type":"search_query","user":"u","seed":1`, "input_type, user, seed", []string{`{"inputText":"a"}`}},
		{"tokens", titan2, `"input":[15339,1917]`, "", []string{`{"inputText":"hello world"}`}},
		{"tokens of several", titan2, `"input":[[15339],[1917]]`, "", []string{`{"inputText":"hello"}`, `{"inputText":" world"}`}},
		{"tokens cut within a character", titan2, `"input":[[9468,239],[15339]]`, "", []string{`{"inputText":"` + "\uFFFD" + `"}`, `{"inputText":"hello"}`}},
		{"text to the multimodal Titan", titanMM, `"input":["a"],"dimensions":384`, "", []string{`{"inputText":"a","embeddingConfig":{"outputEmbeddingLength":384}}`}},
		{"an image", titanMM, `"input":"","inputImage":"aGk="`, "", []string{`{"inputImage":"aGk="}`}},
		{"an image with a text, one vector", titanMM, `"input":"a","inputImage":"aGk="`, "", []string{`{"inputImage":"aGk=","inputText":"a"}`}},
		{"truncation where the model has none", titanMM, `"input":"a","truncate":"END"`, "truncate", []string{`{"inputText":"a"}`}},
		{"Nova's defaults", nova, `"input":"a"`, "", []string{`{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_INDEX","embeddingDimension":3072,"text":{"truncationMode":"NONE","value":"a"}}}`}},
		{"a query to Nova", nova, `"input":"a","input_type":"query","truncate":"start","dimensions":384`, "", []string{`{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_RETRIEVAL","embeddingDimension":384,"text":{"truncationMode":"START","value":"a"}}}`}},
		{"Nova's own word", nova, `"input":"a","embeddingPurpose":"TEXT_RETRIEVAL"`, "", []string{`{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"TEXT_RETRIEVAL","embeddingDimension":3072,"text":{"truncationMode":"NONE","value":"a"}}}`}},
		{"an image to Nova", nova, `"input":[],"image":{"format":"png","source":{"bytes":"aGk="}}`, "", []string{`{"schemaVersion":"nova-multimodal-embed-v1","taskType":"SINGLE_EMBEDDING","singleEmbeddingParams":{"embeddingPurpose":"GENERIC_INDEX","embeddingDimension":3072,"image":{"format":"png","source":{"bytes":"aGk="}}}}`}},
		{"Cohere's defaults", cohere3, `"input":["a","b"]`, "", []string{`{"texts":["a","b"],"input_type":"search_document"}`}},
		{"a query, truncated", cohere3, `"input":"a","input_type":"search_query","truncate":"END"`, "", []string{`{"texts":["a"],"input_type":"search_query","truncate":"END"}`}},
		{"Nova's word to Cohere", cohere3, `"input":"a","input_type":"CLUSTERING"`, "", []string{`{"texts":["a"],"input_type":"clustering"}`}},
		{"Cohere's fourth has words of its own", cohere4, `"input":"a","truncate":"END","dimensions":512,"max_tokens":64`, "", []string{`{"texts":["a"],"input_type":"search_document","truncate":"RIGHT","output_dimension":512,"max_tokens":64}`}},
		{"which are taken too", cohere4, `"input":"a","truncate":"LEFT"`, "", []string{`{"texts":["a"],"input_type":"search_document","truncate":"LEFT"}`}},
		{"images to Cohere, one a call", cohere3, `"images":["data:image/png;base64,aGk=","data:image/png;base64,aGo="]`, "", []string{`{"images":["data:image/png;base64,aGk="],"input_type":"image"}`, `{"images":["data:image/png;base64,aGo="],"input_type":"image"}`}},
		{"inputs to Cohere's fourth", cohere4, `"inputs":[{"content":[{"type":"text","text":"a"}]}],"input_type":"search_query"`, "", []string{`{"inputs":[{"content":[{"type":"text","text":"a"}]}],"input_type":"search_query"}`}},
		{"Marengo", marengo3, `"input":"a"`, "", []string{`{"inputType":"text","text":{"inputText":"a"}}`}},
		{"an image and its words to Marengo", marengo3, `"text_image":{"inputText":"a","mediaSource":{"base64String":"aGk="}}`, "", []string{`{"inputType":"text_image","text_image":{"inputText":"a","mediaSource":{"base64String":"aGk="}}}`}},
		{"null is as good as absent", titan2, `"input":"a","dimensions":null,"encoding_format":null`, "", []string{`{"inputText":"a"}`}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			p, x, err := planned(tt.model, tt.members, nil)
			if err != nil {
				t.Fatal(err)
			}
			if p.Calls() != len(tt.calls) {
				t.Fatalf("%d calls, want %d", p.Calls(), len(tt.calls))
			}
			for i, want := range tt.calls {
				if got := string(p.AppendCall(nil, i)); got != want {
					t.Errorf("call %d:\n got %s\nwant %s", i, got, want)
				}
			}
			if got := strings.Join(x.Dropped, ", "); got != tt.dropped {
				t.Errorf("dropped %q, want %q", got, tt.dropped)
			}
		})
	}
}

func TestCohereTakes96TextsACall(t *testing.T) {
	texts := strings.Repeat(`"a",`, 199) + `"z"`
	p, _, err := planned(cohere4, `"input":[`+texts+`]`, nil)
	if err != nil || p.Calls() != 3 || p.Vectors() != 200 {
		t.Fatal(err, p)
	}
	if from, to := p.Span(2); from != 192 || to != 200 || p.Place(2) != "input[192] to [199]" {
		t.Errorf("the last call is for %d to %d, %s", from, to, p.Place(2))
	}
	if got := string(p.AppendCall(nil, 2)); got != `{"texts":["a","a","a","a","a","a","a","z"],"input_type":"search_document"}` {
		t.Error(got)
	}
}

func TestTheConfigurationsDefaultsHoldWhereARequestIsSilent(t *testing.T) {
	query := func(f *model.Embedding) { f.InputType, f.Truncate = "search_query", "end" }
	for members, want := range map[string]string{
		`"input":"a"`: `{"texts":["a"],"input_type":"search_query","truncate":"END"}`,
		`"input":"a","input_type":"classification","truncate":"none"`: `{"texts":["a"],"input_type":"classification","truncate":"NONE"}`,
	} {
		p, _, err := planned(cohere3, members, query)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(p.AppendCall(nil, 0)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if _, x, err := planned(titan2, `"input":"a"`, query); err != nil || x.Dropped != nil {
		t.Errorf("a default that the model has no word for: %v, dropped %v", err, x.Dropped)
	}
}

func TestTextsThatAreTooLongAreCutWhereThatIsAsked(t *testing.T) {
	long := strings.Repeat("é", 2040) + "0123456789"
	for truncate, want := range map[string]string{"end": long[:2*2040+8], "start": long[2*2:]} {
		p, _, err := planned(cohere3, `"input":["`+long+`"],"truncate":"`+truncate+`"`, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := string(p.AppendCall(nil, 0)); !strings.Contains(got, `["`+want+`"]`) {
			t.Errorf("%s: %.60s … %.80s", truncate, got, got[len(got)-80:])
		}
	}
}

func TestRequestsThatTheModelCannotServeSayWhy(t *testing.T) {
	long := strings.Repeat("x", 2049)
	for _, tt := range []struct{ rule, model, members, param, message string }{
		{"nothing to embed", titan2, `"user":"u"`, "input", "'input' is missing or empty"},
		{"an empty text", titan2, `"input":""`, "input", "'input' is missing or empty"},
		{"an empty list", titan2, `"input":[]`, "input", "'input' is missing or empty"},
		{"an empty text in a list", titan2, `"input":["a",""]`, "input", "input[1] is an empty string"},
		{"an empty list of tokens", titan2, `"input":[[15339],[]]`, "input", "input[1] is an empty list"},
		{"a number among texts", titan2, `"input":["a",1]`, "input", "'input' must be a string, a list of strings"},
		{"an object", titan2, `"input":{"text":"a"}`, "input", "'input' must be a string, a list of strings"},
		{"tokens of another vocabulary", titan2, `"input":[[15339],[199999]]`, "input", "check_embedding_ctx_length=False"},
		{"a token that is none", titan2, `"input":[[1.5]]`, "input", "input[0] must be a string or a list of tokens"},
		{"a token below 0", titan2, `"input":[-1]`, "input", "below 0"},
		{"2,049 texts", titan2, `"input":[` + strings.Repeat(`"a",`, 2048) + `"a"]`, "input", "more than 2048 texts"},
		{"dimensions the model has not", titan2, `"input":"a","dimensions":300`, "dimensions", "the model 'm' has no vectors of 300 dimensions; it has 1024, 512, 256"},
		{"dimensions of a model with one size", cohere3, `"input":"a","dimensions":512`, "dimensions", "it has 1024"},
		{"dimensions that are no number", titan2, `"input":"a","dimensions":"256"`, "dimensions", "whole number"},
		{"an encoding nobody has", titan2, `"input":"a","encoding_format":"int8"`, "encoding_format", "must be float or base64"},
		{"a purpose nobody has", cohere3, `"input":"a","input_type":"fun"`, "input_type", "must be one of search_document, search_query"},
		{"a truncation nobody has", cohere3, `"input":"a","truncate":true`, "truncate", "must be one of none, start, end"},
		{"two purposes", nova, `"input":"a","input_type":"query","embeddingPurpose":"CLUSTERING"`, "embeddingPurpose", "contradict each other"},
		{"a long text for Cohere's third", cohere3, `"input":["a","` + long + `"]`, "input", "input[1]: the text has 2049 characters, and the model takes 2048"},
		{"a long text alone", cohere3, `"input":"` + long + `"`, "input", "the text has 2049 characters"},
		{"texts and images", cohere4, `"input":"a","images":["x"]`, "input", "'input' and 'images' exclude each other"},
		{"two media", cohere4, `"inputs":[{}],"images":["x"]`, "images", "'inputs' and 'images' exclude each other"},
		{"an image for several texts", titanMM, `"input":["a","b"],"inputImage":"aGk="`, "input", "exclude each other"},
		{"no images", cohere4, `"images":[]`, "images", "at least one entry"},
		{"images that are no list", cohere4, `"images":"x"`, "images", "must be a list"},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			_, _, err := planned(tt.model, tt.members, nil)
			var e *chat.Error
			if !errors.As(err, &e) || e.StatusCode() != 400 || e.Param != tt.param || !strings.Contains(e.Message, tt.message) {
				t.Errorf("got %+v, want %s: %s", err, tt.param, tt.message)
			}
		})
	}
}

func TestEveryWordOfTheConfigurationIsOneOfARequest(t *testing.T) {
	for _, word := range model.InputTypes {
		if purposeOf(word) != word {
			t.Errorf("input_type %s", word)
		}
	}
	for _, word := range model.Truncations {
		if truncations[word] != strings.ToUpper(word) {
			t.Errorf("truncate %s", word)
		}
	}
}

func TestRepliesBecomeVectors(t *testing.T) {
	floats := func(s string) (out []float32) {
		b, err := base64.StdEncoding.DecodeString(strings.Trim(s, `"`))
		if err != nil {
			t.Fatal(err, s)
		}
		for ; len(b) > 0; b = b[4:] {
			out = append(out, math.Float32frombits(binary.LittleEndian.Uint32(b)))
		}
		return out
	}
	for _, tt := range []struct {
		rule, model, reply, want string
		tokens                   int64
	}{
		{"Titan", titan2, `{"embedding":[ 0.5, -1e-3 ],"embeddingsByType":{"float":[9]},"inputTextTokenCount":3}`, `[0.5,-1e-3]`, 3},
		{"Titan, multimodal", titanMM, `{"embedding":[1],"inputTextTokenCount":0,"message":null}`, `[1]`, 0},
		{"Nova", nova, `{"embeddings":[{"embeddingType":"TEXT","embedding":[1,2],"truncatedCharLength":9}],"inputTokenCount":5}`, `[1,2]`, 5},
		{"Nova without a count", nova, `{"embeddings":[{"embeddingType":"TEXT","embedding":[1,2]}]}`, `[1,2]`, -1},
		{"Cohere", cohere3, `{"id":"x","embeddings":[[0.25]],"texts":["a"],"response_type":"embeddings_floats"}`, `[0.25]`, -1},
		{"Cohere, by type", cohere4, `{"embeddings":{"int8":[[1]],"float":[[0.25]]},"response_type":"embeddings_by_type"}`, `[0.25]`, -1},
		{"Marengo", marengo3, `{"data":[{"embedding":[7],"embeddingOption":null}]}`, `[7]`, -1},
		{"Marengo, one", marengo3, `{"data":{"embedding":[7]}}`, `[7]`, -1},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			p, _, err := planned(tt.model, `"input":"a"`, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, tokens, err := p.DecodeReply([]byte(tt.reply), 0)
			if err != nil || len(got) != 1 || string(got[0]) != tt.want || tokens != tt.tokens {
				t.Errorf("%s, %d tokens, %v; want %s, %d", got, tokens, err, tt.want, tt.tokens)
			}
		})
	}
	p, _, err := planned(titan2, `"input":"a","encoding_format":"base64"`, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := p.DecodeReply([]byte(`{"embedding":[0.5,-2,1e-10],"embeddingsByType":{"binary":[1]}}`), 0)
	if err != nil || len(got) != 1 {
		t.Fatal(got, err)
	}
	if f := floats(string(got[0])); len(f) != 3 || f[0] != 0.5 || f[1] != -2 || f[2] != 1e-10 {
		t.Errorf("base64 of %v", f)
	}
}

func TestRepliesThatCannotBeReadAreErrors(t *testing.T) {
	for _, tt := range []struct{ rule, model, reply, message string }{
		{"no vector", titan2, `{"inputTextTokenCount":3}`, "number of vectors"},
		{"an empty vector", titan2, `{"embedding":[]}`, "cannot be read"},
		{"a null in it", titan2, `{"embedding":[1,null]}`, "cannot be read"},
		{"too many", cohere3, `{"embeddings":[[1],[2]]}`, "number of vectors"},
		{"Titan's message", titanMM, `{"embedding":null,"message":"The image is broken."}`, "the model made no vector: The image is broken."},
		{"no JSON", titan2, `<html>`, "cannot be read"},
		{"cut", titan2, `{"embedding":[1`, "cannot be read"},
	} {
		p, _, err := planned(tt.model, `"input":"a"`, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = p.DecodeReply([]byte(tt.reply), 0)
		var e *chat.Error
		if !errors.As(err, &e) || e.StatusCode() != 502 || !strings.Contains(e.Message, tt.message) {
			t.Errorf("%s: %v", tt.rule, err)
		}
	}
}

func TestTheAnswerIsAsLongAsItSays(t *testing.T) {
	a := Answer{Model: "m", Usage: chat.Usage{Known: true, Input: 7}}
	for range 2000 {
		a.Vectors = append(a.Vectors, Vector(`[`+strings.Repeat("0.5,", 100)+`1]`))
	}
	var b strings.Builder
	if err := a.Write(&b); err != nil || b.Len() != a.Len() {
		t.Fatalf("%v: %d bytes written, %d said", err, b.Len(), a.Len())
	}
	if got := b.String(); !strings.HasPrefix(got, `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,`) || !strings.Contains(got, `},{"object":"embedding","index":1999,`) || !strings.HasSuffix(got, `],"model":"m","usage":{"prompt_tokens":7,"total_tokens":7}}`) {
		t.Errorf("%.100s … %s", got, got[len(got)-100:])
	}
}
