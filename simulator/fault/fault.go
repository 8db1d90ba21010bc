// Package fault reads the failures a caller asks the simulators for, and plays those that happen on the wire.
//
// A fault is asked for in one of three ways; all that are present add up, the first one naming a word wins:
//
//   - the request header Bedrock-Simulator-Fault: throttle=2
//   - a directive in the last user text: [[fault:throttle=2]] (the simulators leave it out of what they echo)
//   - a suffix of the model id, after a tilde: anthropic.claude-sonnet-4-5-20250929-v1:0~throttle=2
//
// A gateway forwards neither unknown headers nor, perhaps, odd model ids, so the directive is the one that always
// arrives. Several words are separated by commas or semicolons. A word is name, name=value, name@n or name=value@n:
//
//	throttle[=n]          429, n times and then served (0 or absent: always)
//	<Name>Exception[=n]   that error by its AWS name, n times and then served
//	context[=n]           the input is too long for the model (400)
//	overloaded[=n]        the model is overloaded (Anthropic 529, AWS ServiceUnavailableException)
//	status=<code>         an HTML error page with that HTTP status, as a load balancer in between would send
//	retry-after=<s>       Retry-After, in seconds, on the error above
//	times=<n>             whatever is asked for happens n times, then the call is served
//	delay=<ms>            silence before the reply's header
//	slow=<ms>             silence before each frame of a stream
//	silence=<ms>[@n]      one silence before frame n (default 1: after the first frame)
//	hang[@n]              nothing more after n frames (default: not even a header) until the client leaves
//	reset                 the connection is aborted before the reply's header
//	cut=<n>               the connection is aborted after n bytes of body
//	cutclean=<n>          the body ends in good order after n bytes
//	corrupt=<n>           the lowest bit of byte n of the body is flipped
//	exception=<type>[@n]  an exception in the stream after n frames (default 1; 0: as first frame)
//	unknownblock          the reply carries a content block, a delta and an event nobody has heard of
//	nooutput              200 without any output
//	filtered[=<how>]      guardrail_intervened (default), content_filtered or refusal
//	pause                 the turn pauses (pause_turn), where the dialect has it
//	stop=<reason>         any stop reason, known or not
//	redacted              reasoning comes as a redacted block
package fault

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Header is the request header that asks for a fault.
const Header = "Bedrock-Simulator-Fault"

// maxWait bounds every silence a caller can ask for.
const maxWait = 10 * time.Minute

// Spec is what a request asked to go wrong. The zero value, as returned by None, asks for nothing; byte and frame
// positions count from 0 and are -1 where nothing was asked for.
type Spec struct {
	// Error names the error of a refused call: an AWS exception name, "ContextOverflow" or "Overloaded".
	Error string
	// Status, where not 0, is the HTTP status of an error page that is not JSON.
	Status int
	// RetryAfter, where not 0, goes with the error as the Retry-After header, in whole seconds.
	RetryAfter time.Duration
	// Times is how often the fault happens before the call is served; 0: always. Count it with a Counter.
	Times int

	// Delay is the silence before the reply's header, Slow before each frame, Silence before frame SilenceAt.
	Delay, Slow, Silence time.Duration
	SilenceAt            int
	// HangAt is the number of frames after which nothing follows until the client leaves; 0: not even a header.
	HangAt int
	// Reset aborts the connection before the reply's header.
	Reset bool
	// Cut aborts the connection after so many bytes of body, CutClean ends the body there.
	Cut, CutClean int
	// Corrupt is the byte of the body whose lowest bit is flipped.
	Corrupt int

	// Exception is the type of an exception sent inside the stream after ExceptionAt frames.
	Exception   string
	ExceptionAt int

	UnknownBlock bool
	NoOutput     bool
	// Filtered is "guardrail_intervened", "content_filtered", "refusal" or empty.
	Filtered string
	Pause    bool
	// Stop replaces the stop reason.
	Stop string
	// Redacted asks for a redacted reasoning block.
	Redacted bool

	// Invalid says what in the directive was not understood; the simulators answer it as a 400.
	Invalid string
	// Raw is the directive as it was read, for keys and messages.
	Raw string
}

// None is a Spec that asks for nothing.
func None() Spec {
	return Spec{HangAt: -1, Cut: -1, CutClean: -1, Corrupt: -1, ExceptionAt: 1, SilenceAt: 1}
}

var directive = regexp.MustCompile(`\[\[fault:([^\]]*)\]\]`)

// Parse reads the faults asked for by r's header, by directives in lastUserText and by the suffix of model. r may be
// nil.
func Parse(r *http.Request, lastUserText, model string) Spec {
	s := None()
	var raw []string
	if r != nil {
		raw = append(raw, r.Header.Values(Header)...)
	}
	for _, m := range directive.FindAllStringSubmatch(lastUserText, -1) {
		raw = append(raw, m[1])
	}
	if _, suffix := Model(model); suffix != "" {
		raw = append(raw, suffix)
	}
	s.Raw = strings.Join(raw, ",")
	seen := map[string]bool{}
	for _, word := range strings.FieldsFunc(s.Raw, func(c rune) bool { return c == ',' || c == ';' }) {
		word = strings.TrimSpace(word)
		if word == "" {
			continue
		}
		name, value, at := split(word)
		if seen[name] {
			continue
		}
		seen[name] = true
		if !s.set(name, value, at) && s.Invalid == "" {
			s.Invalid = "unknown or malformed fault: " + strconv.Quote(word)
		}
	}
	return s
}

// Strip returns text without its fault directives and the space around them.
func Strip(text string) string {
	if !strings.Contains(text, "[[fault:") {
		return text
	}
	return strings.TrimSpace(directive.ReplaceAllString(text, ""))
}

// Model splits a model id into the id proper and the fault asked for after its tilde, if any.
func Model(id string) (model, fault string) {
	model, fault, _ = strings.Cut(id, "~")
	return model, fault
}

// split takes "name=value@n" apart; at is -1 where there is none.
func split(word string) (name, value string, at int) {
	at = -1
	if i := strings.LastIndexByte(word, '@'); i >= 0 {
		if n, err := strconv.Atoi(strings.TrimSpace(word[i+1:])); err == nil && n >= 0 {
			word, at = word[:i], n
		}
	}
	name, value, _ = strings.Cut(word, "=")
	return strings.TrimSpace(name), strings.TrimSpace(value), at
}

func (s *Spec) set(name, value string, at int) bool {
	if named, ok := errorNames[name]; ok || strings.HasSuffix(name, "Exception") {
		if !ok {
			named = name
		}
		s.Error = named
		return s.count(value)
	}
	switch name {
	case "status":
		return number(value, 300, 599, &s.Status)
	case "retry-after":
		return wait(value, time.Second, &s.RetryAfter)
	case "times":
		return number(value, 1, 1000, &s.Times)
	case "delay":
		return wait(value, time.Millisecond, &s.Delay)
	case "slow":
		return wait(value, time.Millisecond, &s.Slow)
	case "silence":
		if at >= 0 {
			s.SilenceAt = at
		}
		return wait(value, time.Millisecond, &s.Silence)
	case "hang":
		s.HangAt = max(at, 0)
	case "reset":
		s.Reset = true
	case "cut":
		return number(value, 0, 1<<30, &s.Cut)
	case "cutclean":
		return number(value, 0, 1<<30, &s.CutClean)
	case "corrupt":
		return number(value, 0, 1<<30, &s.Corrupt)
	case "exception":
		s.Exception = value
		if at >= 0 {
			s.ExceptionAt = at
		}
		return value != ""
	case "unknownblock":
		s.UnknownBlock = true
	case "nooutput":
		s.NoOutput = true
	case "filtered":
		how, ok := filters[value]
		s.Filtered = how
		return ok
	case "pause":
		s.Pause = true
	case "stop":
		s.Stop = value
		return value != ""
	case "redacted":
		s.Redacted = true
	default:
		return false
	}
	return true
}

// errorNames are the short words for errors.
var errorNames = map[string]string{
	"throttle":   "ThrottlingException",
	"context":    "ContextOverflow",
	"overloaded": "Overloaded",
}

// filters are the ways in which an answer can be held back.
var filters = map[string]string{
	"":                     "guardrail_intervened",
	"guardrail":            "guardrail_intervened",
	"guardrail_intervened": "guardrail_intervened",
	"content":              "content_filtered",
	"content_filtered":     "content_filtered",
	"refusal":              "refusal",
}

// count reads the optional number of times of an error word.
func (s *Spec) count(value string) bool {
	return value == "" || number(value, 0, 1000, &s.Times)
}

func number(value string, low, high int, into *int) bool {
	n, err := strconv.Atoi(value)
	if err != nil || n < low || n > high {
		return false
	}
	*into = n
	return true
}

func wait(value string, unit time.Duration, into *time.Duration) bool {
	var n int
	if !number(value, 0, int(maxWait/unit), &n) {
		return false
	}
	*into = time.Duration(n) * unit
	return true
}
