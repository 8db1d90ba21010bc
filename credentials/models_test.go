package credentials

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/bedrock"
)

// TestModelsAreListedAsBySDK compares the step, and how often AWS is asked, with those of the SDK's client of Bedrock. That
// client is too large to be in the binary for one GET.
func TestModelsAreListedAsBySDK(t *testing.T) {
	const html = "<html><h1>Bad Gateway</h1></html>"
	type answer struct {
		status int
		code   string // in the header
		body   string
	}
	throttled := answer{429, "ThrottlingException:http://internal.amazon.com/coral/com.amazon.bedrock/", `{"message":"Too many requests"}`}
	well := answer{200, "", `{"modelSummaries":[` + twoModels + `]}`}
	for name, test := range map[string]struct {
		answers []answer // the last stays
		want    string
		tries   int
	}{
		"models":                     {[]answer{well}, "✓ Models: 2 foundation models", 1},
		"no models":                  {[]answer{{200, "", `{}`}}, "✗ Models: none in this region", 1},
		"empty":                      {[]answer{{200, "", ""}}, "✗ Models: none in this region", 1},
		"no JSON":                    {[]answer{{200, "", html}}, "✗ Models: listing models failed: Bedrock ListFoundationModels: https response error StatusCode: 200, RequestID: id-1, deserialization failed, ", 1},
		"cut":                        {[]answer{{200, "", `{"modelSummaries":[{`}}, "✗ Models: listing models failed: Bedrock", 1},
		"throttled once":             {[]answer{throttled, well}, "✓ Models: 2", 2},
		"throttled":                  {[]answer{throttled}, "✗ Models: AWS throttled the request for credentials: AWS answered ThrottlingException: Too many requests\n", 3},
		"throttled, code in body":    {[]answer{{400, "", `{"__type":"com.amazon.coral.service#ThrottlingException","Message":"Rate exceeded"}`}, well}, "✓ Models: 2", 2},
		"out of order":               {[]answer{{503, "", `{"code":"ServiceUnavailable","message":"Later"}`}}, "✗ Models: AWS is not available: AWS answered ServiceUnavailable: Later\n", 3},
		"a proxy's page":             {[]answer{{502, "", html}}, "✗ Models: listing models failed: Bedrock ListFoundationModels: exceeded maximum number of attempts, 3, https response error StatusCode: 502,", 3},
		"refused":                    {[]answer{{403, "AccessDeniedException", `{"message":"no"}`}}, "✗ Models: access denied when listing models: AWS answered AccessDeniedException: no\n", 1},
		"refused, invalid signature": {[]answer{{403, "InvalidSignatureException", `{"message":"The Canonical String was x"}`}}, "✗ Models: listing models failed: AWS answered InvalidSignatureException:", 1},
		"an unknown error":           {[]answer{{418, "", `{}`}}, "✗ Models: listing models failed: AWS answered UnknownError: UnknownError\n", 1},
		"an error without a body":    {[]answer{{404, "UnknownOperationException", ""}}, "✗ Models: listing models failed: AWS answered UnknownOperationException: UnknownError\n", 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p, err := w.provision(w.static())
			if err != nil {
				t.Fatal(err)
			}
			var tries atomic.Int64
			endpoint := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				a := test.answers[min(int(tries.Add(1)), len(test.answers))-1]
				if r.Method != http.MethodGet || r.URL.String() != "/v/foundation-models" || r.Header.Get("Authorization") == "" {
					t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
				}
				rw.Header().Set("X-Amzn-Requestid", "id-1")
				if a.code != "" {
					rw.Header().Set("X-Amzn-Errortype", a.code)
				}
				rw.WriteHeader(a.status)
				fmt.Fprint(rw, a.body)
			})) + "/v/"
			step := p.listModels(t.Context(), DiagnoseOptions{ControlEndpoint: endpoint})
			if got := tries.Swap(0); got != int64(test.tries) || !strings.HasPrefix(step.String(), test.want) {
				t.Errorf("after %d tries, not %d, got  %s\nwant %s", got, test.tries, step, test.want)
			}
			if sdk := p.sdkModels(t, endpoint); step != sdk || tries.Load() != int64(test.tries) {
				t.Errorf("the SDK's client has, after %d tries, %s\nnot %s", tries.Load(), sdk, step)
			}
		})
	}
}

// sdkModels is listModels by the SDK's client.
func (p *Provider) sdkModels(t *testing.T, endpoint string) Step {
	t.Helper()
	client := bedrock.NewFromConfig(p.SDKConfig(nil), func(o *bedrock.Options) {
		o.Retryer, o.BaseEndpoint = newRetryer(), &endpoint
	})
	out, err := client.ListFoundationModels(t.Context(), &bedrock.ListFoundationModelsInput{})
	switch {
	case err != nil:
		return failed("Models", p.cache.settings.explain(stageModels, role{}, err))
	case len(out.ModelSummaries) == 0:
		return Step{Name: "Models", Detail: "none in this region", Hint: "use a region that has Bedrock: https://docs.aws.amazon.com/bedrock/latest/userguide/models-regions.html"}
	}
	return Step{Name: "Models", OK: true, Detail: fmt.Sprintf("%d foundation models", len(out.ModelSummaries))}
}

// TestModelsWithoutNetworkAsBySDK has the words of a host that is not there, after as many tries.
func TestModelsWithoutNetworkAsBySDK(t *testing.T) {
	w := newWorld(t)
	p, err := w.provision(w.static())
	if err != nil {
		t.Fatal(err)
	}
	const dead = "http://127.0.0.1:1"
	step := p.listModels(t.Context(), DiagnoseOptions{ControlEndpoint: dead})
	if want := "AWS cannot be reached: Bedrock ListFoundationModels: exceeded maximum number of attempts, 3, "; !strings.HasPrefix(step.Detail, want) {
		t.Errorf("got %s", step)
	}
	if sdk := p.sdkModels(t, dead); step != sdk {
		t.Errorf("the SDK's client has %s\nnot %s", sdk, step)
	}
	step = p.listModels(t.Context(), DiagnoseOptions{ControlEndpoint: dead, APIKey: "the-key"})
	if want := `AWS cannot be reached: Get "http://127.0.0.1:1/foundation-models": dial tcp`; !strings.HasPrefix(step.Detail, want) {
		t.Errorf("with an API key, got %s", step)
	}
}

// TestModelsAreListedByAClockThatIsOff shows that the second try is signed by AWS's clock, as the SDK's clients do it.
func TestModelsAreListedByAClockThatIsOff(t *testing.T) {
	w := newWorld(t)
	p, err := w.provision(w.static())
	if err != nil {
		t.Fatal(err)
	}
	var tries atomic.Int64
	endpoint := w.serve(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		tries.Add(1)
		now := time.Now().Add(time.Hour).UTC()
		rw.Header().Set("Date", now.Format(http.TimeFormat))
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || now.Sub(signed).Abs() > 5*time.Minute {
			rw.Header().Set("X-Amzn-Errortype", "InvalidSignatureException")
			rw.WriteHeader(http.StatusForbidden)
			fmt.Fprint(rw, `{"message":"Signature expired"}`)
			return
		}
		fmt.Fprint(rw, `{"modelSummaries":[`+twoModels+`]}`)
	}))
	step := p.listModels(t.Context(), DiagnoseOptions{ControlEndpoint: endpoint})
	if got := tries.Swap(0); got != 2 || !step.OK {
		t.Errorf("after %d tries got %s", got, step)
	}
	if sdk := p.sdkModels(t, endpoint); step != sdk || tries.Load() != 2 {
		t.Errorf("the SDK's client has, after %d tries, %s", tries.Load(), sdk)
	}
}
