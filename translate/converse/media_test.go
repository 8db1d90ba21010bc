package converse

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

func attach(kind chat.BlockKind, m chat.Media) chat.Block {
	return chat.Block{Kind: kind, Media: &m}
}

const pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

func TestMedia(t *testing.T) {
	image := func(m chat.Media) *chat.Request { return ask(user(say("hi"), attach(chat.Image, m))) }
	document := func(m ...chat.Media) *chat.Request {
		r := ask(user(say("hi")))
		for _, one := range m {
			r.Messages[0].Content = append(r.Messages[0].Content, attach(chat.Document, one))
		}
		return r
	}
	data := []byte("aGVsbG8=")
	pdf := []byte("JVBERi0xLjQK")
	runEncode(t, []encodeCase{
		{
			name: "an image", request: image(chat.Media{Type: "image/png", Data: []byte(pixel)}),
			want: `{"messages":[{"role":"user","content":[{"text":"hi"},{"image":{"format":"png","source":{"bytes":"` + pixel + `"}}}]}]}`,
		},
		{name: "jpg is jpeg", request: image(chat.Media{Type: "image/jpg", Data: []byte("/9j/")}), has: []string{`"format":"jpeg"`}, unsure: true},
		{name: "told by its first bytes", request: image(chat.Media{Data: []byte(pixel)}), has: []string{`"format":"png"`}},
		{name: "in S3", request: image(chat.Media{Type: "image/webp", S3: "s3://b/k.webp", S3Owner: "123456789012"}), has: []string{`"source":{"s3Location":{"uri":"s3://b/k.webp","bucketOwner":"123456789012"}}`}, unsure: true},
		{name: "in S3, told by its name", request: image(chat.Media{URL: "s3://b/k.JPG"}), has: []string{`"format":"jpeg"`, `"uri":"s3://b/k.JPG"`}, unsure: true},
		{name: "of a type that Bedrock does not take", request: image(chat.Media{Type: "image/tiff", Data: data}), refused: "'image/tiff' is not supported"},
		{name: "at a URL", request: image(chat.Media{Type: "image/png", URL: "https://x.example/a.png"}), refused: "fetch_remote_images is off"},
		{name: "a file of nobody's", request: image(chat.Media{Type: "image/png", FileID: "file-1"}), refused: "'file-1'"},
		{name: "to a model that sees nothing", model: llama, request: image(chat.Media{Type: "image/png", Data: data}), refused: "takes no content of kind image"},
		{
			name: "in a result", request: ask(user(say("q")), assistant(toolCall("a", "f", "{}")), user(toolAnswer("a", attach(chat.Image, chat.Media{Type: "image/png", Data: []byte(pixel)})))),
			has: []string{`"content":[{"image":{"format":"png"`},
		},
		{
			name: "documents have names of their own, of legal characters",
			request: document(chat.Media{Type: "application/pdf", Name: "report_2024.final  v2.pdf", Data: pdf}, chat.Media{Type: "application/pdf", Name: "отчёт.pdf", Data: pdf},
				chat.Media{Type: "application/pdf", Data: pdf}, chat.Media{Type: "application/pdf", Data: pdf}, chat.Media{Type: "text/csv", Name: strings.Repeat("n", 300), Data: data}),
			has: []string{
				`{"document":{"format":"pdf","name":"report-2024-final v2","source":{"bytes":"JVBERi0xLjQK"}}}`, `"name":"document"`, `"name":"document (2)"`, `"name":"document (3)"`,
				`"format":"csv","name":"` + strings.Repeat("n", 192) + `"`,
			},
		},
		{
			name: "a document has text beside it", request: ask(user(attach(chat.Document, chat.Media{Type: "application/pdf", Data: pdf}))),
			has: []string{`{"text":"See the attached document."}`},
		},
		{name: "text of any kind is txt", request: document(chat.Media{Type: "text/x-python", Data: data}, chat.Media{Type: "application/json", Data: data}), has: []string{`"format":"txt"`}, hasNot: []string{"python"}},
		{name: "told by its name", request: document(chat.Media{Type: "application/octet-stream", Name: "a.XLSX", Data: data}), has: []string{`"format":"xlsx","name":"a"`}, unsure: true},
		{name: "of a type that Bedrock does not take", request: document(chat.Media{Type: "application/zip", Data: data}), refused: "'application/zip'"},
		{name: "as text", request: document(chat.Media{Text: q("hello"), Context: q("c"), Citations: true}), has: []string{`"format":"txt","name":"document","source":{"bytes":"aGVsbG8="},"context":"c","citations":{"enabled":true}`}},
		{name: "as blocks", request: document(chat.Media{Name: "n", Content: []chat.Block{say("x")}}), has: []string{`{"document":{"name":"n","source":{"content":[{"text":"x"}]}}}`}, unsure: true},
		{name: "as text where documents are not taken", model: gptOSS, request: document(chat.Media{Type: "text/plain", Name: "a.txt", Data: data}), has: []string{`{"text":"a.txt:\nhello"}`}},
		{name: "no text in it where documents are not taken", model: gptOSS, request: document(chat.Media{Type: "application/pdf", Data: pdf}), refused: "takes no content of kind document"},
		{name: "sound to a model that hears nothing", request: ask(user(say("hi"), attach(chat.Audio, chat.Media{Type: "audio/wav", Data: data}))), refused: "takes no content of kind audio"},
		{name: "sound", model: "mistral.voxtral-small-24b-2507", request: ask(user(say("hi"), attach(chat.Audio, chat.Media{Type: "audio/mpeg", Data: data}))), has: []string{`{"audio":{"format":"mp3","source":{"bytes":"aGVsbG8="}}}`}, unsure: true},
		{name: "a video", model: nova, request: ask(user(say("hi"), attach(chat.Video, chat.Media{Type: "video/quicktime", S3: "s3://b/v"}))), has: []string{`{"video":{"format":"mov","source":{"s3Location":{"uri":"s3://b/v"}}}}`}, unsure: true},
	})
}
