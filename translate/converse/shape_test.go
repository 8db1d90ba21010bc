package converse

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/bedrockruntime/schemas"
	"github.com/aws/smithy-go"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
)

// checkTaken sends a body to the simulated Bedrock, which refuses what the real one is known to refuse.
func checkTaken(t testing.TB, id string, stream bool, body string) {
	t.Helper()
	if code, answer := send(id, stream, body); code != 200 {
		t.Errorf("Bedrock refuses it: %d %s; %s", code, answer, body)
	}
}

func send(id string, stream bool, body string) (code int, answer string) {
	operation := "/converse"
	if stream {
		operation = "/converse-stream"
	}
	r := httptest.NewRequest("POST", "/model/"+url.PathEscape(id)+operation, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+bedrock.DefaultAPIKey)
	w := httptest.NewRecorder()
	simulated.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

var simulated = bedrock.New(bedrock.Options{})

// checkShape holds a request body against the service's own model, as the AWS SDK carries it: member names, types, one
// member per union, base64.
func checkShape(t testing.TB, body string) {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if err := conforms(v, schemas.ConverseStreamRequest, "$"); err != nil {
		t.Errorf("%v in %s", err, body)
	}
}

func conforms(v any, s *smithy.Schema, at string) error {
	wrong := func() error { return fmt.Errorf("%s: %T where %v is due", at, v, s.Type()) }
	switch s.Type() {
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		o, ok := v.(map[string]any)
		if !ok {
			return wrong()
		}
		if s.Type() == smithy.ShapeTypeUnion && len(o) != 1 {
			return fmt.Errorf("%s: a union with %d members", at, len(o))
		}
		for k, member := range o {
			m := s.Member(k)
			if m == nil {
				return fmt.Errorf("%s: unknown member %s", at, k)
			}
			if err := conforms(member, m, at+"."+k); err != nil {
				return err
			}
		}
	case smithy.ShapeTypeList:
		l, ok := v.([]any)
		if !ok {
			return wrong()
		}
		for i, e := range l {
			if err := conforms(e, s.ListMember(), fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
	case smithy.ShapeTypeMap:
		o, ok := v.(map[string]any)
		if !ok {
			return wrong()
		}
		for k, e := range o {
			if err := conforms(e, s.MapValue(), at+"."+k); err != nil {
				return err
			}
		}
	case smithy.ShapeTypeBlob:
		text, ok := v.(string)
		if !ok {
			return wrong()
		}
		if _, err := base64.StdEncoding.DecodeString(text); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	case smithy.ShapeTypeString, smithy.ShapeTypeEnum:
		if _, ok := v.(string); !ok {
			return wrong()
		}
	case smithy.ShapeTypeBoolean:
		if _, ok := v.(bool); !ok {
			return wrong()
		}
	case smithy.ShapeTypeInteger, smithy.ShapeTypeLong, smithy.ShapeTypeFloat, smithy.ShapeTypeDouble:
		if _, ok := v.(float64); !ok {
			return wrong()
		}
	case smithy.ShapeTypeDocument:
	default:
		return fmt.Errorf("%s: no rule for %v", at, s.Type())
	}
	return nil
}
