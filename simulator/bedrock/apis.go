package bedrock

import (
	"regexp"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
)

// api is one of Bedrock's APIs on one of its hosts, as a set.
type api uint16

const (
	// noConverse: neither Converse nor InvokeModel serve the model.
	noConverse api = 1 << iota
	// invokeOnly: InvokeModel serves it, Converse does not.
	invokeOnly
	runtimeChat
	runtimeResponses
	runtimeMessages
	mantleChat
	mantleResponses
	mantleMessages
	// mantleNative: on mantle the model answers below /openai/v1, not below /v1.
	mantleNative
)

const (
	runtimeOpenAI = runtimeChat | runtimeResponses
	mantleOpenAI  = mantleChat | mantleResponses
)

// gpt, grok and gemma are the families that came with the newer APIs. What they refuse, and which API has which of them,
// is from the user guide's pages models-api-compatibility, inference-chat-completions and inference-responses-api, and
// from live reports (LiteLLM's Bedrock provider) of October 2026.
var (
	gpt = facts{
		family: "gpt", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, images: true, documents: true,
		noStop: true, maxTokens: 128_000, efforts: []string{"none", "minimal", "low", "medium", "high", "xhigh"},
	}
	grok = facts{
		family: "grok", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, images: true,
		noStop: true, maxTokens: 128_000, efforts: []string{"low", "medium", "high"},
	}
	gemma = facts{
		family: "open", system: true, tools: true, anyTool: true, namedTool: true, streaming: true, images: true,
		structured: true, maxTokens: 32_768,
	}
)

// by returns f for a model that has the given APIs beside those that its family has.
func by(f facts, apis api) facts {
	f.apis |= apis
	return f
}

// onRuntime reports whether the runtime host serves the model by any API.
func (m *model) onRuntime() bool {
	return m.apis&noConverse == 0 || m.apis&runtimeOpenAI != 0
}

// limits are the model's, as OpenAI's chat, or Responses, of the given host has them.
func (m *model) limits(mantle, chat bool) openai.Model {
	l := openai.Limits{Reasons: m.efforts != nil, Efforts: m.efforts, InlineImages: true, NoImages: !m.images, NoFiles: true, NoStop: m.noStop}
	l.PositionalIDs, l.NoBreakpoints = chat, true
	switch m.family {
	case "gpt":
		l.NoFiles = chat
		l.CompletionTokens, l.ToolsWithoutEffort, l.SamplingWithoutEffort = true, true, true
		l.NoBreakpoints = strings.Contains(m.id, "gpt-5.4") || strings.Contains(m.id, "gpt-5.5")
	case "grok":
		l.PenaltiesFail = true
	case "gpt-oss":
		l.Reasons, l.Efforts = true, []string{"low", "medium", "high"}
		l.NoStop, l.NoLogitBias, l.IgnoresFormat, l.TaggedReasoning, l.OpenReasoning = true, true, true, chat, true
	}
	l.Tools = []string{"function", "custom", "mcp", "apply_patch", "namespace", "tool_search", "computer"}
	l.RefusedItems = []string{"agent_message", "context_compaction", "local_shell_call"}
	if mantle {
		l.Tools = []string{"function", "custom", "mcp", "namespace", "tool_search", "web_search"}
		l.RefusedItems = append(l.RefusedItems, "additional_tools")
		l.Tiers, l.Background = []string{"auto", "default"}, true
		if m.apis&mantleNative != 0 {
			l.Summaries = []string{"auto"}
		}
	}
	return openai.Model{ID: m.id, Context: 400_000, Output: m.maxTokens, Limits: l}
}

// versionSuffix is what a runtime id has and mantle's has not: a version, and Claude's date.
var versionSuffix = regexp.MustCompile(`(-\d{8})?(-v\d+)?(:\d+)?$`)

// mantleID is the id by which mantle knows the model: no region prefix and no version.
func (m *model) mantleID() string {
	id := versionSuffix.ReplaceAllString(m.id, "")
	if strings.HasPrefix(id, "openai.gpt-oss") {
		id = strings.TrimSuffix(id, "-1")
	}
	return id
}

// byMantleID holds the models that mantle serves.
var byMantleID = func() map[string]*model {
	m := map[string]*model{}
	for _, one := range models {
		if one.apis&(mantleOpenAI|mantleMessages) != 0 {
			m[one.mantleID()] = one
		}
	}
	return m
}()
