package bedrock

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

const hello = `{"messages":[{"role":"user","content":[{"text":"hello"}]}]}`

// refusal is an error reply.
type refusal struct {
	status        int
	name, message string
	header        http.Header
	body          []byte
}

// send makes a raw request; sign may be nil.
func (b *bench) send(method, path, body string, prepare ...func(*http.Request)) refusal {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	for _, p := range prepare {
		p(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, _ := io.ReadAll(resp.Body)
	var m struct{ Message string }
	_ = json.Unmarshal(raw, &m)
	name, _, _ := strings.Cut(resp.Header.Get("X-Amzn-Errortype"), ":")
	return refusal{resp.StatusCode, name, m.Message, resp.Header, raw}
}

// signed signs with the SDK's signer at a time.
func signedAt(at time.Time, key aws.Credentials, service, region, body string) func(*http.Request) {
	return func(r *http.Request) {
		sum := sha256.Sum256([]byte(body))
		if err := v4.NewSigner().SignHTTP(context.Background(), key, r, hex.EncodeToString(sum[:]), service, region, at); err != nil {
			panic(err)
		}
	}
}

func bearer(r *http.Request) { r.Header.Set("Authorization", "Bearer "+DefaultAPIKey) }

func TestAuthentication(t *testing.T) {
	now := time.Now()
	good := aws.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: DefaultSecretAccessKey}
	session := aws.Credentials{AccessKeyID: "ASIASESSION", SecretAccessKey: "s", SessionToken: "tok/en=="}
	b := newBench(t, func(o *Options) {
		o.Regions = []string{"us-east-1", "eu-west-1"}
		o.AccessKeys = map[string]AccessKey{
			DefaultAccessKeyID: {Secret: DefaultSecretAccessKey},
			"ASIASESSION":      {Secret: "s", SessionToken: "tok/en=="},
			"ASIAOLD":          {Secret: "s", SessionToken: "t", Expires: now.Add(-time.Second)},
		}
	})
	sign := func(key aws.Credentials) func(*http.Request) {
		return signedAt(now, key, "bedrock", "us-east-1", hello)
	}
	after := func(sign, change func(*http.Request)) func(*http.Request) {
		return func(r *http.Request) { sign(r); change(r) }
	}
	for _, tt := range []struct {
		name    string
		prepare func(*http.Request)
		error   string
		message string
	}{
		{"a good signature", sign(good), "", ""},
		{"a session token", sign(session), "", ""},
		{"a bearer key", bearer, "", ""},
		{"a clock four minutes off", signedAt(now.Add(-4*time.Minute), good, "bedrock", "eu-west-1", hello), "", ""},
		{"the payload hash as header", func(r *http.Request) {
			sum := sha256.Sum256([]byte(hello))
			r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
			sign(good)(r)
		}, "", ""},
		{"header values with spaces", func(r *http.Request) {
			r.Header["X-Amz-Odd"] = []string{"  a   b ", "c"}
			sign(good)(r)
		}, "", ""},
		{"no credentials", func(*http.Request) {}, "MissingAuthenticationTokenException", "Missing Authentication Token"},
		{"another scheme", func(r *http.Request) { r.Header.Set("Authorization", "Basic xxx") }, "IncompleteSignatureException", "requires 'Credential'"},
		{"no signature", func(r *http.Request) {
			r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host")
		}, "IncompleteSignatureException", "'Signature'"},
		{"a wrong bearer key", func(r *http.Request) { r.Header.Set("Authorization", "Bearer nope") }, "AccessDeniedException", "API Key"},
		{"an unknown key", sign(aws.Credentials{AccessKeyID: "AKIAOTHER", SecretAccessKey: "x"}), "UnrecognizedClientException", "invalid"},
		{"a wrong secret", sign(aws.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: "x"}), "InvalidSignatureException", "does not match"},
		{"a missing session token", sign(aws.Credentials{AccessKeyID: "ASIASESSION", SecretAccessKey: "s"}), "UnrecognizedClientException", "invalid"},
		{"an expired key", sign(aws.Credentials{AccessKeyID: "ASIAOLD", SecretAccessKey: "s", SessionToken: "t"}), "ExpiredTokenException", "expired"},
		{"an old signature", signedAt(now.Add(-6*time.Minute), good, "bedrock", "us-east-1", hello), "InvalidSignatureException", "Signature expired"},
		{"a signature from the future", signedAt(now.Add(6*time.Minute), good, "bedrock", "us-east-1", hello), "InvalidSignatureException", "not yet current"},
		{"another service", signedAt(now, good, "bedrock-runtime", "us-east-1", hello), "InvalidSignatureException", "correct service"},
		{"another region", signedAt(now, good, "bedrock", "ap-south-1", hello), "InvalidSignatureException", "valid region"},
		{"another body", signedAt(now, good, "bedrock", "us-east-1", hello+" "), "InvalidSignatureException", "does not match"},
		{"another query", after(sign(good), func(r *http.Request) { r.URL.RawQuery = "a=b" }), "InvalidSignatureException", "does not match"},
		{"another path", after(sign(good), func(r *http.Request) { r.URL.Path += "-stream"; r.URL.RawPath += "-stream" }), "InvalidSignatureException", "does not match"},
		{"an unsigned x-amz header", after(sign(good), func(r *http.Request) { r.Header.Set("X-Amz-Target", "x") }), "InvalidSignatureException", "not signed"},
		{"a payload hash of something else", func(r *http.Request) {
			r.Header.Set("X-Amz-Content-Sha256", strings.Repeat("0", 64))
			sign(good)(r)
		}, "InvalidSignatureException", "sha256"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := b.send(http.MethodPost, "/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", hello, tt.prepare)
			want := http.StatusForbidden
			if tt.error == "" {
				want = http.StatusOK
			}
			if got.status != want || got.name != tt.error || !strings.Contains(got.message, tt.message) {
				t.Errorf("%d %s %q", got.status, got.name, got.message)
			}
			if got.header.Get("X-Amzn-Requestid") == "" {
				t.Error("no request id")
			}
		})
	}
}

// The path is canonicalised as it was sent: a client that leaves the colon of the id raw signs it raw.
func TestAuthenticationOfARawColon(t *testing.T) {
	b := newBench(t)
	good := aws.Credentials{AccessKeyID: DefaultAccessKeyID, SecretAccessKey: DefaultSecretAccessKey}
	got := b.send(http.MethodPost, "/model/anthropic.claude-3-haiku-20240307-v1:0/converse", hello,
		signedAt(time.Now(), good, "bedrock", "us-east-1", hello))
	if got.status != http.StatusOK {
		t.Errorf("%d %s %q", got.status, got.name, got.message)
	}
}

func TestTheSDKSignsWithSessionTokensAndARNs(t *testing.T) {
	b := newBench(t, func(o *Options) {
		o.AccessKeys = map[string]AccessKey{"ASIA": {Secret: "s", SessionToken: "a+b/c="}}
		o.Profiles = map[string]string{"abcdefghijkl": haiku3}
	})
	c := b.client(func(o *runtimeapi.Options) {
		o.Credentials = credentials.NewStaticCredentialsProvider("ASIA", "s", "a+b/c=")
		o.Region = "eu-west-1"
	})
	for _, id := range []string{
		"arn:aws:bedrock:eu-west-1::foundation-model/" + haiku3,
		"arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
		"arn:aws:bedrock:eu-west-1:123456789012:application-inference-profile/abcdefghijkl",
		"arn:aws:bedrock:eu-west-1:123456789012:provisioned-model/simulator0000",
		"anthropic.claude-3-haiku-20240307-v1:0:48k",
	} {
		_, err := c.Converse(context.Background(), &runtimeapi.ConverseInput{ModelId: &id, Messages: []types.Message{user(textBlock("x"))}})
		if err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
}

func TestRouting(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Regions = []string{"us-east-1"} })
	for _, tt := range []struct {
		method, path, body string
		status             int
		error, message     string
	}{
		{"POST", "/model/nobody.model-v1%3A0/converse", hello, 400, "ValidationException", "The provided model identifier is invalid."},
		{"POST", "/model/anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse", hello, 400, "ValidationException", "with on-demand throughput isn’t supported"},
		{"POST", "/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A%3Afoundation-model%2F" + haiku3 + "/converse", hello, 400, "ValidationException", "identifier is invalid"},
		{"POST", "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Aimported-model%2Fnone/converse", hello, 404, "ResourceNotFoundException", "could not be found"},
		{"POST", "/model/" + strings.Repeat("a", 2049) + "/converse", hello, 400, "ValidationException", "identifier is invalid"},
		{"POST", "/model/arn:aws:bedrock:us-east-1::foundation-model/" + haiku3 + "/converse", hello, 404, "UnknownOperationException", ""},
		{"GET", "/model/" + haiku3 + "/converse", "", 404, "UnknownOperationException", ""},
		{"POST", "/model/" + haiku3 + "/chat", hello, 404, "UnknownOperationException", ""},
		{"POST", "/v1/chat/completions", hello, 404, "UnknownOperationException", ""},
		{"POST", "/model/" + haiku3 + "/converse", string(bytes.Repeat([]byte(" "), maxBody+1)), 413, "RequestEntityTooLargeException", ""},
		{"POST", "/model/amazon.titan-embed-text-v2%3A0/converse", hello, 400, "ValidationException", "doesn't support the model"},
	} {
		got := b.send(tt.method, tt.path, tt.body, bearer)
		if got.status != tt.status || got.name != tt.error || !strings.Contains(got.message, tt.message) {
			t.Errorf("%s %.80s: %d %s %q", tt.method, tt.path, got.status, got.name, got.message)
		}
	}
}
