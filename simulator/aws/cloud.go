// Package aws simulates, for tests, the parts of AWS that hand out credentials: STS, the EC2 instance metadata service
// (version 2), the container credentials endpoint of ECS and EKS Pod Identity, and the SSO portal. They are plain
// http.Handlers over one Cloud, and as strict as the real ones: signatures, session tokens, external ids, durations,
// session names and request forms are all checked, and the answers have AWS's shapes and codes.
package aws

import (
	"crypto/rand"
	"encoding/base32"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Cloud is one simulated AWS: who exists, which sessions were issued, and what was asked. It is safe for concurrent use
// once its handlers serve, through its methods; set its fields before.
type Cloud struct {
	// Region is what signatures must be scoped to; "" for any.
	Region string

	// Lifetime, if not 0, is how long issued credentials live, whatever was asked for.
	Lifetime time.Duration

	// Intercept, if not nil, may answer a call instead of the Cloud: "AssumeRole", "AssumeRoleWithWebIdentity",
	// "GetCallerIdentity", "GetRoleCredentials", "metadata", "container". nil: the Cloud answers. It may block.
	Intercept func(call string) *Failure

	mu     sync.Mutex
	keys   map[string]key
	roles  map[string]Role
	tokens map[string]Token
	calls  map[string]int
	inside map[string]int
	peak   map[string]int
}

// Failure is an error answer.
type Failure struct {
	Status        int
	Code, Message string
}

func (f *Failure) String() string { return f.Code + ": " + f.Message }

// Role is an IAM role with its trust policy.
type Role struct {
	ARN string

	// Trusted are the principals that may assume it: ARNs, or an account's root for all of its principals.
	Trusted []string

	// ExternalID, if not empty, must be given exactly.
	ExternalID string

	// MaxSession is the longest session. Default: 1h.
	MaxSession time.Duration

	// Issuer, Audience and Subject are what a web identity token must have. Empty Issuer: no web identity may assume it.
	Issuer, Audience, Subject string
}

// Token is an OpenID Connect token, known to the Cloud by its text.
type Token struct {
	Issuer, Audience, Subject string
	Expires                   time.Time
}

// Session is what a key stands for.
type Session struct {
	AccessKeyID, SecretAccessKey, SessionToken string
	ARN                                        string
	Expires                                    time.Time // zero for the keys of users
}

type key struct {
	Session
	chained bool // the session of a role
}

// New returns a Cloud of one region, without anybody in it.
func New(region string) *Cloud {
	return &Cloud{
		Region: region,
		keys:   map[string]key{}, roles: map[string]Role{}, tokens: map[string]Token{},
		calls: map[string]int{}, inside: map[string]int{}, peak: map[string]int{},
	}
}

// AddUser makes an access key of a user with this ARN.
func (c *Cloud) AddUser(arn string) Session {
	s := Session{AccessKeyID: "AKIA" + random(10), SecretAccessKey: random(25), ARN: arn}
	c.AddKey(s)
	return s
}

// AddKey adds an access key that is known elsewhere.
func (c *Cloud) AddKey(s Session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[s.AccessKeyID] = key{Session: s}
}

// RemoveKey deletes an access key, of a user or a session.
func (c *Cloud) RemoveKey(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.keys, id)
}

// AddRole makes or replaces a role.
func (c *Cloud) AddRole(r Role) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.roles[r.ARN] = r
}

// AddToken makes a web identity token and returns its text, which has the look of a JWT.
func (c *Cloud) AddToken(t Token) string {
	text := "eyJhbGciOiJSUzI1NiJ9." + random(40) + "." + random(40)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tokens[text] = t
	return text
}

// Issue makes session credentials for a role, as a service inside AWS does, to live for d.
func (c *Cloud) Issue(roleARN, session string, d time.Duration) Session {
	if c.Lifetime != 0 {
		d = c.Lifetime
	}
	s := Session{
		AccessKeyID: "ASIA" + random(10), SecretAccessKey: random(25), SessionToken: random(100),
		ARN:     sessionARN(roleARN, session),
		Expires: time.Now().Add(d).UTC().Truncate(time.Millisecond),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[s.AccessKeyID] = key{Session: s, chained: true}
	return s
}

// Calls returns how often each call was made.
func (c *Cloud) Calls() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.calls)
}

// Peak returns how many of one call were under way at the same time, at most.
func (c *Cloud) Peak(call string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peak[call]
}

// enter counts a call and lets Intercept answer it. leave must be called at its end.
func (c *Cloud) enter(call string) (leave func(), f *Failure) {
	c.mu.Lock()
	c.calls[call]++
	c.inside[call]++
	c.peak[call] = max(c.peak[call], c.inside[call])
	c.mu.Unlock()
	if c.Intercept != nil {
		f = c.Intercept(call)
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.inside[call]--
	}, f
}

// sessionARN is the ARN of a session of a role: arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION.
func sessionARN(roleARN, session string) string {
	f := strings.SplitN(roleARN, ":", 6)
	name := f[5][strings.LastIndexByte(f[5], '/')+1:]
	return fmt.Sprintf("arn:%s:sts::%s:assumed-role/%s/%s", f[1], f[4], name, session)
}

func account(arn string) string {
	if f := strings.SplitN(arn, ":", 6); len(f) == 6 {
		return f[4]
	}
	return ""
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)
}

func fail(status int, code, format string, args ...any) *Failure {
	return &Failure{Status: status, Code: code, Message: fmt.Sprintf(format, args...)}
}

// maxBody bounds what the handlers read.
const maxBody = 1 << 20

func methodNotAllowed(w http.ResponseWriter) {
	http.Error(w, "405 - Method Not Allowed", http.StatusMethodNotAllowed)
}
