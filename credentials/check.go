package credentials

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// The limits of AssumeRole: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
const (
	minDuration        = 15 * time.Minute
	maxDuration        = 12 * time.Hour
	maxChainedDuration = time.Hour // of a role assumed with another role's session
	minSessionName     = 2
	maxSessionName     = 64
	minExternalID      = 2
	maxExternalID      = 1224

	maxRoles = 8 // bounds the STS calls of one refresh
)

// nameMarks may stand in session names beside letters and digits; external ids allow more.
const (
	sessionMarks    = "_+=,.@-"
	externalIDMarks = "_+=,.@:/-"
	rolePathMarks   = "_+=,.@/-"
)

// check returns an error for what is wrong with s. It sends nothing.
func (s *settings) check() error {
	if s.region == "" {
		return errors.New("you must specify a region: in the Caddyfile (region us-east-1), or by AWS_REGION")
	}
	if !only(s.region, "-") {
		return fmt.Errorf("region %q is not the name of a region, such as us-east-1", s.region)
	}
	if s.stsEndpoint != "" {
		u, err := url.Parse(s.stsEndpoint)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			return fmt.Errorf("sts_endpoint %q is not an http or https URL", s.stsEndpoint)
		}
	}
	if w := s.base.web; w != nil {
		if err := s.checkRole("web_identity", w.role, maxDuration); err != nil {
			return err
		}
		if err := checkTokenFile(w.tokenFile); err != nil {
			return err
		}
	}
	limit := maxDuration
	if s.base.web != nil {
		limit = maxChainedDuration
	}
	for _, r := range s.roles {
		if err := s.checkRole("assume_role", r, limit); err != nil {
			return err
		}
		limit = maxChainedDuration
	}
	return nil
}

func (s *settings) checkRole(word string, r role, limit time.Duration) error {
	partition, err := parseRoleARN(r.arn)
	if err != nil {
		return fmt.Errorf("%s: %w", word, err)
	}
	if p := regionPartition(s.region); p != partition && s.stsEndpoint == "" {
		return fmt.Errorf("%s: role %s is in the partition %s, but region %s is in %s; roles cannot be assumed across partitions",
			word, r.arn, partition, s.region, p)
	}
	switch {
	case r.duration < minDuration || r.duration > maxDuration:
		return fmt.Errorf("%s: duration %s is out of range: 15m to 12h (900 to 43200 seconds)", word, r.duration)
	case r.duration > limit:
		return fmt.Errorf("%s: duration %s is too long: a role assumed from another role's session lasts at most 1h",
			word, r.duration)
	case len(r.session) < minSessionName || len(r.session) > maxSessionName || !only(r.session, sessionMarks):
		return fmt.Errorf("%s: session_name %q must be 2 to 64 letters, digits or %s", word, r.session, sessionMarks)
	case r.externalID == "":
		return nil
	case len(r.externalID) < minExternalID || len(r.externalID) > maxExternalID || !only(r.externalID, externalIDMarks):
		// The id itself is left out: it is shared with one partner only.
		return fmt.Errorf("%s: external_id must be 2 to 1224 letters, digits or %s", word, externalIDMarks)
	}
	return nil
}

// parseRoleARN checks arn:<partition>:iam::<account>:role/<path and name>, and returns the partition.
func parseRoleARN(arn string) (partition string, err error) {
	f := strings.SplitN(arn, ":", 6)
	if len(f) != 6 || f[0] != "arn" || !strings.HasPrefix(f[1], "aws") || f[2] != "iam" || f[3] != "" ||
		len(f[4]) != 12 || strings.Trim(f[4], "0123456789") != "" {
		return "", fmt.Errorf("%q is not the ARN of a role, such as arn:aws:iam::123456789012:role/Name", arn)
	}
	name, ok := strings.CutPrefix(f[5], "role/")
	if !ok || name == "" || strings.HasSuffix(name, "/") || !only(name, rolePathMarks) {
		return "", fmt.Errorf("%q is not the ARN of a role: its last part must be role/Name", arn)
	}
	return f[1], nil
}

// partitions by the prefix of their regions' names; every other region is in "aws".
// https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html
var partitions = []struct{ prefix, partition string }{
	{"cn-", "aws-cn"},
	{"us-gov-", "aws-us-gov"},
	{"us-iso-", "aws-iso"},
	{"us-isob-", "aws-iso-b"},
	{"us-isof-", "aws-iso-f"},
	{"eu-isoe-", "aws-iso-e"},
	{"eusc-", "aws-eusc"},
}

func regionPartition(region string) string {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return "aws"
}

func checkTokenFile(path string) error {
	if path == "" {
		return errors.New("web_identity: no token file given")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("web identity token file not found: %s; in Kubernetes, check the pod's service account and its projected token", path)
	case err != nil:
		return fmt.Errorf("web identity token file cannot be read: %w", err)
	case info.IsDir():
		return fmt.Errorf("web identity token file %s is a directory", path)
	}
	return nil
}

// only reports whether s consists of ASCII letters, digits and marks.
func only(s, marks string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && strings.IndexByte(marks, c) < 0 {
			return false
		}
	}
	return true
}
