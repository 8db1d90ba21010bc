package model

// A betaSet is one of the lists in betas.
type betaSet uint8

const (
	betasNone betaSet = iota
	betasClaude
	betasComputer
	betasOpus46
	betasOpus47
)

// betas are Anthropic's betas that Bedrock takes; any other is answered by a 400, so it must not be sent. From live
// probes of August 2026 (https://github.com/envoyproxy/ai-gateway/pull/2512), the two last of AWS's page
// https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html,
// and https://github.com/anthropics/claude-code/issues/49370 for Opus 4.7. That of the newer computer tool, for Opus from
// 4.5 on and the other families from 4.6 on, is LiteLLM's rule (llms/bedrock/chat/converse_transformation.py, 1.110.2).
var betas = [...][]string{
	betasNone:     nil,
	betasClaude:   common,
	betasComputer: append([]string{computerUse}, common...),
	betasOpus46:   append([]string{"claude-code-20250219", computerUse}, common...),
	betasOpus47:   {"interleaved-thinking-2025-05-14", computerUse},
}

// computerUse brings computer_20251124.
const computerUse = "computer-use-2025-11-24"

var common = []string{
	"interleaved-thinking-2025-05-14",
	"context-1m-2025-08-07",
	"context-management-2025-06-27",
	"dev-full-thinking-2025-05-14",
	"fine-grained-tool-streaming-2025-05-14",
	"token-efficient-tools-2025-02-19",
	"token-counting-2024-11-01",
	"tool-search-tool-2025-10-19",
	"computer-use-2024-10-22",
	"computer-use-2025-01-24",
	"mcp-client-2025-04-04",
	"mcp-client-2025-11-20",
	"web-search-2025-03-05",
	"search-results-2025-06-09",
	"output-128k-2025-02-19",
	"effort-2025-11-24",
	"tool-examples-2025-10-29",
}
