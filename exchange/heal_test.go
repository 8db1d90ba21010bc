package exchange

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func TestRefused(t *testing.T) {
	for message, want := range map[string]string{
		// As Anthropic, Bedrock and OpenAI write them.
		"tools.21.custom.defer_loading: Extra inputs are not permitted":                                                         "tools.defer_loading",
		"tools.0.custom.strict: Extra inputs are not permitted":                                                                 "tools.strict",
		"messages.1.content.0.tool_result.cache_control.ephemeral.scope: Extra inputs are not permitted":                        "cache_control.scope",
		"tools.0.custom.cache_control: Extra inputs are not permitted":                                                          "cache_control",
		"The model returned the following errors: top_k: Extra inputs are not permitted":                                        "top_k",
		"temperature: Extra inputs are not permitted, user: Extra inputs are not permitted":                                     "temperature user",
		"Malformed input request: #: extraneous key [service_tier] is not permitted, please reformat your input and try again.": "service_tier",
		"Malformed input request: #/tools/0: extraneous key [custom] is not permitted":                                          "tools.custom",
		"#/inferenceConfig: extraneous key [topP] is not permitted":                                                             "topP",
		"#/messages/0/content/1: extraneous key [cachePoint] is not permitted":                                                  "cachePoint",
		"Unknown parameter: 'tools[0].function.strict'.":                                                                        "tools.strict",
		"Unsupported parameter: 'temperature' is not supported with this model.":                                                "temperature",
		"Unrecognized request argument supplied: verbosity":                                                                     "verbosity",

		// What must not be missing, whatever else is refused with it.
		"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.": "",
		"messages.0.name: Extra inputs are not permitted":                                                            "",
		"system: Extra inputs are not permitted":                                                                     "",
		"tool_choice.disable_parallel_tool_use: Extra inputs are not permitted":                                      "",
		"tools.0.custom.input_schema.properties.strict: Extra inputs are not permitted":                              "",
		"thinking.seed: Extra inputs are not permitted":                                                              "",
		"guardrailConfig: Extra inputs are not permitted":                                                            "",
		"temperature: Extra inputs are not permitted, stop_sequences: Extra inputs are not permitted":                "",
		"temperature: Input should be less than or equal to 1":                                                       "",
		"": "",
	} {
		e := &chat.Error{Kind: chat.ErrInvalidRequest, Message: message}
		var got []string
		for _, m := range refused(e) {
			got = append(got, m.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", message, got, want)
		}
	}
	if got := refused(&chat.Error{Kind: chat.ErrUpstream, Message: "seed: Extra inputs are not permitted"}); got != nil {
		t.Errorf("an error that is no 400: got %v", got)
	}
	if got := refused(fmt.Errorf("seed: Extra inputs are not permitted")); got != nil {
		t.Errorf("an error that is no reply: got %v", got)
	}
}

func TestWithout(t *testing.T) {
	for name, tc := range map[string]struct {
		member     member
		body, want string // "": it is not there
	}{
		"of the body":               {member{"", "seed"}, `{"seed":1, "x":{"seed":2}}`, `{"x":{"seed":2}}`},
		"of Converse's holders":     {member{"", "top_k"}, `{"messages":[],"additionalModelRequestFields":{"top_k":1}}`, `{"messages":[],"additionalModelRequestFields":{}}`},
		"of each tool":              {member{"tools", "strict"}, `{"tools":[{"name":"a","strict":true},{"function":{"strict":false,"parameters":{"strict":1}}}, 7]}`, `{"tools":[{"name":"a"},{"function":{"parameters":{"strict":1}}}, 7]}`},
		"of Converse's tools":       {member{"tools", "strict"}, `{"toolConfig":{"tools":[{"toolSpec":{"name":"a","strict":true}}]}}`, `{"toolConfig":{"tools":[{"toolSpec":{"name":"a"}}]}}`},
		"of output_config":          {member{"output_config", "task_budget"}, `{"output_config":{"task_budget":{},"effort":"low"}}`, `{"output_config":{"effort":"low"}}`},
		"marks":                     {member{"cache_control", ""}, `{"system":[{"cache_control":{},"text":"a"}],"messages":[{"content":[{"input":{"cache_control":1},"cache_control":{"ttl":"1h"}}]}]}`, `{"system":[{"text":"a"}],"messages":[{"content":[{"input":{"cache_control":1}}]}]}`},
		"scopes":                    {member{"cache_control", "scope"}, `{"tools":[{"cache_control":{"type":"e","scope":"g"}}]}`, `{"tools":[{"cache_control":{"type":"e"}}]}`},
		"marks that are elements":   {member{"cachePoint", ""}, `{"system":[{"cachePoint":{}}, {"text":"a"},{"cachePoint":{}},{"cachePoint":{}},{"text":"b"},{"cachePoint":{}}]}`, `{"system":[{"text":"a"},{"text":"b"}]}`},
		"and nothing beside them":   {member{"cachePoint", ""}, `{"system":[ {"cachePoint":{}},{"cachePoint":{}} ]}`, `{"system":[  ]}`},
		"a time of theirs":          {member{"cachePoint", "ttl"}, `{"system":[{"cachePoint":{"type":"default","ttl":"1h"}}]}`, `{"system":[{"cachePoint":{"type":"default"}}]}`},
		"one that is not there":     {member{"", "seed"}, `{"x":{"seed":2},"y":[{"seed":1}]}`, ""},
		"a text that looks like it": {member{"cache_control", "scope"}, `{"messages":[{"content":"cache_control scope"}]}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := without([]byte(tc.body), tc.member)
			if want := tc.want; ok != (want != "") || ok && string(got) != want || !ok && string(got) != tc.body {
				t.Errorf("got %s, %v", got, ok)
			}
		})
	}
}

func FuzzWithout(f *testing.F) {
	f.Add(`{"tools":[{"strict":1}],"system":[{"cachePoint":{}},1,{"cachePoint":{}}],"seed":1,"inferenceConfig":{"seed":[]},"cache_control":{"scope":{}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		if json.Valid([]byte(body)) != nil {
			t.Skip("not a body")
		}
		for m := range spare {
			got, ok := without([]byte(body), m)
			if err := json.Valid(got); err != nil {
				t.Fatalf("%v without %v became %s: %v", body, m, got, err)
			}
			if !ok {
				continue
			}
			if _, again := without(got, m); again {
				t.Fatalf("%v still has %v: %s", body, m, got)
			}
		}
	})
}

func TestLessons(t *testing.T) {
	var l lessons
	now := time.Unix(1_000_000, 0)
	here := place{"bedrock", "claude", "m"}
	seed, user := []member{{"", "seed"}}, []member{{"", "user"}}
	if l.at(here, now) != nil {
		t.Error("nothing was learned")
	}
	l.learn(here, seed, now)
	l.learn(here, append(user, seed...), now.Add(time.Minute))
	if got := l.at(here, now.Add(time.Minute)); !slices.Equal(got, append(seed, user...)) {
		t.Errorf("got %v", got)
	}
	for _, elsewhere := range []place{{"other", "claude", "m"}, {"bedrock", "converse", "m"}, {"bedrock", "claude", "n"}} {
		if got := l.at(elsewhere, now); got != nil {
			t.Errorf("%v: got %v", elsewhere, got)
		}
	}
	if got := l.at(here, now.Add(remembered+time.Minute)); got != nil {
		t.Errorf("an hour later: got %v", got)
	}
	for i := range maxRemembered {
		l.learn(place{"bedrock", "claude", fmt.Sprint(i)}, seed, now.Add(2*time.Minute+time.Duration(i)))
	}
	if n := len(*l.known.Load()); n != maxRemembered || l.at(here, now.Add(3*time.Minute)) != nil {
		t.Errorf("%d lessons are kept, and the oldest is %v", n, l.at(here, now.Add(3*time.Minute)))
	}
	if n := testing.AllocsPerRun(100, func() { _ = l.at(here, now) }); n != 0 {
		t.Errorf("looking costs %v allocations", n)
	}
}
