package aws

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	simulator "github.com/open-bedrock/caddy-bedrock-gateway/simulator/aws"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// The file store's health is right about its credentials: valid where S3 knows who asks, though it may refuse.
func TestFilesHealthTellsOfCredentials(t *testing.T) {
	for name, tc := range map[string]struct {
		words  func(c *cloud) string
		refuse *simulator.Failure // what S3 answers to those it knows
		status int
		valid  bool
	}{
		"keys":          {words: (*cloud).static, status: 200, valid: true},
		"role":          {words: func(c *cloud) string { return c.static() + "\n" + c.role() }, status: 200, valid: true},
		"profile":       {words: func(*cloud) string { return "profile work" }, status: 200, valid: true},
		"web identity":  {words: (*cloud).web, status: 200, valid: true},
		"may not list":  {words: (*cloud).static, refuse: &simulator.Failure{Status: 403, Code: "AccessDenied"}, status: 503, valid: true},
		"no bucket":     {words: (*cloud).static, refuse: &simulator.Failure{Status: 404, Code: "NoSuchBucket"}, status: 503, valid: true},
		"wrong secret":  {words: func(c *cloud) string { return c.static() + "x" }, status: 503},
		"unknown key":   {words: func(*cloud) string { return "credentials AKIANOBODY secret" }, status: 503},
		"role refused":  {words: func(c *cloud) string { return c.static() + "\nassume_role " + roleARN }, status: 503},
		"expired token": {words: (*cloud).static, refuse: &simulator.Failure{Status: 400, Code: "ExpiredToken"}, status: 503},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCloud(t, "eu-west-1")
			s3 := c.serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/xml")
				_, f := c.Authenticate(r, nil, "s3")
				if f != nil && f.Code == "InvalidClientTokenId" {
					f.Code = "InvalidAccessKeyId" // S3's name for it
				}
				if f == nil {
					f = tc.refuse
				}
				if f != nil {
					w.WriteHeader(f.Status)
					fmt.Fprintf(w, `<Error><Code>%s</Code><Message>%s %s</Message></Error>`, f.Code, userARN, f.Message)
					return
				}
				fmt.Fprint(w, `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><KeyCount>0</KeyCount><MaxKeys>1</MaxKeys><IsTruncated>false</IsTruncated></ListBucketResult>`)
			})
			g := gatewaytest.Start(t, "bedrock_gateway {\nopenai sk-x\nfiles s3 b {\nregion eu-west-1\nendpoint "+s3+"\npath_style\nsts_endpoint "+c.sts+"\n"+tc.words(c)+"\n}\n}")
			a := g.Get(t, "/v1/files/health")
			var page struct {
				Status             string
				S3BucketConfigured bool   `json:"s3_bucket_configured"`
				AWSRegion          string `json:"aws_region"`
				CredentialsValid   bool   `json:"credentials_valid"`
			}
			if err := json.Unmarshal([]byte(a.Body), &page); err != nil || a.Status != tc.status || page.CredentialsValid != tc.valid ||
				page.AWSRegion != "eu-west-1" || !page.S3BucketConfigured || (page.Status == "healthy") != (tc.status == 200) {
				t.Errorf("%d %s", a.Status, a.Body)
			}
			for _, private := range append(c.known(), "arn:", "111111111111", "AKIA", "ASIA") {
				if strings.Contains(a.Body, private) {
					t.Errorf("%s is on the page: %s", private, a.Body)
				}
			}
		})
	}
}
