package rules_test

import (
	"slices"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

const (
	sonnet45 = "anthropic.claude-sonnet-4-5-20250929-v1:0" // thinks by budget
	opus46   = "anthropic.claude-opus-4-6-v1"              // takes either way
)

func exchange(id string) *chat.Exchange {
	return &chat.Exchange{Model: "m", TargetModel: id, Facts: model.Lookup(id)}
}

func text(s string) chat.Block { return chat.Block{Kind: chat.Text, Text: json.Quote(s)} }

func thought(s string) chat.Block {
	return chat.Block{Kind: chat.Thinking, Text: json.Quote(s), Own: chat.Own(json.Quote("sig"))}
}

func call(id string) chat.Block {
	return chat.Block{Kind: chat.ToolUse, Tool: &chat.Tooling{ID: id, Name: "f"}}
}

func result(id string) chat.Block {
	return chat.Block{Kind: chat.ToolResult, Tool: &chat.Tooling{ID: id}}
}

func user(b ...chat.Block) chat.Message { return chat.Message{Role: chat.User, Content: b} }

func assistant(b ...chat.Block) chat.Message { return chat.Message{Role: chat.Assistant, Content: b} }

// A budget asked for where the turn to be continued begins without reasoning is a 400. The last turn is all neighbours of
// one role: once it was taken to end at a blank message, or at one without calls.
func TestAContinuedCallWithoutItsThinking(t *testing.T) {
	view := rules.View{Dialect: chat.Converse, Thinking: true}
	for name, c := range map[string]struct {
		msgs []chat.Message
		want bool
	}{
		"a call and its result":                  {[]chat.Message{user(text("q")), assistant(call("1")), user(result("1"))}, true},
		"a blank assistant message behind":       {[]chat.Message{user(text("q")), assistant(call("1")), assistant(text(" ")), user(result("1"))}, true},
		"words behind the call":                  {[]chat.Message{user(text("q")), assistant(call("1")), assistant(text("so")), user(result("1"))}, true},
		"blank user message within the turn":     {[]chat.Message{user(text("q")), assistant(call("1")), user(text(" ")), assistant(text("x")), user(result("1"))}, true},
		"thinking in the turn's first message":   {[]chat.Message{user(text("q")), assistant(thought("hm")), assistant(call("1")), user(result("1"))}, false},
		"thinking that nobody signed":            {[]chat.Message{user(text("q")), assistant(chat.Block{Kind: chat.Thinking, Text: json.Quote("hm")}, call("1")), user(result("1"))}, true},
		"no call in the last turn, one before":   {[]chat.Message{user(text("q")), assistant(call("1")), user(result("1")), assistant(text("done")), user(text("more"))}, false},
		"thinking in an earlier turn only":       {[]chat.Message{user(text("q")), assistant(thought("hm"), text("a")), user(text("b")), assistant(call("1")), user(result("1"))}, true},
		"nothing said yet":                       {[]chat.Message{user(text("q"))}, false},
		"an assistant's turn that is blank only": {[]chat.Message{user(text("q")), assistant(text(" "))}, false},
	} {
		if got := view.ContinuesWithoutThinking(c.msgs); got != c.want {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestBudgets(t *testing.T) {
	for name, c := range map[string]struct {
		reasoning chat.Reasoning
		max       int64
		want      int64 // 0: dropped
		limit     int64 // of the reply, where the client gave none
	}{
		"by effort":                           {chat.Reasoning{Effort: "medium"}, 0, 2048, 6144},
		"the client's own":                    {chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 3000}, 0, 3000, 7096},
		"never below Claude's least":          {chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 10}, 0, 1024, 5120},
		"adaptive, for a model that is not":   {chat.Reasoning{Thinking: chat.ThinkingAdaptive}, 0, 4096, 8192},
		"within three quarters of the limit":  {chat.Reasoning{Effort: "high"}, 4000, 3000, 0},
		"a limit that leaves no room for any": {chat.Reasoning{Effort: "low"}, 1024, 0, 0},
		"a limit that leaves room for little": {chat.Reasoning{Effort: "high"}, 1100, 1024, 0},
	} {
		x := exchange(sonnet45)
		r := &chat.Request{Dialect: "openai", MaxTokens: c.max, Reasoning: c.reasoning, Messages: []chat.Message{user(text("q"))}}
		var p rules.Thinking
		if err := p.ByBudget(r, x, rules.View{Thinking: true}); err != nil {
			t.Fatal(err)
		}
		if p.Budget != c.want || p.On != (c.want > 0) || (len(x.Dropped) > 0) != (c.want == 0) {
			t.Errorf("%s: %+v, dropped %q", name, p, x.Dropped)
		}
		if c.limit > 0 && p.Limit(4096, &x.Facts) != c.limit {
			t.Errorf("%s: limit %d, want %d", name, p.Limit(4096, &x.Facts), c.limit)
		}
	}
}

// What was dropped is told in the words that the client used.
func TestTheClientsWordForReasoning(t *testing.T) {
	for name, c := range map[string]struct {
		r    chat.Request
		want string
	}{
		"OpenAI's effort":           {chat.Request{Dialect: "openai", Reasoning: chat.Reasoning{Effort: "low"}}, "reasoning_effort"},
		"thinking":                  {chat.Request{Dialect: "openai", Reasoning: chat.Reasoning{Thinking: chat.ThinkingBudget}}, "thinking"},
		"Claude's effort":           {chat.Request{Dialect: "claude", Reasoning: chat.Reasoning{Effort: "low"}}, "output_config.effort"},
		"Claude's with both":        {chat.Request{Dialect: "claude", Reasoning: chat.Reasoning{Effort: "low", Thinking: chat.ThinkingAdaptive}}, "thinking"},
		"Converse's own, as effort": {chat.Request{Dialect: "converse", Reasoning: chat.Reasoning{Effort: "low"}}, "reasoning_effort"},
	} {
		if got := rules.ThinkingParam(&c.r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestClaudesEffort(t *testing.T) {
	for name, c := range map[string]struct {
		reasoning chat.Reasoning
		budget    int64
		want      string
	}{
		"minimal is low":                     {chat.Reasoning{Effort: "minimal"}, 0, "low"},
		"xhigh where there is none":          {chat.Reasoning{Effort: "xhigh"}, 0, "high"},
		"max":                                {chat.Reasoning{Effort: "max"}, 0, "max"},
		"none beside a budget is no effort":  {chat.Reasoning{Effort: "none", Thinking: chat.ThinkingBudget, Budget: 2000}, 0, ""},
		"for a budget that cannot be told":   {chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 3000}, 0, "medium"},
		"not for a budget that has been":     {chat.Reasoning{Thinking: chat.ThinkingBudget, Budget: 3000}, 3000, ""},
		"the model's own where nothing said": {chat.Reasoning{Thinking: chat.ThinkingAdaptive}, 0, ""},
	} {
		p := rules.Thinking{Budget: c.budget}
		if got := p.ClaudeEffort(&c.reasoning, exchange(opus46)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestStops(t *testing.T) {
	for name, c := range map[string]struct {
		stop   []string
		blanks bool
		none   bool
		want   []string
		drops  bool
	}{
		"all kept":                      {[]string{"a", "b"}, false, false, []string{"a", "b"}, false},
		"empty ones mean nothing":       {[]string{"", "a", "", "b"}, false, false, []string{"a", "b"}, false},
		"blank ones refused":            {[]string{"a", "\n", "b"}, false, false, []string{"a", "b"}, true},
		"blank ones taken":              {[]string{"a", "\n"}, true, false, []string{"a", "\n"}, false},
		"none taken":                    {[]string{"", "a"}, true, true, nil, true},
		"none taken, and nothing asked": {[]string{""}, true, true, nil, false},
	} {
		x := &chat.Exchange{Facts: model.Facts{NoStop: c.none}}
		asked := slices.Clone(c.stop)
		got, err := rules.Stops(&chat.Request{Stop: c.stop}, x, c.blanks, "stop")
		if err != nil || !slices.Equal(got, c.want) || slices.Contains(x.Dropped, "stop") != c.drops {
			t.Errorf("%s: %q, %v, dropped %q", name, got, err, x.Dropped)
		}
		if !slices.Equal(asked, c.stop) {
			t.Errorf("%s: the request was changed to %q", name, c.stop)
		}
	}
}

func TestOfTooManyBreakpointsTheLastAreWritten(t *testing.T) {
	x := exchange(sonnet45)
	p := rules.Breakpoints{Taken: true}
	p.Expect(6, x)
	var written []int
	for i := range 6 {
		if write, ttl, err := p.Next(chat.CacheOneHour, x); err != nil || ttl != "" {
			t.Fatal(ttl, err)
		} else if write {
			written = append(written, i)
		}
	}
	if !slices.Equal(written, []int{2, 3, 4, 5}) || !slices.Equal(x.Dropped, []string{"cache_control.ttl"}) || len(x.Notes) != 1 {
		t.Errorf("written %v, dropped %q, notes %q", written, x.Dropped, x.Notes)
	}
}
