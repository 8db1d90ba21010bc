package bedrock

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

// heard is a stream put together again.
type heard struct {
	text, reasoning, signature, stop string
	calls                            []string // name and input
	order                            []string // of the blocks
	metadata                         bool
	usage                            types.TokenUsage
}

func (b *bench) listen(in *runtimeapi.ConverseStreamInput) (h heard, err error) {
	out, err := b.client().ConverseStream(context.Background(), in)
	if err != nil {
		return h, err
	}
	s := out.GetStream()
	defer s.Close()
	index := int32(-1)
	block := func(i int32, kind string) {
		if i != index {
			index = i
			h.order = append(h.order, kind)
		}
	}
	for e := range s.Events() {
		switch e := e.(type) {
		case *types.ConverseStreamOutputMemberContentBlockStart:
			start := e.Value.Start.(*types.ContentBlockStartMemberToolUse).Value
			block(*e.Value.ContentBlockIndex, "tool")
			h.calls = append(h.calls, fmt.Sprintf("%s ", *start.Name))
		case *types.ConverseStreamOutputMemberContentBlockDelta:
			switch d := e.Value.Delta.(type) {
			case *types.ContentBlockDeltaMemberText:
				block(*e.Value.ContentBlockIndex, "text")
				h.text += d.Value
			case *types.ContentBlockDeltaMemberToolUse:
				h.calls[len(h.calls)-1] += *d.Value.Input
			case *types.ContentBlockDeltaMemberReasoningContent:
				block(*e.Value.ContentBlockIndex, "reasoning")
				switch r := d.Value.(type) {
				case *types.ReasoningContentBlockDeltaMemberText:
					h.reasoning += r.Value
				case *types.ReasoningContentBlockDeltaMemberSignature:
					h.signature += r.Value
				}
			}
		case *types.ConverseStreamOutputMemberMessageStop:
			h.stop = string(e.Value.StopReason)
		case *types.ConverseStreamOutputMemberMetadata:
			h.metadata, h.usage = true, *e.Value.Usage
		}
	}
	return h, s.Err()
}

func TestToolCallsTakeTheirInputFromTextAndSchema(t *testing.T) {
	b := newBench(t)
	for text, want := range map[string][]string{
		"call lookup":                                 {`lookup {"q":"call lookup"}`},
		"please call lookup.":                         {`lookup {"q":"please call lookup."}`},
		"call lookup and ping":                        {`lookup {"q":"call lookup and ping"}`, "ping "},
		`call lookup {"q":"é\"x"}, ping`:              {`lookup {"q":"é\"x"}`, "ping "},
		`call ping, and lookup: {"q":"a", "b":1} now`: {"ping ", `lookup {"q":"a", "b":1}`},
		"call any":                                    {`lookup {"q":"call any"}`},
		"call all":                                    {`lookup {"q":"call all"}`, "ping "},
	} {
		h, err := b.listen(&runtimeapi.ConverseStreamInput{
			ModelId: aws.String(haiku3), Messages: []types.Message{user(textBlock(text))},
			ToolConfig: &types.ToolConfiguration{Tools: []types.Tool{toolNamed("lookup", "q"), toolNamed("ping")}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(h.calls, want) || h.stop != "tool_use" {
			t.Errorf("%q: calls %q, stop %s", text, h.calls, h.stop)
		}
	}
}

func TestAToolsResultNamesTheNextCall(t *testing.T) {
	b := newBench(t)
	h, err := b.listen(&runtimeapi.ConverseStreamInput{
		ModelId:    aws.String(haiku3),
		Messages:   []types.Message{user(textBlock("call ping")), assistant(used("t", "ping", map[string]any{})), user(result("t", resultText(`Step 2, then call lookup {"q":"a"}`)))},
		ToolConfig: &types.ToolConfiguration{Tools: []types.Tool{toolNamed("lookup", "q"), toolNamed("ping")}},
	})
	if want := []string{`lookup {"q":"a"}`}; err != nil || !slices.Equal(h.calls, want) || h.stop != "tool_use" {
		t.Errorf("calls %q, stop %s, %v", h.calls, h.stop, err)
	}
}

func TestThinkingIsSignedAndCheckedOnTheNextTurn(t *testing.T) {
	b := newBench(t)
	thinking := doc(map[string]any{"thinking": map[string]any{"type": "enabled", "budget_tokens": 1024}})
	tools := &types.ToolConfiguration{Tools: []types.Tool{toolNamed("lookup", "q")}}
	first := user(textBlock("call lookup"))
	h, err := b.listen(&runtimeapi.ConverseStreamInput{ModelId: aws.String(sonnet45), Messages: []types.Message{first}, AdditionalModelRequestFields: thinking, ToolConfig: tools})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.order, []string{"reasoning", "tool"}) || h.reasoning == "" || h.signature == "" {
		t.Fatalf("heard %+v", h)
	}
	again := func(blocks ...types.ContentBlock) error {
		_, _, err := b.converse(&runtimeapi.ConverseInput{
			ModelId: aws.String(sonnet45), AdditionalModelRequestFields: thinking, ToolConfig: tools,
			Messages: []types.Message{first, assistant(append(blocks, used("t", "lookup", map[string]any{}))...), user(result("t", resultText("x")))},
		})
		return err
	}
	thought := func(text, signature string) types.ContentBlock {
		return &types.ContentBlockMemberReasoningContent{Value: &types.ReasoningContentBlockMemberReasoningText{Value: types.ReasoningTextBlock{Text: &text, Signature: &signature}}}
	}
	if err := again(thought(h.reasoning, h.signature)); err != nil {
		t.Errorf("its own reasoning: %v", err)
	}
	if err := again(thought(h.reasoning+"!", h.signature)); err == nil || !strings.Contains(err.Error(), "Invalid `signature` in `thinking` block") {
		t.Errorf("changed reasoning: %v", err)
	}
	if err := again(); err == nil || !strings.Contains(err.Error(), "Expected `thinking` or `redacted_thinking`, but found `tool_use`") {
		t.Errorf("no reasoning: %v", err)
	}
}

func TestRedactedReasoningSurvivesTheNextTurn(t *testing.T) {
	b := newBench(t)
	in := one(sonnet45, textBlock("hi [[fault:redacted]]"))
	in.AdditionalModelRequestFields = doc(map[string]any{"thinking": map[string]any{"type": "enabled", "budget_tokens": 1024}})
	out, _, err := b.converse(in)
	if err != nil {
		t.Fatal(err)
	}
	message := out.Output.(*types.ConverseOutputMemberMessage).Value
	in.Messages = append(in.Messages, message, user(textBlock("more")))
	if _, _, err = b.converse(in); err != nil {
		t.Error(err)
	}
}

func TestCachePointsAreWrittenThenRead(t *testing.T) {
	b := newBench(t)
	in := one(sonnet45, textBlock("one two three"), &types.ContentBlockMemberCachePoint{Value: cacheBlock()}, textBlock("four"))
	for i, want := range [][3]int32{{1, 0, 6}, {1, 6, 0}} {
		out, _, err := b.converse(in)
		if err != nil {
			t.Fatal(err)
		}
		u := out.Usage
		if got := [3]int32{*u.InputTokens, *u.CacheReadInputTokens, *u.CacheWriteInputTokens}; got != want {
			t.Errorf("call %d: input, read, write %v, want %v", i, got, want)
		}
		if i == 0 && (len(u.CacheDetails) != 1 || u.CacheDetails[0].Ttl != types.CacheTTLOneHour) {
			t.Errorf("details %+v", u.CacheDetails)
		}
	}
}

// JSON that is asked for in words comes as JSON that fits, as a good model's does.
func TestJSONAskedForInWords(t *testing.T) {
	b := newBench(t)
	for system, want := range map[string]string{
		"Reply with one valid JSON object and nothing else.": `{\"said\":\"You said: Paris\"}`,
		`Reply with valid JSON of this schema.\n{\"type\":\"object\",\"required\":[\"city\"],\"properties\":{\"city\":{\"type\":\"string\"}}}`: `{\"city\":\"Paris\"}`,
		"JSON is fine.": "You said: Paris",
	} {
		got := b.send("POST", "/model/amazon.nova-lite-v1:0/converse", `{"system":[{"text":"`+system+`"}],"messages":[{"role":"user","content":[{"text":"Paris"}]}]}`, bearer)
		if !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %s", system, got.body)
		}
	}
}
