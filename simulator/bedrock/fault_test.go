package bedrock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

func TestErrorsOnDemandReachTheSDKByName(t *testing.T) {
	b := newBench(t)
	for directive, want := range map[string]struct {
		code   string
		status int
	}{
		"throttle":                      {"ThrottlingException", 429},
		"ValidationException":           {"ValidationException", 400},
		"ModelTimeoutException":         {"ModelTimeoutException", 408},
		"ServiceUnavailableException":   {"ServiceUnavailableException", 503},
		"InternalServerException":       {"InternalServerException", 500},
		"AccessDeniedException":         {"AccessDeniedException", 403},
		"ModelNotReadyException":        {"ModelNotReadyException", 429},
		"ModelErrorException":           {"ModelErrorException", 424},
		"ServiceQuotaExceededException": {"ServiceQuotaExceededException", 400},
		"ResourceNotFoundException":     {"ResourceNotFoundException", 404},
		"ExpiredTokenException":         {"ExpiredTokenException", 403},
		"context":                       {"ValidationException", 400},
		"overloaded":                    {"ServiceUnavailableException", 503},
	} {
		_, _, err := b.converse(one(haiku3, textBlock("x [[fault:"+directive+"]]")))
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != want.code || api.ErrorMessage() == "" {
			t.Errorf("%s: %v", directive, err)
		}
		got := b.send(http.MethodPost, "/model/"+haiku3+"/invoke", claudeSays(`{"role":"user","content":"x [[fault:`+directive+`,retry-after=2]]"}`, ""), bearer)
		if got.status != want.status || got.name != want.code || got.header.Get("Retry-After") != "2" {
			t.Errorf("%s: %d %s", directive, got.status, got.name)
		}
	}
}

func TestFaultsByHeaderAndModelID(t *testing.T) {
	b := newBench(t)
	got := b.send(http.MethodPost, "/model/"+haiku3+"/converse", hello, bearer, func(r *http.Request) { r.Header.Set(fault.Header, "throttle") })
	if got.status != http.StatusTooManyRequests {
		t.Errorf("header: %d", got.status)
	}
	path := "/model/" + url.PathEscape(haiku3+"~throttle=1") + "/converse"
	if got = b.send(http.MethodPost, path, hello, bearer); got.status != http.StatusTooManyRequests {
		t.Errorf("model: %d", got.status)
	}
	if got = b.send(http.MethodPost, path, hello, bearer); got.status != http.StatusOK {
		t.Errorf("model, again: %d", got.status)
	}
	if got = b.send(http.MethodGet, "/foundation-models", "", bearer, func(r *http.Request) { r.Header.Set(fault.Header, "throttle") }); got.status != http.StatusTooManyRequests {
		t.Errorf("control plane: %d", got.status)
	}
	if got = b.send(http.MethodPost, "/model/"+haiku3+"/converse", say(`{"text":"[[fault:status=502]]"}`, ""), bearer); got.status != 502 || !bytes.HasPrefix(got.body, []byte("<html>")) {
		t.Errorf("status: %d %s", got.status, got.body)
	}
}

// raw reads a stream's bytes and how it ended.
func (b *bench) raw(text string) (body []byte, err error) {
	b.t.Helper()
	req, err := http.NewRequest(http.MethodPost, b.url+"/model/"+haiku3+"/converse-stream", strings.NewReader(say(`{"text":`+string(encode(text))+`}`, "")))
	if err != nil {
		b.t.Fatal(err)
	}
	bearer(req)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/vnd.amazon.eventstream" {
		b.t.Fatalf("%q: %s", text, resp.Status)
	}
	return io.ReadAll(resp.Body)
}

// events decodes frames until the end or the first damage, and checks each frame's CRCs.
func events(t *testing.T, body []byte) (list []eventstream.Message, err error) {
	t.Helper()
	r := bytes.NewReader(body)
	d := eventstream.NewDecoder()
	for {
		m, err := d.Decode(r, nil)
		if errors.Is(err, io.EOF) && r.Len() == 0 {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		m.Payload = bytes.Clone(m.Payload)
		list = append(list, m)
	}
}

func header(m eventstream.Message, name string) string {
	if v := m.Headers.Get(name); v != nil {
		return v.String()
	}
	return ""
}

func TestStreamsAreFramesWithPadding(t *testing.T) {
	b := newBench(t)
	body, err := b.raw("hi")
	if err != nil {
		t.Fatal(err)
	}
	list, err := events(t, body)
	if err != nil || len(list) != 7 {
		t.Fatalf("%d frames, %v", len(list), err)
	}
	for _, m := range list {
		var p struct{ P string }
		if json.Unmarshal(m.Payload, &p) != nil || p.P == "" || header(m, ":message-type") != "event" || header(m, ":content-type") != "application/json" {
			t.Errorf("%v %s", m.Headers, m.Payload)
		}
	}
}

func TestFaultsOfAStream(t *testing.T) {
	// The clock stands, so that the latency in the last frame is the same each time.
	at := time.Now()
	b := newBench(t, func(o *Options) { o.Now = func() time.Time { return at } })
	whole, err := b.raw("hi [[fault:slow=1]]")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 1, 60, len(whole) - 1} {
		body, err := b.raw("hi [[fault:cut=" + itoa(n) + "]]")
		if !errors.Is(err, io.ErrUnexpectedEOF) || !bytes.Equal(body, whole[:n]) {
			t.Errorf("cut at %d: %d bytes, %v", n, len(body), err)
		}
		body, err = b.raw("hi [[fault:cutclean=" + itoa(n) + "]]")
		if err != nil || !bytes.Equal(body, whole[:n]) {
			t.Errorf("cut clean at %d: %d bytes, %v", n, len(body), err)
		}
		body, err = b.raw("hi [[fault:corrupt=" + itoa(n) + "]]")
		if err != nil || len(body) != len(whole) || body[n] != whole[n]^1 {
			t.Errorf("corrupt at %d: %d bytes, %v", n, len(body), err)
		}
	}
	if body, err := b.raw("hi [[fault:nooutput]]"); err != nil || len(body) != 0 {
		t.Errorf("no output: %d bytes, %v", len(body), err)
	}
	if _, err := b.raw("hi [[fault:reset]]"); err == nil {
		t.Error("reset: no error")
	}
}

func itoa(n int) string { return string(encode(n)) }

func TestExceptionsInsideAStream(t *testing.T) {
	b := newBench(t)
	for directive, want := range map[string]struct {
		frames int
		kind   string
	}{
		"exception=throttlingException@0":        {0, "throttlingException"},
		"exception=ModelStreamErrorException":    {1, "modelStreamErrorException"},
		"exception=internalServer@3":             {3, "internalServerException"},
		"exception=serviceUnavailable@99":        {7, "serviceUnavailableException"},
		"exception=somethingNewException@2":      {2, "somethingNewException"},
		"exception=validationException@2,slow=1": {2, "validationException"},
	} {
		body, err := b.raw("hi [[fault:" + directive + "]]")
		if err != nil {
			t.Fatal(err)
		}
		list, err := events(t, body)
		if err != nil || len(list) != want.frames+1 {
			t.Errorf("%s: %d frames, %v", directive, len(list), err)
			continue
		}
		last := list[want.frames]
		if header(last, ":message-type") != "exception" || header(last, ":exception-type") != want.kind || !bytes.Contains(last.Payload, []byte(`"message"`)) {
			t.Errorf("%s: %v %s", directive, last.Headers, last.Payload)
		}
	}
	body, _ := b.raw("hi [[fault:exception=error@1]]")
	list, err := events(t, body)
	if err != nil || len(list) != 2 || header(list[1], ":message-type") != "error" || header(list[1], ":error-code") == "" {
		t.Errorf("error: %v %v", list, err)
	}
	_, err = b.listen(&runtimeapi.ConverseStreamInput{ModelId: aws.String(haiku3), Messages: []types.Message{user(textBlock("hi [[fault:exception=throttling@2]]"))}})
	if _, ok := errors.AsType[*types.ThrottlingException](err); !ok {
		t.Errorf("the SDK read %v", err)
	}
}

func TestOddReplies(t *testing.T) {
	b := newBench(t)
	post := func(op, directive string) string {
		got := b.send(http.MethodPost, "/model/"+haiku3+"/"+op, say(`{"text":"hi [[fault:`+directive+`]]"}`, ""), bearer)
		return string(got.body)
	}
	for _, tt := range []struct{ op, directive, holds, lacks string }{
		{"converse", "unknownblock", `{"hologram":{"depth":3}}`, ""},
		{"converse", "nooutput", `"usage"`, `"output"`},
		{"converse", "filtered", `"stopReason":"guardrail_intervened"`, "You said"},
		{"converse", "filtered=content", `"stopReason":"content_filtered"`, "You said"},
		{"converse", "filtered=refusal", `"stopReason":"content_filtered"`, "You said"},
		{"converse", "pause", `"stopReason":"end_turn"`, "pause"},
		{"converse", "stop=brand_new", `"stopReason":"brand_new"`, ""},
		{"converse-stream", "unknownblock", "hologramEvent", ""},
		{"converse-stream", "stop=model_context_window_exceeded", `"stopReason":"model_context_window_exceeded"`, ""},
	} {
		got := post(tt.op, tt.directive)
		if !strings.Contains(got, tt.holds) || tt.lacks != "" && strings.Contains(got, tt.lacks) {
			t.Errorf("%s %s: %s", tt.op, tt.directive, got)
		}
	}
}

func TestAClientThatLeavesIsSeen(t *testing.T) {
	left := make(chan Seen, 4)
	b := newBench(t, func(o *Options) {
		o.Observe = func(s Seen) {
			if s.Left {
				left <- s
			}
		}
	})
	for _, directive := range []string{"hang", "hang@2", "silence=60000", "delay=60000"} {
		ctx, cancel := context.WithCancel(context.Background())
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.url+"/model/"+haiku3+"/converse-stream", strings.NewReader(say(`{"text":"[[fault:`+directive+`]]"}`, "")))
		if err != nil {
			t.Fatal(err)
		}
		bearer(req)
		if directive == "hang" || strings.HasPrefix(directive, "delay") {
			time.AfterFunc(20*time.Millisecond, cancel)
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			one := make([]byte, 1)
			if _, err := io.ReadFull(resp.Body, one); err != nil {
				t.Fatal(err)
			}
			cancel()
			resp.Body.Close()
		}
		select {
		case s := <-left:
			if s.Operation != "ConverseStream" {
				t.Errorf("%s: %+v", directive, s)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: nobody saw the client leave", directive)
		}
		cancel()
	}
}
