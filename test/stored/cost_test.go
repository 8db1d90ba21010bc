//go:build unix

package stored_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// BenchmarkStored measures what a reply that is stored costs beside one that is not, asked by turns: CPU of the process, which the
// client and the upstream are in as well, and the time to the last event, of which the median and the 95th percentile are told.
//
//	go test -run none -bench Stored -benchtime 2000x ./test/stored
//	test/s3/run versitygw -run none -bench Stored -benchtime 1000x ./test/stored
func BenchmarkStored(b *testing.B) {
	stores := map[string]string{"local": "files local " + b.TempDir()}
	if endpoint := os.Getenv("FILES_S3_ENDPOINT"); endpoint != "" {
		stores["s3"] = fmt.Sprintf("files s3 %s {\n\t\tendpoint %s\n\t\tregion us-east-1\n\t\tpath_style\n\t\tcredentials %s %s\n\t}",
			os.Getenv("FILES_S3_BUCKET"), endpoint, os.Getenv("FILES_S3_ACCESS_KEY"), os.Getenv("FILES_S3_SECRET_KEY"))
	}
	words := strings.Repeat("some of the words of a conversation, none of them the same as the one before; ", 1<<20/79)
	for name, files := range stores {
		for _, size := range []int{2 << 10, 200 << 10} {
			for _, stream := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/%d KB/stream=%v", name, size>>10, stream), func(b *testing.B) {
					var answer gatewaytest.Reply
					if stream {
						answer = streamed(strings.Repeat(chunk, 100) + fmt.Sprintf(finish, "stop"))
					} else {
						answer = gatewaytest.Reply{Header: map[string]string{"Content-Type": "application/json"}, Body: `{"choices":[{"message":{"role":"assistant","content":"` + words[:2000] + `"},"finish_reason":"stop"}]}`}
					}
					u := gatewaytest.NewUpstream(b, answer)
					g := gatewaytest.Start(b, fmt.Sprintf("bedrock_gateway {\n\topenai sk-1 {\n\t\tbase_url %s/v1\n\t\tresponses off\n\t}\n\t%s\n}", u.URL, files))
					compare(b, g, u, answer, fmt.Sprintf(`{"model":"gpt-x","stream":%v,"input":"%s"`, stream, words[:size]))
				})
			}
		}
	}
}

// cost is what calls took.
type cost struct {
	took      []time.Duration
	user, sys time.Duration
}

func compare(b *testing.B, g *gatewaytest.Gateway, u *gatewaytest.Upstream, answer gatewaytest.Reply, body string) {
	b.Helper()
	var costs [2]cost
	once := func(c *cost, store bool) {
		user, sys := used()
		begin := time.Now()
		res := g.Open(b.Context(), b, "/v1/responses", fmt.Sprintf(`%s,"store":%v}`, body, store))
		all, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%d %v %s", res.StatusCode, err, all)
		}
		_ = res.Body.Close()
		c.took = append(c.took, time.Since(begin))
		u, s := used()
		c.user, c.sys = c.user+u-user, c.sys+s-sys
		if !strings.Contains(string(all[len(all)/2:]), fmt.Sprintf(`"store":%v`, store)) {
			b.Fatalf("not stored: %s", all)
		}
	}
	once(new(cost), true) // folders, connections
	n := 0
	for b.Loop() {
		once(&costs[0], false)
		once(&costs[1], true)
		if n++; n%100 == 0 {
			u.Play(answer) // it forgets what it was asked
		}
	}
	for i, name := range []string{"unstored", "stored"} {
		c := &costs[i]
		slices.Sort(c.took)
		b.ReportMetric(float64(c.took[len(c.took)/2].Microseconds()), name+"-p50-µs")
		b.ReportMetric(float64(c.took[len(c.took)*95/100].Microseconds()), name+"-p95-µs")
		b.ReportMetric(float64(c.user.Microseconds())/float64(n), name+"-user-µs")
		b.ReportMetric(float64(c.sys.Microseconds())/float64(n), name+"-sys-µs")
	}
	b.ReportMetric(0, "ns/op")
}

// used returns the CPU time of the process, its own and that of the system for it.
func used() (user, sys time.Duration) {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return time.Duration(u.Utime.Nano()), time.Duration(u.Stime.Nano())
}
