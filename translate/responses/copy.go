package responses

import (
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// What AWS's copies of the API refuse of what the original takes: a request with any of it is a 400 as a whole. From the
// user guide's page https://docs.aws.amazon.com/bedrock/latest/userguide/inference-responses-api.html and LiteLLM's live
// tries of October 2026 (litellm/llms/bedrock, codex_compat.py).

// copied reports whether the request goes to a copy.
func copied(x *chat.Exchange) bool { return x.Access.Host != model.AnyHost }

// copyTools are the types of tools that a copy takes.
var copyTools = map[model.Host][]string{
	model.Runtime: {"function", "custom", "mcp", "apply_patch", "namespace", "tool_search", "computer"},
	model.Mantle:  {"function", "custom", "mcp", "namespace", "tool_search", "web_search"},
}

// takesTool reports whether the target takes a tool of the given type.
func takesTool(x *chat.Exchange, kind string) bool {
	return !copied(x) || slices.Contains(copyTools[x.Access.Host], kind)
}

// serviceTiers are the tiers of the original; mantle has the first two alone.
var serviceTiers = []string{"auto", "default", "flex", "scale", "priority", "fast", "ultrafast"}

// takesTier reports whether the target knows the service tier.
func takesTier(x *chat.Exchange, tier string) bool {
	if x.Access.Host == model.Mantle {
		return tier == "auto" || tier == "default"
	}
	return slices.Contains(serviceTiers, tier)
}

// takesSummary reports whether the target takes the value of reasoning.summary: on mantle below /openai/v1 only auto is.
func takesSummary(x *chat.Exchange, summary string) bool {
	return x.Access.Host != model.Mantle || x.Access.Path != "/openai/v1" || summary == "auto"
}

// sampling are the parameters that GPT on Bedrock takes only with the effort none, and OpenAI's models that reason only as
// they are anyway.
var sampling = map[string]string{"temperature": "1", "top_p": "1", "top_logprobs": "0"}

// takesSampling reports whether the target takes a parameter of sampling, and whether something is lost if it does not.
func takesSampling(x *chat.Exchange, param string, v chat.Value, effort string) (takes, lost bool) {
	usual := string(v) == sampling[param]
	switch {
	case copied(x) && x.Facts.Chat.EffortFirst:
		return effort == "none", !usual
	case !copied(x) && (x.Facts.NoSampling || x.Facts.Thinking == model.ThinkingEffort) && x.Facts.Family == model.GPT:
		return effort == "none" || usual && param != "top_logprobs", !usual
	}
	return true, false
}

// reasons reports whether the model reasons, so that it can be told how, and seals what it thought.
func reasons(x *chat.Exchange) bool { return x.Facts.Thinking == model.ThinkingEffort }

// refusedItems are the types of items that no copy takes; mantle also refuses additional_tools.
var refusedItems = map[string]bool{
	"agent_message": true, "context_compaction": true, "local_shell_call": true, "local_shell_call_output": true,
}
