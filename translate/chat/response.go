package chat

// Response is a whole reply without a dialect.
type Response struct {
	ID           string // the provider's id of the reply; "" if it has none
	Model        string // as the provider named it; "" if it does not
	Routed       string // the id of the model that a prompt router chose; "" without one
	Content      []Block
	Stop         StopReason
	StopSequence String // the one that matched, if known
	Usage        Usage
	ServiceTier  string
	Fingerprint  String // OpenAI's system_fingerprint
	Logprobs     Value  // OpenAI's choices[0].logprobs
	Trace        Value  // the guardrail's trace, Converse form
	Fields       Value  // Converse's additionalModelResponseFields
	LatencyMS    int64  // as the provider measured it; 0 if it does not say
}

// Usage counts tokens. A provider that sent none leaves Known false, and none is shown.
type Usage struct {
	Known      bool
	Input      int64 // neither read from nor written to the cache
	Output     int64 // reasoning included
	CacheRead  int64
	CacheWrite int64
	Reasoning  int64 // the part of Output spent on reasoning
	// ReasoningKnown: the provider said how much of Output was reasoning. Not every provider does, and a 0 would be made up.
	ReasoningKnown bool
	// CacheWrite1h is the part of CacheWrite that is kept for an hour.
	CacheWrite1h int64
}

// Prompt is every token of the request: fresh, read from the cache and written to it.
func (u *Usage) Prompt() int64 { return u.Input + u.CacheRead + u.CacheWrite }

// Total is every token of the request and the reply.
func (u *Usage) Total() int64 { return u.Prompt() + u.Output }
