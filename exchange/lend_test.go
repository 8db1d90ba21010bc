package exchange

import (
	"io"
	"net/http"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

func TestLoansAreHardlyLargerThanWhatIsAskedFor(t *testing.T) {
	before := -1
	for n := 1; n <= mostLoan; n += 1 + n/1000 {
		got, i := size(n)
		if got < n || n > leastLoan && got > n+n/4 || i < before || i >= len(loans) {
			t.Fatalf("size(%d) = %d at %d, before %d", n, got, i, before)
		}
		if again, at := size(got); again != got || at != i {
			t.Fatalf("size(%d) = %d at %d, which has %d at %d", n, got, i, again, at)
		}
		before = i
	}
	if n, i := size(mostLoan + 1); n != mostLoan+1 || i >= 0 {
		t.Errorf("more than the most is pooled: %d at %d", n, i)
	}
}

// A transport may read a request's body after the reply came, and after it was closed for a retry.
func TestMemoryIsUsedAgainWhenNobodyReadsIt(t *testing.T) {
	var l lender
	b := append(l.lend(4000), "body"...)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://upstream.test", http.NoBody)
	upstream.SetBody(req, b, &l.lent)
	retry, err := req.GetBody()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(retry); string(got) != "body" || err != nil {
		t.Errorf("read %q: %v", got, err)
	}
	for _, body := range []io.Closer{req.Body, retry} {
		if l.lent.Free() {
			t.Error("free, though a reader is open")
		}
		_ = body.Close()
	}
	_ = retry.Close() // as a transport does that gives up
	if _, err := retry.Read(make([]byte, 1)); err == nil {
		t.Error("a closed body can be read")
	}
	if !l.lent.Free() {
		t.Error("not free, though all readers are closed")
	}

	other := l.lend(4000)
	if l.back(other); &other[:1][0] == &b[0] {
		t.Error("lent twice at a time")
	}
	upstream.SetBody(req, b, &l.lent)
	if l.close(); string(b) != "body" {
		t.Error("taken back, though a reader is open")
	}
}

func TestMoreLoansThanUsualAreNotPooled(t *testing.T) {
	var l lender
	for range 2 * len(l.used) {
		if b := l.lend(2000); len(b) != 0 || cap(b) < 2000 {
			t.Fatalf("%d of %d bytes", len(b), cap(b))
		}
	}
	l.close()
}
