package handler

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestEveryEndpointIsDescribed expects words for each row of the table in pages/api, and no words for a row that is not there.
func TestEveryEndpointIsDescribed(t *testing.T) {
	part, err := api()
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]bool{}
	for _, e := range endpoints {
		rows[e.name] = true
		o, ok := part.Operations[e.name]
		switch {
		case !ok:
			t.Errorf("pages/api lacks the endpoint %s", e.name)
		case o.SameAs != "" && part.Operations[o.SameAs].operation == nil:
			t.Errorf("pages/api describes %s as %s, which is not described", e.name, o.SameAs)
		case strings.Contains(e.path, "{sent...}") && o.Paths == nil && o.Omitted == "":
			t.Errorf("pages/api does not say which paths %s has", e.name)
		}
	}
	for name := range part.Operations {
		if !rows[name] {
			t.Errorf("pages/api describes %s, which is no endpoint", name)
		}
	}
}

// document returns the description of every endpoint.
func document(t *testing.T, off map[string]bool) []byte {
	t.Helper()
	doc, err := describe(endpoints, off, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// openAPI is what tests look at.
type openAPI struct {
	OpenAPI string
	Info    struct{ Version string }
	Servers []struct{ URL string }
	Paths   map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Summary     string
		Tags        []string
		Parameters  []struct {
			Name, In string
			Ref      string `json:"$ref"`
		}
		Responses map[string]any
	}
	Tags       []struct{ Name string }
	Components map[string]map[string]any
}

func TestTheDescriptionIsWhole(t *testing.T) {
	doc := document(t, nil)
	if path := os.Getenv("OPENAPI"); path != "" { // for the validators beside these tests
		if err := os.WriteFile(path, doc, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var api openAPI
	if err := json.Unmarshal(doc, &api); err != nil {
		t.Fatal(err)
	}
	if api.OpenAPI != "3.1.0" || api.Info.Version != "v1.2.3" || len(api.Servers) != 1 || api.Servers[0].URL != "." {
		t.Errorf("%s %s %v", api.OpenAPI, api.Info.Version, api.Servers)
	}
	ids, tags := map[string]bool{}, map[string]bool{}
	for _, tag := range api.Tags {
		tags[tag.Name] = false
	}
	for path, methods := range api.Paths {
		for method, o := range methods {
			where := method + " " + path
			if ids[o.OperationID] || o.OperationID == "" {
				t.Errorf("%s: the name %q is taken", where, o.OperationID)
			}
			ids[o.OperationID] = true
			if o.Summary == "" || len(o.Tags) != 1 || len(o.Responses) == 0 {
				t.Errorf("%s lacks a summary, a tag or responses", where)
			}
			for _, tag := range o.Tags {
				if _, known := tags[tag]; !known {
					t.Errorf("%s: the tag %s is not described", where, tag)
				}
				tags[tag] = true
			}
		}
	}
	for tag, used := range tags {
		if !used {
			t.Errorf("no endpoint has the tag %s", tag)
		}
	}
	var value any
	if err := json.Unmarshal(doc, &value); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	references(value, used)
	for ref := range used {
		kind, name, _ := strings.Cut(strings.TrimPrefix(ref, "#/components/"), "/")
		if api.Components[kind][name] == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
}

// references collects the values of $ref below a value.
func references(value any, found map[string]bool) {
	switch v := value.(type) {
	case map[string]any:
		if ref, ok := v["$ref"].(string); ok {
			found[ref] = true
		}
		for _, member := range v {
			references(member, found)
		}
	case []any:
		for _, member := range v {
			references(member, found)
		}
	}
}

func TestWhatIsOffIsNotDescribed(t *testing.T) {
	var all, some openAPI
	if err := json.Unmarshal(document(t, nil), &all); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(document(t, map[string]bool{"native off": true, "files off": true, noStatus: true}), &some); err != nil {
		t.Fatal(err)
	}
	for _, path := range slices.Sorted(maps.Keys(all.Paths)) {
		off := strings.HasPrefix(path, "/model/") || strings.HasPrefix(path, "/foundation-models") || strings.HasPrefix(path, "/inference-profiles") ||
			strings.HasPrefix(path, "/openai/") || strings.HasPrefix(path, "/anthropic/") || strings.HasPrefix(path, "/v1/files") || path == "/bedrock_gateway/status"
		if _, there := some.Paths[path]; there == off {
			t.Errorf("%s is described: %v, want %v", path, there, !off)
		}
	}
}
