package bedrock

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	controlapi "github.com/aws/aws-sdk-go-v2/service/bedrock"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

const (
	haiku3   = "anthropic.claude-3-haiku-20240307-v1:0"
	sonnet35 = "anthropic.claude-3-5-sonnet-20241022-v2:0"
	sonnet45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	opus47   = "us.anthropic.claude-opus-4-7"
	opus48ID = "us.anthropic.claude-opus-4-8"
)

// bench is a simulator on loopback, with what it has seen.
type bench struct {
	t   *testing.T
	url string
	mu  sync.Mutex
	log []Seen
}

func newBench(t *testing.T, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t}
	o := Options{Observe: func(s Seen) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.log = append(b.log, s)
	}}
	for _, c := range change {
		c(&o)
	}
	srv := httptest.NewServer(New(o))
	t.Cleanup(srv.Close)
	b.url = srv.URL
	return b
}

func (b *bench) seen() []Seen {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]Seen(nil), b.log...)
}

func defaultKey() aws.CredentialsProvider {
	return credentials.NewStaticCredentialsProvider(DefaultAccessKeyID, DefaultSecretAccessKey, "")
}

// client is the SDK's own runtime client, pointed at the simulator.
func (b *bench) client(change ...func(*runtimeapi.Options)) *runtimeapi.Client {
	o := runtimeapi.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(b.url), Credentials: defaultKey(),
		RetryMaxAttempts: 1, HTTPClient: &http.Client{Transport: wholeBody{http.DefaultTransport}},
	}
	return runtimeapi.New(o, change...)
}

// wholeBody hands the transport a body of its own. The SDK closes the request's body as soon as the reply's header is
// there; on loopback that can be before net/http has looked for more than Content-Length bytes in it, which it then
// takes for a failed write, and breaks the connection off in the middle of the reply.
type wholeBody struct{ http.RoundTripper }

func (w wholeBody) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	return w.RoundTripper.RoundTrip(r)
}

func (b *bench) control() *controlapi.Client {
	return controlapi.New(controlapi.Options{Region: "us-east-1", BaseEndpoint: aws.String(b.url), Credentials: defaultKey()})
}

func user(blocks ...types.ContentBlock) types.Message {
	return types.Message{Role: types.ConversationRoleUser, Content: blocks}
}

func assistant(blocks ...types.ContentBlock) types.Message {
	return types.Message{Role: types.ConversationRoleAssistant, Content: blocks}
}

func textBlock(s string) types.ContentBlock { return &types.ContentBlockMemberText{Value: s} }

// converse makes one call and returns the reply's text.
func (b *bench) converse(in *runtimeapi.ConverseInput) (*runtimeapi.ConverseOutput, string, error) {
	out, err := b.client().Converse(context.Background(), in)
	if err != nil {
		return nil, "", err
	}
	text := ""
	for _, c := range out.Output.(*types.ConverseOutputMemberMessage).Value.Content {
		if t, ok := c.(*types.ContentBlockMemberText); ok {
			text += t.Value
		}
	}
	return out, text, nil
}
