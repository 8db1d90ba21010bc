package bedrock

import "testing"

func TestInstancesSatisfyTheirSchema(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a"]}`: `{"a":"the green one"}`,
		`{"type":["null","integer"],"exclusiveMinimum":3}`:                                              `4`,
		`{"type":"number","maximum":0.5}`:                                                               `0.5`,
		`{"enum":["red","green"]}`:                                                                      `"green"`,
		`{"enum":[1,2]}`:                                                                                `1`,
		`{"const":{"a":null}}`:                                                                          `{"a":null}`,
		`{"type":"array","items":{"type":"boolean"},"minItems":2}`:                                      `[true,true]`,
		`{"type":"string","maxLength":3}`:                                                               `"the"`,
		`{"type":"string","minLength":15}`:                                                              `"the green one.."`,
		`{"type":"string","format":"date"}`:                                                             `"2026-11-01"`,
		`{"anyOf":[{"type":"null"},{"type":"string"}]}`:                                                 `null`,
		`{"$ref":"#/$defs/a~1b","$defs":{"a/b":{"type":"integer"}}}`:                                    `1`,
	} {
		if got := string(encode(instance(decoded([]byte(schema)), "the green one"))); got != want {
			t.Errorf("%s: %s, want %s", schema, got, want)
		}
	}
}

// Found by fuzzing: a schema that requires itself several times grew without bound.
func TestInstancesOfRecursiveSchemasEnd(t *testing.T) {
	schema := decoded([]byte(`{"type":"object","properties":{"a":{"$ref":"#"},"b":{"$ref":"#"},"c":{"type":"array","minItems":100,"items":{"$ref":"#"}}},"required":["a","b","c"]}`))
	if size := len(encode(instance(schema, "x"))); size > 1_000_000 {
		t.Errorf("%d bytes", size)
	}
}
