package credentials

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Step is one line of a diagnosis.
type Step struct {
	Name   string // "Credentials"
	OK     bool
	Detail string // what was found, or what went wrong
	Hint   string // what to do next, if it failed
}

// String returns a step as a line, with a second one for the hint.
func (s Step) String() string {
	mark := "✓"
	if !s.OK {
		mark = "✗"
	}
	line := mark + " " + s.Name + ": " + s.Detail
	if s.Hint != "" {
		line += "\n  → " + s.Hint
	}
	return line
}

// DiagnoseOptions are what else an upstream uses on its way to AWS.
type DiagnoseOptions struct {
	// ControlEndpoint is where models are listed. Default: the SDK's endpoint for the region.
	ControlEndpoint string

	// APIKey is a Bedrock API key, resolved, used instead of p's credentials.
	APIKey string

	// HTTPClient lists the models. Default: one that honors HTTPS_PROXY and AWS_CA_BUNDLE.
	HTTPClient aws.HTTPClient
}

// callTimeout bounds each call of a diagnosis.
const callTimeout = 30 * time.Second

// Diagnose checks the way to Bedrock step by step: region, credentials, their identity, the list of models. It stops where
// the next step cannot work. The steps are for the operator: they name ARNs and accounts, but no secret.
func Diagnose(ctx context.Context, p *Provider, o DiagnoseOptions) []Step {
	steps := []Step{{Name: "Region", OK: true, Detail: p.Region()}}
	if o.APIKey != "" {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		return append(steps,
			Step{Name: "Credentials", OK: true, Detail: "Bedrock API key; AWS has no call that names its owner"},
			p.listModels(ctx, o))
	}

	ctx, cancel := context.WithTimeout(ctx, 2*callTimeout)
	defer cancel()
	creds, err := p.Retrieve(ctx)
	if err != nil {
		return append(steps, failed("Credentials", err))
	}
	detail := p.Method() + ", key " + creds.AccessKeyID
	if creds.CanExpire {
		detail += ", valid until " + creds.Expires.UTC().Format(time.RFC3339)
	}
	steps = append(steps, Step{Name: "Credentials", OK: true, Detail: detail})

	identity := p.identity(ctx, creds)
	return append(steps, identity, p.listModels(ctx, o))
}

// identity asks STS. A failure does not end the diagnosis: with VPC endpoints, STS may be out of reach while Bedrock is not.
func (p *Provider) identity(ctx context.Context, creds aws.Credentials) Step {
	const name = "Identity"
	s := p.cache.settings
	client, err := s.sts(creds)
	if err != nil {
		return failed(name, err)
	}
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return failed(name, s.explain(stageIdentity, role{}, err))
	}
	return Step{Name: name, OK: true, Detail: fmt.Sprintf("%s (account %s)", aws.ToString(out.Arn), aws.ToString(out.Account))}
}

// listModels is the last step, with an API key or the credentials.
func (p *Provider) listModels(ctx context.Context, o DiagnoseOptions) Step {
	const name = "Models"
	n, err := p.foundationModels(ctx, o)
	switch {
	case err != nil && o.APIKey != "":
		return p.withKeyFailed(name, err)
	case err != nil:
		return failed(name, p.cache.settings.explain(stageModels, role{}, err))
	case n == 0:
		return Step{Name: name, Detail: "none in this region", Hint: "use a region that has Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/models-regions.html"}
	}
	return Step{Name: name, OK: true, Detail: fmt.Sprintf("%d foundation models", n)}
}

// withKeyFailed returns the step of a listing that failed with an API key. AWS's codes are about keys that sign, so where
// it answered, its status says what there is to say.
func (p *Provider) withKeyFailed(name string, err error) Step {
	if e, ok := errors.AsType[*smithyhttp.ResponseError](err); ok {
		if status := e.HTTPStatusCode(); status != 0 && status != http.StatusOK {
			return Step{
				Name: name, Detail: "AWS answered " + e.Response.Status,
				Hint: "check that the API key is valid in this region and may bedrock:ListFoundationModels and bedrock:CallWithBearerToken",
			}
		}
	}
	if e, ok := errors.AsType[*smithyhttp.RequestSendError](err); ok {
		err = e.Err
	}
	return failed(name, p.cache.settings.explain(stageModels, role{}, err))
}

func failed(name string, err error) Step {
	s := Step{Name: name, Detail: err.Error()}
	if e, ok := err.(*Error); ok { //nolint:errorlint // made here, never wrapped
		s.Detail, s.Hint = e.Detail(), e.Hint
	}
	return s
}
