package handler

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	_ "github.com/open-bedrock/caddy-bedrock-gateway/files/s3" // a store to load
)

// These tests need the Files API in a process of its own: to kill it, and to see its memory. They run against the local
// store and, where test/s3/run has started a server, against S3.

const processConfig = "FILES_PROCESS_CONFIG"

// TestFilesProcess is that process, when the environment says so.
func TestFilesProcess(t *testing.T) {
	config := os.Getenv(processConfig)
	if config == "" {
		t.Skip("started by other tests")
	}
	var module struct{ Store string }
	if err := json.Unmarshal([]byte(config), &module); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	v, err := ctx.LoadModuleByID("http.handlers.bedrock_gateway.files."+module.Store, []byte(strings.Replace(config, `"store":"`+module.Store+`",`, "", 1)))
	if err != nil {
		t.Fatal(err)
	}
	api := filesGateway(v.(files.Store), func(r *http.Request) string { return "" })
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("listening " + l.Addr().String())
	t.Fatal((&http.Server{Handler: alone(api), ReadHeaderTimeout: time.Minute}).Serve(l))
}

// process is a running TestFilesProcess.
type process struct {
	*exec.Cmd
	url string
}

func startFiles(t *testing.T, config string) *process {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFilesProcess$", "-test.timeout=0") //nolint:gosec,noctx // this test; killed below
	cmd.Env = append(os.Environ(), processConfig+"="+config)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: cmd}
	t.Cleanup(p.kill)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if addr, ok := strings.CutPrefix(lines.Text(), "listening "); ok {
			p.url = "http://" + addr + "/v1/files"
			return p
		}
	}
	t.Fatal("the process does not listen")
	return nil
}

func (p *process) kill() {
	_ = p.Process.Kill() // SIGKILL
	_ = p.Wait()
}

// memory is a figure of /proc/<pid>/status in KiB: VmRSS now, VmHWM at its highest.
func (p *process) memory(t *testing.T, field string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/" + strconv.Itoa(p.Process.Pid) + "/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if v, ok := strings.CutPrefix(line, field+":"); ok {
			n, err := strconv.Atoi(strings.Fields(v)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no " + field)
	return 0
}

// upload sends size bytes of content, made as they are sent, and gives the file and the content's hash.
func (p *process) upload(size int64, seed uint64) (f fileObject, sum string, err error) {
	r, w := io.Pipe()
	form := multipart.NewWriter(w)
	hash := sha256.New()
	go func() {
		err := form.WriteField("purpose", "batch")
		if err == nil {
			var part io.Writer
			if part, err = form.CreateFormFile("file", "f.bin"); err == nil {
				_, err = io.CopyN(io.MultiWriter(part, hash), rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16)}), size)
			}
		}
		w.CloseWithError(errors.Join(err, form.Close()))
	}()
	res, err := http.Post(p.url, form.FormDataContentType(), r) //nolint:noctx // ends with the process
	if err != nil {
		return f, "", errors.Join(err, r.CloseWithError(err))
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return f, "", err
	}
	if res.StatusCode != http.StatusOK {
		return f, "", fmt.Errorf("%d %s", res.StatusCode, b)
	}
	err = json.Unmarshal(b, &f)
	return f, hex.EncodeToString(hash.Sum(nil)), err
}

// download returns a file's hash and size.
func (p *process) download(id string) (sum string, size int64, err error) {
	res, err := http.Get(p.url + "/" + id + "/content") //nolint:noctx // ends with the process
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return "", 0, fmt.Errorf("status %d", res.StatusCode)
	}
	hash := sha256.New()
	size, err = io.Copy(hash, res.Body)
	return hex.EncodeToString(hash.Sum(nil)), size, err
}

func (p *process) list(t *testing.T) []fileObject {
	t.Helper()
	res, err := http.Get(p.url) //nolint:noctx // ends with the process
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var page struct{ Data []fileObject }
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	return page.Data
}

// eachStore runs a test on every store there is.
func eachStore(t *testing.T, test func(t *testing.T, config string)) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reads /proc")
	}
	t.Run("local", func(t *testing.T) {
		test(t, fmt.Sprintf(`{"store":"local","dir":%q}`, t.TempDir()))
	})
	t.Run("s3", func(t *testing.T) {
		endpoint := os.Getenv("FILES_S3_ENDPOINT")
		if endpoint == "" {
			t.Skip("no S3 server: run test/s3/run versitygw ./handler -run FilesProcess")
		}
		bucket := os.Getenv("FILES_S3_BUCKET")
		test(t, fmt.Sprintf(`{"store":"s3","bucket":%q,"prefix":%q,"endpoint":%q,"path_style":true,"region":"us-east-1","access_key_id":%q,"secret_access_key":%q}`,
			bucket, strconv.FormatUint(rand.Uint64(), 36), endpoint, os.Getenv("FILES_S3_ACCESS_KEY"), os.Getenv("FILES_S3_SECRET_KEY"))) //nolint:gosec // a name
	})
}

// Killed at any moment of 200 uploads: every file that was answered for is there, whole, and no half of another.
func TestFilesProcessKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("starts and kills processes")
	}
	eachStore(t, func(t *testing.T, config string) {
		answered := make(map[string]string)
		unanswered := 0
		const uploads, atOnce = 200, 8
		for round := range 5 {
			p := startFiles(t, config)
			var mu sync.Mutex
			done := 0
			killAt := 10 + round*40
			var wg sync.WaitGroup
			next := make(chan uint64, uploads)
			for i := range uint64(uploads) {
				next <- uint64(round)<<16 | i
			}
			close(next)
			for range atOnce {
				wg.Go(func() {
					for i := range next {
						f, sum, err := p.upload(int64(1+i%7*30_000), i)
						mu.Lock()
						if err != nil {
							unanswered++
							mu.Unlock()
							return // killed
						}
						answered[f.ID] = sum
						if done++; done == killAt {
							p.kill()
						}
						mu.Unlock()
					}
				})
			}
			wg.Wait()
			p.kill()
		}
		p := startFiles(t, config)
		listed := p.list(t)
		others := 0
		for _, f := range listed {
			sum, size, err := p.download(f.ID)
			if err != nil || size != f.Bytes {
				t.Errorf("%s: %d bytes of %d, %v", f.ID, size, f.Bytes, err)
			}
			want, ok := answered[f.ID]
			if !ok {
				// Killed between the last write and the answer: whole, and nobody was told.
				others++
			} else if sum != want {
				t.Errorf("%s: other bytes than were sent", f.ID)
			}
			delete(answered, f.ID)
		}
		if len(answered) > 0 {
			t.Errorf("%d files were answered for and are not there", len(answered))
		}
		if others > 5*atOnce {
			t.Errorf("%d files are there that nobody was told of", others)
		}
		t.Logf("%d files listed and whole; %d uploads without an answer, of which %d are kept whole", len(listed), unanswered, others)
	})
}

// A large file passes through in bounded memory, and many at once too.
func TestFilesProcessMemory(t *testing.T) {
	if os.Getenv("FILES_BIG") == "" {
		t.Skip("moves 1.5 GB: set FILES_BIG=1")
	}
	eachStore(t, func(t *testing.T, config string) {
		p := startFiles(t, config)
		if _, _, err := p.upload(1<<20, 1); err != nil { // connections and pools are there
			t.Fatal(err)
		}
		const size = 512 << 20
		before := p.memory(t, "VmRSS")
		start := time.Now()
		f, sum, err := p.upload(size, 2)
		if err != nil {
			t.Fatal(err)
		}
		up, upPeak := time.Since(start), p.memory(t, "VmHWM")
		start = time.Now()
		got, n, err := p.download(f.ID)
		if err != nil || n != size || got != sum {
			t.Errorf("downloaded %d bytes, same %v, %v", n, got == sum, err)
		}
		down, peak := time.Since(start), p.memory(t, "VmHWM")
		t.Logf("512 MB: up %v, down %v; RSS %d KiB before, peak %d after the upload, %d after the download", up, down, before, upPeak, peak)
		if grown := (peak - before) >> 10; grown >= 64 {
			t.Errorf("RSS grew by %d MiB", grown)
		}

		start = time.Now()
		var wg sync.WaitGroup
		var mu sync.Mutex
		var sums bytes.Buffer
		for i := range uint64(100) {
			wg.Go(func() {
				f, sum, err := p.upload(5_000_000, 100+i)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("upload: %v", err)
					return
				}
				fmt.Fprintln(&sums, f.ID, sum)
			})
		}
		wg.Wait()
		took, peak := time.Since(start), p.memory(t, "VmHWM")
		lines := bufio.NewScanner(&sums)
		whole := 0
		for lines.Scan() {
			id, sum, _ := strings.Cut(lines.Text(), " ")
			if got, _, err := p.download(id); err != nil || got != sum {
				t.Errorf("%s: %v", id, err)
				continue
			}
			whole++
		}
		t.Logf("100 × 5 MB at once: %v, %d whole, peak RSS %d KiB", took, whole, peak)
	})
}
