package s3

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

func TestCaddyfile(t *testing.T) {
	for in, want := range map[string]string{
		`s3 bucket`:               `{"bucket":"bucket"}`,
		`s3`:                      `{}`,
		`s3 {env.S3_BUCKET}`:      `{"bucket":"{env.S3_BUCKET}"}`,
		"s3 b {\n prefix a/b\n}":  `{"bucket":"b","prefix":"a/b"}`,
		"s3 b {\n prefix \"\"\n}": `{"bucket":"b","prefix":""}`,
		"s3 b {\n region eu-west-1\n endpoint http://127.0.0.1:9000\n path_style\n kms_key alias/files\n max_size 1MiB\n owner \"\"\n}": `{"max_size":1048576,"owner":"","region":"eu-west-1","bucket":"b","endpoint":"http://127.0.0.1:9000","path_style":true,"kms_key":"alias/files"}`,
		"s3 b {\n credentials AKIA secret token\n assume_role arn:aws:iam::123456789012:role/r {\n external_id x\n }\n}":                `{"access_key_id":"AKIA","secret_access_key":"secret","session_token":"token","assume_role":{"role_arn":"arn:aws:iam::123456789012:role/r","external_id":"x"},"bucket":"b"}`,
		"s3 a b":                          "error: wrong argument count",
		"s3 b {\n path_style on\n}":       "error: wrong argument count",
		"s3 b {\n endpoint\n}":            "error: wrong argument count",
		"s3 b {\n prefix a\n prefix b\n}": "error: prefix already specified",
		"s3 b {\n max_size 0\n}":          "error: invalid max_size",
		"s3 b {\n colour blue\n}":         "error: unrecognized subdirective 'colour'",
		"s3 b {\n region a\n region b\n}": "error: region already specified",
	} {
		var s Store
		err := s.UnmarshalCaddyfile(caddyfile.NewTestDispenser(in))
		got, _ := json.Marshal(&s)
		if msg, isErr := strings.CutPrefix(want, "error: "); isErr {
			if err == nil || !strings.Contains(err.Error(), msg) {
				t.Errorf("%q: got %s, %v; want an error with %q", in, got, err, msg)
			}
		} else if err != nil || string(got) != want {
			t.Errorf("%q: got %s, %v; want %s", in, got, err, want)
		}
	}
}

func TestProvision(t *testing.T) {
	t.Setenv("S3_FILES_BUCKET", "from-environment")
	t.Setenv("AWS_REGION", "eu-central-1")
	t.Setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
	s := provision(t, `{"prefix":"/a//"}`)
	want := files.Options{MaxSize: files.DefaultMaxSize, Owner: files.DefaultOwner, ContextMax: files.DefaultContextMax}
	if s.bucket != "from-environment" || s.prefix != "a/" || s.provider.Region() != "eu-central-1" || s.Options() != want {
		t.Errorf("bucket %q, prefix %q, region %q, options %+v", s.bucket, s.prefix, s.provider.Region(), s.Options())
	}
	if e := s.client.Options().BaseEndpoint; e == nil || *e != "http://127.0.0.1:9" {
		t.Errorf("endpoint %v", e)
	}
	if s := provision(t, `{"bucket":"b"}`); s.prefix != "files/" {
		t.Errorf("default prefix %q", s.prefix)
	}
	t.Setenv("S3_FILES_BUCKET", "")
	for config, msg := range map[string]string{
		`{}`:                                "S3_FILES_BUCKET",
		`{"bucket":"{env.NOT_SET_AT_ALL}"}`: "NOT_SET_AT_ALL",
		`{"bucket":"b","endpoint":"localhost:9000"}`:                 "endpoint",
		`{"bucket":"b","prefix":"` + strings.Repeat("p", 300) + `"}`: "prefix",
		`{"bucket":"b","max_size":-1}`:                               "max_size",
		`{"bucket":"b","access_key_id":"AKIA"}`:                      "secret_access_key",
		`{"bucket":"b","dir":"d"}`:                                   "dir",
	} {
		if _, err := load(t, config); err == nil || !strings.Contains(err.Error(), msg) {
			t.Errorf("%s: %v; want %q in it", config, err, msg)
		}
	}
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
	if _, err := load(t, `{"bucket":"b"}`); err == nil || !strings.Contains(err.Error(), "region") {
		t.Errorf("no region: %v", err)
	}
}

func TestKeys(t *testing.T) {
	s := &Store{prefix: strings.Repeat("p", maxPrefix-1) + "/"}
	now := time.Now().UTC().Truncate(time.Millisecond)
	older, newer := files.NewID(now), files.NewID(now.Add(time.Millisecond))
	if s.indexPrefix("o", newer) >= s.indexPrefix("o", older) || s.contentKey("o", newer) >= s.contentKey("o", older) {
		t.Error("a newer file must come before an older one")
	}
	for _, c := range []struct {
		name    string
		partial bool
	}{{"a.txt", false}, {"", false}, {"數據 \"/\\\x00 .txt", false}, {strings.Repeat("n", 1024), true}} {
		f := files.File{
			ID: newer, Bytes: 1 << 40, CreatedAt: now, ExpiresAt: now.Add(time.Hour), Filename: c.name, Purpose: "fine-tune",
			MediaType: "application/vnd.openxmlformats-officedocument.wordprocessingml.document; charset=utf-8", Owner: "o",
			SHA256: strings.Repeat("ab", 32),
		}
		key := s.indexKey(f)
		if len(key) > maxKey || !strings.HasPrefix(key, s.indexPrefix("o", newer)) {
			t.Errorf("%.20q: a key of %d bytes: %s", c.name, len(key), key)
		}
		for piece := range strings.SplitSeq(strings.TrimPrefix(key, s.prefix), "/") {
			if len(piece) > maxPiece || piece == "" {
				t.Errorf("%.20q: a piece of %d bytes", c.name, len(piece))
			}
		}
		got, partial, ok := s.parseIndexKey(key, "o")
		if c.partial {
			f.Filename = ""
		}
		if !ok || partial != c.partial || got != f {
			t.Errorf("%.20q: parsed %+v, partial %v, ok %v", c.name, got, partial, ok)
		}
	}
	good := s.indexKey(files.File{ID: newer, SHA256: strings.Repeat("ab", 32)})
	for _, key := range []string{"", s.prefix, good[1:], good[:len(good)-3], s.prefix + "index/notes.txt", strings.Replace(good, "/", "//", 1), good + "!"} {
		if f, _, ok := s.parseIndexKey(key, "o"); ok {
			t.Errorf("%q is taken for %+v", key, f)
		}
	}
}

// Any program may write into the bucket.
func FuzzParseIndexKey(f *testing.F) {
	s := &Store{prefix: "files/"}
	f.Add(s.indexKey(files.File{ID: files.NewID(time.Now()), SHA256: strings.Repeat("ab", 32), Filename: "a"}))
	f.Add("files/index/notes.txt")
	f.Fuzz(func(t *testing.T, key string) {
		if got, _, ok := s.parseIndexKey(key, "o"); ok && (!files.ValidID(got.ID) || len(got.SHA256) != 64 || got.Bytes < 0) {
			t.Errorf("%q gives %+v", key, got)
		}
	})
}
