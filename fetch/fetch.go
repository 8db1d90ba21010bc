// Package fetch gets images that a request names by URL, for models that take only inline ones. A URL comes from a
// client, so it may point anywhere: only public addresses are ever dialled, on every hop.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// The defaults of a Client.
const (
	DefaultMaxSize = 5 << 20 // bytes; more than Bedrock takes of one image
	DefaultTimeout = 10 * time.Second
)

const maxRedirects = 3

// Errors of a fetch, for errors.Is. Their texts may be shown to clients.
var (
	ErrAddress  = errors.New("its address is not public")
	ErrTooLarge = errors.New("it is too large")
	ErrType     = errors.New("it is no PNG, JPEG, GIF or WebP image")
	ErrFailed   = errors.New("it could not be fetched")
)

// Client fetches images. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	maxSize int64
}

// New returns a Client. maxSize is the largest image in bytes, timeout the longest a fetch may take, redirects included; 0
// stands for the default.
func New(maxSize int64, timeout time.Duration) *Client { return newClient(maxSize, timeout, public) }

func newClient(maxSize int64, timeout time.Duration, allowed func(netip.Addr) bool) *Client {
	if maxSize == 0 {
		maxSize = DefaultMaxSize
	}
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	dialer := &net.Dialer{
		Timeout: timeout,
		// Control is called with the address that is dialled, after name resolution: a name that is checked earlier could
		// resolve to another address by then.
		Control: func(_, address string, _ syscall.RawConn) error {
			ap, err := netip.ParseAddrPort(address)
			if err != nil || !allowed(ap.Addr()) {
				return ErrAddress
			}
			return nil
		},
	}
	return &Client{
		maxSize: maxSize,
		http: &http.Client{
			Timeout: timeout,
			Transport: &http.Transport{
				DialContext: dialer.DialContext, TLSHandshakeTimeout: timeout, ForceAttemptHTTP2: true,
				DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10,
			},
			CheckRedirect: func(req *http.Request, via []*http.Request) error {
				if len(via) > maxRedirects {
					return fmt.Errorf("%w: more than %d redirects", ErrFailed, maxRedirects)
				}
				req.Header.Del("Referer")
				return checkURL(req.URL)
			},
		},
	}
}

// checkURL returns an error for a URL that cannot lead to a public image.
func checkURL(u *url.URL) error {
	if u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
		return fmt.Errorf("%w: only http and https URLs without credentials are fetched", ErrFailed)
	}
	return nil
}

// Image fetches the image at address and returns its media type, detected from its bytes regardless of the server's
// Content-Type.
func (c *Client) Image(ctx context.Context, address string) (mediaType string, data []byte, err error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", nil, fmt.Errorf("%w: it is no URL", ErrFailed)
	}
	if err := checkURL(u); err != nil {
		return "", nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", nil, fmt.Errorf("%w: it is no URL", ErrFailed)
	}
	req.Header.Set("Accept", "image/png, image/jpeg, image/gif, image/webp")
	res, err := c.http.Do(req)
	if err != nil {
		return "", nil, known(ctx, err)
	}
	defer res.Body.Close() //nolint:errcheck // nothing can be done about it
	if res.StatusCode != http.StatusOK {
		return "", nil, fmt.Errorf("%w: its server answered %d", ErrFailed, res.StatusCode)
	}
	if res.ContentLength > c.maxSize {
		return "", nil, fmt.Errorf("%w: at most %d bytes are fetched", ErrTooLarge, c.maxSize)
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(res.Body, c.maxSize+1))
	if err != nil {
		return "", nil, known(ctx, err)
	}
	if n > c.maxSize {
		return "", nil, fmt.Errorf("%w: at most %d bytes are fetched", ErrTooLarge, c.maxSize)
	}
	switch t := http.DetectContentType(b.Bytes()); t {
	case "image/png", "image/jpeg", "image/gif", "image/webp":
		return t, b.Bytes(), nil
	}
	return "", nil, ErrType
}

// known returns one of this package's errors in place of err: other errors name addresses, which clients must not see.
func known(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrAddress):
		return ErrAddress
	case errors.Is(err, ErrFailed):
		return ErrFailed
	}
	var ne net.Error
	if errors.As(err, &ne) && ne.Timeout() {
		return fmt.Errorf("%w in time", ErrFailed)
	}
	return ErrFailed
}
