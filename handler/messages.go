package handler

import (
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
)

// serveMessages is POST /v1/messages: Anthropic's own path, for any model of any upstream.
func (g *Gateway) serveMessages(w http.ResponseWriter, r *http.Request, _ string) {
	g.messagesCall(w, r).Chat(nil)
}

// serveCountTokens is POST /v1/messages/count_tokens.
func (g *Gateway) serveCountTokens(w http.ResponseWriter, r *http.Request, _ string) {
	g.messagesCall(w, r).CountTokens()
}

// messagesCall begins a call whose request and answer are in Anthropic's form.
func (g *Gateway) messagesCall(w http.ResponseWriter, r *http.Request) *exchange.Call {
	c := g.NewCall(w, r, anthropicForm)
	c.Client = translate.ByName("claude")
	c.Out, c.Betas = c.Client, betas(r.Header)
	c.Record.Dialect = c.Client.Name()
	return c
}

// betas returns the names in the anthropic-beta headers.
func betas(h http.Header) []string {
	var names []string
	for _, v := range h["Anthropic-Beta"] {
		for name := range strings.SplitSeq(v, ",") {
			if name = strings.TrimSpace(name); name != "" {
				names = append(names, name)
			}
		}
	}
	return names
}
