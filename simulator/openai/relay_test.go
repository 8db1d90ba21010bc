package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestRelayedEndpoints(t *testing.T) {
	for _, c := range []struct {
		name, path, body string
		status           int
		phrase           string
	}{
		{"completions", "/v1/completions", `{"model":"gpt-3.5-turbo-instruct","prompt":"hi"}`, 200, `"text": "You said: hi"`},
		{"completions, streamed", "/v1/completions", `{"model":"gpt-3.5-turbo-instruct","prompt":"hi","stream":true}`, 200, `"text":" hi"`},
		{"completions of a chat model", "/v1/completions", `{"model":"gpt-4o","prompt":"hi"}`, 404, "not a model that this endpoint serves"},
		{"completions with messages", "/v1/completions", `{"model":"gpt-3.5-turbo-instruct","prompt":"","messages":[]}`, 400, "Unrecognized request argument supplied: messages"},
		{"embeddings with an unknown member", "/v1/embeddings", `{"model":"text-embedding-3-small","input":"a","input_type":"query"}`, 400, "Unrecognized request argument supplied: input_type"},
		{"moderations", "/v1/moderations", `{"input":"hi"}`, 200, `"flagged": false`},
		{"images", "/v1/images/generations", `{"prompt":"a cat","model":"dall-e-3"}`, 200, pixel},
		{"speech", "/v1/audio/speech", `{"input":"hi","model":"tts-1","voice":"nova"}`, 200, "ID3\x04"},
		{"speech of no voice", "/v1/audio/speech", `{"input":"hi","model":"tts-1"}`, 400, "Missing required parameter: 'voice'."},
		{"responses", "/v1/responses", `{"model":"gpt-4o","input":"hi"}`, 200, `"text": "You said: hi"`},
		{"responses of a list", "/v1/responses", `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_text","text":"yo"}]}]}`, 200, `"text": "You said: yo"`},
		{"responses, streamed", "/v1/responses", `{"model":"gpt-4o","input":"hi","stream":true}`, 200, "event: response.completed\ndata: {"},
		{"responses with messages", "/v1/responses", `{"model":"gpt-4o","input":"hi","messages":[]}`, 400, "Unrecognized request argument supplied: messages"},
		{"a fault", "/v1/responses", `{"model":"gpt-4o","input":"[[fault:throttle]]"}`, 429, "rate_limit_exceeded"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, reply, _ := ask(t, New(Options{}), c.path, c.body)
			if status != c.status || !strings.Contains(reply, c.phrase) {
				t.Errorf("got %d %s", status, reply)
			}
		})
	}
}

// TestEmbeddings: a list of numbers or base64 of the same, always the same for the same input, of length one.
func TestEmbeddings(t *testing.T) {
	var floats struct {
		Data []struct{ Embedding []float32 }
	}
	_, reply, _ := ask(t, New(Options{}), "/v1/embeddings", `{"model":"text-embedding-3-small","input":["a","b"],"dimensions":8}`)
	if err := json.Unmarshal([]byte(reply), &floats); err != nil {
		t.Fatal(err)
	}
	var packed struct{ Data []struct{ Embedding string } }
	_, reply, _ = ask(t, New(Options{}), "/v1/embeddings", `{"model":"text-embedding-3-small","input":"a","dimensions":8,"encoding_format":"base64"}`)
	if err := json.Unmarshal([]byte(reply), &packed); err != nil {
		t.Fatal(err)
	}
	b, err := base64.StdEncoding.DecodeString(packed.Data[0].Embedding)
	if err != nil || len(b) != 32 {
		t.Fatalf("%d bytes of base64, %v", len(b), err)
	}
	if len(floats.Data) != 2 || len(floats.Data[0].Embedding) != 8 {
		t.Fatalf("got %s", reply)
	}
	var norm float64
	for i, x := range floats.Data[0].Embedding {
		norm += float64(x) * float64(x)
		if bits := uint32(b[4*i]) | uint32(b[4*i+1])<<8 | uint32(b[4*i+2])<<16 | uint32(b[4*i+3])<<24; math.Float32frombits(bits) != x {
			t.Errorf("number %d differs between the two forms", i)
		}
	}
	if math.Abs(norm-1) > 1e-3 {
		t.Errorf("length %f", norm)
	}
}

func TestTranscriptionsTakeAForm(t *testing.T) {
	for name, c := range map[string]struct {
		fields map[string]string
		file   string
		status int
		phrase string
	}{
		"whole":    {map[string]string{"model": "whisper-1"}, "sound", 200, "You said: 5 bytes"},
		"no file":  {map[string]string{"model": "whisper-1"}, "", 400, "Missing required parameter: 'file'."},
		"no model": {nil, "sound", 404, "model_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			form := multipart.NewWriter(&b)
			for k, v := range c.fields {
				if err := form.WriteField(k, v); err != nil {
					t.Fatal(err)
				}
			}
			if c.file != "" {
				p, err := form.CreateFormFile("file", "a.wav")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.Write([]byte(c.file)); err != nil {
					t.Fatal(err)
				}
			}
			if err := form.Close(); err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/audio/transcriptions", &b)
			r.Header.Set("Content-Type", form.FormDataContentType())
			r.Header.Set("Authorization", "Bearer "+DefaultKey)
			w := httptest.NewRecorder()
			New(Options{}).ServeHTTP(w, r)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.phrase) {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
		})
	}
}
