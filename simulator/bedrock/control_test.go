package bedrock

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	controlapi "github.com/aws/aws-sdk-go-v2/service/bedrock"
	controltypes "github.com/aws/aws-sdk-go-v2/service/bedrock/types"
	runtimeapi "github.com/aws/aws-sdk-go-v2/service/bedrockruntime"
	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/types"
)

func TestFoundationModelsAreListedAndFiltered(t *testing.T) {
	c := newBench(t).control()
	ids := func(in *controlapi.ListFoundationModelsInput) []string {
		out, err := c.ListFoundationModels(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, m := range out.ModelSummaries {
			list = append(list, *m.ModelId)
		}
		return list
	}
	want := 0
	for _, m := range models {
		if m.onRuntime() { // mantle's own are in mantle's list alone
			want++
		}
	}
	if all := ids(&controlapi.ListFoundationModelsInput{}); len(all) != want {
		t.Errorf("%d models, want %d", len(all), want)
	}
	if list := ids(&controlapi.ListFoundationModelsInput{ByProvider: aws.String("DeepSeek")}); !slices.Equal(list, []string{"deepseek.r1-v1:0", "deepseek.v3-v1:0"}) {
		t.Errorf("by provider: %v", list)
	}
	if list := ids(&controlapi.ListFoundationModelsInput{ByOutputModality: controltypes.ModelModalityEmbedding}); len(list) != 9 {
		t.Errorf("by modality: %v", list)
	}
	if list := ids(&controlapi.ListFoundationModelsInput{ByInferenceType: controltypes.InferenceTypeOnDemand}); slices.Contains(list, "deepseek.r1-v1:0") || !slices.Contains(list, "deepseek.v3-v1:0") {
		t.Errorf("by inference type: %v", list)
	}
	one, err := c.GetFoundationModel(context.Background(), &controlapi.GetFoundationModelInput{ModelIdentifier: aws.String(haiku3)})
	if err != nil || *one.ModelDetails.ProviderName != "Anthropic" || !slices.Contains(one.ModelDetails.InputModalities, controltypes.ModelModalityImage) {
		t.Errorf("%+v %v", one, err)
	}
	if _, err = c.GetFoundationModel(context.Background(), &controlapi.GetFoundationModelInput{ModelIdentifier: aws.String("no.model")}); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("an unknown model: %v", err)
	}
}

func TestInferenceProfilesComeInPages(t *testing.T) {
	b := newBench(t, func(o *Options) { o.Profiles = map[string]string{"mine00000000": sonnet45} })
	c := b.control()
	var all []string
	pages := controlapi.NewListInferenceProfilesPaginator(c, &controlapi.ListInferenceProfilesInput{MaxResults: aws.Int32(7)})
	for n := 0; pages.HasMorePages(); n++ {
		out, err := pages.NextPage(context.Background())
		if err != nil || len(out.InferenceProfileSummaries) > 7 || n > 100 {
			t.Fatalf("%d %v", len(out.InferenceProfileSummaries), err)
		}
		for _, p := range out.InferenceProfileSummaries {
			all = append(all, *p.InferenceProfileId)
		}
	}
	if !slices.Contains(all, sonnet45) || slices.Contains(all, "mine00000000") || slices.Contains(all, haiku3) || slices.Contains(all, "eu."+sonnet45[len("us."):]) {
		t.Errorf("profiles %v", all)
	}
	out, err := c.ListInferenceProfiles(context.Background(), &controlapi.ListInferenceProfilesInput{TypeEquals: controltypes.InferenceProfileTypeApplication})
	if err != nil || len(out.InferenceProfileSummaries) != 2 {
		t.Errorf("%+v %v", out, err)
	}
	if got := b.send(http.MethodGet, "/inference-profiles?nextToken=bogus", "", bearer); got.status != http.StatusBadRequest {
		t.Errorf("a bogus token: %d", got.status)
	}
	if got := b.send(http.MethodGet, "/inference-profiles?maxResults=0", "", bearer); got.status != http.StatusBadRequest {
		t.Errorf("no results: %d", got.status)
	}
	one, err := c.GetInferenceProfile(context.Background(), &controlapi.GetInferenceProfileInput{InferenceProfileIdentifier: aws.String(sonnet45)})
	if err != nil || len(one.Models) != 3 { // the regions of the geography
		t.Errorf("%+v %v", one, err)
	}
}

// What a prompt counts is what the call is billed for.
func TestCountTokensAgreesWithUsage(t *testing.T) {
	b := newBench(t)
	in := one(sonnet45, textBlock("count these words"), imageBlockOf("png", png))
	in.System = []types.SystemContentBlock{&types.SystemContentBlockMemberText{Value: "be good"}}
	in.ToolConfig = &types.ToolConfiguration{Tools: []types.Tool{toolNamed("lookup", "q")}}
	out, _, err := b.converse(in)
	if err != nil {
		t.Fatal(err)
	}
	counted, err := b.client().CountTokens(context.Background(), &runtimeapi.CountTokensInput{ModelId: in.ModelId, Input: &types.CountTokensInputMemberConverse{
		Value: types.ConverseTokensRequest{Messages: in.Messages, System: in.System, ToolConfig: in.ToolConfig},
	}})
	if err != nil || *counted.InputTokens != *out.Usage.InputTokens {
		t.Errorf("%+v %v, want %d", counted, err, *out.Usage.InputTokens)
	}
	counted, err = b.client().CountTokens(context.Background(), &runtimeapi.CountTokensInput{ModelId: in.ModelId, Input: &types.CountTokensInputMemberInvokeModel{
		Value: types.InvokeModelTokensRequest{Body: []byte(claudeSays(claudeHi, ""))},
	}})
	if err != nil || *counted.InputTokens != 4 {
		t.Errorf("%+v %v", counted, err)
	}
	for body, message := range map[string]string{
		`{"input":{"invokeModel":{"body":"e30="}}}`: "required key [anthropic_version]",
		`{"input":{"converse":{"messages":[]}}}`:    "at least one message",
		`{"input":{}}`:                              "exactly one member",
		`{}`:                                        "'input' failed",
	} {
		if got := b.send(http.MethodPost, "/model/"+sonnet45+"/count-tokens", body, bearer); got.status != http.StatusBadRequest || !strings.Contains(got.message, message) {
			t.Errorf("%s: %d %q", body, got.status, got.message)
		}
	}
	if got := b.send(http.MethodPost, "/model/amazon.nova-lite-v1:0/count-tokens", `{"input":{"converse":{"messages":[]}}}`, bearer); !strings.Contains(got.message, "doesn't support counting tokens") {
		t.Errorf("Nova: %q", got.message)
	}
}
