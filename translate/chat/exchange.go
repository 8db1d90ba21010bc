package chat

import (
	"slices"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Exchange is what one call knows beyond its bytes. It is made anew for every attempt and passed to every verb of the
// dialects: what encoding the request had to change (names, ids, a tool in place of a format) is changed back when the
// reply is decoded. It shares no memory with the request's body, which is used for another request while a reply streams. Not safe
// for concurrent use.
type Exchange struct {
	Model       string       // the client's name for the model: what replies show
	TargetModel string       // the upstream's name for it
	Target      string       // the name of the dialect in which it is asked; "" where none is chosen yet
	Access      model.Access // by which API and host it is asked; zero where there is but one
	Facts       model.Facts  // what is known of the target model

	// Validated: the request's body is known to be JSON, so that DecodeRequest need not find that out.
	Validated bool

	// Guardrail is the configured guardrail as Converse's guardrailConfig object; nil if there is none. It wins over the
	// request's own unless GuardrailOverride.
	Guardrail         Value
	GuardrailOverride bool

	// AutoCache: the gateway marks what the model may cache, where the client marks nothing.
	AutoCache bool

	// RejectUnsupported refuses a parameter that the target cannot express with a 400, instead of dropping it.
	RejectUnsupported bool
	// Dropped lists the parameters that did not reach the target, in the client's words; shown in the reply's headers.
	Dropped []string
	// Poorer: all of the request reaches the target, but a part of it in a form that it makes less of than of another
	// API's, such as a PDF as plain text.
	Poorer bool
	// Headers are what the target's API takes in headers beside the body (InvokeModel), set when the request is encoded.
	Headers []Pair
	// Notes are oddities worth a line in the log: an unknown block skipped, an unknown stop reason.
	Notes []string

	ID           string    // of the reply, without the dialect's prefix: 24 alphanumerics, 32 hex digits in Responses
	Created      int64     // of the reply, Unix seconds
	Started      time.Time // when the request came, for forms that say how long it took; zero: they do not
	IncludeUsage bool      // the client wants the usage as a chunk of its stream

	// Stored: the gateway keeps the reply, which says so. Previous is the id of the response that the request goes on from; ""
	// if there is none. Both are of Responses.
	Stored   bool
	Previous string

	// OutputTool is the forced tool that stands for a response format; its input becomes the reply's text. "" if none.
	OutputTool string
	// Reworded: the request says something in another way than the client's own dialect does, so that a reply in the same
	// dialect is not the client's.
	Reworded bool
	// FunctionCalls: the client speaks OpenAI's deprecated functions: it gets a call as function_call.
	FunctionCalls bool
	// ShowTrace: the client asked for the guardrail's trace.
	ShowTrace bool
	// Kept is what DecodeRequest of the client's dialect notes of the request for the reply; only that dialect knows its
	// type. nil where the request was not decoded.
	Kept any
	// Documents are those of the request, in order, by the ids and names of the gateway's own files that they were taken from;
	// empty for others. Citations count them.
	Documents []Pair
	// ShowFields: the client asked for fields of the model's own reply (additionalModelResponseFieldPaths).
	ShowFields bool

	names aliases
	ids   aliases
}

// Reader makes r read the body of the request.
func (x *Exchange) Reader(r *json.Reader, body []byte) {
	if x.Validated {
		r.ResetValid(body)
	} else {
		r.Reset(body)
	}
}

// Drop notes that param does not reach the target because it cannot express it, or fails if the client wants that
// instead.
func (x *Exchange) Drop(param string) error {
	if x.RejectUnsupported {
		return &Error{
			Kind: ErrInvalidRequest, Code: "unsupported_parameter", Param: param, Fallback: true,
			Message: "the parameter '" + param + "' is not supported by the model '" + x.Model + "'; leave it out, or set unsupported_params drop",
		}
	}
	x.Omit(param)
	return nil
}

// Omit notes that param does not reach the target by a rule that holds whatever the policy is.
func (x *Exchange) Omit(param string) {
	if !slices.Contains(x.Dropped, param) {
		x.Dropped = append(x.Dropped, param)
	}
}

// maxNotes bounds what one hostile reply can put into the log.
const maxNotes = 16

// Note keeps a line for the log.
func (x *Exchange) Note(line string) {
	if len(x.Notes) < maxNotes && !slices.Contains(x.Notes, line) {
		x.Notes = append(x.Notes, line)
	}
}

// IsOutput reports whether the tool of that name is the one that stands for a response format.
func (x *Exchange) IsOutput(tool string) bool { return x.OutputTool != "" && tool == x.OutputTool }
