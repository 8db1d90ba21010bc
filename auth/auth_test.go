package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func sha(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "sha256:" + hex.EncodeToString(sum[:])
}

func provision(t *testing.T, a *APIKey) *APIKey {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	if err := a.Provision(ctx); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAuthenticate(t *testing.T) {
	a := provision(t, &APIKey{Keys: []Key{
		{UserID: "alice", Key: "sk-alice"},
		{UserID: "bob", Key: sha("sk-bob"), Models: []string{"gpt-*", "anthropic.*"}},
	}})
	for name, tc := range map[string]struct {
		header map[string]string
		user   string
		models string
	}{
		"bearer":                            {map[string]string{"Authorization": "Bearer sk-alice"}, "alice", ""},
		"the scheme's case does not matter": {map[string]string{"Authorization": "bearer sk-alice"}, "alice", ""},
		"x-api-key":                         {map[string]string{"X-Api-Key": "sk-bob"}, "bob", "gpt-* anthropic.*"},
		"api-key":                           {map[string]string{"Api-Key": "sk-alice"}, "alice", ""},
		"a good key beside a bad one":       {map[string]string{"Authorization": "Bearer nope", "X-Api-Key": "sk-bob"}, "bob", "gpt-* anthropic.*"},
		"none":                              {nil, "", ""},
		"empty":                             {map[string]string{"Authorization": "Bearer "}, "", ""},
		"wrong":                             {map[string]string{"Authorization": "Bearer sk-alicf"}, "", ""},
		"a prefix":                          {map[string]string{"Authorization": "Bearer sk-alic"}, "", ""},
		"another scheme":                    {map[string]string{"Authorization": "Basic sk-alice"}, "", ""},
		"the digest is not the key":         {map[string]string{"X-Api-Key": sha("sk-bob")}, "", ""},
		"too long to be hashed":             {map[string]string{"X-Api-Key": strings.Repeat("x", maxKeyLen+1)}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
			for k, v := range tc.header {
				r.Header.Set(k, v)
			}
			w := httptest.NewRecorder()
			user, ok, err := a.Authenticate(w, r)
			if err != nil {
				t.Fatal(err)
			}
			if ok != (tc.user != "") || user.ID != tc.user || user.Metadata["models"] != tc.models {
				t.Fatalf("got user %q, models %q, ok %v", user.ID, user.Metadata["models"], ok)
			}
			for _, h := range credentialHeaders {
				if ok && r.Header.Get(h) != "" {
					t.Errorf("%s would be forwarded", h)
				}
			}
			if wantCode := map[bool]int{true: 200, false: 401}[ok]; w.Code != wantCode {
				t.Errorf("status %d, want %d", w.Code, wantCode)
			}
		})
	}
}

// Clients show the message of their own API's error body, and decide by its code whether to
// retry or to ask for another key.
func TestRefusedInTheDialectOfThePath(t *testing.T) {
	a := provision(t, &APIKey{Keys: []Key{{UserID: "alice", Key: "sk-alice"}}})
	for _, tc := range []struct {
		path, key, body, errorType string
	}{
		{"/v1/chat/completions", "", `{"error":{"message":"` + missing + `","type":"invalid_request_error","param":null,"code":null}}`, ""},
		{"/v1/models", "bad", `{"error":{"message":"` + wrong + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, ""},
		{"/v1/messages", "bad", `{"type":"error","error":{"type":"authentication_error","message":"` + wrong + `"}}`, ""},
		{"/v1/messages/count_tokens", "", `{"type":"error","error":{"type":"authentication_error","message":"` + missing + `"}}`, ""},
		{"/anthropic/v1/messages", "bad", `{"type":"error","error":{"type":"authentication_error","message":"` + wrong + `"}}`, ""},
		{"/openai/v1/responses", "bad", `{"error":{"message":"` + wrong + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, ""},
		{"/v1/messagesx", "bad", `{"error":{"message":"` + wrong + `","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}`, ""},
		{"/model/m/converse", "bad", `{"message":"` + wrong + `"}`, "UnrecognizedClientException"},
		{"/foundation-models", "", `{"message":"` + missing + `"}`, "UnrecognizedClientException"},
	} {
		t.Run(tc.path, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodPost, tc.path, nil)
			if tc.key != "" {
				r.Header.Set("X-Api-Key", tc.key)
			}
			w := httptest.NewRecorder()
			if _, ok, _ := a.Authenticate(w, r); ok {
				t.Fatal("let in")
			}
			if w.Code != http.StatusUnauthorized || w.Body.String() != tc.body {
				t.Errorf("got %d %s\nwant 401 %s", w.Code, w.Body, tc.body)
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Error("not JSON")
			}
			if got := w.Header().Get("X-Amzn-Errortype"); got != tc.errorType {
				t.Errorf("x-amzn-errortype %q, want %q", got, tc.errorType)
			}
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="bedrock_gateway"` {
				t.Errorf("www-authenticate %q", got)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json" {
				t.Errorf("content-type %q", got)
			}
		})
	}
}

func TestProvisionErrors(t *testing.T) {
	t.Setenv("AUTH_TEST_EMPTY", "")
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, tc := range map[string]struct {
		config APIKey
		want   string
	}{
		"nothing":           {APIKey{}, "no key and no keys_file"},
		"empty placeholder": {APIKey{Keys: []Key{{UserID: "a", Key: "{env.AUTH_TEST_EMPTY}"}}}, "key 1 (user 'a')"},
		"no user":           {APIKey{Keys: []Key{{Key: "k"}}}, "no user"},
		"no key":            {APIKey{Keys: []Key{{UserID: "a"}}}, "the key is empty"},
		"short digest":      {APIKey{Keys: []Key{{UserID: "a", Key: "sha256:abcd"}}}, "64 hex digits"},
		"digest not hex":    {APIKey{Keys: []Key{{UserID: "a", Key: "sha256:" + strings.Repeat("z", 64)}}}, "64 hex digits"},
		"white space":       {APIKey{Keys: []Key{{UserID: "a", Key: "k\n"}}}, "white space"},
		"a shared key":      {APIKey{Keys: []Key{{UserID: "a", Key: "k"}, {UserID: "b", Key: sha("k")}}}, "users 'a' and 'b' have the same key"},
		"pattern of two":    {APIKey{Keys: []Key{{UserID: "a", Key: "k", Models: []string{"a b"}}}}, "has a space"},
		"missing file":      {APIKey{KeysFile: filepath.Join(dir, "none")}, "keys_file: open"},
		"line without key":  {APIKey{KeysFile: write("one", "# comment\nalice\n")}, "one: line 2: must be 'user_id key'"},
		"line with three":   {APIKey{KeysFile: write("three", "alice secret1-of-sixteen secret2\n")}, "line 1: must be 'user_id key', which models=, expires= and tags= may follow"},
		"line option twice": {APIKey{KeysFile: write("twice", "alice key-of-sixteen-c tags=a tags=b\n")}, "line 1: tags= stands there twice"},
		"line option empty": {APIKey{KeysFile: write("empty", "alice key-of-sixteen-c models=\n")}, "line 1: models= has no value"},
		"line list empty":   {APIKey{KeysFile: write("comma", "alice key-of-sixteen-c models=a,,b\n")}, "line 1: models: one is empty"},
		"line date":         {APIKey{KeysFile: write("date", "alice key-of-sixteen-c expires=secret\n")}, "line 1: expires must be a date"},
		"a date":            {APIKey{Keys: []Key{{UserID: "a", Key: "k", Expires: "31.01.2027"}}}, "key 1 (user 'a'): expires must be a date"},
		"a tag of two":      {APIKey{Keys: []Key{{UserID: "a", Key: "k", Tags: []string{"a b"}}}}, "tags: one is empty or has a space"},
		"file key repeated": {APIKey{Keys: []Key{{UserID: "a", Key: "key-of-sixteen-c"}}, KeysFile: write("dup", "b key-of-sixteen-c\n")}, "have the same key"},
		"file key short":    {APIKey{KeysFile: write("short", "a key-of-sixteen-c\nb fifteen-letters\n")}, "line 2: the key has fewer than 16 characters"},
		"long line":         {APIKey{KeysFile: write("long", "a key-of-sixteen-c\na "+strings.Repeat("x", 3*maxKeyLen)+"\n")}, "line 2: "},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
			defer cancel()
			err := tc.config.Provision(ctx)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v, want %q", err, tc.want)
			}
			if strings.Contains(err.Error(), "secret") {
				t.Errorf("the error tells a key: %v", err)
			}
		})
	}
}

func TestPlaceholders(t *testing.T) {
	t.Setenv("AUTH_TEST_KEY", "sk-env")
	a := provision(t, &APIKey{Keys: []Key{{UserID: "alice", Key: "{env.AUTH_TEST_KEY}"}}})
	if e, ok := a.configured.find("sk-env"); !ok || e.user != "alice" {
		t.Errorf("got %q, %v", e.user, ok)
	}
	if config, _ := json.Marshal(a); strings.Contains(string(config), "sk-env") {
		t.Errorf("the resolved key stands in the config: %s", config)
	}
}

// clock is set by hand, so that no test waits for the file to be checked.
type clock struct{ now time.Time }

func (c *clock) read() time.Time { return c.now }

func openTestFile(t *testing.T, content string) (*keysFile, *clock, *observer.ObservedLogs, func(string)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys")
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(content)
	core, logs := observer.New(zap.InfoLevel)
	f, err := openKeysFile(path, keys{sha256.Sum256([]byte("sk-fixed")): {user: "fixed", rights: &rights{}}}, zap.New(core))
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: time.Now()}
	f.now = c.read
	return f, c, logs, write
}

func TestKeysFileIsReadAgain(t *testing.T) {
	f, c, logs, write := openTestFile(t, "\ufeff# people\n\nalice sk-one-0123456789\n  bob\t"+sha("sk-two-0123456789")+"\r\n")
	good := func(key, user string) {
		t.Helper()
		if e, ok := f.keys().find(key); ok != (user != "") || e.user != user {
			t.Errorf("%s: got %q, want %q", key, e.user, user)
		}
	}
	good("sk-one-0123456789", "alice")
	good("sk-two-0123456789", "bob")
	good("sk-fixed", "fixed")

	write("carol sk-thr-0123456789\n")
	c.now = c.now.Add(checkEvery / 2)
	good("sk-one-0123456789", "alice") // not looked at yet
	c.now = c.now.Add(checkEvery)
	good("sk-one-0123456789", "")
	good("sk-thr-0123456789", "carol")
	good("sk-fixed", "fixed")
	if n := logs.FilterMessage("keys_file read again").Len(); n != 1 {
		t.Errorf("told %d times of one change", n)
	}

	// Invalid content and a missing file leave the keys as they are, and are logged once.
	write("dave\n")
	for range 3 {
		c.now = c.now.Add(checkEvery)
		good("sk-thr-0123456789", "carol")
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.now = c.now.Add(checkEvery)
		good("sk-thr-0123456789", "carol")
	}
	if n := logs.FilterLevelExact(zap.ErrorLevel).Len(); n != 2 {
		t.Errorf("%d errors logged, want one for the bad line and one for the missing file", n)
	}

	write("erin sk-five-0123456789\n")
	c.now = c.now.Add(checkEvery)
	good("sk-five-0123456789", "erin")
}

// Two writes within one tick of the file system's clock can leave the same time and size;
// a revoked key must be refused even then.
func TestKeysFileChangedWithinATick(t *testing.T) {
	f, c, _, write := openTestFile(t, "alice sk-one-0123456789\n")
	at := c.now
	if err := os.Chtimes(f.path, at, at); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(checkEvery)
	f.keys()
	write("alice sk-two-0123456789\n")
	if err := os.Chtimes(f.path, at, at); err != nil {
		t.Fatal(err)
	}
	c.now = c.now.Add(checkEvery)
	if _, ok := f.keys().find("sk-one-0123456789"); ok {
		t.Error("the revoked key is still good")
	}
}

func TestUnmarshalCaddyfile(t *testing.T) {
	for name, tc := range map[string]struct{ input, want, err string }{
		"all words": {
			"api_key_auth {\n key alice {env.A}\n key bob sk-b {\n models gpt-* claude-*\n expires 2027-01-31\n tags red blue\n }\n keys_file /etc/keys\n}",
			`{"keys":[{"user_id":"alice","key":"{env.A}"},{"user_id":"bob","key":"sk-b","models":["gpt-*","claude-*"],"expires":"2027-01-31","tags":["red","blue"]}],"keys_file":"/etc/keys"}`, "",
		},
		"no block":        {"api_key_auth", "", "api_key_auth needs a key or a keys_file, at Testfile:1"},
		"argument":        {"api_key_auth foo {\n key a b\n}", "", "wrong argument count or unexpected line ending after 'foo', at Testfile:1"},
		"key alone":       {"api_key_auth {\n key a\n}", "", "wrong argument count or unexpected line ending after 'a', at Testfile:2"},
		"key of three":    {"api_key_auth {\n key a b c\n}", "", "wrong argument count or unexpected line ending after 'c', at Testfile:2"},
		"bad digest":      {"api_key_auth {\n key a sha256:xyz\n}", "", "sha256: must be followed by 64 hex digits, at Testfile:2"},
		"unknown":         {"api_key_auth {\n keyz a b\n}", "", "unrecognized subdirective 'keyz', at Testfile:2"},
		"unknown in key":  {"api_key_auth {\n key a b {\n model x\n }\n}", "", "unrecognized subdirective 'model', at Testfile:3"},
		"models twice":    {"api_key_auth {\n key a b {\n models x\n models y\n }\n}", "", "models already specified, at Testfile:4"},
		"models of none":  {"api_key_auth {\n key a b {\n models\n }\n}", "", "wrong argument count or unexpected line ending after 'models', at Testfile:3"},
		"expires twice":   {"api_key_auth {\n key a b {\n expires 2027-01-31\n expires 2027-01-31\n }\n}", "", "expires already specified, at Testfile:4"},
		"a date in words": {"api_key_auth {\n key a b {\n expires tomorrow\n }\n}", "", "expires must be a date such as 2027-01-31, or a time such as 2027-01-31T18:00:00Z, at Testfile:3"},
		"tags of none":    {"api_key_auth {\n key a b {\n tags\n }\n}", "", "wrong argument count or unexpected line ending after 'tags', at Testfile:3"},
		"keys_file twice": {"api_key_auth {\n keys_file a\n keys_file b\n}", "", "keys_file already specified, at Testfile:3"},
		"keys_file alone": {"api_key_auth {\n keys_file\n}", "", "wrong argument count or unexpected line ending after 'keys_file', at Testfile:2"},
	} {
		t.Run(name, func(t *testing.T) {
			var a APIKey
			err := a.UnmarshalCaddyfile(caddyfile.NewTestDispenser(tc.input))
			if tc.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), tc.err) {
					t.Fatalf("got %v\nwant %s", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := json.Marshal(&a); string(got) != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// A key is found in the same time whatever their number.
func BenchmarkFind(b *testing.B) {
	for _, n := range []int{1, 1_000_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			all := keys{sha256.Sum256([]byte("sk-1234567890")): {user: "alice"}}
			for i := range n - 1 {
				all[digest{byte(i), byte(i >> 8), byte(i >> 16), 1}] = grant{}
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := all.find("sk-1234567890"); !ok {
					b.Fatal("not found")
				}
			}
		})
	}
}

// A file that was read while it was being written let the beginning of a key in: 12 of its 48 characters.
func TestAKeysFileHalfWrittenLetsNoBeginningOfAKeyIn(t *testing.T) {
	const key = "sk-0123456789abcdef0123456789abcdef0123456789abcd"
	f, c, _, write := openTestFile(t, "alice "+key+"\n")
	lets := func(key string, want bool) {
		t.Helper()
		if _, ok := f.keys().find(key); ok != want {
			t.Errorf("%d characters: let in %v", len(key), ok)
		}
	}
	write("alice " + key + "\nbob " + key[:20])
	c.now = c.now.Add(checkEvery + checkEvery/10)
	lets(key[:20], false)
	lets(key, true)
	write("alice " + key + "\nbob x" + key[:12])
	c.now = c.now.Add(checkEvery + checkEvery/10)
	lets("x"+key[:12], false)

	// Kubernetes secrets end without a line break: the last line counts once the file has not changed for a while.
	write("alice " + key + "\nbob x" + key)
	c.now = time.Now().Add(settled / 2)
	lets("x"+key, false)
	c.now = c.now.Add(2 * settled)
	lets("x"+key, true)
}

// A date ends at its end in UTC, and a user's new key is good while the old one still is.
func TestKeysExpire(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	lines := "carol carol-0123456789ab expires=2027-01-31 tags=red,blue models=gpt-*,o3\ncarol carol-newer-0123456789\n"
	if err := os.WriteFile(path, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)); err != nil {
		t.Fatal(err)
	}
	a := provision(t, &APIKey{KeysFile: path, Keys: []Key{
		{UserID: "alice", Key: "sk-alice", Expires: "2027-01-31", Tags: []string{"red", "blue"}, Models: []string{"gpt-*", "o3"}},
		{UserID: "bob", Key: "sk-bob", Expires: "2027-01-31T12:00:00+02:00"},
	}})
	day := func(clock string) time.Time {
		at, err := time.Parse(time.DateTime, "2027-"+clock)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, tc := range []struct {
		key, at, user, rights string
	}{
		{"sk-alice", "01-31 23:59:59", "alice", "gpt-* o3|red blue"},
		{"sk-alice", "02-01 00:00:00", "", ""},
		{"sk-bob", "01-31 09:59:59", "bob", "|"},
		{"sk-bob", "01-31 10:00:00", "", ""},
		{"carol-0123456789ab", "01-31 23:59:59", "carol", "gpt-* o3|red blue"},
		{"carol-0123456789ab", "02-01 00:00:00", "", ""},
		{"carol-newer-0123456789", "02-01 00:00:00", "carol", "|"},
	} {
		a.now = func() time.Time { return day(tc.at) }
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", nil)
		r.Header.Set("Authorization", "Bearer "+tc.key)
		w := httptest.NewRecorder()
		user, ok, err := a.Authenticate(w, r)
		if err != nil || ok != (tc.user != "") || user.ID != tc.user || ok && user.Metadata["models"]+"|"+user.Metadata["tags"] != tc.rights {
			t.Errorf("%s at %s: got %+v, %v, %v", tc.key, tc.at, user, ok, err)
		}
		if !ok && !strings.Contains(w.Body.String(), wrong) {
			t.Errorf("an expired key is told by its answer: %s", w.Body)
		}
	}
}

// Whatever a file holds, it is read whole or refused without a word of it, and no key is longer than it was written.
func FuzzKeysFile(f *testing.F) {
	f.Add("alice key-of-sixteen-c models=a,b* expires=2027-01-31 tags=x,y\n")
	f.Add("\ufeff# people\n\nbob sha256:" + strings.Repeat("ab", 32) + "\r\n")
	f.Add("a key-of-sixteen-c expires=2027-01-31T00:00:00Z\nb\n")
	f.Fuzz(func(t *testing.T, content string) {
		all := keys{}
		if err := parseKeys([]byte(content), all); err != nil {
			return
		}
		if lines := strings.Count(content, "\n") + 1; len(all) > lines {
			t.Errorf("%d keys in %d lines", len(all), lines)
		}
		for _, g := range all {
			if g.user == "" || strings.ContainsAny(g.models+g.tags, "\t\r\n,") {
				t.Errorf("got %+v %+v", g, g.rights)
			}
		}
	})
}

// A file of the greatest size is read in a bounded time: the request that finds it changed waits for it.
func BenchmarkLargestKeysFile(b *testing.B) {
	var file strings.Builder
	for i := 0; file.Len() < maxKeysFile-200; i++ {
		fmt.Fprintf(&file, "user%d sha256:%064x models=gpt-*,claude-* expires=2027-01-31 tags=team%d\n", i, i, i%100)
	}
	data := []byte(file.String())
	b.ReportAllocs()
	for b.Loop() {
		all := keys{}
		if err := parseKeys(data, all); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(all)), "keys")
	}
}
