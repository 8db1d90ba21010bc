package rules

import (
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Citations are said in Converse's and in Claude's words, there and back.
func TestCitationsThereAndBack(t *testing.T) {
	for _, c := range []struct{ converse, claude string }{
		{
			`{"title":"T","sourceContent":[{"text":"a\n"}],"location":{"documentChar":{"documentIndex":1,"start":2,"end":3}}}`,
			`{"type":"char_location","cited_text":"a\n","document_title":"T","document_index":1,"start_char_index":2,"end_char_index":3}`,
		},
		{
			`{"title":"T","sourceContent":[{"text":"a"}],"location":{"documentPage":{"documentIndex":0,"start":1,"end":2}}}`,
			`{"type":"page_location","cited_text":"a","document_title":"T","document_index":0,"start_page_number":1,"end_page_number":2}`,
		},
		{
			`{"title":"T","sourceContent":[{"text":"a"}],"location":{"documentChunk":{"documentIndex":0,"start":1,"end":2}}}`,
			`{"type":"content_block_location","cited_text":"a","document_title":"T","document_index":0,"start_block_index":1,"end_block_index":2}`,
		},
		{
			`{"title":"T","source":"https://s","sourceContent":[{"text":"a"}],"location":{"searchResultLocation":{"searchResultIndex":4,"start":1,"end":2}}}`,
			`{"type":"search_result_location","cited_text":"a","title":"T","search_result_index":4,"start_block_index":1,"end_block_index":2,"source":"https://s"}`,
		},
		{
			`{"title":"T","sourceContent":[{"text":"a"}],"location":{"web":{"url":"https://u"}}}`,
			`{"type":"web_search_result_location","cited_text":"a","title":"T","url":"https://u","encrypted_index":""}`,
		},
	} {
		if got := string(ClaudeCitation(chat.Value(c.converse))); got != c.claude {
			t.Errorf("to Claude:\n%s\nwant\n%s", got, c.claude)
		}
		if got := string(ConverseCitation(chat.Value(c.claude))); got != c.converse {
			t.Errorf("to Converse:\n%s\nwant\n%s", got, c.converse)
		}
	}
	if got := ClaudeCitation(chat.Value(`{"location":{"moon":{}}}`)); got != nil {
		t.Errorf("an unknown place: %s", got)
	}
}

// OpenAI counts characters, not bytes and not what their escapes take.
func TestCharacters(t *testing.T) {
	for _, s := range []string{"", "a", "wörld\n", "😀", `"\u00e4\\`} {
		want := int64(len([]rune(s)))
		if got := Characters(json.Quote(s)); got != want {
			t.Errorf("%q: %d, want %d", s, got, want)
		}
	}
	if got := Characters(chat.String(`"\ud83d\ude00\u00e4\\u\""`)); got != 5 {
		t.Errorf("escapes: %d", got)
	}
}
