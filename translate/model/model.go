// Package model holds what is known of models: their family, what they accept and what they refuse. The tables are data
// with their date and source (facts.go); config may override them per pattern.
package model

import "slices"

// Family is a group of models that share their ways.
type Family string

// The families that something is known of. Unknown means: the provider's general rules, and nothing dropped.
const (
	Unknown  Family = ""
	Claude   Family = "claude"
	Titan    Family = "titan" // Titan Text, served by InvokeModel in its own dialect
	Nova     Family = "nova"
	Nova2    Family = "nova2"
	Llama    Family = "llama"
	Mistral  Family = "mistral"
	DeepSeek Family = "deepseek"
	GPTOSS   Family = "gpt-oss"
	Cohere   Family = "cohere"
	Jamba    Family = "jamba"
	Qwen     Family = "qwen"
	GPT      Family = "gpt" // OpenAI's own
	Grok     Family = "grok"
)

// Thinking says how a model takes requests to reason.
type Thinking uint8

// The ways of thinking.
const (
	ThinkingNone     Thinking = iota // the model has none, or it cannot be asked for
	ThinkingBudget                   // thinking{type:enabled,budget_tokens}
	ThinkingEither                   // adaptive, a budget is deprecated but taken
	ThinkingAdaptive                 // adaptive only, a budget is refused; may be disabled
	ThinkingAlways                   // adaptive only, and cannot be disabled
	ThinkingEffort                   // the family's own effort parameter
)

// Facts are what is known of one model. The zero value refuses nothing and knows nothing.
type Facts struct {
	Family Family
	// MaxOutput is the most tokens that a reply may have; 0 if unknown.
	MaxOutput int64
	// OutputBound: MaxOutput is the configuration's, so it holds for requests that ask for no limit too.
	OutputBound bool
	Thinking    Thinking
	// NoSampling: temperature, top_p and top_k are refused.
	NoSampling bool
	// OneSampling: temperature and top_p are refused together.
	OneSampling bool
	// NoForcedTools: a tool_choice of any or of a named tool is refused. NoNamedTool: only the named one is.
	NoForcedTools, NoNamedTool bool
	// NoSerial: the model cannot be kept from calling several tools at once.
	NoSerial bool
	// NoPrefill: a conversation may not end with the assistant's words.
	NoPrefill bool
	// NoStop: stop sequences are refused.
	NoStop bool
	// NoSystem: system text is refused.
	NoSystem bool
	// SystemTurns: messages of role system may stand amid the conversation in Claude's own body.
	SystemTurns bool
	// NoTools, NoImages, NoDocuments: the model takes none.
	NoTools, NoImages, NoDocuments bool
	// Audio, Video: the model takes them.
	Audio, Video bool
	// NativeSchema: structured output without a forced tool (Converse's outputConfig.textFormat).
	NativeSchema bool
	// CachePoints: prompt caching by explicit breakpoints. CacheTTL: it may last an hour. NoToolCache: breakpoints among
	// the tools are refused.
	CachePoints, CacheTTL, NoToolCache bool
	// CacheLeast is how many tokens a prompt must have up to a breakpoint, or it is not cached; with CachePoints.
	CacheLeast int
	// CacheMarks: prompt caching by OpenAI's prompt_cache_breakpoint.
	CacheMarks bool
	// SystemTools: Bedrock runs tools for the model (Nova's search of the web and its code interpreter).
	SystemTools bool
	// NoSchemaRefs: $ref and $defs in tool schemas are not understood. BareSchema: at the root of a tool's schema only
	// type, properties and required are.
	NoSchemaRefs, BareSchema bool
	// NoXHigh: the effort xhigh is refused, though max may not be.
	NoXHigh bool
	// ToolIDLength: tool ids are exactly that many alphanumerics; 0 for the provider's general rule.
	ToolIDLength int
	// CountTokens: Bedrock's CountTokens serves the model.
	CountTokens bool
	// CompletionTokens: the length of a reply is limited by max_completion_tokens; max_tokens is refused (OpenAI's
	// reasoning models).
	CompletionTokens bool

	// Chat is what Bedrock's copy of OpenAI's Chat Completions refuses of the model beyond this; see ByChat.
	Chat ChatLimits
	// InlineImages: images are taken as data and s3 URLs, not fetched.
	InlineImages bool

	betas      betaSet
	apis       apiSet
	onlyMantle bool
}

// ChatLimits are what a copy of OpenAI's chat refuses of what the original takes. From the user guide's page
// inference-chat-completions and LiteLLM's live tries of October 2026.
type ChatLimits struct {
	// Copy: the API is another provider's copy, whose limits hold.
	Copy bool
	// EffortFirst: function tools, and temperature, top_p, penalties and logprobs, need reasoning_effort none.
	EffortFirst bool
	// NoLogitBias: logit_bias is refused. NoPenalties: frequency_penalty and presence_penalty fail. NoEffortNone:
	// reasoning_effort none is refused. NoSchema: a schema in response_format is ignored.
	NoLogitBias, NoPenalties, NoEffortNone, NoSchema bool
}

// ByChat returns the facts of the model as Bedrock's copy of OpenAI's chat has it: documents are not known to be taken,
// and images only where they need no fetching.
func (f Facts) ByChat() Facts {
	f.Chat.Copy, f.NoDocuments, f.InlineImages = true, true, true
	return f
}

// ByResponses returns the facts of the model as Bedrock's copy of OpenAI's Responses has it: images only where they need no
// fetching.
func (f Facts) ByResponses() Facts {
	f.InlineImages = true
	return f
}

// WithoutBetas returns f for a model that takes no betas: what a table allowed, the provider may have taken back.
func (f Facts) WithoutBetas() Facts {
	f.betas = betasNone
	return f
}

// With returns the facts that a configuration has over f: of another family if one is named, with another limit of
// output tokens if it is above 0. What is known of a family as such is what its newest models do.
func (f Facts) With(family Family, maxOutput int64) Facts {
	if family != Unknown && family != f.Family {
		f = familyFacts(family)
	}
	if maxOutput > 0 {
		f.MaxOutput, f.OutputBound = maxOutput, true
	}
	return f
}

// Beta reports whether the model takes the named beta of Anthropic's, as an element of anthropic_beta.
func (f Facts) Beta(name string) bool {
	return slices.Contains(betas[f.betas], name)
}
