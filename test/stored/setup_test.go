// Package stored_test shows, through the whole Caddy, what is kept of replies on the Responses API and what clients are told.
package stored_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/storetest"
	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/bedrock"
	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/openai"
	"github.com/open-bedrock/caddy-bedrock-gateway/stored"
)

// memory is a store of files that keeps objects in memory, and no files. Tests reach the one that was made last.
type memory struct {
	files.Store       `json:"-"`
	*storetest.Memory `json:"-"`
}

// kept is what the next gateway keeps things in.
var kept *storetest.Memory

func init() { caddy.RegisterModule(memory{}) }

func (memory) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.bedrock_gateway.files.memory", New: func() caddy.Module { return &memory{Memory: kept} }}
}

func (memory) Options() files.Options { return files.Options{Owner: "{http.request.header.X-User}"} }

func (*memory) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	return nil
}

// The models: one that is translated, one of Bedrock's that has Responses itself, and OpenAI's own.
const (
	claude = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
	gpt55  = "us.openai.gpt-5.5"
	gpt5   = "gpt-5"
)

// start runs a gateway before the simulators of both providers, with further directives, which keeps things in memory.
func start(t testing.TB, directives ...string) (*gatewaytest.Gateway, *storetest.Memory) {
	t.Helper()
	kept = new(storetest.Memory)
	mux := http.NewServeMux()
	mux.Handle("/openai-own/", http.StripPrefix("/openai-own", openai.New(openai.Options{})))
	mux.Handle("/mantle/", http.StripPrefix("/mantle", bedrock.NewMantle(bedrock.Options{})))
	mux.Handle("/", bedrock.New(bedrock.Options{}))
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	more := strings.Join(directives, "\n\t")
	if !strings.Contains(more, "files ") {
		more += "\n\tfiles memory"
	}
	return gatewaytest.Start(t, fmt.Sprintf("bedrock_gateway {\n\topenai %[2]s {\n\t\tbase_url %[1]s/openai-own/v1\n\t}\n\tbedrock us-east-1 {\n\t\tendpoint %[1]s\n\t\tcontrol_endpoint %[1]s\n\t\tmantle_endpoint %[1]s/mantle\n\t\tcredentials %[3]s %[4]s\n\t}\n\t%[5]s\n}",
		srv.URL, openai.DefaultKey, bedrock.DefaultAccessKeyID, bedrock.DefaultSecretAccessKey, more)), kept
}

// reply is what a client learns of a response.
type reply struct {
	ID, Status string
	Store      *bool
	Previous   *string `json:"previous_response_id"`
	Output     []struct {
		ID, Type, Status string
		Encrypted        string `json:"encrypted_content"`
		Content          []struct{ Text string }
	}
	Error *struct{ Code, Message string }
}

// ask asks for a response, whole or streamed, and returns its final object, as it was sent and read.
func ask(t testing.TB, g *gatewaytest.Gateway, stream bool, body string) (string, reply) {
	t.Helper()
	if stream {
		body = strings.TrimSuffix(body, "}") + `,"stream":true}`
	}
	a := g.Post(t, "/v1/responses", body)
	return final(t, stream, a.Body)
}

// final returns the final object of an answer.
func final(t testing.TB, stream bool, answer string) (string, reply) {
	t.Helper()
	object := answer
	if stream {
		if _, err := gatewaytest.ResponseStream(answer); err != nil {
			t.Errorf("a stream that clients refuse: %v\n%s", err, answer)
		}
		frames := strings.Split(strings.TrimSpace(answer), "\n\n")
		_, data, _ := strings.Cut(frames[len(frames)-1], "data: ")
		var e struct{ Response json.RawMessage }
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatalf("the last event is no JSON: %v\n%s", err, answer)
		}
		object = string(e.Response)
	}
	var r reply
	if err := json.Unmarshal([]byte(object), &r); err != nil || r.ID == "" {
		t.Fatalf("no response: %v\n%s", err, answer)
	}
	return object, r
}

// load returns the record of a response; nil if there is none.
func load(t testing.TB, m *storetest.Memory, owner, id string) *stored.Record {
	t.Helper()
	s, err := stored.New(stored.Config{Objects: m, MaxSize: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Load(t.Context(), owner, id)
	if err != nil {
		return nil
	}
	return r
}

// warnings returns the lines of the gateway's log that say that something is not stored.
func warnings(t testing.TB, g *gatewaytest.Gateway) []string {
	t.Helper()
	log, err := os.ReadFile(g.Log)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "is not stored") {
			lines = append(lines, line)
		}
	}
	return lines
}
