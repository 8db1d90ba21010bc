package exchange

import (
	"errors"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// Healing: an upstream that refuses a request for a member that it does not know is asked once more without it, if the
// reply means the same without it. Which members a provider's models know changes faster than any table of them.

// member is a member of a request body, wherever that body's dialect has it.
type member struct {
	of   string // the member that holds it: "" for the body itself, "tools" for each tool, "cache_control" for each mark
	name string // "" for of itself, wherever it stands
}

// String returns the member as Bedrock-Gateway-Dropped lists it.
func (m member) String() string {
	switch {
	case m.of == "":
		return m.name
	case m.name == "":
		return m.of
	}
	return m.of + "." + m.name
}

// spare are the members that may be missing: what shapes a reply a little, what is for the provider's books, what marks a
// cache, what a beta brings. What is not here is never taken out: messages, system, tools, tool_choice, schemas, stop
// sequences, limits of tokens, reasoning, guardrails.
var spare = map[member]bool{
	{"", "temperature"}: true, {"", "top_p"}: true, {"", "top_k"}: true, {"", "topP"}: true, {"", "topK"}: true,
	{"", "frequency_penalty"}: true, {"", "presence_penalty"}: true, {"", "seed"}: true,
	{"", "logprobs"}: true, {"", "top_logprobs"}: true,
	{"", "prompt_cache_key"}: true, {"", "prompt_cache_retention"}: true, {"", "prompt_cache_options"}: true,
	{"", "safety_identifier"}: true, {"", "client_metadata"}: true, {"", "access_programs"}: true, {"", "stream_options"}: true,
	{"", "user"}: true, {"", "metadata"}: true, {"", "service_tier"}: true, {"", "serviceTier"}: true, {"", "verbosity"}: true,

	{"cache_control", ""}: true, {"cache_control", "scope"}: true, {"cache_control", "ttl"}: true,
	{"cachePoint", ""}: true, {"cachePoint", "ttl"}: true,

	{"", "anthropic_beta"}: true, {"", "context_management"}: true, {"", "container"}: true, {"", "mcp_servers"}: true,
	{"output_config", "task_budget"}: true,
	{"tools", "custom"}:              true, {"tools", "defer_loading"}: true, {"tools", "strict"}: true,
	{"tools", "input_examples"}: true, {"tools", "allowed_callers"}: true, {"tools", "eager_input_streaming"}: true,
}

// Refusals of members, and where in them the member's path stands: Anthropic's and every server's that checks bodies by
// pydantic, the JSON Schema validator's in front of Bedrock's InvokeModel, and OpenAI's.
var (
	extraInput = regexp.MustCompile(`([\w.\[\]-]{1,200}): Extra inputs are not permitted`)
	extraneous = regexp.MustCompile(`#(/[\w/~-]{0,200})?: extraneous key \[([\w-]{1,64})\]`)
	unknown    = regexp.MustCompile(`(?:Unknown parameter|Unsupported parameter|Unrecognized request argument supplied): (?:'([^']{1,200})'|([\w.\[\]-]{1,200}))`)
)

// maxRefused bounds how many members of one refusal are looked at.
const maxRefused = 16

// refused returns the members that an upstream refused the request for; nil if that is not why, or if one of them must not
// be missing.
func refused(err error) []member {
	e, ok := errors.AsType[*chat.Error](err)
	if !ok || e.StatusCode() != http.StatusBadRequest || len(e.Message) > 1<<14 {
		return nil
	}
	var paths []string
	for _, m := range extraInput.FindAllStringSubmatch(e.Message, maxRefused) {
		paths = append(paths, m[1])
	}
	for _, m := range extraneous.FindAllStringSubmatch(e.Message, maxRefused) {
		paths = append(paths, strings.ReplaceAll(strings.Trim(m[1], "/"), "/", ".")+"."+m[2])
	}
	for _, m := range unknown.FindAllStringSubmatch(e.Message, maxRefused) {
		paths = append(paths, m[1]+strings.TrimSuffix(m[2], "."))
	}
	var members []member
	for _, p := range paths {
		m, ok := memberAt(p)
		if !ok {
			return nil
		}
		if !slices.Contains(members, m) {
			members = append(members, m)
		}
	}
	return members
}

// memberAt returns the spare member that a refusal's path leads to: "tools.3.custom.defer_loading", where custom is the
// type of the tool, "messages.0.content.1.text.cache_control.ephemeral.scope", "tools[0].function.strict", "temperature".
func memberAt(path string) (member, bool) {
	at := strings.FieldsFunc(path, func(c rune) bool { return c == '.' || c == '[' || c == ']' })
	if len(at) == 0 {
		return member{}, false
	}
	last := at[len(at)-1]
	m := member{"", last}
	for i, name := range at[:len(at)-1] {
		switch name {
		case "input_schema", "inputSchema", "parameters", "schema", "input", "arguments":
			return member{}, false // a schema's or a call's own
		case "tools", "output_config":
			if i == 0 || at[i-1] == "toolConfig" || at[i-1] == "additionalModelRequestFields" {
				m = member{name, last}
			}
		case "cache_control", "cachePoint":
			m = member{name, last}
		case "inferenceConfig", "additionalModelRequestFields", "toolConfig":
		default:
			if m.of == "" {
				m.of = "?" // something else's
			}
		}
	}
	if last == "cache_control" || last == "cachePoint" {
		m = member{last, ""}
	}
	return m, spare[m]
}

// The bounds of what is remembered of refusals.
const (
	maxRemembered = 64
	remembered    = time.Hour
)

// place is where a member is refused.
type place struct {
	upstream, api, model string
}

type lesson struct {
	members []member
	expires time.Time
}

// lessons are the members that upstreams refused and did without, so that the next request is not sent with them. Reading
// takes no lock. It is safe for concurrent use; the zero value is empty.
type lessons struct {
	mu    sync.Mutex // for writing
	known atomic.Pointer[map[place]lesson]
}

// at returns the members that are refused at p.
func (l *lessons) at(p place, now time.Time) []member {
	known := l.known.Load()
	if known == nil {
		return nil
	}
	if found, ok := (*known)[p]; ok && now.Before(found.expires) {
		return found.members
	}
	return nil
}

// learn adds members to those refused at p, for an hour from now. Where there is no room the oldest lesson goes.
func (l *lessons) learn(p place, members []member, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := map[place]lesson{}
	if old := l.known.Load(); old != nil {
		for at, found := range *old {
			if now.Before(found.expires) {
				known[at] = found
			}
		}
	}
	all := slices.Clone(known[p].members)
	for _, m := range members {
		if !slices.Contains(all, m) {
			all = append(all, m)
		}
	}
	known[p] = lesson{all, now.Add(remembered)}
	for len(known) > maxRemembered {
		delete(known, slices.MinFunc(slices.Collect(maps.Keys(known)), func(a, b place) int {
			return known[a].expires.Compare(known[b].expires)
		}))
	}
	l.known.Store(&known)
}
