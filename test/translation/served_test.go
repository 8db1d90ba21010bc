package translation_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// The blocks that Nova's interpreter and its search of the web leave, as the rows below have them.
const (
	ranUse  = `{"toolUse":{"toolUseId":"s1","name":"nova_code_interpreter","type":"server_tool_use","input":{"snippet":"print(2)"}}}`
	ranCode = `{"toolResult":{"toolUseId":"s1","type":"nova_code_interpreter_result","status":"success","content":[{"json":{"stdOut":"2\n","stdErr":""}},{"text":"a\"b"}]}}`
	askUse  = `{"toolUse":{"toolUseId":"s2","name":"nova_grounding","type":"server_tool_use","input":{"query":"x é"}}}`
	askFind = `{"toolResult":{"toolUseId":"s2","type":"nova_grounding_result","status":"error","content":[{"text":"none"}]}}`
)

// ranEnvelope is the reasoning item, less its id, that restores the blocks.
func ranEnvelope(blocks ...string) string {
	return `"type":"reasoning","summary":[],"encrypted_content":"bedrock-gateway.nova.` +
		base64.RawURLEncoding.EncodeToString([]byte(`{"type":"bedrock_blocks","blocks":[`+strings.Join(blocks, ",")+`]}`)) + `"}`
}

// TestServerToolsOfResponses shows that what Nova's system tools leave in the model's turn are the items of hosted tools to
// clients of Responses, and go back as the very blocks. They were left out of every reply, with a note in the log.
func TestServerToolsOfResponses(t *testing.T) {
	tb := start(t)
	code := `"type":"code_interpreter_call","status":"completed","container_id":"","code":"print(2)","outputs":[{"type":"logs","logs":"2\n\na\"b"}]}`
	search := `"type":"web_search_call","status":"failed","action":{"type":"search","query":"x é"}}`
	text := func(s string) string {
		return `{"type":"output_text","text":"` + s + `","annotations":[],"logprobs":[]}`
	}
	wantItems := func(t *testing.T, output []json.RawMessage, want ...string) {
		t.Helper()
		if len(output) != len(want) {
			t.Fatalf("%d items: %s", len(output), output)
		}
		for i, item := range output {
			if !strings.HasSuffix(string(item), want[i]) {
				t.Errorf("item %d: %s\nwant …%s", i, item, want[i])
			}
		}
	}
	items := []string{`[` + text("A") + `]}`, code, ranEnvelope(ranUse, ranCode), `[` + text("B") + `]}`, search, ranEnvelope(askUse, askFind), `[` + text("C") + `]}`}
	all := `{"text":"A"},` + ranUse + `,` + ranCode + `,{"text":"B"},` + askUse + `,` + askFind + `,{"text":"C"}`
	tools := `"tools":[{"type":"code_interpreter","container":{"type":"auto"}},{"type":"web_search"}]`
	reply := struct {
		Output []json.RawMessage `json:"output"`
	}{}
	t.Run("whole", func(t *testing.T) {
		tb.u.Play(content(all, "end_turn"))
		a := tb.ask(t, "/v1/responses", `{"model":"`+nova2+`","input":"Hi","store":false,`+tools+`}`, "")
		if err := json.Unmarshal([]byte(a.Body), &reply); err != nil {
			t.Fatal(err, a.Body)
		}
		wantItems(t, reply.Output, items...)
		tb.u.Seen()
	})
	history := func() string {
		parts := []string{`{"role":"user","content":"Hi"}`}
		for _, item := range reply.Output {
			parts = append(parts, string(item))
		}
		return `"input":[` + strings.Join(append(parts, `{"role":"user","content":"And?"}`), ",") + `]`
	}
	const hiThenAll, thenAnd = `{"role":"user","content":[{"text":"Hi"}]},{"role":"assistant","content":[`, `]},{"role":"user","content":[{"text":"And?"}]}`
	t.Run("and back", func(t *testing.T) {
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		a := tb.ask(t, "/v1/responses", `{"model":"`+nova2+`",`+history()+`}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || !gatewaytest.SameJSON(seen[0].Body, `{"messages":[`+hiThenAll+all+thenAnd+`]}`) || a.Header.Get("Bedrock-Gateway-Dropped") != "" {
			t.Errorf("the upstream was sent %v; dropped %q, got %d %s", seen, a.Header.Get("Bedrock-Gateway-Dropped"), a.Status, a.Body)
		}
	})
	t.Run("another family's model does not get them", func(t *testing.T) {
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		a := tb.ask(t, "/v1/responses", `{"model":"`+sonnet35+`",`+history()+`}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || !gatewaytest.SameJSON(seen[0].Body, `{"messages":[`+hiThenAll+`{"text":"A"},{"text":"B"},{"text":"C"}`+thenAnd+`]}`) || a.Header.Get("Bedrock-Gateway-Dropped") != "bedrock_blocks" {
			t.Errorf("the upstream was sent %v; dropped %q, got %d %s", seen, a.Header.Get("Bedrock-Gateway-Dropped"), a.Status, a.Body)
		}
	})
	t.Run("nor OpenAI, on a relay; its own items stay", func(t *testing.T) {
		tb.u.Play(gatewaytest.Reply{Body: `{"id":"resp_1","object":"response","status":"completed","output":[]}`})
		own := `{"type":"web_search_call","id":"ws_1","status":"completed","action":{"type":"search","query":"q"}}`
		a := tb.ask(t, "/v1/responses", `{"model":"gpt-4o",`+strings.Replace(history(), `"input":[`, `"input":[`+own+`,`, 1)+`}`, "")
		seen := tb.u.Seen()
		if len(seen) != 1 || !strings.Contains(seen[0].Body, own) || strings.Count(seen[0].Body, "_call") != 1 || strings.Contains(seen[0].Body, "bedrock-gateway") {
			t.Errorf("the upstream was sent %v", seen)
		}
		if d := a.Header.Get("Bedrock-Gateway-Dropped"); !strings.Contains(d, "input.code_interpreter_call") || !strings.Contains(d, "input.web_search_call") || !strings.Contains(d, "input.reasoning") {
			t.Errorf("dropped %q, got %d %s", d, a.Status, a.Body)
		}
	})
	t.Run("an item without its envelope is listed", func(t *testing.T) {
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		a := tb.ask(t, "/v1/responses", `{"model":"`+nova2+`","input":[{"role":"user","content":"Hi"},{"type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}},{"role":"user","content":"And?"}]}`, "")
		if d := a.Header.Get("Bedrock-Gateway-Dropped"); d != "input.web_search_call" || a.Status != 200 {
			t.Errorf("dropped %q, got %d %s", d, a.Status, a.Body)
		}
	})
	t.Run("an envelope is no way around the pairs of calls and results", func(t *testing.T) {
		tb.u.Play(content(`{"text":"W"}`, "end_turn"))
		forged := `{` + ranEnvelope(`{"toolUse":{"toolUseId":"s1","name":"f","input":{}}}`)
		a := tb.ask(t, "/v1/responses", `{"model":"`+nova2+`","input":[{"role":"user","content":"Hi"},`+forged+`,{"role":"user","content":"And?"}]}`, "")
		if seen := tb.u.Seen(); len(seen) != 1 || strings.Contains(seen[0].Body, "toolUse") || a.Header.Get("Bedrock-Gateway-Dropped") != "input.reasoning" {
			t.Errorf("the upstream was sent %v; dropped %q, got %d %s", seen, a.Header.Get("Bedrock-Gateway-Dropped"), a.Status, a.Body)
		}
	})
	t.Run("streamed", func(t *testing.T) {
		tb.u.Play(frames(said(
			say(0, "A"), end(0),
			`contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"s1","name":"nova_code_interpreter","type":"server_tool_use"}}}`,
			input(1, `{"snippet":"pri`), input(1, `nt(2)"}`), end(1),
			`contentBlockStart {"contentBlockIndex":2,"start":{"toolResult":{"toolUseId":"s1","type":"nova_code_interpreter_result","status":"success"}}}`,
			delta(2, `{"toolResult":[{"json":{"stdOut":"2\n","stdErr":""}}]}`), delta(2, `{"toolResult":[{"text":"a\"b"}]}`), end(2),
			say(3, "B"), end(3),
			`contentBlockStart {"contentBlockIndex":4,"start":{"toolUse":{"toolUseId":"s2","name":"nova_grounding","type":"server_tool_use"}}}`,
			input(4, `{"query":"x é"}`), end(4),
			`contentBlockStart {"contentBlockIndex":5,"start":{"toolResult":{"toolUseId":"s2","type":"nova_grounding_result","status":"error"}}}`,
			delta(5, `{"toolResult":[{"text":"none"}]}`), end(5),
			say(6, "C"), end(6),
		)...))
		a := tb.ask(t, "/v1/responses", `{"model":"`+nova2+`","input":"Hi","stream":true,`+tools+`}`, "")
		var kinds []string
		for i, event := range strings.Split(strings.TrimSpace(a.Body), "\n\n") {
			_, data, _ := strings.Cut(event, "\ndata: ")
			var e struct {
				Type     string
				Sequence int             `json:"sequence_number"`
				Output   int             `json:"output_index"`
				Item     json.RawMessage `json:"item"`
				Response struct{ Output []json.RawMessage }
			}
			if err := json.Unmarshal([]byte(data), &e); err != nil || e.Sequence != i || !strings.HasPrefix(event, "event: "+e.Type+"\n") {
				t.Fatalf("event %d: %v %s", i, err, event)
			}
			kind := strings.TrimPrefix(e.Type, "response.")
			if strings.Contains(kind, "output_text") || strings.HasPrefix(kind, "content_part") {
				continue
			}
			if e.Item != nil || strings.Contains(kind, "_call") {
				kind = fmt.Sprint(e.Output, " ", kind)
			}
			kinds = append(kinds, kind)
			switch e.Type {
			case "response.output_item.done":
				wantItems(t, []json.RawMessage{e.Item}, items[e.Output])
			case "response.completed":
				wantItems(t, e.Response.Output, items...)
			}
		}
		want := []string{
			"created", "in_progress", "0 output_item.added", "0 output_item.done",
			"1 output_item.added", "1 code_interpreter_call.in_progress", "1 code_interpreter_call_code.delta", "1 code_interpreter_call_code.done", "1 code_interpreter_call.interpreting", "1 code_interpreter_call.completed", "1 output_item.done",
			"2 output_item.added", "2 output_item.done", "3 output_item.added", "3 output_item.done",
			"4 output_item.added", "4 web_search_call.in_progress", "4 web_search_call.searching", "4 output_item.done", // it failed
			"5 output_item.added", "5 output_item.done", "6 output_item.added", "6 output_item.done", "completed",
		}
		if !slices.Equal(kinds, want) {
			t.Errorf("the events were\n%s\nwant\n%s\n%s", strings.Join(kinds, ", "), strings.Join(want, ", "), a.Body)
		}
	})
}
