package aws

import (
	"encoding/xml"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// The forms of https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
var (
	roleARNForm     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$`)
	sessionNameForm = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalIDForm  = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
)

// actions and the parameters that each may have.
var actions = map[string][]string{
	"AssumeRole":                {"RoleArn", "RoleSessionName", "ExternalId", "DurationSeconds"},
	"AssumeRoleWithWebIdentity": {"RoleArn", "RoleSessionName", "WebIdentityToken", "DurationSeconds"},
	"GetCallerIdentity":         {},
}

// STS serves AssumeRole, AssumeRoleWithWebIdentity and GetCallerIdentity by the query protocol.
func (c *Cloud) STS() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			writeXMLError(w, fail(400, "InvalidRequest", "unreadable body"))
			return
		}
		form, f := stsForm(r, body)
		if f != nil {
			writeXMLError(w, f)
			return
		}
		action := form.Get("Action")
		leave, f := c.enter(action)
		defer leave()
		if f != nil {
			writeXMLError(w, f)
			return
		}
		var result any
		switch action {
		case "AssumeRole":
			result, f = c.assumeRole(r, body, form)
		case "AssumeRoleWithWebIdentity":
			result, f = c.assumeRoleWithWebIdentity(r, form)
		case "GetCallerIdentity":
			result, f = c.callerIdentity(r, body)
		}
		if f != nil {
			writeXMLError(w, f)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		_ = xml.NewEncoder(w).Encode(result)
	})
}

func stsForm(r *http.Request, body []byte) (url.Values, *Failure) {
	if media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); r.Method != http.MethodPost || r.URL.Path != "/" ||
		media != "application/x-www-form-urlencoded" {
		return nil, fail(400, "InvalidRequest", "the simulator takes forms posted to / only")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, fail(400, "MalformedQueryString", "%v", err)
	}
	allowed, ok := actions[form.Get("Action")]
	if !ok || form.Get("Version") != "2011-06-15" {
		return nil, fail(400, "InvalidAction", "Could not find operation %s for version %s", form.Get("Action"), form.Get("Version"))
	}
	for name, values := range form {
		if name != "Action" && name != "Version" && !slices.Contains(allowed, name) || len(values) != 1 || values[0] == "" {
			return nil, fail(400, "ValidationError", "unexpected, repeated or empty parameter %s", name)
		}
	}
	return form, nil
}

func (c *Cloud) assumeRole(r *http.Request, body []byte, form url.Values) (any, *Failure) {
	caller, f := c.authenticate(r, body, "sts")
	if f != nil {
		return nil, f
	}
	if id := form.Get("ExternalId"); id != "" && (len(id) < 2 || len(id) > 1224 || !externalIDForm.MatchString(id)) {
		return nil, fail(400, "ValidationError", "Value at 'externalId' failed to satisfy constraint")
	}
	role, f := c.role(form)
	if f != nil {
		return nil, f
	}
	root := fmt.Sprintf("arn:aws:iam::%s:root", account(caller.ARN))
	if !slices.Contains(role.Trusted, caller.ARN) && !slices.Contains(role.Trusted, root) ||
		role.ExternalID != "" && form.Get("ExternalId") != role.ExternalID {
		return nil, fail(403, "AccessDenied", "User: %s is not authorized to perform: sts:AssumeRole on resource: %s",
			caller.ARN, form.Get("RoleArn"))
	}
	d, f := sessionDuration(form, role)
	if f != nil {
		return nil, f
	}
	if caller.chained && d > time.Hour {
		return nil, fail(400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	}
	s := c.Issue(role.ARN, form.Get("RoleSessionName"), d)
	return assumeRoleResponse{Result: assumedRole{s.xml(), userOf(s)}}, nil
}

func (c *Cloud) assumeRoleWithWebIdentity(r *http.Request, form url.Values) (any, *Failure) {
	if r.Header.Get("Authorization") != "" {
		return nil, fail(400, "InvalidRequest", "AssumeRoleWithWebIdentity must not be signed")
	}
	role, f := c.role(form)
	if f != nil {
		return nil, f
	}
	c.mu.Lock()
	token, known := c.tokens[form.Get("WebIdentityToken")]
	c.mu.Unlock()
	switch {
	case !known:
		return nil, fail(400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider")
	case time.Now().After(token.Expires):
		return nil, fail(400, "ExpiredTokenException", "Token expired: current date/time must be before the expiration date/time")
	case role.Issuer == "" || role.Issuer != token.Issuer || role.Audience != token.Audience || role.Subject != token.Subject:
		return nil, fail(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	}
	d, f := sessionDuration(form, role)
	if f != nil {
		return nil, f
	}
	s := c.Issue(role.ARN, form.Get("RoleSessionName"), d)
	return webIdentityResponse{Result: assumedRole{s.xml(), userOf(s)}}, nil
}

func (c *Cloud) callerIdentity(r *http.Request, body []byte) (any, *Failure) {
	k, f := c.authenticate(r, body, "sts")
	if f != nil {
		return nil, f
	}
	return callerIdentityResponse{Result: callerIdentity{k.ARN, "AIDASIMULATED", account(k.ARN)}}, nil
}

// role finds the role that a form names. As AWS does, it does not tell roles that do not exist from forbidden ones.
func (c *Cloud) role(form url.Values) (Role, *Failure) {
	arn := form.Get("RoleArn")
	switch {
	case !roleARNForm.MatchString(arn):
		return Role{}, fail(400, "ValidationError", "%s is invalid", arn)
	case !sessionNameForm.MatchString(form.Get("RoleSessionName")):
		return Role{}, fail(400, "ValidationError", "Value at 'roleSessionName' failed to satisfy constraint")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.roles[arn], nil
}

func sessionDuration(form url.Values, role Role) (time.Duration, *Failure) {
	text := form.Get("DurationSeconds")
	if text == "" {
		return time.Hour, nil
	}
	seconds, err := strconv.Atoi(text)
	if err != nil || seconds < 900 || seconds > 43200 {
		return 0, fail(400, "ValidationError", "Value '%s' at 'durationSeconds' failed to satisfy constraint", text)
	}
	longest := role.MaxSession
	if longest == 0 {
		longest = time.Hour
	}
	d := time.Duration(seconds) * time.Second
	if d > longest {
		return 0, fail(400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	return d, nil
}

type (
	sessionXML struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      string
	}
	userXML struct {
		Arn           string
		AssumedRoleID string `xml:"AssumedRoleId"`
	}
	assumedRole struct {
		Credentials     sessionXML
		AssumedRoleUser userXML
	}
	callerIdentity struct{ Arn, UserId, Account string } //nolint:revive // AWS's spelling

	assumeRoleResponse struct {
		XMLName xml.Name    `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleResponse"`
		Result  assumedRole `xml:"AssumeRoleResult"`
	}
	webIdentityResponse struct {
		XMLName xml.Name    `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
		Result  assumedRole `xml:"AssumeRoleWithWebIdentityResult"`
	}
	callerIdentityResponse struct {
		XMLName xml.Name       `xml:"https://sts.amazonaws.com/doc/2011-06-15/ GetCallerIdentityResponse"`
		Result  callerIdentity `xml:"GetCallerIdentityResult"`
	}
	errorResponse struct {
		XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
		Error   struct{ Type, Code, Message string }
		ID      string `xml:"RequestId"`
	}
)

func (s Session) xml() sessionXML {
	return sessionXML{s.AccessKeyID, s.SecretAccessKey, s.SessionToken, s.Expires.Format("2006-01-02T15:04:05.000Z")}
}

func userOf(s Session) userXML { return userXML{s.ARN, "AROASIMULATED:session"} }

func writeXMLError(w http.ResponseWriter, f *Failure) {
	e := errorResponse{ID: "5f6b1c9e-0000-4000-8000-000000000000"}
	e.Error.Type, e.Error.Code, e.Error.Message = "Sender", f.Code, f.Message
	w.Header().Set("Content-Type", "text/xml")
	w.WriteHeader(f.Status)
	_ = xml.NewEncoder(w).Encode(e)
}
