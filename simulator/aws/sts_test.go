package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const (
	testUser = "arn:aws:iam::111111111111:user/u"
	testRole = "arn:aws:iam::222222222222:role/path/R"
)

func client(c *Cloud, url string, s Session) *sts.Client {
	return sts.New(sts.Options{
		Region: c.Region, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(s.AccessKeyID, s.SecretAccessKey, s.SessionToken),
	})
}

// TestSTSIsStrict uses the SDK's client, so that its signatures are what is checked.
func TestSTSIsStrict(t *testing.T) {
	c := New("us-east-1")
	user := c.AddUser(testUser)
	c.AddRole(Role{ARN: testRole, Trusted: []string{testUser, "arn:aws:sts::222222222222:assumed-role/R/s1"}, ExternalID: "ext", MaxSession: 2 * time.Hour, Issuer: "i", Audience: "a", Subject: "s"})
	server := httptest.NewServer(c.STS())
	defer server.Close()
	chained := c.Issue(testRole, "s1", time.Hour)
	c.Lifetime = time.Nanosecond
	expired := c.Issue(testRole, "s1", time.Hour)
	c.Lifetime = 0

	type input = sts.AssumeRoleInput
	ok := func() *input {
		return &input{RoleArn: aws.String(testRole), RoleSessionName: aws.String("s1"), ExternalId: aws.String("ext"), DurationSeconds: aws.Int32(900)}
	}
	with := func(edit func(*input)) *input {
		in := ok()
		edit(in)
		return in
	}
	edited := func(edit func(*Session)) Session {
		s := user
		edit(&s)
		return s
	}
	for name, test := range map[string]struct {
		who  Session
		in   *input
		want string // the code, empty for success
	}{
		"good":                     {user, ok(), ""},
		"chained":                  {chained, ok(), ""},
		"no external id":           {user, with(func(i *input) { i.ExternalId = nil }), "AccessDenied"},
		"wrong external id":        {user, with(func(i *input) { i.ExternalId = aws.String("other") }), "AccessDenied"},
		"malformed external id":    {user, with(func(i *input) { i.ExternalId = aws.String("a b") }), "ValidationError"},
		"unknown role":             {user, with(func(i *input) { i.RoleArn = aws.String(testRole + "x") }), "AccessDenied"},
		"malformed role":           {user, with(func(i *input) { i.RoleArn = aws.String("arn:aws:iam::1:role/x") }), "ValidationError"},
		"malformed session name":   {user, with(func(i *input) { i.RoleSessionName = aws.String("a b") }), "ValidationError"},
		"too short":                {user, with(func(i *input) { i.DurationSeconds = aws.Int32(899) }), "ValidationError"},
		"too long for the role":    {user, with(func(i *input) { i.DurationSeconds = aws.Int32(7201) }), "ValidationError"},
		"as long as the role":      {user, with(func(i *input) { i.DurationSeconds = aws.Int32(7200) }), ""},
		"chained for over an hour": {chained, with(func(i *input) { i.DurationSeconds = aws.Int32(3601) }), "ValidationError"},
		"a policy, not simulated":  {user, with(func(i *input) { i.Policy = aws.String("{}") }), "ValidationError"},
		"unknown key":              {edited(func(s *Session) { s.AccessKeyID += "X" }), ok(), "InvalidClientTokenId"},
		"wrong secret":             {edited(func(s *Session) { s.SecretAccessKey += "X" }), ok(), "SignatureDoesNotMatch"},
		"token of a user":          {edited(func(s *Session) { s.SessionToken = "X" }), ok(), "InvalidClientTokenId"},
		"session without token":    {Session{AccessKeyID: chained.AccessKeyID, SecretAccessKey: chained.SecretAccessKey}, ok(), "InvalidClientTokenId"},
		"expired session":          {expired, ok(), "ExpiredToken"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := client(c, server.URL, test.who).AssumeRole(t.Context(), test.in)
			checkCode(t, err, test.want)
			if err != nil {
				return
			}
			if got := *out.AssumedRoleUser.Arn; got != "arn:aws:sts::222222222222:assumed-role/R/s1" {
				t.Errorf("the session is %s", got)
			}
			want := time.Duration(*test.in.DurationSeconds) * time.Second
			if left := time.Until(*out.Credentials.Expiration); left > want || left < want-time.Minute {
				t.Errorf("the session lives %s, want %s", left, want)
			}
		})
	}
}

func TestWebIdentityIsStrict(t *testing.T) {
	c := New("us-east-1")
	c.AddRole(Role{ARN: testRole, Issuer: "i", Audience: "a", Subject: "s"})
	c.AddRole(Role{ARN: testRole + "NoOIDC", Trusted: []string{testUser}})
	server := httptest.NewServer(c.STS())
	defer server.Close()
	later := time.Now().Add(time.Hour)
	for name, test := range map[string]struct {
		token      *Token
		role, want string
	}{
		"good":           {&Token{"i", "a", "s", later}, testRole, ""},
		"unknown":        {nil, testRole, "InvalidIdentityToken"},
		"expired":        {&Token{"i", "a", "s", time.Now()}, testRole, "ExpiredTokenException"},
		"other issuer":   {&Token{"x", "a", "s", later}, testRole, "AccessDenied"},
		"other audience": {&Token{"i", "x", "s", later}, testRole, "AccessDenied"},
		"other subject":  {&Token{"i", "a", "x", later}, testRole, "AccessDenied"},
		"role without":   {&Token{"", "", "", later}, testRole + "NoOIDC", "AccessDenied"},
	} {
		t.Run(name, func(t *testing.T) {
			text := "unknown"
			if test.token != nil {
				text = c.AddToken(*test.token)
			}
			_, err := client(c, server.URL, Session{}).AssumeRoleWithWebIdentity(t.Context(), &sts.AssumeRoleWithWebIdentityInput{
				RoleArn: aws.String(test.role), RoleSessionName: aws.String("s1"), WebIdentityToken: &text,
			})
			checkCode(t, err, test.want)
		})
	}
}

func checkCode(t *testing.T, err error, want string) {
	t.Helper()
	var api smithy.APIError
	switch {
	case want == "" && err != nil:
		t.Errorf("got %v", err)
	case want != "" && (!errors.As(err, &api) || api.ErrorCode() != want):
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestSignatureCoversTheRequest changes a signed request in each way that a signature must catch.
func TestSignatureCoversTheRequest(t *testing.T) {
	c := New("us-east-1")
	user := c.AddUser(testUser)
	var seen *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Clone(context.Background())
		body, _ = io.ReadAll(r.Body)
		c.STS().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	}))
	defer server.Close()
	_, _ = client(c, server.URL, user).GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	if _, f := c.Authenticate(seen, body, "sts"); f != nil {
		t.Fatalf("the SDK's own request: %v", f)
	}
	for name, test := range map[string]struct {
		edit    func(r *http.Request)
		body    string
		service string
		want    string
	}{
		"body":            {func(*http.Request) {}, string(body) + "&x=y", "sts", "does not match"},
		"path":            {func(r *http.Request) { r.URL.Path = "/x" }, string(body), "sts", "does not match"},
		"query":           {func(r *http.Request) { r.URL.RawQuery = "a=b" }, string(body), "sts", "does not match"},
		"method":          {func(r *http.Request) { r.Method = http.MethodPut }, string(body), "sts", "does not match"},
		"host":            {func(r *http.Request) { r.Host = "other" }, string(body), "sts", "does not match"},
		"service":         {func(*http.Request) {}, string(body), "bedrock", "scoped to correct service"},
		"unsigned header": {func(r *http.Request) { r.Header.Set("X-Amz-Extra", "1") }, string(body), "sts", "x-amz-extra is not signed"},
		"date":            {func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") }, string(body), "sts", "Date in Credential scope"},
		"no signature":    {func(r *http.Request) { r.Header.Del("Authorization") }, string(body), "sts", "missing Authentication Token"},
		"cut signature":   {func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")[:60]) }, string(body), "sts", "malformed"},
	} {
		r := seen.Clone(t.Context())
		test.edit(r)
		_, f := c.Authenticate(r, []byte(test.body), test.service)
		if f == nil || !strings.Contains(f.Message, test.want) {
			t.Errorf("%s: got %v, want %q", name, f, test.want)
		}
	}
	c.Region = "eu-west-1"
	if _, f := c.Authenticate(seen, body, "sts"); f == nil || !strings.Contains(f.Message, "valid region") {
		t.Errorf("another region: got %v", f)
	}
}

// TestMetadataIsVersion2 refuses requests without token, and forwarded ones.
func TestMetadataIsVersion2(t *testing.T) {
	h := New("us-east-1").Metadata(testRole)
	do := func(method, path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, http.NoBody)
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	const path, ttl, tokenHeader = "/latest/meta-data/iam/security-credentials/", "X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "X-Aws-Ec2-Metadata-Token"
	token := do("PUT", "/latest/api/token", ttl, "60").Body.String()
	for _, test := range []struct {
		method, path string
		header       []string
		status       int
		body         string
	}{
		{"PUT", "/latest/api/token", nil, 400, ""},
		{"PUT", "/latest/api/token", []string{ttl, "60", "X-Forwarded-For", "x"}, 400, ""},
		{"PUT", "/latest/api/token", []string{ttl, "21601"}, 400, ""},
		{"GET", path, nil, 401, ""},
		{"GET", path, []string{tokenHeader, "x"}, 401, ""},
		{"GET", path, []string{tokenHeader, token}, 200, "R"},
		{"GET", path + "R", []string{tokenHeader, token}, 200, `"Code":"Success"`},
		{"GET", path + "X", []string{tokenHeader, token}, 404, ""},
		{"GET", "/latest/api/token", nil, 405, ""},
	} {
		w := do(test.method, test.path, test.header...)
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.body) {
			t.Errorf("%s %s %v: got %d %s", test.method, test.path, test.header, w.Code, w.Body)
		}
	}
}
