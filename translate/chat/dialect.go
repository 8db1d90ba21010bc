package chat

// Dialect says in a byte whose words a block's own are. The zero Dialect is nobody's.
type Dialect uint8

// The dialects that have words of their own in blocks.
const (
	OpenAI Dialect = iota + 1
	Responses
	Claude
	Converse
	Titan
)

// dialectNames are the names by which the translate package registers the dialects.
var dialectNames = [...]string{"", "openai", "responses", "claude", "converse", "titan"}

// String returns the name by which the dialect is registered.
func (d Dialect) String() string { return dialectNames[d] }
