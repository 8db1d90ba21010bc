package clients

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/auth/bearer"
)

const (
	sonnet = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	titan  = "amazon.titan-text-express-v1"
)

// converseModels are Converse's own, and one that only OpenAI has.
var converseModels = []string{sonnet, "us.amazon.nova-pro-v1:0", "gpt-4o"}

var words = func() string {
	var b strings.Builder
	for i := range 60 {
		fmt.Fprintf(&b, "word%d ", i)
	}
	return b.String()
}()

// signed is a client of the gateway's site without keys, with dummy credentials.
func signed() *bedrockruntime.Client {
	return bedrockruntime.New(bedrockruntime.Options{
		Region:           "us-east-1",
		BaseEndpoint:     aws.String("http://" + os.Getenv("OPEN_ADDR")),
		Credentials:      credentials.NewStaticCredentialsProvider("AKIADUMMY", "dummy", ""),
		RetryMaxAttempts: 1,
		HTTPClient:       plainBodies{},
	})
}

// plainBodies is a client that hides the WriteTo of the SDK's request bodies. Once the answer is there it returns io.EOF
// (smithy-go, transport/http/internal/io/safe.go), which net/http takes for a failed request and closes the connection
// under the answer. The gateway on loopback may answer before net/http has looked for the end of the request.
type plainBodies struct{}

func (plainBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		r.Body = struct{ io.ReadCloser }{r.Body}
	}
	return http.DefaultClient.Do(r)
}

// bearing is a client that sends key as its Bedrock API key, over TLS.
func bearing(t *testing.T, key string) *bedrockruntime.Client {
	t.Helper()
	pem, err := os.ReadFile(os.Getenv("GATEWAY_CA"))
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(pem)
	return bedrockruntime.New(bedrockruntime.Options{
		Region:                  "us-east-1",
		BaseEndpoint:            aws.String("https://" + os.Getenv("TLS_ADDR")),
		HTTPClient:              &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}},
		BearerAuthTokenProvider: bearer.StaticTokenProvider{Token: bearer.Token{Value: key}},
		AuthSchemePreference:    []string{"httpBearerAuth"},
		RetryMaxAttempts:        1,
	})
}

// eachBedrock runs f once a way in and model.
func eachBedrock(t *testing.T, f func(t *testing.T, c *bedrockruntime.Client, model string)) {
	for name, c := range map[string]*bedrockruntime.Client{"signed": signed(), "bearer": bearing(t, os.Getenv("GATEWAY_KEY"))} {
		for _, model := range converseModels {
			t.Run(name+"/"+model, func(t *testing.T) { f(t, c, model) })
		}
	}
}

func userTurn(blocks ...types.ContentBlock) types.Message {
	return types.Message{Role: types.ConversationRoleUser, Content: blocks}
}

func textBlock(s string) types.ContentBlock { return &types.ContentBlockMemberText{Value: s} }

// saidBy is the text of a message.
func saidBy(m types.Message) string {
	var b strings.Builder
	for _, block := range m.Content {
		if text, ok := block.(*types.ContentBlockMemberText); ok {
			b.WriteString(text.Value)
		}
	}
	return b.String()
}

func converse(t *testing.T, c *bedrockruntime.Client, in *bedrockruntime.ConverseInput) (types.Message, *bedrockruntime.ConverseOutput) {
	t.Helper()
	out, err := c.Converse(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	m, ok := out.Output.(*types.ConverseOutputMemberMessage)
	if !ok {
		t.Fatalf("output: %T", out.Output)
	}
	return m.Value, out
}

// streamedText collects the text of a Converse stream, and reports whether it ended with its own events.
func streamedText(t *testing.T, c *bedrockruntime.Client, model, text string) (said string, whole bool, err error) {
	t.Helper()
	out, err := c.ConverseStream(t.Context(), &bedrockruntime.ConverseStreamInput{ModelId: &model, Messages: []types.Message{userTurn(textBlock(text))}})
	if err != nil {
		return "", false, err
	}
	s := out.GetStream()
	defer s.Close()
	stopped := false
	for event := range s.Events() {
		switch e := event.(type) {
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			if d, ok := e.Value.Delta.(*types.ContentBlockDeltaMemberText); ok {
				said += d.Value
			}
		case *types.ConverseStreamOutputMemberMessageStop:
			stopped = e.Value.StopReason == types.StopReasonEndTurn
		case *types.ConverseStreamOutputMemberMetadata:
			whole = stopped && e.Value.Usage != nil && *e.Value.Usage.OutputTokens > 0 && *e.Value.Metrics.LatencyMs > 0
		}
	}
	return said, whole, s.Err()
}

func TestConverse(t *testing.T) {
	eachBedrock(t, func(t *testing.T, c *bedrockruntime.Client, model string) {
		message, out := converse(t, c, &bedrockruntime.ConverseInput{
			ModelId: &model, System: []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "Echo."}},
			Messages:        []types.Message{userTurn(textBlock("Grüße, \"世界\" \\ 🌍!"))},
			InferenceConfig: &types.InferenceConfiguration{MaxTokens: aws.Int32(500), Temperature: aws.Float32(0.5)},
		})
		if saidBy(message) != "You said: Grüße, \"世界\" \\ 🌍!" || out.StopReason != types.StopReasonEndTurn {
			t.Errorf("%s %q", out.StopReason, saidBy(message))
		}
		if *out.Usage.InputTokens <= 0 || *out.Usage.OutputTokens <= 0 || *out.Metrics.LatencyMs <= 0 {
			t.Errorf("usage %+v, metrics %+v", out.Usage, out.Metrics)
		}
	})
}

func TestConverseStream(t *testing.T) {
	eachBedrock(t, func(t *testing.T, c *bedrockruntime.Client, model string) {
		said, whole, err := streamedText(t, c, model, words)
		if err != nil || !whole || strings.TrimSpace(said) != "You said: "+strings.TrimSpace(words) {
			t.Errorf("%v, whole %v: %q", err, whole, said)
		}
	})
}

func TestConverseTools(t *testing.T) {
	schema := func(doc map[string]any) types.ToolInputSchema {
		return &types.ToolInputSchemaMemberJson{Value: document.NewLazyDocument(doc)}
	}
	tools := &types.ToolConfiguration{Tools: []types.Tool{
		&types.ToolMemberToolSpec{Value: types.ToolSpecification{
			Name: aws.String("get_weather"), Description: aws.String("Weather of a city"),
			InputSchema: schema(map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}),
		}},
	}}
	eachBedrock(t, func(t *testing.T, c *bedrockruntime.Client, model string) {
		first := userTurn(textBlock(`say and call get_weather {"city":"Ulm"}`))
		reply, out := converse(t, c, &bedrockruntime.ConverseInput{ModelId: &model, ToolConfig: tools, Messages: []types.Message{first}})
		if out.StopReason != types.StopReasonToolUse || len(reply.Content) != 2 {
			t.Fatalf("%s %+v", out.StopReason, reply.Content)
		}
		use, ok := reply.Content[1].(*types.ContentBlockMemberToolUse)
		if !ok || *use.Value.Name != "get_weather" {
			t.Fatalf("%+v", reply.Content[1])
		}
		var input struct {
			City string `document:"city"`
		}
		if err := use.Value.Input.UnmarshalSmithyDocument(&input); err != nil || input.City != "Ulm" {
			t.Errorf("input: %v %+v", err, input)
		}
		result := &types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{
			ToolUseId: use.Value.ToolUseId, Content: []types.ToolResultContentBlock{&types.ToolResultContentBlockMemberText{Value: "21 degrees"}},
		}}
		last, _ := converse(t, c, &bedrockruntime.ConverseInput{ModelId: &model, ToolConfig: tools, Messages: []types.Message{first, reply, userTurn(result)}})
		if !strings.Contains(saidBy(last), "21 degrees") {
			t.Errorf("%q", saidBy(last))
		}
	})
}

// TestABrokenConverseStreamIsAnError holds because the gateway ends a broken stream with an exception: by itself, this
// client takes a cut for the end.
func TestABrokenConverseStreamIsAnError(t *testing.T) {
	eachBedrock(t, func(t *testing.T, c *bedrockruntime.Client, model string) {
		for _, fault := range []string{"cut=2500", "cutclean=2500", "exception=throttlingException@4"} {
			said, whole, err := streamedText(t, c, model, words+"[[fault:"+fault+"]]")
			var api smithy.APIError
			if !errors.As(err, &api) || api.ErrorMessage() == "" {
				t.Errorf("%s: %v", fault, err)
			}
			if whole || said == "" || strings.Contains(said, "word59") {
				t.Errorf("%s: it broke before the end: whole %v, %q", fault, whole, said)
			}
			var throttled *types.ThrottlingException
			if strings.HasPrefix(fault, "exception") && model != "gpt-4o" && !errors.As(err, &throttled) {
				t.Errorf("%s: %T %v", fault, err, err)
			}
		}
	})
}

func TestErrorsOfBedrockAreTyped(t *testing.T) {
	eachBedrock(t, func(t *testing.T, c *bedrockruntime.Client, model string) {
		ask := func(model string, messages ...types.Message) error {
			_, err := c.Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: &model, Messages: messages})
			return err
		}
		var throttled *types.ThrottlingException
		if err := ask(model, userTurn(textBlock("x [[fault:throttle]]"))); !errors.As(err, &throttled) {
			t.Errorf("throttled: %v", err)
		}
		var invalid *types.ValidationException
		if err := ask(model); !errors.As(err, &invalid) {
			t.Errorf("invalid: %v", err)
		}
		var unknown *types.ResourceNotFoundException
		if err := ask("nobody-has-this", userTurn(textBlock("hi"))); !errors.As(err, &unknown) {
			t.Errorf("unknown: %v", err)
		}
	})
	_, err := bearing(t, "wrong").Converse(t.Context(), &bedrockruntime.ConverseInput{ModelId: aws.String(sonnet), Messages: []types.Message{userTurn(textBlock("hi"))}})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnrecognizedClientException" {
		t.Errorf("a wrong key: %v", err)
	}
}

func TestInvokeModel(t *testing.T) {
	bodies := map[string]func(text string) any{
		sonnet: claudeBody, "gpt-4o": claudeBody,
		titan: func(text string) any {
			return map[string]any{"inputText": text, "textGenerationConfig": map[string]any{"maxTokenCount": 500}}
		},
	}
	for _, c := range []*bedrockruntime.Client{signed(), bearing(t, os.Getenv("GATEWAY_KEY"))} {
		for model, body := range bodies {
			t.Run(model, func(t *testing.T) {
				// Without a content type, this client says application/octet-stream.
				out, err := c.InvokeModel(t.Context(), &bedrockruntime.InvokeModelInput{ModelId: &model, Body: marshal(t, body("Grüße 🌍"))})
				if err != nil || !strings.Contains(string(out.Body), "Grüße 🌍") {
					t.Fatalf("%v", err)
				}
				streamed, err := c.InvokeModelWithResponseStream(t.Context(), &bedrockruntime.InvokeModelWithResponseStreamInput{
					ModelId: &model, ContentType: aws.String("application/json"), Body: marshal(t, body(words)),
				})
				if err != nil {
					t.Fatal(err)
				}
				s := streamed.GetStream()
				defer s.Close()
				var all strings.Builder
				for event := range s.Events() {
					if chunk, ok := event.(*types.ResponseStreamMemberChunk); ok {
						all.Write(chunk.Value.Bytes)
					}
				}
				if s.Err() != nil || !strings.Contains(all.String(), "word59") {
					t.Errorf("%v %q", s.Err(), all.String())
				}
				if !strings.Contains(all.String(), `"message_stop"`) && !strings.Contains(all.String(), `"completionReason":"FINISH"`) {
					t.Errorf("no end: %q", all.String())
				}
			})
		}
	}
}

func TestCountTokens(t *testing.T) {
	c := signed()
	counted, err := c.CountTokens(t.Context(), &bedrockruntime.CountTokensInput{
		ModelId: aws.String(sonnet), Input: &types.CountTokensInputMemberInvokeModel{Value: types.InvokeModelTokensRequest{Body: marshal(t, claudeBody("hi"))}},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, out := converse(t, c, &bedrockruntime.ConverseInput{ModelId: aws.String(sonnet), Messages: []types.Message{userTurn(textBlock("hi"))}})
	if *counted.InputTokens != *out.Usage.InputTokens {
		t.Errorf("counted %d, used %d", *counted.InputTokens, *out.Usage.InputTokens)
	}
}

func claudeBody(text string) any {
	return map[string]any{
		"anthropic_version": "bedrock-2023-05-31", "max_tokens": 500,
		"messages": []any{map[string]any{"role": "user", "content": text}},
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
