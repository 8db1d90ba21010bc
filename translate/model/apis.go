package model

import "strings"

// API is one of Bedrock's APIs for inference.
type API uint8

// The APIs, by the names that the configuration and replies have for them.
const (
	AnyAPI    API = iota
	Converse      // POST /model/{id}/converse
	Invoke        // POST /model/{id}/invoke, in the model's own dialect
	Chat          // OpenAI's Chat Completions
	Responses     // OpenAI's Responses
	Messages      // Anthropic's Messages
)

// APIs are the names of the APIs.
var APIs = []string{Converse.String(), Invoke.String(), Chat.String(), Responses.String(), Messages.String()}

func (a API) String() string {
	return [...]string{"", "converse", "invoke", "chat", "responses", "messages"}[a]
}

// APIByName returns the API of that name; AnyAPI if there is none.
func APIByName(name string) API {
	for a := Converse; a <= Messages; a++ {
		if a.String() == name {
			return a
		}
	}
	return AnyAPI
}

// Host is one of Bedrock's hosts for inference.
type Host uint8

// The hosts.
const (
	AnyHost Host = iota
	Runtime      // bedrock-runtime
	Mantle       // bedrock-mantle
)

// Hosts are the names of the hosts.
var Hosts = []string{Runtime.String(), Mantle.String()}

func (h Host) String() string { return [...]string{"", "runtime", "mantle"}[h] }

// HostByName returns the host of that name; AnyHost if there is none.
func HostByName(name string) Host {
	switch name {
	case "runtime":
		return Runtime
	case "mantle":
		return Mantle
	}
	return AnyHost
}

// Access is an API on a host.
type Access struct {
	API  API
	Host Host
	// Spare: it is taken where nothing else can say the request, not for being in the client's own dialect.
	Spare bool
	// Dialect is what InvokeModel is asked in; empty for the other APIs, which have one only.
	Dialect string
	// Path is what stands before the API's own path on mantle: /v1 or /openai/v1. Empty for the others.
	Path string
}

// String returns the API's name, after mantle/ where that host serves it; "" for the zero Access.
func (a Access) String() string {
	if a.Host == Mantle {
		return mantleNames[a.API]
	}
	return a.API.String()
}

var mantleNames = [...]string{Chat: "mantle/chat", Responses: "mantle/responses", Messages: "mantle/messages"}

// Speaks returns the name of the dialect that the API is asked in.
func (a Access) Speaks() string {
	if a.Dialect != "" {
		return a.Dialect
	}
	return [...]string{Converse: "converse", Chat: "openai", Responses: "responses", Messages: "claude"}[a.API]
}

// Guards reports whether the API is known to apply a guardrail: Converse in its body, the others by headers
// (https://docs.aws.amazon.com/bedrock/latest/userguide/endpoints.html: guardrails work on the runtime). Of
// Anthropic's Messages that is not documented.
func (a Access) Guards() bool {
	return a.Host == Runtime && a.API != Messages
}

// An apiSet is one of the lists in accesses.
type apiSet uint8

const (
	apisUsual apiSet = iota
	apisTitan
	apisClaude
	apisClaudeMantle
	apisOpus41
	apisGPT55
	apisCyber
	apisGPT
	apisGPTOSS
	apisSafeguard
	apisGrok43
	apisGrok46
	apisGrok
	apisGemma4
	apisOpen
)

const (
	mantleV1     = "/v1"
	mantleOpenAI = "/openai/v1"
)

// accesses are the ways to ask a model, best first, so that a conversation stays with one of them and its prompt cache.
// Which model has which: the user guide's pages models-api-compatibility and models-endpoint-availability, and LiteLLM's
// price map, both of October 2026. Converse stands first where it says all that the others do. GPT says more by Responses.
// Chat with gpt-oss and the open models is spare: reasoning stands in its text, and schemas are ignored.
var accesses = [...][]Access{
	apisUsual:        {{API: Converse, Host: Runtime}},
	apisTitan:        {{API: Invoke, Host: Runtime, Dialect: "titan"}},
	apisClaude:       {{API: Converse, Host: Runtime}, {API: Invoke, Host: Runtime, Dialect: "claude"}, {API: Messages, Host: Runtime}},
	apisClaudeMantle: {{API: Converse, Host: Runtime}, {API: Invoke, Host: Runtime, Dialect: "claude"}, {API: Messages, Host: Runtime}, {API: Messages, Host: Mantle}},
	apisOpus41:       {{API: Invoke, Host: Runtime, Dialect: "claude"}, {API: Messages, Host: Runtime}},
	apisGPT55:        {{API: Responses, Host: Runtime}, {API: Responses, Host: Mantle, Path: mantleOpenAI}},
	apisCyber:        {{API: Responses, Host: Mantle, Path: mantleOpenAI}},
	apisGPT: {
		{API: Responses, Host: Runtime},
		{API: Converse, Host: Runtime},
		{API: Chat, Host: Runtime},
		{API: Responses, Host: Mantle, Path: mantleOpenAI},
		{API: Chat, Host: Mantle, Path: mantleOpenAI},
	},
	apisGPTOSS: {
		{API: Converse, Host: Runtime},
		{API: Chat, Host: Runtime, Spare: true},
		{API: Responses, Host: Mantle, Path: mantleV1, Spare: true},
		{API: Chat, Host: Mantle, Path: mantleV1, Spare: true},
	},
	apisSafeguard: {{API: Converse, Host: Runtime}, {API: Chat, Host: Mantle, Path: mantleV1, Spare: true}},
	apisGrok43:    {{API: Responses, Host: Mantle, Path: mantleOpenAI}, {API: Chat, Host: Mantle, Path: mantleOpenAI}},
	apisGrok46: {
		{API: Converse, Host: Runtime},
		{API: Chat, Host: Runtime},
		{API: Responses, Host: Mantle, Path: mantleOpenAI},
		{API: Chat, Host: Mantle, Path: mantleOpenAI},
	},
	apisGrok:   {{API: Converse, Host: Runtime}, {API: Chat, Host: Runtime}},
	apisGemma4: {{API: Responses, Host: Mantle, Path: mantleOpenAI}, {API: Chat, Host: Mantle, Path: mantleOpenAI}},
	apisOpen:   {{API: Converse, Host: Runtime}, {API: Chat, Host: Mantle, Path: mantleV1, Spare: true}},
}

// apiRows assign the lists by part of a base id; the first match counts. versioned: the runtime's ids end in a version, so
// an id without one is mantle's name for the model.
var apiRows = [...]struct {
	part      string
	set       apiSet
	versioned bool
}{
	{"claude-opus-4-1", apisOpus41, false},
	{"claude-haiku-4-5", apisClaudeMantle, true},
	{"claude-opus-4-7", apisClaudeMantle, false},
	{"claude-opus-4-8", apisClaudeMantle, false},
	{"claude-opus-5", apisClaudeMantle, false},
	{"claude-sonnet-5", apisClaudeMantle, false},
	{"claude-fable-5", apisClaudeMantle, false},
	{"claude-haiku-5", apisClaudeMantle, false},
	{"claude-mythos", apisClaudeMantle, false},
	{"claude", apisClaude, false},
	{"titan-text", apisTitan, false},
	{"titan-tg1", apisTitan, false},
	{"openai.gpt-5.4", apisGPT55, false},
	{"openai.gpt-5.5", apisGPT55, false},
	{"openai.gpt-5.6-cyber", apisCyber, false},
	{"openai.gpt-daybreak", apisCyber, false},
	{"openai.gpt-oss-safeguard", apisSafeguard, false},
	{"openai.gpt-oss", apisGPTOSS, true},
	{"openai.gpt-", apisGPT, false},
	{"xai.grok-4.3", apisGrok43, false},
	{"xai.grok-4.6", apisGrok46, false},
	{"xai.grok", apisGrok, false},
	{"google.gemma-4", apisGemma4, false},
	{"qwen.", apisOpen, true},
	{"deepseek.v3", apisOpen, true},
	{"moonshot", apisOpen, false},
	{"minimax.", apisOpen, false},
	{"google.gemma-3", apisOpen, false},
}

// apisOf returns the list for a base id, and whether the id is mantle's alone.
func apisOf(base string) (set apiSet, onlyMantle bool) {
	for i := range apiRows {
		if r := &apiRows[i]; strings.Contains(base, r.part) {
			return r.set, r.versioned && !hasVersion(base)
		}
	}
	return apisUsual, false
}

// hasVersion reports whether a base id ends in a version as the runtime's ids do: -v1 or, of gpt-oss, -1.
func hasVersion(base string) bool {
	i := strings.LastIndexByte(base, '-')
	if i < 0 {
		return false
	}
	v, marked := strings.CutPrefix(base[i+1:], "v")
	return (marked || strings.HasPrefix(base, "openai.gpt-oss")) && v != "" && len(v) <= 2 && strings.Trim(v, "0123456789") == ""
}

// AllAccesses are the lists of every model.
func AllAccesses() [][]Access { return accesses[:] }

// Accesses are the ways to ask the model, best first; never empty. The list must not be changed. Mantle, which has IAM
// actions and a quota of its own, stands in it only where the runtime has nothing; with mantle, only it does.
func (f Facts) Accesses(mantle bool) []Access {
	list := accesses[f.apis]
	n := 0
	for n < len(list) && list[n].Host == Runtime {
		n++
	}
	if n > 0 && !mantle && !f.onlyMantle {
		return list[:n]
	}
	return list[n:]
}

// MantleID returns the name that mantle has for a model: without region prefix, version, and the date of Claude's.
func MantleID(id string) string {
	base := Base(id)
	if base == "" {
		return id
	}
	if hasVersion(base) {
		base = base[:strings.LastIndexByte(base, '-')]
	}
	if i := strings.LastIndexByte(base, '-'); i > 0 && len(base)-i == 9 && strings.Trim(base[i+1:], "0123456789") == "" {
		base = base[:i]
	}
	if base == "deepseek.v3" {
		return "deepseek.v3.1"
	}
	return base
}

// Assume returns the access that an operator names for a model of which the tables know no such one; the API or the host
// may be any.
func (f Facts) Assume(id string, api API, host Host) Access {
	if host == AnyHost {
		host = Runtime
	}
	if api == AnyAPI {
		if api = Chat; f.Family == Claude {
			api = Messages
		}
	}
	a := Access{API: api, Host: host}
	switch {
	case api == Invoke && f.Family == Titan:
		a.Dialect = "titan"
	case api == Invoke:
		a.Dialect = "claude"
	case host == Mantle && api != Messages:
		a.Path = mantleV1
		for _, part := range []string{"openai.gpt-5", "openai.gpt-6", "xai.", "google.gemma-4"} {
			if strings.Contains(id, part) {
				a.Path = mantleOpenAI
			}
		}
	}
	return a
}
