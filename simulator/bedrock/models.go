package bedrock

import (
	"regexp"
	"strings"
)

// thinking is how a model takes the thinking field.
type thinking int

const (
	// noThinking: the field is not permitted.
	noThinking thinking = iota
	// budgetThinking: {"type":"enabled","budget_tokens"} or disabled.
	budgetThinking
	// eitherThinking: enabled with a budget, adaptive or disabled.
	eitherThinking
	// adaptiveThinking: adaptive or disabled, no budget.
	adaptiveThinking
	// alwaysThinking: adaptive only, it cannot be disabled.
	alwaysThinking
)

// facts are what a family of models can do. The zero value is a text model that knows nothing but text.
type facts struct {
	family string
	// system, tools and streaming: the Converse features of the same name. anyTool and namedTool: toolChoice any, tool.
	system, tools, anyTool, namedTool, streaming bool
	images, documents, video, audio              bool
	// cache: cachePoint blocks; cacheHour: ttl 1h.
	cache, cacheHour bool
	thinking         thinking
	// fixedSampling: temperature, topP and top_k are refused. oneOfSampling: temperature and topP exclude each other.
	fixedSampling, oneOfSampling bool
	// prefill: a trailing assistant message is continued.
	prefill bool
	// systemTurns: InvokeModel takes messages of role system amid the conversation.
	systemTurns bool
	// systemTools: toolConfig.tools[].systemTool.
	systemTools bool
	// structured: outputConfig.textFormat.
	structured bool
	// optimized: performanceConfig.latency optimized.
	optimized bool
	maxTokens int
	// noStop: stop sequences are refused by every API. efforts are the words for how much to reason, of models that take
	// one as reasoning_effort; nil for the others.
	noStop  bool
	efforts []string
	// apis are the model's APIs beside Converse and InvokeModel.
	apis api
	// other marks what Converse does not serve: embeddings, rankings and images.
	other bool
}

// model is one model id.
type model struct {
	id, provider, name string
	facts
	// onDemand: callable by its own id; otherwise only through an inference profile of geos.
	onDemand bool
	geos     string
	legacy   bool
}

// claude completes the facts all Claude models share.
func claude(f facts) facts {
	f.family = "claude"
	f.system, f.tools, f.anyTool, f.namedTool, f.streaming = true, true, true, true, true
	f.images = true
	f.apis |= runtimeMessages
	return f
}

// The generations of Claude. Sampling, thinking, forced tools and output bounds follow AWS's and Anthropic's model
// pages as of November 2026; prefill is refused since 4.6.
var (
	claude3   = claude(facts{maxTokens: 4096, prefill: true, documents: true})
	claude35  = claude(facts{maxTokens: 8192, prefill: true, documents: true, cache: true, optimized: true})
	claude37  = claude(facts{maxTokens: 64000, prefill: true, documents: true, cache: true, thinking: budgetThinking})
	sonnet4   = claude37
	opus4     = claude(facts{maxTokens: 32000, prefill: true, documents: true, cache: true, thinking: budgetThinking})
	opus41    = claude(facts{maxTokens: 32000, prefill: true, documents: true, cache: true, thinking: budgetThinking, oneOfSampling: true})
	claude45  = claude(facts{maxTokens: 64000, prefill: true, documents: true, cache: true, cacheHour: true, thinking: budgetThinking, oneOfSampling: true, structured: true})
	opus46    = claude(facts{maxTokens: 128000, documents: true, cache: true, cacheHour: true, thinking: eitherThinking, oneOfSampling: true, structured: true})
	sonnet46  = claude(facts{maxTokens: 128000, documents: true, cache: true, cacheHour: true, thinking: eitherThinking, oneOfSampling: true})
	claude5   = claude(facts{maxTokens: 128000, documents: true, cache: true, cacheHour: true, thinking: adaptiveThinking, fixedSampling: true})
	opus48    = with(claude5, func(f *facts) { f.systemTurns = true })
	fable5    = claude(facts{maxTokens: 128000, documents: true, cache: true, cacheHour: true, thinking: alwaysThinking, fixedSampling: true, systemTurns: true})
	unforced  = with(fable5, func(f *facts) { f.anyTool, f.namedTool = false, false })
	nova      = facts{family: "nova", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, images: true, documents: true, video: true, cache: true, optimized: true, prefill: true, maxTokens: 10000}
	novaMicro = facts{family: "nova", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, cache: true, prefill: true, maxTokens: 10000}
	titanText = facts{family: "titan", streaming: true, maxTokens: 8192}
	llama     = facts{family: "llama", system: true, tools: true, streaming: true, documents: true, optimized: true, maxTokens: 8192}
	mistral   = facts{family: "mistral", system: true, tools: true, anyTool: true, streaming: true, documents: true, maxTokens: 8192}
	open      = facts{family: "open", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, structured: true, maxTokens: 65536, apis: mantleChat}
	gptOSS    = facts{family: "gpt-oss", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, noStop: true, maxTokens: 65536, apis: runtimeChat | mantleOpenAI}
	deepseek  = facts{family: "deepseek", system: true, streaming: true, documents: true, maxTokens: 32768}
	cohere    = facts{family: "cohere", system: true, tools: true, streaming: true, documents: true, maxTokens: 4000}
	notChat   = facts{family: "other", other: true}
)

// embeds are the facts of a model that embeds or ranks by a body of its own.
func embeds(family string) facts { return facts{family: family, other: true} }

// with returns f with one change.
func with(f facts, change func(*facts)) facts {
	change(&f)
	return f
}

const everywhere = "us eu apac jp au in global"

// models are the ids this server knows, as ListFoundationModels names them.
var models = []*model{
	{id: "anthropic.claude-3-sonnet-20240229-v1:0", name: "Claude 3 Sonnet", facts: claude3, onDemand: true, geos: "us eu apac", legacy: true},
	{id: "anthropic.claude-3-haiku-20240307-v1:0", name: "Claude 3 Haiku", facts: claude3, onDemand: true, geos: "us eu apac"},
	{id: "anthropic.claude-3-opus-20240229-v1:0", name: "Claude 3 Opus", facts: claude3, geos: "us", legacy: true},
	{id: "anthropic.claude-3-5-sonnet-20240620-v1:0", name: "Claude 3.5 Sonnet", facts: with(claude35, func(f *facts) { f.cache, f.optimized = false, false }), onDemand: true, geos: "us eu apac"},
	{id: "anthropic.claude-3-5-sonnet-20241022-v2:0", name: "Claude 3.5 Sonnet v2", facts: claude35, onDemand: true, geos: "us apac"},
	{id: "anthropic.claude-3-5-haiku-20241022-v1:0", name: "Claude 3.5 Haiku", facts: with(claude35, func(f *facts) { f.images = false }), onDemand: true, geos: "us"},
	{id: "anthropic.claude-3-7-sonnet-20250219-v1:0", name: "Claude 3.7 Sonnet", facts: claude37, geos: "us eu apac"},
	{id: "anthropic.claude-sonnet-4-20250514-v1:0", name: "Claude Sonnet 4", facts: sonnet4, geos: everywhere},
	{id: "anthropic.claude-opus-4-20250514-v1:0", name: "Claude Opus 4", facts: opus4, geos: "us"},
	{id: "anthropic.claude-opus-4-1-20250805-v1:0", name: "Claude Opus 4.1", facts: by(opus41, invokeOnly), geos: "us"},
	{id: "anthropic.claude-sonnet-4-5-20250929-v1:0", name: "Claude Sonnet 4.5", facts: claude45, geos: everywhere},
	{id: "anthropic.claude-haiku-4-5-20251001-v1:0", name: "Claude Haiku 4.5", facts: by(claude45, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-opus-4-5-20251101-v1:0", name: "Claude Opus 4.5", facts: claude45, geos: everywhere},
	{id: "anthropic.claude-opus-4-6-v1", name: "Claude Opus 4.6", facts: opus46, geos: everywhere},
	{id: "anthropic.claude-sonnet-4-6", name: "Claude Sonnet 4.6", facts: sonnet46, geos: everywhere},
	{id: "anthropic.claude-opus-4-7", name: "Claude Opus 4.7", facts: by(claude5, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-opus-4-8", name: "Claude Opus 4.8", facts: by(opus48, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-sonnet-5", name: "Claude Sonnet 5", facts: by(claude5, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-opus-5", name: "Claude Opus 5", facts: by(opus48, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-fable-5", name: "Claude Fable 5", facts: by(fable5, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-fable-5-1", name: "Claude Fable 5.1", facts: by(unforced, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-fable-5-2", name: "Claude Fable 5.2", facts: by(unforced, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-haiku-5-5", name: "Claude Haiku 5.5", facts: by(claude5, mantleMessages), geos: everywhere},
	{id: "anthropic.claude-sonnet-5-5", name: "Claude Sonnet 5.5", facts: with(unforced, func(f *facts) { f.systemTurns = false }), geos: everywhere},
	{id: "anthropic.claude-opus-5-5", name: "Claude Opus 5.5", facts: by(unforced, mantleMessages), geos: everywhere},

	{id: "amazon.nova-micro-v1:0", name: "Nova Micro", facts: novaMicro, onDemand: true, geos: "us eu apac"},
	{id: "amazon.nova-lite-v1:0", name: "Nova Lite", facts: nova, onDemand: true, geos: "us eu apac"},
	{id: "amazon.nova-pro-v1:0", name: "Nova Pro", facts: nova, onDemand: true, geos: "us eu apac"},
	{id: "amazon.nova-premier-v1:0", name: "Nova Premier", facts: with(nova, func(f *facts) { f.systemTools = true }), geos: "us"},
	{id: "amazon.nova-2-lite-v1:0", name: "Nova 2 Lite", facts: with(nova, func(f *facts) { f.family, f.maxTokens, f.systemTools = "nova2", 65536, true }), geos: "us eu jp global"},
	{id: "amazon.titan-text-lite-v1", name: "Titan Text G1 - Lite", facts: with(titanText, func(f *facts) { f.maxTokens = 4096 }), onDemand: true},
	{id: "amazon.titan-text-express-v1", name: "Titan Text G1 - Express", facts: titanText, onDemand: true},
	{id: "amazon.titan-text-premier-v1:0", name: "Titan Text G1 - Premier", facts: with(titanText, func(f *facts) { f.maxTokens = 3072 }), onDemand: true},
	{id: "amazon.titan-embed-text-v1", name: "Titan Embeddings G1 - Text", facts: embeds("titan-embed-v1"), onDemand: true},
	{id: "amazon.titan-embed-g1-text-02", name: "Titan Text Embeddings v2", facts: embeds("titan-embed-v1"), onDemand: true},
	{id: "amazon.titan-embed-text-v2:0", name: "Titan Text Embeddings V2", facts: embeds("titan-embed-v2"), onDemand: true},
	{id: "amazon.titan-embed-image-v1", name: "Titan Multimodal Embeddings G1", facts: with(embeds("titan-embed-image"), func(f *facts) { f.images = true }), onDemand: true},
	{id: "amazon.nova-2-multimodal-embeddings-v1:0", name: "Nova Multimodal Embeddings", facts: with(embeds("nova-embed"), func(f *facts) { f.images, f.video = true, true }), onDemand: true},
	{id: "amazon.rerank-v1:0", name: "Rerank 1.0", facts: embeds("amazon-rerank"), onDemand: true},

	{id: "meta.llama3-8b-instruct-v1:0", name: "Llama 3 8B Instruct", facts: with(llama, func(f *facts) { f.tools, f.optimized, f.maxTokens = false, false, 2048 }), onDemand: true},
	{id: "meta.llama3-1-8b-instruct-v1:0", name: "Llama 3.1 8B Instruct", facts: llama, onDemand: true, geos: "us"},
	{id: "meta.llama3-1-70b-instruct-v1:0", name: "Llama 3.1 70B Instruct", facts: llama, onDemand: true, geos: "us"},
	{id: "meta.llama3-2-11b-instruct-v1:0", name: "Llama 3.2 11B Instruct", facts: with(llama, func(f *facts) { f.images = true }), geos: "us"},
	{id: "meta.llama3-3-70b-instruct-v1:0", name: "Llama 3.3 70B Instruct", facts: llama, geos: "us"},
	{id: "meta.llama4-scout-17b-instruct-v1:0", name: "Llama 4 Scout 17B Instruct", facts: with(llama, func(f *facts) { f.images = true }), geos: "us"},
	{id: "meta.llama4-maverick-17b-instruct-v1:0", name: "Llama 4 Maverick 17B Instruct", facts: with(llama, func(f *facts) { f.images = true }), geos: "us"},

	{id: "mistral.mistral-7b-instruct-v0:2", name: "Mistral 7B Instruct", facts: with(mistral, func(f *facts) { f.tools, f.system = false, false }), onDemand: true},
	{id: "mistral.mixtral-8x7b-instruct-v0:1", name: "Mixtral 8x7B Instruct", facts: with(mistral, func(f *facts) { f.tools, f.system, f.maxTokens = false, false, 4096 }), onDemand: true},
	{id: "mistral.mistral-large-2402-v1:0", name: "Mistral Large (24.02)", facts: mistral, onDemand: true},
	{id: "mistral.mistral-large-2407-v1:0", name: "Mistral Large (24.07)", facts: mistral, onDemand: true},
	{id: "mistral.pixtral-large-2502-v1:0", name: "Pixtral Large (25.02)", facts: with(mistral, func(f *facts) { f.images = true }), geos: "us eu"},

	{id: "deepseek.r1-v1:0", name: "DeepSeek-R1", facts: deepseek, geos: "us"},
	{id: "deepseek.v3-v1:0", name: "DeepSeek-V3.1", facts: with(by(deepseek, mantleChat), func(f *facts) { f.tools, f.anyTool, f.namedTool, f.structured = true, true, true, true }), onDemand: true},
	{id: "openai.gpt-5.4", name: "GPT-5.4", facts: by(gpt, noConverse|runtimeResponses|mantleResponses|mantleNative), geos: "us global"},
	{id: "openai.gpt-5.5", name: "GPT-5.5", facts: by(gpt, noConverse|runtimeResponses|mantleResponses|mantleNative), geos: "us global"},
	{id: "openai.gpt-5.6-sol", name: "GPT-5.6 Sol", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-5.6-terra", name: "GPT-5.6 Terra", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-5.6-luna", name: "GPT-5.6 Luna", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-5.6-cyber", name: "GPT-5.6 Cyber", facts: by(gpt, noConverse|mantleResponses|mantleNative)},
	{id: "openai.gpt-6-astra", name: "GPT-6 Astra", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-6-sol", name: "GPT-6 Sol", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-6-luna", name: "GPT-6 Luna", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-6.1-sol", name: "GPT-6.1 Sol", facts: by(gpt, runtimeOpenAI|mantleOpenAI|mantleNative), geos: "us global"},
	{id: "openai.gpt-oss-safeguard-20b", name: "gpt-oss-safeguard-20b", facts: with(gptOSS, func(f *facts) { f.apis = mantleChat }), onDemand: true},
	{id: "xai.grok-4.3", name: "Grok 4.3", facts: by(grok, noConverse|mantleOpenAI|mantleNative)},
	{id: "xai.grok-4.6", name: "Grok 4.6", facts: by(grok, runtimeChat|mantleOpenAI|mantleNative), onDemand: true, geos: "us global"},
	{id: "xai.grok-4.7", name: "Grok 4.7", facts: by(grok, runtimeChat), onDemand: true, geos: "us global"},
	{id: "google.gemma-4-31b", name: "Gemma 4 31B", facts: by(gemma, noConverse|mantleOpenAI|mantleNative)},
	{id: "openai.gpt-oss-120b-1:0", name: "gpt-oss-120b", facts: gptOSS, onDemand: true},
	{id: "openai.gpt-oss-20b-1:0", name: "gpt-oss-20b", facts: gptOSS, onDemand: true},
	{id: "qwen.qwen3-32b-v1:0", name: "Qwen3 32B", facts: open, onDemand: true},
	{id: "qwen.qwen3-235b-a22b-2507-v1:0", name: "Qwen3 235B A22B 2507", facts: open, onDemand: true},
	{id: "qwen.qwen3-coder-30b-a3b-v1:0", name: "Qwen3-Coder-30B-A3B", facts: open, onDemand: true},
	{id: "google.gemma-3-27b-it", name: "Gemma 3 27B IT", facts: with(open, func(f *facts) { f.images = true }), onDemand: true},
	{id: "minimax.minimax-m2", name: "MiniMax M2", facts: open, onDemand: true},
	{id: "moonshot.kimi-k2-thinking", name: "Kimi K2 Thinking", facts: open, onDemand: true},
	{id: "cohere.command-r-v1:0", name: "Command R", facts: cohere, onDemand: true},
	{id: "cohere.command-r-plus-v1:0", name: "Command R+", facts: cohere, onDemand: true},
	{id: "cohere.embed-english-v3", name: "Embed English", facts: with(embeds("cohere-embed-v3"), func(f *facts) { f.images = true }), onDemand: true},
	{id: "cohere.embed-multilingual-v3", name: "Embed Multilingual", facts: with(embeds("cohere-embed-v3"), func(f *facts) { f.images = true }), onDemand: true},
	{id: "cohere.embed-v4:0", name: "Embed v4", facts: with(embeds("cohere-embed-v4"), func(f *facts) { f.images = true }), onDemand: true, geos: "us eu global"},
	{id: "cohere.rerank-v3-5:0", name: "Rerank 3.5", facts: embeds("cohere-rerank"), onDemand: true},
	{id: "twelvelabs.marengo-embed-3-0-v1:0", name: "Marengo Embed 3.0", facts: with(embeds("marengo"), func(f *facts) { f.images, f.video = true, true }), geos: "us eu apac"},
	{id: "stability.sd3-5-large-v1:0", name: "Stable Diffusion 3.5 Large", facts: notChat, onDemand: true},
}

// providers are the display names of the first part of a model id.
var providers = map[string]string{
	"amazon": "Amazon", "anthropic": "Anthropic", "cohere": "Cohere", "deepseek": "DeepSeek", "google": "Google",
	"meta": "Meta", "minimax": "MiniMax", "mistral": "Mistral AI", "moonshot": "Moonshot AI", "openai": "OpenAI",
	"qwen": "Qwen", "stability": "Stability AI", "twelvelabs": "TwelveLabs", "xai": "xAI",
}

// byID holds the models and their inference profiles.
var byID = func() map[string]*model {
	m := map[string]*model{}
	for _, one := range models {
		first, _, _ := strings.Cut(one.id, ".")
		one.provider = providers[first]
		if !one.onRuntime() {
			continue
		}
		m[one.id] = one
		for geo := range strings.FieldsSeq(one.geos) {
			m[geo+"."+one.id] = one
		}
	}
	return m
}()

// defaultProfiles are the opaque ids every server knows.
var defaultProfiles = map[string]string{"simulator0000": "us.anthropic.claude-sonnet-4-5-20250929-v1:0"}

var (
	// arnForm takes an ARN apart: region, account, kind and id.
	arnForm = regexp.MustCompile(`^arn:aws(?:-[a-z-]+)?:bedrock:([a-z0-9-]{1,20}):([0-9]{12})?:([a-z-]+)/([a-zA-Z0-9._:/-]+)$`)
	// windowSuffix is the context window some ids end in, as listed for provisioned throughput.
	windowSuffix = regexp.MustCompile(`^(.+:[0-9]+):[0-9]+k$`)
)

// findModel resolves a model id, inference profile id or ARN.
func (x *exchange) findModel(id string) (*model, *apiError) {
	unknown := invalid("The provided model identifier is invalid.")
	if len(id) > maxModelID {
		return nil, unknown
	}
	bare := id
	if strings.HasPrefix(id, "arn:") {
		parts := arnForm.FindStringSubmatch(id)
		if parts == nil || x.seen.Region != "" && parts[1] != x.seen.Region {
			return nil, unknown
		}
		bare = parts[4]
		if kind := parts[3]; kind != "foundation-model" && kind != "inference-profile" {
			if bare = x.opts.Profiles[parts[4]]; bare == "" {
				bare = defaultProfiles[parts[4]]
			}
			m := byID[bare]
			if m == nil {
				return nil, &apiError{name: "ResourceNotFoundException", message: "The specified resource could not be found."}
			}
			return m, nil
		}
	}
	if m := windowSuffix.FindStringSubmatch(bare); m != nil {
		bare = m[1]
	}
	m := byID[bare]
	if m == nil {
		return nil, unknown
	}
	if geo, found := strings.CutSuffix(bare, "."+m.id); found && !serves(geo, x.seen.Region) {
		return nil, unknown
	}
	if m.id == bare && !m.onDemand {
		return nil, invalid("Invocation of model ID %s with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model.", id)
	}
	return m, nil
}
