package bedrock

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	amzDate    = "20060102T150405Z"
	maxSkew    = 5 * time.Minute
	terminator = "aws4_request"
)

// authenticate checks the request's SigV4 signature or bearer key against the raw request, as
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html describes for every
// service but S3: the path is encoded once more than it was sent. It returns the region of the credential scope; a bearer
// key does not tell one, and its region is the first of Options.Regions or empty.
func (s *server) authenticate(r *http.Request, body []byte) (region string, refused *apiError) {
	header := r.Header.Get("Authorization")
	if token, ok := cutScheme(header, "Bearer"); ok {
		for _, key := range s.opts.APIKeys {
			if subtle.ConstantTimeCompare([]byte(key), []byte(token)) == 1 {
				return s.homeRegion(), nil
			}
		}
		refused = &apiError{name: "AccessDeniedException", message: "Authentication failed: Please make sure your API Key is valid."}
		if s.mantle {
			refused.name = "InvalidApiKey"
		}
		return "", refused
	}
	fields, ok := cutScheme(header, algorithm)
	if !ok {
		if header == "" {
			return "", &apiError{name: "MissingAuthenticationTokenException", message: "Missing Authentication Token"}
		}
		return "", incomplete("Authorization header requires 'Credential' parameter.")
	}
	auth, refused := parseAuthorization(fields)
	if refused != nil {
		return "", refused
	}
	key, known := s.opts.AccessKeys[auth.id]
	token := r.Header.Get("X-Amz-Security-Token")
	if !known || subtle.ConstantTimeCompare([]byte(token), []byte(key.SessionToken)) != 1 {
		return "", &apiError{name: "UnrecognizedClientException", message: messages["UnrecognizedClientException"]}
	}
	now := s.opts.Now().UTC()
	if !key.Expires.IsZero() && !now.Before(key.Expires) {
		return "", &apiError{name: "ExpiredTokenException", message: messages["ExpiredTokenException"]}
	}
	stamp, refused := s.checkScope(r, auth, now)
	if refused != nil {
		return "", refused
	}
	canonical, refused := canonicalRequest(r, auth.signed, body)
	if refused != nil {
		return "", refused
	}
	if subtle.ConstantTimeCompare([]byte(signature(key.Secret, auth, stamp, canonical)), []byte(auth.signature)) != 1 {
		s.logf("signature mismatch, the canonical request should have been %q", canonical)
		return "", badSignature("The request signature we calculated does not match the signature you provided. " +
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return auth.region, nil
}

// authorization is the parsed Authorization header.
type authorization struct {
	id, date, region, service string
	signed                    []string
	signature                 string
}

func parseAuthorization(fields string) (a authorization, refused *apiError) {
	params := map[string]string{}
	for part := range strings.SplitSeq(fields, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		params[name] = value
	}
	for _, name := range []string{"Credential", "SignedHeaders", "Signature"} {
		if params[name] == "" {
			return a, incomplete("Authorization header requires '" + name + "' parameter.")
		}
	}
	scope := strings.Split(params["Credential"], "/")
	if len(scope) != 5 || scope[4] != terminator {
		return a, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")
	}
	a = authorization{
		id: scope[0], date: scope[1], region: scope[2], service: scope[3],
		signed:    strings.Split(params["SignedHeaders"], ";"),
		signature: params["Signature"],
	}
	return a, nil
}

// checkScope compares the credential scope and the request's date with the clock and with what this server is.
func (s *server) checkScope(r *http.Request, a authorization, now time.Time) (stamp string, refused *apiError) {
	stamp = r.Header.Get("X-Amz-Date")
	if stamp == "" {
		return "", incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
	}
	at, err := time.Parse(amzDate, stamp)
	if err != nil {
		return "", incomplete("Date must be in ISO-8601 'basic format'. Got '" + stamp + "'.")
	}
	switch {
	case a.date != stamp[:8]:
		return "", badSignature(fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			a.date, stamp[:8], stamp))
	case !slices.Contains(s.services(), a.service):
		return "", badSignature("Credential should be scoped to correct service: '" + s.services()[0] + "'. ")
	case a.region == "" || len(s.opts.Regions) > 0 && !slices.Contains(s.opts.Regions, a.region):
		return "", badSignature("Credential should be scoped to a valid region. ")
	case now.Sub(at) > maxSkew:
		return "", badSignature(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)",
			stamp, now.Add(-maxSkew).Format(amzDate), now.Format(amzDate)))
	case at.Sub(now) > maxSkew:
		return "", badSignature(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)",
			stamp, now.Add(maxSkew).Format(amzDate), now.Format(amzDate)))
	}
	return stamp, nil
}

// services are what a signature may be scoped to; the declared one comes first. Mantle takes the runtime's too
// (https://github.com/BerriAI/litellm/pull/31476).
func (s *server) services() []string {
	if s.mantle {
		return []string{"bedrock-mantle", "bedrock"}
	}
	return []string{"bedrock"}
}

// canonicalRequest builds the string whose hash is signed, from the request as it was sent.
func canonicalRequest(r *http.Request, signed []string, body []byte) (string, *apiError) {
	if !slices.Contains(signed, "host") {
		return "", badSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	if !slices.IsSorted(signed) {
		return "", badSignature("SignedHeaders must be sorted.")
	}
	for name := range r.Header {
		if lower := strings.ToLower(name); strings.HasPrefix(lower, "x-amz-") && !slices.Contains(signed, lower) {
			return "", badSignature("There were headers present in the request which were not signed: " + lower)
		}
	}
	hash := sha256.Sum256(body)
	payload := hex.EncodeToString(hash[:])
	if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" && sent != payload {
		return "", badSignature("The value passed in as x-amz-content-sha256 does not match the SHA256 of the body.")
	}
	path, query := rawTarget(r)
	var b strings.Builder
	b.WriteString(r.Method + "\n" + escapePath(path) + "\n" + canonicalQuery(query) + "\n")
	for _, name := range signed {
		value, ok := headerValue(r, name)
		if !ok {
			return "", badSignature("The signed header '" + name + "' is not in the request.")
		}
		b.WriteString(name + ":" + value + "\n")
	}
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + payload)
	return b.String(), nil
}

func signature(secret string, a authorization, stamp, canonical string) string {
	hash := sha256.Sum256([]byte(canonical))
	toSign := strings.Join([]string{
		algorithm, stamp,
		strings.Join([]string{a.date, a.region, a.service, terminator}, "/"),
		hex.EncodeToString(hash[:]),
	}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{a.date, a.region, a.service, terminator, toSign} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}

// rawTarget is the path and query as they stood on the request line. RequestURI is set by every server and survives
// http.StripPrefix; a request made by hand in a test falls back on its URL.
func rawTarget(r *http.Request) (path, query string) {
	target := r.RequestURI
	if target == "" {
		target = r.URL.RequestURI()
	}
	if i := strings.Index(target, "://"); i >= 0 && !strings.HasPrefix(target, "/") {
		if j := strings.IndexByte(target[i+3:], '/'); j >= 0 {
			target = target[i+3+j:]
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return path, query
}

func escapePath(path string) string {
	var b strings.Builder
	for i := range len(path) {
		if c := path[i]; unreserved(c) || c == '/' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func canonicalQuery(query string) string {
	var pairs []string
	for part := range strings.SplitSeq(query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		pairs = append(pairs, recode(name)+"="+recode(value))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func recode(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		s = plain
	}
	var b strings.Builder
	for i := range len(s) {
		if unreserved(s[i]) {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
	}
	return b.String()
}

func unreserved(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// headerValue is a header's canonical value: values joined by commas, runs of spaces made one.
func headerValue(r *http.Request, name string) (string, bool) {
	values := r.Header.Values(name)
	switch {
	case name == "host":
		return r.Host, true
	case name == "content-length" && len(values) == 0 && r.ContentLength >= 0:
		return strconv.FormatInt(r.ContentLength, 10), true
	case len(values) == 0:
		return "", false
	}
	trimmed := make([]string, len(values))
	for i, v := range values {
		trimmed[i] = strings.Join(strings.Fields(v), " ")
	}
	return strings.Join(trimmed, ","), true
}

func cutScheme(header, name string) (rest string, ok bool) {
	if len(header) <= len(name) || !strings.EqualFold(header[:len(name)], name) || header[len(name)] != ' ' {
		return "", false
	}
	return strings.TrimSpace(header[len(name)+1:]), true
}

func incomplete(message string) *apiError {
	return &apiError{name: "IncompleteSignatureException", message: message}
}

func badSignature(message string) *apiError {
	return &apiError{name: "InvalidSignatureException", message: message}
}
