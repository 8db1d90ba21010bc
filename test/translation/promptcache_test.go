package translation_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestPromptCache shows prompt_cache auto: tools, system and the last two turns of the user's are marked for models that cache
// what is marked, where the prompt up to there is as long as the model's cache needs, and never beside a client's own marks.
func TestPromptCache(t *testing.T) {
	const (
		point = `,{"cachePoint":{"type":"default"}}`
		mark  = `,"cache_control":{"type":"ephemeral"}`
		off   = "off.nova-pro-v1:0"
	)
	long := strings.Repeat("word ", 2000) // 2,500 tokens by the gateway's estimate, and no model's fewer than 2,048
	u := gatewaytest.NewUpstream(t)
	tb := &table{u: u, g: gatewaytest.Start(t, fmt.Sprintf(`bedrock_gateway {
	bedrock us-east-1 {
		endpoint %s
		credentials AKIDEXAMPLE secret
	}
	prompt_cache auto
	route off.* {
		to bedrock %s
		prompt_cache off
	}
}`, u.URL, sonnet37))}
	fn1 := `{"type":"function","function":{"name":"f","description":"` + long + `"}}`
	spec1 := `{"toolSpec":{"name":"f","description":"` + long + `","inputSchema":{"json":{"type":"object","properties":{}}}}}`
	conversation := `"messages":[{"role":"system","content":"` + long + `"},{"role":"user","content":"1"},{"role":"assistant","content":"2"},{"role":"user","content":"3"},{"role":"assistant","content":"4"},{"role":"user","content":"5"}]`
	turns := func(mark string) string {
		return `"messages":[{"role":"user","content":[{"text":"1"}]},{"role":"assistant","content":[{"text":"2"}]},{"role":"user","content":[{"text":"3"}` + mark + `]},{"role":"assistant","content":[{"text":"4"}]},{"role":"user","content":[{"text":"5"}` + mark + `]}]`
	}
	system := func(mark string) string { return `"system":[{"text":"` + long + `"}` + mark + `]` }
	tb.run(t, []row{
		{
			rule: "tools, system and the last two turns", model: sonnet37, request: conversation + `,"tools":[` + fn1 + `]`,
			sent: `{` + tools("", spec1+point) + `,` + system(point) + `,` + turns(point) + `}`,
		},
		{rule: "without tools", model: sonnet37, request: conversation, sent: `{` + system(point) + `,` + turns(point) + `}`},
		{rule: "a short prompt is not marked: it would not be cached", model: sonnet37, request: hi + `,"tools":[{"type":"function","function":{"name":"f"}}]`, sent: greeted(tools("", spec("f")))},
		{
			rule: "what is too short alone is long enough together", model: sonnet37, request: `"messages":[{"role":"system","content":"S"},{"role":"user","content":"` + long + `"}]`,
			sent: user(`{"text":"`+long+`"}`+point, `"system":[{"text":"S"}]`),
		},
		{rule: "a model whose cache needs more", model: haiku45, request: conversation, sent: `{` + system("") + `,` + turns("") + `}`},
		{
			rule: "the client's own marks stay alone", model: sonnet37, request: `"messages":[{"role":"system","content":"` + long + `"},{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral"}}]}]`,
			sent: user(`{"text":"Hi"}`+point, system("")),
		},
		{
			rule: "one on a hosted tool, too", model: sonnet37, request: conversation + `,"tools":[{"type":"bash_20250124","name":"bash","cache_control":{"type":"ephemeral"}}]`,
			sent: `{` + system("") + `,` + turns("") + `,"additionalModelRequestFields":{"tools":[{"type":"bash_20250124","name":"bash","cache_control":{"type":"ephemeral"}}],"anthropic_beta":["computer-use-2025-01-24"]}}`,
		},
		{rule: "Nova caches no tools", model: nova, request: conversation + `,"tools":[` + fn1 + `]`, sent: `{` + tools("", spec1) + `,` + system(point) + `,` + turns(point) + `}`},
		{rule: "a model that caches by itself, or not at all", model: mistral, request: conversation, sent: `{` + system("") + `,` + turns("") + `}`},
		{rule: "a route that says off", model: off, path: "/model/" + url.QueryEscape(sonnet37) + "/converse", request: conversation, sent: `{` + system("") + `,` + turns("") + `}`},
		{
			rule: "by InvokeModel", model: opus41, path: "/model/" + url.QueryEscape(opus41) + "/invoke", request: `"messages":[{"role":"system","content":"` + long + `"},{"role":"user","content":"Hi"}]`,
			reply: gatewaytest.Reply{Body: claudeReply("claude", `{"type":"text","text":"W"}`, "end_turn")},
			sent:  `{"anthropic_version":"bedrock-2023-05-31","max_tokens":4096,"system":[{"type":"text","text":"` + long + `"` + mark + `}],"messages":[{"role":"user","content":[{"type":"text","text":"Hi"` + mark + `}]}]}`,
		},
	})
	relays := []struct{ rule, path, body, sent string }{
		{
			"a Claude body, whose texts become blocks", "/v1/messages",
			`{"model":"` + sonnet37 + `","max_tokens":9,"tools":[{"name":"f","description":"` + long + `","input_schema":{"type":"object"}}],"system":"` + long + `","messages":[{"role":"user","content":"1"},{"role":"assistant","content":[{"type":"text","text":"2"}]},{"role":"user","content":[{"type":"text","text":"3"},{"type":"text","text":"4"}]}]}`,
			`{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"tools":[{"name":"f","description":"` + long + `","input_schema":{"type":"object"}` + mark + `}],"system":[{"type":"text","text":"` + long + `"` + mark + `}],"messages":[{"role":"user","content":[{"type":"text","text":"1"` + mark + `}]},{"role":"assistant","content":[{"type":"text","text":"2"}]},{"role":"user","content":[{"type":"text","text":"3"},{"type":"text","text":"4"` + mark + `}]}]}`,
		},
		{
			"a picture's bytes are no tokens", "/v1/messages",
			`{"model":"` + sonnet37 + `","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + strings.Repeat("AAAA", 3000) + `"}},{"type":"text","text":"1"}]}]}`,
			`{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + strings.Repeat("AAAA", 3000) + `"}},{"type":"text","text":"1"}]}]}`,
		},
		{
			"a Claude body with marks", "/v1/messages",
			`{"model":"` + sonnet37 + `","max_tokens":9,"system":"` + long + `","messages":[{"role":"user","content":[{"type":"text","text":"1"` + mark + `}]}]}`,
			`{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"system":"` + long + `","messages":[{"role":"user","content":[{"type":"text","text":"1"` + mark + `}]}]}`,
		},
		{
			"a mark within a tool's result", "/v1/messages",
			`{"model":"` + sonnet37 + `","max_tokens":9,"system":"` + long + `","messages":[{"role":"user","content":"1"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"` + mark + `}]}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`,
			`{"anthropic_version":"bedrock-2023-05-31","max_tokens":9,"system":"` + long + `","messages":[{"role":"user","content":"1"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"` + mark + `}]}]}],"tools":[{"name":"f","input_schema":{"type":"object"}}]}`,
		},
		{
			"Bedrock's own Converse path", "/model/" + url.QueryEscape(sonnet37) + "/converse",
			`{` + turns("") + `,` + system("") + `,` + tools("", spec1) + `}`, `{` + turns(point) + `,` + system(point) + `,` + tools("", spec1+point) + `}`,
		},
		{
			"with a point of its own", "/model/" + url.QueryEscape(sonnet37) + "/converse",
			`{` + turns("") + `,` + system(point) + `}`, `{` + turns("") + `,` + system(point) + `}`,
		},
	}
	for _, r := range relays {
		t.Run(r.rule, func(t *testing.T) {
			reply := content(`{"text":"W"}`, "end_turn")
			if r.path == "/v1/messages" {
				reply.Body = claudeReply("claude", `{"type":"text","text":"W"}`, "end_turn")
			}
			u.Play(reply)
			a := tb.ask(t, r.path, r.body, "")
			if seen := u.Seen(); a.Status != 200 || len(seen) != 1 || !gatewaytest.SameJSON(seen[0].Body, r.sent) {
				t.Errorf("got %d %.300s; the upstream was sent %v\nnot\n%s", a.Status, a.Body, seen, r.sent)
			}
		})
	}
}
