package translation_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// aliased is what an id becomes that the target refuses: so many characters of its hash.
func aliased(own string, n int) string {
	h := sha256.Sum256([]byte(own))
	return hex.EncodeToString(h[:])[:n]
}

// namedLike is what a tool's name becomes: what is readable of it, and its hash.
func namedLike(readable, own string) string { return readable + "_" + aliased(own, 8) }

// TestMedia shows the rules of images, files and audio.
func TestMedia(t *testing.T) {
	parts := func(parts ...string) string {
		return `"messages":[{"role":"user","content":[` + strings.Join(parts, ",") + `]}]`
	}
	image := func(url string) string {
		return `{"type":"image_url","image_url":{"url":"` + url + `","detail":"low"}}`
	}
	file := func(name, data string) string {
		return `{"type":"file","file":{"filename":"` + name + `","file_data":"` + data + `"}}`
	}
	picture := func(format, source string) string {
		return `{"image":{"format":"` + format + `","source":` + source + `}}`
	}
	document := func(format, name, bytes string) string {
		return `{"document":{"format":"` + format + `","name":"` + name + `","source":{"bytes":"` + bytes + `"}}}`
	}
	const text, sent = `{"type":"text","text":"Look"}`, `{"text":"Look"}`
	start(t).run(t, []row{
		{rule: "an image's bytes", request: parts(text, image("data:image/png;base64,iVBORw0KGgo=")), sent: user(sent + "," + picture("png", `{"bytes":"iVBORw0KGgo="}`))},
		{rule: "jpg is jpeg", request: parts(image("data:image/jpg;base64,/9j/4AAQ"), text), sent: user(picture("jpeg", `{"bytes":"/9j/4AAQ"}`) + "," + sent)},
		{rule: "a media type in capitals, with a parameter", request: parts(image("data:IMAGE/GIF;x=1;base64,R0lGODlh")), sent: user(picture("gif", `{"bytes":"R0lGODlh"}`))},
		{rule: "an image in S3", request: parts(text, image("s3://bucket/a.webp")), sent: user(sent + "," + picture("webp", `{"s3Location":{"uri":"s3://bucket/a.webp"}}`))},
		{rule: "malformed base64", request: parts(image("data:image/png;base64,iVBORw0KG")), status: 400, get: invalid("messages[0].content[0].image_url.url", "invalid base64")},
		{rule: "an unsupported type of image", request: parts(text, image("data:image/bmp;base64,Qk0=")), status: 400, get: invalid("messages[0].content[1].image_url.url", "'image/bmp'")},
		{rule: "a data URL that is none", request: parts(image("data:image/png,x")), status: 400, get: invalid("messages[0].content[0].image_url.url", "invalid data URL")},
		{rule: "a remote image while none are fetched", request: parts(image("https://example.com/a.png")), status: 400, get: invalid("messages", "fetch_remote_images is off")},
		{rule: "an image URL of another scheme", request: parts(image("file:///etc/passwd")), status: 400, get: invalid("messages[0].content[0].image_url.url", "invalid image URL")},
		{rule: "an image for a model that takes none", model: novaText, request: parts(text, image("data:image/png;base64,iVBORw0KGgo=")), status: 400, get: invalid("messages", "takes no content of kind image")},

		{rule: "a file is a document, its name made legal", model: nova, request: parts(text, file("Ünï: report_2024  (v1).pdf", "data:application/pdf;base64,JVBERi0=")), sent: user(sent + "," + document("pdf", "n- report-2024 (v1)", "JVBERi0="))},
		{
			rule: "documents of one name get two", model: nova, request: parts(text, file("a.pdf", "data:application/pdf;base64,JVBERi0="), file("a.pdf", "data:application/pdf;base64,JVBERi0=")),
			sent: user(sent + "," + document("pdf", "a", "JVBERi0=") + "," + document("pdf", "a (2)", "JVBERi0=")),
		},
		// By Converse, Claude reads a PDF's text and no more.
		{
			rule: "a PDF goes to Claude in its own form", request: parts(text, file("a.pdf", "data:application/pdf;base64,JVBERi0=")), path: "/model/" + url.QueryEscape(sonnet35) + "/invoke",
			sent:  `{"anthropic_version":"bedrock-2023-05-31","max_tokens":4096,"messages":[{"role":"user","content":[{"type":"text","text":"Look"},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a.pdf"}]}]}`,
			reply: gatewaytest.Reply{Body: claudeReply("claude", `{"type":"text","text":"Word"}`, "end_turn")},
		},
		{rule: "a document alone gets text beside it", request: parts(file("a.csv", "data:text/csv;base64,YSxi")), sent: user(document("csv", "a", "YSxi") + `,{"text":"See the attached document."}`)},
		{rule: "a document's text for a model that takes no documents", model: novaText, request: parts(text, file("a.csv", "data:text/csv;base64,YSxi")), sent: user(sent + `,{"text":"a.csv:\na,b"}`)},
		{rule: "a document that is no text for such a model", model: novaText, request: parts(text, file("a.pdf", "data:application/pdf;base64,JVBERi0=")), status: 400, get: invalid("messages", "takes no content of kind document")},
		{rule: "a file of no known type", request: parts(text, file("a.exe", "data:application/x-msdownload;base64,TVo=")), status: 400, get: invalid("messages", "application/x-msdownload")},
		{
			rule: "a file id of another provider", request: parts(text, `{"type":"file","file":{"file_id":"file-abc"}}`), status: 404,
			get: fault("invalid_request_error", "file_id", "file_not_found", "'file-abc'"),
		},

		{rule: "audio for a model that hears", model: voxtral, request: parts(text, `{"type":"input_audio","input_audio":{"format":"wav","data":"UklGRg=="}}`), sent: user(sent + `,{"audio":{"format":"wav","source":{"bytes":"UklGRg=="}}}`)},
		{rule: "audio for one that does not", request: parts(text, `{"type":"input_audio","input_audio":{"format":"wav","data":"UklGRg=="}}`), status: 400, get: invalid("messages", "takes no content of kind audio")},
	})
}
