package converse

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// chatModels are the ids that the simulated Bedrock lists, a region prefix before those that need one.
func chatModels(t *testing.T) (ids []string) {
	t.Helper()
	r := httptest.NewRequest("GET", "/foundation-models", nil)
	r.Header.Set("Authorization", "Bearer "+bedrock.DefaultAPIKey)
	w := httptest.NewRecorder()
	simulated.ServeHTTP(w, r)
	var list struct {
		ModelSummaries []struct {
			ModelID                 string
			OutputModalities        []string
			InferenceTypesSupported []string
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
		t.Fatal(err, w.Body)
	}
	for _, m := range list.ModelSummaries {
		if !slices.Contains(m.OutputModalities, "TEXT") || model.PurposeOf(m.ModelID) != model.PurposeChat {
			continue // a ranking's output is listed as text, too
		}
		if !slices.Contains(m.InferenceTypesSupported, "ON_DEMAND") {
			m.ModelID = "us." + m.ModelID
		}
		if !slices.ContainsFunc(model.Lookup(m.ModelID).Accesses(false), func(a model.Access) bool { return a.API == model.Converse }) {
			continue // another API's model
		}
		ids = append(ids, m.ModelID)
	}
	if len(ids) < 30 {
		t.Fatal("few models", ids)
	}
	return ids
}

// providersWord reports whether the refusal is one that is left to the provider where nothing certain is known of the
// model: it says what is the matter, and a model that learned it meanwhile is not kept from it.
func providersWord(name, answer string) bool {
	return name == "image" && strings.Contains(answer, "support the image") ||
		name == "document" && strings.Contains(answer, "support documents") ||
		name == "prefill" && strings.Contains(answer, "prefill")
}

// Whatever is asked of whatever model is refused here, or taken there: the facts hold for every model that is known.
func TestEveryModelTakesWhatIsSentToIt(t *testing.T) {
	pdf := attach(chat.Document, chat.Media{Type: "application/pdf", Data: []byte("JVBERi0xLjQK")})
	image := attach(chat.Image, chat.Media{Type: "image/png", Data: []byte(pixel)})
	format := func(r *chat.Request) {
		r.Format = &chat.Format{Name: "out", Schema: v(`{"type":"object","properties":{"n":{"$ref":"#/$defs/s"}},"$defs":{"s":{"type":"string"}}}`)}
	}
	cachedTool := weather()
	cachedTool.Cache = chat.CacheOneHour
	cases := map[string]func() *chat.Request{
		"plain":  func() *chat.Request { return hello(nil) },
		"system": func() *chat.Request { return hello(func(r *chat.Request) { r.System = []chat.Block{say("be brief")} }) },
		"sampling": func() *chat.Request {
			return hello(func(r *chat.Request) { r.Temperature, r.TopP, r.TopK = v("1.5"), v("0.9"), v("5") })
		},
		"stop":         func() *chat.Request { return hello(func(r *chat.Request) { r.Stop = []string{"\n", "", "END"} }) },
		"limit":        func() *chat.Request { return hello(func(r *chat.Request) { r.MaxTokens = 100 }) },
		"tools":        func() *chat.Request { return withTools(nil, cachedTool, other()) },
		"any tool":     func() *chat.Request { return withTools(choose(chat.ToolsAny, ""), weather()) },
		"named tool":   func() *chat.Request { return withTools(choose(chat.ToolsNamed, "weather"), weather(), other()) },
		"serial tools": func() *chat.Request { return withTools(serial, weather()) },
		"history":      func() *chat.Request { return ask(history("weather")...) },
		"format":       func() *chat.Request { return hello(format) },
		"format and tools": func() *chat.Request {
			return withTools(format, weather())
		},
		"json":     func() *chat.Request { return hello(func(r *chat.Request) { r.Format = &chat.Format{} }) },
		"cache":    func() *chat.Request { return ask(user(cached(say("hi"), "1h"))) },
		"image":    func() *chat.Request { return ask(user(say("hi"), image)) },
		"document": func() *chat.Request { return ask(user(pdf)) },
		"prefill":  func() *chat.Request { return ask(user(say("hi")), assistant(say("{"))) },
		"thinking off": func() *chat.Request {
			return hello(func(r *chat.Request) { r.Reasoning.Thinking = chat.ThinkingOff })
		},
		"budget": func() *chat.Request {
			return hello(func(r *chat.Request) { r.Reasoning = chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 2000} })
		},
		"effort and sampling": func() *chat.Request {
			return hello(func(r *chat.Request) { r.Reasoning.Effort, r.Temperature, r.TopP = "high", v("0.3"), v("0.5") })
		},
		"effort and format": func() *chat.Request {
			return hello(func(r *chat.Request) {
				format(r)
				r.Reasoning.Effort = "low"
			})
		},
		"effort and a forced tool": func() *chat.Request {
			return withTools(func(r *chat.Request) {
				r.Reasoning.Effort = "medium"
				r.ToolChoice.Kind = chat.ToolsAny
			}, weather())
		},
		"effort within a history": func() *chat.Request {
			r := ask(history("f")...)
			r.Reasoning.Effort = "high"
			return r
		},
		"efforts": func() *chat.Request {
			return hello(func(r *chat.Request) { r.Reasoning.Effort, r.MaxTokens = "xhigh", 2000 })
		},
		"betas": func() *chat.Request {
			return hello(func(r *chat.Request) {
				r.Betas = []string{"interleaved-thinking-2025-05-14", "context-1m-2025-08-07", "claude-code-20250219", "oauth-2025-04-20"}
			})
		},
	}
	for _, id := range chatModels(t) {
		if model.Lookup(id).Family == model.Titan {
			continue // asked in its own dialect
		}
		for name, request := range cases {
			x := exchange(id)
			body, err := Dialect{}.EncodeRequest(nil, request(), x)
			var refusal *chat.Error
			switch {
			case errors.As(err, &refusal) && strings.Contains("image document prefill history effort within a history", name):
				continue // what a model cannot take at all is said here
			case err != nil:
				t.Errorf("%s: %s: %v", id, name, err)
				continue
			}
			checkShape(t, string(body))
			if code, answer := send(id, false, string(body)); code != 200 && !providersWord(name, answer) {
				t.Errorf("%s: %s: %d %s; %s", id, name, code, answer, body)
			}
		}
	}
}
