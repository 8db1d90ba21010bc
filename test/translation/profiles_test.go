package translation_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// refusedPlain is Bedrock's refusal of the id of a model that it serves only through inference profiles, apostrophe and all.
var refusedPlain = gatewaytest.Reply{
	Status: 400, Header: map[string]string{"X-Amzn-ErrorType": "ValidationException"},
	Body: `{"message":"Invocation of model ID anthropic.claude-sonnet-5 with on-demand throughput isn’t supported. Retry your request with the ID or ARN of an inference profile that contains this model."}`,
}

// listedProfiles are those that AWS lists in a region: of its own geography, of a country within it, and global ones.
const listedProfiles = `{"inferenceProfileSummaries":[
	{"inferenceProfileId":"global.anthropic.claude-sonnet-5","type":"SYSTEM_DEFINED","models":[{"modelArn":"arn:aws:bedrock:::foundation-model/anthropic.claude-sonnet-5"},{"modelArn":"arn:aws:bedrock:%[1]s::foundation-model/anthropic.claude-sonnet-5"}]},
	{"inferenceProfileId":"wide.anthropic.claude-sonnet-5","type":"SYSTEM_DEFINED","models":[{"modelArn":"arn:aws:bedrock:%[1]s::foundation-model/anthropic.claude-sonnet-5"},{"modelArn":"arn:aws:bedrock:%[2]s::foundation-model/anthropic.claude-sonnet-5"},{"modelArn":"arn:aws:bedrock:%[2]s::foundation-model/anthropic.claude-sonnet-5"}]},
	{"inferenceProfileId":"near.anthropic.claude-sonnet-5","type":"SYSTEM_DEFINED","models":[{"modelArn":"arn:aws:bedrock:%[1]s::foundation-model/anthropic.claude-sonnet-5"},{"modelArn":"arn:aws:bedrock:%[2]s::foundation-model/anthropic.claude-sonnet-5"}]},
	{"inferenceProfileId":"near.anthropic.claude-other","type":"SYSTEM_DEFINED","models":[{"modelArn":"arn:aws:bedrock:%[1]s::foundation-model/anthropic.claude-other"}]}]}`

// TestProfiles shows plain ids of models that Bedrock serves only through inference profiles. Users write the id that AWS's
// pages name, and get an error that leaves them to find the profile (https://github.com/anthropics/claude-code/issues/1293).
// Profiles decide where data goes, so none leaves the geography of the region by itself.
func TestProfiles(t *testing.T) {
	const (
		plain = "anthropic.claude-sonnet-5"
		path  = "/model/anthropic.claude-sonnet-5/converse"
	)
	at := func(profile string) string { return "/model/" + profile + ".anthropic.claude-sonnet-5/converse" }
	word := content(`{"text":"Word"}`, "end_turn")
	denied := gatewaytest.Reply{Status: 403, Body: `{"message":"not authorized"}`, Header: map[string]string{"X-Amzn-ErrorType": "AccessDeniedException"}}
	unknown := gatewaytest.Reply{Status: 400, Body: `{"message":"The provided model identifier is invalid."}`, Header: map[string]string{"X-Amzn-ErrorType": "ValidationException"}}
	const listing = "/inference-profiles"
	for _, tc := range []struct {
		rule    string
		region  string
		word    string
		replies map[string]gatewaytest.Reply // by path
		asked   []string                     // of the first call
		again   []string                     // of the second one
		status  int
		profile string
		get     string
	}{
		{
			rule: "the narrowest that stays in the geography, found once", region: "ap-south-1",
			replies: map[string]gatewaytest.Reply{path: refusedPlain, listing: {Body: fmt.Sprintf(listedProfiles, "ap-south-1", "ap-south-2")}, at("near"): word},
			asked:   []string{path, listing, at("near")}, again: []string{at("near")}, profile: "near." + plain, get: `"model":"anthropic.claude-sonnet-5"`,
		},
		{
			rule: "none that leaves it, and none that is global", region: "us-gov-west-1",
			replies: map[string]gatewaytest.Reply{path: refusedPlain, listing: {Body: fmt.Sprintf(listedProfiles, "us-gov-west-1", "us-east-1")}},
			asked:   []string{path, listing}, again: []string{path}, status: 404,
			get: "none is known that stays in the geography of us-gov-west-1; a route can name another one: global.anthropic.claude-sonnet-5, wide.anthropic.claude-sonnet-5, near.anthropic.claude-sonnet-5",
		},
		{
			rule: "without permission to list, the region's name says", region: "eu-west-1",
			replies: map[string]gatewaytest.Reply{path: refusedPlain, listing: denied, at("eu"): word},
			asked:   []string{path, listing, at("eu")}, again: []string{at("eu")}, profile: "eu." + plain,
		},
		{
			rule: "the country's first, then the continent's", region: "ap-northeast-1",
			replies: map[string]gatewaytest.Reply{path: refusedPlain, listing: denied, at("jp"): unknown, at("apac"): word},
			asked:   []string{path, listing, at("jp"), at("apac")}, again: []string{at("apac")}, profile: "apac." + plain,
		},
		{
			rule: "a profile's own error is the client's", region: "eu-west-1",
			replies: map[string]gatewaytest.Reply{path: refusedPlain, listing: denied, at("eu"): {Status: 400, Body: `{"message":"Bad"}`, Header: map[string]string{"X-Amzn-ErrorType": "ValidationException"}}},
			asked:   []string{path, listing, at("eu")}, status: 400, get: `"Bad"`,
		},
		{
			rule: "profiles off", region: "eu-west-1", word: "profiles off",
			replies: map[string]gatewaytest.Reply{path: refusedPlain}, asked: []string{path}, again: []string{path}, status: 404, get: "on-demand throughput",
		},
		{
			rule: "a model that is served by its plain id", region: "us-east-1",
			replies: map[string]gatewaytest.Reply{path: word}, asked: []string{path}, again: []string{path},
		},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			u := gatewaytest.NewUpstream(t)
			g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock %[1]s {\n\t\tendpoint %[2]s\n\t\tcontrol_endpoint %[2]s\n\t\tcredentials AKIDEXAMPLE secret\n\t\t%[3]s\n\t}\n}", tc.region, u.URL, tc.word))
			for i, want := range [][]string{tc.asked, tc.again} {
				if want == nil {
					continue
				}
				u.Play(gatewaytest.Reply{Status: 500, Body: "{}"})
				for path, reply := range tc.replies {
					u.PlayAt(path, reply)
				}
				a := g.Post(t, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,%s}`, plain, hi))
				if a.Status != max(tc.status, 200) || !strings.Contains(a.Body, tc.get) || a.Header.Get("Bedrock-Gateway-Profile") != tc.profile {
					t.Errorf("call %d: got %d %q %s", i+1, a.Status, a.Header.Get("Bedrock-Gateway-Profile"), a.Body)
				}
				var asked []string
				for _, s := range u.Seen() {
					asked = append(asked, s.Path)
				}
				if fmt.Sprint(asked) != fmt.Sprint(want) {
					t.Errorf("call %d: asked were %q, not %q", i+1, asked, want)
				}
			}
			if log, err := os.ReadFile(g.Log); err != nil || tc.profile != "" && !strings.Contains(string(log), `"profile":"`+tc.profile+`"`) {
				t.Errorf("the log does not name the profile: %v", err)
			}
		})
	}
}

// TestProfilesOfAListing shows that what GET /v1/models has learned spares the refusal, on Bedrock's own paths too, and that
// tokens are counted under the plain id, which CountTokens wants.
func TestProfilesOfAListing(t *testing.T) {
	u := gatewaytest.NewUpstream(t)
	g := gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcontrol_endpoint %[1]s\n\t\tcredentials AKIDEXAMPLE secret\n\t}\n}", u.URL))
	u.PlayAt("/foundation-models", gatewaytest.Reply{Body: `{"modelSummaries":[{"modelId":"anthropic.claude-sonnet-5","providerName":"Anthropic","outputModalities":["TEXT"],"inferenceTypesSupported":["INFERENCE_PROFILE"]}]}`})
	u.PlayAt("/inference-profiles", gatewaytest.Reply{Body: fmt.Sprintf(listedProfiles, "us-east-1", "us-west-2")}, gatewaytest.Reply{Body: `{"inferenceProfileSummaries":[]}`})
	if a := g.Get(t, "/v1/models"); a.Status != 200 {
		t.Fatalf("got %d %s", a.Status, a.Body)
	}
	for _, tc := range []struct{ rule, path, body, asked, profile string }{
		{"chat", "/v1/chat/completions", `{"model":"anthropic.claude-sonnet-5",` + hi + `}`, "/model/near.anthropic.claude-sonnet-5/converse", "near.anthropic.claude-sonnet-5"},
		{"InvokeModel, unread", "/model/anthropic.claude-sonnet-5/invoke", `{"x":1}`, "/model/near.anthropic.claude-sonnet-5/invoke", "near.anthropic.claude-sonnet-5"},
		{"a profile that the client names", "/v1/chat/completions", `{"model":"global.anthropic.claude-sonnet-5",` + hi + `}`, "/model/global.anthropic.claude-sonnet-5/converse", ""},
		{"counting tokens", "/v1/messages/count_tokens", `{"model":"anthropic.claude-sonnet-5",` + hi + `}`, "/model/anthropic.claude-sonnet-5/count-tokens", ""},
		{"counting tokens of a profile", "/v1/messages/count_tokens", `{"model":"us.anthropic.claude-sonnet-5",` + hi + `}`, "/model/anthropic.claude-sonnet-5/count-tokens", ""},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			u.Play(gatewaytest.Reply{Body: `{"inputTokens":3,"output":{"message":{"content":[{"text":"Word"}]}},"stopReason":"end_turn"}`})
			a := g.Post(t, tc.path, tc.body)
			if seen := u.Seen(); a.Status != 200 || len(seen) != 1 || seen[0].Path != tc.asked || a.Header.Get("Bedrock-Gateway-Profile") != tc.profile {
				t.Errorf("got %d %q %s; asked was %+v", a.Status, a.Header.Get("Bedrock-Gateway-Profile"), a.Body, seen)
			}
		})
	}
}
