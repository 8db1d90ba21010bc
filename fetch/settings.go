package fetch

import (
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

// Fetching are the gateway's settings for images that a request names by URL.
type Fetching struct {
	// Fetch images named by URL, for upstreams that take only inline ones.
	// Default: off.
	FetchRemoteImages *RemoteImages `json:"fetch_remote_images,omitempty"`
}

// RemoteImages lets the gateway fetch images that a request names by URL, for
// upstreams that take only inline images.
type RemoteImages struct {
	// The largest image fetched, in bytes. Default: `5242880`.
	MaxSize int64 `json:"max_size,omitempty"`

	// How long one fetch may take, redirects included. Default: `10s`.
	Timeout caddy.Duration `json:"timeout,omitempty"`
}

// Words returns the sub-directives of bedrock_gateway that f reads:
//
//	fetch_remote_images {
//		max_size <size>
//		timeout  <duration>
//	}
func (f *Fetching) Words() directive.Words {
	return directive.Words{"fetch_remote_images": {Read: func(d *caddyfile.Dispenser) error {
		f.FetchRemoteImages = new(RemoteImages)
		return f.FetchRemoteImages.UnmarshalCaddyfile(d)
	}}}
}

// UnmarshalCaddyfile reads fetch_remote_images, d standing on that word.
func (r *RemoteImages) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	if err := directive.None(d); err != nil {
		return err
	}
	_, err := directive.Words{
		"max_size": directive.Bytes(&r.MaxSize),
		"timeout": {Read: func(d *caddyfile.Dispenser) (err error) {
			r.Timeout, err = directive.Duration(d)
			return err
		}},
	}.Block(d)
	return err
}

// Provision checks the settings.
func (f *Fetching) Provision(caddy.Context) error {
	if r := f.FetchRemoteImages; r != nil && (r.MaxSize < 0 || r.Timeout < 0) {
		return fmt.Errorf("fetch_remote_images: max_size and timeout must not be negative")
	}
	return nil
}

// Client returns the client that the settings describe; nil if images are not fetched.
func (f *Fetching) Client() *Client {
	if f.FetchRemoteImages == nil {
		return nil
	}
	return New(f.FetchRemoteImages.MaxSize, time.Duration(f.FetchRemoteImages.Timeout))
}
