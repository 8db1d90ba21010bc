package kept

import (
	"sync"
	"testing"
)

func TestMap(t *testing.T) {
	var m Map[string, int]
	if m.Get("a") != nil || len(m.All()) != 0 {
		t.Error("an empty map has a value")
	}
	one := func() *int { n := 1; return &n }
	a := m.Add("a", 2, one)
	if a == nil || m.Add("a", 2, one) != a || m.Get("a") != a {
		t.Error("a key has not the one value")
	}
	if m.Add("b", 2, one) == nil || m.Add("c", 2, one) != nil || m.Get("c") != nil || len(m.All()) != 2 {
		t.Error("the bound does not hold")
	}
	if m.Add("a", 2, one) != a {
		t.Error("a full map has lost a value")
	}
	if n := testing.AllocsPerRun(100, func() { m.Get("a") }); n != 0 {
		t.Errorf("reading takes %.0f allocations", n)
	}
}

func TestMapIsSharedByGoroutines(t *testing.T) {
	var m Map[int, sync.Mutex]
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for k := range 100 {
				if v := m.Get(k); v == nil {
					m.Add(k, 50, func() *sync.Mutex { return new(sync.Mutex) })
				}
			}
		})
	}
	wg.Wait()
	if n := len(m.All()); n != 50 {
		t.Errorf("%d keys", n)
	}
}
