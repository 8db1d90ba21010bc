package bedrock

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// Titan Text's bodies, https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-text.html. What is
// wrong is told as a JSON pointer and a sentence, as the service's schema check does.

// titanStops is the only form of stop sequence Titan Text takes.
var titanStops = regexp.MustCompile(`^(\|+|User:)$`)

// titanTurn finds the last thing the user said in a prompt of User: and Bot: lines.
var titanTurn = regexp.MustCompile(`(?s)^(?:.*\n)?User:\s*(.*?)\s*\n+\s*Bot:\s*$`)

// titanAsk reads the body of a Titan call.
func (x *exchange) titanAsk() (*ask, *apiError) {
	value, refused := decodeJSON(x.body)
	if refused != nil {
		return nil, invalid("Malformed input request, please reformat your input and try again.")
	}
	if refused = closed(value, "#", "inputText", "textGenerationConfig"); refused != nil {
		return nil, refused
	}
	prompt, ok := value["inputText"].(string)
	switch {
	case value["inputText"] == nil:
		return nil, malformed("#", "required key [inputText] not found")
	case !ok:
		return nil, malformed("#/inputText", "expected type: String, found: "+jsonType(value["inputText"]))
	case prompt == "":
		return nil, malformed("#/inputText", "expected minLength: 1, actual: 0")
	}
	a := &ask{model: x.model, text: prompt, messages: 1, maxTokens: min(512, x.model.maxTokens)}
	if m := titanTurn.FindStringSubmatch(prompt); m != nil {
		a.text = m[1]
	}
	if c, there := value["textGenerationConfig"]; there {
		if refused = a.titanConfig(c); refused != nil {
			return nil, refused
		}
	}
	a.usage.input = tokens(prompt)
	return a, nil
}

// titanConfig reads textGenerationConfig.
func (a *ask) titanConfig(v any) *apiError {
	const at = "#/textGenerationConfig"
	c, ok := v.(map[string]any)
	if !ok {
		return malformed(at, "expected type: JSONObject, found: "+jsonType(v))
	}
	if refused := closed(c, at, "temperature", "topP", "maxTokenCount", "stopSequences"); refused != nil {
		return refused
	}
	for name, high := range map[string]float64{"temperature": 1, "topP": 1, "maxTokenCount": float64(a.model.maxTokens)} {
		n, ok := asNumber(c[name])
		switch {
		case c[name] == nil:
		case !ok:
			return malformed(at+"/"+name, "expected type: Number, found: "+jsonType(c[name]))
		case n < 0 || n == 0 && name == "maxTokenCount":
			return malformed(at+"/"+name, fmt.Sprintf("%v is not greater or equal to 0", n))
		case n > high:
			return malformed(at+"/"+name, fmt.Sprintf("%v is not less or equal to %v", n, high))
		case name == "maxTokenCount":
			a.maxTokens = int(n)
		}
	}
	list, ok := c["stopSequences"].([]any)
	if c["stopSequences"] != nil && !ok {
		return malformed(at+"/stopSequences", "expected type: JSONArray, found: "+jsonType(c["stopSequences"]))
	}
	for i, one := range list {
		s, ok := one.(string)
		if !ok || !titanStops.MatchString(s) {
			return malformed(fmt.Sprintf("%s/stopSequences/%d", at, i), fmt.Sprintf("string [%v] does not match pattern ^(\\|+|User:)$", one))
		}
		a.stops = append(a.stops, s)
	}
	return nil
}

// closed refuses members that are not allowed.
func closed(m map[string]any, at string, allowed ...string) *apiError {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if !slices.Contains(allowed, name) {
			return malformed(at, "extraneous key ["+name+"] is not permitted")
		}
	}
	return nil
}

// titanReasons are the completion reasons by Converse's stop reasons.
var titanReasons = map[string]string{
	"end_turn": "FINISH", "max_tokens": "LENGTH", "stop_sequence": "STOP_CRITERIA_MET",
	"guardrail_intervened": "CONTENT_FILTERED", "content_filtered": "CONTENT_FILTERED", "refusal": "CONTENT_FILTERED",
	"pause_turn": "FINISH",
}

func titanReason(stop string) string {
	if r := titanReasons[stop]; r != "" {
		return r
	}
	return strings.ToUpper(stop)
}

func titanReply(said *answer) map[string]any {
	return map[string]any{
		"inputTextTokenCount": said.usage.input,
		"results": []any{map[string]any{
			"tokenCount": said.usage.output, "outputText": said.text, "completionReason": titanReason(said.stop),
		}},
	}
}

// titanChunk is how many tokens one chunk of a Titan stream holds.
const titanChunk = 3

// titanStream writes the chunks of a Titan stream: the last one has text and the completion reason together, and the
// invocation's metrics.
func (x *exchange) titanStream(w *fault.Writer, a *ask, said *answer) {
	f := x.stream(w, a.fault)
	if a.fault.NoOutput {
		return
	}
	all := pieces(said.text)
	for total := 0; ; {
		n := min(titanChunk, len(all))
		chunk := map[string]any{
			"outputText": strings.Join(all[:n], ""), "index": 0, "completionReason": nil,
			"totalOutputTextTokenCount": nil, "inputTextTokenCount": nil,
		}
		if total == 0 {
			chunk["inputTextTokenCount"] = said.usage.input
		}
		all = all[n:]
		total += n
		if len(all) == 0 {
			chunk["completionReason"], chunk["totalOutputTextTokenCount"] = titanReason(said.stop), total
			chunk["amazon-bedrock-invocationMetrics"] = x.metrics(said.usage)
		}
		if a.fault.UnknownBlock {
			chunk["hologram"] = json.RawMessage(`{"depth":3}`)
		}
		if !f.chunk(chunk) {
			return
		}
		if len(all) == 0 {
			break
		}
	}
	f.finish()
}
