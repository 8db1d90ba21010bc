package bedrock

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	brdocument "github.com/aws/aws-sdk-go-v2/service/bedrockruntime/document"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

// The least images of each format that its first bytes tell.
var (
	png  = []byte("\x89PNG\r\n\x1a\n----")
	jpeg = []byte("\xff\xd8\xff\xe0----")
	gif  = []byte("GIF89a----")
	webp = []byte("RIFF\x04\x00\x00\x00WEBPVP8 ----")
	pdf  = []byte("%PDF-1.7\n")
)

func doc(v any) brdocument.Interface { return brdocument.NewLazyDocument(v) }

func toolNamed(name string, required ...string) *types.ToolMemberToolSpec {
	properties := map[string]any{}
	for _, r := range required {
		properties[r] = map[string]any{"type": "string"}
	}
	return &types.ToolMemberToolSpec{Value: types.ToolSpecification{
		Name: aws.String(name), Description: aws.String("the " + name + " tool"),
		InputSchema: &types.ToolInputSchemaMemberJson{Value: doc(map[string]any{
			"type": "object", "properties": properties, "required": required,
		})},
	}}
}

func imageBlockOf(format types.ImageFormat, b []byte) types.ContentBlock {
	return &types.ContentBlockMemberImage{Value: types.ImageBlock{Format: format, Source: &types.ImageSourceMemberBytes{Value: b}}}
}

func documentOf(name string, format types.DocumentFormat, source types.DocumentSource) types.ContentBlock {
	return &types.ContentBlockMemberDocument{Value: types.DocumentBlock{Name: &name, Format: format, Source: source}}
}

func used(id, name string, input any) types.ContentBlock {
	return &types.ContentBlockMemberToolUse{Value: types.ToolUseBlock{ToolUseId: &id, Name: &name, Input: doc(input)}}
}

func result(id string, content ...types.ToolResultContentBlock) types.ContentBlock {
	return &types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{ToolUseId: &id, Content: content}}
}

func resultText(s string) types.ToolResultContentBlock {
	return &types.ToolResultContentBlockMemberText{Value: s}
}

func cacheBlock() types.CachePointBlock {
	return types.CachePointBlock{Type: types.CachePointTypeDefault, Ttl: types.CacheTTLOneHour}
}

// one is a call with one user message.
func one(model string, blocks ...types.ContentBlock) *runtimeapi.ConverseInput {
	return &runtimeapi.ConverseInput{ModelId: &model, Messages: []types.Message{user(blocks...)}}
}

func with1(in *runtimeapi.ConverseInput, change func(*runtimeapi.ConverseInput)) *runtimeapi.ConverseInput {
	change(in)
	return in
}

// validCalls are calls of the typed client that the real service takes, and the text it must be answered with here.
func validCalls() map[string]struct {
	in   *runtimeapi.ConverseInput
	want string
} {
	type row = struct {
		in   *runtimeapi.ConverseInput
		want string
	}
	tools := func(in *runtimeapi.ConverseInput, choice types.ToolChoice, list ...types.Tool) *runtimeapi.ConverseInput {
		in.ToolConfig = &types.ToolConfiguration{Tools: list, ToolChoice: choice}
		return in
	}
	lookup := toolNamed("lookup", "q")
	return map[string]row{
		"text": {one(haiku3, textBlock("hi")), "You said: hi"},
		"two texts and a guarded one": {one(haiku3, textBlock("a"), &types.ContentBlockMemberGuardContent{
			Value: &types.GuardrailConverseContentBlockMemberText{Value: types.GuardrailConverseTextBlock{
				Text: aws.String("b"), Qualifiers: []types.GuardrailConverseContentQualifier{types.GuardrailConverseContentQualifierQuery},
			}},
		}), "You said: a\nb"},
		"images": {
			one(haiku3, textBlock("see"), imageBlockOf("png", png), imageBlockOf("jpeg", jpeg), imageBlockOf("gif", gif), imageBlockOf("webp", webp)),
			"You said: see [image png, 12 bytes] [image jpeg, 8 bytes] [image gif, 10 bytes] [image webp, 20 bytes]",
		},
		"an image in S3": {one("amazon.nova-pro-v1:0", textBlock("see"), &types.ContentBlockMemberImage{Value: types.ImageBlock{
			Format: types.ImageFormatPng, Source: &types.ImageSourceMemberS3Location{Value: types.S3Location{Uri: aws.String("s3://bucket/key.png"), BucketOwner: aws.String("123456789012")}},
		}}), "You said: see [image png, s3://bucket/key.png]"},
		"documents": {
			one(haiku3, textBlock("read"),
				documentOf("a [1]", "pdf", &types.DocumentSourceMemberBytes{Value: pdf}),
				documentOf("b-2 (x)", "txt", &types.DocumentSourceMemberText{Value: "hello"}),
				documentOf("c", "md", &types.DocumentSourceMemberContent{Value: []types.DocumentContentBlock{&types.DocumentContentBlockMemberText{Value: "part"}}})),
			`You said: read [document "a [1]" pdf, 9 bytes] [document "b-2 (x)" txt, 5 bytes] [document "c" md, 4 bytes]`,
		},
		"a document with citations": {one(sonnet45, textBlock("read"), &types.ContentBlockMemberDocument{Value: types.DocumentBlock{
			Name: aws.String("d"), Format: types.DocumentFormatTxt, Source: &types.DocumentSourceMemberText{Value: "x"},
			Context: aws.String("c"), Citations: &types.CitationsConfig{Enabled: aws.Bool(true)},
		}}), `You said: read [document "d" txt, 1 bytes]`},
		"video": {one("amazon.nova-lite-v1:0", textBlock("see"), &types.ContentBlockMemberVideo{Value: types.VideoBlock{
			Format: types.VideoFormatThreeGp, Source: &types.VideoSourceMemberBytes{Value: []byte("vid")},
		}}), "You said: see [video three_gp, 3 bytes]"},
		"a search result": {one(sonnet45, textBlock("q"), &types.ContentBlockMemberSearchResult{Value: types.SearchResultBlock{
			Source: aws.String("s"), Title: aws.String("t"), Content: []types.SearchResultContentBlock{{Text: aws.String("x")}},
			Citations: &types.CitationsConfig{Enabled: aws.Bool(true)},
		}}), `You said: q [search result "t"]`},
		"cache points": {with1(one(sonnet45, textBlock("hi"), &types.ContentBlockMemberCachePoint{Value: cacheBlock()}), func(in *runtimeapi.ConverseInput) {
			in.System = []types.SystemContentBlock{
				&types.SystemContentBlockMemberText{Value: "be good"}, &types.SystemContentBlockMemberCachePoint{Value: cacheBlock()},
				&types.SystemContentBlockMemberGuardContent{Value: &types.GuardrailConverseContentBlockMemberText{Value: types.GuardrailConverseTextBlock{Text: aws.String("g")}}},
			}
			in.ToolConfig = &types.ToolConfiguration{Tools: []types.Tool{lookup, &types.ToolMemberCachePoint{Value: cacheBlock()}}}
		}), "You said: hi"},
		"a conversation": {&runtimeapi.ConverseInput{ModelId: aws.String(haiku3), Messages: []types.Message{
			user(textBlock("a")), assistant(textBlock("b")), user(textBlock("c")),
		}}, "You said: c"},
		"a prefill": {&runtimeapi.ConverseInput{ModelId: aws.String(haiku3), Messages: []types.Message{
			user(textBlock("a")), assistant(textBlock("You said:")),
		}}, " a"},
		"all parameters": {with1(one(haiku3, textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.InferenceConfig = &types.InferenceConfiguration{MaxTokens: aws.Int32(4096), Temperature: aws.Float32(0.5), TopP: aws.Float32(1), StopSequences: []string{"END"}}
			in.AdditionalModelRequestFields = doc(map[string]any{"top_k": 5})
			in.AdditionalModelResponseFieldPaths = []string{"/stop_sequence"}
			in.RequestMetadata = map[string]string{"team": "a b", "empty": ""}
			in.ServiceTier = &types.ServiceTier{Type: types.ServiceTierTypeFlex}
			in.PerformanceConfig = &types.PerformanceConfiguration{Latency: types.PerformanceConfigLatencyStandard}
			in.GuardrailConfig = &types.GuardrailConfiguration{GuardrailIdentifier: aws.String("abc123"), GuardrailVersion: aws.String("DRAFT"), Trace: types.GuardrailTraceEnabled}
			in.PromptVariables = map[string]types.PromptVariableValues{"v": &types.PromptVariableValuesMemberText{Value: "x"}}
		}), "You said: hi"},
		"optimized latency": {with1(one("us.amazon.nova-pro-v1:0", textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.PerformanceConfig = &types.PerformanceConfiguration{Latency: types.PerformanceConfigLatencyOptimized}
		}), "You said: hi"},
		"stop sequence": {with1(one(haiku3, textBlock("a END b")), func(in *runtimeapi.ConverseInput) {
			in.InferenceConfig = &types.InferenceConfiguration{StopSequences: []string{"END"}}
		}), "You said: a "},
		"max tokens": {with1(one(haiku3, textBlock("a b c d")), func(in *runtimeapi.ConverseInput) {
			in.InferenceConfig = &types.InferenceConfiguration{MaxTokens: aws.Int32(3)}
		}), "You said: a"},
		"tools, none called": {tools(one(haiku3, textBlock("hi")), nil, lookup), "You said: hi"},
		"tools, strict": {tools(one(sonnet45, textBlock("hi")), &types.ToolChoiceMemberAuto{}, &types.ToolMemberToolSpec{Value: types.ToolSpecification{
			Name: aws.String("s"), Strict: aws.Bool(true), InputSchema: &types.ToolInputSchemaMemberJson{Value: doc(map[string]any{"type": "object"})},
		}}), "You said: hi"},
		"tools called":          {tools(one(haiku3, textBlock("call lookup")), nil, lookup), ""},
		"any tool":              {tools(one(haiku3, textBlock("hi")), &types.ToolChoiceMemberAny{}, lookup), ""},
		"a named tool":          {tools(one("amazon.nova-micro-v1:0", textBlock("hi")), &types.ToolChoiceMemberTool{Value: types.SpecificToolChoice{Name: aws.String("lookup")}}, lookup), ""},
		"say and call":          {tools(one(haiku3, textBlock("say and call lookup")), nil, lookup), "Let me call lookup."},
		"mistral with any tool": {tools(one("mistral.mistral-large-2407-v1:0", textBlock("hi")), &types.ToolChoiceMemberAny{}, lookup), ""},
		"the second turn": {tools(&runtimeapi.ConverseInput{ModelId: aws.String(haiku3), Messages: []types.Message{
			user(textBlock("call lookup twice")),
			assistant(textBlock("yes"), used("a.b:c-1", "lookup", map[string]any{"q": "x"}), used("t2", "lookup", map[string]any{})),
			user(
				result("a.b:c-1", resultText("one"), &types.ToolResultContentBlockMemberJson{Value: doc(map[string]any{"n": 1})},
					&types.ToolResultContentBlockMemberImage{Value: types.ImageBlock{Format: "png", Source: &types.ImageSourceMemberBytes{Value: png}}},
					&types.ToolResultContentBlockMemberDocument{Value: types.DocumentBlock{Name: aws.String("d"), Format: "txt", Source: &types.DocumentSourceMemberBytes{Value: []byte("t")}}}),
				&types.ContentBlockMemberToolResult{Value: types.ToolResultBlock{ToolUseId: aws.String("t2"), Status: types.ToolResultStatusError, Content: []types.ToolResultContentBlock{resultText("bad")}}},
			),
		}}, nil, lookup), `The tool said: one {"n":1} [image png, 12 bytes] [document "d" txt, 1 bytes]; error: bad`},
		"no content in a result": {tools(&runtimeapi.ConverseInput{ModelId: aws.String(haiku3), Messages: []types.Message{
			user(textBlock("call lookup")), assistant(used("t", "lookup", map[string]any{})), user(result("t", []types.ToolResultContentBlock{}...), textBlock("and?")),
		}}, nil, lookup), "The tool said:  You said: and?"},
		"structured output": {with1(one(sonnet45, textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.OutputConfig = &types.OutputConfig{TextFormat: &types.OutputFormat{Type: types.OutputFormatTypeJsonSchema, Structure: &types.OutputFormatStructureMemberJsonSchema{Value: types.JsonSchemaDefinition{
				Name: aws.String("n"), Description: aws.String("d"), Schema: aws.String(`{"type":"object","properties":{"a":{"type":"string"},"n":{"type":"integer","minimum":7}},"required":["a","n"],"additionalProperties":false}`),
			}}}}
		}), `{"a":"hi","n":7}`},
		"effort": {with1(one(opus47, textBlock("hi")), func(in *runtimeapi.ConverseInput) { in.OutputConfig = &types.OutputConfig{Effort: aws.String("xhigh")} }), "You said: hi"},
		"thinking with a budget": {with1(one(sonnet45, textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.AdditionalModelRequestFields = doc(map[string]any{"thinking": map[string]any{"type": "enabled", "budget_tokens": 1024}})
		}), "You said: hi"},
		"adaptive thinking": {with1(one(opus47, textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.AdditionalModelRequestFields = doc(map[string]any{"thinking": map[string]any{"type": "adaptive"}, "output_config": map[string]any{"effort": "max"}})
		}), "You said: hi"},
		"a beta": {with1(one(sonnet45, textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.AdditionalModelRequestFields = doc(map[string]any{"anthropic_beta": []string{"context-1m-2025-08-07"}})
		}), "You said: hi"},
		"reasoning of Nova 2": {with1(one("us.amazon.nova-2-lite-v1:0", textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.AdditionalModelRequestFields = doc(map[string]any{"reasoningConfig": map[string]any{"type": "enabled", "maxReasoningEffort": "low"}})
		}), "You said: hi"},
		"reasoning of gpt-oss": {with1(one("openai.gpt-oss-120b-1:0", textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.AdditionalModelRequestFields = doc(map[string]any{"reasoning_effort": "high"})
		}), "You said: hi"},
		"citations in the history": {&runtimeapi.ConverseInput{ModelId: aws.String(sonnet45), Messages: []types.Message{user(textBlock("a")), assistant(&types.ContentBlockMemberCitationsContent{Value: types.CitationsContentBlock{
			Content:   []types.CitationGeneratedContent{&types.CitationGeneratedContentMemberText{Value: "c"}},
			Citations: []types.Citation{{Title: aws.String("t"), Location: &types.CitationLocationMemberDocumentChar{Value: types.DocumentCharLocation{DocumentIndex: aws.Int32(0), Start: aws.Int32(0), End: aws.Int32(1)}}}},
		}}), user(textBlock("b"))}}, "You said: b"},
		"a system message on a newer Claude": {&runtimeapi.ConverseInput{ModelId: aws.String(opus47), Messages: []types.Message{user(textBlock("a")), {Role: types.ConversationRoleSystem, Content: []types.ContentBlock{textBlock("be brief")}}}}, "You said: a"},
		"Titan text":                         {one("amazon.titan-text-express-v1", textBlock("hi")), "You said: hi"},
		"DeepSeek":                           {one("us.deepseek.r1-v1:0", textBlock("hi")), "You said: hi"},
		"Llama with a system prompt": {with1(one("meta.llama3-1-8b-instruct-v1:0", textBlock("hi")), func(in *runtimeapi.ConverseInput) {
			in.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "s"}}
		}), "You said: hi"},
	}
}

func TestValidCallsOfTheTypedClientAreAccepted(t *testing.T) {
	b := newBench(t)
	for name, tt := range validCalls() {
		t.Run(name, func(t *testing.T) {
			_, text, err := b.converse(tt.in)
			if err != nil {
				t.Fatal(err)
			}
			if text != tt.want {
				t.Errorf("text %q, want %q", text, tt.want)
			}
			in := tt.in
			var guard *types.GuardrailStreamConfiguration
			if g := in.GuardrailConfig; g != nil {
				guard = &types.GuardrailStreamConfiguration{GuardrailIdentifier: g.GuardrailIdentifier, GuardrailVersion: g.GuardrailVersion, Trace: g.Trace, StreamProcessingMode: types.GuardrailStreamProcessingModeAsync}
			}
			heard, err := b.listen(&runtimeapi.ConverseStreamInput{
				ModelId: in.ModelId, Messages: in.Messages, System: in.System, InferenceConfig: in.InferenceConfig, ToolConfig: in.ToolConfig,
				AdditionalModelRequestFields: in.AdditionalModelRequestFields, RequestMetadata: in.RequestMetadata, OutputConfig: in.OutputConfig,
				AdditionalModelResponseFieldPaths: in.AdditionalModelResponseFieldPaths, PerformanceConfig: in.PerformanceConfig,
				PromptVariables: in.PromptVariables, ServiceTier: in.ServiceTier, GuardrailConfig: guard,
			})
			if err != nil {
				t.Fatal(err)
			}
			if heard.text != tt.want || heard.stop == "" || !heard.metadata {
				t.Errorf("streamed: %+v, want text %q", heard, tt.want)
			}
		})
	}
}
