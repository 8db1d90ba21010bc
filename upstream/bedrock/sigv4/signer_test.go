package sigv4

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

var (
	static    = aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
	temporary = aws.Credentials{AccessKeyID: "ASIAEXAMPLE", SecretAccessKey: "secret", SessionToken: "FwoGZXIvYXdzE+/=" + strings.Repeat("t", 900)}
	noon      = time.Date(2026, 3, 4, 12, 5, 6, 789, time.UTC)
)

// request is what a row of the tables says of a request.
type request struct {
	method, target string
	host           string
	headers        http.Header
	body           string
}

func (r request) make(t testing.TB) *http.Request {
	t.Helper()
	method := r.method
	if method == "" {
		method = http.MethodPost
	}
	req, err := http.NewRequestWithContext(context.Background(), method, r.target, io.NopCloser(strings.NewReader(r.body)))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(r.body))
	if r.host != "" {
		req.Host = r.host
	}
	maps.Copy(req.Header, r.headers)
	return req
}

// compare signs req with both signers and checks that they leave the same.
func compare(t *testing.T, s *Signer, req *http.Request, hash string, creds aws.Credentials, now time.Time) {
	t.Helper()
	want := req.Clone(req.Context())
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, want, hash, s.service, s.region, now); err != nil {
		t.Fatal(err)
	}
	if err := s.Sign(req, hash, creds, now); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(req.Header, want.Header) {
		t.Errorf("headers\n%q, sdk\n%q", req.Header, want.Header)
	}
	if req.URL.String() != want.URL.String() || req.Host != want.Host {
		t.Errorf("%s for host %q, sdk %s for %q", req.URL, req.Host, want.URL, want.Host)
	}
}

// covered reports whether req is signed without the SDK.
func covered(req *http.Request) bool {
	return new(workspace).canonicalize(req.Clone(req.Context()), "hash")
}

func TestSignAgreesWithTheSDK(t *testing.T) {
	const runtime = "https://bedrock-runtime.us-east-1.amazonaws.com"
	targets := []string{
		"", "/", "//", "/a//b/", "/a/../b/./c", "/~-._", "/ä/日本", "/a b", "/a%20b", "/a+b", "/%e2%82%ac", "/%E2%82%AC",
		"/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse-stream",
		"/model/anthropic.claude-3-5-sonnet-20241022-v2:0/invoke",
		"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.amazon.nova-lite-v1%3A0/converse",
		"/model/arn:aws:bedrock:us-east-1:123456789012:inference-profile%2Fx/converse",
		"/!$&'()*,;=@[]", "/%00%7f%25", "/a?", "/a?b", "/a?b=", "/a?b=1&a=2&b=0&B=3", "/a?k=a/b&k=a-b&k=a%20b&k=a+b",
		"/a?x=%zz&y=1", "/a?x;y=1", "/a?ä=ö&%C3%A4=1", "/a?=1&&", "/foundation-models?byOutputModality=TEXT&byProvider=Anthropic",
	}
	headers := map[string]http.Header{
		"none": nil,
		"usual": {
			"Content-Type": {"application/json"}, "Accept": {"application/vnd.amazon.eventstream"},
			"User-Agent": {"x"}, "Authorization": {"Bearer stale"}, "X-Amzn-Trace-Id": {"Root=1"}, "Expect": {"100-continue"},
			"Transfer-Encoding": {"chunked"}, "Content-Length": {"99"}, "X-Amz-Date": {"stale", "twice"},
			"X-Amzn-Bedrock-Guardrailidentifier": {"abc"}, "X-Amzn-Bedrock-Performanceconfig-Latency": {"optimized"},
		},
		"several values": {"X-Amz-Meta": {"a", "b", "", "c d"}, "X-None": {}, "X-Empty": {""}, "A": {"1"}, "Z-9": {"2"}},
	}
	s := New("bedrock", "us-east-1")
	for name, h := range headers {
		for _, target := range targets {
			for _, creds := range []aws.Credentials{static, temporary} {
				for _, body := range []string{"", `{"messages":[]}`} {
					method := http.MethodPost
					if body == "" {
						method = http.MethodGet
					}
					row := request{method: method, target: runtime + target, headers: h, body: body}
					t.Run(fmt.Sprintf("%s %s %s", name, method, target), func(t *testing.T) {
						if !covered(row.make(t)) {
							t.Error("left to the SDK")
						}
						compare(t, s, row.make(t), HashPayload([]byte(body)), creds, noon)
					})
				}
			}
		}
	}
}

func TestHostAgreesWithTheSDK(t *testing.T) {
	for _, row := range []struct {
		target, host string
		covered      bool
	}{
		{"https://example.com", "", true},
		{"https://example.com:443/a", "", true},
		{"http://example.com:80/a", "", true},
		{"https://example.com:80/a", "", true},
		{"http://127.0.0.1:8080/a", "", true},
		{"https://example.com/a", "vpce-1.bedrock-runtime.us-east-1.vpce.amazonaws.com", true},
		{"https://example.com/a", "other:443", true},
		{"https://example.com:/a", "", true},
		{"https://:443/a", "", false},
		{"https://[::1]/a", "", false},
		{"https://[::1]:443/a", "", false},
		{"http://[::1]:8080/a", "", false},
		{"https://example.com/a", " spaced  host ", false},
	} {
		t.Run(row.target+" "+row.host, func(t *testing.T) {
			r := request{target: row.target, host: row.host, body: "{}"}
			if got := covered(r.make(t)); got != row.covered {
				t.Errorf("covered: %t, want %t", got, row.covered)
			}
			compare(t, New("bedrock", "eu-west-1"), r.make(t), HashPayload([]byte("{}")), temporary, noon)
		})
	}
}

func TestWhatIsNotCoveredIsSignedByTheSDK(t *testing.T) {
	const target = "https://example.com/model/x%3A0/converse"
	rows := map[string]http.Header{
		"space ahead":          {"X-A": {" v"}},
		"space behind":         {"X-A": {"v "}},
		"a space alone":        {"X-A": {" "}},
		"two spaces":           {"X-A": {"a  b"}},
		"tab":                  {"X-A": {"\tv"}},
		"not ASCII":            {"X-A": {"größe"}},
		"control character":    {"X-A": {"a\x7f"}},
		"second value":         {"X-A": {"ok", "not  ok"}},
		"name in lower case":   {"x-a": {"v"}},
		"name in two cases":    {"x-a": {"v"}, "X-A": {"w"}},
		"name in upper case":   {"X-AMZ-FOO": {"v"}},
		"name with underscore": {"X_a": {"v"}},
		"name of nothing":      {"": {"v"}},
		"host as a header":     {"Host": {"other.example.com"}},
		"authorization, lower": {"authorization": {"Bearer x"}},
	}
	for name, h := range rows {
		if name == "name in two cases" {
			continue // the SDK's order of the two values is that of the map
		}
		t.Run(name, func(t *testing.T) {
			r := request{target: target, headers: h, body: "{}"}
			if covered(r.make(t)) {
				t.Error("covered here, want the SDK")
			}
			compare(t, New("bedrock", "us-east-1"), r.make(t), HashPayload([]byte("{}")), temporary, noon)
		})
	}
	t.Run("name in two cases", func(t *testing.T) {
		if covered(request{target: target, headers: rows["name in two cases"]}.make(t)) {
			t.Error("covered here, want the SDK")
		}
	})
	t.Run("opaque URL", func(t *testing.T) {
		req := request{target: target, body: "{}"}.make(t)
		req.URL.Opaque = "//example.com/model/x%3A0/converse"
		compare(t, New("bedrock", "us-east-1"), req, HashPayload(nil), static, noon)
	})
}

// The vector "get-vanilla" of AWS's Signature Version 4 test suite.
func TestPublishedVector(t *testing.T) {
	req := request{method: http.MethodGet, target: "https://example.amazonaws.com/"}.make(t)
	at := time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)
	if err := New("service", "us-east-1").Sign(req, HashPayload(nil), static, at); err != nil {
		t.Fatal(err)
	}
	const want = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, " +
		"SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"
	if got := req.Header.Get("Authorization"); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	if got := HashPayload(nil); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("hash of nothing: %s", got)
	}
}

func TestKeyFollowsCredentialsAndDay(t *testing.T) {
	s := New("bedrock", "us-east-1")
	rotated := static
	rotated.SecretAccessKey = "rotated" // the same access key: the SDK's own table would not notice
	late := time.Date(2026, 12, 31, 23, 59, 59, 0, time.UTC)
	east := time.FixedZone("UTC+14", 14*3600)
	for i, step := range []struct {
		creds aws.Credentials
		at    time.Time
	}{
		{static, noon},
		{rotated, noon},
		{temporary, noon},
		{static, noon},
		{static, late},
		{static, late.Add(time.Second)},
		{static, late.AddDate(1, 0, 0)},
		{static, noon.In(east)},
		{static, late.In(east)},
		{static, time.Date(2026, 3, 5, 1, 0, 0, 0, east)},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			req := request{target: "https://example.com/a", body: "{}"}.make(t)
			compare(t, s, req, HashPayload([]byte("{}")), step.creds, step.at)
		})
	}
	before := s.key.Load()
	compare(t, s, request{target: "https://example.com/b"}.make(t), HashPayload(nil), static, time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC))
	if s.key.Load() != before {
		t.Error("the key of the same day was derived again")
	}
}

func TestSigningAgainReplacesWhatWasSigned(t *testing.T) {
	s := New("bedrock", "us-east-1")
	req := request{target: "https://example.com:443/a?b=2&a=1", body: "{}"}.make(t)
	if err := s.Sign(req, HashPayload([]byte("{}")), temporary, noon); err != nil {
		t.Fatal(err)
	}
	first := req.Header[headerDate]
	if err := s.Sign(req, HashPayload([]byte("{}")), static, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, ok := req.Header[headerToken]; ok {
		t.Errorf("a token of other credentials is left: %d values", len(got))
	}
	fresh := request{target: "https://example.com/a?a=1&b=2", body: "{}"}.make(t)
	if err := s.Sign(fresh, HashPayload([]byte("{}")), static, noon.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, want := req.Header.Get("Authorization"), fresh.Header.Get("Authorization"); got != want {
		t.Errorf("signed again %s, afresh %s", got, want)
	}
	if first[0] != "20260304T120506Z" {
		t.Errorf("the headers of the first attempt were changed in place: %s", first[0])
	}
}

func TestNoSignatureWithoutKeysOrHash(t *testing.T) {
	s := New("bedrock", "us-east-1")
	for name, row := range map[string]struct {
		creds aws.Credentials
		hash  string
	}{
		"nothing":       {aws.Credentials{}, "hash"},
		"no secret":     {aws.Credentials{AccessKeyID: "AKIDEXAMPLE"}, "hash"},
		"no access key": {aws.Credentials{SecretAccessKey: "hidden"}, "hash"},
		"no hash":       {aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "hidden"}, ""},
	} {
		req := request{target: "https://example.com/a"}.make(t)
		err := s.Sign(req, row.hash, row.creds, noon)
		if err == nil || strings.Contains(err.Error(), "hidden") || strings.Contains(err.Error(), "AKID") {
			t.Errorf("%s: %v", name, err)
		}
		if len(req.Header) != 0 {
			t.Errorf("%s: headers were set: %v", name, req.Header)
		}
	}
}

func TestPrintingASignerShowsNoSecret(t *testing.T) {
	s := New("bedrock", "us-east-1")
	req := request{target: "https://example.com/a"}.make(t)
	if err := s.Sign(req, HashPayload(nil), static, noon); err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		if out := fmt.Sprintf(verb, s); strings.Contains(out, static.SecretAccessKey) {
			t.Errorf("%s shows the secret", verb)
		}
	}
}

func TestWorkspacesKeepNoHeaderValues(t *testing.T) {
	s := New("bedrock", "us-east-1")
	req := request{target: "https://example.com/a"}.make(t)
	if err := s.Sign(req, HashPayload(nil), temporary, noon); err != nil {
		t.Fatal(err)
	}
	w := s.key.Load().workspace()
	for _, h := range w.headers[:cap(w.headers)] {
		if h.one != "" || h.values != nil {
			t.Errorf("a header is left: %+v", h)
		}
	}
	if bytes.Contains(w.canonical[:cap(w.canonical)], []byte(temporary.SessionToken)) {
		t.Error("the session token is left")
	}
}

func TestConcurrentSigning(t *testing.T) {
	s := New("bedrock", "us-east-1")
	hash := HashPayload([]byte("{}"))
	steps := []struct {
		creds aws.Credentials
		at    time.Time
	}{{static, noon}, {temporary, noon}, {static, noon.AddDate(0, 0, 1)}}
	want := make([]string, len(steps))
	for i, step := range steps {
		req := request{target: "https://example.com/a", body: "{}"}.make(t)
		if err := v4.NewSigner().SignHTTP(t.Context(), step.creds, req, hash, "bedrock", "us-east-1", step.at); err != nil {
			t.Fatal(err)
		}
		want[i] = req.Header.Get("Authorization")
	}
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 300 {
				i := (g*n + n/50) % len(steps) // runs of the same step, and switches
				req := request{target: "https://example.com/a", body: "{}"}.make(t)
				if err := s.Sign(req, hash, steps[i].creds, steps[i].at); err != nil {
					t.Error(err)
					return
				}
				if got := req.Header.Get("Authorization"); got != want[i] {
					t.Errorf("step %d: %s", i, got)
					return
				}
			}
		})
	}
	wg.Wait()
}

// What net/http sends must be what was signed: the server signs what it received
// with the SDK and compares.
func TestSignatureHoldsForWhatIsSent(t *testing.T) {
	verify := func(r *http.Request) error {
		auth := r.Header.Get("Authorization")
		_, names, _ := strings.Cut(auth, "SignedHeaders=")
		names, _, _ = strings.Cut(names, ",")
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		u, err := url.Parse("http://" + r.Host + r.RequestURI)
		if err != nil {
			return err
		}
		again := &http.Request{Method: r.Method, URL: u, Host: r.Host, Header: http.Header{}, ContentLength: r.ContentLength}
		for name := range strings.SplitSeq(names, ";") {
			if !slices.Contains([]string{"host", "content-length"}, name) {
				again.Header[http.CanonicalHeaderKey(name)] = r.Header.Values(name)
			}
		}
		at, err := time.Parse(stampFormat, r.Header.Get("X-Amz-Date"))
		if err != nil {
			return err
		}
		if err := v4.NewSigner().SignHTTP(r.Context(), temporary, again, HashPayload(body), "bedrock", "us-east-1", at); err != nil {
			return err
		}
		if got := again.Header.Get("Authorization"); got != auth {
			return fmt.Errorf("received\n%s, computed\n%s", auth, got)
		}
		return nil
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := verify(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
		}
	}))
	defer srv.Close()

	s := New("bedrock", "us-east-1")
	for _, path := range []string{
		"/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
		"/model/anthropic.claude-3-5-sonnet-20241022-v2:0/invoke",
		"/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx/converse-stream",
		"/model/a b/%E2%82%AC?z=1&a=b c&a=b+a",
		"",
	} {
		body := `{"path":"` + path + `"}`
		req := request{target: srv.URL + path, body: body, headers: http.Header{"Content-Type": {"application/json"}, "X-A": {"1", "2"}}}.make(t)
		if err := s.Sign(req, HashPayload([]byte(body)), temporary, noon); err != nil {
			t.Fatal(err)
		}
		resp, err := srv.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		reason, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, reason)
		}
	}
}
