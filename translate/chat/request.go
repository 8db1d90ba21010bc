// Package chat is the canonical chat that every dialect translates to and from: requests, replies, stream events, usage
// and errors.
//
// Text is kept as the JSON token that it was in the body (String), and so are schemas, tool inputs and members that only
// one dialect knows (Value). They share the memory of that body, which must stay unchanged while they are in use. What
// has to be looked into (names, roles, ids, media types) is an ordinary Go string.
package chat

import "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"

// String is a JSON string as it stood in a body, quotes and escapes included; nil if absent.
type String = json.String

// Value is any JSON value as it stood in a body; nil if absent. Numbers that are only passed on are Values too, so that
// no digit is lost.
type Value = json.Value

// Request is a chat request without a dialect.
type Request struct {
	Model    string
	System   []Block // text blocks, in order
	Messages []Message

	Tools             []Tool
	ToolChoice        ToolChoice
	ParallelToolCalls *bool // nil: the provider's default

	MaxTokens        int64 // 0: none given
	Temperature      Value
	TopP             Value
	TopK             Value
	Stop             []string
	N                int64 // 0: none given
	Seed             Value
	FrequencyPenalty Value
	PresencePenalty  Value

	Format    *Format
	Reasoning Reasoning

	Stream       bool
	IncludeUsage bool // the client wants the usage as a chunk of the stream (OpenAI)

	ServiceTier string // auto, default, flex, priority, scale, reserved; "" if none given
	User        String // OpenAI's user, Claude's metadata.user_id
	Metadata    []Pair // OpenAI's metadata, Converse's requestMetadata
	Guardrail   Value  // Converse's guardrailConfig object
	Latency     string // performanceConfig.latency: standard, optimized; "" if none given
	Betas       []string
	FileIDs     []string // files of our own Files API to be put before the question

	// Extra holds the members that no field above stands for, in order. They are understood by the dialect named Dialect
	// and travel to it alone; on the way to another they are dropped by policy, never in silence (see Exchange.Drop).
	Extra   []Member
	Dialect string
}

// Member is one member of a JSON object whose meaning is its dialect's own.
type Member struct {
	Key   string
	Value Value
}

// Pair is one key and value of a request's metadata.
type Pair struct{ Key, Value string }

// Role is the speaker of a message. Tool results are the user's, as Claude and Converse have it.
type Role uint8

// The roles of messages. System text before the conversation stands in Request.System.
const (
	User Role = iota
	Assistant
)

// String returns the role's name, the same in every dialect.
func (r Role) String() string {
	if r == Assistant {
		return "assistant"
	}
	return "user"
}

// Message is one turn's content. Dialects merge neighbours of one role where their provider wants it.
type Message struct {
	Role Role
	// Operator: a system message amid the conversation. It stays where it is, with the role User: to put it before the
	// conversation would change the beginning that prompt caches go by, each time that a client appends one.
	Operator bool
	Name     string // OpenAI's optional participant name
	Content  []Block
}

// BlockKind says which fields of a Block are meant.
type BlockKind uint8

// The kinds of content blocks.
const (
	Text             BlockKind = iota // Text, Own: the citations
	Image                             // Media
	Document                          // Media, Own: the block of a search result
	Audio                             // Media
	Video                             // Media
	ToolUse                           // Tool: ID, Name, Input
	ToolResult                        // Tool: ID, Content, IsError
	Thinking                          // Text, Own: the signature
	RedactedThinking                  // Own: the data
	Refusal                           // Text
	Opaque                            // Own: a whole block that only the dialect named in Dialect understands
)

var blockKinds = [...]string{"text", "image", "document", "audio", "video", "tool_use", "tool_result", "thinking", "redacted_thinking", "refusal", "opaque"}

// String names the kind for messages to people.
func (k BlockKind) String() string { return blockKinds[k] }

// Block is one content block. It is kept small: a body of 16 MB may have 600,000 of them.
type Block struct {
	Kind    BlockKind
	Guarded bool    // Text: what a guardrail shall look at (Converse's guardContent); text like any other elsewhere
	Cache   Cache   // a cache breakpoint stands behind this block
	Dialect Dialect // whose Own is, where dialects have it differently
	Maker   Maker   // Thinking and RedactedThinking: whose models can read the signature or the data
	Text    String
	Own     *Value // what a provider adds to the block of this kind; Citations, Signature, Data and Raw return it
	Media   *Media
	Tool    *Tooling
}

// Own returns v as a Block has it.
func Own[V ~[]byte](v V) *Value {
	if v == nil {
		return nil
	}
	own := Value(v)
	return &own
}

// Citations returns the citations of a text, an array as the dialect of b has it; nil if there are none.
func (b *Block) Citations() Value { return b.own(Text) }

// Signature returns the provider's proof of a Thinking block, to be returned unchanged; nil if there is none.
func (b *Block) Signature() String { return String(b.own(Thinking)) }

// Data returns what is in a RedactedThinking block, opaque base64 to be returned unchanged.
func (b *Block) Data() String { return String(b.own(RedactedThinking)) }

// Raw returns the whole block as it stood in the body of its dialect: of an Opaque one, and of a Document that is a search
// result. It is nil for every other.
func (b *Block) Raw() Value {
	if b.Kind == Document {
		return b.own(Document)
	}
	return b.own(Opaque)
}

func (b *Block) own(kind BlockKind) Value {
	if b.Kind != kind || b.Own == nil {
		return nil
	}
	return *b.Own
}

// Tooling is a call of a tool, or the result of one.
type Tooling struct {
	ID      string
	Kind    ToolKind
	Name    string  // ToolUse
	Input   Value   // ToolUse: a JSON object
	Content []Block // ToolResult
	IsError bool    // ToolResult
	// Own is the whole call or result as its dialect has it, where Kind is not FunctionTool; nil if it has none.
	Own Value
}

// Media is the content of an image, document, audio or video block: one of Data, URL, FileID, S3 and Text is set, or
// Content for a document made of blocks.
type Media struct {
	Type    string // MIME type, lower case, without parameters; "" if unknown
	Name    string // file name or title
	Data    []byte // standard base64 with padding, validated, ready to stand between quotes
	URL     string
	FileID  string
	Of      string  // id of the gateway's own file that Data was taken from
	S3      string  // s3:// URI
	S3Owner string  // account id of the bucket's owner
	Text    String  // a document given as plain text
	Content []Block // a document given as blocks

	Detail    string // OpenAI: low, high, auto
	Context   String // what the document is, for the model
	Citations bool   // the model shall cite the document
}

// ToolKind is how the client's dialect words a tool and its calls. Every kind can be asked for as a function, which the
// other fields of a Tool, and the Input of a call, describe.
type ToolKind uint8

// The kinds of tools.
const (
	FunctionTool   ToolKind = iota
	CustomTool              // free text, {"input":"…"} as a function's input
	ApplyPatchTool          // apply_patch, {"operation":{…}}
	ShellTool               // shell, {"action":{…}}
	LocalShellTool          // local_shell, {"action":{…}}
	ToolSearchTool          // tool_search, with the client's own arguments
)

// Tool is a function that the model may call.
type Tool struct {
	Name      string // with a Namespace, both, joined by JoinNamespace
	Namespace string // of OpenAI's Responses; "" for none
	// NamespaceDescription is the same for all tools of a Namespace.
	NamespaceDescription String
	Kind                 ToolKind
	Own                  Value // the tool as its dialect has it, where it is in a Namespace or no FunctionTool; nil if it has none
	Description          String
	Schema               Value // JSON Schema of the input; nil if none given
	Strict               *bool
	Cache                Cache
	Raw                  Value // a tool of a provider's own kind, understood by the dialect named in Dialect; else nil
	Dialect              string
}

// RawType returns the type of a tool that is Raw, as its dialect names it; "" where it has none.
func (t *Tool) RawType() string {
	v := json.Find(t.Raw, "type")
	if len(v) == 0 || v[0] != '"' {
		return ""
	}
	return String(v).Unquote()
}

// ToolChoiceKind says how free the model is to call tools.
type ToolChoiceKind uint8

// The kinds of tool choice.
const (
	ToolsUnset ToolChoiceKind = iota // nothing was said
	ToolsAuto
	ToolsAny   // some tool must be called
	ToolsNamed // the tool Name must be called
	ToolsNone  // no tool may be called
)

// ToolChoice is what the client said about calling tools.
type ToolChoice struct {
	Kind    ToolChoiceKind
	Name    string
	Allowed []string // only these of the tools may be called; nil for all
}

// Format is the structure that the client asks of the reply's text.
type Format struct {
	Schema      Value // nil: any JSON object
	Name        string
	Description String
	Strict      *bool
}

// ThinkingKind says what the client wants of the model's reasoning.
type ThinkingKind uint8

// The kinds of thinking.
const (
	ThinkingUnset ThinkingKind = iota
	ThinkingBudget
	ThinkingAdaptive
	ThinkingOff
)

// Reasoning is what the client asks of the model's reasoning, in OpenAI's words (Effort) or in Claude's (Thinking).
type Reasoning struct {
	Effort   string // none, minimal, low, medium, high, xhigh, max; "" if none given
	Thinking ThinkingKind
	Budget   int64 // tokens, with ThinkingBudget
	Display  Value // Claude's thinking.display
}
