package stored

import (
	"bytes"
	"context"
	stdjson "encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const testCore = "0123456789abcdef0123456789abcdef"

func newStore(t *testing.T, c Config) *Store {
	t.Helper()
	if c.MaxSize == 0 {
		c.MaxSize = 1 << 20
	}
	if c.TTL == 0 {
		c.TTL = time.Hour
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, s *Store, owner, core string, before, input, response string) error {
	t.Helper()
	d, err := s.Draft(core, json.Value(before), json.Value(input))
	if err != nil {
		return err
	}
	return s.Save(t.Context(), &Record{
		ID: ResponseID(core), Owner: owner, Model: "a \"model\"", CreatedAt: time.Unix(1_700_000_000, 0), Response: json.Value(response),
	}, d)
}

func TestARecordIsReadAsItWasSaved(t *testing.T) {
	s := newStore(t, Config{Objects: new(storetest.Memory)})
	for owner, other := range map[string]string{"": "ann", "ann": "", "\xff": "\xfe", "ann ": "ann"} {
		core := NewID()
		id := ResponseID(core)
		response := `{"id":"` + id + `","output":[{"id":"msg_` + core + `_0","type":"message"}],"store":true}`
		if err := save(t, s, owner, core, `[{"id":"a"}]`, `"Hi \u00e4"`, response); err != nil {
			t.Fatal(err)
		}
		r, err := s.Load(t.Context(), owner, id)
		if err != nil {
			t.Fatal(err)
		}
		if r.ID != id || r.Owner != owner || r.Model != `a "model"` || r.CreatedAt.Unix() != 1_700_000_000 || string(r.Response) != response || string(r.Before) != `[{"id":"a"}]` {
			t.Errorf("loaded %+v", r)
		}
		want := `{"id":"a"},{"id":"msg_` + core + `_i0","type":"message","role":"user","content":[{"type":"input_text","text":"Hi \u00e4"}]},{"id":"msg_` + core + `_0","type":"message"}`
		if got := string(r.AppendItems(nil)); got != want {
			t.Errorf("the conversation is\n%s\nwant\n%s", got, want)
		}
		for _, item := range []string{"msg_" + core + "_i0", "msg_" + core + "_0"} {
			if found := r.Item(item); found == nil || !strings.Contains(string(found), item) {
				t.Errorf("the item %s is %s", item, found)
			}
			if of, ok := OfItem(item); !ok || of != id {
				t.Errorf("the item %s is of %q, %v", item, of, ok)
			}
		}
		if _, err := s.Load(t.Context(), other, id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("another owner's: %v", err)
		}
		if err := s.Delete(t.Context(), other, id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("deleted by another: %v", err)
		}
		if err := save(t, s, owner, core, "", `[]`, response); !errors.Is(err, files.ErrExists) {
			t.Errorf("an id that is taken: %v", err)
		}
		if err := s.Delete(t.Context(), owner, id); err != nil {
			t.Error(err)
		}
		if _, err := s.Load(t.Context(), owner, id); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("a deleted one: %v", err)
		}
	}
}

func TestItemsOfTheInputHaveIDsAndTypes(t *testing.T) {
	for input, want := range map[string]string{
		`"x"`: `[{"id":"msg_#_i0","type":"message","role":"user","content":[{"type":"input_text","text":"x"}]}]`,
		`[]`:  `[]`,
		`[{"role":"user","content":"x"},{"type":"message","role":"assistant","content":"y"}]`: `[{"id":"msg_#_i0","type":"message","role":"user","content":[{"type":"input_text","text":"x"}]},` +
			`{"id":"msg_#_i1","type":"message","role":"assistant","content":[{"type":"output_text","text":"y","annotations":[]}]}]`,
		`[{"type":"function_call_output","call_id":"c","output":"o"}]`:               `[{"id":"fco_#_i0","type":"function_call_output","call_id":"c","output":"o"}]`,
		`[{"id":null,"type":"shell_call_output"}]`:                                   `[{"id":"item_#_i0","type":"shell_call_output"}]`,
		`[{"id":"mine","role":"user","content":[1]}]`:                                `[{"type":"message","id":"mine","role":"user","content":[1]}]`,
		`[ {"id" : "mine", "type":"reasoning", "summary":[]} ]`:                      `[{"id" : "mine", "type":"reasoning", "summary":[]}]`,
		`[{"content":"x","role":"user","na\"me":1}]`:                                 `[{"id":"msg_#_i0","type":"message","content":[{"type":"input_text","text":"x"}],"role":"user","na\"me":1}]`,
		`[{"type":"compaction_trigger"},{"type":"a"},{"type":"compaction_trigger"}]`: `[{"id":"item_#_i1","type":"a"}]`,
		`[{},null,1]`: `[{"id":"item_#_i0"},null,1]`,
		``:            `[]`,
		`null`:        `[]`,
	} {
		got := string(appendInput(nil, testCore, json.Value(input)))
		if want = strings.ReplaceAll(want, "#", testCore); got != want {
			t.Errorf("%s\nbecame %s\nwant   %s", input, got, want)
		}
		if !stdjson.Valid([]byte(got)) {
			t.Errorf("%s became %s", input, got)
		}
	}
}

func TestACompactionStandsForWhatCameBeforeIt(t *testing.T) {
	r := Record{Before: json.Value(`[{"a":1}]`), Input: json.Value(`[{"b":2}]`)}
	for output, want := range map[string]string{
		`[{"type":"message"}]`: `{"a":1},{"b":2},{"type":"message"}`,
		`[ {"type":"compaction","n":1} , {"type":"compaction","n":2}, {"type":"message"} ]`: `{"type":"compaction","n":2}, {"type":"message"}`,
		`[{"type":"compaction"}]`: `{"type":"compaction"}`,
		`[]`:                      `{"a":1},{"b":2}`,
	} {
		r.Response = json.Value(`{"output":` + output + `,"store":true}`)
		if got := string(r.AppendItems(nil)); got != want {
			t.Errorf("%s: the conversation is %s", output, got)
		}
	}
}

func TestIDsHaveAFormOfTheirOwn(t *testing.T) {
	if a, b := NewID(), NewID(); a == b || !Ours(ResponseID(a)) || len(a) != 32 {
		t.Errorf("ids %s and %s", a, b)
	}
	for _, id := range []string{"", "resp_", "resp_" + testCore + "0", "resp_" + strings.ToUpper(testCore), "msg_" + testCore, "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b"} {
		if Ours(id) {
			t.Errorf("%q is taken for one of the gateway's", id)
		}
	}
	for _, id := range []string{"", "msg_" + testCore, "msg_" + testCore + "_", "msg_" + testCore + "_x", "msg_" + testCore + "_i", "msg_" + testCore + "_12345678", "_" + testCore + "_0", "MSG_" + testCore + "_0", "message_" + testCore + "_0", testCore + "_0"} {
		if of, ok := OfItem(id); ok {
			t.Errorf("%q is taken for an item of %s", id, of)
		}
	}
}

func TestAConversationThatHasGrownTooLargeIsNotStored(t *testing.T) {
	s := newStore(t, Config{Objects: new(storetest.Memory), MaxSize: 100})
	text := `"` + strings.Repeat("x", 60) + `"`
	if err := save(t, s, "", NewID(), "", text, `{"id":"resp_1","output":[]}`); err != nil {
		t.Errorf("of 90 bytes: %v", err)
	}
	for name, err := range map[string]error{
		"with its reply":        save(t, s, "", NewID(), "", text, `{"output":[`+text+`]}`),
		"with the turns before": save(t, s, "", NewID(), "["+text+"]", text, `{}`),
	} {
		if !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Items get ids, types and parts, which can be half as much again: a record that was saved and is too large to be read would be
// lost, though its reply says that it is stored.
func TestWhatIsSavedCanBeRead(t *testing.T) {
	for name, input := range map[string]string{
		"content first":        `[{"content":"hi","id":"msg_1","role":"user","type":"message"}]`,
		"content first, alone": `[{"content":"hi","role":"user"}]`,
		"many short messages":  "[" + strings.Repeat(`{"role":"user","content":"how are you today, my old friend of mine?"},`, 12_000) + `{"role":"user","content":""}]`,
	} {
		s, core := newStore(t, Config{Objects: new(storetest.Memory)}), NewID()
		err := save(t, s, "ann", core, "", input, `{"id":"`+ResponseID(core)+`","output":[]}`)
		if errors.Is(err, ErrTooLarge) {
			continue // and the reply says so
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err = s.Load(t.Context(), "ann", ResponseID(core)); err != nil {
			t.Errorf("%s: was saved, and %v", name, err)
		}
	}
}

func TestARecordThatUnpacksToTooMuchIsRefused(t *testing.T) {
	m := new(storetest.Memory)
	large, small := newStore(t, Config{Objects: m, MaxSize: 4 << 20}), newStore(t, Config{Objects: m, MaxSize: 1000})
	core := NewID()
	if err := save(t, large, "", core, "", `"`+strings.Repeat("x", 1<<20)+`"`, `{"output":[]}`); err != nil {
		t.Fatal(err)
	}
	if _, err := small.Load(t.Context(), "", ResponseID(core)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("loaded with %v", err)
	}
}

func TestKeptSaysWhichUpstreamHasAResponse(t *testing.T) {
	s := newStore(t, Config{Objects: new(storetest.Memory), Off: true})
	k := Kept{ID: "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b", Owner: "ann", Upstream: "openai", Model: "gpt-5"}
	if err := s.SaveKept(t.Context(), &k); err != nil {
		t.Fatal(err)
	}
	got, err := s.LoadKept(t.Context(), "ann", k.ID)
	if err != nil || *got != k {
		t.Errorf("loaded %+v, %v", got, err)
	}
	if _, err := s.LoadKept(t.Context(), "bob", k.ID); !errors.Is(err, files.ErrNotFound) {
		t.Errorf("another owner's: %v", err)
	}
	if err := s.SaveKept(t.Context(), &Kept{ID: strings.Repeat("x", 1000)}); err == nil {
		t.Error("an id without end was kept")
	}
}

func TestAnOutageIsOneLine(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	s := newStore(t, Config{Objects: new(storetest.Memory), Logger: zap.New(core)})
	ctx := t.Context()
	for range 50 {
		s.Saved(ctx, "a response", files.ErrUnavailable)
	}
	s.Saved(ctx, "a response", nil)
	for range 50 {
		s.Saved(ctx, "a response", files.ErrUnavailable) // again within the minute
		s.Saved(ctx, "a response", nil)
	}
	if n := logs.FilterLevelExact(zap.WarnLevel).Len(); n != 1 {
		t.Errorf("%d warnings", n)
	}
	if n := logs.FilterMessage("responses are stored again").Len(); n != 1 {
		t.Errorf("the end of an outage is told %d times", n)
	}
	s.outage.warned = time.Now().Add(-2 * warnEvery)
	s.Saved(ctx, "a response", files.ErrUnavailable)
	s.outage.warned = time.Now()
	s.Saved(ctx, "a response", nil)
	s.Saved(ctx, "a response", files.ErrUnavailable)
	s.outage.warned = time.Now().Add(-2 * warnEvery)
	s.Saved(ctx, "a response", files.ErrUnavailable) // one that began soon after another is told when it lasts
	if n := logs.FilterLevelExact(zap.WarnLevel).Len(); n != 3 {
		t.Errorf("%d warnings of three outages", n)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	before := logs.Len()
	s.Saved(gone, "a response", context.Canceled)
	if logs.Len() != before {
		t.Error("a client that left is logged as an outage")
	}
	s.Saved(ctx, "a response", ErrTooLarge)
	if last := logs.All()[logs.Len()-1]; !slices.ContainsFunc(last.Context, func(f zap.Field) bool { return f.Key == "error" }) {
		t.Errorf("a conversation that is too large is logged as %v", last)
	}
}

func FuzzRecord(f *testing.F) {
	s, err := New(Config{Objects: new(storetest.Memory), MaxSize: 1 << 16})
	if err != nil {
		f.Fatal(err)
	}
	d, _ := s.Draft(testCore, nil, json.Value(`[{"role":"user","content":"x"}]`))
	whole := s.pack.EncodeAll(appendReply(nil, &Record{ID: ResponseID(testCore), Response: json.Value(`{"output":[{"id":"a"}]}`)}), d.packed)
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(s.pack.EncodeAll([]byte(`{"version":1,"before":[],"input":[],"id":"resp_`+testCore+`","response":{"output":[1]}}`), nil))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, read := range [...]func() (*Record, error){
			func() (*Record, error) {
				plain, err := s.unpack.DecodeAll(body, nil)
				if err != nil {
					return nil, err
				}
				if int64(len(plain)) > s.MaxSize+headroom {
					t.Fatalf("unpacked to %d bytes", len(plain))
				}
				return decode(plain)
			},
			func() (*Record, error) { return decode(body) },
		} {
			r, err := read()
			if err != nil {
				continue
			}
			items := append(append([]byte{'['}, r.AppendItems(nil)...), ']')
			if !stdjson.Valid(items) {
				t.Fatalf("the conversation is %s", items)
			}
			_ = r.Item("a")
		}
	})
}

func FuzzInput(f *testing.F) {
	for _, seed := range []string{`"x"`, `[{"role":"user","content":"x"}]`, `[{"id":null,"type":1}]`, `[{"id":"a","content":"b"}, {}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if json.Valid(input) != nil || bytes.ContainsAny(input[:1], " \t\r\n") {
			return // the value of a member, as it was found
		}
		if got := appendInput(nil, testCore, input); !stdjson.Valid(got) {
			t.Fatalf("%s became %s", input, got)
		}
	})
}
