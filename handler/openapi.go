package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/pages"
)

// apiPart is what a file of the API's description says, by the names of the table's endpoints: package pages has the words,
// the table has the paths and methods, so that neither can be missing from the other.
type apiPart struct {
	// Head is what stands before the paths; one part has it.
	Head json.RawMessage `json:"head"`
	// Operations are the endpoints of the table.
	Operations map[string]apiOperation `json:"operations"`
	// Components are OpenAPI's, by their kinds and names.
	Components map[string]map[string]json.RawMessage `json:"components"`
}

// apiOperation describes an endpoint: by an OpenAPI operation, or by one of the other members.
type apiOperation struct {
	operation map[string]json.RawMessage
	// SameAs is the endpoint that does the same at another path.
	SameAs string `json:"same_as"`
	// Paths are the operations at the paths below the endpoint's own, by what is in the place of its variable and by method.
	Paths map[string]map[string]map[string]json.RawMessage `json:"paths"`
	// Omitted is why the endpoint is no operation of the API.
	Omitted string `json:"omitted"`
}

func (o *apiOperation) UnmarshalJSON(data []byte) error {
	type members apiOperation
	if err := json.Unmarshal(data, (*members)(o)); err != nil {
		return err
	}
	if o.SameAs == "" && o.Paths == nil && o.Omitted == "" {
		return json.Unmarshal(data, &o.operation)
	}
	return nil
}

// api returns the parts of the description, as one.
func api() (*apiPart, error) {
	all := &apiPart{Operations: map[string]apiOperation{}, Components: map[string]map[string]json.RawMessage{}}
	for file, data := range pages.API() {
		var part apiPart
		d := json.NewDecoder(bytes.NewReader(data))
		d.DisallowUnknownFields()
		if err := d.Decode(&part); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		if part.Head != nil {
			all.Head = part.Head
		}
		maps.Copy(all.Operations, part.Operations)
		for kind, components := range part.Components {
			if all.Components[kind] == nil {
				all.Components[kind] = map[string]json.RawMessage{}
			}
			for name, component := range components {
				if all.Components[kind][name] != nil {
					return nil, fmt.Errorf("%s: another file has %s.%s too", file, kind, name)
				}
				all.Components[kind][name] = component
			}
		}
	}
	return all, nil
}

// describe returns the OpenAPI document of the surface's rows, in the order of the table.
func describe(rows []endpoint, off map[string]bool, version string) ([]byte, error) {
	part, err := api()
	if err != nil {
		return nil, err
	}
	var order []string
	paths := map[string]map[string]any{}
	add := func(path, method string, operation any) {
		if paths[path] == nil {
			order = append(order, path)
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(method)] = operation
	}
	for i := range rows {
		e := &rows[i]
		if off[e.off] {
			continue
		}
		o, ok := part.Operations[e.name]
		if !ok {
			return nil, fmt.Errorf("the endpoint %s has no description", e.name)
		}
		if o.Omitted != "" {
			continue
		}
		if o.Paths != nil {
			before, _, _ := strings.Cut(e.path, "{")
			for _, rest := range slices.Sorted(maps.Keys(o.Paths)) {
				for method, operation := range o.Paths[rest] {
					id := e.name + strings.NewReplacer("/", ".", "{", "", "}", "").Replace(rest)
					if len(o.Paths[rest]) > 1 {
						id += "." + method
					}
					add(before+rest, method, finish(e, id, operation, ""))
				}
			}
			continue
		}
		operation := o.operation
		if o.SameAs != "" {
			operation = part.Operations[o.SameAs].operation
		}
		if operation == nil {
			return nil, fmt.Errorf("the endpoint %s is described as %s, which is not", e.name, o.SameAs)
		}
		method := e.method
		if method == "" {
			method = http.MethodGet
		}
		add(strings.ReplaceAll(e.path, "...}", "}"), method, finish(e, e.name, operation, o.SameAs))
	}
	return writeDescription(part, order, paths, version)
}

// finish returns the operation of an endpoint: with its name, and with the errors that its form has.
func finish(e *endpoint, id string, operation map[string]json.RawMessage, sameAs string) map[string]any {
	o := map[string]any{"operationId": id}
	for k, v := range operation {
		o[k] = v
	}
	if sameAs != "" {
		var summary string
		_ = json.Unmarshal(operation["summary"], &summary) // a test reads them all
		o["summary"] = summary + ", on Bedrock's own path"
	}
	var responses map[string]json.RawMessage
	_ = json.Unmarshal(operation["responses"], &responses)
	form := "OpenAI"
	switch e.form {
	case &anthropicForm:
		form = "Anthropic"
	case &bedrockForm:
		form = "Bedrock"
	case &modelForm:
		form = "Models"
	}
	for _, class := range [...]string{"4XX", "5XX"} {
		if responses != nil && responses[class] == nil && e.off != noStatus && e.off != docsOff {
			responses[class] = json.RawMessage(`{"$ref":"#/components/responses/` + form + class + `"}`)
		}
	}
	o["responses"] = responses
	return o
}

// writeDescription writes the document. Paths keep the order of the table, which a map would lose.
func writeDescription(part *apiPart, order []string, paths map[string]map[string]any, version string) ([]byte, error) {
	var head struct {
		OpenAPI  string           `json:"openapi"`
		Info     map[string]any   `json:"info"`
		Servers  json.RawMessage  `json:"servers"`
		Security json.RawMessage  `json:"security"`
		Tags     []map[string]any `json:"tags"`
	}
	if err := json.Unmarshal(part.Head, &head); err != nil {
		return nil, fmt.Errorf("the head of the description: %w", err)
	}
	head.Info["version"] = strings.Trim(version, "()") // of a build from a checkout: (devel)
	b, err := json.Marshal(head)
	if err != nil {
		return nil, fmt.Errorf("the head of the description: %w", err)
	}
	var doc bytes.Buffer
	doc.Write(b[:len(b)-1])
	for i, path := range order {
		if i == 0 {
			doc.WriteString(`,"paths":{`)
		} else {
			doc.WriteByte(',')
		}
		item, err := json.Marshal(map[string]any{path: paths[path]})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		doc.Write(item[1 : len(item)-1])
	}
	doc.WriteString(`},"components":`)
	components, err := json.Marshal(part.Components)
	if err != nil {
		return nil, fmt.Errorf("the components of the description: %w", err)
	}
	doc.Write(components)
	doc.WriteByte('}')
	return doc.Bytes(), nil
}
