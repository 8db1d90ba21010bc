package claude

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	sonnet45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	opus46   = "anthropic.claude-opus-4-6-v1"
	opus47   = "anthropic.claude-opus-4-7-v1"
	opus48   = "anthropic.claude-opus-4-8"
	opus55   = "anthropic.claude-opus-5-5"
	haiku3   = "anthropic.claude-3-haiku-20240307-v1:0"
)

// exchangeFor returns the exchange of a call of a model.
func exchangeFor(id string) *chat.Exchange {
	return &chat.Exchange{Model: "my-claude", TargetModel: id, Facts: model.Lookup(id), ID: "0123456789abcdefghijklmn", Created: 1}
}

func mustDecode(t *testing.T, body string, x *chat.Exchange) *chat.Request {
	t.Helper()
	r, err := Dialect{}.DecodeRequest([]byte(body), x)
	if err != nil {
		t.Fatalf("DecodeRequest: %v\n%s", err, body)
	}
	return r
}

func mustEncode(t *testing.T, r *chat.Request, x *chat.Exchange) string {
	t.Helper()
	b, err := Dialect{}.EncodeRequest(nil, r, x)
	if err != nil {
		t.Fatalf("EncodeRequest: %v", err)
	}
	if err := json.Valid(b); err != nil {
		t.Fatalf("EncodeRequest wrote %v\n%s", err, b)
	}
	return string(b)
}

// recode reads a body and writes it for a model.
func recode(t *testing.T, body, id string) (string, *chat.Exchange) {
	t.Helper()
	x := exchangeFor(id)
	return mustEncode(t, mustDecode(t, body, x), x), x
}

func parsed(t testing.TB, body string) *chat.Body {
	t.Helper()
	var b chat.Body
	if err := b.ParseBody([]byte(body)); err != nil {
		t.Fatal(err)
	}
	return &b
}

// wantError checks that err is an error of that status about param, its message holding part.
func wantError(t *testing.T, err error, status int, param, part string) {
	t.Helper()
	var e *chat.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v, want a *chat.Error", err)
	}
	if e.StatusCode() != status || e.Param != param || !strings.Contains(e.Message, part) {
		t.Errorf("error %d %q %q, want %d %q with %q", e.StatusCode(), e.Param, e.Message, status, param, part)
	}
}

// without cuts the constant head of an encoded request.
func without(t *testing.T, body string) string {
	t.Helper()
	rest, ok := strings.CutPrefix(body, `{"anthropic_version":"bedrock-2023-05-31",`)
	if !ok {
		t.Fatalf("body %s", body)
	}
	return "{" + rest
}

func show(events []chat.Event) string {
	var b strings.Builder
	for i := range events {
		e := &events[i]
		name := [...]string{"start", "begin", "delta", "signature", "citation", "stop", "finish", "usage", "ping", "end"}[e.Kind]
		fmt.Fprintf(&b, "%s", name)
		switch e.Kind {
		case chat.EventStart:
			fmt.Fprintf(&b, " %s %s %+v", e.ID, e.Model, e.Usage)
		case chat.EventBlockStart:
			fmt.Fprintf(&b, " %d %s", e.Index, e.Block)
			if e.ID != "" {
				fmt.Fprintf(&b, " %s=%s", e.ID, e.Name)
			}
			b.WriteString(string(e.Text) + string(e.Raw))
		case chat.EventBlockDelta, chat.EventSignature, chat.EventCitation:
			fmt.Fprintf(&b, " %d %s %s%s", e.Index, e.Block, e.Text, e.Raw)
		case chat.EventBlockStop:
			fmt.Fprintf(&b, " %d", e.Index)
		case chat.EventStop:
			fmt.Fprintf(&b, " %d %s", e.Stop, e.StopSequence)
		case chat.EventUsage:
			fmt.Fprintf(&b, " %+v", e.Usage)
		case chat.EventPing, chat.EventEnd:
		}
		b.WriteByte('\n')
	}
	return b.String()
}
