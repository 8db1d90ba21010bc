package price

import (
	"math"
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func bookOf(t testing.TB, own []Model) *Book {
	t.Helper()
	data, err := os.ReadFile("testdata/litellm.json")
	if err != nil {
		t.Fatal(err)
	}
	prices, err := parse(data)
	if err != nil {
		t.Fatal(err)
	}
	b := &Book{file: fixed(prices)}
	for _, m := range own {
		p, err := m.price()
		if err != nil {
			t.Fatal(err)
		}
		b.own = append(b.own, own1(m.Model, p))
	}
	return b
}

func own1(pattern string, p *Price) own {
	begin, star := strings.CutSuffix(pattern, "*")
	return own{func(id string) bool { return id == pattern || star && strings.HasPrefix(id, begin) }, p}
}

// The costs of the file's models are those that LiteLLM 1.110.2 computes from the same entries (generic_cost_per_token), in
// trillionths of a dollar.
func TestCost(t *testing.T) {
	b := bookOf(t, []Model{
		{Model: "mine", Input: new(float64(0.1)), Output: new(float64(0.2))},
		{Model: "free", Input: new(float64(0)), Output: new(float64(0))},
		{Model: "input only", Input: new(float64(1))},
		{Model: "gpt-5", Input: new(float64(1)), Output: new(float64(1))},
		{Model: "tiny", Input: new(float64(0.0000004))},
		{Model: "amazon.own-*", Input: new(float64(7))},
	})
	const sonnet = "anthropic.claude-sonnet-4-5-20250929-v1:0"
	u := func(input, output, read, write, hour int64) chat.Usage {
		return chat.Usage{Known: true, Input: input, Output: output, CacheRead: read, CacheWrite: write, CacheWrite1h: hour}
	}
	for _, tt := range []struct {
		name, model, tier string
		usage             chat.Usage
		want              string // "" for no cost
	}{
		{"input and output", "gpt-4o", "", u(1000, 500, 0, 0, 0), "0.0075"},
		{"a token", "amazon.nova-lite-v1:0", "", u(1, 0, 0, 0, 0), "0.00000006"},
		{"cache reads", "gpt-4o", "", u(1000, 500, 2000, 0, 0), "0.01"},
		{"a cache without a price of its own costs what input does", "meta.llama3-8b-instruct-v1:0", "", u(10, 10, 10, 10, 0), "0.000015"},
		{"cache writes", sonnet, "", u(100, 100, 0, 1000, 0), "0.00555"},
		{"cache writes for an hour", sonnet, "", u(100, 100, 0, 1000, 400), "0.00645"},
		{"a prompt as long as a step is not beyond it", sonnet, "", u(200_000, 0, 0, 0, 0), "0.6"},
		{"a prompt beyond it costs more, and so does its reply", sonnet, "", u(100_001, 1000, 100_000, 0, 0), "0.682506"},
		{"what is written for an hour, beyond it", sonnet, "", u(200_001, 0, 0, 1000, 1000), "1.212006"},
		{"a service tier", "gpt-4o", "priority", u(1000, 500, 1000, 0, 0), "0.014875"},
		{"the standard tier by name", "gpt-4o", "default", u(1000, 500, 0, 0, 0), "0.0075"},
		{"a tier without prices", "gpt-4o", "flex", u(1000, 500, 0, 0, 0), "0.0075"},
		{"a tier and a long prompt", "gemini/gemini-2.5-pro", "priority", u(300_000, 100, 0, 0, 0), "1.3527"},
		{"no reply, no output", "amazon.titan-embed-text-v2:0", "", u(500, 0, 0, 0, 0), "0.00001"},

		{"a region's own price", "us." + sonnet, "", u(1000, 0, 0, 0, 0), "0.0033"},
		{"another region's is the model's", "eu." + sonnet, "", u(1000, 0, 0, 0, 0), "0.003"},
		{"an ARN", "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/us." + sonnet, "", u(1000, 0, 0, 0, 0), "0.0033"},
		{"a model's ARN", "arn:aws:bedrock:eu-west-1::foundation-model/" + sonnet, "", u(1000, 0, 0, 0, 0), "0.003"},
		{"an id without its version", "anthropic.claude-sonnet-4-5-20250929", "", u(1000, 0, 0, 0, 0), "0.003"},
		{"another version is another model", "amazon.titan-embed-text-v1", "", u(1000, 0, 0, 0, 0), ""},
		{"a fine-tuned model", "ft:gpt-4o-2024-08-06:acme::x", "", u(1000, 0, 0, 0, 0), "0.00375"},
		{"an opaque ARN", "arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abc", "", u(1000, 0, 0, 0, 0), ""},

		{"the configuration's own price", "mine", "", u(3, 1, 0, 0, 0), "0.0000005"},
		{"it comes before the file's", "gpt-5", "", u(1, 1, 0, 0, 0), "0.000002"},
		{"a pattern", "eu.amazon.own-x-v1:0", "", u(1, 0, 0, 0, 0), "0.000007"},
		{"a price of 0 is a price", "free", "", u(3, 1, 2, 1, 0), "0"},
		{"a price is rounded to a millionth for a million", "tiny", "", u(1_000_000, 0, 0, 0, 0), "0"},
		{"tokens without a price have no cost", "input only", "", u(3, 1, 0, 0, 0), ""},
		{"unless there are none", "input only", "", u(3, 0, 0, 0, 0), "0.000003"},
		{"an unknown model", "unheard-of", "", u(3, 1, 0, 0, 0), ""},
		{"no model", "", "", u(3, 1, 0, 0, 0), ""},
		{"unknown usage", "gpt-4o", "", chat.Usage{Input: 3}, ""},
		{"more than there is", "gpt-4o", "", u(math.MaxInt64, 1, 0, 0, 0), "9223372.036854775807"},
		{"counts that cannot be", "gpt-4o", "", u(-5, 1, 0, 0, 0), "0.00001"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := b.Cost(tt.model, &tt.usage, tt.tier)
			if !ok && tt.want == "" {
				return
			}
			if !ok || got.String() != tt.want {
				t.Errorf("got %s, %v, want %q", got, ok, tt.want)
			}
		})
	}
}

func TestReasoningHasAPriceOfItsOwn(t *testing.T) {
	prices, err := parse([]byte(`{"m": {"input_cost_per_token": 1e-06, "output_cost_per_token": "2e-06", "output_cost_per_reasoning_token": 1e-05, "litellm_provider": "x"}}`))
	if err != nil {
		t.Fatal(err)
	}
	u := chat.Usage{Known: true, Input: 1, Output: 10, Reasoning: 4, ReasoningKnown: true}
	if got, ok := prices["m"].Cost(&u, ""); !ok || got.String() != "0.000053" {
		t.Errorf("got %s, %v", got, ok)
	}
	if u.ReasoningKnown = false; true {
		if got, _ := prices["m"].Cost(&u, ""); got.String() != "0.000021" {
			t.Errorf("without knowing how much was reasoning: got %s", got)
		}
	}
}

func TestANilBookHasNoPrices(t *testing.T) {
	var b *Book
	if p := b.Of("gpt-4o"); p != nil {
		t.Errorf("got %v", p)
	}
	if _, ok := b.Cost("gpt-4o", &chat.Usage{Known: true, Input: 1}, ""); ok {
		t.Error("a cost without a price")
	}
}

func TestAmounts(t *testing.T) {
	for want, a := range map[string]Amount{
		"0": 0, "1": Dollar, "0.000000000001": 1, "12.5": 12*Dollar + Dollar/2, "-0.25": -Dollar / 4, "9223372.036854775807": math.MaxInt64,
	} {
		if got := a.String(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := Amount(math.MaxInt64 - 1).Plus(5); got != math.MaxInt64 {
		t.Errorf("a sum that does not fit is %s", got)
	}
	if got := (3*Dollar + 1).Dollars(); got != 3.000000000001 {
		t.Errorf("got %v", got)
	}
}

// Half a file, or one with a price that is none, would make some models cheaper or free until somebody noticed.
func TestAFileThatIsNotWholeIsRefused(t *testing.T) {
	for name, data := range map[string]string{
		"empty":            ``,
		"cut":              `{"m": {"input_cost_per_token": 1e-06}, "n": {"input_cost`,
		"a list":           `[{"input_cost_per_token": 1e-06}]`,
		"more behind it":   `{"m": {"input_cost_per_token": 1e-06}} {}`,
		"a negative price": `{"m": {"input_cost_per_token": 1e-06}, "n": {"output_cost_per_token": -1}}`,
		"no number":        `{"m": {"input_cost_per_token": "free"}}`,
		"infinite":         `{"m": {"input_cost_per_token": 1e999}}`,
		"NaN in words":     `{"m": {"input_cost_per_token": "NaN"}}`,
		"a price in words": `{"m": {"input_cost_per_token": true}}`,
		"no price at all":  `{"m": {"mode": "chat"}}`,
	} {
		if prices, err := parse([]byte(data)); err == nil {
			t.Errorf("%s: got %v", name, prices)
		}
	}
}

func TestMembersOfAPriceFile(t *testing.T) {
	for name, want := range map[string]*member{
		"input_cost_per_token":                                              {input, 0, ""},
		"output_cost_per_reasoning_token":                                   {reasoning, 0, ""},
		"input_cost_per_token_above_128k_tokens":                            {input, 128_000, ""},
		"input_cost_per_token_above_1000_tokens":                            {input, 1000, ""},
		"cache_creation_input_token_cost_above_1hr":                         {cacheHour, 0, ""},
		"cache_creation_input_token_cost_above_1hr_above_200k_tokens":       {cacheHour, 200_000, ""},
		"output_cost_per_token_above_272k_tokens_priority":                  {output, 272_000, "priority"},
		"output_cost_per_token_priority_above_272k_tokens":                  {output, 272_000, "priority"},
		"cache_read_input_token_cost_flex":                                  {cacheRead, 0, "flex"},
		"input_cost_per_token_batches":                                      nil,
		"input_cost_per_token_above_272k_tokens_batches":                    nil,
		"cache_creation_input_token_cost_above_12hr":                        nil,
		"input_cost_per_token_cache_hit":                                    nil,
		"input_cost_per_token_above_k_tokens":                               nil,
		"input_cost_per_token_above_99999999999999999999k_tokens":           nil,
		"input_cost_per_token_priority_priority":                            nil,
		"input_cost_per_audio_token":                                        nil,
		"cache_creation_input_token_cost_above_1hr_above_200k_tokens_flexy": nil,
		"mode": nil,
	} {
		got, ok := memberOf(name)
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, ok, want)
		}
	}
}

// A price is looked up for every call.
func TestLookingUpAPriceAllocatesNothing(t *testing.T) {
	b := bookOf(t, []Model{{Model: "mine*", Input: new(float64(1))}})
	u := chat.Usage{Known: true, Input: 100, Output: 10, CacheRead: 5}
	if n := testing.AllocsPerRun(100, func() { b.Cost("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", &u, "") }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkCost(b *testing.B) {
	book := bookOf(b, []Model{{Model: "mine*", Input: new(float64(1))}})
	u := chat.Usage{Known: true, Input: 100, Output: 10, CacheRead: 5}
	for b.Loop() {
		book.Cost("eu.anthropic.claude-sonnet-4-5-20250929-v1:0", &u, "")
	}
}

func FuzzParse(f *testing.F) {
	data, err := os.ReadFile("testdata/litellm.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"m":{"input_cost_per_token":"1e-6","output_cost_per_token_above_1k_tokens_flex":2}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		prices, err := parse(data)
		if err != nil {
			return
		}
		u := chat.Usage{Known: true, Input: 1 << 40, Output: 1 << 40, CacheRead: 1 << 40, CacheWrite: 1 << 40, CacheWrite1h: 1 << 39, Reasoning: 3, ReasoningKnown: true}
		for id, p := range prices {
			for _, tier := range []string{"", "priority"} {
				if cost, ok := p.Cost(&u, tier); ok && cost < 0 {
					t.Errorf("%s costs %s", id, cost)
				}
			}
		}
		(&Book{file: fixed(prices)}).Of(string(data[:min(len(data), 20)]))
	})
}
