package handler

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// targetFormats are the values of ?target_format=, in lower case.
var targetFormats = map[string]string{
	"openai":         "openai",
	"bedrock_claude": "claude", "claude": "claude", "anthropic": "claude",
	"bedrock_titan": "titan", "titan": "titan",
}

// serveChat is POST /v1/chat/completions: a request in any dialect, answered in OpenAI's or the one asked for.
func (g *Gateway) serveChat(w http.ResponseWriter, r *http.Request, _ string) {
	c := g.NewCall(w, r, openaiForm)
	c.Out, c.Betas = openaiForm.Errors, betas(r.Header)
	c.Chat(func() error {
		out, err := targetFormat(r)
		if err != nil {
			return err
		}
		if out != nil {
			c.Out = out
		}
		name, err := translate.Detect(&c.Body)
		if err != nil {
			return err
		}
		if c.Client = translate.ByName(name); c.Client == nil {
			return chat.Invalid("", "requests in the form '%s' are not taken on this path", name)
		}
		return nil
	})
}

// targetFormat returns the dialect that ?target_format= names; nil if there is none.
func targetFormat(r *http.Request) (translate.Dialect, error) {
	if r.URL.RawQuery == "" {
		return nil, nil
	}
	format := r.URL.Query().Get("target_format")
	if format == "" {
		return nil, nil
	}
	name, known := targetFormats[strings.ToLower(format)]
	d := translate.ByName(name)
	if !known || d == nil {
		return nil, chat.Invalid("target_format", "unknown target_format '%s'; use openai, bedrock_claude or bedrock_titan", format)
	}
	return d, nil
}
