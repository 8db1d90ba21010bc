package recall

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

const tool = `"tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}]`

func TestAResponseIsReadListedGoneOnWithAndDeleted(t *testing.T) {
	w := newWorld(t, keys, "")
	for _, model := range []string{claude, "us.openai.gpt-5.5", "us.amazon.nova-pro-v1:0"} {
		t.Run(model, func(t *testing.T) {
			a := w.ask(t, ann, "POST", "/v1/responses", `{"model":"`+model+`","input":"call f {}","instructions":"Be brief.",`+tool+`}`)
			first := read(t, a, 200)
			if !first.Store {
				t.Fatalf("not stored: %s", a.Body)
			}
			if got := w.ask(t, ann, "GET", "/v1/responses/"+first.ID, ""); got.Status != 200 || !gatewaytest.SameJSON(got.Body, a.Body) || got.Header.Get("X-Request-Id") == "" {
				t.Errorf("%d %s, not %s", got.Status, got.Body, a.Body)
			}
			call := first.Output[len(first.Output)-1]
			second := w.create(t, annToo, model, tool+`,"previous_response_id":"`+first.ID+`","input":[{"type":"function_call_output","call_id":"`+call.CallID+`","output":"18 degrees"}]`)
			if second.text() != "The tool said: 18 degrees" || second.Previous != first.ID || !second.Store {
				t.Errorf("gone on with: %+v", second)
			}
			third := w.create(t, ann, model, tool+`,"input":[{"role":"user","content":"call f {}"},{"type":"item_reference","id":"`+call.ID+`"},{"type":"function_call_output","call_id":"`+call.CallID+`","output":"19 degrees"}]`)
			if third.text() != "The tool said: 19 degrees" {
				t.Errorf("by reference: %+v", third)
			}
			fourth := w.create(t, ann, model, tool+`,"previous_response_id":"`+second.ID+`","input":"and now?"`)
			page := read(t, w.ask(t, ann, "GET", "/v1/responses/"+fourth.ID+"/input_items?order=asc&limit=2", ""), 200)
			if len(page.Data) != 2 || !page.HasMore || !strings.Contains(string(page.Data[0]), `"text":"call f {}"`) {
				t.Errorf("the first page: %s", page.Data)
			}
			all := read(t, w.ask(t, ann, "GET", "/v1/responses/"+fourth.ID+"/input_items?limit=100", ""), 200)
			if n := len(all.Data); n != 3+len(first.Output)+len(second.Output) || !strings.Contains(string(all.Data[0]), "and now?") || all.HasMore {
				t.Errorf("all %d items: %s", n, all.Data)
			}
			for _, item := range all.Data {
				var o struct{ ID string }
				if json.Unmarshal(item, &o) != nil || o.ID == "" {
					t.Errorf("an item without an id: %s", item)
				}
			}
			a = w.ask(t, ann, "POST", "/v1/responses/"+first.ID+"/cancel", "")
			if a.Status != 409 || a.Header.Get("X-Should-Retry") != "false" || !strings.Contains(a.Body, "Cannot cancel a synchronous response") {
				t.Errorf("cancelled: %d %v %s", a.Status, a.Header, a.Body)
			}
			if gone := read(t, w.ask(t, ann, "DELETE", "/v1/responses/"+first.ID, ""), 200); !gone.Deleted || gone.ID != first.ID {
				t.Errorf("deleted: %+v", gone)
			}
			for _, method := range []string{"GET", "DELETE"} {
				if e := read(t, w.ask(t, ann, method, "/v1/responses/"+first.ID, ""), 404); e.Error.Message != "Response with id '"+first.ID+"' not found." {
					t.Errorf("%s after it was deleted: %+v", method, e.Error)
				}
			}
			e := read(t, w.ask(t, ann, "POST", "/v1/responses", `{"model":"`+model+`","input":"x","previous_response_id":"`+first.ID+`"}`), 400)
			if e.Error.Code != "previous_response_not_found" || e.Error.Param != "previous_response_id" || e.Error.Message != "Previous response with id '"+first.ID+"' not found." {
				t.Errorf("gone on with after it was deleted: %+v", e.Error)
			}
			if again := w.create(t, ann, model, tool+`,"previous_response_id":"`+fourth.ID+`","input":"still there?"`); again.text() != "You said: still there?" {
				t.Errorf("what went on with it: %+v", again)
			}
		})
	}
}

func TestAConversationChangesItsModel(t *testing.T) {
	w := newWorld(t, keys, "")
	first := w.create(t, ann, claude, `"input":"call f {}",`+tool)
	call := first.Output[len(first.Output)-1]
	w.reached()
	second := w.create(t, ann, gpt, tool+`,"previous_response_id":"`+first.ID+`","input":[{"type":"function_call_output","call_id":"`+call.CallID+`","output":"18 degrees"}]`)
	if second.text() != "The tool said: 18 degrees" || strings.Join(w.reached(), " ") != "POST /v1/responses" {
		t.Fatalf("from Claude to OpenAI: %+v", second)
	}
	third := w.create(t, ann, gpt, `"previous_response_id":"`+second.ID+`","input":"and now?"`)
	if third.text() != "You said: and now?" || third.Previous != second.ID {
		t.Errorf("at OpenAI: %+v", third)
	}
	e := read(t, w.ask(t, ann, "POST", "/v1/responses", `{"model":"`+claude+`","input":"x","previous_response_id":"`+third.ID+`"}`), 400)
	if !strings.Contains(e.Error.Message, "is kept by the upstream 'openai', which does not serve the model") {
		t.Errorf("from OpenAI to Claude: %+v", e.Error)
	}
	if e := read(t, w.ask(t, ann, "POST", "/v1/responses", `{"model":"gpt-4o","input":"x","previous_response_id":"`+third.ID+`"}`), 400); !strings.Contains(e.Error.Message, "'openai'") {
		t.Errorf("from OpenAI to the other server: %+v", e.Error)
	}
}

func TestAResponseInTheBackgroundIsPolledCancelledAndStreamedAgain(t *testing.T) {
	w := newWorld(t, keys, "")
	for model, upstream := range map[string]string{gpt: "openai", "gpt-4o": "other"} {
		r := w.create(t, ann, model, `"input":"hello","background":true`)
		states := []string{r.Status}
		for range 2 {
			a := w.ask(t, annToo, "GET", "/v1/responses/"+r.ID, "")
			if r = read(t, a, 200); a.Header.Get("Bedrock-Gateway-Upstream") != upstream {
				t.Errorf("asked of %q", a.Header.Get("Bedrock-Gateway-Upstream"))
			}
			states = append(states, r.Status)
		}
		if got := strings.Join(states, " "); got != "queued in_progress completed" || r.text() != "You said: hello" || r.Usage == nil {
			t.Errorf("%s: %s, %+v", model, got, r)
		}
		if items := read(t, w.ask(t, ann, "GET", "/v1/responses/"+r.ID+"/input_items?order=asc", ""), 200); len(items.Data) != 1 {
			t.Errorf("%s", items.Data)
		}
		r = w.create(t, ann, model, `"input":"hello","background":true`)
		if r = read(t, w.ask(t, ann, "POST", "/v1/responses/"+r.ID+"/cancel", ""), 200); r.Status != "cancelled" {
			t.Errorf("cancelled: %+v", r)
		}
		if gone := read(t, w.ask(t, ann, "DELETE", "/v1/responses/"+r.ID, ""), 200); !gone.Deleted {
			t.Errorf("deleted: %+v", gone)
		}
		read(t, w.ask(t, ann, "GET", "/v1/responses/"+r.ID, ""), 404)

		stream := w.ask(t, ann, "POST", "/v1/responses", `{"model":"`+model+`","input":"hello","background":true,"stream":true}`)
		_, id, _ := strings.Cut(stream.Body, `"id":"`)
		id, _, _ = strings.Cut(id, `"`)
		a := w.ask(t, ann, "GET", "/v1/responses/"+id+"?stream=true&starting_after=2", "")
		_, rest, found := strings.Cut(stream.Body, "event: response.output_item.added")
		if model == gpt { // it thinks first
			found = strings.Contains(stream.Body, `"sequence_number":3`)
			rest = stream.Body[strings.LastIndex(stream.Body[:strings.Index(stream.Body, `"sequence_number":3`)], "event: "):]
		} else {
			_, rest, _ = strings.Cut(rest, "\n\n")
		}
		if !found || a.Status != 200 || !strings.HasPrefix(a.Header.Get("Content-Type"), "text/event-stream") || a.Body != rest {
			t.Errorf("%s: streamed again: %d %s\nnot %s", model, a.Status, a.Body, rest)
		}
	}
}

func TestEventsAreSentAgain(t *testing.T) {
	w := newWorld(t, keys, "")
	whole := w.create(t, ann, claude, `"input":"say and call f {}",`+tool)
	a := w.ask(t, ann, "GET", "/v1/responses/"+whole.ID+"?stream=true", "")
	if ended, err := gatewaytest.ResponseStream(a.Body); err != nil || ended != "completed" || a.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" {
		t.Fatalf("%v, ended %q: %s", err, ended, a.Body)
	}
	events := strings.SplitAfter(a.Body, "\n\n")
	for _, after := range []string{"0", "3", "9999"} {
		rest := ""
		for i, e := range events {
			if strings.Contains(e, `"sequence_number":`+after+`,`) {
				rest = strings.Join(events[i+1:], "")
			}
		}
		if got := w.ask(t, ann, "GET", "/v1/responses/"+whole.ID+"?stream=true&starting_after="+after, ""); got.Status != 200 || got.Body != rest {
			t.Errorf("after %s: %d %s", after, got.Status, got.Body)
		}
	}
	for query, want := range map[string]string{
		"stream=yes": "Invalid 'stream'", "starting_after=1": "'starting_after' is for streams", "stream=true&starting_after=-1": "Invalid 'starting_after'", "stream=true&starting_after=x": "Invalid 'starting_after'",
	} {
		if e := read(t, w.ask(t, ann, "GET", "/v1/responses/"+whole.ID+"?"+query, ""), 400); !strings.Contains(e.Error.Message, want) {
			t.Errorf("%s: %+v", query, e.Error)
		}
	}
}

func TestWhatIsNotKeptSaysWhatToUse(t *testing.T) {
	w := newWorld(t, "", "stored_responses off")
	r := w.create(t, "", claude, `"input":"hello"`)
	if r.Store {
		t.Error("said to be stored")
	}
	read(t, w.ask(t, "", "GET", "/v1/responses/"+r.ID, ""), 404)
	e := read(t, w.ask(t, "", "POST", "/v1/responses", `{"model":"`+claude+`","input":"x","previous_response_id":"`+r.ID+`"}`), 400)
	if e.Error.Code != "previous_response_not_found" || !strings.Contains(e.Error.Message, "stores no responses; send the whole conversation in 'input'") {
		t.Errorf("%+v", e.Error)
	}
	for _, path := range []string{"/v1/conversations", "/v1/conversations/conv_1", "/v1/conversations/conv_1/items"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			if e := read(t, w.ask(t, "", method, path, ""), 404); !strings.Contains(e.Error.Message, "'previous_response_id'") || e.Error.Code != "conversations_not_supported" {
				t.Errorf("%s %s: %+v", method, path, e.Error)
			}
		}
	}
	// What OpenAI keeps is known all the same.
	kept := w.create(t, "", gpt, `"input":"hello","background":true`)
	if got := read(t, w.ask(t, "", "GET", "/v1/responses/"+kept.ID, ""), 200); got.Status != "in_progress" {
		t.Errorf("%+v", got)
	}
}

// A conversation that has grown past what is taken is refused by its size, not by what an upstream makes of it.
func TestAConversationBeyondMaxBodyIsRefused(t *testing.T) {
	w := newWorld(t, keys, "max_body 4000B")
	words := strings.Repeat("word ", 260)
	first := w.create(t, ann, claude, `"input":"`+words+`"`)
	if !first.Store {
		t.Fatalf("not stored: %+v", first)
	}
	a := w.ask(t, ann, "POST", "/v1/responses", `{"model":"`+claude+`","input":"`+words+`","previous_response_id":"`+first.ID+`"}`)
	if e := read(t, a, 413); e.Error.Code != "request_too_large" || !strings.Contains(e.Error.Message, "larger than 4000 bytes") {
		t.Errorf("%+v", e.Error)
	}
}

// A client that lost its stream goes on behind the last event that it saw, by the number that this had in the stream. A replay of
// other pieces, or of other numbers, would lose words or say them twice.
func TestAStreamIsSentAgainEventByEvent(t *testing.T) {
	w := newWorld(t, keys, "")
	long := strings.Repeat(`one two \"three\" \u00e4\n `, 20)
	for name, body := range map[string]string{
		"text":         `"model":"` + claude + `","input":"` + long + `"`,
		"a call":       `"model":"` + claude + `","input":"say and call f {\"city\":\"Paris\",\"days\":[1,2,3]}",` + tool,
		"two calls":    `"model":"` + claude + `","input":"call all",` + strings.Replace(tool, "[", `[{"type":"custom","name":"g"},`, 1),
		"thoughts":     `"model":"us.anthropic.claude-opus-4-5-20251101-v1:0","input":"` + long + `","reasoning":{"effort":"low","summary":"auto"}`,
		"cut off":      `"model":"` + claude + `","input":"` + long + `","max_output_tokens":16`,
		"from Bedrock": `"model":"us.openai.gpt-5.5","input":"` + long + `","reasoning":{"effort":"low","summary":"auto"}`,
		"its call":     `"model":"us.openai.gpt-5.5","input":"call f {\"city\":\"Paris\"}",` + tool,
		"Nova":         `"model":"us.amazon.nova-pro-v1:0","input":"` + long + `"`,
	} {
		t.Run(name, func(t *testing.T) {
			first := w.ask(t, ann, "POST", "/v1/responses", `{"stream":true,`+body+`}`)
			events := strings.SplitAfter(first.Body, "\n\n")
			_, id, _ := strings.Cut(first.Body, `"id":"`)
			id, _, _ = strings.Cut(id, `"`)
			if len(events) < 6 {
				t.Fatalf("%d %s", first.Status, first.Body)
			}
			again := w.ask(t, ann, "GET", "/v1/responses/"+id+"?stream=true", "")
			if err := sameEvents(again.Body, first.Body); err != nil {
				t.Fatal(err)
			}
			for _, after := range []int{0, 2, len(events) / 2, len(events) - 3} {
				got := w.ask(t, ann, "GET", fmt.Sprintf("/v1/responses/%s?stream=true&starting_after=%d", id, after), "")
				if err := sameEvents(got.Body, strings.Join(events[after+1:], "")); err != nil {
					t.Errorf("after %d: %v", after, err)
				}
			}
		})
	}
}

// sameEvents compares two streams, whose events may have their members in another order, and leave out what only pads them.
func sameEvents(got, want string) error {
	a, b := strings.Split(strings.TrimSpace(got), "\n\n"), strings.Split(strings.TrimSpace(want), "\n\n")
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) {
			return fmt.Errorf("%d events, not %d:\n%s\n\n%s", len(a), len(b), got, want)
		}
		nameA, dataA, _ := strings.Cut(a[i], "\ndata: ")
		nameB, dataB, _ := strings.Cut(b[i], "\ndata: ")
		if strings.HasSuffix(nameA, "arguments.done") && !strings.Contains(dataB, `"name":`) {
			dataA = strings.Replace(dataA, `"name":"f",`, "", 1) // OpenAI's clients for Node want it, OpenAI does not send it
		}
		if nameA != nameB || !gatewaytest.SameJSON(dataA, dataB) {
			return fmt.Errorf("event %d:\n%s\nnot\n%s", i, a[i], b[i])
		}
	}
	return nil
}
