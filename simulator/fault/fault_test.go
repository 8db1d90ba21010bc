package fault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestParseReadsEveryWay(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header.Set(Header, "slow=5, cut=120")
	s := Parse(r, "hello [[fault:throttle=2;retry-after=3]] there", "some.model~exception=throttlingException@4")
	want := None()
	want.Slow, want.Cut = 5*time.Millisecond, 120
	want.Error, want.Times, want.RetryAfter = "ThrottlingException", 2, 3*time.Second
	want.Exception, want.ExceptionAt = "throttlingException", 4
	want.Raw = s.Raw
	if s != want {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
	if got := Strip("hello [[fault:throttle=2]]"); got != "hello" {
		t.Errorf("Strip = %q", got)
	}
}

func TestParseWords(t *testing.T) {
	for text, want := range map[string]func(*Spec){
		"hang":                     func(s *Spec) { s.HangAt = 0 },
		"hang@3":                   func(s *Spec) { s.HangAt = 3 },
		"filtered":                 func(s *Spec) { s.Filtered = "guardrail_intervened" },
		"filtered=refusal":         func(s *Spec) { s.Filtered = "refusal" },
		"context":                  func(s *Spec) { s.Error = "ContextOverflow" },
		"ModelTimeoutException":    func(s *Spec) { s.Error = "ModelTimeoutException" },
		"ModelTimeoutException=1":  func(s *Spec) { s.Error, s.Times = "ModelTimeoutException", 1 },
		"exception=x@0":            func(s *Spec) { s.Exception, s.ExceptionAt = "x", 0 },
		"silence=10@2":             func(s *Spec) { s.Silence, s.SilenceAt = 10*time.Millisecond, 2 },
		"cutclean=0,times=1":       func(s *Spec) { s.CutClean, s.Times = 0, 1 },
		"status=502":               func(s *Spec) { s.Status = 502 },
		"nooutput,redacted,pause":  func(s *Spec) { s.NoOutput, s.Redacted, s.Pause = true, true, true },
		"stop=odd,corrupt=9,reset": func(s *Spec) { s.Stop, s.Corrupt, s.Reset = "odd", 9, true },
		"nonsense":                 func(s *Spec) { s.Invalid = `unknown or malformed fault: "nonsense"` },
		"cut=-1":                   func(s *Spec) { s.Invalid = `unknown or malformed fault: "cut=-1"` },
	} {
		exp := None()
		exp.Raw = text
		want(&exp)
		if got := Parse(nil, "[[fault:"+text+"]]", ""); got != exp {
			t.Errorf("%s:\n got  %+v\n want %+v", text, got, exp)
		}
	}
}

func TestCounterFailsSoOftenThenServes(t *testing.T) {
	var c Counter
	s := Parse(nil, "[[fault:throttle=2]]", "")
	var got []bool
	for range 6 {
		got = append(got, c.Due("a", s))
	}
	for i, want := range []bool{true, true, false, true, true, false} {
		if got[i] != want {
			t.Fatalf("attempts were %v", got)
		}
	}
	if !c.Due("b", None()) {
		t.Error("a fault without times is always due")
	}
}

// serve runs one handler that writes two frames through a Writer, and reads the reply.
func serve(t *testing.T, directive string) (body string, err error) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fw := NewWriter(w, r, Parse(nil, "[[fault:"+directive+"]]", ""))
		if fw.Before() != nil {
			return
		}
		for _, f := range []string{"0123456789", "abcdefghij"} {
			if fw.Frame([]byte(f)) != nil {
				return
			}
		}
	}))
	defer srv.Close()
	resp, err := http.Get(srv.URL)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

func TestWriterFaultsOfTheWire(t *testing.T) {
	for _, tt := range []struct {
		directive, body string
		broken          bool
	}{
		{"slow=1", "0123456789abcdefghij", false},
		{"cut=13", "0123456789abc", true},
		{"cut=0", "", true},
		{"cutclean=13", "0123456789abc", false},
		{"cutclean=20", "0123456789abcdefghij", false},
		{"corrupt=11", "0123456789accdefghij", false},
		{"reset", "", true},
	} {
		body, err := serve(t, tt.directive)
		if body != tt.body || (err != nil) != tt.broken {
			t.Errorf("%s: body %q, error %v", tt.directive, body, err)
		}
	}
}

func TestWriterHangsUntilTheClientLeaves(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	r := httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx)
	rec := httptest.NewRecorder()
	w := NewWriter(rec, r, Parse(nil, "[[fault:hang@1]]", ""))
	if err := w.Frame([]byte("one")); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.Frame([]byte("two")) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) || strings.Contains(rec.Body.String(), "two") {
		t.Errorf("error %v, body %q", err, rec.Body)
	}
}
