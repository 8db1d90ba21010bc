package exchange

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

const (
	maxRemoteImages = 20 // of one request, which is what Bedrock takes
	imagesAtOnce    = 4
)

// fetchImages puts the bytes of images in place of their URLs, for upstreams that take no URLs. Without Config.Images the
// URLs stay, and the dialect refuses them with the reason.
func (c *Call) fetchImages(req *chat.Request) error {
	if c.engine.Images == nil {
		return nil
	}
	var found []*chat.Media
	for i := range req.Messages {
		found = remoteImages(found, req.Messages[i].Content)
	}
	if len(found) == 0 {
		return nil
	}
	if len(found) > maxRemoteImages {
		return chat.Invalid("messages", "the request names %d images by URL; at most %d are fetched", len(found), maxRemoteImages)
	}
	var total atomic.Int64
	group, ctx := errgroup.WithContext(c.r.Context())
	group.SetLimit(imagesAtOnce)
	for _, m := range found {
		group.Go(func() error {
			if err := c.fetchImage(ctx, m); err != nil {
				return err
			}
			if total.Add(int64(base64.StdEncoding.DecodedLen(len(m.Data)))) > maxInline {
				return &chat.Error{Kind: chat.ErrTooLarge, Code: "request_too_large", Param: "messages", Message: fmt.Sprintf("the images named by URL are larger than %d bytes together", maxInline)}
			}
			return nil
		})
	}
	return group.Wait()
}

// remoteImages appends the images that are known by URL only, those inside tool results included.
func remoteImages(found []*chat.Media, blocks []chat.Block) []*chat.Media {
	for i := range blocks {
		b := &blocks[i]
		switch {
		case b.Kind == chat.Image && b.Media != nil && strings.HasPrefix(b.Media.URL, "http"):
			found = append(found, b.Media)
		case b.Kind == chat.ToolResult && b.Tool != nil:
			found = remoteImages(found, b.Tool.Content)
		}
	}
	return found
}

func (c *Call) fetchImage(ctx context.Context, m *chat.Media) error {
	mediaType, data, err := c.engine.Images.Image(ctx, m.URL)
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		return err
	default:
		return &chat.Error{Kind: chat.ErrInvalidRequest, Code: "image_not_fetched", Param: "messages", Message: "the image at " + m.URL + " was not fetched: " + err.Error()}
	}
	m.URL, m.Type = "", mediaType
	m.Data = base64.StdEncoding.AppendEncode(nil, data)
	return nil
}
