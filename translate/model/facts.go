package model

import "strings"

// A row holds the facts of the models whose base id contains part.
type row struct {
	part  string
	facts Facts
}

// claude is Anthropic's models on Bedrock. Sources, November 2026: the model tables of
// https://platform.claude.com/docs/en/about-claude/models and of Bedrock's user guide; cache points
// https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html; structured output
// https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html; prefill and effort
// https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6; one of temperature and top_p
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html;
// system messages amid the conversation, which that page says of Opus 4.8 and live reports of the Opus and Fable models
// after it https://docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-mid-conversation-system.html: for a model
// that is not known to take them they are the user's, in place, which every model takes.
var claude = [...]row{
	{"sonnet-5-5", Facts{Thinking: ThinkingAlways, NoSampling: true, NoForcedTools: true, NoPrefill: true, MaxOutput: 128_000}},
	{"opus-5-5", Facts{Thinking: ThinkingAlways, NoSampling: true, NoForcedTools: true, NoPrefill: true, SystemTurns: true, MaxOutput: 128_000}},
	{"haiku-5-5", Facts{Thinking: ThinkingAdaptive, NoSampling: true, NoPrefill: true, MaxOutput: 128_000}},
	{"fable-5-1", Facts{Thinking: ThinkingAlways, NoSampling: true, NoForcedTools: true, NoPrefill: true, SystemTurns: true, MaxOutput: 128_000}},
	{"fable-5-2", Facts{Thinking: ThinkingAlways, NoSampling: true, NoForcedTools: true, NoPrefill: true, SystemTurns: true, MaxOutput: 128_000}},
	{"fable-5", Facts{Thinking: ThinkingAlways, NoSampling: true, NoPrefill: true, SystemTurns: true, MaxOutput: 128_000}},
	{"opus-5", Facts{Thinking: ThinkingAdaptive, NoSampling: true, NoPrefill: true, SystemTurns: true, MaxOutput: 128_000}},
	{"opus-4-7", Facts{Thinking: ThinkingAdaptive, NoSampling: true, NoPrefill: true, MaxOutput: 128_000, betas: betasOpus47}},
	{"opus-4-8", Facts{Thinking: ThinkingAdaptive, NoSampling: true, NoPrefill: true, SystemTurns: true, MaxOutput: 128_000}},
	{"sonnet-5", Facts{Thinking: ThinkingAdaptive, NoSampling: true, NoPrefill: true, MaxOutput: 128_000}},
	{"opus-4-6", Facts{Thinking: ThinkingEither, OneSampling: true, NoPrefill: true, NoXHigh: true, NativeSchema: true, MaxOutput: 128_000, betas: betasOpus46}},
	{"sonnet-4-6", Facts{Thinking: ThinkingEither, OneSampling: true, NoPrefill: true, NoXHigh: true, MaxOutput: 128_000}},
	{"opus-4-5", Facts{Thinking: ThinkingBudget, OneSampling: true, NativeSchema: true, MaxOutput: 64_000}},
	{"sonnet-4-5", Facts{Thinking: ThinkingBudget, OneSampling: true, NativeSchema: true, MaxOutput: 64_000}},
	{"haiku-4-5", Facts{Thinking: ThinkingBudget, OneSampling: true, NativeSchema: true, MaxOutput: 64_000}},
	{"opus-4-1", Facts{Thinking: ThinkingBudget, OneSampling: true, MaxOutput: 32_000}},
	{"opus-4", Facts{Thinking: ThinkingBudget, MaxOutput: 32_000}},
	{"sonnet-4", Facts{Thinking: ThinkingBudget, MaxOutput: 64_000}},
	{"3-7-sonnet", Facts{Thinking: ThinkingBudget, MaxOutput: 64_000}},
	{"3-5-", Facts{MaxOutput: 8_192}},
	{"claude-3", Facts{MaxOutput: 4_096}},
	{"claude-v2", Facts{MaxOutput: 4_096, NoTools: true, NoImages: true}},
	{"claude-instant", Facts{MaxOutput: 4_096, NoTools: true, NoImages: true, NoDocuments: true}},
	{"", Facts{Thinking: ThinkingAdaptive, NoSampling: true, NoPrefill: true, MaxOutput: 128_000}},
}

// noCache are the Claude models without cache points, old those before 4.5: their cache lasts five minutes only, and Bedrock
// refuses disable_parallel_tool_use for them ("extraneous key"); the same page
// on prompt caching. The first 3-5-sonnet (20240620) has none, its v2 (20241022) has.
var (
	noCache = [...]string{"claude-v2", "claude-instant", "claude-3-haiku", "claude-3-sonnet", "claude-3-opus", "3-5-sonnet-20240620"}
	old     = [...]string{"claude-3", "opus-4-1", "opus-4-2", "sonnet-4-2"}
)

// cacheLeasts are the shortest prompts that Claude caches, in tokens, where it is not usualCacheLeast: the model table of
// https://platform.claude.com/docs/en/build-with-claude/prompt-caching, whose numbers Bedrock's page on prompt caching has, too.
var cacheLeasts = [...]struct {
	part  string
	least int
}{
	{"opus-5-5", usualCacheLeast},
	{"fable-5-1", 512},
	{"fable-5-2", 512},
	{"fable-5", 512},
	{"opus-5", 512},
	{"opus-4-7", 2048},
	{"opus-4-6", 4096},
	{"opus-4-5", 4096},
	{"haiku-4-5", 4096},
	{"haiku", 2048},
}

// usualCacheLeast is that of Nova, too.
const usualCacheLeast = 1024

func cacheLeast(base string) int {
	for i := range cacheLeasts {
		if strings.Contains(base, cacheLeasts[i].part) {
			return cacheLeasts[i].least
		}
	}
	return usualCacheLeast
}

// noNewComputer are the models from 4.5 on that take an older computer tool only: see the betas.
var noNewComputer = [...]string{"sonnet-4-5", "haiku-4-5"}

// others are the remaining models on Bedrock, and OpenAI's own. Sources, November 2026: the feature table of
// https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html; the
// subset of JSON Schema that Nova takes https://docs.aws.amazon.com/nova/latest/userguide/tool-use-definition.html;
// tool_choice https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolChoice.html; structured output as
// above; system tools https://docs.aws.amazon.com/nova/latest/userguide/grounding.html and the guide of Nova 2. Only what a request would fail for is listed; what is unknown is left to the provider.
var others = [...]row{
	{"titan-text-premier", Facts{Family: Titan, NoTools: true, NoImages: true, NoDocuments: true, NoSystem: true, NoPrefill: true, MaxOutput: 3_072}},
	{"titan-text", Facts{Family: Titan, NoTools: true, NoImages: true, NoSystem: true, NoPrefill: true, MaxOutput: 8_192}},
	{"titan-tg1", Facts{Family: Titan, NoTools: true, NoImages: true, NoSystem: true, NoPrefill: true, MaxOutput: 8_192}},
	{"nova-2", Facts{Family: Nova2, SystemTools: true, Thinking: ThinkingEffort, Video: true, CachePoints: true, CacheLeast: usualCacheLeast, NoToolCache: true, NoSchemaRefs: true, BareSchema: true, MaxOutput: 65_535}},
	{"nova-micro", Facts{Family: Nova, NoImages: true, NoDocuments: true, CachePoints: true, CacheLeast: usualCacheLeast, NoToolCache: true, NoSchemaRefs: true, BareSchema: true, MaxOutput: 10_000}},
	{"nova-premier", Facts{Family: Nova, Video: true, SystemTools: true, CachePoints: true, CacheLeast: usualCacheLeast, NoToolCache: true, NoSchemaRefs: true, BareSchema: true, MaxOutput: 10_000}},
	{"nova", Facts{Family: Nova, Video: true, CachePoints: true, CacheLeast: usualCacheLeast, NoToolCache: true, NoSchemaRefs: true, BareSchema: true, MaxOutput: 10_000}},
	{"llama4", Facts{Family: Llama, NoForcedTools: true, NoSchemaRefs: true}},
	{"llama3-2-11b", Facts{Family: Llama, NoForcedTools: true, NoSchemaRefs: true}},
	{"llama3-2-90b", Facts{Family: Llama, NoForcedTools: true, NoSchemaRefs: true}},
	{"llama3-2", Facts{Family: Llama, NoTools: true, NoImages: true}},
	{"llama3-1", Facts{Family: Llama, NoImages: true, NoForcedTools: true, NoSchemaRefs: true}},
	{"llama3-3", Facts{Family: Llama, NoImages: true, NoForcedTools: true, NoSchemaRefs: true}},
	{"llama", Facts{Family: Llama, NoTools: true, NoImages: true}},
	{"mistral-7b", Facts{Family: Mistral, NoTools: true, NoImages: true, NoSystem: true, NoPrefill: true}},
	{"mixtral", Facts{Family: Mistral, NoTools: true, NoImages: true, NoSystem: true, NoPrefill: true}},
	{"mistral-large-24", Facts{Family: Mistral, NoImages: true, NoPrefill: true, NoNamedTool: true, NoSchemaRefs: true, ToolIDLength: 9}},
	{"mistral-small-24", Facts{Family: Mistral, NoImages: true, NoPrefill: true, NoNamedTool: true, NoSchemaRefs: true, ToolIDLength: 9}},
	{"pixtral", Facts{Family: Mistral, NoPrefill: true, NoNamedTool: true, NoSchemaRefs: true, ToolIDLength: 9}},
	{"magistral-small", Facts{Family: Mistral, NoPrefill: true, NoNamedTool: true, NativeSchema: true, ToolIDLength: 9}},
	{"ministral", Facts{Family: Mistral, NoPrefill: true, NoNamedTool: true, NativeSchema: true, ToolIDLength: 9}},
	{"mistral-large-3", Facts{Family: Mistral, NoPrefill: true, NoNamedTool: true, NativeSchema: true, ToolIDLength: 9}},
	{"voxtral", Facts{Family: Mistral, Audio: true, NoPrefill: true, NoNamedTool: true, NativeSchema: true, ToolIDLength: 9}},
	{"mistral", Facts{Family: Mistral, NoPrefill: true, NoNamedTool: true, ToolIDLength: 9}},
	{"deepseek.r1", Facts{Family: DeepSeek, NoTools: true, NoImages: true, MaxOutput: 32_768}},
	{"deepseek", Facts{Family: DeepSeek, Thinking: ThinkingEffort, NoImages: true, NativeSchema: true}},
	{"gpt-oss", Facts{Family: GPTOSS, Thinking: ThinkingEffort, NoImages: true, NoDocuments: true, NoStop: true, Chat: ChatLimits{NoLogitBias: true, NoSchema: true, NoEffortNone: true}}},
	{"cohere.command-r", Facts{Family: Cohere, NoImages: true, NoForcedTools: true, NoPrefill: true, NoSchemaRefs: true, MaxOutput: 4_000}},
	{"cohere.command", Facts{Family: Cohere, NoTools: true, NoImages: true, NoSystem: true, NoPrefill: true, MaxOutput: 4_000}},
	{"jamba-instruct", Facts{Family: Jamba, NoTools: true, NoImages: true, NoDocuments: true, NoPrefill: true, MaxOutput: 4_096}},
	{"jamba", Facts{Family: Jamba, NoImages: true, NoForcedTools: true, NoPrefill: true, NoSchemaRefs: true, MaxOutput: 4_096}},
	{"qwen3-vl", Facts{Family: Qwen, NativeSchema: true}},
	{"qwen", Facts{Family: Qwen, NoImages: true, NativeSchema: true}},
	{"google.gemma-3", Facts{NativeSchema: true}},
	{"nvidia.nemotron", Facts{NativeSchema: true}},
	{"minimax.minimax-m2", Facts{NoImages: true, NativeSchema: true}},
	{"moonshot", Facts{NativeSchema: true}},
	{"openai.gpt-5.4", Facts{Family: GPT, Thinking: ThinkingEffort, NoStop: true, CompletionTokens: true, MaxOutput: 128_000, Chat: ChatLimits{EffortFirst: true}}},
	{"openai.gpt-5.5", Facts{Family: GPT, Thinking: ThinkingEffort, NoStop: true, CompletionTokens: true, MaxOutput: 128_000, Chat: ChatLimits{EffortFirst: true}}},
	{"openai.gpt-", Facts{Family: GPT, Thinking: ThinkingEffort, NoStop: true, CacheMarks: true, CompletionTokens: true, MaxOutput: 128_000, Chat: ChatLimits{EffortFirst: true}}},
	{"openai.", Facts{NoStop: true}},
	{"xai.grok", Facts{Family: Grok, Thinking: ThinkingEffort, NoStop: true, NoDocuments: true, Chat: ChatLimits{NoPenalties: true, NoEffortNone: true}}},
	{"google.gemma-4", Facts{NoDocuments: true}},
}

// openAI is OpenAI's own models; from https://platform.openai.com/docs/guides/reasoning and the model pages,
// November 2026; cache breakpoints https://developers.openai.com/api/docs/guides/prompt-caching. They are recognised by the
// id's beginning, since other names are anybody's.
var openAI = [...]row{
	{"gpt-5-chat", Facts{Family: GPT}},
	{"gpt-5.6", Facts{Family: GPT, Thinking: ThinkingEffort, NoSampling: true, CacheMarks: true, CompletionTokens: true}},
	{"gpt-5", Facts{Family: GPT, Thinking: ThinkingEffort, NoSampling: true, CompletionTokens: true}},
	{"o1", Facts{Family: GPT, Thinking: ThinkingEffort, NoSampling: true, CompletionTokens: true}},
	{"o3", Facts{Family: GPT, Thinking: ThinkingEffort, NoSampling: true, CompletionTokens: true}},
	{"o4", Facts{Family: GPT, Thinking: ThinkingEffort, NoSampling: true, CompletionTokens: true}},
	{"gpt-", Facts{Family: GPT}},
	{"chatgpt-", Facts{Family: GPT}},
}

// Lookup returns what is known of the model with the given id, in any form that Bedrock takes or OpenAI has. It does not
// allocate. The zero Facts stand for a model that nothing is known of.
func Lookup(id string) Facts {
	base := Base(id)
	f := lookup(base)
	f.apis, f.onlyMantle = apisOf(base)
	return f
}

func lookup(base string) Facts {
	switch {
	case strings.Contains(base, "claude"):
		return claudeFacts(base)
	case base == "":
		return Facts{}
	}
	for i := range others {
		if strings.Contains(base, others[i].part) {
			return others[i].facts
		}
	}
	for i := range openAI {
		if strings.HasPrefix(base, openAI[i].part) {
			return openAI[i].facts
		}
	}
	return Facts{}
}

func claudeFacts(base string) Facts {
	for i := range claude {
		if !strings.Contains(base, claude[i].part) {
			continue
		}
		f := claude[i].facts
		f.Family = Claude
		f.CachePoints = !containsAny(base, noCache[:])
		f.NoSerial = containsAny(base, old[:])
		f.CacheTTL = f.CachePoints && !f.NoSerial
		if f.CachePoints {
			f.CacheLeast = cacheLeast(base)
		}
		f.CountTokens = !f.NoTools
		if f.betas == betasNone {
			f.betas = betasComputer
			if f.NoSerial || containsAny(base, noNewComputer[:]) {
				f.betas = betasClaude
			}
		}
		return f
	}
	return Facts{Family: Claude}
}

func containsAny(s string, parts []string) bool {
	for _, p := range parts {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}

// newest names, for each family, an id that has the facts of its newest models.
var newest = map[Family]string{
	Claude: "claude-", Titan: "titan-text", Nova: "nova", Nova2: "nova-2", Llama: "llama4", Mistral: "mistral",
	DeepSeek: "deepseek", GPTOSS: "gpt-oss", Cohere: "cohere.command-r", Jamba: "jamba", Qwen: "qwen", GPT: "gpt-", Grok: "xai.grok",
}

func familyFacts(f Family) Facts {
	facts := Lookup(newest[f])
	facts.Family = f
	return facts
}
