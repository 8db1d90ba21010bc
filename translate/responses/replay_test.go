package responses

import (
	stdjson "encoding/json"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const replayed = `{"id":"resp_1","object":"response","status":"completed","output":[
	{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"encrypted_content":"x"},
	{"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"A \"b\"","annotations":[{"type":"url_citation"}]},{"type":"refusal","refusal":"No."}]},
	{"id":"fc_1","type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"id":"ctc_1","type":"custom_tool_call","call_id":"d","name":"g","input":""},
	{"id":"ws_1","type":"web_search_call","status":"completed"}],"usage":{"total_tokens":3}}`

func TestAReplyThatWasNotStreamedIsReplayedInWholeTexts(t *testing.T) {
	got, err := Replay(nil, json.Value(replayed), nil, -1)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i, event := range strings.Split(strings.TrimSpace(string(got)), "\n\n") {
		name, data, _ := strings.Cut(strings.TrimPrefix(event, "event: "), "\ndata: ")
		names = append(names, strings.TrimPrefix(name, "response."))
		var e struct {
			Type   string
			Number int `json:"sequence_number"`
		}
		if err := stdjson.Unmarshal([]byte(data), &e); err != nil || e.Type != name || e.Number != i {
			t.Errorf("event %d: %v: %s", i, err, event)
		}
	}
	want := "created in_progress output_item.added reasoning_summary_part.added reasoning_summary_text.delta reasoning_summary_text.done reasoning_summary_part.done output_item.done " +
		"output_item.added content_part.added output_text.delta output_text.annotation.added output_text.done content_part.done " +
		"content_part.added refusal.delta refusal.done content_part.done output_item.done " +
		"output_item.added function_call_arguments.delta function_call_arguments.done output_item.done " +
		"output_item.added custom_tool_call_input.done output_item.done output_item.added output_item.done completed"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if strings.Contains(strings.Join(strings.Split(string(got), "event: ")[:4], ""), `"usage":{`) {
		t.Errorf("the first events tell the usage: %s", got)
	}
}

// Marks that do not fit the response would cut it elsewhere than the client's stream was.
func TestAReplayFromTheMiddleNeedsFittingMarks(t *testing.T) {
	const message = `{"id":"resp_1","status":"completed","output":[{"id":"msg_1","type":"message","status":"completed","content":[{"type":"output_text","text":"Hello","annotations":[]}]}]}`
	for name, c := range map[string]struct {
		marks []byte
		ok    bool
	}{
		"fitting":            {[]byte{0, 0, 0, 0, 4, 5, 0, 0, 0, 0}, true},
		"with a silence":     {[]byte{0, 0, 0, 0, 4, 1, 5, 0, 0, 0, 0}, true},
		"a delta too few":    {[]byte{0, 0, 0, 0, 4, 0, 0, 0, 0}, false},
		"a delta too long":   {[]byte{0, 0, 0, 0, 9, 0, 0, 0, 0}, false},
		"an empty delta":     {[]byte{0, 0, 0, 0, 2, 4, 5, 0, 0, 0, 0}, false},
		"an event too many":  {[]byte{0, 0, 0, 0, 4, 5, 0, 0, 0, 0, 0}, false},
		"an event too few":   {[]byte{0, 0, 0, 0, 4, 5, 0, 0, 0}, false},
		"no number":          {[]byte{0, 0, 0, 0, 0x80}, false},
		"none of any events": {[]byte{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			whole, err := Replay(nil, json.Value(message), c.marks, -1)
			if err != nil || strings.Contains(string(whole), `"delta":"He"`) != c.ok {
				t.Errorf("%v %s", err, whole)
			}
			rest, err := Replay(nil, json.Value(message), c.marks, 4)
			if e, is := err.(*chat.Error); c.ok != (err == nil) || !c.ok && (!is || e.Param != "starting_after") { //nolint:errorlint // this very type is made there
				t.Errorf("%v %s", err, rest)
			}
			if c.ok && !strings.HasSuffix(string(whole), string(rest)) {
				t.Errorf("%s is not the end of %s", rest, whole)
			}
		})
	}
}

func FuzzReplay(f *testing.F) {
	f.Add(replayed, []byte{0, 0, 0, 1, 3}, int64(3))
	f.Add(`{"output":{}}`, []byte(nil), int64(-1))
	f.Add(`{"status":"completed","output":[{"type":"message","content":[{"text":5}]},{"type":"reasoning","content":[{"text":"a"}]},7]}`, []byte{0}, int64(0))
	f.Fuzz(func(t *testing.T, response string, marks []byte, after int64) {
		if json.Valid([]byte(response)) != nil || response[0] != '{' {
			return
		}
		whole, err := Replay(nil, json.Value(response), marks, -1)
		if err != nil {
			t.Fatal(err)
		}
		if rest, err := Replay(nil, json.Value(response), marks, after); err == nil && !strings.HasSuffix(string(whole), string(rest)) {
			t.Fatalf("%s is not the end of %s", rest, whole)
		}
	})
}
