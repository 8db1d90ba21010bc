package credentials

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	sdkcreds "github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// dialTimeout of STS connections: a host that is there answers in milliseconds, and a request may be waiting.
const dialTimeout = 5 * time.Second

// maxRetryWait between the tries of one call; the SDK's own is 20 s.
const maxRetryWait = 250 * time.Millisecond

var errAPIKey = errors.New("no AWS credentials beside an API key")

// retrieve gets fresh credentials: the base's, then each role's with those before. It keeps nothing from one call to
// the next, so that changed files and rotated tokens count at once. An error is an *Error.
func (s *settings) retrieve(ctx context.Context) (aws.Credentials, error) {
	if s.apiKey {
		return aws.Credentials{}, &Error{
			Holder: s.holder, Method: s.method(),
			Problem: "a Bedrock API key cannot sign requests", Hint: "configure AWS credentials instead of api_key for this",
			err: errAPIKey,
		}
	}
	creds, err := s.retrieveBase(ctx)
	if err != nil {
		return aws.Credentials{}, err
	}
	for _, r := range s.roles {
		client, err := s.sts(creds)
		if err != nil {
			return aws.Credentials{}, s.explain(stageRole, r, err)
		}
		p := stscreds.NewAssumeRoleProvider(client, r.arn, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName, o.Duration = r.session, r.duration
			if r.externalID != "" {
				o.ExternalID = aws.String(r.externalID)
			}
		})
		if creds, err = p.Retrieve(ctx); err != nil {
			return aws.Credentials{}, s.explain(stageRole, r, err)
		}
	}
	return creds, nil
}

func (s *settings) retrieveBase(ctx context.Context) (aws.Credentials, error) {
	switch {
	case s.base.hasKeys():
		return s.base.static, nil
	case s.base.profile != "":
		creds, err := s.retrieveSDK(ctx, s.base.profile)
		if err != nil {
			return creds, s.explain(stageProfile, role{}, err)
		}
		return creds, nil
	case s.base.web != nil:
		creds, err := s.retrieveWebIdentity(ctx, s.base.web)
		if err != nil {
			return creds, s.explain(stageWebIdentity, s.base.web.role, err)
		}
		return creds, nil
	}
	creds, err := s.retrieveSDK(ctx, "")
	if err != nil {
		return creds, s.explain(stageChain, role{}, err)
	}
	return creds, nil
}

func (s *settings) retrieveWebIdentity(ctx context.Context, w *webIdentity) (aws.Credentials, error) {
	if err := checkTokenFile(w.tokenFile); err != nil {
		return aws.Credentials{}, err
	}
	client, err := s.sts(aws.Credentials{})
	if err != nil {
		return aws.Credentials{}, err
	}
	return stscreds.NewWebIdentityRoleProvider(client, w.arn, stscreds.IdentityTokenFile(w.tokenFile),
		func(o *stscreds.WebIdentityRoleOptions) {
			o.RoleSessionName, o.Duration = w.session, w.duration
		}).Retrieve(ctx)
}

// retrieveSDK loads a profile, or without one the default chain, by the SDK's own rules.
func (s *settings) retrieveSDK(ctx context.Context, profile string) (aws.Credentials, error) {
	configFile, credentialsFile := sharedFiles()
	options := []func(*config.LoadOptions) error{
		config.WithRegion(s.region),
		config.WithSharedConfigFiles([]string{configFile}),
		config.WithSharedCredentialsFiles([]string{credentialsFile}),
		// "auto" would ask the instance metadata for the region.
		config.WithDefaultsMode(aws.DefaultsModeStandard),
		config.WithRetryer(newRetryer),
	}
	if profile != "" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	options = append(options, s.ownEndpoints(profile)...)
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Credentials{}, err
	}
	return cfg.Credentials.Retrieve(ctx)
}

// sts returns a client that signs with creds; empty creds are for the calls that are not signed. It is made without the
// SDK's environment, whose endpoint variables must not lead configured credentials elsewhere.
func (s *settings) sts(creds aws.Credentials) (*sts.Client, error) {
	client, err := newHTTPClient()
	if err != nil {
		return nil, err
	}
	o := sts.Options{Region: s.region, HTTPClient: client, Retryer: newRetryer()}
	if creds.HasKeys() {
		o.Credentials = sdkcreds.StaticCredentialsProvider{Value: creds}
	}
	if s.stsEndpoint != "" {
		o.BaseEndpoint = &s.stsEndpoint
	} else {
		if s.fips {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
		}
		if s.dualStack {
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
		}
	}
	return sts.New(o), nil
}

// newRetryer returns the SDK's standard retries with shorter waits: a request may be waiting for the credentials.
func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = maxRetryWait })
}

// newHTTPClient returns the SDK's client with a short dial timeout, HTTPS_PROXY, and the certificates of AWS_CA_BUNDLE
// as the only trusted ones, as in every AWS SDK.
func newHTTPClient() (*awshttp.BuildableClient, error) {
	client := awshttp.NewBuildableClient().WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout })
	path := os.Getenv("AWS_CA_BUNDLE")
	if path == "" {
		return client, nil
	}
	pem, err := os.ReadFile(path) // #nosec G304 G703 -- the operator's own variable
	if err != nil {
		return nil, fmt.Errorf("reading AWS_CA_BUNDLE: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(bytes.TrimSpace(pem)) {
		return nil, errors.New("AWS_CA_BUNDLE holds no certificate")
	}
	return client.WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = pool }), nil
}
