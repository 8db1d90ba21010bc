package bedrock

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/schemas"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
	"github.com/aws/smithy-go"
)

// The shapes were written by hand; the SDK's schemas, generated from the service's model, say whether they are right.
func TestShapesAreThoseOfTheServiceModel(t *testing.T) {
	compare(t, "converse", converseShape, schemas.ConverseRequest, []string{"modelId"})
	compare(t, "converse-stream", converseStreamShape, schemas.ConverseStreamRequest, []string{"modelId"})
	compare(t, "count-tokens", countTokensShape, schemas.CountTokensRequest, []string{"modelId"})
}

func compare(t *testing.T, at string, s *shape, m *smithy.Schema, inPath []string) {
	t.Helper()
	kinds := map[kind][]smithy.ShapeType{
		structure: {smithy.ShapeTypeStructure}, union: {smithy.ShapeTypeUnion}, list: {smithy.ShapeTypeList},
		dictionary: {smithy.ShapeTypeMap}, text: {smithy.ShapeTypeString, smithy.ShapeTypeEnum}, blob: {smithy.ShapeTypeBlob},
		integer: {smithy.ShapeTypeInteger}, number: {smithy.ShapeTypeFloat}, boolean: {smithy.ShapeTypeBoolean},
		anything: {smithy.ShapeTypeDocument},
	}
	if !slices.Contains(kinds[s.kind], m.Type()) {
		t.Errorf("%s is of type %v in the model", at, m.Type())
		return
	}
	switch s.kind {
	case structure, union:
		want := m.Members()
		for _, name := range slices.Sorted(maps.Keys(want)) {
			if slices.Contains(inPath, name) {
				continue
			}
			if s.members[name] == nil {
				t.Errorf("%s.%s is missing", at, name)
				continue
			}
			compare(t, at+"."+name, s.members[name], want[name], nil)
		}
		for name := range s.members {
			if name == "projectIdentifier" { // botocore 1.44.8 has it, this version of the SDK not yet
				continue
			}
			if want[name] == nil {
				t.Errorf("%s.%s is not in the model", at, name)
			}
		}
	case list:
		compare(t, at+"[]", s.item, m.ListMember(), nil)
	case dictionary:
		compare(t, at+"{}", s.item, m.MapValue(), nil)
	default: // has no members
	}
}

func TestEnumsAreThoseOfTheSDK(t *testing.T) {
	for name, tt := range map[string]struct {
		shape *shape
		sdk   []string
	}{
		"image":   {imageBlock.members["format"], names(types.ImageFormat("").Values())},
		"video":   {videoFormat, names(types.VideoFormat("").Values())},
		"audio":   {audioFormat, names(types.AudioFormat("").Values())},
		"doc":     {documentBlock.members["format"], names(types.DocumentFormat("").Values())},
		"ttl":     {cachePoint.members["ttl"], names(types.CacheTTL("").Values())},
		"role":    {messagesShape.item.members["role"], names(types.ConversationRole("").Values())},
		"tier":    {converseMembers["serviceTier"].members["type"], names(types.ServiceTierType("").Values())},
		"latency": {converseMembers["performanceConfig"].members["latency"], names(types.PerformanceConfigLatency("").Values())},
		"trace":   {guardrail["trace"], names(types.GuardrailTrace("").Values())},
	} {
		if a, b := sorted(tt.shape.enum), sorted(tt.sdk); a != b {
			t.Errorf("%s: %s, the SDK has %s", name, a, b)
		}
	}
}

func names[T ~string](values []T) []string {
	out := make([]string, 0, len(values))
	for _, v := range values {
		out = append(out, string(v))
	}
	return out
}

func sorted(list []string) string {
	return strings.Join(slices.Sorted(slices.Values(list)), " ")
}
