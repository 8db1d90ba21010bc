package sigv4

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// FuzzSign compares with the SDK on any path, query, header, host and token.
func FuzzSign(f *testing.F) {
	f.Add("POST", "example.com", "/model/a%3A0/converse", "", "Content-Type", "application/json", "token", int64(2))
	f.Add("GET", "example.com:443", "/a b/ä", "b=1&a=%20+x&a=0", "X-Amz-Meta", " two  spaces ", "", int64(0))
	f.Add("", "[::1]:80", "", "%zz;", "x-lower", "\t", "t t", int64(-1))
	f.Add("PUT", "", "//", "=&=", "Host", "x", "é", int64(1)<<40)
	f.Fuzz(func(t *testing.T, method, host, path, query, name, value, token string, length int64) {
		// Both a parsed URL, with an escaped path of its own, and a built one.
		urls := []*url.URL{{Scheme: "https", Host: host, Path: path, RawQuery: query}}
		if u, err := url.Parse("http://example.com/" + path); err == nil {
			u.Host, u.RawQuery = host, query
			urls = append(urls, u)
		}
		creds := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret", SessionToken: token}
		s := New("bedrock", "us-east-1")
		for _, u := range urls {
			h := http.Header{"Accept": {"*/*"}, name: {value, "second"}}
			if token == "" {
				delete(h, headerToken) // removed here, left by the SDK
			}
			req := &http.Request{Method: method, URL: u, Header: h, ContentLength: length}
			compare(t, s, req, HashPayload([]byte(value)), creds, noon)
		}
	})
}
