package credentials

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/restjson"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxListing bounds the answer that is read.
const maxListing = 8 << 20

// noPayload is the hash of the body of a GET, which goes into its signature.
var noPayload = func() string {
	sum := sha256.Sum256(nil)
	return hex.EncodeToString(sum[:])
}()

// authorizer puts into a request what allows it. The time is AWS's, as far as it is known.
type authorizer func(ctx context.Context, r *http.Request, now time.Time) error

// foundationModels counts the models that the control plane lists. Listing with an API key is tried once.
func (p *Provider) foundationModels(ctx context.Context, o DiagnoseOptions) (int, error) {
	endpoint := orDefault(o.ControlEndpoint, p.EndpointOverride("Bedrock"))
	if endpoint == "" {
		own, err := p.RegionalEndpoint("Bedrock")
		if err != nil {
			return 0, err
		}
		endpoint = own.String()
	}
	target, err := url.Parse(strings.TrimSuffix(endpoint, "/") + "/foundation-models")
	if err != nil {
		return 0, err
	}
	client := o.HTTPClient
	if client == nil {
		if client, err = newHTTPClient(); err != nil {
			return 0, err
		}
	}
	if o.APIKey != "" {
		return listFoundationModels(ctx, client, target, aws.NopRetryer{}, func(_ context.Context, r *http.Request, _ time.Time) error {
			r.Header.Set("Authorization", "Bearer "+o.APIKey)
			return nil
		})
	}
	return listFoundationModels(ctx, client, target, newRetryer(), func(ctx context.Context, r *http.Request, now time.Time) error {
		creds, err := p.Retrieve(ctx)
		if err != nil {
			return err
		}
		return v4.NewSigner().SignHTTP(ctx, creds, r, noPayload, "bedrock", p.Region(), now)
	})
}

// listFoundationModels is the SDK's ListFoundationModels, made from the parts in the SDK's core that its clients are made of, so
// that tries, waits and errors are the same. The service's own client would bring 2.7 MB of source for this one GET, sends
// API keys by https only, and refuses an endpoint of one's own together with FIPS.
func listFoundationModels(ctx context.Context, client aws.HTTPClient, target *url.URL, retryer aws.Retryer, authorize authorizer) (int, error) {
	const operation = "ListFoundationModels"
	stack := middleware.NewStack(operation, func() any {
		r := smithyhttp.NewStackRequest().(*smithyhttp.Request) //nolint:forcetypeassert // what it is made for
		r.Method, r.URL = http.MethodGet, target
		return r
	})
	models := 0
	var skew time.Duration // AWS's clock less this machine's, by the answer to the try before
	// Names are those of the SDK. A step's middlewares run in order, and see the answer in reverse.
	err := errors.Join(
		stack.Finalize.Add(retry.NewAttemptMiddleware(retryer, smithyhttp.RequestCloner), middleware.After),
		stack.Finalize.Add(middleware.FinalizeMiddlewareFunc("Signing", func(ctx context.Context, in middleware.FinalizeInput, next middleware.FinalizeHandler) (middleware.FinalizeOutput, middleware.Metadata, error) {
			r := in.Request.(*smithyhttp.Request) //nolint:forcetypeassert // made above
			if err := authorize(ctx, r.Request, time.Now().Add(skew)); err != nil {
				return middleware.FinalizeOutput{}, middleware.Metadata{}, err
			}
			out, metadata, err := next.HandleFinalize(ctx, in)
			skew, _ = awsmiddleware.GetAttemptSkew(metadata)
			return out, metadata, err
		}), middleware.After),
		stack.Deserialize.Add(&awshttp.ResponseErrorWrapper{}, middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RequestIDRetriever{}, middleware.After),
		stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("OperationDeserializer", func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
			out, metadata, err := next.HandleDeserialize(ctx, in)
			if err != nil {
				return out, metadata, err
			}
			models, err = countModels(out.RawResponse.(*smithyhttp.Response)) //nolint:forcetypeassert // the handler's
			return out, metadata, err
		}), middleware.After),
		stack.Deserialize.Add(&awsmiddleware.RecordResponseTiming{}, middleware.After),
	)
	if err != nil {
		return 0, err
	}
	if _, _, err = middleware.DecorateHandler(smithyhttp.NewClientHandlerWithOptions(client), stack).Handle(ctx, nil); err != nil {
		return 0, &smithy.OperationError{ServiceID: "Bedrock", OperationName: operation, Err: err}
	}
	return models, nil
}

// countModels reads an answer: the number of models, or AWS's error as the SDK's clients have it.
func countModels(resp *smithyhttp.Response) (int, error) {
	defer resp.Body.Close()
	body := json.NewDecoder(io.LimitReader(resp.Body, maxListing))
	if resp.StatusCode < http.StatusOK || resp.StatusCode >= http.StatusMultipleChoices {
		e, err := restjson.GetSmithyGenericAPIError(body, restjson.SanitizeErrorCode(resp.Header.Get("X-Amzn-Errortype")))
		if err != nil {
			return 0, unreadable(err)
		}
		const unknown = "UnknownError"
		e.Code, e.Message = orDefault(e.Code, unknown), orDefault(e.Message, unknown)
		return 0, e
	}
	var listing struct {
		ModelSummaries []struct{} `json:"modelSummaries"`
	}
	if err := body.Decode(&listing); err != nil && !errors.Is(err, io.EOF) {
		return 0, unreadable(err)
	}
	return len(listing.ModelSummaries), nil
}

func unreadable(err error) error {
	return &smithy.DeserializationError{Err: fmt.Errorf("failed to decode response body, %w", err)}
}
