package aws

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxSkew is how far X-Amz-Date may be from now.
const maxSkew = 5 * time.Minute

// Authenticate checks a request's AWS Signature Version 4 for a service, and returns the ARN of who signed it.
// The rules: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (c *Cloud) Authenticate(r *http.Request, body []byte, service string) (Session, *Failure) {
	k, f := c.authenticate(r, body, service)
	return k.Session, f
}

func (c *Cloud) authenticate(r *http.Request, body []byte, service string) (key, *Failure) {
	auth, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return key{}, fail(403, "MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	parts := map[string]string{}
	for p := range strings.SplitSeq(auth, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[name] = value
	}
	scope := strings.Split(parts["Credential"], "/")
	signed := strings.Split(parts["SignedHeaders"], ";")
	if len(parts) != 3 || len(scope) != 5 || scope[4] != "aws4_request" || parts["Signature"] == "" {
		return key{}, fail(400, "IncompleteSignature", "Authorization header is malformed")
	}
	id, day, region := scope[0], scope[1], scope[2]
	date := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", date)
	switch {
	case err != nil || !strings.HasPrefix(date, day):
		return key{}, fail(400, "IncompleteSignature", "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date")
	case time.Since(at).Abs() > maxSkew:
		return key{}, fail(403, "SignatureDoesNotMatch", "Signature expired: %s is now outside of %s", date, maxSkew)
	case c.Region != "" && region != c.Region:
		return key{}, fail(403, "SignatureDoesNotMatch", "Credential should be scoped to a valid region.")
	case scope[3] != service:
		return key{}, fail(403, "SignatureDoesNotMatch", "Credential should be scoped to correct service: '%s'.", service)
	}
	for name := range r.Header {
		n := strings.ToLower(name)
		if (strings.HasPrefix(n, "x-amz-") || n == "content-type") && !slices.Contains(signed, n) {
			return key{}, fail(403, "SignatureDoesNotMatch", "header %s is not signed", n)
		}
	}
	if !slices.Contains(signed, "host") || !slices.IsSorted(signed) {
		return key{}, fail(403, "SignatureDoesNotMatch", "SignedHeaders must hold host and be sorted")
	}

	c.mu.Lock()
	k, known := c.keys[id]
	c.mu.Unlock()
	token := r.Header.Get("X-Amz-Security-Token")
	switch {
	case !known || k.SessionToken != token:
		return key{}, fail(403, "InvalidClientTokenId", "The security token included in the request is invalid.")
	case !k.Expires.IsZero() && time.Now().After(k.Expires):
		return key{}, fail(403, "ExpiredToken", "The security token included in the request is expired")
	}
	canonical := canonicalRequest(r, body, signed)
	want := sign(k.SecretAccessKey, date, day, region, service, canonical)
	if !hmac.Equal([]byte(want), []byte(parts["Signature"])) {
		// AWS does show the canonical request, headers and all.
		return key{}, fail(403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String for this request should have been\n'%s'", canonical)
	}
	return k, nil
}

func canonicalRequest(r *http.Request, body []byte, signed []string) string {
	path := r.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = uriEncode(s)
	}
	var query []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, uriEncode(name)+"="+uriEncode(v))
		}
	}
	slices.Sort(query)
	var b strings.Builder
	b.WriteString(r.Method + "\n" + strings.Join(segments, "/") + "\n" + strings.Join(query, "&") + "\n")
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = r.Header.Get("Content-Length")
			if value == "" {
				value = strconv.Itoa(len(body))
			}
		}
		b.WriteString(name + ":" + strings.Join(strings.Fields(value), " ") + "\n")
	}
	sum := sha256.Sum256(body)
	b.WriteString("\n" + strings.Join(signed, ";") + "\n" + hex.EncodeToString(sum[:]))
	return b.String()
}

func sign(secret, date, day, region, service, canonical string) string {
	sum := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + date + "\n" + day + "/" + region + "/" + service + "/aws4_request\n" + hex.EncodeToString(sum[:])
	k := mac([]byte("AWS4"+secret), day)
	for _, s := range []string{region, service, "aws4_request"} {
		k = mac(k, s)
	}
	return hex.EncodeToString(mac(k, text))
}

func mac(k []byte, s string) []byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte(s))
	return m.Sum(nil)
}

// uriEncode encodes all but RFC 3986's unreserved characters, as SigV4 asks.
func uriEncode(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%7E", "~")
}
