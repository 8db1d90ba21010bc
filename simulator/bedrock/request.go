package bedrock

import (
	"encoding/json"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/simulator/fault"
)

// converseRequest is a Converse body that has passed its shape.
type converseRequest struct {
	Messages        []message
	System          []block
	InferenceConfig struct {
		MaxTokens         *int
		Temperature, TopP *float64
		StopSequences     []string
	}
	ToolConfig *struct {
		Tools []struct {
			ToolSpec   *toolSpec
			SystemTool *struct{ Name string }
			CachePoint *cacheMark
		}
		ToolChoice *struct {
			Auto, Any *struct{}
			Tool      *struct{ Name string }
		}
	}
	GuardrailConfig                   *struct{ Trace string }
	AdditionalModelRequestFields      any
	AdditionalModelResponseFieldPaths []string
	PerformanceConfig                 *struct{ Latency string }
	ServiceTier                       *struct{ Type string }
	OutputConfig                      *struct {
		Effort     string
		TextFormat *struct {
			Structure struct {
				JSONSchema struct{ Schema string } `json:"jsonSchema"`
			}
		}
	}
}

type message struct {
	Role    string
	Content []block
}

// block is a content block of any kind: exactly one member is set.
type block struct {
	Text                      *string
	Image, Video, Audio       *media
	Document                  *mediaDocument
	ToolUse                   *toolUse
	ToolResult                *toolResult
	GuardContent              *guarded
	CachePoint                *cacheMark
	ReasoningContent          *reasoning
	CitationsContent          *citations
	SearchResult              *searchHit
	JSON                      json.RawMessage // of a toolResult
	ToolAddition, ToolRemoval *struct{}
}

type source struct {
	Bytes      []byte
	S3Location *struct{ URI string }
	Text       *string
	Content    []struct{ Text string }
}

type media struct {
	Format string
	Source source
}

type mediaDocument struct {
	Format, Name string
	Source       source
	Citations    *struct{ Enabled bool }
}

type toolUse struct {
	Type      string // server_tool_use: Bedrock ran it
	ToolUseID string `json:"toolUseId"`
	Name      string
	Input     json.RawMessage
}

type toolResult struct {
	Type      string // set for a tool that Bedrock ran
	ToolUseID string `json:"toolUseId"`
	Content   []block
	Status    string
}

type guarded struct {
	Text *struct{ Text string }
}

type cacheMark struct{ TTL string }

type reasoning struct {
	ReasoningText   *struct{ Text, Signature string }
	RedactedContent []byte
}

type citations struct {
	Content []struct{ Text string }
}

type searchHit struct {
	Source, Title string
	Content       []struct{ Text string }
}

type toolSpec struct {
	Name, Description string
	InputSchema       struct{ JSON json.RawMessage }
}

// ask is what a call of any dialect comes down to for its answer.
type ask struct {
	model *model
	// text is the last user text, with its directives; newest is what of it may ask for calls: see ordered.
	text, newest string
	// system is the system prompt's text.
	system string
	// media describes the images, documents and the like of the last user turn.
	media []string
	// results are what the tools said in the last turn, nil if it held no results.
	results []string
	tools   []tool
	// choice is auto, any, tool (then forced names it) or none; serial asks for one call at most.
	choice, forced string
	serial         bool
	maxTokens      int // 0: as much as the model can
	stops          []string
	thinking       bool
	schema         any // of a structured answer, nil otherwise
	messages       int
	prefill        string
	usage          usage
	fault          fault.Spec
	guardTrace     bool
}

// summaries are how the message begins that an agent puts in place of a conversation.
var summaries = []string{"Another language model started to solve this problem", "This is a summary of the conversation so far"}

// ordered takes a text block of the last user turn in. What stands before a summary is done.
func (a *ask) ordered(text string) {
	for _, s := range summaries {
		if strings.HasPrefix(text, s) {
			a.newest = ""
			return
		}
	}
	a.newest += "\n" + text
}

// tool is a tool that can be called, with the decoded JSON Schema of its input.
type tool struct {
	name   string
	schema any
}

// usage counts tokens; input excludes what was read from and written to the cache.
type usage struct {
	input, output, read, write int
	// written are the cache writes by ttl, in the order of the cache points.
	written []cacheWrite
}

type cacheWrite struct {
	ttl    string
	tokens int
}

// answer is what the simulator says, in no dialect yet.
type answer struct {
	reasoning string // empty: none
	signature string
	redacted  []byte // in place of reasoning
	text      string
	calls     []call
	stop      string // in Converse's words, or what a fault asked for
	sequence  string // the stop sequence that was met
	usage     usage
}

// call is a tool call; input is a JSON object.
type call struct {
	id, name string
	input    json.RawMessage
}
