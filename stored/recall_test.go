package stored

import (
	"context"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const secondCore, thirdCore = "11111111111111111111111111111111", "22222222222222222222222222222222"

// reply is a response object of ours with the output.
func reply(core, output string) string {
	return `{"id":"resp_` + core + `","object":"response","status":"completed","output":[` + output + `],"store":true}`
}

func asker(owner string) Asker {
	return Asker{Owner: owner, May: func(model string) bool { return model != "secret" }, MaxBody: 1 << 20, Hold: func(int64) error { return nil }}
}

func recalled(t *testing.T, s *Store, a Asker, body string) (Recalled, error) {
	t.Helper()
	var b chat.Body
	if err := b.ParseBody([]byte(body)); err != nil {
		t.Fatal(err)
	}
	names, err := NamesIn(&b)
	if err != nil {
		return Recalled{}, err
	}
	return s.Recall(t.Context(), a, &b, names)
}

const (
	said    = `{"id":"msg_` + testCore + `_0","type":"message","role":"assistant","content":[{"type":"output_text","text":"A"}]}`
	saidToo = `{"id":"msg_` + secondCore + `_1","type":"message","role":"assistant","content":[]}`
	thought = `{"id":"rs_` + secondCore + `_0","type":"reasoning","summary":[]}`
	asked   = `{"id":"msg_` + testCore + `_i0","type":"message","role":"user","content":[{"type":"input_text","text":"Q"}]}`
	begun   = `{"id":"msg_first","type":"message","role":"user","content":[]}`
)

// conversation keeps two responses of ann's, the second of which goes on with the first, what openai and other keep of hers, and
// a response of a model that she may not ask for.
func conversation(t *testing.T) (*Store, *storetest.Memory) {
	t.Helper()
	memory := new(storetest.Memory)
	s := newStore(t, Config{Objects: memory})
	for _, err := range []error{
		save(t, s, "ann", testCore, "", `"Q"`, reply(testCore, said)),
		save(t, s, "ann", secondCore, `[`+begun+`,`+asked+`,`+said+`]`, `[]`, reply(secondCore, thought+`,`+saidToo)),
		s.SaveKept(t.Context(), &Kept{ID: "resp_openai", Owner: "ann", Upstream: "openai", Model: "gpt-5"}),
		s.SaveKept(t.Context(), &Kept{ID: "rs_openai", Owner: "ann", Upstream: "openai", Model: "gpt-5"}),
		s.SaveKept(t.Context(), &Kept{ID: "resp_other", Owner: "ann", Upstream: "other", Model: "gpt-5"}),
		s.SaveKept(t.Context(), &Kept{ID: "resp_secret", Owner: "ann", Upstream: "openai", Model: "secret"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, memory
}

func TestWhatARequestNamesStandsInItsInput(t *testing.T) {
	s, _ := conversation(t)
	first, second := asked+`,`+said, begun+`,`+asked+`,`+said+`,`+thought+`,`+saidToo
	const user = `{"type":"message","role":"user","content":"B"}`
	for _, c := range []struct{ name, body, want, before, input string }{
		{"nothing", `{"input":[{"role":"user","content":"B"}]}`, "", "", ""},
		{
			"a response, text", `{"previous_response_id":"resp_` + testCore + `", "input" : "B" ,"stream":true}`,
			`{"input" : [` + first + `,` + user + `] ,"stream":true}`, first, `"B"`,
		},
		{"a response, items", `{"model":"m","input":[ {"a":1}],"previous_response_id":"resp_` + testCore + `"}`, `{"model":"m","input":[` + first + `, {"a":1}]}`, first, `[ {"a":1}]`},
		{"a response, no items", `{"input":[ ],"previous_response_id":"resp_` + testCore + `"}`, `{"input":[` + first + ` ]}`, first, `[ ]`},
		{"a response, null", `{"input":null,"previous_response_id":"resp_` + testCore + `"}`, `{"input":[` + first + `]}`, first, `[]`},
		{"a response alone", `{"previous_response_id":"resp_` + testCore + `"}`, `{"input":[` + first + `]}`, first, `[]`},
		{"a response that went on with another", `{"previous_response_id":"resp_` + secondCore + `","input":[1]}`, `{"input":[` + second + `,1]}`, second, `[1]`},
		{
			"items", `{"input":[{"type":"item_reference","id":"msg_` + testCore + `_0"},2,{"id":"rs_` + secondCore + `_0"}]}`,
			`{"input":[` + said + `,2,` + thought + `]}`, "", "",
		},
		{
			"items and a response", `{"input":[{"id":"msg_` + testCore + `_i0","type":null}],"previous_response_id":"resp_` + secondCore + `"}`,
			`{"input":[` + second + `,` + asked + `]}`, second, `[` + asked + `]`,
		},
		{"an item by an escaped name", `{"input":[{"typ\u0065":"item\u005freference","\u0069d":"msg_` + testCore + `\u005f0"}]}`, `{"input":[` + said + `]}`, "", ""},
		{"an item twice", `{"input":[{"id":"msg_` + testCore + `_0"},{"id":"msg_` + testCore + `_0"}]}`, `{"input":[` + said + `,` + said + `]}`, "", ""},
		{"a whole item with an id", `{"input":[` + said + `]}`, "", "", ""},
		{"what an upstream keeps", `{"previous_response_id":"resp_openai","input":[{"id":"rs_openai"},{"id":"msg_` + testCore + `_0"}]}`, `{"previous_response_id":"resp_openai","input":[{"id":"rs_openai"},` + said + `]}`, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := recalled(t, s, asker("ann"), c.body)
			if err != nil || got.Unknown != nil {
				t.Fatal(err, got.Unknown)
			}
			before := strings.TrimSuffix(strings.TrimPrefix(string(got.Before), "["), "]")
			if string(got.Body) != c.want || before != c.before || string(got.Input) != c.input {
				t.Errorf("got  %s\nwant %s\nbefore %s, input %s", got.Body, c.want, before, got.Input)
			}
			if c.want != "" && !stdjson.Valid(got.Body) {
				t.Error("not JSON")
			}
			if named := strings.Contains(c.body, "openai"); named != (got.Upstream == "openai" && got.Model == "gpt-5") {
				t.Errorf("upstream %q, model %q", got.Upstream, got.Model)
			}
		})
	}
}

func TestWhatIsNotTheOwnersIsNotThere(t *testing.T) {
	s, _ := conversation(t)
	if err := s.Save(t.Context(), &Record{ID: ResponseID(thirdCore), Owner: "ann", Model: "secret", Response: json.Value(reply(thirdCore, ""))}, draft(t, s, thirdCore)); err != nil {
		t.Fatal(err)
	}
	for _, owner := range []string{"", "bob", "ANN", "ann ", "ann\x00", "ann/../ann"} {
		for _, body := range []string{
			`{"previous_response_id":"resp_` + testCore + `","input":"B"}`, `{"previous_response_id":"resp_openai","input":"B"}`,
			`{"input":[{"id":"msg_` + testCore + `_0"}]}`, `{"input":[{"type":"item_reference","id":"rs_openai"}]}`,
			`{"input":"B","prompt_cache_options":{"comparison_response_id":"resp_openai"}}`,
		} {
			if got, err := recalled(t, s, asker(owner), body); err != nil || got.Unknown == nil || got.Body != nil || got.Upstream != "" {
				t.Errorf("%q %s: %+v, %v", owner, body, got, err)
			}
		}
	}
	for body, want := range map[string]string{
		`{"previous_response_id":"resp_` + strings.ToUpper(testCore) + `","input":"B"}`:                                  "Previous response with id",
		`{"previous_response_id":"RESP_` + testCore + `","input":"B"}`:                                                   "Previous response with id",
		`{"previous_response_id":"resp_` + testCore + `/","input":"B"}`:                                                  "Previous response with id",
		`{"previous_response_id":"../response/resp_` + testCore + `","input":"B"}`:                                       "Previous response with id",
		`{"previous_response_id":"resp_` + thirdCore + `","input":"B"}`:                                                  "Previous response with id",
		`{"previous_response_id":"resp_secret","input":"B"}`:                                                             "Previous response with id",
		`{"previous_response_id":"` + strings.Repeat("a", 300) + `"}`:                                                    "Previous response with id",
		`{"input":[{"id":"msg_` + testCore + `_9"}]}`:                                                                    "Item with id 'msg_" + testCore + "_9' not found.",
		`{"input":[{"id":"fc_` + testCore + `_0"}]}`:                                                                     "Item with id",
		`{"input":[{"type":"item_reference"}]}`:                                                                          "Item with id '' not found.",
		`{"input":[{"type":"item_reference","id":"resp_openai_","type":"message","role":"user","content":"x"}]}`:         "Item with id 'resp_openai_' not found.",
		`{"input":"B","prompt_cache_options":{"comparison_response_id":"resp_unknown"}}`:                                 "Previous response with id 'resp_unknown' not found.",
		`{"previous_response_id":"resp_unknown","input":"B","prompt_cache_options":{"comparison_response_id":"resp_a"}}`: "Previous response with id 'resp_unknown' not found.",
		`{"input":[{"id":"msg_` + testCore + `_0"},{"id":"gone"}],"previous_response_id":"resp_` + secondCore + `"}`:     "Item with id 'gone' not found.",
		`{"input":[{"id":"a"},{"id":"b"},{"id":"msg_` + testCore + `_0"}]}`:                                              "Item with id 'b' not found.",
	} {
		got, err := recalled(t, s, asker("ann"), body)
		if err != nil || got.Unknown == nil || !strings.Contains(got.Unknown.Message, want) {
			t.Errorf("%s: %v, %v", body, got.Unknown, err)
		}
	}
}

func draft(t *testing.T, s *Store, core string) Draft {
	t.Helper()
	d, err := s.Draft(core, nil, json.Value(`"x"`))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestNamesThatCannotBeGoneOnWith(t *testing.T) {
	s, memory := conversation(t)
	many := func(n int, format string) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(format, i)
		}
		return `{"input":[` + strings.Join(items, ",") + `]}`
	}
	small := asker("ann")
	small.MaxBody = 400
	busy := asker("ann")
	busy.Hold = func(int64) error { return &chat.Error{Kind: chat.ErrOverloaded, Code: "too_much_buffered"} }
	for _, c := range []struct {
		name, body, want string
		asker            Asker
		status           int
		fail             error
	}{
		{"a number", `{"previous_response_id":5}`, "expected a string", asker("ann"), 400, nil},
		{"an empty id", `{"previous_response_id":""}`, "Expected an ID that begins with 'resp'", asker("ann"), 400, nil},
		{"an item of two names", `{"input":[{"type":"item_reference","id":"rs_openai","id":"rs_bobs"}]}`, "the member 'id' twice", asker("ann"), 400, nil},
		{"two to compare with", `{"prompt_cache_options":{"comparison_response_id":"resp_openai","comparison_response_id":"resp_bobs"}}`, "twice", asker("ann"), 400, nil},
		{"a conversation too", `{"previous_response_id":"resp_a","conversation":"conv_a"}`, "Mutually exclusive", asker("ann"), 400, nil},
		{"two upstreams", `{"previous_response_id":"resp_other","input":[{"id":"rs_openai"}]}`, "several upstreams", asker("ann"), 400, nil},
		{"too many references", many(maxReferences+1, `{"id":"a%d"}`), "more than 4096 items", asker("ann"), 400, nil},
		{"too many responses", many(maxRecords+1, `{"id":"msg_%032x_0"}`), "more than 32 responses", asker("ann"), 400, nil},
		{"a conversation beyond max_body", `{"previous_response_id":"resp_` + secondCore + `","input":"B"}`, "larger than 400 bytes", small, 413, nil},
		{"references beyond max_body", many(5, `{"id":"msg_`+testCore+`_0","n":%d}`), "larger than 400 bytes", small, 413, nil},
		{"no memory", `{"previous_response_id":"resp_` + secondCore + `","input":"B"}`, "", busy, 503, nil},
		{"a store that is away", `{"previous_response_id":"resp_` + secondCore + `","input":"B"}`, "cannot be read now", asker("ann"), 503, files.ErrUnavailable},
		{"a store that is away, of an upstream's", `{"input":[{"id":"rs_x"}]}`, "cannot be read now", asker("ann"), 503, files.ErrUnavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			memory.Fail = func(context.Context) error { return c.fail }
			defer func() { memory.Fail = nil }()
			got, err := recalled(t, s, c.asker, c.body)
			e, ok := errors.AsType[*chat.Error](err)
			if !ok || e.StatusCode() != c.status || !strings.Contains(e.Message, c.want) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
}

// A request that names nothing is most of all: it must not pay for those that do.
func TestWhatNamesNothingCostsNothing(t *testing.T) {
	var b chat.Body
	if err := b.ParseBody([]byte(`{"model":"m","input":[{"role":"user","content":"a"},{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"}]}`)); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if names, err := NamesIn(&b); err != nil || names.Any() {
			t.Error(names, err)
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// An item that is asked about again is asked of the store once: a client of OpenAI's refers to each item in every turn.
// Thirty-two items of large records were all copied before anybody asked whether there is room for them: a request of 2 KB took
// 740 MB.
func TestItemsAreCountedBeforeTheyAreCopied(t *testing.T) {
	const most, size = 4 << 20, 3 << 20
	s := newStore(t, Config{Objects: new(storetest.Memory), MaxSize: most})
	refs := make([]string, 8)
	for i := range refs {
		core := NewID()
		input := `[{"id":"msg_` + core + `_i0","type":"message","role":"user","content":[{"type":"input_text","text":"` + strings.Repeat("x", size) + `"}]}]`
		if err := save(t, s, "ann", core, "", input, reply(core, "")); err != nil {
			t.Fatal(err)
		}
		refs[i] = `{"type":"item_reference","id":"msg_` + core + `_i0"}`
	}
	a := asker("ann")
	a.MaxBody = most
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := recalled(t, s, a, `{"model":"m","input":[`+strings.Join(refs, ",")+`]}`)
	runtime.ReadMemStats(&after)
	if e, ok := errors.AsType[*chat.Error](err); !ok || e.Kind != chat.ErrTooLarge {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 8*size {
		t.Errorf("it took %d MB", took>>20)
	}
}

func TestAnUpstreamsItemIsLookedUpOnce(t *testing.T) {
	s, memory := conversation(t)
	reads := 0
	memory.Fail = func(context.Context) error { reads++; return nil }
	for range 3 {
		if _, err := recalled(t, s, asker("ann"), `{"input":[{"id":"rs_openai"},{"id":"rs_openai"}]}`); err != nil {
			t.Fatal(err)
		}
	}
	if reads > 2 {
		t.Errorf("%d reads", reads)
	}
}

func FuzzRecall(f *testing.F) {
	for _, body := range []string{
		`{"previous_response_id":"resp_` + testCore + `","input":"B"}`, `{"input":[{"id":"msg_` + testCore + `_0"},1],"previous_response_id":"resp_` + secondCore + `"}`,
		`{"input":null,"previous_response_id":"resp_` + testCore + `"}`, `{"input":[{"type":"item_reference","id":"rs_openai"}]}`, `{"input":[[{"id":"x"}]],"a":[]}`,
		`{"prompt_cache_options":{"comparison_response_id":"resp_openai"}, "input" : [ ] }`, `{"input":5,"previous_response_id":"resp_` + testCore + `"}`,
	} {
		f.Add(body)
	}
	memory := new(storetest.Memory)
	s, err := New(Config{Objects: memory, MaxSize: 1 << 20, TTL: 1 << 40})
	if err != nil {
		f.Fatal(err)
	}
	d, err := s.Draft(testCore, nil, json.Value(`"Q"`))
	if err == nil {
		err = s.Save(f.Context(), &Record{ID: ResponseID(testCore), Owner: "ann", Response: json.Value(reply(testCore, said))}, d)
	}
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var b chat.Body
		if b.ParseBody([]byte(body)) != nil {
			return
		}
		names, err := NamesIn(&b)
		if err != nil {
			return
		}
		for _, owner := range []string{"ann", "bob"} {
			got, err := s.Recall(t.Context(), asker(owner), &b, names)
			if err != nil || got.Body == nil {
				continue
			}
			if owner == "bob" {
				t.Fatalf("%s has become %s for another owner", body, got.Body)
			}
			var again chat.Body
			if err := again.ParseBody(got.Body); err != nil {
				t.Fatalf("%s has become %s: %v", body, got.Body, err)
			}
			left, err := NamesIn(&again)
			if err != nil || got.Unknown == nil && got.Upstream == "" && left.Any() {
				t.Fatalf("%s has become %s, which names things still: %v", body, got.Body, err)
			}
		}
	})
}
