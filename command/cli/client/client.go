// Package client asks a running gateway by HTTP, for the commands that are its clients: chats, models, files. It speaks
// OpenAI's dialect, so that any server of that dialect can be asked as well.
package client

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/dotenv"
	"github.com/open-bedrock/caddy-bedrock-gateway/command/cli/failure"
)

// DefaultURL is where `caddy bedrock serve` listens.
const DefaultURL = "http://localhost:8000"

// The environment's variables that stand in for flags.
const (
	envURL       = "CHAT_SERVER_URL"
	envKey       = "CHAT_API_KEY"
	envServerKey = "API_KEY" // the one that the gateway itself asks for
)

const (
	maxReply = 64 << 20 // bytes of a reply that is not streamed
	maxError = 1 << 20  // bytes of an error that are read
)

// Client asks one gateway. Make it with Flags.
type Client struct {
	URL string // without a slash at its end
	Key string

	http *http.Client
}

// Flags gives a command the flags that say which gateway to ask. The function it returns makes the client, after the flags
// were read.
func Flags(cmd *cobra.Command) func() (*Client, error) {
	server := cmd.Flags().String("server-url", "", "The gateway's URL (default: "+envURL+", or else "+DefaultURL+")")
	key := cmd.Flags().String("api-key", "", "The gateway's API key (default: "+envKey+", or else "+envServerKey+")")
	return func() (*Client, error) {
		found, err := dotenv.Lookup(envURL)
		if err != nil {
			return nil, err
		}
		foundKey, err := dotenv.Lookup(envKey, envServerKey)
		if err != nil {
			return nil, err
		}
		return New(cmp.Or(*server, found, DefaultURL), cmp.Or(*key, foundKey))
	}
}

// New returns a client of the gateway at an address, with or without a /v1 at its end.
func New(server, key string) (*Client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, failure.Usagef("write it like "+DefaultURL, "%q is no address of a gateway", server)
	}
	u.RawQuery, u.ForceQuery, u.Fragment = "", false, ""
	base := strings.TrimSuffix(strings.TrimRight(u.String(), "/"), "/v1")
	// No time limit: an answer may take long, and whoever waits can stop it. Only the connection has one.
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ForceAttemptHTTP2:     true,
		ResponseHeaderTimeout: 0,
	}
	return &Client{URL: base, Key: key, http: &http.Client{Transport: transport}}, nil
}

// Error is a gateway's answer that is an error.
type Error struct {
	Status  int
	Message string
}

// Error returns the gateway's own words.
func (e *Error) Error() string { return e.Message }

// next are the next steps after an error, by its status.
var next = map[int]string{
	http.StatusUnauthorized:          "give the gateway's key with --api-key, or in CHAT_API_KEY",
	http.StatusForbidden:             "'caddy bedrock models' lists the models that this key may use",
	http.StatusNotFound:              "'caddy bedrock models' lists the models that this gateway has",
	http.StatusRequestEntityTooLarge: "send less, or have the gateway's operator raise max_body, or max_size of files",
	http.StatusTooManyRequests:       "wait a moment, then try again",
	http.StatusBadGateway:            "'caddy bedrock status' shows what the gateway knows of its upstreams",
	http.StatusServiceUnavailable:    "'caddy bedrock status' shows what the gateway knows of its upstreams",
}

// refused returns the failure of a command whose gateway answered with an error.
func refused(e *Error) error {
	return &failure.Error{Code: failure.Refused, Cause: e, Next: next[e.Status]}
}

// do sends a request. The answer is a success, and its body is the caller's to close.
func (c *Client) do(ctx context.Context, method, path string, body io.Reader, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, body)
	if err != nil {
		return nil, err
	}
	maps.Copy(req.Header, header)
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	req.Header.Set("User-Agent", "caddy-bedrock")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		defer res.Body.Close() //nolint:errcheck // read to its end, or not worth reading
		return nil, c.failure(res)
	}
	return res, nil
}

// unreachable says what to do when nobody answers.
func (c *Client) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*url.Error](err); ok { // its own text begins with the method and the URL
		err = e.Err
	}
	return &failure.Error{
		Code: failure.Unreachable, Cause: fmt.Errorf("no gateway answers at %s: %w", c.URL, err),
		Next: "start one with 'caddy bedrock serve', or say where it is with --server-url",
	}
}

// failure returns the error in an answer: the words of OpenAI's form, or else the text.
func (c *Client) failure(res *http.Response) error {
	e := &Error{Status: res.StatusCode}
	raw, _ := io.ReadAll(io.LimitReader(res.Body, maxError)) // what came of it is better than nothing
	if e.Message = errorMessage(raw); e.Message == "" && strings.HasPrefix(res.Header.Get("Content-Type"), "text/plain") {
		e.Message = strings.TrimSpace(string(raw[:min(len(raw), 500)]))
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("%s answered %d %s", c.URL, e.Status, http.StatusText(e.Status))
	}
	return refused(e)
}

// errorMessage returns the message of an error in the forms of OpenAI, Anthropic and AWS; "" if there is none.
func errorMessage(raw []byte) string {
	var body struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
	}
	if json.Unmarshal(raw, &body) != nil {
		return ""
	}
	var inner struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body.Error, &inner) == nil && inner.Message != "" {
		return inner.Message
	}
	return body.Message
}

// getJSON reads a JSON answer whole.
func (c *Client) getJSON(ctx context.Context, path string, into any) ([]byte, error) {
	res, err := c.do(ctx, http.MethodGet, path, nil, http.Header{"Accept": {"application/json"}})
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	return c.decode(res, into)
}

// decode reads an answer into a value, and returns its bytes.
func (c *Client) decode(res *http.Response, into any) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", c.URL, err)
	}
	if into != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			return nil, fmt.Errorf("%s answered with something that is not the API's JSON; is it a gateway? %w", c.URL, err)
		}
	}
	return raw, nil
}

// Models is a gateway's listing.
type Models struct {
	Object string            `json:"object"`
	Data   []json.RawMessage `json:"data"`
	Errors []ListingError    `json:"errors,omitempty"`
}

// ListingError says that the models of an upstream are not in the listing.
type ListingError struct {
	Upstream string `json:"upstream"`
	Message  string `json:"message"`
}

// Model is a model in a listing.
type Model struct {
	ID      string `json:"id"`
	OwnedBy string `json:"owned_by"`
	Purpose string `json:"purpose"`
}

// Models returns the models that the caller may ask for.
func (c *Client) Models(ctx context.Context) (*Models, error) {
	list := new(Models)
	_, err := c.getJSON(ctx, "/v1/models", list)
	return list, err
}

// Status returns the status page's JSON.
func (c *Client) Status(ctx context.Context, path string) ([]byte, error) {
	return c.getJSON(ctx, path, new(struct{}))
}
