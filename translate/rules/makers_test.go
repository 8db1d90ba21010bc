package rules

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// A client sends an opaque value back as it got it, whoever made it.
func TestAnOpaqueValueTellsItsMaker(t *testing.T) {
	for name, tc := range map[string]struct {
		by     model.Family
		value  chat.String
		sealed string
		back   chat.Maker
	}{
		"Claude's, as ever":     {model.Claude, chat.String(`"EqQB=="`), `"EqQB=="`, chat.MakerClaude},
		"GPT's":                 {model.GPT, chat.String(`"gAAAA_x="`), `"bedrock-gateway.gpt.gAAAA_x="`, chat.MakerGPT},
		"gpt-oss's":             {model.GPTOSS, chat.String(`"a.b"`), `"bedrock-gateway.gpt-oss.a.b"`, chat.MakerGPTOSS},
		"empty":                 {model.Nova, chat.String(`""`), `"bedrock-gateway.nova."`, chat.MakerNova},
		"of an unknown model":   {model.Unknown, chat.String(`"x"`), `"x"`, chat.MakerClaude},
		"none":                  {model.GPT, nil, "", chat.MakerClaude},
		"a maker of the future": {model.Claude, chat.String(`"bedrock-gateway.new.x"`), `"bedrock-gateway.new.x"`, chat.MakerOther},
	} {
		t.Run(name, func(t *testing.T) {
			x := &chat.Exchange{Facts: model.Facts{Family: tc.by}}
			sealed := Seal(tc.value, x)
			if string(sealed) != tc.sealed {
				t.Fatalf("sealed as %s, want %s", sealed, tc.sealed)
			}
			maker, value := Unseal(sealed)
			if maker != tc.back || string(value) != string(tc.value) {
				t.Errorf("came back as %s of %s", value, maker)
			}
			if HoldsSealed(sealed) != strings.HasPrefix(tc.sealed, `"bedrock-gateway.`) {
				t.Errorf("whether %s is sealed is not seen", sealed)
			}
			asBytes := SealBytes(tc.value, x)
			if _, err := base64.StdEncoding.DecodeString(asBytes.Unquote()); err != nil && SealPrefix(x) != "" {
				t.Errorf("%s is no base64: %v", asBytes, err)
			}
			if maker, value := UnsealBytes(asBytes); string(value) != string(tc.value) || SealPrefix(x) != "" && value != nil && maker != tc.back {
				t.Errorf("as bytes %s, which came back as %s of %s", asBytes, value, maker)
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
