package stored_test

import "testing"

// A turn that compacts is kept like any other. The next goes on from the summary, and is no compaction itself.
func TestAConversationGoesOnFromItsCompaction(t *testing.T) {
	g, m := start(t)
	both(t, func(t *testing.T, model string, stream bool) {
		_, first := ask(t, g, stream, `{"model":"`+model+`","input":"hello"}`)
		object, second := ask(t, g, stream, `{"model":"`+model+`","previous_response_id":"`+first.ID+`","input":[{"type":"compaction_trigger"}]}`)
		if len(second.Output) != 1 || second.Output[0].Type != "compaction" || !*second.Store || *second.Previous != first.ID {
			t.Fatalf("%s", object)
		}
		object, third := ask(t, g, stream, `{"model":"`+model+`","previous_response_id":"`+second.ID+`","input":"hello again"}`)
		if last := third.Output[len(third.Output)-1]; last.Type != "message" || *third.Previous != second.ID {
			t.Errorf("%s", object)
		}
		before := string(load(t, m, "", third.ID).Before)
		if want := `[` + string(load(t, m, "", second.ID).Item(second.Output[0].ID)) + `]`; before != want {
			t.Errorf("it went on from %s\nwant %s", before, want)
		}
	})
}
