package upstream

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// openAIPatterns are the ids of OpenAI's own models, fine-tuned ones (ft:) among them. Source: the models that
// https://github.com/openai/openai-python names (src/openai/types), August 2026.
var openAIPatterns = patterns(
	"gpt-*", "o1*", "o3*", "o4*", "chatgpt-*", "codex-*", "computer-use-*", "text-*", "dall-e-*", "tts-*", "whisper-*",
	"omni-moderation*", "davinci-*", "babbage-*", "sora-*", "ft:*",
)

func patterns(texts ...string) []Pattern {
	ps := make([]Pattern, len(texts))
	for i, t := range texts {
		ps[i] = NewPattern(t)
	}
	return ps
}

// isOpenAI reports whether the id is one of OpenAI's own models.
func isOpenAI(id string) bool {
	for i := range openAIPatterns {
		if openAIPatterns[i].Match(id) {
			return true
		}
	}
	return false
}

// isBedrock reports whether the id is one of Bedrock's: a provider's prefix with or without a geography's before it (us.,
// eu., in., global., us-gov. …), or an ARN. Any word of small letters and hyphens is a geography, so that a new one needs
// no release of the gateway.
func isBedrock(id string) bool {
	if _, ok := arnRegion(id); ok {
		return true
	}
	_, ok := model.Geography(id)
	return ok
}

// arnRegion returns the region of an ARN that Bedrock takes as a model: arn:<partition>:bedrock:<region>:…, or that of a
// marketplace endpoint, arn:<partition>:sagemaker:<region>:…:endpoint/…
func arnRegion(id string) (string, bool) {
	rest, ok := strings.CutPrefix(id, "arn:aws")
	if !ok {
		return "", false
	}
	_, rest, _ = strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	region, rest, ok := strings.Cut(rest, ":")
	if service == "sagemaker" {
		_, resource, found := strings.Cut(rest, ":")
		return region, ok && found && strings.HasPrefix(resource, "endpoint/")
	}
	return region, ok && service == "bedrock"
}
