package tracing

import (
	"go.opentelemetry.io/otel/attribute"
)

// The names of OpenTelemetry's semantic conventions for generative AI
// (https://github.com/open-telemetry/semantic-conventions-genai, November 2026). They moved out of the main conventions, are
// all marked as in development, and still change: here is the one place that has them.
const (
	keyOperation  = attribute.Key("gen_ai.operation.name")
	keyProvider   = attribute.Key("gen_ai.provider.name")
	keyModel      = attribute.Key("gen_ai.request.model")
	keyOriginal   = attribute.Key("gen_ai.original.model") // not a convention's: the client's name for it, as Envoy AI Gateway calls it
	keyStream     = attribute.Key("gen_ai.request.stream")
	keyMaxTokens  = attribute.Key("gen_ai.request.max_tokens")
	keyResponseID = attribute.Key("gen_ai.response.id")
	keyServed     = attribute.Key("gen_ai.response.model")
	keyFinish     = attribute.Key("gen_ai.response.finish_reasons")
	keyFirstChunk = attribute.Key("gen_ai.response.time_to_first_chunk") // seconds
	keyInput      = attribute.Key("gen_ai.usage.input_tokens")           // those of caches included
	keyOutput     = attribute.Key("gen_ai.usage.output_tokens")
	keyCacheRead  = attribute.Key("gen_ai.usage.cache_read.input_tokens")
	keyCacheWrite = attribute.Key("gen_ai.usage.cache_creation.input_tokens")
	keyReasoning  = attribute.Key("gen_ai.usage.reasoning.output_tokens")
	// Opt-in: with log_content.
	keyInstructions = attribute.Key("gen_ai.system_instructions")
	keyPrompt       = attribute.Key("gen_ai.input.messages")
	keyReply        = attribute.Key("gen_ai.output.messages")

	keyError   = attribute.Key("error.type")
	keyAddress = attribute.Key("server.address")
	keyPort    = attribute.Key("server.port")
	keyStatus  = attribute.Key("http.response.status_code")
	keyResend  = attribute.Key("http.request.resend_count")

	// The gateway's own.
	keyUpstream = attribute.Key("caddy.bedrock_gateway.upstream")
	keyAPI      = attribute.Key("caddy.bedrock_gateway.api")
	keyID       = attribute.Key("caddy.bedrock_gateway.request_id")
	keyCost     = attribute.Key("caddy.bedrock_gateway.cost") // dollars
)

// numbers are the members of a request that become attributes as numbers, by the names that dialects have for them.
var numbers = []struct {
	members []string
	key     attribute.Key
	whole   bool
}{
	{[]string{"max_completion_tokens", "max_tokens", "max_output_tokens", "inferenceConfig.maxTokens", "textGenerationConfig.maxTokenCount"}, keyMaxTokens, true},
	{[]string{"temperature", "inferenceConfig.temperature", "textGenerationConfig.temperature"}, "gen_ai.request.temperature", false},
	{[]string{"top_p", "inferenceConfig.topP", "textGenerationConfig.topP"}, "gen_ai.request.top_p", false},
	{[]string{"top_k"}, "gen_ai.request.top_k", false},
	{[]string{"frequency_penalty"}, "gen_ai.request.frequency_penalty", false},
	{[]string{"presence_penalty"}, "gen_ai.request.presence_penalty", false},
	{[]string{"seed"}, "gen_ai.request.seed", true},
	{[]string{"n"}, "gen_ai.request.choice.count", true},
}

// providers are the conventions' names of providers, by the kind of the upstream.
var providers = map[string]string{"bedrock": "aws.bedrock", "openai": "openai"}

// operations are the names of what endpoints do; all others are a chat. Those without a convention have names of our own, as
// it allows.
var operations = map[string]string{
	"embeddings": "embeddings", "completions": "text_completion", "rerank": "rerank", "rerank.v2": "rerank", "rerank.plain": "rerank",
	"images": "image_generation", "audio": "audio", "moderations": "moderation",
	"messages.count_tokens": "count_tokens", "count_tokens": "count_tokens", "bedrock.messages.count_tokens": "count_tokens",
}
