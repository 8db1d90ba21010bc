package exchange

import (
	"net/http"
	"strings"
)

// keptHeaders are the beginnings of the upstream headers that are the client's business: its rate limits and how long
// its request took. Everything else (cookies, servers' names, transport, whose account it is) is between the gateway and
// the upstream.
var keptHeaders = [...]string{"X-Ratelimit-", "Openai-Processing-Ms", "Openai-Version", "Openai-Model", "Retry-After", "X-Should-Retry"}

// nativeHeaders begin what Bedrock's own clients look at: token counts, latency, guardrails.
const nativeHeaders = "X-Amzn-Bedrock-"

// keepHeaders copies the client's business from an upstream's reply.
func keepHeaders(dst, src http.Header, native bool) {
	for name, values := range src {
		if native && strings.HasPrefix(name, nativeHeaders) {
			dst[name] = values
			continue
		}
		for _, prefix := range keptHeaders {
			if strings.HasPrefix(name, prefix) {
				dst[name] = values
				break
			}
		}
	}
}
