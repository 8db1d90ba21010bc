package model

import (
	"strings"
	"testing"
)

// ways writes accesses as "converse chat*", spare ones with a star.
func ways(list []Access) string {
	var b strings.Builder
	for i, a := range list {
		if i > 0 {
			b.WriteByte(' ')
		}
		if a.Host == Mantle {
			b.WriteString("mantle" + a.Path + ":")
		}
		b.WriteString(a.API.String())
		if a.Spare {
			b.WriteByte('*')
		}
	}
	return b.String()
}

// The rows of AWS's table of models and APIs. Mantle stands in only where the runtime has nothing, or where it is asked
// for.
func TestAPIsOfEveryModel(t *testing.T) {
	for id, want := range map[string][2]string{
		"us.anthropic.claude-sonnet-4-5-20250929-v1:0":   {"converse invoke messages", ""},
		"us.anthropic.claude-opus-4-1-20250805-v1:0":     {"invoke messages", ""},
		"us.anthropic.claude-opus-5":                     {"converse invoke messages", "mantle:messages"},
		"anthropic.claude-haiku-4-5":                     {"mantle:messages", "mantle:messages"},
		"us.anthropic.claude-haiku-4-5-20251001-v1:0":    {"converse invoke messages", "mantle:messages"},
		"us.openai.gpt-5.5":                              {"responses", "mantle/openai/v1:responses"},
		"openai.gpt-5.6-cyber":                           {"mantle/openai/v1:responses", "mantle/openai/v1:responses"},
		"openai.gpt-daybreak-1":                          {"mantle/openai/v1:responses", "mantle/openai/v1:responses"},
		"global.openai.gpt-6-sol":                        {"responses converse chat", "mantle/openai/v1:responses mantle/openai/v1:chat"},
		"openai.gpt-oss-120b-1:0":                        {"converse chat*", "mantle/v1:responses* mantle/v1:chat*"},
		"openai.gpt-oss-120b":                            {"mantle/v1:responses* mantle/v1:chat*", "mantle/v1:responses* mantle/v1:chat*"},
		"openai.gpt-oss-safeguard-20b":                   {"converse", "mantle/v1:chat*"},
		"xai.grok-4.3":                                   {"mantle/openai/v1:responses mantle/openai/v1:chat", "mantle/openai/v1:responses mantle/openai/v1:chat"},
		"xai.grok-4.6":                                   {"converse chat", "mantle/openai/v1:responses mantle/openai/v1:chat"},
		"google.gemma-4-31b":                             {"mantle/openai/v1:responses mantle/openai/v1:chat", "mantle/openai/v1:responses mantle/openai/v1:chat"},
		"qwen.qwen3-32b-v1:0":                            {"converse", "mantle/v1:chat*"},
		"qwen.qwen3-32b":                                 {"mantle/v1:chat*", "mantle/v1:chat*"},
		"deepseek.v3.1":                                  {"mantle/v1:chat*", "mantle/v1:chat*"},
		"amazon.nova-lite-v1:0":                          {"converse", ""},
		"amazon.titan-text-lite-v1":                      {"invoke", ""},
		"arn:aws:bedrock:us-east-1:1:imported-model/abc": {"converse", ""},
		"meta.llama3-3-70b-instruct-v1:0":                {"converse", ""},
	} {
		f := Lookup(id)
		if got := [2]string{ways(f.Accesses(false)), ways(f.Accesses(true))}; got != want {
			t.Errorf("%s: %q, want %q", id, got, want)
		}
	}
}

func TestMantlesNames(t *testing.T) {
	for id, want := range map[string]string{
		"us.anthropic.claude-haiku-4-5-20251001-v1:0": "anthropic.claude-haiku-4-5",
		"global.anthropic.claude-opus-4-8":            "anthropic.claude-opus-4-8",
		"us.openai.gpt-5.6-sol":                       "openai.gpt-5.6-sol",
		"openai.gpt-oss-120b-1:0":                     "openai.gpt-oss-120b",
		"openai.gpt-oss-20b":                          "openai.gpt-oss-20b",
		"qwen.qwen3-32b-v1:0":                         "qwen.qwen3-32b",
		"deepseek.v3-v1:0":                            "deepseek.v3.1",
		"xai.grok-4.3":                                "xai.grok-4.3",
		"google.gemma-4-31b":                          "google.gemma-4-31b",
	} {
		if got := MantleID(id); got != want {
			t.Errorf("%s: %s, want %s", id, got, want)
		}
	}
}

func TestNamesOfAPIsAndHosts(t *testing.T) {
	for _, name := range APIs {
		if APIByName(name).String() != name {
			t.Error(name)
		}
	}
	for _, name := range Hosts {
		if HostByName(name).String() != name {
			t.Error(name)
		}
	}
	if APIByName("soap") != AnyAPI || HostByName("moon") != AnyHost {
		t.Error("unknown names are none")
	}
}
