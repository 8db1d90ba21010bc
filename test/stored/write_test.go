package stored_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
)

// both runs a test for whole and streamed replies of each model that the gateway keeps itself.
func both(t *testing.T, test func(t *testing.T, model string, stream bool)) {
	t.Helper()
	for name, model := range map[string]string{"translated": claude, "relayed": gpt55} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%v", name, stream), func(t *testing.T) { test(t, model, stream) })
		}
	}
}

func TestAReplyIsKeptBeforeItsEndGoesOut(t *testing.T) {
	g, m := start(t)
	both(t, func(t *testing.T, model string, stream bool) {
		object, r := ask(t, g, stream, `{"model":"`+model+`","input":"hello","reasoning":{"effort":"low","summary":"auto"},"instructions":"Be brief."}`)
		if !stored.Ours(r.ID) || r.Store == nil || !*r.Store || r.Status != "completed" || len(r.Output) == 0 {
			t.Fatalf("%s", object)
		}
		for i, item := range r.Output {
			if of, ok := stored.OfItem(item.ID); !ok || of != r.ID || !strings.HasSuffix(item.ID, fmt.Sprintf("_%d", i)) {
				t.Errorf("item %d of %s has the id %s", i, r.ID, item.ID)
			}
			if item.Type == "reasoning" && item.Encrypted == "" {
				t.Errorf("the reasoning is not sealed, so that no next turn could have it: %s", object)
			}
		}
		rec := load(t, m, "", r.ID)
		if rec == nil {
			t.Fatalf("%s is not in the store", r.ID)
		}
		want := `[{"id":"msg_` + strings.TrimPrefix(r.ID, "resp_") + `_i0","type":"message","role":"user","content":[{"type":"input_text","text":"hello"}]}]`
		if string(rec.Response) != strings.TrimSpace(object) || string(rec.Input) != want || string(rec.Before) != "[]" || rec.Model != model {
			t.Errorf("kept\n%s\n%s before %s of %s\nsent\n%s", rec.Response, rec.Input, rec.Before, rec.Model, object)
		}
	})
	if w := warnings(t, g); len(w) > 0 {
		t.Errorf("logged %q", w)
	}
}

func TestNothingIsKeptWhereThatIsNotWanted(t *testing.T) {
	for name, tc := range map[string]struct{ directive, member string }{
		"store false":   {"", `,"store":false`},
		"off":           {"stored_responses off", ""},
		"files off":     {"files off", ""},
		"off, asked to": {"stored_responses off", `,"store":true`},
	} {
		t.Run(name, func(t *testing.T) {
			g, m := start(t, tc.directive)
			both(t, func(t *testing.T, model string, stream bool) {
				object, r := ask(t, g, stream, `{"model":"`+model+`","input":"hello"`+tc.member+`}`)
				if r.Store == nil || *r.Store || r.Status != "completed" {
					t.Errorf("%s", object)
				}
			})
			if n := len(m.Objects(files.KindResponse)) + len(m.Objects(files.KindKept)); n != 0 {
				t.Errorf("%d objects were kept", n)
			}
			if w := warnings(t, g); len(w) > 0 {
				t.Errorf("logged %q", w)
			}
		})
	}
}

// A store that is in trouble costs a second at most, and the reply says that it is not stored.
func TestATroubledStoreFailsNoReply(t *testing.T) {
	for name, tc := range map[string]struct {
		fail   func(ctx context.Context) error
		atMost time.Duration
	}{
		"slow":      {slow(2 * time.Second), 1900 * time.Millisecond},
		"hanging":   {func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 1900 * time.Millisecond},
		"full":      {func(context.Context) error { return fmt.Errorf("%w: no space left on device", files.ErrUnavailable) }, 900 * time.Millisecond},
		"read-only": {func(context.Context) error { return errors.New("read-only file system") }, 900 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			g, m := start(t)
			m.Fail = tc.fail
			both(t, func(t *testing.T, model string, stream bool) {
				if (model == claude) != stream {
					return // two of the four, for the seconds that they take
				}
				begin := time.Now()
				object, r := ask(t, g, stream, `{"model":"`+model+`","input":"hello"}`)
				if took := time.Since(begin); took > tc.atMost {
					t.Errorf("the reply took %s", took)
				}
				if r.Store == nil || *r.Store || r.Status != "completed" || len(r.Output) == 0 {
					t.Errorf("%s", object)
				}
			})
			if w := warnings(t, g); len(w) != 1 || !strings.Contains(w[0], "request_id") {
				t.Errorf("an outage is one line, and not %q", w)
			}
			m.Fail = nil
			if _, r := ask(t, g, true, `{"model":"`+claude+`","input":"hello"}`); !*r.Store || load(t, m, "", r.ID) == nil {
				t.Error("when it is over, responses are not stored again")
			}
		})
	}
}

// slow is a store that answers after a while, unless the caller has gone.
func slow(d time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func TestAConversationLargerThanABodyIsNotKept(t *testing.T) {
	g, m := start(t, "max_body 2000")
	both(t, func(t *testing.T, model string, stream bool) {
		object, r := ask(t, g, stream, `{"model":"`+model+`","input":"`+strings.Repeat("hello ", 300)+`"}`)
		if r.Store == nil || *r.Store || r.Status != "completed" {
			t.Errorf("%s", object)
		}
	})
	if n := len(m.Objects(files.KindResponse)); n != 0 {
		t.Errorf("%d were kept", n)
	}
	w := warnings(t, g)
	if len(w) == 0 || !strings.Contains(w[0], "larger than max_body") {
		t.Errorf("the log does not say why: %q", w)
	}
}

// What OpenAI answers by itself is kept there. The gateway notes where, and changes no byte.
func TestWhatOpenAIKeepsIsNoted(t *testing.T) {
	for name, tc := range map[string]struct {
		directive, member string
		notes             int
	}{
		"as it is":    {"", "", 1},
		"off":         {"stored_responses off", "", 1},
		"store true":  {"", `,"store":true`, 1},
		"store false": {"", `,"store":false`, 0},
		"files off":   {"files off", "", 0},
	} {
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/stream=%v", name, stream), func(t *testing.T) {
				g, m := start(t, tc.directive)
				object, r := ask(t, g, stream, `{"model":"gpt-5","input":"hello"`+tc.member+`}`)
				if stored.Ours(r.ID) || len(m.Objects(files.KindResponse)) > 0 {
					t.Errorf("taken for one of the gateway's: %s", object)
				}
				notes := m.Objects(files.KindKept)
				if tc.notes == 0 {
					if len(notes) > 0 {
						t.Errorf("%d notes", len(notes))
					}
					return
				}
				if len(notes) != 1+len(r.Output) || len(r.Output) == 0 {
					t.Errorf("%d notes of a response and %d items", len(notes), len(r.Output))
				}
				s, err := stored.New(stored.Config{Objects: m, MaxSize: 1})
				if err != nil {
					t.Fatal(err)
				}
				for _, id := range []string{r.ID, r.Output[0].ID} {
					if k, err := s.LoadKept(t.Context(), "", id); err != nil || k.Upstream != "openai" || k.Model != "gpt-5" {
						t.Errorf("noted of %s %+v, %v", id, k, err)
					}
				}
				m.Fail = func(context.Context) error { return files.ErrUnavailable }
				if again, r := ask(t, g, stream, `{"model":"gpt-5","input":"hello"`+tc.member+`}`); r.Store != nil && !*r.Store {
					t.Errorf("the bytes of a relay were changed: %s", again)
				}
				if w := warnings(t, g); len(w) != 1 {
					t.Errorf("logged %q", w)
				}
			})
		}
	}
}

// Who knows an id can ask for it at once, at any gateway.
func TestWhereAResponseIsKeptIsNotedBeforeItsIDIsTold(t *testing.T) {
	g, m := start(t)
	res := g.Open(t.Context(), t, "/v1/responses", `{"model":"gpt-5","stream":true,"input":"hello"}`)
	first := readUntil(t, res.Body, "response.created")
	notes := m.Objects(files.KindKept)
	if !slices.ContainsFunc(notes, func(o files.Object) bool { return strings.Contains(first, `"id":"`+o.ID+`"`) }) {
		t.Errorf("%d notes when this was told:\n%s", len(notes), first)
	}
}

// A call that names no model is relayed unread: that of a stored prompt is OpenAI's to know.
func TestAResponseOfNoModelIsNotedToo(t *testing.T) {
	for name, tc := range map[string]struct {
		body, id string
	}{
		"whole":       {"{\n  \"object\": \"response\",\n  \"id\": \"resp_67ccd2bed1\",\n  \"output\": [{\"id\": \"msg_1\"}]\n}\n", "resp_67ccd2bed1"},
		"a stream":    {"event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_67ccd2bed2\"}}\n\n", "resp_67ccd2bed2"},
		"no response": {`{"id":"other","previous_response_id":"resp_1"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			u := gatewaytest.NewUpstream(t, gatewaytest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: tc.body})
			kept = new(storetest.Memory)
			g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %s/v1\n\t}\n\tfiles memory\n}", u.URL))
			if a := g.Post(t, "/v1/responses", `{"prompt":{"id":"p"},"input":"Hi"}`); a.Body != tc.body {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			notes := kept.Objects(files.KindKept)
			if tc.id == "" && len(notes) > 0 || tc.id != "" && (len(notes) != 1 || notes[0].ID != tc.id) {
				t.Errorf("noted %+v", notes)
			}
		})
	}
}

const (
	chunk  = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"Hello\"}}]}\n\n"
	finish = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"%s\"}]}\n\ndata: [DONE]\n\n"
)

// played is a gateway before an upstream that the test plays. It has chat alone, so that replies are translated.
func played(t testing.TB, replies ...gatewaytest.Reply) (*gatewaytest.Gateway, *storetest.Memory) {
	t.Helper()
	kept = new(storetest.Memory)
	u := gatewaytest.NewUpstream(t, replies...)
	return gatewaytest.Start(t, fmt.Sprintf("log\nbedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %s/v1\n\t\tresponses off\n\t}\n\tfiles memory\n}", u.URL)), kept
}

func streamed(body string) gatewaytest.Reply {
	return gatewaytest.Reply{Header: map[string]string{"Content-Type": "text/event-stream"}, Body: body}
}

// A store that hangs holds back the last event and nothing else.
func TestNothingButTheEndWaitsForTheStore(t *testing.T) {
	for name, model := range map[string]string{"translated": claude, "relayed": gpt55} {
		t.Run(name, func(t *testing.T) {
			g, m := start(t)
			asked, answer := make(chan struct{}), make(chan struct{})
			m.Fail = func(ctx context.Context) error {
				close(asked)
				select {
				case <-answer:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			res := g.Open(t.Context(), t, "/v1/responses", `{"model":"`+model+`","stream":true,"input":"Hi","reasoning":{"effort":"none"}}`)
			before := readUntil(t, res.Body, "event: response.output_item.done")
			<-asked // it was asked, and has not answered: all that came before the end is here
			if strings.Contains(before, "response.completed") {
				t.Errorf("the end came before the store was asked:\n%s", before)
			}
			close(answer)
			rest, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			m.Fail = nil
			if _, r := final(t, true, before+string(rest)); !*r.Store || load(t, m, "", r.ID) == nil {
				t.Errorf("not stored:\n%s", rest)
			}
		})
	}
}

// readUntil reads to the end of the event that contains text.
func readUntil(t *testing.T, r io.Reader, text string) string {
	t.Helper()
	var b []byte
	one := make([]byte, 1)
	for !strings.Contains(string(b), text) || !strings.HasSuffix(string(b), "\n\n") {
		if _, err := io.ReadFull(r, one); err != nil {
			t.Fatalf("%v behind %s", err, b)
		}
		b = append(b, one...)
	}
	return string(b)
}

func TestRepliesThatAreNotCompleteAreKeptToo(t *testing.T) {
	for name, tc := range map[string]struct {
		reply  gatewaytest.Reply
		status string
	}{
		"cut off by the limit": {streamed(chunk + fmt.Sprintf(finish, "length")), "incomplete"},
		"filtered":             {streamed(chunk + fmt.Sprintf(finish, "content_filter")), "incomplete"},
		"a stream that broke":  {gatewaytest.Reply{Header: map[string]string{"Content-Type": "text/event-stream"}, Body: chunk, Cut: true}, "failed"},
		"an error within it":   {streamed(chunk + "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"server_error\"}}\n\n"), "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			g, m := played(t, tc.reply)
			object, r := ask(t, g, true, `{"model":"gpt-x","input":"Hi"}`)
			rec := load(t, m, "", r.ID)
			if r.Status != tc.status || !*r.Store || rec == nil || string(rec.Response) != object {
				t.Errorf("%s\nis kept as %v", object, rec)
			}
		})
	}
	t.Run("an error instead of a reply", func(t *testing.T) {
		g, m := played(t, gatewaytest.Reply{Status: http.StatusBadRequest, Body: `{"error":{"message":"No","type":"invalid_request_error"}}`})
		for _, stream := range []string{"false", "true"} {
			if a := g.Post(t, "/v1/responses", `{"model":"gpt-x","input":"Hi","stream":`+stream+`}`); a.Status != http.StatusBadRequest {
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		if n := len(m.Objects(files.KindResponse)); n != 0 {
			t.Errorf("%d were kept", n)
		}
	})
}

// A client that leaves was told of no end, so that nothing need be kept, and nothing is logged as an outage.
func TestAClientThatLeavesHasNothingKept(t *testing.T) {
	for name, tc := range map[string]struct {
		reply gatewaytest.Reply
		until string
		asks  bool // the store
	}{
		"amid the reply":           {gatewaytest.Reply{Header: map[string]string{"Content-Type": "text/event-stream"}, Body: chunk, Hang: true}, "response.output_text.delta", false},
		"while the store is asked": {streamed(chunk + fmt.Sprintf(finish, "stop")), "event: response.output_item.done", true},
	} {
		t.Run(name, func(t *testing.T) {
			g, m := played(t, tc.reply)
			asked := make(chan struct{})
			m.Fail = func(ctx context.Context) error {
				close(asked)
				<-ctx.Done()
				return ctx.Err()
			}
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			res := g.Open(ctx, t, "/v1/responses", `{"model":"gpt-x","stream":true,"input":"Hi"}`)
			readUntil(t, res.Body, tc.until)
			if tc.asks {
				<-asked
			}
			leave()
			for deadline, again := time.After(10*time.Second), time.NewTicker(2*time.Millisecond); ; {
				if log, err := os.ReadFile(g.Log); err != nil {
					t.Fatal(err)
				} else if strings.Contains(string(log), "handled request") {
					break
				}
				select {
				case <-again.C:
				case <-deadline:
					t.Fatal("the call does not end")
				}
			}
			select {
			case <-asked:
				if !tc.asks {
					t.Error("the store was asked")
				}
			default:
			}
			if n := len(m.Objects(files.KindResponse)); n != 0 {
				t.Errorf("%d were kept", n)
			}
			if w := warnings(t, g); len(w) > 0 {
				t.Errorf("logged %q", w)
			}
		})
	}
}
