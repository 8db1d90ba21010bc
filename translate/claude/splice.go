package claude

import (
	"slices"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/rules"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// notOnBedrock are members of Anthropic's body that InvokeModel answers with "extraneous key", and the values that ask
// for nothing but what happens anyway.
var notOnBedrock = [...]struct{ name, idle, alsoIdle string }{
	{"service_tier", `"auto"`, `"standard_only"`},
	{"speed", `"standard"`, ""},
	{"inference_geo", "", ""},
	{"diagnostics", "", ""},
	{"cache_control", "", ""},
	{"user_profile_id", "", ""},
	{"workspace_id", "", ""},
}

func unknownToBedrock(name string) bool {
	return slices.ContainsFunc(notOnBedrock[:], func(m struct{ name, idle, alsoIdle string }) bool { return m.name == name })
}

// splicer collects the edits of one body.
type splicer struct {
	e     *chat.Edits
	x     *chat.Exchange
	body  *chat.Body
	w     json.Walker
	edits []json.Edit
	err   error

	asked, kept []string // the client's betas, and those of them that the model takes
	exact       bool     // the body's own are a list, as they should be
	own         []string // the body's own

	question question
	last     int  // behind the last message, or behind the '['; 0 if messages is no list
	none     bool // there is no message
	anew     bool // the body must be written anew
	system   bool // there are system messages amid the conversation
}

// Splice copies a client's body for Bedrock's InvokeModel. Its edits, and there are no others: model, model_id, stream
// and file_ids are taken out; anthropic_version is the one that Bedrock takes; anthropic_beta holds the body's and the
// client headers' betas that the model takes, the others are listed as dropped; members that Bedrock does not know are
// taken out and listed, and so are what agents add and Bedrock refuses (see splice_agents.go), and sampling and an effort
// that the model does not take; max_tokens is added if there is none, and cut down to the model's own limit; the files' text
// is put before the question; blocks that name one of our own files become its text.
//
// A body that Bedrock cannot take in its own form is written anew: one with system messages amid the conversation for a
// model that takes none there, with a cache_control of its own, with reasoning that another maker's model did or what tools of Bedrock's own left in its turns, with reasoning or a forced tool that the model refuses as it
// is asked for, with output_format, or with an output_config.format for a model that has none. In the last case
// x.OutputTool stands for the format, and the reply cannot be relayed.
//
// Content given as a URL is a 400 with chat.CodeRemote. A thread, a conversation that the server holds, is a 400 too.
func (Dialect) Splice(dst []byte, b *chat.Body, e *chat.Edits, x *chat.Exchange) ([]byte, error) {
	s := splicer{e: e, x: x, body: b, w: json.WalkAt(b.Raw, 0)}
	s.readBetas()
	thinks := s.thinks()
	m := json.EditObject(&s.w, &s.edits)
	for m.Next() {
		switch key := string(m.Key()); key {
		case "model", "model_id", "stream", "file_ids":
			m.Drop()
		case "anthropic_version":
			m.Set([]byte(bedrockVersion))
		case "anthropic_beta":
			s.betas(&m)
		case "max_tokens":
			s.limit(&m)
		case "messages":
			s.messages()
		case "system":
			s.blocks()
		case "tools":
			s.tools()
		case "temperature", "top_p", "top_k":
			s.sampling(&m, key, thinks)
		case "tool_choice":
			s.toolChoice()
		case "output_config":
			s.outputConfig(&m)
		case "thread":
			if s.w.Kind() != json.Null {
				s.fail(refuseThread())
			}
			m.Drop()
		case "guardrailConfig":
			s.w.Skip()
			s.fail(chat.Invalid(key, "guardrailConfig cannot be passed on in this form; leave it to the gateway's configuration"))
		default:
			switch {
			case unknownToBedrock(key):
				s.drop(&m, key)
			case rules.CameWith(key, s.asked, s.kept):
				x.Omit(key)
				m.Drop()
			default:
				s.w.Skip()
			}
		}
	}
	if s.err == nil && (s.anew || rules.HoldsSealed(b.Raw) || s.asksOtherwise() || s.system && !x.Facts.SystemTurns || b.Value("cache_control") != nil || s.wantsFormat()) {
		return s.rewrite(dst)
	}
	if b.Member("anthropic_version") == nil {
		m.Add("anthropic_version", []byte(bedrockVersion))
	}
	if b.Member("anthropic_beta") == nil {
		if len(s.kept) > 0 {
			m.Add("anthropic_beta", betaList(s.kept))
		}
	}
	if b.Member("max_tokens") == nil {
		m.Add("max_tokens", s.maxTokens())
	}
	s.ask()
	if s.err != nil {
		return nil, s.err
	}
	json.SortEdits(s.edits)
	return autoCached(json.AppendEdited(dst, b.Raw, s.edits), len(dst), x), nil
}

func (s *splicer) fail(err error) {
	if s.err == nil && err != nil {
		s.err = err
	}
}

// limit edits max_tokens: one above the model's own is cut down to it. A budget for reasoning that is no longer below it, too,
// must be cut, in a body that is written anew.
func (s *splicer) limit(m *json.Members) {
	if s.w.Kind() == json.Null {
		m.Set(s.maxTokens())
		return
	}
	n, err := strconv.ParseInt(string(s.body.Value("max_tokens")), 10, 64)
	if err != nil { // not a whole number: for the provider to refuse
		s.w.Skip()
		return
	}
	limit, cut, err := rules.CutOutput(n, "max_tokens", s.asked, s.x)
	s.fail(err)
	if !cut {
		s.w.Skip()
		return
	}
	m.Set(strconv.AppendInt(nil, limit, 10))
	if budget, err := strconv.ParseInt(string(json.Find(s.body.Value("thinking"), "budget_tokens")), 10, 64); err == nil && budget >= limit {
		s.anew = true
	}
}

// maxTokens is the limit for a body without one, which Claude needs.
func (s *splicer) maxTokens() []byte {
	most := int64(defaultMaxTokens)
	if limit := s.x.Facts.MaxOutput; limit > 0 {
		most = min(most, limit)
	}
	return strconv.AppendInt(nil, most, 10)
}

// drop takes out a member that Bedrock does not know.
func (s *splicer) drop(m *json.Members, key string) {
	v := s.body.Value(key)
	for i := range notOnBedrock {
		if n := &notOnBedrock[i]; n.name == key && v != nil && key != "cache_control" && string(v) != n.idle && string(v) != n.alsoIdle {
			s.fail(s.x.Drop(key))
		}
	}
	m.Drop()
}

// readBetas reads the body's betas and those of the client's headers.
func (s *splicer) readBetas() {
	if v := s.body.Value("anthropic_beta"); v != nil {
		list := json.WalkAt(v, 0)
		s.exact = list.Array()
		for s.exact && list.Element() {
			s.own = append(s.own, list.String().Unquote())
		}
		if !s.exact {
			s.own = append(s.own, list.String().Unquote()) // a string, as in the header
		}
	}
	s.asked = splitBetas(splitBetas(nil, s.own), s.e.Betas)
	s.kept = keptBetas(nil, s.asked, s.x)
}

// betas edits the body's list, unless it is as it should be.
func (s *splicer) betas(m *json.Members) {
	switch {
	case s.exact && slices.Equal(s.kept, s.own):
		s.w.Skip()
	case len(s.kept) == 0:
		m.Drop()
	default:
		m.Set(betaList(s.kept))
	}
}

// splitBetas appends the names in betas to names. An element may hold several, as the header does.
func splitBetas(names, betas []string) []string {
	for _, some := range betas {
		for b := range strings.SplitSeq(some, ",") {
			if b = strings.TrimSpace(b); b != "" {
				names = append(names, b)
			}
		}
	}
	return names
}

// keptBetas appends to kept the betas that the model takes, each once, and lists the others as dropped.
func keptBetas(kept, betas []string, x *chat.Exchange) []string {
	for _, b := range betas {
		switch {
		case slices.Contains(kept, b):
		case x.Facts.Beta(b):
			kept = append(kept, b)
		default:
			x.Omit("anthropic_beta: " + chat.Clip(b))
		}
	}
	return kept
}

func betaList(betas []string) []byte {
	w := json.NewWriter(nil)
	w.BeginArray()
	for _, b := range betas {
		w.Text(b)
	}
	w.EndArray()
	return w.Bytes()
}

// rewrite writes the body anew.
func (s *splicer) rewrite(dst []byte) ([]byte, error) {
	x := s.x
	r, err := Dialect{}.DecodeRequest(s.body.Raw, x)
	if err != nil {
		return nil, err
	}
	r.Betas = append(r.Betas, s.e.Betas...)
	for i := range r.Messages {
		if err := s.fileTexts(r.Messages[i].Content); err != nil {
			return nil, err
		}
	}
	if s.e.Context != nil {
		r.Prepend(chat.Block{Kind: chat.Text, Text: s.e.Context})
	}
	return encode(dst, r, x, true)
}
