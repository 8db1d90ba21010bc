package gatewaytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// Upstream plays a provider: it records its requests, and answers what the test set. The answers are played in order, and
// the last one is repeated.
type Upstream struct {
	URL string

	mu      sync.Mutex
	seen    []Seen
	replies map[string][]Reply // by path; "" for all other paths
	gone    chan struct{}      // closed by a Reply that waits for its client to leave
}

// Seen is one request as the upstream received it.
type Seen struct {
	Method string
	Path   string // as sent, still escaped
	Query  string
	Header http.Header
	Body   string
}

// Reply is one answer.
type Reply struct {
	Status int // 0: 200
	Header map[string]string
	Body   string
	// Cut breaks the connection after Body instead of ending the reply.
	Cut bool
	// Hang waits after Body until the client disconnects; without a Body, not even the header is sent.
	Hang bool
	// Began is closed when the request has arrived; nil if nothing waits for it.
	Began chan<- struct{}
	// Until holds Rest back until it is closed; nil if there is no Rest.
	Until <-chan struct{}
	Rest  string
}

// NewUpstream starts an upstream that ends with the test.
func NewUpstream(t testing.TB, replies ...Reply) *Upstream {
	t.Helper()
	u := &Upstream{}
	u.Play(replies...)
	srv := httptest.NewServer(u)
	t.Cleanup(srv.Close)
	u.URL = srv.URL
	return u
}

// Play sets the answers from now on and forgets the recorded requests.
func (u *Upstream) Play(replies ...Reply) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.seen, u.replies, u.gone = nil, map[string][]Reply{"": replies}, make(chan struct{})
}

// PlayAt sets the answers at a path, escaped as sent, until the next Play.
func (u *Upstream) PlayAt(path string, replies ...Reply) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.replies[path] = replies
}

// Seen returns the requests since the last Play.
func (u *Upstream) Seen() []Seen {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.seen
}

// Gone returns a channel that is closed when a client disconnects from a Reply that hangs.
func (u *Upstream) Gone() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.gone
}

// ServeHTTP plays the next answer.
func (u *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	u.mu.Lock()
	u.seen = append(u.seen, Seen{Method: r.Method, Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Header: r.Header.Clone(), Body: string(body)})
	path := r.URL.EscapedPath()
	if u.replies[path] == nil {
		path = ""
	}
	var reply Reply
	if replies := u.replies[path]; len(replies) > 0 {
		reply = replies[0]
		u.replies[path] = replies[min(1, len(replies)-1):]
	}
	gone := u.gone
	u.mu.Unlock()
	if reply.Began != nil {
		close(reply.Began)
	}
	if reply.Hang && reply.Body == "" {
		<-r.Context().Done()
		close(gone)
		panic(http.ErrAbortHandler)
	}

	if w.Header().Set("Content-Type", "application/json"); strings.HasPrefix(reply.Body, "data:") || strings.HasPrefix(reply.Body, ":") {
		w.Header().Set("Content-Type", "text/event-stream")
	} else if strings.HasSuffix(r.URL.Path, "-stream") && reply.Status == 0 {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	}
	for k, v := range reply.Header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(max(reply.Status, http.StatusOK))
	_, _ = io.WriteString(w, reply.Body)
	if reply.Cut || reply.Hang || reply.Until != nil {
		_ = http.NewResponseController(w).Flush()
	}
	if reply.Until != nil {
		select {
		case <-reply.Until:
			_, _ = io.WriteString(w, reply.Rest)
		case <-r.Context().Done():
		}
	}
	if reply.Hang {
		<-r.Context().Done()
		close(gone)
	}
	if reply.Cut {
		panic(http.ErrAbortHandler)
	}
}

// Frames returns an event stream of lines "<event> <payload>", written by the AWS SDK's encoder. An event whose name ends
// in "Exception" becomes an exception.
func Frames(lines ...string) string {
	var b bytes.Buffer
	enc := eventstream.NewEncoder()
	for _, line := range lines {
		name, payload, _ := strings.Cut(line, " ")
		kind, header := "event", ":event-type"
		if strings.HasSuffix(name, "Exception") {
			kind, header = "exception", ":exception-type"
		}
		var m eventstream.Message
		m.Headers.Set(":message-type", eventstream.StringValue(kind))
		m.Headers.Set(header, eventstream.StringValue(name))
		m.Headers.Set(":content-type", eventstream.StringValue("application/json"))
		m.Payload = []byte(payload)
		if err := enc.Encode(&b, m); err != nil {
			panic(fmt.Sprintf("encoding %q: %v", line, err))
		}
	}
	return b.String()
}

// SSE returns a stream of server-sent events with the given data.
func SSE(data ...string) string {
	var b strings.Builder
	for _, d := range data {
		b.WriteString("data: " + d + "\n\n")
	}
	return b.String()
}
