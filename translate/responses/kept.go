package responses

import (
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// kept is what a reply depends on of its request. It shares no memory with the request's body, which may be large and is
// gone when a stream begins. The zero value is that of a request which asked for nothing.
type kept struct {
	settings []byte // the members of the reply that repeat the request's, each after a comma
	tools    []clientTool

	encrypted    bool // reasoning.encrypted_content is asked for
	summary      bool // so is the reasoning's text
	expectsStore bool // store: true
	refusesStore bool // store: false
	compact      bool // the reply is to be a compaction
	keepsUsers   bool // and repeats the user's messages
	users        []byte
}

// clientTool is a tool that a call names otherwise than the client does.
type clientTool struct {
	name           string // as the model calls it
	own, namespace string
	kind           chat.ToolKind
}

// keptOf returns what was kept of the exchange's request.
func keptOf(x *chat.Exchange) *kept {
	if k, ok := x.Kept.(*kept); ok {
		return k
	}
	return &kept{}
}

// sealsReasoning reports whether reasoning goes out in envelopes: where it is asked for, and to clients that believe that
// their reasoning is stored here, for they have no other way to send it back.
func (k *kept) sealsReasoning() bool { return k.encrypted || !k.refusesStore }

func (k *kept) addTool(t clientTool) {
	for i := range k.tools {
		if k.tools[i].name == t.name {
			k.tools[i] = t
			return
		}
	}
	k.tools = append(k.tools, t)
}

// tool returns the client's tool that the model calls by that name.
func (k *kept) tool(name string) clientTool {
	for i := range k.tools {
		if k.tools[i].name == name {
			return k.tools[i]
		}
	}
	return clientTool{name: name, own: name}
}

// defaults are the members that a reply repeats of a request without them, in OpenAI's order and with its values.
var defaults = [...]struct{ key, value string }{
	{"background", "false"},
	{"instructions", "null"},
	{"max_output_tokens", "null"},
	{"max_tool_calls", "null"},
	{"metadata", "{}"},
	{"parallel_tool_calls", "true"},
	{"previous_response_id", "null"},
	{"prompt_cache_key", "null"},
	{"reasoning", `{"effort":null,"summary":null}`},
	{"safety_identifier", "null"},
	{"store", "false"},
	{"temperature", "null"},
	{"text", `{"format":{"type":"text"},"verbosity":"medium"}`},
	{"tool_choice", `"auto"`},
	{"tools", "[]"},
	{"top_logprobs", "0"},
	{"top_p", "null"},
	{"truncation", `"disabled"`},
	{"user", "null"},
}

// always are the members whose value is the gateway's, whatever the client said.
var always = map[string]bool{"background": true, "previous_response_id": true, "store": true}

// settingsOf appends the members that repeat those of a request. What is kept of a reply is the exchange's to say.
func settingsOf(body []byte, x *chat.Exchange) []byte {
	var values [len(defaults)]json.Value
	size := 512
	w := json.WalkAt(body, 0)
	for ok := len(body) > 0 && w.Object(); ok && w.Member(); {
		key := w.Key()
		v := w.Value()
		if string(v) == "null" || always[string(key)] {
			continue
		}
		for i := range defaults {
			if defaults[i].key == string(key) {
				values[i] = v
				size += len(v)
				break
			}
		}
	}
	dst := make([]byte, 0, size)
	for i := range defaults {
		dst = append(dst, ',', '"')
		dst = append(dst, defaults[i].key...)
		dst = append(dst, '"', ':')
		switch {
		case values[i] != nil:
			dst = json.AppendCompact(dst, values[i])
		case x.Stored && defaults[i].key == "store":
			dst = append(dst, "true"...)
		case x.Previous != "" && defaults[i].key == "previous_response_id":
			dst = json.AppendQuoted(dst, x.Previous)
		default:
			dst = append(dst, defaults[i].value...)
		}
	}
	return dst
}

// noSettings are those of a request that had none, or was not read.
var noSettings = settingsOf(nil, new(chat.Exchange))

// echo keeps what the reply repeats of the request.
func (k *kept) echo(d *requestDecoder) { k.settings = settingsOf(d.body, d.x) }

// replyStatus is how a reply stands: the members whose values change.
type replyStatus struct {
	status     string
	code       string // of the error; "" for none
	message    string
	kind       string
	incomplete string // the reason; "" if it is not
	tier       string
	usage      *chat.Usage
}

// replyHead appends a response object up to its first item of output.
func replyHead(dst []byte, x *chat.Exchange, s *replyStatus) []byte {
	dst = append(dst, `{"id":"resp_`...)
	dst = json.AppendEscaped(dst, x.ID)
	dst = append(dst, `","object":"response","created_at":`...)
	dst = strconv.AppendInt(dst, x.Created, 10)
	dst = append(dst, `,"status":"`...)
	dst = append(dst, s.status...)
	dst = append(dst, `","error":`...)
	if s.code == "" {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"code":`...)
		dst = json.AppendQuoted(dst, s.code)
		dst = append(dst, `,"message":`...)
		dst = json.AppendQuoted(dst, s.message)
		dst = append(dst, `,"type":`...)
		dst = json.AppendQuoted(dst, s.kind)
		dst = append(dst, `,"param":null}`...)
	}
	dst = append(dst, `,"incomplete_details":`...)
	if s.incomplete == "" {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `{"reason":"`...)
		dst = append(dst, s.incomplete...)
		dst = append(dst, `"}`...)
	}
	dst = append(dst, `,"model":`...)
	dst = json.AppendQuoted(dst, x.Model)
	return append(dst, `,"output":[`...)
}

// replyTail appends the rest behind the last item.
func replyTail(dst []byte, k *kept, s *replyStatus) []byte {
	dst = append(dst, `],"service_tier":`...)
	if s.tier == "" {
		dst = append(dst, `"default"`...)
	} else {
		dst = json.AppendQuoted(dst, s.tier)
	}
	if k.settings == nil {
		dst = append(dst, noSettings...)
	} else {
		dst = append(dst, k.settings...)
	}
	dst = append(dst, `,"usage":`...)
	if s.usage == nil || !s.usage.Known {
		dst = append(dst, "null"...)
	} else {
		dst = appendUsage(dst, s.usage)
	}
	return append(dst, '}')
}

// appendUsage appends the token counts. OpenAI's input_tokens are all of the request's, cached ones too; both details are
// required by its types, so that reasoning tokens that nobody counted are 0.
func appendUsage(dst []byte, u *chat.Usage) []byte {
	dst = append(dst, `{"input_tokens":`...)
	dst = strconv.AppendInt(dst, u.Prompt(), 10)
	dst = append(dst, `,"input_tokens_details":{"cached_tokens":`...)
	dst = strconv.AppendInt(dst, u.CacheRead, 10)
	dst = append(dst, `,"cache_write_tokens":`...)
	dst = strconv.AppendInt(dst, u.CacheWrite, 10)
	dst = append(dst, `},"output_tokens":`...)
	dst = strconv.AppendInt(dst, u.Output, 10)
	dst = append(dst, `,"output_tokens_details":{"reasoning_tokens":`...)
	dst = strconv.AppendInt(dst, u.Reasoning, 10)
	dst = append(dst, `},"total_tokens":`...)
	dst = strconv.AppendInt(dst, u.Total(), 10)
	return append(dst, '}')
}
