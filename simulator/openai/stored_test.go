package openai

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// stored is what was said of a response.
type stored struct {
	ID, Status string
	Output     []struct {
		ID      string
		Content []struct{ Text string }
	}
	Data    []struct{ ID string }
	FirstID string `json:"first_id"`
	LastID  string `json:"last_id"`
	HasMore bool   `json:"has_more"`
	Deleted bool
	Error   struct{ Message, Code, Param string }
}

func askStored(t *testing.T, h http.Handler, method, path, body string) (int, stored) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+DefaultKey)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var s stored
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		t.Fatalf("%s %s: %v: %s", method, path, err, w.Body)
	}
	return w.Code, s
}

func TestAResponseIsReadListedGoneOnWithAndDeleted(t *testing.T) {
	h := New(Options{})
	const tools = `"model":"gpt-5","tools":[{"type":"function","name":"f"}],`
	_, first := askStored(t, h, "POST", "/v1/responses", `{`+tools+`"input":"call f {}","reasoning":{"effort":"none"}}`)
	call := first.Output[len(first.Output)-1].ID
	status, second := askStored(t, h, "POST", "/v1/responses", `{`+tools+`"reasoning":{"effort":"none"},"previous_response_id":"`+first.ID+`","input":[{"type":"function_call_output","call_id":"call_00000000000000010000","output":"18 degrees"}]}`)
	if status != 200 || second.Output[0].Content[0].Text != "The tool said: 18 degrees" {
		t.Fatalf("%d %+v", status, second)
	}
	status, second = askStored(t, h, "POST", "/v1/responses", `{`+tools+`"reasoning":{"effort":"none"},"input":[{"role":"user","content":"call f {}"},{"type":"item_reference","id":"`+call+`"},{"type":"function_call_output","call_id":"call_00000000000000010000","output":"19 degrees"}]}`)
	if status != 200 || second.Output[0].Content[0].Text != "The tool said: 19 degrees" {
		t.Fatalf("%d %+v", status, second)
	}
	if status, got := askStored(t, h, "GET", "/v1/responses/"+second.ID, ""); status != 200 || got.ID != second.ID || got.Status != "completed" {
		t.Errorf("%d %+v", status, got)
	}
	_, page := askStored(t, h, "GET", "/v1/responses/"+second.ID+"/input_items?limit=2&order=asc", "")
	if len(page.Data) != 2 || !page.HasMore || page.FirstID != page.Data[0].ID || page.LastID != call {
		t.Errorf("%+v", page)
	}
	_, page = askStored(t, h, "GET", "/v1/responses/"+second.ID+"/input_items?order=asc&after="+call, "")
	if len(page.Data) != 1 || page.HasMore {
		t.Errorf("%+v", page)
	}
	if status, got := askStored(t, h, "DELETE", "/v1/responses/"+first.ID, ""); status != 200 || !got.Deleted {
		t.Errorf("%d %+v", status, got)
	}
	_, thinking := askStored(t, h, "POST", "/v1/responses", `{"model":"gpt-5","input":"A"}`)
	for _, gone := range []struct {
		method, path, body string
		status             int
		message            string
	}{
		{"GET", "/v1/responses/" + first.ID, "", 404, "Response with id '" + first.ID + "' not found."},
		{"POST", "/v1/responses", `{"model":"gpt-5","input":"A","previous_response_id":"` + first.ID + `"}`, 400, "Previous response with id '" + first.ID + "' not found."},
		{"POST", "/v1/responses", `{"model":"gpt-5","input":[{"id":"` + call + `"}]}`, 404, "Item with id '" + call + "' not found."},
		{"POST", "/v1/responses", `{"model":"gpt-5","input":[{"id":"` + thinking.Output[1].ID + `"}]}`, 400, "of type 'message' was provided without its required 'reasoning' item: '" + thinking.Output[0].ID},
		{"POST", "/v1/responses", `{"model":"gpt-5","input":"A","conversation":"conv_1"}`, 404, "Conversation with id 'conv_1' not found."},
		{"POST", "/v1/responses/" + second.ID + "/cancel", "", 409, "Cannot cancel a synchronous response."},
		{"POST", "/v1/responses/" + second.ID, "", 405, "Not allowed to POST"},
		{"GET", "/v1/responses/" + second.ID + "/input_items?limit=101", "", 400, "between 1 and 100"},
		{"GET", "/v1/responses/" + second.ID + "?stream=true", "", 400, "'background' and 'stream'"},
		{"GET", "/v1/responses/" + second.ID + "/x", "", 404, "Invalid URL"},
	} {
		if status, got := askStored(t, h, gone.method, gone.path, gone.body); status != gone.status || !strings.Contains(got.Error.Message, gone.message) {
			t.Errorf("%s %s %s: %d %+v", gone.method, gone.path, gone.body, status, got.Error)
		}
	}
	_, unkept := askStored(t, h, "POST", "/v1/responses", `{"model":"gpt-5","input":"A","store":false}`)
	if status, _ := askStored(t, h, "GET", "/v1/responses/"+unkept.ID, ""); status != 404 {
		t.Errorf("store false: %d", status)
	}
}

func TestAResponseInTheBackgroundIsPolledCancelledAndStreamedAgain(t *testing.T) {
	h := New(Options{})
	const body = `{"model":"gpt-5","input":"hi","background":true`
	_, r := askStored(t, h, "POST", "/v1/responses", body+`}`)
	states := []string{r.Status}
	for range 3 {
		_, r = askStored(t, h, "GET", "/v1/responses/"+r.ID, "")
		states = append(states, r.Status)
	}
	if got := strings.Join(states, " "); got != "queued in_progress completed completed" {
		t.Error(got)
	}
	if _, r = askStored(t, h, "POST", "/v1/responses/"+r.ID+"/cancel", ""); r.Status != "completed" {
		t.Errorf("cancelled after its end: %s", r.Status)
	}
	_, r = askStored(t, h, "POST", "/v1/responses", body+`}`)
	_, r = askStored(t, h, "POST", "/v1/responses/"+r.ID+"/cancel", "")
	if _, again := askStored(t, h, "GET", "/v1/responses/"+r.ID, ""); r.Status != "cancelled" || again.Status != "cancelled" {
		t.Errorf("cancelled: %s, then %s", r.Status, again.Status)
	}
	_, stream, _ := ask(t, h, "/v1/responses", body+`,"stream":true}`)
	at := strings.Index(stream, `"id":"`) + len(`"id":"`)
	id := stream[at : at+strings.IndexByte(stream[at:], '"')]
	for query, want := range map[string]int{"?stream=true": 0, "?stream=true&starting_after=4": 5, "?stream=true&starting_after=999": len(events(t, stream))} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/responses/"+id+query, http.NoBody)
		req.Header.Set("Authorization", "Bearer "+DefaultKey)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		if got := events(t, w.Body.String()); strings.Join(got, "\n") != strings.Join(events(t, stream)[want:], "\n") {
			t.Errorf("%s: %q", query, got)
		}
	}
}
