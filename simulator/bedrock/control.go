package bedrock

import (
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// account is the AWS account this server plays.
const account = "123456789012"

// Page sizes of ListInferenceProfiles, from its API reference.
const (
	defaultPage = 100
	maxPage     = 1000
)

// listFoundationModels serves ListFoundationModels with its filters.
func (x *exchange) listFoundationModels() *apiError {
	query, refused := x.query("byProvider", "byCustomizationType", "byOutputModality", "byInferenceType")
	if refused != nil {
		return refused
	}
	for name, allowed := range filterValues {
		if v := query.Get(name); v != "" && !slices.Contains(allowed, v) {
			return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy enum value set: [%s]", v, name, strings.Join(allowed, ", "))
		}
	}
	list := []any{}
	for _, m := range models {
		if !m.onRuntime() {
			continue
		}
		s := m.summary(x.region())
		if p := query.Get("byProvider"); p != "" && !strings.EqualFold(p, m.provider) {
			continue
		}
		if !has(s["outputModalities"], query.Get("byOutputModality")) || !has(s["inferenceTypesSupported"], query.Get("byInferenceType")) ||
			query.Get("byCustomizationType") != "" {
			continue
		}
		list = append(list, s)
	}
	return x.controlReply(map[string]any{"modelSummaries": list})
}

var filterValues = map[string][]string{
	"byCustomizationType": {"FINE_TUNING", "CONTINUED_PRE_TRAINING", "DISTILLATION"},
	"byOutputModality":    {"TEXT", "IMAGE", "EMBEDDING"},
	"byInferenceType":     {"ON_DEMAND", "PROVISIONED"},
}

func has(list any, value string) bool {
	values, _ := list.([]string)
	return value == "" || slices.Contains(values, value)
}

func (x *exchange) getFoundationModel() *apiError {
	id := x.seen.Model
	if m := arnForm.FindStringSubmatch(id); m != nil && m[3] == "foundation-model" && m[1] == x.region() {
		id = m[4]
	}
	for _, m := range models {
		if m.id == id {
			return x.controlReply(map[string]any{"modelDetails": m.summary(x.region())})
		}
	}
	return &apiError{name: "ResourceNotFoundException", message: "Could not resolve the foundation model from the provided model identifier."}
}

// summary is a FoundationModelSummary.
func (m *model) summary(region string) map[string]any {
	input, output := []string{"TEXT"}, []string{"TEXT"}
	if m.images {
		input = append(input, "IMAGE")
	}
	if m.video {
		input = append(input, "VIDEO")
	}
	switch {
	case strings.Contains(m.id, "embed"):
		output = []string{"EMBEDDING"}
	case strings.Contains(m.id, "rerank"):
	case m.other:
		output = []string{"IMAGE"}
	}
	types, status := []string{}, "ACTIVE"
	if m.onDemand {
		types = append(types, "ON_DEMAND")
	}
	if m.geos != "" {
		types = append(types, "INFERENCE_PROFILE")
	}
	if m.legacy {
		status = "LEGACY"
	}
	return map[string]any{
		"modelArn": m.arn(region), "modelId": m.id, "modelName": m.name, "providerName": m.provider,
		"inputModalities": input, "outputModalities": output, "responseStreamingSupported": m.streaming,
		"customizationsSupported": []string{}, "inferenceTypesSupported": types,
		"modelLifecycle": map[string]any{"status": status},
	}
}

func (m *model) arn(region string) string {
	return "arn:aws:bedrock:" + region + "::foundation-model/" + m.id
}

// listInferenceProfiles serves ListInferenceProfiles a page at a time.
func (x *exchange) listInferenceProfiles() *apiError {
	query, refused := x.query("maxResults", "nextToken", "type", "typeEquals")
	if refused != nil {
		return refused
	}
	size := defaultPage
	if v := query.Get("maxResults"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxPage {
			return invalid("1 validation error detected: Value '%s' at 'maxResults' failed to satisfy constraint: Member must have value between 1 and 1000", v)
		}
		size = n
	}
	kind := query.Get("type") + query.Get("typeEquals")
	if kind == "" {
		kind = "SYSTEM_DEFINED" // a listing without a type has the system's alone
	}
	if kind != "SYSTEM_DEFINED" && kind != "APPLICATION" {
		return invalid("1 validation error detected: Value '%s' at 'type' failed to satisfy constraint: Member must satisfy enum value set: [SYSTEM_DEFINED, APPLICATION]", kind)
	}
	all := x.profiles(kind)
	from, refused := fromToken(query.Get("nextToken"), len(all))
	if refused != nil {
		return refused
	}
	to := min(from+size, len(all))
	reply := map[string]any{"inferenceProfileSummaries": all[from:to]}
	if to < len(all) {
		reply["nextToken"] = base64.URLEncoding.EncodeToString([]byte("from:" + strconv.Itoa(to)))
	}
	return x.controlReply(reply)
}

func fromToken(token string, bound int) (int, *apiError) {
	if token == "" {
		return 0, nil
	}
	plain, err := base64.URLEncoding.DecodeString(token)
	digits, ok := strings.CutPrefix(string(plain), "from:")
	n, numErr := strconv.Atoi(digits)
	if err != nil || !ok || numErr != nil || n < 0 || n > bound {
		return 0, invalid("The provided token is invalid.")
	}
	return n, nil
}

func (x *exchange) getInferenceProfile() *apiError {
	for _, p := range x.profiles("") {
		if p["inferenceProfileId"] == x.seen.Model || p["inferenceProfileArn"] == x.seen.Model {
			return x.controlReply(p)
		}
	}
	return &apiError{name: "ResourceNotFoundException", message: "The requested inference profile was not found."}
}

// profiles are the InferenceProfileSummaries of the account, of one type or all.
func (x *exchange) profiles(kind string) []map[string]any {
	region := x.region()
	arn := "arn:aws:bedrock:" + region + ":" + account + ":"
	list := []map[string]any{}
	one := func(id, kindOf, path, name string, m *model, regions []string) {
		if kind != "" && kind != kindOf {
			return
		}
		to := make([]any, len(regions))
		for i, r := range regions {
			to[i] = map[string]any{"modelArn": m.arn(r)}
		}
		list = append(list, map[string]any{
			"inferenceProfileId": id, "inferenceProfileArn": arn + path + "/" + id, "inferenceProfileName": name,
			"type": kindOf, "status": "ACTIVE", "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
			"description": "Routes requests to " + m.name + ".",
			"models":      to,
		})
	}
	for _, m := range models {
		for geo := range strings.FieldsSeq(m.geos) {
			if serves(geo, region) {
				one(geo+"."+m.id, "SYSTEM_DEFINED", "inference-profile", strings.ToUpper(geo)+" "+m.provider+" "+m.name, m, destinations(geo))
			}
		}
	}
	for _, known := range []map[string]string{defaultProfiles, x.opts.Profiles} {
		for _, id := range slices.Sorted(maps.Keys(known)) {
			if m := byID[known[id]]; m != nil {
				one(id, "APPLICATION", "application-inference-profile", "simulated "+id, m, []string{region})
			}
		}
	}
	return list
}

// query reads the query and refuses parameters the operation does not have.
func (x *exchange) query(allowed ...string) (url.Values, *apiError) {
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return nil, invalid("The query string is malformed.")
	}
	for name := range values {
		if !slices.Contains(allowed, name) {
			return nil, invalid("Unknown query parameter: %s", name)
		}
	}
	return values, nil
}

// controlReply sends a reply of the control plane; only the header can ask for faults here.
func (x *exchange) controlReply(body map[string]any) *apiError {
	a := &ask{fault: fault.None()}
	w, refused := x.reply(a)
	if w == nil {
		return refused
	}
	x.w.Header().Set("Content-Type", "application/json")
	x.w.WriteHeader(http.StatusOK)
	x.send(w, encode(body))
	return nil
}
