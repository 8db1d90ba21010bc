package usage

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Accounting are the gateway's settings for what is logged of calls.
type Accounting struct {
	// Log prompts and replies at DEBUG level. Default: `false`.
	LogContent bool `json:"log_content,omitempty"`
}

// Words returns the sub-directives of bedrock_gateway that a reads:
//
//	log_content
func (a *Accounting) Words() directive.Words {
	return directive.Words{
		"log_content": directive.Flag(&a.LogContent),
	}
}

// Provision refuses what this version does not do: a configuration that relies on it must not run without.
func (a *Accounting) Provision(caddy.Context) error {
	if a.LogContent {
		return fmt.Errorf("log_content is not available in this version")
	}
	return nil
}
