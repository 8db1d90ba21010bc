package bedrock

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/upstream"
)

const keyMethod = "Bedrock API key"

// invalid are the errors of credentials that AWS does not accept, whatever their permissions
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html). AccessDeniedException is not among
// them: AWS returns it to callers that it has identified.
var invalid = []string{
	"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId", "InvalidSignatureException",
	"SignatureDoesNotMatch", "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
}

// CredentialStatus returns the state of the credentials without naming them. Only a call shows whether static ones and API
// keys are valid; check is that call's error.
func (u *Upstream) CredentialStatus(ctx context.Context, check error) upstream.CredentialStatus {
	if u.key != nil {
		return upstream.CredentialStatus{Method: keyMethod, Valid: !u.refuses(check)}
	}
	st := u.credentials.Status(ctx)
	return upstream.CredentialStatus{Method: st.Method, Valid: st.Valid && !u.refuses(check), Expires: st.Expires}
}

// CredentialsExpire returns when the credentials that are in use expire.
func (u *Upstream) CredentialsExpire() time.Time {
	if u.key != nil {
		return time.Time{}
	}
	return u.credentials.Expires()
}

// refuses reports whether the error of a call says that the credentials are invalid.
func (u *Upstream) refuses(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	if !ok {
		return false
	}
	// A wrong API key, too, is an AccessDeniedException; only its words differ.
	return slices.Contains(invalid, e.Type) ||
		u.key != nil && e.Kind == chat.ErrPermission && strings.Contains(e.Error(), "Authentication failed")
}

// Diagnose checks the upstream's way to Bedrock step by step, through its transport and endpoints: region, credentials,
// their identity, the foundation models, the models that GET /v1/models lists, with the gateway's own signature, and those
// of mantle. The steps are for the operator: they name ARNs and accounts, but no secret.
func (u *Upstream) Diagnose(ctx context.Context) []credentials.Step {
	key := ""
	if u.key != nil {
		key = u.key.current().text
	}
	steps := credentials.Diagnose(ctx, u.credentials, credentials.DiagnoseOptions{
		ControlEndpoint: u.controlPlane.String(), APIKey: key, HTTPClient: &http.Client{Transport: u.rt},
	})
	if last := steps[len(steps)-1]; last.Name != "Models" || !last.OK {
		return steps
	}
	if steps = append(steps, u.listing(ctx)); u.mantle != nil {
		steps = append(steps, u.mantleStep(ctx))
	}
	return steps
}

// listing returns the step that lists models as GET /v1/models does.
func (u *Upstream) listing(ctx context.Context) credentials.Step {
	step := credentials.Step{Name: "Listing"}
	models, err := u.ListModels(ctx)
	if err == nil {
		step.OK, step.Detail = true, fmt.Sprintf("%d models and inference profiles for GET /v1/models", len(models))
		return step
	}
	step.Detail = err.Error()
	step.Hint = "try again; if it stays, check control_endpoint and the transport block"
	if e, ok := errors.AsType[*chat.Error](err); ok && e.Kind == chat.ErrPermission {
		step.Hint = "allow bedrock:ListInferenceProfiles; chats may work without it"
	}
	return step
}

// Interface guards
var (
	_ upstream.Credentialed = (*Upstream)(nil)
	_ upstream.Expiring     = (*Upstream)(nil)
)
