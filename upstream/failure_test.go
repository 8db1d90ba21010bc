package upstream

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

type closing struct {
	io.Reader
	closed bool
}

func (c *closing) Close() error { c.closed = true; return nil }

// Some proxies compress what was asked for as it is. Such bytes were once relayed, without a word of their coding.
func TestACompressedReplyIsRefused(t *testing.T) {
	for coding, refused := range map[string]bool{"": false, "identity": false, "gzip": true, "br": true, "zstd": true} {
		body := &closing{Reader: strings.NewReader("x")}
		res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: body}
		if coding != "" {
			res.Header.Set("Content-Encoding", coding)
		}
		err := Plain(res)
		if body.closed != refused || (err != nil) != refused {
			t.Errorf("%q: error %v, body closed %v", coding, err, body.closed)
		}
		if e, ok := errors.AsType[*chat.Error](err); refused && (!ok || e.StatusCode() != http.StatusBadGateway || !e.Fallback) {
			t.Errorf("%q: %v", coding, err)
		}
	}
}
