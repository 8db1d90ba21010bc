package rules

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// A client sends an opaque value back as it got it, whoever made it.
func TestAnOpaqueValueTellsItsMaker(t *testing.T) {
	for name, tc := range map[string]struct {
		maker  chat.Maker
		value  chat.String
		sealed string
		back   chat.Maker
	}{
		"Claude's, as ever":     {chat.MakerClaude, chat.String(`"EqQB=="`), `"EqQB=="`, chat.MakerClaude},
		"GPT's":                 {chat.MakerGPT, chat.String(`"gAAAA_x="`), `"bedrock-gateway.gpt.gAAAA_x="`, chat.MakerGPT},
		"gpt-oss's":             {chat.MakerGPTOSS, chat.String(`"a.b"`), `"bedrock-gateway.gpt-oss.a.b"`, chat.MakerGPTOSS},
		"empty":                 {chat.MakerNova, chat.String(`""`), `"bedrock-gateway.nova."`, chat.MakerNova},
		"of an unknown model":   {chat.MakerUnknown, chat.String(`"x"`), `"x"`, chat.MakerClaude},
		"none":                  {chat.MakerGPT, nil, "", chat.MakerClaude},
		"a maker of the future": {chat.MakerClaude, chat.String(`"bedrock-gateway.new.x"`), `"bedrock-gateway.new.x"`, chat.MakerOther},
	} {
		t.Run(name, func(t *testing.T) {
			sealed := Seal(tc.maker, tc.value)
			if string(sealed) != tc.sealed {
				t.Fatalf("sealed as %s, want %s", sealed, tc.sealed)
			}
			maker, value := Unseal(sealed)
			if maker != tc.back || string(value) != string(tc.value) {
				t.Errorf("came back as %s of %s", value, maker)
			}
		})
	}
}

// No model reads what another maker's has signed.
func TestReadableBy(t *testing.T) {
	for _, tc := range []struct {
		maker  chat.Maker
		family model.Family
		want   bool
	}{
		{chat.MakerClaude, model.Claude, true},
		{chat.MakerClaude, model.GPT, false},
		{chat.MakerGPT, model.Claude, false},
		{chat.MakerGPT, model.GPT, true},
		{chat.MakerNova, model.Nova2, true},
		{chat.MakerUnknown, model.Claude, true},
		{chat.MakerUnknown, model.Nova2, false},
		{chat.MakerClaude, model.Unknown, true}, // behind an inference profile of the account's own
		{chat.MakerGPT, model.Unknown, false},
	} {
		if got := tc.maker.ReadableBy(tc.family); got != tc.want {
			t.Errorf("%s by %q: %v", tc.maker, tc.family, got)
		}
	}
}
