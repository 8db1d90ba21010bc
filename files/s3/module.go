// Package s3 keeps files in an S3 bucket, or in a bucket of any server that speaks S3.
package s3

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/feature/s3/transfermanager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/credentials"
	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/directive"
)

const (
	// sweepEvery is the mean time between two sweeps of a process: each lists the whole bucket, which is paid for.
	sweepEvery = time.Hour

	// partSize is the smallest that S3 takes: with it an upload's memory is smallest, and 10,000 of them are 48 GiB.
	partSize        = 5 << 20
	partsAtOnce     = 2
	uploadsAtOnce   = 32
	attempts        = 5
	cleanupAttempts = 10
	cleanupTime     = time.Minute
	// undoTime is how much of it the client of a failed upload waits for.
	undoTime = 2 * time.Second
	// checkAttempts are fewer: whoever asks for the health asks again.
	checkAttempts = 2

	dialTimeout   = 5 * time.Second
	headerTimeout = 30 * time.Second
	maxBackoff    = 2 * time.Second
)

func init() {
	caddy.RegisterModule(new(Store))
}

// Store keeps uploaded files and stored responses in a bucket. Any number of gateways may share it; they need nothing else in common.
//
// The credentials need `s3:ListBucket` and `s3:ListBucketMultipartUploads` on the bucket, and `s3:GetObject`,
// `s3:PutObject`, `s3:DeleteObject` and `s3:AbortMultipartUpload` on its objects below the prefix.
type Store struct {
	files.StoreSettings
	credentials.Config

	// The bucket. Placeholders are resolved when the configuration is loaded. Default: `{env.S3_FILES_BUCKET}`.
	Bucket string `json:"bucket,omitempty"`

	// The server's URL, for what is not AWS. Default: the SDK's endpoint for the region.
	Endpoint string `json:"endpoint,omitempty"`

	// What the keys of all objects begin with. Default: `files/`.
	Prefix *string `json:"prefix,omitempty"`

	// Name the bucket in the path instead of the host name, as many servers that are not AWS need it.
	PathStyle bool `json:"path_style,omitempty"`

	// Encrypt by SSE-KMS with this key; `aws/s3` is the account's own default key. Without it the bucket's default
	// encryption applies.
	KMSKey string `json:"kms_key,omitempty"`

	bucket, prefix, kmsKey string
	options                files.Options
	log                    *zap.Logger
	provider               *credentials.Provider
	client                 *s3.Client
	transfer               *transfermanager.Client
	// uploads bounds the part buffers in memory, about 10 MiB an upload; the others wait.
	uploads chan struct{}
	objects objects
}

// CaddyModule returns the Caddy module information.
func (*Store) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.bedrock_gateway.files.s3",
		New: func() caddy.Module { return new(Store) },
	}
}

// UnmarshalCaddyfile reads
//
//	s3 [<bucket>] {
//		endpoint    <url>
//		prefix      <prefix>
//		path_style
//		kms_key     <id>
//		region|credentials|profile|assume_role|web_identity|sts_endpoint ...
//		max_size    <size>
//		owner       <placeholder>
//		context_max <size>
//	}
func (s *Store) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	args, err := directive.Args(d, 0, 1)
	if err != nil {
		return err
	}
	if len(args) == 1 {
		s.Bucket = args[0]
	}
	seen := make(directive.Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if known, err := s.Word(d, seen); err != nil {
			return err
		} else if known {
			continue
		}
		if known, err := s.UnmarshalSubdirective(d); err != nil {
			return err
		} else if known {
			continue
		}
		if err := s.ownWord(d, seen); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) ownWord(d *caddyfile.Dispenser, seen directive.Seen) error {
	word := d.Val()
	switch word {
	case "endpoint", "prefix", "path_style", "kms_key":
		if err := seen.Once(d); err != nil {
			return err
		}
	}
	switch word {
	case "endpoint":
		return directive.Set(d, &s.Endpoint)
	case "kms_key":
		return directive.Set(d, &s.KMSKey)
	case "path_style":
		s.PathStyle = true
		return directive.None(d)
	case "prefix":
		// Not directive.Set, which refuses the empty prefix.
		args, err := directive.Args(d, 1, 1)
		if err == nil {
			s.Prefix = &args[0]
		}
		return err
	}
	return directive.Unknown(d)
}

// Provision resolves the settings and makes the client. It sends nothing.
func (s *Store) Provision(ctx caddy.Context) error {
	s.log = ctx.Logger()
	s.options = s.Options()
	endpoint, err := s.resolve()
	if err != nil {
		return fmt.Errorf("files s3: %w", err)
	}
	if s.provider, err = s.Config.Provision(ctx, credentials.Options{Holder: "files s3"}); err != nil {
		return err
	}
	if endpoint == "" {
		endpoint = s.provider.EndpointOverride("S3")
	}
	s.connect(endpoint)
	go files.KeepSwept(ctx, s, sweepEvery, s.log)
	return nil
}

// resolve replaces placeholders, and checks what they give.
func (s *Store) resolve() (endpoint string, err error) {
	repl := caddy.NewReplacer()
	bucket, prefix := s.Bucket, "files/"
	if s.Prefix != nil {
		prefix = *s.Prefix
	}
	if bucket == "" {
		// Not an error of the replacer's, which would not say what to do.
		bucket = repl.ReplaceAll("{env.S3_FILES_BUCKET}", "")
	}
	var errs []error
	for _, v := range []struct {
		name     string
		in       string
		resolved *string
	}{
		{"bucket", bucket, &s.bucket}, {"endpoint", s.Endpoint, &endpoint}, {"prefix", prefix, &s.prefix}, {"kms_key", s.KMSKey, &s.kmsKey},
	} {
		var err error
		if *v.resolved, err = repl.ReplaceOrErr(v.in, true, true); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", v.name, err))
		}
	}
	if len(errs) > 0 {
		return "", errors.Join(errs...)
	}
	if s.bucket == "" {
		return "", errors.New("no bucket: name it behind s3, or set S3_FILES_BUCKET")
	}
	if s.prefix = strings.Trim(s.prefix, "/"); s.prefix != "" {
		s.prefix += "/"
	}
	if len(s.prefix) > maxPrefix {
		return "", fmt.Errorf("prefix has %d bytes; at most %d leave room for keys", len(s.prefix), maxPrefix)
	}
	if endpoint == "" {
		return "", nil
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return "", fmt.Errorf("endpoint must be an http or https URL: %q", endpoint)
	}
	return endpoint, nil
}

// connect makes the client for the endpoint; an empty one is AWS's own.
func (s *Store) connect(endpoint string) {
	cfg := s.provider.SDKConfig(nil)
	if c, ok := cfg.HTTPClient.(*awshttp.BuildableClient); ok {
		// A server that is down should be told in seconds: somebody waits for it.
		cfg.HTTPClient = c.WithDialerOptions(func(d *net.Dialer) {
			d.Timeout = dialTimeout
		}).WithTransportOptions(func(t *http.Transport) {
			t.DialContext = dialImpatiently(t.DialContext)
			t.ResponseHeaderTimeout = headerTimeout
			t.MaxIdleConnsPerHost = uploadsAtOnce
		})
	}
	cfg.HTTPClient = plainClient{cfg.HTTPClient}
	// An answer may be cut, and S3's SlowDown asks for patience: more tries than the SDK's three.
	cfg.Retryer = func() aws.Retryer { return newRetryer(attempts) }
	checksums := aws.RequestChecksumCalculationWhenSupported
	if endpoint != "" {
		// Many servers that are not AWS do not take the trailing checksums the SDK sends by default.
		checksums = aws.RequestChecksumCalculationWhenRequired
	}
	s.client = s3.NewFromConfig(cfg, func(o *s3.Options) {
		if endpoint != "" {
			o.BaseEndpoint = &endpoint
			// The SDK refuses an endpoint of one's own together with these.
			o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = aws.FIPSEndpointStateUnset, aws.DualStackEndpointStateUnset
		}
		o.UsePathStyle = s.PathStyle
		o.RequestChecksumCalculation = checksums
		o.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	s.transfer = transfermanager.New(s.client, func(o *transfermanager.Options) {
		o.PartSizeBytes = partSize
		o.MultipartUploadThreshold = partSize
		o.Concurrency = partsAtOnce
		o.RequestChecksumCalculation = checksums
		// Parts already sent are taken back even when the client, and its context, is gone.
		o.FailTimeout = cleanupTime
	})
	s.uploads = make(chan struct{}, uploadsAtOnce)
	s.objects.counting = make(chan struct{}, 1)
}

// Cleanup lets go of the credentials. Requests under way keep working.
func (s *Store) Cleanup() error {
	if s.provider == nil {
		return nil
	}
	return s.provider.Close()
}

// Interface guards
var (
	_ caddy.Provisioner     = (*Store)(nil)
	_ caddy.Validator       = (*Store)(nil)
	_ caddy.CleanerUpper    = (*Store)(nil)
	_ caddyfile.Unmarshaler = (*Store)(nil)
	_ files.Store           = (*Store)(nil)
)
