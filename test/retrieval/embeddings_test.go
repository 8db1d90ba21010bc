package retrieval_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"testing"
)

const (
	titan  = "amazon.titan-embed-text-v2:0"
	cohere = "cohere.embed-english-v3"
)

func TestEveryModelEmbedsWithItsTokensCounted(t *testing.T) {
	w := start(t, "", "")
	for _, tt := range []struct {
		model, members string
		size, tokens   int
	}{
		{"amazon.titan-embed-text-v1", "", 1536, 6},
		{"amazon.titan-embed-g1-text-02", "", 1536, 6},
		{titan, `,"dimensions":512`, 512, 6},
		{"amazon.titan-embed-image-v1", `,"dimensions":256`, 256, 6},
		{"amazon.nova-2-multimodal-embeddings-v1:0", `,"dimensions":384,"input_type":"query"`, 384, 6},
		{cohere, `,"truncate":"END"`, 1024, 6},
		{"cohere.embed-multilingual-v3", "", 1024, 6},
		{"cohere.embed-v4:0", `,"dimensions":256,"truncate":"end"`, 256, 6},
		{"us.cohere.embed-v4:0", "", 1536, 6},
		{"twelvelabs.marengo-embed-3-0-v1:0", "", 512, 6}, // by its plain id: only a profile serves it
		{"us.twelvelabs.marengo-embed-3-0-v1:0", `,"dimensions":512`, 512, 6},
	} {
		t.Run(tt.model, func(t *testing.T) {
			v, a := w.embed(t, `{"model":"`+tt.model+`","input":["some text 0","some text 1"]`+tt.members+`}`)
			if v.Object != "list" || v.Model != tt.model || len(v.Data) != 2 || v.Data[1].Index != 1 || v.Data[0].Object != "embedding" {
				t.Fatalf("%.300s", a.Body)
			}
			var floats []float64
			if err := json.Unmarshal(v.Data[0].Embedding, &floats); err != nil || len(floats) != tt.size {
				t.Errorf("%d numbers, want %d: %v", len(floats), tt.size, err)
			}
			if v.Usage == nil || v.Usage.Prompt != tt.tokens || v.Usage.Total != tt.tokens {
				t.Errorf("usage %+v, want %d tokens", v.Usage, tt.tokens)
			}
			if got := a.Header.Get("Bedrock-Gateway-Api"); got != "invoke" {
				t.Errorf("Bedrock-Gateway-Api: %q", got)
			}
		})
	}
}

// Bifrost joined a list into one text and gave one vector; Envoy refuses lists (surfaces of 2026: maximhq/bifrost#3471).
func TestAListKeepsItsOrderThoughCallsRunAtOnce(t *testing.T) {
	w := start(t, "", "")
	full := make(chan struct{})
	w.before = func(*http.Request) {
		if w.now.Load() == 8 {
			select {
			case <-full:
			default:
				close(full)
			}
		}
		<-full // the first eight must be there at once
	}
	all, a := w.embed(t, `{"model":"`+titan+`","input":`+list(100)+`}`)
	if len(all.Data) != 100 || all.Usage.Prompt != 300 {
		t.Fatalf("%d vectors, %+v", len(all.Data), all.Usage)
	}
	if got := w.most.Load(); got != 8 {
		t.Errorf("%d calls were under way at once, want 8", got)
	}
	if a.Header.Get("Bedrock-Gateway-Attempts") != "" {
		t.Errorf("attempts: %s", a.Header.Get("Bedrock-Gateway-Attempts"))
	}
	for _, i := range []int{0, 57, 99} {
		one, _ := w.embed(t, `{"model":"`+titan+`","input":`+strings.Replace(list(1), "0", itoa(i), 1)+`}`)
		if string(all.Data[i].Embedding) != string(one.Data[0].Embedding) {
			t.Errorf("the vector of input %d is another text's", i)
		}
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestTwoThousandInputs(t *testing.T) {
	w := start(t, "", "")
	for model, calls := range map[string]int{titan: 2048, cohere: 22} {
		before := len(w.bodies())
		v, _ := w.embed(t, `{"model":"`+model+`","input":`+list(2048)+`}`)
		if len(v.Data) != 2048 || v.Data[2047].Index != 2047 || len(w.bodies())-before != calls {
			t.Errorf("%s: %d vectors by %d calls, want %d", model, len(v.Data), len(w.bodies())-before, calls)
		}
	}
}

// LiteLLM has base64 made by Titan's binary form, which is bits.
func TestBase64IsOfTheFloats(t *testing.T) {
	w := start(t, "", "")
	v, _ := w.embed(t, `{"model":"`+titan+`","input":"a word","encoding_format":"base64"}`)
	var text string
	if err := json.Unmarshal(v.Data[0].Embedding, &text); err != nil {
		t.Fatal(err)
	}
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) != 4*1024 {
		t.Fatal(err, len(raw))
	}
	plain, _ := w.embed(t, `{"model":"`+titan+`","input":"a word"}`)
	var floats []float32
	if err := json.Unmarshal(plain.Data[0].Embedding, &floats); err != nil {
		t.Fatal(err)
	}
	for i, f := range floats {
		if got := math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])); got != f {
			t.Fatalf("number %d is %v in base64, %v in the list", i, got, f)
		}
	}
}

func TestTheFirstFailureEndsTheRestAndNamesItsInput(t *testing.T) {
	w := start(t, "", "")
	input := strings.Replace(list(500), "some text 3\"", "some text 3 [[fault:ValidationException]]\"", 1)
	a := w.g.Post(t, "/v1/embeddings", `{"model":"`+titan+`","input":`+input+`}`)
	if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, `"param":"input"`) || !strings.Contains(a.Body, `"message":"input[3]: `) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if n := len(w.bodies()); n > 50 {
		t.Errorf("%d of 500 calls were made all the same", n)
	}
	a = w.g.Post(t, "/v1/embeddings", `{"model":"`+cohere+`","input":`+strings.Replace(list(200), "some text 100", "[[fault:ValidationException]]", 1)+`}`)
	if a.Status != http.StatusBadRequest || !strings.Contains(a.Body, `"message":"input[96] to [191]: `) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestOneThrottledCallIsTriedAgainAlone(t *testing.T) {
	w := start(t, "", "")
	v, a := w.embed(t, `{"model":"`+titan+`","input":["a","b [[fault:throttle=1]]","c"]}`)
	if len(v.Data) != 3 || len(w.bodies()) != 4 || a.Header.Get("Bedrock-Gateway-Attempts") != "2" {
		t.Errorf("%d vectors by %d calls, attempts %q", len(v.Data), len(w.bodies()), a.Header.Get("Bedrock-Gateway-Attempts"))
	}
}

func TestRoutesRenameAndFallBackAsAWhole(t *testing.T) {
	w := start(t, "", `	route text-embedding-3-small {
		to bedrock amazon.titan-embed-text-v2:0~overloaded
		to bedrock cohere.embed-english-v3
		retries 0
	}`)
	v, a := w.embed(t, `{"model":"text-embedding-3-small","input":["a","b"]}`)
	if v.Model != "text-embedding-3-small" || len(v.Data) != 2 || a.Header.Get("Bedrock-Gateway-Attempts") != "2" {
		t.Fatalf("%.200s %v", a.Body, a.Header)
	}
	last := w.bodies()
	if got := last[len(last)-1]; got != `{"texts":["a","b"],"input_type":"search_document"}` {
		t.Errorf("the second target got %s", got)
	}
}

func TestSettingsOfAModelAreDefaultsOfItsRequests(t *testing.T) {
	w := start(t, `		model cohere.* {
			input_type search_query
			truncate   start
		}
		model my-embedder* {
			like amazon.titan-embed-text-v2:0
		}`, "")
	w.embed(t, `{"model":"`+cohere+`","input":"a"}`)
	if got := w.bodies()[0]; got != `{"texts":["a"],"input_type":"search_query","truncate":"START"}` {
		t.Error(got)
	}
}

func TestTokensOfLangChainBecomeTexts(t *testing.T) {
	w := start(t, "", "")
	w.embed(t, `{"model":"`+titan+`","input":[[15339,1917],[9906]]}`)
	got := w.bodies()
	if len(got) != 2 || !strings.Contains(got[0]+got[1], `{"inputText":"hello world"}`) || !strings.Contains(got[0]+got[1], `{"inputText":"Hello"}`) {
		t.Error(got)
	}
}

func TestWhatTheModelHasNoWordForIsListed(t *testing.T) {
	w := start(t, "", "")
	_, a := w.embed(t, `{"model":"`+titan+`","input":"a","user":"u","input_type":"query"}`)
	if got := a.Header.Get("Bedrock-Gateway-Dropped"); got != "user, input_type" && got != "input_type, user" {
		t.Errorf("dropped %q", got)
	}
}

func TestWhatTheModelHasNoWordForIsRefusedWhereThatIsConfigured(t *testing.T) {
	w := start(t, "", "	unsupported_params reject")
	if a := w.g.Post(t, "/v1/embeddings", `{"model":"`+titan+`","input":"a","input_type":"query"}`); a.Status != 400 || !strings.Contains(a.Body, `"param":"input_type"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestModelsThatDoNotEmbedSayWhatTheyServe(t *testing.T) {
	w := start(t, "", "")
	for model, want := range map[string]string{
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0": "is not served on /v1/embeddings; use /v1/chat/completions",
		"cohere.rerank-v3-5:0":                         "is not served on /v1/embeddings",
		"us.twelvelabs.marengo-embed-2-7-v1:0":         "is not served on /v1/embeddings\"",
	} {
		a := w.g.Post(t, "/v1/embeddings", `{"model":"`+model+`","input":"a"}`)
		if a.Status != http.StatusNotFound || !strings.Contains(a.Body, want) {
			t.Errorf("%s: %d %s", model, a.Status, a.Body)
		}
	}
}
