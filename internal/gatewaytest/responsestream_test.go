package gatewaytest

import (
	"fmt"
	"strings"
	"testing"
)

// goodResponse is a stream as OpenAI sends it.
func goodResponse() []string {
	response := func(status, output string) string {
		return `"response":{"id":"resp_1","object":"response","created_at":1,"model":"m","status":"` + status + `","incomplete_details":null,"output":[` + output + `]}`
	}
	message := `{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"Hi","annotations":[]}]}`
	call := `{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}","status":"completed"}`
	part := `"output_index":0,"item_id":"msg_1","content_index":0`
	return []string{
		"response.created " + response("in_progress", ""),
		"response.in_progress " + response("in_progress", ""),
		`response.output_item.added "output_index":0,"item":{"id":"msg_1","type":"message","content":[]}`,
		"response.content_part.added " + part + `,"part":{"type":"output_text","text":"","annotations":[]}`,
		"response.output_text.delta " + part + `,"delta":"Hi","logprobs":[]`,
		"response.output_text.done " + part + `,"text":"Hi"`,
		"response.content_part.done " + part + `,"part":{"type":"output_text","text":"Hi","annotations":[]}`,
		`response.output_item.done "output_index":0,"item":` + message,
		`response.output_item.added "output_index":1,"item":{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":""}`,
		`response.function_call_arguments.delta "output_index":1,"item_id":"fc_1","delta":"{}"`,
		`response.function_call_arguments.done "output_index":1,"item_id":"fc_1","arguments":"{}"`,
		`response.output_item.done "output_index":1,"item":` + call,
		"response.completed " + response("completed", message+","+call),
	}
}

func framed(events []string) string {
	var b strings.Builder
	for i, e := range events {
		name, members, _ := strings.Cut(e, " ")
		fmt.Fprintf(&b, "event: %s\ndata: {\"type\":%q,\"sequence_number\":%d,%s}\n\n", name, name, i, members)
	}
	return b.String()
}

func TestResponseStreamHoldsStreamsToTheRules(t *testing.T) {
	if ended, err := ResponseStream(framed(goodResponse())); err != nil || ended != "completed" {
		t.Fatalf("ended %q: %v", ended, err)
	}
	replace := func(at int, old, with string) func() string {
		return func() string {
			e := goodResponse()
			e[at] = strings.Replace(e[at], old, with, 1)
			return framed(e)
		}
	}
	without := func(at int) func() string {
		return func() string {
			e := goodResponse()
			return framed(append(e[:at:at], e[at+1:]...))
		}
	}
	for name, bad := range map[string]func() string{
		"no created":                 without(0),
		"no in_progress":             without(1),
		"an item that is not done":   without(11),
		"a part that is not done":    without(6),
		"no part":                    without(3),
		"another response":           replace(12, "resp_1", "resp_2"),
		"an index that is taken":     replace(8, `"output_index":1`, `"output_index":0`),
		"an index that is left out":  replace(8, `"output_index":1`, `"output_index":2`),
		"an id that is taken":        replace(8, "fc_1", "msg_1"),
		"another id when it is done": replace(11, "fc_1", "fc_2"),
		"text that was not streamed": replace(5, "Hi", "Ho"),
		"arguments likewise":         replace(10, "{}", "{ }"),
		"an output that is another":  replace(12, `"text":"Hi"`, `"text":"Ho"`),
		"an output without an item":  replace(12, `"type":"message"`, `"type":"massage"`),
		"a status that is another":   replace(12, `"status":"completed","incomplete`, `"status":"failed","incomplete`),
		"a delta without logprobs":   replace(4, `,"logprobs":[]`, ``),
		"a gap in the numbers": func() string {
			return strings.Replace(framed(goodResponse()), `"sequence_number":5`, `"sequence_number":50`, 1)
		},
		"something behind its end": func() string { return framed(goodResponse()) + "data: [DONE]\n\n" },
		"a type that is another": func() string {
			return strings.Replace(framed(goodResponse()), "event: response.output_text.done", "event: x", 1)
		},
	} {
		if ended, err := ResponseStream(bad()); err == nil {
			t.Errorf("%s: passed, ended %q", name, ended)
		}
	}
	own := strings.NewReplacer("resp_1", "resp_0123456789abcdef0123456789abcdef", "msg_1", "msg_0123456789abcdef0123456789abcdef_0", "fc_1", "fc_0123456789abcdef0123456789abcdef_1")
	if ended, err := ResponseStream(own.Replace(framed(goodResponse()))); err != nil || ended != "completed" {
		t.Errorf("with the gateway's ids it ended %q: %v", ended, err)
	}
	for _, bad := range []string{"fc_0123456789abcdef0123456789abcdef_2", "fc_1123456789abcdef0123456789abcdef_1", "fc_up"} {
		if _, err := ResponseStream(strings.ReplaceAll(own.Replace(framed(goodResponse())), "fc_0123456789abcdef0123456789abcdef_1", bad)); err == nil {
			t.Errorf("the id %s of an item passed", bad)
		}
	}
	cut := framed(goodResponse()[:5])
	if ended, err := ResponseStream(cut); err != nil || ended != "" {
		t.Errorf("a cut stream ended %q: %v", ended, err)
	}
	// A relay fills a silence with the number of the last event.
	waiting := goodResponse()
	silence := "event: response.in_progress\ndata: {\"type\":\"response.in_progress\",\"sequence_number\":4," + waiting[1][len("response.in_progress "):] + "}\n\n"
	if ended, err := ResponseStream(strings.Replace(framed(waiting), "event: response.output_text.done", silence+"event: response.output_text.done", 1)); err != nil || ended != "completed" {
		t.Errorf("a silence that is filled: %q, %v", ended, err)
	}
}
