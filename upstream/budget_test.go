package upstream

import (
	"testing"
	"time"
)

// Retries are a fifth of the calls of ten seconds, and ten at least: without that bound a failing upstream gets three calls
// for each of its clients'.
func TestBudget(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, tc := range []struct{ calls, want int }{{0, 10}, {1, 10}, {50, 10}, {100, 20}, {1000, 200}} {
		var b budget
		for range tc.calls {
			b.call(now)
		}
		got := 0
		for b.spend(now.Add(time.Second)) {
			got++
		}
		if got != tc.want {
			t.Errorf("%d calls have %d retries, not %d", tc.calls, got, tc.want)
		}
		if b.spend(now.Add(budgetSeconds * time.Second)) {
			t.Errorf("%d calls: retries of the last seconds were forgotten", tc.calls)
		}
		if !b.spend(now.Add((budgetSeconds + 1) * time.Second)) {
			t.Errorf("%d calls: the budget did not come back", tc.calls)
		}
	}
}

// What is asked of every call takes no lock and allocates nothing while nothing has failed.
func TestTroubleFreeAllocs(t *testing.T) {
	target := &Target{Named: &Named{Name: "x", Failing: Failing{MaxFails: 5, Duration: time.Minute}, memory: new(memory)}}
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() {
		target.state("gpt-4o", now)
		target.memory.retries.call(now)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkTroubleFree(b *testing.B) {
	target := &Target{Named: &Named{Name: "x", Failing: Failing{MaxFails: 5, Duration: time.Minute}, memory: new(memory)}}
	now := time.Now()
	for b.Loop() {
		target.state("gpt-4o", now)
		target.memory.retries.call(now)
	}
}
