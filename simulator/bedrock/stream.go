package bedrock

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// padding is where the key p of every event takes its value from; its length hides that of the event.
const padding = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// frames writes the event stream of one reply, with the faults of its call.
type frames struct {
	x       *exchange
	w       *fault.Writer
	spec    fault.Spec
	encoder *eventstream.Encoder
	sent    int
	// over: the stream has ended early or the client has left; nothing more is written.
	over bool
}

// stream begins a reply of frames.
func (x *exchange) stream(w *fault.Writer, spec fault.Spec) *frames {
	contentType := "application/vnd.amazon.eventstream"
	if x.sse {
		contentType = "text/event-stream; charset=utf-8"
	}
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(http.StatusOK)
	return &frames{x: x, w: w, spec: spec, encoder: eventstream.NewEncoder()}
}

// event sends one event; payload becomes its JSON, with padding. It reports whether the stream goes on.
func (f *frames) event(name string, payload map[string]any) bool {
	if !f.exception() {
		return false
	}
	payload["p"] = padding[:(f.sent*17+len(name))%len(padding)+1]
	return f.send([]eventstream.Header{
		{Name: ":event-type", Value: eventstream.StringValue(name)},
		{Name: ":content-type", Value: eventstream.StringValue("application/json")},
		{Name: ":message-type", Value: eventstream.StringValue("event")},
	}, encode(payload))
}

// exception sends the exception a fault asked for once its turn has come, and reports whether the stream goes on. An
// exception of type "error" is the protocol's own error message, which carries its text in headers.
func (f *frames) exception() bool {
	name := f.spec.Exception
	if f.over || name == "" || f.sent < f.spec.ExceptionAt {
		return !f.over
	}
	defer func() { f.over = true }()
	if name == "error" && !f.x.sse {
		return f.send([]eventstream.Header{
			{Name: ":error-code", Value: eventstream.StringValue("InternalFailure")},
			{Name: ":error-message", Value: eventstream.StringValue("An internal server error occurred")},
			{Name: ":message-type", Value: eventstream.StringValue("error")},
		}, nil) && false
	}
	full := exceptionName(name)
	if f.x.sse {
		kind, known := claudeErrors[(&apiError{name: full}).status()]
		if !known {
			kind = "api_error"
		}
		return f.serverSent("error", map[string]any{"type": "error", "error": map[string]string{"type": kind, "message": messages[full]}}) && false
	}
	payload := map[string]any{"message": messages[full]}
	if messages[full] == "" {
		payload["message"] = "The stream was broken off as a fault asked for."
	}
	if full == "ModelStreamErrorException" {
		payload["originalStatusCode"], payload["originalMessage"] = 500, "the model stopped"
	}
	return f.send([]eventstream.Header{
		{Name: ":exception-type", Value: eventstream.StringValue(streamName(full))},
		{Name: ":content-type", Value: eventstream.StringValue("application/json")},
		{Name: ":message-type", Value: eventstream.StringValue("exception")},
	}, encode(payload)) && false
}

// exceptionName takes ThrottlingException, throttlingException and throttling.
func exceptionName(name string) string {
	if full := upperFirst(name); messages[full] != "" {
		return full
	}
	if full := upperFirst(name) + "Exception"; messages[full] != "" {
		return full
	}
	return name
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

func (f *frames) send(headers eventstream.Headers, payload []byte) bool {
	var b bytes.Buffer
	if err := f.encoder.Encode(&b, eventstream.Message{Headers: headers, Payload: payload}); err != nil {
		f.x.logf("encode frame: %v", err)
		f.over = true
		return false
	}
	return f.write(b.Bytes())
}

// serverSent sends one server-sent event.
func (f *frames) serverSent(name string, payload map[string]any) bool {
	return f.write(fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, encode(payload)))
}

func (f *frames) write(frame []byte) bool {
	err := f.w.Frame(frame)
	f.sent++
	if err == nil {
		return true
	}
	f.over = true
	if !errors.Is(err, fault.ErrEnded) {
		f.x.left()
	}
	return false
}

// send writes a reply that is no stream.
func (x *exchange) send(w *fault.Writer, body []byte) {
	if w.Whole() {
		x.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	}
	_, err := w.Write(body)
	if err != nil && !errors.Is(err, fault.ErrEnded) {
		x.left()
	}
}
