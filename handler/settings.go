package handler

import (
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Endpoints are the gateway's settings for the paths it serves.
type Endpoints struct {
	// Turns /docs, /redoc and /openapi.json off. Default: `false`.
	DocsOff bool `json:"docs_off,omitempty"`

	// Turns /playground off. Default: `false`.
	PlaygroundOff bool `json:"playground_off,omitempty"`

	// Turns /health off. Default: `false`.
	HealthOff bool `json:"health_off,omitempty"`

	// Turns Bedrock's own paths off: /model/*, /foundation-models,
	// /inference-profiles. Default: `false`.
	NativeOff bool `json:"native_off,omitempty"`

	// Serves /bedrock_gateway/status: a page, or JSON, with the state of the
	// upstreams and what models and users have used. It asks for no password:
	// put `basic_auth` before it. Default: `false`.
	StatusPage bool `json:"status_page,omitempty"`
}

// Words returns the sub-directives of bedrock_gateway that e reads:
//
//	docs   off
//	health off
//	native off
//	playground off
//	status_page
func (e *Endpoints) Words() directive.Words {
	return directive.Words{
		"docs":       directive.Off(&e.DocsOff),
		"health":     directive.Off(&e.HealthOff),
		"native":     directive.Off(&e.NativeOff),
		"playground": directive.Off(&e.PlaygroundOff),

		"status_page": directive.Flag(&e.StatusPage),
	}
}
