package pool

import "testing"

func TestGetReturnsTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{Small, Large, 8 << 10, 64 << 10, 1} {
		b := Get(size)
		if len(b) != size {
			t.Errorf("%d bytes, want %d", len(b), size)
		}
		Put(b[:0]) // a buffer may come back cut
		if again := Get(size); len(again) != size {
			t.Errorf("after Put: %d bytes, want %d", len(again), size)
		}
	}
	Put(nil)
}
