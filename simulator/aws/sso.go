package aws

import (
	"encoding/json"
	"io"
	"net/http"
	"time"
)

// SSO is a simulated IAM Identity Center: its portal, and the token endpoint that renews a login.
type SSO struct {
	Cloud *Cloud

	// AccessToken is the token of the one login there is; empty: nobody is logged in.
	AccessToken string

	// RefreshToken, ClientID and ClientSecret renew the login, giving AccessToken. Empty RefreshToken: it cannot be.
	RefreshToken, ClientID, ClientSecret string

	// AccountID and RoleName are what the login is assigned.
	AccountID, RoleName string
}

// ServeHTTP serves GetRoleCredentials and CreateToken.
// https://docs.aws.amazon.com/singlesignon/latest/PortalAPIReference/API_GetRoleCredentials.html
// https://docs.aws.amazon.com/singlesignon/latest/OIDCAPIReference/API_CreateToken.html
func (s *SSO) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/federation/credentials" && r.Method == http.MethodGet:
		s.roleCredentials(w, r)
	case r.URL.Path == "/token" && r.Method == http.MethodPost:
		s.createToken(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *SSO) roleCredentials(w http.ResponseWriter, r *http.Request) {
	leave, f := s.Cloud.enter("GetRoleCredentials")
	defer leave()
	token, q := r.Header.Get("X-Amz-Sso_bearer_token"), r.URL.Query()
	switch {
	case f != nil:
	case r.Header.Get("Authorization") != "":
		f = fail(400, "InvalidRequestException", "the portal's requests are not signed")
	case s.AccessToken == "" || token != s.AccessToken:
		f = fail(401, "UnauthorizedException", "Session token not found or invalid")
	case q.Get("account_id") != s.AccountID || q.Get("role_name") != s.RoleName:
		f = fail(403, "ForbiddenException", "No access")
	}
	if f != nil {
		w.Header().Set("X-Amzn-Errortype", f.Code)
		writeJSON(w, f.Status, map[string]string{"message": f.Message})
		return
	}
	c := s.Cloud.Issue("arn:aws:iam::"+s.AccountID+":role/aws-reserved/sso.amazonaws.com/"+s.RoleName, "user", time.Hour)
	writeJSON(w, http.StatusOK, map[string]any{"roleCredentials": map[string]any{
		"accessKeyId": c.AccessKeyID, "secretAccessKey": c.SecretAccessKey, "sessionToken": c.SessionToken,
		"expiration": c.Expires.UnixMilli(),
	}})
}

func (s *SSO) createToken(w http.ResponseWriter, r *http.Request) {
	leave, f := s.Cloud.enter("CreateToken")
	defer leave()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var in struct{ ClientID, ClientSecret, GrantType, RefreshToken string }
	if err == nil {
		err = json.Unmarshal(body, &in)
	}
	switch {
	case f != nil:
	case err != nil || in.GrantType != "refresh_token":
		f = fail(400, "InvalidRequestException", "unreadable request")
	case in.ClientID != s.ClientID || in.ClientSecret != s.ClientSecret:
		f = fail(401, "InvalidClientException", "unknown client")
	case s.RefreshToken == "" || in.RefreshToken != s.RefreshToken:
		f = fail(400, "InvalidGrantException", "Invalid refresh token")
	}
	if f != nil {
		w.Header().Set("X-Amzn-Errortype", f.Code)
		writeJSON(w, f.Status, map[string]string{"error": f.Code, "error_description": f.Message})
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"accessToken": s.AccessToken, "refreshToken": s.RefreshToken, "tokenType": "Bearer", "expiresIn": 3600,
	})
}
