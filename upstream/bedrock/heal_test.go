package bedrock

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestCallsGetIdsOfTheirOwn(t *testing.T) {
	h := healer{id: "abc"}
	for in, want := range map[string]string{
		// Every reply of Bedrock's copy counts from call_0: two turns would have the same ids.
		`{"choices":[{"index":0,"message":{"tool_calls":[{"id":"call_0","type":"function"},{"type":"function","id":"call_12"}]}}]}`: `{"choices":[{"index":0,"message":{"tool_calls":[{"id":"call_abc_0","type":"function"},{"type":"function","id":"call_abc_12"}]}}]}`,
		// An id that says more than its place is the model's own.
		`{"choices":[{"message":{"tool_calls":[{"id":"call_x1"},{"id":"call_"},{"id":"call_99999"}]}}]}`:    "",
		`{"choices":[{"message":{"content":"call_0","tool_calls":[{"function":{"arguments":"call_0"}}]}}]}`: "",
		`{"choices":[{"message":{"tool_calls":[{},1,null,{"id":"call_1"}]}},"call_0"]}`:                     `{"choices":[{"message":{"tool_calls":[{},1,null,{"id":"call_abc_1"}]}},"call_0"]}`,
		`{"error":{"message":"\"call_0\""}}`: "",
		`not JSON "call_0"`:                  "",
	} {
		if want == "" {
			want = in
		}
		if got := string(h.reply([]byte(in))); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", in, got, want)
		}
	}
	const chunk = `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_0","function":{"name":"f"}}]},"finish_reason":null}]}`
	if got := string(h.chunk([]byte(chunk))); got != strings.Replace(chunk, "call_0", "call_abc_0", 1) {
		t.Error(got)
	}
	if got := string(h.chunk([]byte("[DONE]"))); got != "[DONE]" {
		t.Error(got)
	}
}

// reasoned heals the pieces as the chunks of a stream, and returns what stands where in the end.
func reasoned(t *testing.T, pieces ...string) (reasoning, text string) {
	t.Helper()
	h := healer{reasoning: true}
	read := func(data string) {
		var c struct {
			Choices []struct {
				Delta struct {
					Content   string
					Reasoning string `json:"reasoning_content"`
				}
			}
		}
		healed := h.chunk([]byte(data))
		if err := json.Unmarshal(healed, &c); err != nil {
			t.Fatalf("%s: %v", healed, err)
		}
		for _, one := range c.Choices {
			reasoning += one.Delta.Reasoning
			text += one.Delta.Content
		}
	}
	for _, p := range pieces {
		quoted, _ := json.Marshal(p)
		read(`{"choices":[{"index":0,"delta":{"content":` + string(quoted) + `},"finish_reason":null}]}`)
	}
	read(`{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`)
	return reasoning, text
}

// Wherever a stream is cut into chunks, in the tags too, what comes out is the same.
func TestReasoningInTheTextIsSplitOut(t *testing.T) {
	for whole, want := range map[string][2]string{
		"<reasoning>Hm, <b>.</reasoning>Yes.":  {"Hm, <b>.", "Yes."},
		"<reasoning></reasoning>Yes.":          {"", "Yes."},
		"Yes. <reasoning>no</reasoning>":       {"", "Yes. <reasoning>no</reasoning>"},
		"<reason":                              {"", "<reason"},
		"<reasoning>cut off </reas":            {"cut off </reas", ""},
		"<reasoning>a</reasoning><reasoning>b": {"a", "<reasoning>b"},
		"é\"\\\n":                              {"", "é\"\\\n"},
		"":                                     {"", ""},
	} {
		runes := strings.Split(whole, "")
		for at := range len(runes) + 1 {
			r, s := reasoned(t, strings.Join(runes[:at], ""), strings.Join(runes[at:], ""))
			if r != want[0] || s != want[1] {
				t.Errorf("%q cut at %d: reasoning %q, text %q", whole, at, r, s)
			}
		}
		if r, s := reasoned(t, runes...); r != want[0] || s != want[1] {
			t.Errorf("%q one by one: reasoning %q, text %q", whole, r, s)
		}
		h := healer{reasoning: true}
		quoted, _ := json.Marshal(whole)
		var reply struct {
			Choices []struct {
				Message struct {
					Content   string
					Reasoning string `json:"reasoning_content"`
				}
			}
		}
		if err := json.Unmarshal(h.reply([]byte(`{"choices":[{"finish_reason":"stop","message":{"role":"assistant","content":`+string(quoted)+`}}]}`)), &reply); err != nil {
			t.Fatal(err)
		}
		if m := reply.Choices[0].Message; m.Reasoning != want[0] || m.Content != want[1] {
			t.Errorf("%q whole: %+v", whole, m)
		}
	}
}

// Whatever comes, what goes out is JSON if it was, and all of the text is in it.
func FuzzHealer(f *testing.F) {
	f.Add([]byte(`{"choices":[{"index":0,"delta":{"content":"<reasoning>a</reasoning>b","tool_calls":[{"id":"call_0"}]},"finish_reason":"stop"}]}`))
	f.Add([]byte(`{"choices":[{"delta":[]},{"index":-1,"delta":{"content":null}},{"index":1e3,"delta":{"content":"<"}}]}`))
	f.Add([]byte(`[DONE]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h := healer{id: "x", reasoning: true}
		for range 2 {
			if out := h.chunk(data); json.Valid(data) && !json.Valid(out) {
				t.Fatalf("%s became %s", data, out)
			}
		}
	})
}
