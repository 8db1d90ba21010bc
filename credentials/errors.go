package credentials

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/processcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
)

// Error is the reason why there are no credentials. Error() is for the log: it names the role and AWS's answer, but no
// secret. ClientMessage() is for clients.
type Error struct {
	Holder  string // the user of the credentials: upstream "eu"
	Method  string // how: "profile prod, assume role"
	Problem string // what went wrong, in general
	Subject string // the role, file or profile it went wrong with; may name an account
	Answer  string // what AWS or the system answered
	Hint    string // what the operator can do
	Code    string // AWS's error code, if it answered with one

	temporary bool
	err       error
}

// Error returns everything that the operator needs, on one line.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s", e.Holder, e.Method, e.Detail())
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Detail returns what went wrong, with what, and the answer.
func (e *Error) Detail() string {
	d := e.Problem
	if e.Subject != "" {
		d += " " + e.Subject
	}
	if e.Answer != "" {
		d += ": " + e.Answer
	}
	return d
}

// ClientMessage returns the message for clients: the gateway is at fault, not the client's key. It has no account ids,
// names of roles, paths or answers of AWS.
func (e *Error) ClientMessage() string {
	return fmt.Sprintf("the gateway has no valid AWS credentials for %s: %s; its log says more", e.Holder, e.Problem)
}

// Unwrap returns the SDK's error. Its text may hold more than Error() shows.
func (e *Error) Unwrap() error { return e.err }

// Temporary reports whether the same attempt may succeed shortly: AWS throttled or failed, or could not be reached.
func (e *Error) Temporary() bool { return e.temporary }

// stage is the step at which credentials failed.
type stage int

const (
	stageAny stage = iota
	stageProfile
	stageWebIdentity
	stageChain
	stageRole
	stageIdentity // GetCallerIdentity, by Diagnose
	stageModels   // ListFoundationModels, by Diagnose
)

type explanation struct {
	stage     stage
	code      string
	contains  string // in AWS's message
	problem   string
	hint      string
	temporary bool
}

// explanations of AWS's error codes; the first that fits counts.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html and the pages of the three actions;
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
var explanations = []explanation{
	{stageRole, "AccessDenied", "", "access denied when assuming role", "check that the role exists, that its trust policy allows this principal (and has the same external id), and that the principal may sts:AssumeRole it", false},
	{stageRole, "ValidationError", "DurationSeconds", "the session duration was refused when assuming role", "lower duration, or raise the role's maximum session duration in IAM; a role assumed from another role lasts at most 1h", false},
	{stageWebIdentity, "AccessDenied", "", "access denied when assuming role with web identity", "check that the role's trust policy allows sts:AssumeRoleWithWebIdentity for this OIDC provider, audience and subject (in EKS: the service account)", false},
	{stageWebIdentity, "ValidationError", "DurationSeconds", "the session duration was refused when assuming role with web identity", "lower duration, or raise the role's maximum session duration in IAM", false},
	{stageWebIdentity, "ExpiredTokenException", "", "the web identity token has expired", "whatever writes the token file must renew it; in EKS, the kubelet does", false},
	{stageWebIdentity, "ExpiredToken", "", "the web identity token has expired", "whatever writes the token file must renew it; in EKS, the kubelet does", false},
	{stageWebIdentity, "InvalidIdentityToken", "", "AWS refused the web identity token", "check that the token's issuer is registered as an OIDC provider in the role's account, with this audience", false},
	{stageWebIdentity, "IDPRejectedClaim", "", "the identity provider refused the web identity token", "the token may be expired or revoked; check what writes the token file", false},
	{stageWebIdentity, "IDPCommunicationError", "", "AWS could not reach the identity provider", "check that the OIDC provider's keys are public", true},
	{stageProfile, "UnauthorizedException", "", "the SSO session has expired or is invalid", `run "aws sso login" for this profile, as the user that Caddy runs as`, false},
	{stageProfile, "InvalidGrantException", "", "the SSO session has expired or is invalid", `run "aws sso login" for this profile, as the user that Caddy runs as`, false},
	{stageProfile, "ForbiddenException", "", "access denied to the SSO role", "check that the user is assigned sso_role_name in sso_account_id", false},
	{stageProfile, "AccessDenied", "", "access denied when assuming role of the profile", "check the trust policy of the profile's role_arn, its external_id, and the source profile's permissions", false},
	{stageModels, "AccessDeniedException", "", "access denied when listing models", "allow bedrock:ListFoundationModels; chats may work without it", false},
	{stageAny, "ExpiredToken", "", "the session token has expired", "replace the temporary credentials; prefer a method that renews them: a role, SSO, or web identity", false},
	{stageAny, "ExpiredTokenException", "", "the session token has expired", "replace the temporary credentials; prefer a method that renews them: a role, SSO, or web identity", false},
	{stageAny, "InvalidClientTokenId", "", "AWS does not know the access key", "it may be deleted, inactive or mistyped, of another partition, or temporary and without its session token", false},
	{stageAny, "UnrecognizedClientException", "", "AWS does not know the access key", "it may be deleted, inactive or mistyped, of another partition, or temporary and without its session token", false},
	{stageAny, "SignatureDoesNotMatch", "", "AWS refused the signature", "check the secret access key, and this machine's clock", false},
	{stageAny, "RequestExpired", "", "AWS refused the signature's date", "set this machine's clock", false},
	{stageAny, "RegionDisabledException", "", "STS is not active in this region for the account", "activate it in IAM's account settings, or use another region", false},
	{stageAny, "AccessDenied", "", "access denied", "check the IAM policies of these credentials", false},
	{stageAny, "AccessDeniedException", "", "access denied", "check the IAM policies of these credentials", false},
	{stageAny, "Throttling", "", "AWS throttled the request for credentials", "try again", true},
	{stageAny, "ThrottlingException", "", "AWS throttled the request for credentials", "try again", true},
	{stageAny, "TooManyRequestsException", "", "AWS throttled the request for credentials", "try again", true},
	{stageAny, "ServiceUnavailable", "", "AWS is not available", "try again", true},
	{stageAny, "InternalFailure", "", "AWS is not available", "try again", true},
}

// fallbacks by stage, for what no row explains.
var fallbacks = map[stage]explanation{
	stageProfile:     {problem: "the profile's credentials could not be got", hint: "check the profile in the shared config and credentials files"},
	stageWebIdentity: {problem: "assuming role with web identity failed:"},
	stageChain: {
		problem: "no AWS credentials found in the default chain",
		hint:    "configure credentials, profile, web_identity or an instance, task or pod role",
	},
	stageRole:     {problem: "assuming role failed:"},
	stageIdentity: {problem: "GetCallerIdentity failed"},
	stageModels:   {problem: "listing models failed", hint: "check the region, and control_endpoint if Bedrock is behind a VPC endpoint"},
}

// explain turns what went wrong at a stage into an *Error.
func (s *settings) explain(at stage, r role, err error) *Error {
	e := &Error{Holder: s.holder, Method: s.method(), Subject: r.arn, err: err}
	if at == stageProfile {
		e.Subject = ""
	}
	x := fallbacks[at]
	if at == stageChain && len(s.roles) > 0 {
		x.problem = "role assumption requires base AWS credentials, and none were found in the default chain"
		x.hint = "configure credentials or profile beside assume_role, or give the machine a role"
	}
	e.Answer = s.scrub(lastLink(err))

	var api smithy.APIError
	var sso *ssocreds.InvalidTokenError
	var process *processcreds.ProviderError
	var missing config.SharedConfigProfileNotExistError
	var netErr net.Error
	switch {
	case errors.As(err, &api):
		e.Code = api.ErrorCode()
		e.Answer = s.scrub(fmt.Sprintf("AWS answered %s: %s", e.Code, api.ErrorMessage()))
		for _, row := range explanations {
			if (row.stage == stageAny || row.stage == at) && row.code == e.Code && strings.Contains(api.ErrorMessage(), row.contains) {
				x = row
				if row.stage == stageAny && e.Subject != "" {
					x.problem += " when assuming role"
				}
				break
			}
		}
	case errors.As(err, &missing):
		x = explanation{problem: "the profile could not be found"}
		e.Answer = profileError(s.base.profile, err).Error()
	case errors.As(err, &sso) || at == stageProfile && strings.Contains(err.Error(), "cached SSO token"):
		x = explanation{
			problem: "the SSO session has expired or is invalid",
			hint:    fmt.Sprintf(`run "aws sso login --profile %s" as the user that Caddy runs as`, s.base.profile),
		}
	case errors.As(err, &process):
		// The SDK's text may hold what the process printed, which is where the secrets are.
		x = explanation{
			problem: "the profile's credential_process failed",
			hint:    "run the command yourself, as the user that Caddy runs as; its stderr is in Caddy's",
		}
		e.Answer = "its output is not what AWS specifies"
		if exit, ok := errors.AsType[*exec.ExitError](err); ok {
			e.Answer = exit.Error()
		}
	case errors.Is(err, os.ErrNotExist) && at == stageWebIdentity, strings.HasPrefix(err.Error(), "web identity token file"):
		x = explanation{problem: "web identity token file not found", hint: "check what writes it"}
		e.Answer, e.Subject = s.scrub(err.Error()), ""
	case at == stageChain:
		// A machine without a metadata service has no credentials; that the service is unreachable needs no mention.
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &netErr):
		e.Subject = ""
		x = explanation{
			problem:   "AWS cannot be reached",
			hint:      "check the network, HTTPS_PROXY, and sts_endpoint or control_endpoint if AWS is behind a VPC endpoint",
			temporary: true,
		}
	}
	e.Problem, e.Hint, e.temporary = x.problem, x.hint, x.temporary
	return e
}

// lastLink returns the innermost text of an SDK error chain, whose outer ones repeat the operation's name.
func lastLink(err error) string {
	if oe, ok := errors.AsType[*smithy.OperationError](err); ok {
		return oe.Service() + " " + oe.Operation() + ": " + oe.Err.Error()
	}
	return err.Error()
}

// maxAnswer bounds the answers that go to the log.
const maxAnswer = 600

// minSecret is the length from which a secret is looked for in answers. AWS's have 40 characters; replacing shorter ones
// would only spoil the text.
const minSecret = 8

// scrub takes out of a message what may be secret: AWS puts the canonical request, with the session token in it, into
// answers to bad signatures.
func (s *settings) scrub(text string) string {
	if i := strings.Index(text, "The Canonical String"); i >= 0 {
		text = strings.TrimSpace(text[:i])
	}
	for _, secret := range []string{s.base.static.SecretAccessKey, s.base.static.SessionToken} {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	if len(text) > maxAnswer {
		text = strings.ToValidUTF8(text[:maxAnswer], "") + " …"
	}
	return strings.Join(strings.Fields(text), " ")
}

// ClientMessage returns the message for clients: an *Error's own, else one without any detail of err.
func ClientMessage(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.ClientMessage()
	}
	return "the gateway has no valid AWS credentials; its log says more"
}
