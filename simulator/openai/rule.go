package openai

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// rule checks the value v found at the path at, and returns what is wrong with it in OpenAI's words, or nil. Values
// come from encoding/json with UseNumber.
type rule func(at string, v any) *failure

// members are an object's known members.
type members map[string]rule

// shape is an object that has the required members and no unknown ones.
func shape(required []string, known members) rule {
	return func(at string, v any) *failure {
		o, ok := v.(map[string]any)
		if !ok {
			return wrongType(at, "an object", v)
		}
		for _, name := range required {
			if _, ok := o[name]; !ok {
				param := join(at, name)
				return invalid(param, "missing_required_parameter", "Missing required parameter: '"+param+"'.")
			}
		}
		names := sortedNames(o)
		var unknown []string
		for _, name := range names {
			if known[name] == nil {
				unknown = append(unknown, name)
			}
		}
		if len(unknown) > 0 {
			return unknownMembers(at, unknown)
		}
		for _, name := range names {
			if f := known[name](join(at, name), o[name]); f != nil {
				return f
			}
		}
		return nil
	}
}

// unknownMembers is what the API says of members it does not know: the body's own one way, nested ones another.
func unknownMembers(at string, names []string) *failure {
	switch {
	case at != "":
		param := join(at, names[0])
		return invalid(param, "unknown_parameter", "Unknown parameter: '"+param+"'.")
	case len(names) == 1:
		return invalid("", "", "Unrecognized request argument supplied: "+names[0])
	default:
		return invalid("", "", "Unrecognized request arguments supplied: "+strings.Join(names, ", "))
	}
}

func sortedNames(o map[string]any) []string {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// orNullable also takes null, as the API does for most optional parameters.
func orNullable(r rule) rule {
	return func(at string, v any) *failure {
		if v == nil {
			return nil
		}
		return r(at, v)
	}
}

func str(at string, v any) *failure {
	if _, ok := v.(string); !ok {
		return wrongType(at, "a string", v)
	}
	return nil
}

func boolean(at string, v any) *failure {
	if _, ok := v.(bool); !ok {
		return wrongType(at, "a boolean", v)
	}
	return nil
}

func anything(string, any) *failure { return nil }

// jsonObject is an object whose members are the caller's own.
func jsonObject(at string, v any) *failure {
	if _, ok := v.(map[string]any); !ok {
		return wrongType(at, "an object", v)
	}
	return nil
}

// upTo is a string of at most most characters.
func upTo(most int) rule {
	return func(at string, v any) *failure {
		s, ok := v.(string)
		if !ok {
			return wrongType(at, "a string", v)
		}
		if n := len([]rune(s)); n > most {
			return invalid(at, "string_above_max_length", fmt.Sprintf(
				"Invalid '%s': string too long. Expected a string with maximum length %d, but got a string with length %d instead.",
				at, most, n))
		}
		return nil
	}
}

var namePattern = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// identifier is what functions, tools, schemas and participants are called.
func identifier(at string, v any) *failure {
	s, ok := v.(string)
	if !ok {
		return wrongType(at, "a string", v)
	}
	if s == "" {
		return invalid(at, "empty_string", fmt.Sprintf(
			"Invalid '%s': empty string. Expected a string with minimum length 1, but got an empty string instead.", at))
	}
	if f := upTo(64)(at, v); f != nil {
		return f
	}
	if !namePattern.MatchString(s) {
		return invalid(at, "invalid_value", fmt.Sprintf(
			"Invalid '%s': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", at))
	}
	return nil
}

// oneOf is a string out of a closed list.
func oneOf(values ...string) rule {
	return func(at string, v any) *failure {
		s, ok := v.(string)
		if !ok {
			return wrongType(at, "one of "+quoted(values, "or"), v)
		}
		if !slices.Contains(values, s) {
			return invalid(at, "invalid_value", fmt.Sprintf(
				"Invalid value: '%s'. Supported values are: %s.", s, quoted(values, "and")))
		}
		return nil
	}
}

func quoted(values []string, last string) string {
	switch len(values) {
	case 0:
		return ""
	case 1:
		return "'" + values[0] + "'"
	}
	head := strings.Join(values[:len(values)-1], "', '")
	return "'" + head + "', " + last + " '" + values[len(values)-1] + "'"
}

// decimal is a number from low to high.
func decimal(low, high float64) rule {
	return func(at string, v any) *failure {
		n, ok := v.(json.Number)
		if !ok {
			return wrongType(at, "a decimal", v)
		}
		return within("decimal", at, n, low, high)
	}
}

// integer is a whole number from low to high.
func integer(low, high float64) rule {
	return func(at string, v any) *failure {
		n, ok := v.(json.Number)
		if !ok || !whole(n) {
			return wrongType(at, "an integer", v)
		}
		return within("integer", at, n, low, high)
	}
}

func whole(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && f == math.Trunc(f)
}

func within(kind, at string, n json.Number, low, high float64) *failure {
	f, err := n.Float64()
	if err != nil {
		return notJSON()
	}
	if f < low {
		return invalid(at, kind+"_below_min_value", fmt.Sprintf(
			"Invalid '%s': %s below minimum value. Expected a value >= %s, but got %s instead.", at, kind, plain(low), n))
	}
	if f > high {
		return invalid(at, kind+"_above_max_value", fmt.Sprintf(
			"Invalid '%s': %s above maximum value. Expected a value <= %s, but got %s instead.", at, kind, plain(high), n))
	}
	return nil
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// list is an array of least to most elements that each keep the rule.
func list(least, most int, element rule) rule {
	return func(at string, v any) *failure {
		a, ok := v.([]any)
		if !ok {
			return wrongType(at, "an array", v)
		}
		if len(a) == 0 && least > 0 {
			return invalid(at, "empty_array", fmt.Sprintf(
				"Invalid '%s': empty array. Expected an array with minimum length %d, but got an empty array instead.", at, least))
		}
		if len(a) > most {
			return invalid(at, "array_above_max_length", fmt.Sprintf(
				"Invalid '%s': array too long. Expected an array with maximum length %d, but got an array with length %d instead.",
				at, most, len(a)))
		}
		for i, e := range a {
			if f := element(fmt.Sprintf("%s[%d]", at, i), e); f != nil {
				return f
			}
		}
		return nil
	}
}

// textOr is a string, or what the other rule takes.
func textOr(expected string, other rule) rule {
	return func(at string, v any) *failure {
		switch v.(type) {
		case string:
			return nil
		case []any, map[string]any:
			return other(at, v)
		default:
			return wrongType(at, "one of a string or "+expected, v)
		}
	}
}

// tagged is an object whose member "type" says which rule it keeps.
func tagged(kinds map[string]rule) rule {
	values := make([]string, 0, len(kinds))
	for kind := range kinds {
		values = append(values, kind)
	}
	sort.Strings(values)
	return func(at string, v any) *failure {
		o, ok := v.(map[string]any)
		if !ok {
			return wrongType(at, "an object", v)
		}
		kind, ok := o["type"]
		param := join(at, "type")
		if !ok {
			return invalid(param, "missing_required_parameter", "Missing required parameter: '"+param+"'.")
		}
		if f := oneOf(values...)(param, kind); f != nil {
			return f
		}
		return kinds[kind.(string)](at, v)
	}
}

func wrongType(at, expected string, v any) *failure {
	return invalid(at, "invalid_type", fmt.Sprintf(
		"Invalid type for '%s': expected %s, but got %s instead.", at, expected, kindOf(v)))
}

func kindOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return "a string"
	case bool:
		return "a boolean"
	case json.Number:
		if whole(v) {
			return "an integer"
		}
		return "a decimal"
	case []any:
		return "an array"
	default:
		return "an object"
	}
}
