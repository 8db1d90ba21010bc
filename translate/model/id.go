package model

import "strings"

// providers are the first parts of Bedrock's model ids, without a region prefix; from
// https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html, November 2026.
var providers = [...]string{
	"ai21", "amazon", "anthropic", "cohere", "deepseek", "google", "luma", "meta", "minimax", "mistral", "moonshot",
	"moonshotai", "nvidia", "openai", "qwen", "stability", "twelvelabs", "writer", "xai", "zai",
}

// opaque are the resources whose ARN does not name the model behind them.
var opaque = [...]string{
	"application-inference-profile/", "custom-model-deployment/", "default-prompt-router/", "imported-model/",
	"prompt-router/", "provisioned-model/",
}

// Geography returns the prefix before the provider in one of Bedrock's ids: "us" of us.anthropic.…, "" of anthropic.…. Any
// word of small letters and hyphens counts as a geography, since AWS adds new ones. ok is false if the id has no provider
// where one belongs.
func Geography(id string) (geo string, ok bool) {
	first, rest, found := strings.Cut(id, ".")
	if !found {
		return "", false
	}
	if provider(first) {
		return "", true
	}
	second, _, found := strings.Cut(rest, ".")
	return first, found && provider(second) && isGeography(first)
}

// WithoutGeography returns one of Bedrock's ids without the geography before its provider: anthropic.… of us.anthropic.….
func WithoutGeography(id string) string {
	if geo, ok := Geography(id); ok && geo != "" {
		return id[len(geo)+1:]
	}
	return id
}

func isGeography(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return s != ""
}

// Providers returns the providers of Bedrock's models, as the first parts of their ids.
func Providers() []string { return providers[:] }

// Base returns the id by which facts are looked up: an ARN's path, a region prefix (us., eu., apac., global. …) and all
// from the first colon on (:0, :0:51k) are stripped. For an ARN that does not name its model it returns "". The base id
// never reaches a URL.
func Base(id string) string {
	if strings.HasPrefix(id, "arn:") {
		if id = resource(id); id == "" {
			return ""
		}
	}
	id = strings.TrimPrefix(id, "ft:") // OpenAI's fine-tuned models: ft:gpt-4o:org::x
	if i := strings.IndexByte(id, ':'); i >= 0 {
		id = id[:i]
	}
	if i := strings.IndexByte(id, '.'); i > 0 && !provider(id[:i]) {
		if j := strings.IndexByte(id[i+1:], '.'); j > 0 && provider(id[i+1:i+1+j]) {
			return id[i+1:]
		}
	}
	return id
}

// Resource returns the id in a Bedrock ARN, whatever its kind: that of a model, with its version, or of a profile. Anything
// else is returned as it is.
func Resource(id string) string {
	if !strings.HasPrefix(id, "arn:") {
		return id
	}
	parts := strings.SplitN(id, ":", 6)
	if len(parts) < 6 {
		return id
	}
	if _, name, ok := strings.Cut(parts[5], "/"); ok {
		return name
	}
	return id
}

// resource returns the model id in an ARN: arn:partition:bedrock:region:account:kind/id, and for a custom model
// kind/base-id/name.
func resource(arn string) string {
	for range 5 {
		i := strings.IndexByte(arn, ':')
		if i < 0 {
			return ""
		}
		arn = arn[i+1:]
	}
	for _, kind := range opaque {
		if strings.HasPrefix(arn, kind) {
			return ""
		}
	}
	i := strings.IndexByte(arn, '/')
	if i < 0 {
		return ""
	}
	arn = arn[i+1:]
	if i = strings.IndexByte(arn, '/'); i >= 0 {
		arn = arn[:i]
	}
	return arn
}

func provider(s string) bool {
	for _, p := range providers {
		if s == p {
			return true
		}
	}
	return false
}
