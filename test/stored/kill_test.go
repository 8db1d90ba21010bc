package stored_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
)

// beCaddy makes this program a Caddy, so that a test can kill one.
const beCaddy = "STORED_TEST_CADDYFILE"

func TestMain(m *testing.M) {
	if file := os.Getenv(beCaddy); file != "" {
		os.Args = []string{"caddy", "run", "--config", file, "--adapter", "caddyfile"}
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// eachPlace runs a test with the words of each store there is.
func eachPlace(t *testing.T, test func(t *testing.T, files string)) {
	t.Helper()
	t.Run("local", func(t *testing.T) { test(t, "files local "+t.TempDir()) })
	t.Run("s3", func(t *testing.T) {
		endpoint := os.Getenv("FILES_S3_ENDPOINT")
		if endpoint == "" {
			t.Skip("no S3 server: run test/s3/run versitygw ./test/stored -run Killed")
		}
		test(t, fmt.Sprintf("files s3 %s {\n\t\tprefix %s\n\t\tendpoint %s\n\t\tpath_style\n\t\tregion us-east-1\n\t\tcredentials %s %s\n\t}",
			os.Getenv("FILES_S3_BUCKET"), strconv.FormatUint(rand.Uint64(), 36), endpoint, //nolint:gosec // a name
			os.Getenv("FILES_S3_ACCESS_KEY"), os.Getenv("FILES_S3_SECRET_KEY")))
	})
}

// told is what clients were told of before the gateway died.
type told struct {
	mu     sync.Mutex
	stored map[string]string // final objects that say that they are stored, by id
	kept   map[string]bool   // ids of responses that OpenAI keeps
	count  int
	killAt int
	kill   func()
}

// learn notes an id, and kills the gateway when enough are known.
func (k *told) learn(id, object string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if stored.Ours(id) {
		k.stored[id] = object
	} else {
		k.kept[id] = true
	}
	if k.count++; k.count == k.killAt {
		k.kill()
	}
}

// Killed at any moment: each response of which a client was told that it is stored is there, as it was told, and each id of
// OpenAI's that a client has seen is known.
func TestNothingSaidToBeStoredIsLostWhenKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	providers := http.NewServeMux()
	providers.Handle("/openai-own/", http.StripPrefix("/openai-own", openai.New(openai.Options{})))
	providers.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(bedrock.Options{})))
	providers.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(providers)
	defer srv.Close()
	eachPlace(t, func(t *testing.T, files string) {
		address := fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
		config := filepath.Join(t.TempDir(), "Caddyfile")
		if err := os.WriteFile(config, fmt.Appendf(nil, "{\n\tadmin off\n\tauto_https off\n}\nhttp://%s {\n\tbedrock_gateway {\n\topenai %[3]s {\n\t\tbase_url %[2]s/openai-own/v1\n\t}\n\tbedrock us-east-1 {\n\t\tendpoint %[2]s\n\t\tcontrol_endpoint %[2]s\n\t\tmantle_endpoint %[2]s/mantle\n\t\tcredentials %[4]s %[5]s\n\t}\n\t%[6]s\n}\n}",
			address, srv.URL, openai.DefaultKey, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, files), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Setenv(beCaddy, config)
		run := func() *gatewaytest.Process {
			p := gatewaytest.Run(t, t.TempDir(), os.Args[0])
			gatewaytest.Await(t, address)
			return p
		}
		known := told{stored: map[string]string{}, kept: map[string]bool{}}
		unanswered := 0
		for round := range 5 {
			p := run()
			known.count, known.killAt, known.kill = 0, 7+round*11, func() { _ = p.Kill() }
			var wg sync.WaitGroup
			for worker := range 8 {
				wg.Go(func() {
					model := []string{claude, gpt55, gpt5}[worker%3]
					for stream := worker%2 == 0; known.ask("http://"+address, model, stream); stream = !stream {
					}
					known.mu.Lock()
					unanswered++
					known.mu.Unlock()
				})
			}
			wg.Wait()
			_ = p.Kill()
		}
		run()
		for id, object := range known.stored {
			if got := get(t, "http://"+address+"/v1/responses/"+id); got != object {
				t.Errorf("said to be stored:\n%s\nand there is\n%s", object, got)
			}
		}
		for id := range known.kept {
			if got := get(t, "http://"+address+"/v1/responses/"+id); !strings.Contains(got, `"`+id+`"`) {
				t.Errorf("an id of OpenAI's is not known: %s: %s", id, got)
			}
		}
		t.Logf("%d responses are stored, %d ids are kept; %d calls were cut off", len(known.stored), len(known.kept), unanswered)
		if len(known.stored) < 50 || len(known.kept) < 10 {
			t.Error("too few to show anything")
		}
	})
}

// ask asks for a response, learns what its client is told, and reports whether the gateway lives.
func (k *told) ask(url, model string, stream bool) bool {
	res, err := http.Post(url+"/v1/responses", "application/json", strings.NewReader(fmt.Sprintf(`{"model":%q,"input":"hello","stream":%v}`, model, stream))) //nolint:noctx // ends with the process
	if err != nil {
		return false
	}
	defer func() { _ = res.Body.Close() }()
	if !stream {
		b, err := io.ReadAll(res.Body)
		k.object(bytes.TrimSpace(b), true)
		return err == nil
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		if !ok {
			continue
		}
		var e struct {
			Type     string
			Response json.RawMessage
		}
		if json.Unmarshal(data, &e) == nil && e.Response != nil {
			k.object(e.Response, e.Type == "response.completed")
		}
	}
	return lines.Err() == nil && k.lives(url)
}

// lives reports whether the gateway lives: a stream may end well in the moment of its death.
func (k *told) lives(url string) bool {
	res, err := http.Get(url + "/health") //nolint:noctx // ends with the process
	if err != nil {
		return false
	}
	return res.Body.Close() == nil
}

// object learns of a response's object, unless it was cut off.
func (k *told) object(b []byte, final bool) {
	var r reply
	if json.Unmarshal(b, &r) != nil || r.ID == "" || r.Store != nil && !*r.Store || stored.Ours(r.ID) && !final {
		return
	}
	k.learn(r.ID, string(b))
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(b))
}
