package aws

import (
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Metadata serves an EC2 instance's metadata, by version 2 only: first a token by PUT, then everything with it.
// roleARN is the instance's role; empty: it has none.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-service.html
func (c *Cloud) Metadata(roleARN string) http.Handler {
	const credentialsPath = "/latest/meta-data/iam/security-credentials/"
	var mu sync.Mutex
	tokens := map[string]time.Time{}
	name := roleARN[strings.LastIndexByte(roleARN, '/')+1:]

	mux := http.NewServeMux()
	mux.HandleFunc("PUT /latest/api/token", func(w http.ResponseWriter, r *http.Request) {
		ttl, err := strconv.Atoi(r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds"))
		if err != nil || ttl < 1 || ttl > 21600 || r.Header.Get("X-Forwarded-For") != "" {
			http.Error(w, "400 - Bad Request", http.StatusBadRequest)
			return
		}
		token := random(30)
		mu.Lock()
		tokens[token] = time.Now().Add(time.Duration(ttl) * time.Second)
		mu.Unlock()
		w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", strconv.Itoa(ttl))
		_, _ = w.Write([]byte(token))
	})
	mux.HandleFunc("GET "+credentialsPath, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		expires, ok := tokens[r.Header.Get("X-Aws-Ec2-Metadata-Token")]
		mu.Unlock()
		switch asked := strings.TrimPrefix(r.URL.Path, credentialsPath); {
		case !ok || time.Now().After(expires):
			http.Error(w, "401 - Unauthorized", http.StatusUnauthorized)
		case roleARN == "":
			http.Error(w, "404 - Not Found", http.StatusNotFound)
		case asked == "":
			_, _ = w.Write([]byte(name))
		case asked != name:
			http.Error(w, "404 - Not Found", http.StatusNotFound)
		default:
			leave, f := c.enter("metadata")
			defer leave()
			if f != nil {
				http.Error(w, f.Message, f.Status)
				return
			}
			s := c.Issue(roleARN, "i-0123456789abcdef0", 6*time.Hour)
			writeJSON(w, http.StatusOK, map[string]string{
				"Code": "Success", "Type": "AWS-HMAC", "LastUpdated": time.Now().UTC().Format(time.RFC3339),
				"AccessKeyId": s.AccessKeyID, "SecretAccessKey": s.SecretAccessKey, "Token": s.SessionToken,
				"Expiration": s.Expires.Format(time.RFC3339Nano),
			})
		}
	})
	return mux
}

// Container serves the credentials of an ECS task or an EKS pod. authorization returns what the Authorization header must
// be; nil: ECS's relative address, which needs none.
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (c *Cloud) Container(roleARN string, authorization func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			methodNotAllowed(w)
			return
		}
		if authorization != nil && r.Header.Get("Authorization") != authorization() {
			writeJSON(w, http.StatusUnauthorized, map[string]string{"code": "AccessDeniedException", "message": "unauthorized"})
			return
		}
		leave, f := c.enter("container")
		defer leave()
		if f != nil {
			writeJSON(w, f.Status, map[string]string{"code": f.Code, "message": f.Message})
			return
		}
		s := c.Issue(roleARN, "task", 6*time.Hour)
		writeJSON(w, http.StatusOK, map[string]string{
			"AccessKeyId": s.AccessKeyID, "SecretAccessKey": s.SecretAccessKey, "Token": s.SessionToken,
			"Expiration": s.Expires.Format(time.RFC3339Nano), "AccountId": account(roleARN), "RoleArn": roleARN,
		})
	})
}

// FileAuthorization returns what Container takes for EKS Pod Identity, whose token stands in a file.
func FileAuthorization(path string) func() string {
	return func() string {
		b, err := os.ReadFile(path) // #nosec G304 -- a test's own file
		if err != nil {
			return "no token file"
		}
		return string(b)
	}
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}
