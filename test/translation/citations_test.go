package translation_test

import (
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/gatewaytest"
)

// TestCitationsForOpenAI shows what OpenAI's clients get of citations: annotations where OpenAI has words, and the whole of
// them beside those where it has not. They were a line in the log.
func TestCitationsForOpenAI(t *testing.T) {
	tb := start(t)
	pdf, _ := tb.upload(t, "a.pdf", "application/pdf", "%PDF-1.4", "", "")
	const (
		page     = `{"title":"D","sourceContent":[{"text":"c"}],"location":{"documentPage":{"documentIndex":1,"start":2,"end":3}}}`
		search   = `{"title":"S","source":"https://s","location":{"searchResultLocation":{"searchResultIndex":0,"start":0,"end":1}}}`
		other    = `{"title":"B","location":{"documentChar":{"documentIndex":0,"start":0,"end":1}}}`
		newer    = `{"title":"N","location":{"hologram":{"x":1}}}`
		ofPage   = `"citation":{"type":"page_location","cited_text":"c","document_title":"D","document_index":1,"start_page_number":2,"end_page_number":3}}`
		ofOther  = `"citation":{"type":"char_location","cited_text":"","document_title":"B","document_index":0,"start_char_index":0,"end_char_index":1}}`
		ofNewer  = `"citation":` + newer + `}`
		at       = `"start_index":1,"end_index":5`
		document = `{"document":{"format":"pdf","name":"b","source":{"bytes":"JVBERi0xLjQ="},"citations":{"enabled":true}}},{"document":{"format":"pdf","name":"a","source":{"bytes":"JVBERi0xLjQ="},"citations":{"enabled":true}}}`
	)
	cited := func() gatewaytest.Reply {
		return content(`{"text":"ä"},{"citationsContent":{"content":[{"text":"Word"}],"citations":[`+strings.Join([]string{page, search, other, newer}, ",")+`]}}`, "end_turn")
	}
	streamed := func() gatewaytest.Reply {
		frame := func(c string) string { return delta(1, `{"citation":`+c+`}`) }
		return frames(stopped("end_turn", say(0, "ä"), end(0), say(1, "Word"), frame(page), frame(search), frame(other), frame(newer), end(1))...)
	}
	ofFile := `"file_id":"` + pdf + `","filename":"a.pdf","index":5`
	chats := `"messages":[{"role":"user","content":[{"type":"file","file":{"filename":"b.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQ="},"citations":{"enabled":true}},{"type":"file","file":{"file_id":"` + pdf + `"},"citations":{"enabled":true}},{"type":"text","text":"Look"}]}]`
	inChat := `"annotations":[{"type":"url_citation","url_citation":{` + at + `,"title":"S","url":"https://s"}}],` +
		`"bedrock_citations":[{` + at + `,"index":0,"file_citation":{` + ofFile + `},` + ofPage + `,{` + at + `,"index":1,` + ofOther + `,{` + at + `,"index":2,` + ofNewer + `]`
	input := `"input":[{"role":"user","content":[{"type":"input_file","filename":"b.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQ=","citations":{"enabled":true}},{"type":"input_file","file_id":"` + pdf + `","citations":{"enabled":true}},{"type":"input_text","text":"Look"}]}]`
	file, url := `{"type":"file_citation",`+ofFile+`}`, `{"type":"url_citation",`+at+`,"title":"S","url":"https://s"}`
	inResponses := `{"type":"output_text","text":"äWord","annotations":[` + file + `,` + url + `],"logprobs":[],"bedrock_citations":[{` + at + `,` + ofPage + `,{` + at + `,` + ofOther + `,{` + at + `,` + ofNewer + `]}`
	tb.u.Seen()
	for _, tc := range []struct {
		rule, path, body string
		reply            gatewaytest.Reply
		want             []string
	}{
		{"chat", "/v1/chat/completions", chats, cited(), []string{`"refusal":null,` + inChat + `}`}},
		{"chat, streamed", "/v1/chat/completions", chats + `,"stream":true`, streamed(), []string{`"delta":{` + inChat + `}`}},
		{"Responses", "/v1/responses", input, cited(), []string{`"content":[` + inResponses + `]`}},
		{"Responses, streamed", "/v1/responses", input + `,"stream":true`, streamed(), []string{
			`"annotation_index":0,"annotation":` + file + `}`, `"annotation_index":1,"annotation":` + url + `}`,
			`"content_index":0,"part":` + inResponses + `}`, `"content":[` + inResponses + `]`,
		}},
	} {
		t.Run(tc.rule, func(t *testing.T) {
			tb.u.Play(tc.reply)
			a := tb.ask(t, tc.path, `{"model":"`+sonnet35+`",`+tc.body+`}`, "")
			for _, want := range tc.want {
				if !strings.Contains(a.Body, want) {
					t.Errorf("the client got %d\n%s\nwithout\n%s", a.Status, a.Body, want)
				}
			}
			if seen := tb.u.Seen(); len(seen) != 1 || !strings.Contains(seen[0].Body, document) {
				t.Errorf("the upstream was sent %v", seen)
			}
		})
	}
}
