package stored

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// OpenAI takes reasoning out of its store by the item's id: with another caller's id a model went on with that caller's thoughts.
func TestItemsThatOpenAILooksUpAreTheCallers(t *testing.T) {
	s, _ := conversation(t)
	for item, want := range map[string]string{
		`{"type":"reasoning","id":"rs_openai","summary":[]}`:                                                   "",
		`{"type":"reasoning","id":"rs_bobs","summary":[]}`:                                                     "rs_bobs",
		`{"type":"reasoning","id":"rs_bobs","summary":[],"encrypted_content":null}`:                            "rs_bobs",
		`{"type":"reasoning","id":"rs_bobs","summary":[],"encrypted_content":""}`:                              "rs_bobs",
		`{"type":"reasoning","id":"rs_bobs","summary":[],"encrypted_content":"x"}`:                             "",
		`{"type":"reasoning","id":"rs_bobs","encrypted_content":"x","encrypted_content":null}`:                 "rs_bobs",
		`{"type":"reasoning","id":"rs_bobs","encrypted_content":"","encrypted_content":"x"}`:                   "rs_bobs",
		`{"type":"reasoning","summary":[]}`:                                                                    "",
		`{"type":"reason\u0069ng","\u0069d":"rs_bobs","summary":[]}`:                                           "rs_bobs",
		`{"type":"message","type":"reasoning","id":"rs_bobs"}`:                                                 "rs_bobs",
		`{"type":"reasoning","id":"rs_` + testCore + `_0","summary":[]}`:                                       "",
		`{"type":"image_generation_call","id":"ig_bobs"}`:                                                      "ig_bobs",
		`{"type":"image_generation_call","id":"ig_bobs","result":"AAAA"}`:                                      "",
		`{"type":"mcp_approval_response","approval_request_id":"mcpr_bobs","approve":true}`:                    "mcpr_bobs",
		`{"type":"mcp_approval_response","approval_request_id":"rs_openai","approval_request_id":"mcpr_bobs"}`: " ",
		`{"type":"message","role":"assistant","id":"msg_bobs","content":"x"}`:                                  "",
		`{"type":"function_call","id":"fc_bobs","call_id":"c","name":"f","arguments":"{}"}`:                    "",
	} {
		var b chat.Body
		if err := b.ParseBody([]byte(`{"input":[` + item + `,{"role":"user","content":"x"}]}`)); err != nil {
			t.Fatal(err)
		}
		e, err := s.Owns(t.Context(), asker("ann"), &b)
		if err != nil || (e == nil) != (want == "") || e != nil && !strings.Contains(e.Message, "'"+strings.TrimSpace(want)+"' not found") {
			t.Errorf("%s: %v, %v", item, e, err)
		}
		if e, err := (*Store)(nil).Owns(t.Context(), asker("ann"), &b); err != nil || want != "" && e == nil {
			t.Errorf("%s with nothing kept: %v, %v", item, e, err)
		}
	}
}
