package limit

import (
	"testing"
	"time"
)

func TestUsedIsThatOfTheFullestKey(t *testing.T) {
	l := New([]*Rule{{Name: "a", Key: "{user}", Requests: &Quota{Amount: 4, Period: Day}, Tokens: &Quota{Amount: 1000, Window: time.Hour}}, {Name: "b", Concurrent: 1}})
	for user, calls := range map[string]int{"x": 1, "y": 3} {
		for range calls {
			lease, refused := l.Begin(&Ask{Model: "m", Key: func(string) string { return user }, Input: 10, Most: 10})
			if refused != nil {
				t.Fatal(refused.Message())
			}
			lease.Settle(Amounts{Tokens: 100})
		}
	}
	used := l.Used()
	if len(used) != 2 || used[0] != (Used{"a", OfRequests, 0.75}) || used[1].Limit != "a" || used[1].What != OfTokens || used[1].Share < 0.29 || used[1].Share > 0.31 {
		t.Errorf("got %+v", used)
	}
	if used := (*Limits)(nil).Used(); used != nil {
		t.Errorf("without limits: %+v", used)
	}
}
