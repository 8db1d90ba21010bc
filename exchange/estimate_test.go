package exchange

import (
	"strings"
	"testing"
)

// LiteLLM's estimate said 675 thousand tokens where the model measured 1.19 million, and Claude Code ran over its window
// (https://github.com/BerriAI/litellm/issues/37102). So what is estimated here is no less than any tokenizer's count.
func TestTheEstimateIsOnTheHighSide(t *testing.T) {
	for _, tt := range []struct {
		rule, text  string
		least, most int64
	}{
		{"English, a token of 4 to 5 letters", strings.Repeat("the quick brown fox ", 50), 250, 410},
		{"code, a token of 2.6", strings.Repeat("for(i=0;i<n;i++){x[i]+=1;}", 50), 500, 600},
		{"Chinese, up to 1.5 tokens a character", strings.Repeat("你好世界", 100), 600, 620},
		{"Russian, a token of two letters", strings.Repeat("привет мир ", 100), 600, 1000},
		{"an image", strings.Repeat("iVBORw0KGgoA", 1000), 4800, 4820},
		{"a small image is as much", strings.Repeat("iVBORw0KGgoA", 400), 4800, 4820},
		{"a PDF of 1.2 MB", "JVBERi0xLjQK" + strings.Repeat("AAAAAAAAAAAA", 100_000), 150_000, 150_020},
		{"nothing", "", 0, 8},
	} {
		if n := estimateHigh([]byte(`{"content":"` + tt.text + `"}`)); n < tt.least || n > tt.most {
			t.Errorf("%s: %d, want %d to %d", tt.rule, n, tt.least, tt.most)
		}
	}
}
