package tracing

import (
	"net/http/httptest"
	"testing"
)

// Most gateways are not traced.
func TestWithoutASpanNothingIsPaid(t *testing.T) {
	r := httptest.NewRequest("POST", "/v1/chat/completions", nil)
	if c := Begin(r); c != nil {
		t.Fatal("a request without a span is traced")
	}
	if n := testing.AllocsPerRun(100, func() { Begin(r) }); n != 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkWithoutASpan(b *testing.B) {
	r := httptest.NewRequest("POST", "/v1/chat/completions", nil)
	for b.Loop() {
		Begin(r)
	}
}
