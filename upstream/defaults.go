package upstream

import "strings"

// The routes that hold without a word of configuration, tried after the config's own.
var (
	// openAIPatterns are the ids of OpenAI's own models.
	openAIPatterns = patterns("gpt-*", "text-*", "dall-e-*", "o1*", "o3*", "o4*", "chatgpt-*")

	// bedrockProviders begin the ids of Bedrock's models. openai.gpt-oss-* is Bedrock's, not OpenAI's.
	bedrockProviders = [...]string{
		"anthropic.", "amazon.", "ai21.", "cohere.", "meta.", "mistral.", "deepseek.", "openai.", "qwen.", "google.",
		"nvidia.", "writer.", "moonshot.", "moonshotai.", "minimax.", "zai.", "xai.", "stability.", "twelvelabs.", "luma.",
	}
)

func patterns(texts ...string) []Pattern {
	ps := make([]Pattern, len(texts))
	for i, t := range texts {
		ps[i] = NewPattern(t)
	}
	return ps
}

// isOpenAI tells whether the id is one of OpenAI's own models.
func isOpenAI(id string) bool {
	for i := range openAIPatterns {
		if openAIPatterns[i].Match(id) {
			return true
		}
	}
	return false
}

// isBedrock tells whether the id is one of Bedrock's: a provider's prefix with or without a region's before it (us.,
// eu., global., us-gov. …), or an ARN.
func isBedrock(id string) bool {
	if _, ok := arnRegion(id); ok || hasProvider(id) {
		return true
	}
	dot := strings.IndexByte(id, '.')
	if dot < 1 {
		return false
	}
	for _, c := range []byte(id[:dot]) {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return hasProvider(id[dot+1:])
}

func hasProvider(id string) bool {
	for _, p := range bedrockProviders {
		if strings.HasPrefix(id, p) {
			return true
		}
	}
	return false
}

// arnRegion gives the region of a Bedrock ARN: arn:aws*:bedrock:<region>:…
func arnRegion(id string) (string, bool) {
	rest, ok := strings.CutPrefix(id, "arn:aws")
	if !ok {
		return "", false
	}
	_, rest, _ = strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	region, _, ok := strings.Cut(rest, ":")
	return region, ok && service == "bedrock"
}
