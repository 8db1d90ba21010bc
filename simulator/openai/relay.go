package openai

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"mime"
	"mime/multipart"
	"net/http"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// The endpoints beside chat. They check members and types, and answer simply: enough to see that a call was relayed
// as it came.

var embeddingBody = shape([]string{"input"}, members{
	"model": str, "user": str, "input": textOr("array", list(1, 2048, anything)),
	"dimensions": integer(1, 3072), "encoding_format": oneOf("float", "base64"),
})

func (s *server) embeddings(w http.ResponseWriter, r *http.Request, body []byte) {
	present, m, name, f := s.read(r, body, embeddingUse, "", embeddingBody)
	if f != nil {
		f.write(w)
		return
	}
	out, _, _ := s.play(w, r, "", present["model"].(string))
	if out == nil {
		return
	}
	inputs, ok := present["input"].([]any)
	if !ok {
		inputs = []any{present["input"]}
	}
	size := m.output
	if n, ok := present["dimensions"].(json.Number); ok {
		if asked, err := n.Int64(); err == nil && int(asked) <= size {
			size = int(asked)
		}
	}
	data := make([]map[string]any, 0, len(inputs))
	used := 0
	for i, in := range inputs {
		v := vector(in, size)
		used += tokens(fmt.Sprint(in))
		data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": v})
		if present["encoding_format"] == "base64" {
			var b bytes.Buffer
			_ = binary.Write(&b, binary.LittleEndian, v)
			data[i]["embedding"] = base64.StdEncoding.EncodeToString(b.Bytes())
		}
	}
	writeJSON(out, http.StatusOK, map[string]any{
		"object": "list", "model": name, "data": data, "usage": map[string]int{"prompt_tokens": used, "total_tokens": used},
	})
}

// vector is a unit vector that depends on nothing but the input.
func vector(input any, size int) []float32 {
	h := fnv.New64a()
	_, _ = fmt.Fprint(h, input)
	seed := h.Sum64()
	v := make([]float32, size)
	var norm float64
	for i := range v {
		seed = seed*6364136223846793005 + 1442695040888963407
		x := float64(int32(seed>>32)) / math.MaxInt32 // the wrap-around is wanted: it is a hash
		v[i] = float32(x)
		norm += x * x
	}
	for i := range v {
		v[i] = float32(float64(v[i]) / math.Sqrt(norm))
	}
	return v
}

var completionBody = shape([]string{"prompt"}, members{
	"model": str, "prompt": textOr("array", list(1, 2048, anything)), "best_of": orNullable(integer(1, 20)),
	"echo": orNullable(boolean), "frequency_penalty": orNullable(decimal(-2, 2)), "logit_bias": orNullable(logitBias),
	"logprobs": orNullable(integer(0, 5)), "max_tokens": orNullable(integer(0, unbounded)), "n": orNullable(integer(1, 128)),
	"presence_penalty": orNullable(decimal(-2, 2)), "seed": orNullable(integer(-math.MaxInt64, math.MaxInt64)),
	"stop": orNullable(textOr("array of strings", list(1, 4, str))), "stream": orNullable(boolean),
	"stream_options": orNullable(streamOptions), "suffix": orNullable(str), "temperature": orNullable(decimal(0, 2)),
	"top_p": orNullable(decimal(0, 1)), "user": str,
})

func (s *server) completions(w http.ResponseWriter, r *http.Request, body []byte) {
	present, _, name, f := s.read(r, body, completionUse, "", completionBody)
	if f != nil {
		f.write(w)
		return
	}
	prompt := fmt.Sprint(present["prompt"])
	out, spec, done := s.play(w, r, prompt, present["model"].(string))
	if out == nil {
		return
	}
	said := "You said: " + fault.Strip(prompt)
	reply := func(text string, finish any) map[string]any {
		return map[string]any{
			"id": fmt.Sprintf("cmpl-simulator%08d", s.calls.Load()), "object": "text_completion", "created": now(), "model": name,
			"choices": []any{map[string]any{"text": text, "index": 0, "logprobs": nil, "finish_reason": finish}},
		}
	}
	if present["stream"] == true {
		e := newStream(out, spec)
		for _, p := range pieces(said) {
			if !e.data("", marshal(reply(p, nil))) {
				return
			}
		}
		if e.data("", marshal(reply("", "stop"))) && done {
			e.data("", []byte("[DONE]"))
		}
		return
	}
	k := reply(said, "stop")
	k["usage"] = map[string]int{
		"prompt_tokens": tokens(prompt), "completion_tokens": tokens(said), "total_tokens": tokens(prompt) + tokens(said),
	}
	writeJSON(out, http.StatusOK, k)
}

var moderationBody = shape([]string{"input"}, members{"model": str, "input": textOr("array", list(1, 2048, anything))})

func (s *server) moderations(w http.ResponseWriter, r *http.Request, body []byte) {
	present, _, name, f := s.read(r, body, moderationUse, "omni-moderation-latest", moderationBody)
	if f != nil {
		f.write(w)
		return
	}
	out, _, _ := s.play(w, r, "", present["model"].(string))
	if out == nil {
		return
	}
	writeJSON(out, http.StatusOK, map[string]any{
		"id": fmt.Sprintf("modr-%d", s.calls.Load()), "model": name,
		"results": []any{map[string]any{
			"flagged":                      false,
			"categories":                   map[string]bool{"harassment": false, "violence": false},
			"category_scores":              map[string]float64{"harassment": 0.0001, "violence": 0.0001},
			"category_applied_input_types": map[string][]string{"harassment": {"text"}, "violence": {"text"}},
		}},
	})
}

var imageBody = shape([]string{"prompt"}, members{
	"model": orNullable(str), "prompt": str, "background": orNullable(str), "moderation": orNullable(oneOf("low", "auto")),
	"n": orNullable(integer(1, 10)), "output_compression": orNullable(integer(0, 100)), "output_format": orNullable(str),
	"partial_images": orNullable(integer(0, 3)), "quality": orNullable(str), "response_format": orNullable(oneOf("url", "b64_json")),
	"size": orNullable(str), "stream": orNullable(boolean), "style": orNullable(oneOf("vivid", "natural")), "user": str,
	"safety_identifier": orNullable(str),
})

// pixel is a PNG of one transparent pixel.
const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="

func (s *server) images(w http.ResponseWriter, r *http.Request, body []byte) {
	present, _, _, f := s.read(r, body, imageUse, "dall-e-3", imageBody)
	if f != nil {
		f.write(w)
		return
	}
	out, _, _ := s.play(w, r, present["prompt"].(string), present["model"].(string))
	if out == nil {
		return
	}
	writeJSON(out, http.StatusOK, map[string]any{
		"created": now(),
		"data":    []any{map[string]any{"b64_json": pixel, "revised_prompt": "You said: " + fault.Strip(present["prompt"].(string))}},
	})
}

var speechBody = shape([]string{"input", "voice"}, members{
	"model": str, "input": upTo(4096), "voice": choice(jsonObject, "alloy", "ash", "ballad", "coral", "echo", "fable", "onyx", "nova", "sage", "shimmer", "verse"),
	"instructions": str, "response_format": oneOf("mp3", "opus", "aac", "flac", "wav", "pcm"), "speed": decimal(0.25, 4),
	"stream_format": oneOf("sse", "audio"),
})

func (s *server) speech(w http.ResponseWriter, r *http.Request, body []byte) {
	present, _, _, f := s.read(r, body, audioUse, "", speechBody)
	if f != nil {
		f.write(w)
		return
	}
	said := present["input"].(string)
	out, _, _ := s.play(w, r, said, present["model"].(string))
	if out == nil {
		return
	}
	out.Header().Set("Content-Type", "audio/mpeg")
	// An ID3 tag and the words: no sound, but bytes that must arrive as they are.
	_, _ = out.Write(append([]byte("ID3\x04\x00\x00\x00\x00\x00\x00\xff\xfb"), fault.Strip(said)...))
}

// transcriptions is the one endpoint here that takes a form.
func (s *server) transcriptions(w http.ResponseWriter, r *http.Request, body []byte) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		invalid("", "", "Could not parse multipart form").write(w)
		return
	}
	fields := map[string]string{}
	size := -1
	for form := multipart.NewReader(bytes.NewReader(body), params["boundary"]); ; {
		p, err := form.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			invalid("", "", "Could not parse multipart form").write(w)
			return
		}
		b, err := io.ReadAll(p)
		if err != nil {
			invalid("", "", "Could not parse multipart form").write(w)
			return
		}
		if p.FormName() == "file" {
			size = len(b)
			continue
		}
		fields[p.FormName()] = string(b)
	}
	id, _ := fault.Model(fields["model"])
	if m, _, ok := find(id); !ok || m.use != audioUse {
		noSuchModel(id).write(w)
		return
	}
	if size < 0 {
		invalid("file", "missing_required_parameter", "Missing required parameter: 'file'.").write(w)
		return
	}
	out, _, _ := s.play(w, r, fields["prompt"], fields["model"])
	if out == nil {
		return
	}
	writeJSON(out, http.StatusOK, map[string]any{
		"text": fmt.Sprintf("You said: %d bytes", size), "usage": map[string]any{"type": "duration", "seconds": 1},
	})
}
