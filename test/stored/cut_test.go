package stored_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// events frames events of Responses.
func events(data ...string) string {
	var b strings.Builder
	for i, e := range data {
		kind, rest, _ := strings.Cut(e, " ")
		fmt.Fprintf(&b, "event: response.%[1]s\ndata: {\"type\":\"response.%[1]s\",\"sequence_number\":%[2]d,%[3]s}\n\n", kind, i, rest)
	}
	return b.String()
}

// relayedStream is a stream as Bedrock's own Responses send it, with ids and a model that are Bedrock's.
func relayedStream() string {
	const (
		response = `"response":{"id":"resp_up","object":"response","created_at":1,"status":"%s","model":"up","store":false,"previous_response_id":null,"incomplete_details":null,"error":null,"output":[%s]}`
		thought  = `{"id":"rs_up","type":"reasoning","summary":[],"encrypted_content":"gAAAA"}`
		message  = `{"id":"msg_up","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[],"logprobs":[]}]}`
		at       = `"output_index":1,"item_id":"msg_up","content_index":0`
	)
	return events(
		"created "+fmt.Sprintf(response, "in_progress", ""),
		"in_progress "+fmt.Sprintf(response, "in_progress", ""),
		`output_item.added "output_index":0,"item":{"id":"rs_up","type":"reasoning","summary":[]}`,
		`output_item.done "output_index":0,"item":`+thought,
		`output_item.added "output_index":1,"item":{"id":"msg_up","type":"message","role":"assistant","content":[]}`,
		`content_part.added `+at+`,"part":{"type":"output_text","text":"","annotations":[]}`,
		`output_text.delta `+at+`,"delta":"Hello","logprobs":[]`,
		`output_text.done `+at+`,"text":"Hello","logprobs":[]`,
		`content_part.done `+at+`,"part":{"type":"output_text","text":"Hello","annotations":[],"logprobs":[]}`,
		`output_item.done "output_index":1,"item":`+message,
		"completed "+fmt.Sprintf(response, "completed", thought+","+message),
	)
}

// Wherever an upstream's stream is cut, the client gets a stream that holds to the rules, and what its last object says to be
// stored is stored, word for word.
func TestAStreamThatIsCutAnywhereIsWhatItSaysItIs(t *testing.T) {
	for name, tc := range map[string]struct{ upstream, model, stream string }{
		"translated": {"openai sk-1 {\n\t\tbase_url %s/v1\n\t\tresponses off\n\t}", "gpt-x", strings.Repeat(chunk, 2) + fmt.Sprintf(finish, "stop")},
		"relayed":    {"bedrock us-east-1 {\n\t\tendpoint %s\n\t\tcredentials AKIDEXAMPLE secret\n\t}", "openai.gpt-5.5", relayedStream()},
	} {
		t.Run(name, func(t *testing.T) {
			kept = new(storetest.Memory)
			m := kept
			u := gatewaytest.NewUpstream(t)
			g := gatewaytest.Start(t, "bedrock_gateway {\n\t"+fmt.Sprintf(tc.upstream, u.URL)+"\n\tfiles memory\n}")
			whole := 0
			for cut := len(tc.stream); cut > 0; cut -= 7 {
				u.Play(gatewaytest.Reply{Header: map[string]string{"Content-Type": "text/event-stream"}, Body: tc.stream[:cut], Cut: cut < len(tc.stream)})
				a := g.Post(t, "/v1/responses", `{"model":"`+tc.model+`","stream":true,"input":"Hi"}`)
				if a.Status != 200 {
					continue // cut before its beginning
				}
				object, r := final(t, true, a.Body)
				if rec := load(t, m, "", r.ID); !*r.Store || rec == nil || string(rec.Response) != object {
					t.Fatalf("cut at %d: %s\nis kept as %v", cut, object, rec)
				}
				if r.Status == "completed" {
					whole++
				} else if r.Status != "failed" || r.Error == nil {
					t.Errorf("cut at %d: %s", cut, object)
				}
				if strings.Contains(a.Body, `_up"`) {
					t.Fatalf("cut at %d: an id of the upstream's: %s", cut, a.Body)
				}
			}
			if whole == 0 {
				t.Error("none was whole")
			}
		})
	}
}
