package bedrock

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Names of accounts are taken out of the bodies that native clients get, and the rest stays JSON whatever stands around
// the names.
func TestFailureBodyNamesNoAccount(t *testing.T) {
	const arn = `arn:aws:sts::123456789012:assumed-role/Team/x`
	for _, message := range []string{
		`by ` + arn + `.`, `by \"` + arn + `\"`, `by (` + arn + `)`, `by '` + arn + `', twice ` + arn, arn + `\n`, arn + `\\`, arn + `\u00e9`,
	} {
		body := []byte(`{"message":"` + message + `","principal":"` + arn + `"}`)
		e := failure(http.StatusBadRequest, http.Header{"X-Amzn-Errortype": {"ValidationException"}}, body)
		if !json.Valid(e.Body) || strings.Contains(string(e.Body), "1234") || !strings.Contains(string(e.Body), `"principal":"[arn]"`) ||
			strings.Contains(e.Message, "1234") {
			t.Errorf("of %s it makes %s, and the message %s", body, e.Body, e.Message)
		}
	}
}

// AWS answers a wrong signature with the request as it should have been, session token included. The log gets the rest.
func TestFailureKeepsNoCanonicalRequest(t *testing.T) {
	said := "The request signature we calculated does not match the signature you provided. Consult the service documentation for details."
	body, err := json.Marshal(map[string]string{"message": said + "\n\nThe Canonical String for this request should have been\n'POST\n/model\n\nx-amz-security-token:IQoJb3JpZ2lu\n'"})
	if err != nil {
		t.Fatal(err)
	}
	e := failure(http.StatusForbidden, http.Header{"X-Amzn-Errortype": {"InvalidSignatureException"}}, body)
	if e.Kind != chat.ErrPermission || e.Body != nil || e.Cause.Error() != said || strings.Contains(e.Error(), "IQoJ") {
		t.Errorf("kind %d, body %s, %v", e.Kind, e.Body, e)
	}
}
