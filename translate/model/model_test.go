package model

import "testing"

func TestBaseOfEveryFormOfAnID(t *testing.T) {
	for id, want := range map[string]string{
		"anthropic.claude-3-haiku-20240307-v1:0":                        "anthropic.claude-3-haiku-20240307-v1",
		"anthropic.claude-3-haiku-20240307-v1:0:48k":                    "anthropic.claude-3-haiku-20240307-v1",
		"us.anthropic.claude-sonnet-4-20250514-v1:0":                    "anthropic.claude-sonnet-4-20250514-v1",
		"us-gov.anthropic.claude-sonnet-4-5-20250929-v1:0":              "anthropic.claude-sonnet-4-5-20250929-v1",
		"global.anthropic.claude-opus-4-6-v1":                           "anthropic.claude-opus-4-6-v1",
		"apac.amazon.nova-lite-v1:0":                                    "amazon.nova-lite-v1",
		"amazon.titan-text-express-v1:0:8k":                             "amazon.titan-text-express-v1",
		"openai.gpt-oss-120b-1:0":                                       "openai.gpt-oss-120b-1",
		"deepseek.r1-v1:0":                                              "deepseek.r1-v1",
		"us.deepseek.r1-v1:0":                                           "deepseek.r1-v1",
		"gpt-4.1-mini":                                                  "gpt-4.1-mini",
		"arn:aws:bedrock:us-east-1::foundation-model/meta.llama3-8b-v1": "meta.llama3-8b-v1",
		"arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-3-7-sonnet-20250219-v1:0": "anthropic.claude-3-7-sonnet-20250219-v1",
		"arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.titan-text-lite-v1:0:4k/abcd1234efgh":       "amazon.titan-text-lite-v1",
		"arn:aws-us-gov:bedrock:us-gov-west-1:123456789012:application-inference-profile/a1b2c3":                "",
		"arn:aws:bedrock:us-east-1:123456789012:provisioned-model/qwen":                                         "",
		"arn:aws:bedrock:us-east-1:123456789012:imported-model/llama":                                           "",
		"arn:aws:bedrock:us-east-1:123456789012:custom-model-deployment/nova":                                   "",
		"arn:aws:bedrock": "",
		"":                "",
	} {
		if got := Base(id); got != want {
			t.Errorf("Base(%q) = %q, want %q", id, got, want)
		}
	}
}

func TestFirstMatchWins(t *testing.T) {
	for id, want := range map[string]Facts{
		"anthropic.claude-sonnet-5-5-v1":            {Thinking: ThinkingAlways, NoSampling: true, NoForcedTools: true, MaxOutput: 128_000},
		"anthropic.claude-fable-5-v1":               {Thinking: ThinkingAlways, NoSampling: true, MaxOutput: 128_000},
		"anthropic.claude-fable-5-2-v1":             {Thinking: ThinkingAlways, NoSampling: true, NoForcedTools: true, MaxOutput: 128_000},
		"anthropic.claude-haiku-5-5":                {Thinking: ThinkingAdaptive, NoSampling: true, MaxOutput: 128_000},
		"anthropic.claude-opus-4-7":                 {Thinking: ThinkingAdaptive, NoSampling: true, MaxOutput: 128_000},
		"us.anthropic.claude-opus-4-6-v1":           {Thinking: ThinkingEither, NativeSchema: true, MaxOutput: 128_000},
		"anthropic.claude-haiku-4-5-20251001-v1:0":  {Thinking: ThinkingBudget, NativeSchema: true, MaxOutput: 64_000},
		"anthropic.claude-opus-4-20250514-v1:0":     {Thinking: ThinkingBudget, MaxOutput: 32_000},
		"anthropic.claude-opus-4-1-20250805-v1:0":   {Thinking: ThinkingBudget, MaxOutput: 32_000},
		"anthropic.claude-sonnet-4-20250514-v1:0":   {Thinking: ThinkingBudget, MaxOutput: 64_000},
		"anthropic.claude-3-7-sonnet-20250219-v1:0": {Thinking: ThinkingBudget, MaxOutput: 64_000},
		"anthropic.claude-3-5-sonnet-20241022-v2:0": {MaxOutput: 8_192},
		"anthropic.claude-3-haiku-20240307-v1:0":    {MaxOutput: 4_096},
		"anthropic.claude-saga-9":                   {Thinking: ThinkingAdaptive, NoSampling: true, MaxOutput: 128_000},
	} {
		f := Lookup(id)
		got := Facts{Thinking: f.Thinking, NoSampling: f.NoSampling, NoForcedTools: f.NoForcedTools, MaxOutput: f.MaxOutput, NativeSchema: f.NativeSchema}
		if f.Family != Claude || got != want {
			t.Errorf("%s: %+v, want %+v", id, got, want)
		}
	}
}

func TestFamilies(t *testing.T) {
	for id, want := range map[string]Family{
		"amazon.titan-text-lite-v1":                 Titan,
		"us.amazon.nova-pro-v1:0":                   Nova,
		"global.amazon.nova-2-lite-v1:0":            Nova2,
		"us.meta.llama4-scout-17b-instruct-v1:0":    Llama,
		"mistral.mistral-large-2402-v1:0":           Mistral,
		"eu.mistral.pixtral-large-2502-v1:0":        Mistral,
		"deepseek.v3-v1:0":                          DeepSeek,
		"openai.gpt-oss-20b-1:0":                    GPTOSS,
		"cohere.command-r-plus-v1:0":                Cohere,
		"ai21.jamba-1-5-large-v1:0":                 Jamba,
		"qwen.qwen3-32b-v1:0":                       Qwen,
		"gpt-4o":                                    GPT,
		"o3-mini":                                   GPT,
		"chatgpt-4o-latest":                         GPT,
		"writer.palmyra-x5-v1:0":                    Unknown,
		"text-davinci-003":                          Unknown,
		"ft:gpt-4o-mini-2024-07-18:acme::x":         GPT,
		"arn:aws:bedrock:r:1:provisioned-model/abc": Unknown,
	} {
		if got := Lookup(id).Family; got != want {
			t.Errorf("Lookup(%q).Family = %q, want %q", id, got, want)
		}
	}
}

func TestCachingOfClaude(t *testing.T) {
	for id, want := range map[string][2]bool{
		"anthropic.claude-3-haiku-20240307-v1:0":    {false, false},
		"anthropic.claude-3-5-sonnet-20240620-v1:0": {false, false},
		"anthropic.claude-3-5-sonnet-20241022-v2:0": {true, false},
		"anthropic.claude-3-5-haiku-20241022-v1:0":  {true, false},
		"anthropic.claude-3-7-sonnet-20250219-v1:0": {true, false},
		"anthropic.claude-sonnet-4-20250514-v1:0":   {true, false},
		"anthropic.claude-opus-4-1-20250805-v1:0":   {true, false},
		"anthropic.claude-sonnet-4-5-20250929-v1:0": {true, true},
		"anthropic.claude-opus-4-6-v1":              {true, true},
	} {
		f := Lookup(id)
		if got := [2]bool{f.CachePoints, f.CacheTTL}; got != want {
			t.Errorf("%s: cache points, ttl %v, want %v", id, got, want)
		}
	}
}

func TestBetasDifferByModel(t *testing.T) {
	for _, c := range []struct {
		id, beta string
		want     bool
	}{
		{"anthropic.claude-sonnet-4-5-20250929-v1:0", "context-1m-2025-08-07", true},
		{"anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-code-20250219", false},
		{"anthropic.claude-opus-4-6-v1", "claude-code-20250219", true},
		{"anthropic.claude-opus-4-6-v1", "context-1m-2025-08-07", true},
		{"anthropic.claude-opus-4-7", "context-1m-2025-08-07", false},
		{"anthropic.claude-opus-4-7", "interleaved-thinking-2025-05-14", true},
		{"anthropic.claude-sonnet-4-6", "extended-cache-ttl-2025-04-11", false},
		{"amazon.nova-lite-v1:0", "context-1m-2025-08-07", false},
	} {
		if got := Lookup(c.id).Beta(c.beta); got != c.want {
			t.Errorf("%s takes %s: %v, want %v", c.id, c.beta, got, c.want)
		}
	}
}

func TestConfigurationWinsOverWhatIsKnown(t *testing.T) {
	f := Lookup("arn:aws:bedrock:us-east-1:1:application-inference-profile/x").With(Claude, 9000)
	if f.Family != Claude || f.MaxOutput != 9000 || !f.CachePoints || !f.Beta("context-1m-2025-08-07") {
		t.Errorf("an opaque profile of family claude: %+v", f)
	}
	f = Lookup("anthropic.claude-3-haiku-20240307-v1:0").With(Claude, 0)
	if f.MaxOutput != 4096 {
		t.Errorf("naming the family that it has changed the facts: %+v", f)
	}
	for family := range newest {
		if got := (Facts{}).With(family, 0).Family; got != family {
			t.Errorf("family %q became %q", family, got)
		}
	}
}

func TestLookupDoesNotAllocate(t *testing.T) {
	for _, id := range []string{"us.anthropic.claude-sonnet-4-5-20250929-v1:0", "writer.palmyra-x5-v1:0", "gpt-4o"} {
		if n := testing.AllocsPerRun(100, func() { Lookup(id) }); n != 0 {
			t.Errorf("Lookup(%q) allocates %v times", id, n)
		}
	}
}

func BenchmarkLookup(b *testing.B) {
	for b.Loop() {
		Lookup("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
	}
}

// Claude Code says things of its own as system messages amid the conversation to the newer models; one that refuses them
// refuses the whole request.
func TestWhoTakesSystemMessagesAmidTheConversation(t *testing.T) {
	for id, want := range map[string]bool{
		"us.anthropic.claude-opus-4-8": true, "anthropic.claude-opus-5": true, "anthropic.claude-opus-5-5-v1": true, "anthropic.claude-fable-5-1": true,
		"us.anthropic.claude-opus-4-7": false, "us.anthropic.claude-sonnet-5": false, "us.anthropic.claude-sonnet-5-5": false,
		"us.anthropic.claude-haiku-5-5": false, "us.anthropic.claude-sonnet-4-6": false, "anthropic.claude-next": false, "gpt-4o": false,
	} {
		if got := Lookup(id).SystemTurns; got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
}

func TestOnBedrock(t *testing.T) {
	for id, want := range map[string]string{
		"claude-haiku-4-5-20251001":  "anthropic.claude-haiku-4-5-20251001-v1:0",
		"claude-sonnet-4-5":          "anthropic.claude-sonnet-4-5-20250929-v1:0",
		"claude-opus-4-0":            "anthropic.claude-opus-4-20250514-v1:0",
		"claude-opus-4":              "anthropic.claude-opus-4-20250514-v1:0",
		"claude-3-7-sonnet-latest":   "anthropic.claude-3-7-sonnet-20250219-v1:0",
		"claude-3-5-sonnet-latest":   "anthropic.claude-3-5-sonnet-20241022-v2:0",
		"claude-3-5-sonnet-20240620": "anthropic.claude-3-5-sonnet-20240620-v1:0",
		"claude-opus-4-6":            "anthropic.claude-opus-4-6-v1",
		"claude-sonnet-4-6":          "anthropic.claude-sonnet-4-6",
		"claude-opus-4-8":            "anthropic.claude-opus-4-8",
		"claude-fable-5-2":           "anthropic.claude-fable-5-2",
		"claude-sonnet-5":            "anthropic.claude-sonnet-5",
		"claude-":                    "",
		"claude-x/../y":              "",
		"claude-2.1":                 "",
		"my-claude":                  "",
		"anthropic.claude-sonnet-5":  "",
		"":                           "",
	} {
		if got, ok := OnBedrock(id); got != want || ok != (want != "") {
			t.Errorf("OnBedrock(%q) = %q, %v, want %q", id, got, ok, want)
		}
	}
}
