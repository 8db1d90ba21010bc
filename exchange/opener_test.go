package exchange_test

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/exchange"
	"github.com/open-bedrock/caddy-bedrock-gateway/handler"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

// opener is an upstream made of its Open; it speaks OpenAI's dialects.
type opener func(ctx context.Context, c *upstream.Call) (*upstream.Reply, error)

func (o opener) Prepare(*chat.Exchange)                               {}
func (o opener) Check(context.Context) error                          { return nil }
func (o opener) ListModels(context.Context) ([]upstream.Model, error) { return nil, nil }
func (o opener) Offers(string) []upstream.Offer {
	return []upstream.Offer{{Dialect: translate.ByName("openai")}, {Dialect: translate.ByName("responses")}}
}

func (o opener) Open(c context.Context, u *upstream.Call) (*upstream.Reply, error) { return o(c, u) }

// whole is a reply of status 200 with a JSON body.
func whole(body string) *upstream.Reply {
	return &upstream.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body))}
}

// gatewayOf returns a gateway of one OpenAI and one Bedrock upstream, which are both u.
func gatewayOf(u upstream.Upstream, edit func(*handler.Config)) *handler.Gateway {
	ups := []*upstream.Named{{Name: "openai", Kind: upstream.KindOpenAI, Upstream: u}, {Name: "bedrock", Kind: upstream.KindBedrock, Upstream: u}}
	c := handler.Config{Config: exchange.Config{Router: upstream.NewRouter(nil, ups, nil), MaxBody: 1 << 20}, Upstreams: ups, Native: true}
	if edit != nil {
		edit(&c)
	}
	return handler.New(c)
}
