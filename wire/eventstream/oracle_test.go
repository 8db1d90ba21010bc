package eventstream_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/eventstream"
)

// encode makes a frame with the AWS SDK's encoder.
func encode(t testing.TB, m sdk.Message) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sdk.NewEncoder().Encode(&b, m); err != nil {
		t.Fatalf("sdk encoder: %v", err)
	}
	return b.Bytes()
}

func str(name, value string) sdk.Header {
	return sdk.Header{Name: name, Value: sdk.StringValue(value)}
}

// event is a frame as Bedrock sends them.
func event(t testing.TB, name, payload string) []byte {
	t.Helper()
	return encode(t, sdk.Message{
		Headers: sdk.Headers{
			str(eventstream.HeaderEventType, name),
			str(eventstream.HeaderContentType, "application/json"),
			str(eventstream.HeaderMessageType, eventstream.TypeEvent),
		},
		Payload: []byte(payload),
	})
}

// rawFrame makes a frame with good checksums around any bytes.
func rawFrame(headers, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(len(headers)))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	b = append(append(b, headers...), payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

// everyHeaderType is a frame with a header of each type around known ones.
func everyHeaderType(t testing.TB) []byte {
	t.Helper()
	return encode(t, sdk.Message{
		Headers: sdk.Headers{
			{Name: "true", Value: sdk.BoolValue(true)},
			{Name: "false", Value: sdk.BoolValue(false)},
			{Name: "byte", Value: sdk.Int8Value(-1)},
			{Name: "short", Value: sdk.Int16Value(-2)},
			str(eventstream.HeaderMessageType, eventstream.TypeError),
			{Name: "int", Value: sdk.Int32Value(3)},
			{Name: "long", Value: sdk.Int64Value(1 << 60)},
			{Name: "bytes", Value: sdk.BytesValue([]byte{0, 255})},
			{Name: "no bytes", Value: sdk.BytesValue(nil)},
			{Name: "time", Value: sdk.TimestampValue(time.Unix(1_700_000_000, 0))},
			str(eventstream.HeaderErrorCode, "InternalFailure"),
			{Name: "uuid", Value: sdk.UUIDValue{1, 2, 3}},
			str(eventstream.HeaderErrorMessage, "try again, größer"),
		},
	})
}

func TestReaderAgreesWithTheSDK(t *testing.T) {
	long := strings.Repeat("x", 1<<15-1)
	frames := map[string][]byte{
		"event":         event(t, "contentBlockDelta", `{"delta":{"text":"hi"}}`),
		"empty":         encode(t, sdk.Message{}),
		"payload only":  encode(t, sdk.Message{Payload: []byte{0, 1, 2, 0xff}}),
		"headers only":  encode(t, sdk.Message{Headers: sdk.Headers{str(":event-type", "e")}}),
		"every type":    everyHeaderType(t),
		"longest value": encode(t, sdk.Message{Headers: sdk.Headers{str(":error-message", long)}}),
		"large payload": event(t, "chunk", strings.Repeat("p", 300_000)),
		"header twice":  rawFrame([]byte("\x0b:event-type\x07\x00\x01a\x0b:event-type\x07\x00\x01b"), nil),
		"exception": encode(t, sdk.Message{
			Headers: sdk.Headers{
				str(eventstream.HeaderExceptionType, "throttlingException"),
				str(eventstream.HeaderMessageType, eventstream.TypeException),
			},
			Payload: []byte(`{"message":"slow down"}`),
		}),
	}
	for name, frame := range frames {
		t.Run(name, func(t *testing.T) {
			checkAgainstSDK(t, frame)
		})
	}
}

// checkAgainstSDK reads one good frame with both decoders.
func checkAgainstSDK(t *testing.T, frame []byte) {
	t.Helper()
	want, err := sdk.NewDecoder().Decode(bytes.NewReader(frame), nil)
	if err != nil {
		t.Fatalf("sdk decoder: %v", err)
	}
	r := eventstream.NewReader(bytes.NewReader(frame))
	got, err := r.Next()
	if err != nil {
		t.Fatalf("Next: %v", err)
	}
	checkMessage(t, got, want, frame)
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the last frame: %v, want io.EOF", err)
	}
}

func checkMessage(t *testing.T, got *eventstream.Message, want sdk.Message, frame []byte) {
	t.Helper()
	if !bytes.Equal(got.Payload, want.Payload) {
		t.Errorf("payload %q, sdk %q", got.Payload, want.Payload)
	}
	if !bytes.Equal(got.Raw, frame) {
		t.Errorf("raw differs from the frame")
	}
	for header, value := range map[string][]byte{
		eventstream.HeaderMessageType:   got.Type,
		eventstream.HeaderEventType:     got.Event,
		eventstream.HeaderExceptionType: got.Exception,
		eventstream.HeaderErrorCode:     got.ErrorCode,
		eventstream.HeaderErrorMessage:  got.ErrorMessage,
		eventstream.HeaderContentType:   got.ContentType,
	} {
		v := want.Headers.Get(header)
		switch {
		case v == nil && value != nil:
			t.Errorf("%s is %q, sdk has none", header, value)
		case v != nil && (value == nil || v.String() != string(value)):
			t.Errorf("%s is %q, sdk %q", header, value, v)
		}
	}
}

func TestAppendIsReadByTheSDK(t *testing.T) {
	headers := []eventstream.Header{
		{Name: eventstream.HeaderMessageType, Value: eventstream.TypeException},
		{Name: eventstream.HeaderExceptionType, Value: "validationException"},
		{Name: "empty", Value: ""},
	}
	prefix := []byte("before")
	out := eventstream.Append(prefix, headers, []byte(`{"message":"no"}`))
	if !bytes.HasPrefix(out, prefix) {
		t.Fatalf("dst was not kept: %q", out)
	}
	frame := out[len(prefix):]
	want := encode(t, sdk.Message{
		Headers: sdk.Headers{
			str(headers[0].Name, headers[0].Value),
			str(headers[1].Name, headers[1].Value),
			str("empty", ""),
		},
		Payload: []byte(`{"message":"no"}`),
	})
	if !bytes.Equal(frame, want) {
		t.Errorf("frame\n%q, sdk\n%q", frame, want)
	}
	if got := eventstream.Append(nil, nil, nil); !bytes.Equal(got, encode(t, sdk.Message{})) {
		t.Errorf("empty frame %q", got)
	}
}

func TestAppendCutsALongValueBetweenCharacters(t *testing.T) {
	value := "x" + strings.Repeat("é", 20_000) // character 16383 straddles byte 32767
	frame := eventstream.Append(nil, []eventstream.Header{{Name: ":error-message", Value: value}}, nil)
	m, err := sdk.NewDecoder().Decode(bytes.NewReader(frame), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := m.Headers.Get(":error-message").String()
	if want := value[:1<<15-1]; got != want {
		t.Errorf("kept %d bytes, want %d", len(got), len(want))
	}
	value = value[1:]
	frame = eventstream.Append(nil, []eventstream.Header{{Name: ":error-message", Value: value}}, nil)
	m, err = sdk.NewDecoder().Decode(bytes.NewReader(frame), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Headers.Get(":error-message").String(); got != value[:1<<15-2] {
		t.Errorf("kept %d bytes, want %d: a character was cut", len(got), 1<<15-2)
	}
}

func TestAppendPanicsOnAnImpossibleName(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("n", 256)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("name of %d bytes was taken", len(name))
				}
			}()
			eventstream.Append(nil, []eventstream.Header{{Name: name, Value: "v"}}, nil)
		}()
	}
}
