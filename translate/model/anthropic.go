package model

import "strings"

// anthropicDates complete the aliases of Anthropic's own API, which name no version. Source: the model tables of
// https://platform.claude.com/docs/en/about-claude/models/overview, November 2026. Models from 4.6 on have no date.
var anthropicDates = map[string]string{
	"claude-opus-4-5":   "20251101",
	"claude-haiku-4-5":  "20251001",
	"claude-sonnet-4-5": "20250929",
	"claude-opus-4-1":   "20250805",
	"claude-opus-4-0":   "20250514",
	"claude-opus-4":     "20250514",
	"claude-sonnet-4-0": "20250514",
	"claude-sonnet-4":   "20250514",
	"claude-3-7-sonnet": "20250219",
	"claude-3-5-sonnet": "20241022",
	"claude-3-5-haiku":  "20241022",
	"claude-3-haiku":    "20240307",
	"claude-3-opus":     "20240229",
}

// bedrockVersions end the Bedrock ids of Claude models that break the rule: a dated id ends in -v1:0, another in nothing.
// Source: https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html, November 2026.
var bedrockVersions = map[string]string{
	"claude-3-5-sonnet-20241022": "-v2:0",
	"claude-opus-4-6":            "-v1",
}

const dateLen = len("20250929")

// OnBedrock returns Bedrock's id of the model that Anthropic's own API calls id, dated (claude-haiku-4-5-20251001) or an
// alias (claude-sonnet-4-5, claude-3-7-sonnet-latest). ok is false if id is none of Anthropic's.
func OnBedrock(id string) (bedrockID string, ok bool) {
	rest, ok := strings.CutPrefix(id, "claude-")
	if !ok || rest == "" {
		return "", false
	}
	for i := range len(rest) {
		if c := rest[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return "", false
		}
	}
	name := strings.TrimSuffix(id, "-latest")
	if date := anthropicDates[name]; date != "" {
		name = strings.TrimSuffix(name, "-0") + "-" + date // claude-opus-4-0 is claude-opus-4-20250514
	}
	version, known := bedrockVersions[name]
	if !known && dated(name) {
		version = "-v1:0"
	}
	return "anthropic." + name + version, true
}

// dated reports whether an id ends in a date.
func dated(id string) bool {
	i := strings.LastIndexByte(id, '-')
	if len(id)-i-1 != dateLen {
		return false
	}
	for _, c := range id[i+1:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
