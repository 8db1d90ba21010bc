package credentials

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
)

// Options describe the user of the credentials.
type Options struct {
	// Holder is what error messages call the part of the config that needs the credentials, such as `upstream "eu"` or
	// `files s3`. It reaches clients. Providers of different holders never share credentials.
	Holder string

	// APIKey says that the holder sends a configured Bedrock API key: no AWS credentials are looked for, so none can be
	// missing, and neither they nor the environment's endpoints count. Only region, FIPS and dual stack are of use.
	APIKey bool

	// Logger gets a warning for settings without effect. Default: ctx.Logger().
	Logger *zap.Logger
}

// Provider returns AWS credentials. It is an aws.CredentialsProvider that needs no cache around it, and safe for
// concurrent use.
type Provider struct {
	cache *cache
	key   string
	once  sync.Once
}

// caches are shared between configs that say the same, so that a reload neither loses credentials nor asks AWS for new
// ones.
var caches = caddy.NewUsagePool()

// poolSalt keeps the pool's keys, which are hashes of secrets, from being compared with guesses.
var poolSalt = func() []byte {
	b := make([]byte, sha256.Size)
	_, _ = rand.Read(b) // never fails
	return b
}()

// Provision resolves placeholders and the environment, checks what can be checked without network (region, profile,
// token file, ARNs, durations, names), and returns the Provider. The caller closes it in its Cleanup.
func (c *Config) Provision(ctx caddy.Context, o Options) (*Provider, error) {
	s, err := c.resolve(o)
	if err != nil {
		return nil, err
	}
	if _, err := newHTTPClient(); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Holder, err)
	}
	if unused := c.unused(); unused != "" {
		if o.Logger == nil {
			o.Logger = ctx.Logger()
		}
		o.Logger.Warn("AWS credentials are configured more than once; the rest has no effect",
			zap.String("holder", o.Holder), zap.String("method", s.method()), zap.String("without_effect", unused))
	}
	key := s.key()
	v, _, err := caches.LoadOrNew(key, func() (caddy.Destructor, error) { return newCache(s), nil })
	if err != nil {
		return nil, err
	}
	return &Provider{cache: v.(*cache), key: key}, nil
}

// FromEnvironment is Provision without any configuration: all comes from AWS_* variables, shared files and the machine.
func FromEnvironment(ctx caddy.Context, o Options) (*Provider, error) {
	return new(Config).Provision(ctx, o)
}

// unused returns the configured base credentials that have no effect, because another method comes first.
func (c *Config) unused() string {
	static := c.AccessKeyID != ""
	switch {
	case static && c.Profile != "":
		return "profile"
	case (static || c.Profile != "") && c.WebIdentity != nil:
		return "web_identity"
	}
	return ""
}

// key identifies s in the pool: equal settings have equal keys. It is a keyed hash, and says nothing of the secrets.
func (s *settings) key() string {
	mac := hmac.New(sha256.New, poolSalt)
	fmt.Fprintf(mac, "%t %q %q %q %q %q %q %q %t %t %t",
		s.apiKey, s.holder, s.region, s.stsEndpoint, s.base.static.AccessKeyID, s.base.static.SecretAccessKey,
		s.base.static.SessionToken, s.base.profile, s.ambient, s.fips, s.dualStack)
	if w := s.base.web; w != nil {
		fmt.Fprintf(mac, " web %q %q %q %d", w.arn, w.tokenFile, w.session, w.duration)
	}
	for _, r := range s.roles {
		fmt.Fprintf(mac, " %q %q %q %d", r.arn, r.externalID, r.session, r.duration)
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// Region returns the resolved region. It is never empty.
func (p *Provider) Region() string { return p.cache.settings.region }

// Method names the way to the credentials, such as "profile prod, assume role". It holds no account id and may be shown.
func (p *Provider) Method() string { return p.cache.settings.method() }

// Retrieve returns valid credentials. While there are some it takes no lock and allocates nothing; near their expiry
// they are renewed in the background. It waits for a refresh only if there is nothing valid. An error is an *Error, or
// ctx's.
func (p *Provider) Retrieve(ctx context.Context) (aws.Credentials, error) {
	return p.cache.retrieve(ctx)
}

// Refresh renews the credentials after AWS has refused them as expired, and waits for it. Calls at the same time lead to
// one refresh. After an error a retry of the request is pointless.
func (p *Provider) Refresh(ctx context.Context) error { return p.cache.force(ctx) }

// FIPS reports whether AWS_USE_FIPS_ENDPOINT or the profile asks for FIPS endpoints.
func (p *Provider) FIPS() bool { return p.cache.settings.fips }

// DualStack reports whether AWS_USE_DUALSTACK_ENDPOINT or the profile asks for endpoints with IPv6.
func (p *Provider) DualStack() bool { return p.cache.settings.dualStack }

// EndpointOverride returns the endpoint that AWS_ENDPOINT_URL_<SERVICE> or AWS_ENDPOINT_URL sets for an SDK service id,
// such as "Bedrock Runtime", "Bedrock" or "S3". It is empty when credentials are configured: they must not be sent to an
// ambient address.
func (p *Provider) EndpointOverride(service string) string {
	if !p.cache.settings.ambient {
		return ""
	}
	return environmentEndpoint(service)
}

// SDKConfig returns a config for the SDK's clients. nil takes a client that honors HTTPS_PROXY and AWS_CA_BUNDLE. The
// config knows nothing else of the environment.
func (p *Provider) SDKConfig(client aws.HTTPClient) aws.Config {
	if client == nil {
		if c, err := newHTTPClient(); err == nil {
			client = c
		}
	}
	o := config.LoadOptions{}
	if p.FIPS() {
		o.UseFIPSEndpoint = aws.FIPSEndpointStateEnabled
	}
	if p.DualStack() {
		o.UseDualStackEndpoint = aws.DualStackEndpointStateEnabled
	}
	return aws.Config{
		Region:        p.Region(),
		Credentials:   p,
		HTTPClient:    client,
		ConfigSources: []any{o},
	}
}

// Status is what a health check may show: no key, no account.
type Status struct {
	Method  string    `json:"method"`
	Region  string    `json:"region"`
	Valid   bool      `json:"credentials_valid"`
	Expires time.Time `json:"expires,omitzero"` // zero: they do not expire
	Problem string    `json:"problem,omitempty"`
}

// Status gets credentials if there are none, and says whether they are valid as far as can be known without calling a
// service.
func (p *Provider) Status(ctx context.Context) Status {
	st := Status{Method: p.Method(), Region: p.Region()}
	if p.cache.settings.apiKey {
		st.Valid = true
		return st
	}
	creds, err := p.Retrieve(ctx)
	if err != nil {
		st.Problem = ClientMessage(err)
		return st
	}
	st.Valid = true
	if creds.CanExpire {
		st.Expires = creds.Expires.UTC()
	}
	return st
}

// Expires returns when the credentials that were received last expire; zero where they do not, or none were asked for yet.
func (p *Provider) Expires() time.Time {
	if s := p.cache.current.Load(); s != nil && s.creds.CanExpire {
		return s.expires
	}
	return time.Time{}
}

// Close releases the shared credentials. Closing twice is harmless. Retrieve goes on working, for requests that are
// still under way, without refreshing in the background.
func (p *Provider) Close() error {
	var err error
	p.once.Do(func() { _, err = caches.Delete(p.key) })
	return err
}

// Interface guards
var (
	_ aws.CredentialsProvider = (*Provider)(nil)
	_ caddy.Destructor        = (*cache)(nil)
)
