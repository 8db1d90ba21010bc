package translate

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/claude"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/converse"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/responses"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/titan"
)

// dialects are all that there are: a new one is a folder and a line here.
var dialects = [...]Dialect{openai.Dialect{}, responses.Dialect{}, responses.Compact{}, claude.Dialect{}, converse.Dialect{}, titan.Dialect{}}

// ByName returns the dialect of that name; nil if there is none.
func ByName(name string) Dialect {
	for _, d := range dialects {
		if d.Name() == name {
			return d
		}
	}
	return nil
}
