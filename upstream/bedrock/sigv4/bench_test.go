package sigv4

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// call is a request to the runtime, whose headers are set before each signing as
// they are for a new request.
type call struct {
	req  *http.Request
	body []byte
}

func newCall(t testing.TB, size int) *call {
	body := strings.Repeat("x", size)
	return &call{body: []byte(body), req: request{
		target: "https://bedrock-runtime.us-east-1.amazonaws.com/model/anthropic.claude-3-5-sonnet-20241022-v2%3A0/converse",
		headers: http.Header{
			"Content-Type": {"application/json"},
			"Accept":       {"application/json"},
		},
		body: body,
	}.make(t)}
}

func (c *call) sign(t testing.TB, s *Signer, creds aws.Credentials) {
	if err := s.Sign(c.req, HashPayload(c.body), creds, noon); err != nil {
		t.Fatal(err)
	}
}

// poolsKeep says whether a sync.Pool gives back what was put in.
var poolsKeep = true

func TestAllocations(t *testing.T) {
	if !poolsKeep {
		t.Skip("allocations are not counted under the race detector")
	}
	for name, creds := range map[string]aws.Credentials{"static": static, "temporary": temporary} {
		s, c := New("bedrock", "us-east-1"), newCall(t, 1<<10)
		c.sign(t, s, creds)
		if n := testing.AllocsPerRun(1000, func() { c.sign(t, s, creds) }); n > 6 {
			t.Errorf("%s: %v allocations for a body of 1 KB, want at most 6", name, n)
		}
	}
}

func BenchmarkSign(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		for name, creds := range map[string]aws.Credentials{"static": static, "temporary": temporary} {
			b.Run(fmt.Sprintf("body=%d/%s", size, name), func(b *testing.B) {
				s, c := New("bedrock", "us-east-1"), newCall(b, size)
				b.ReportAllocs()
				for b.Loop() {
					c.sign(b, s, creds)
				}
			})
		}
	}
}

func BenchmarkSignSDK(b *testing.B) {
	s, c := v4.NewSigner(), newCall(b, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		if err := s.SignHTTP(b.Context(), static, c.req, HashPayload(c.body), "bedrock", "us-east-1", noon); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHashPayload(b *testing.B) {
	body := make([]byte, 1<<10)
	b.ReportAllocs()
	for b.Loop() {
		HashPayload(body)
	}
}
