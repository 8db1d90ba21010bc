package s3

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// callTime bounds a call that moves no content, its repeats included: somebody waits for it.
	callTime = 20 * time.Second
	// silence is how long a server may neither take content nor send any.
	silence = 30 * time.Second
)

// list asks for keys, and does not wait for them forever.
func (s *Store) list(ctx context.Context, in *s3.ListObjectsV2Input, options ...func(*s3.Options)) (*s3.ListObjectsV2Output, error) {
	ctx, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	out, err := s.client.ListObjectsV2(ctx, in, options...)
	// The SDK takes any answer for a list, an empty one: that of a proxy in between would be all files gone.
	if err == nil && len(out.Contents) == 0 && out.Name == nil && out.IsTruncated == nil && out.MaxKeys == nil && out.KeyCount == nil {
		return nil, errors.New("an answer that is no list")
	}
	return out, err
}

// plainClient refuses replies that are none of HTTP's: after a 101 the connection belongs to nobody who ends it.
type plainClient struct{ aws.HTTPClient }

// Do sends a request.
func (c plainClient) Do(req *http.Request) (*http.Response, error) {
	res, err := c.HTTPClient.Do(req)
	if err == nil && (res.StatusCode < 200 || res.StatusCode > 599) {
		_ = res.Body.Close()
		return nil, fmt.Errorf("the server answered with status %d", res.StatusCode)
	}
	return res, err
}

// impatient is a connection that breaks when nothing moves on it: the SDK bounds the wait for a head, and no other. One
// that is idle is closed by it, too.
type impatient struct{ net.Conn }

func (c impatient) Read(p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(silence))
	return c.Conn.Read(p)
}

func (c impatient) Write(p []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(silence))
	n, err := c.Conn.Write(p)
	_ = c.SetReadDeadline(time.Now().Add(silence)) // the answer comes after the last write
	return n, err
}

// dialImpatiently dials connections that break when nothing moves on them.
func dialImpatiently(dial func(context.Context, string, string) (net.Conn, error)) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return impatient{conn}, nil
	}
}
