package chat

// StopReason says why a reply ended.
type StopReason uint8

// The stop reasons.
const (
	StopUnknown StopReason = iota // none given, or one that no table knows
	StopEnd
	StopSequence
	StopLength
	StopToolUse
	StopFiltered
	StopContextFull
	StopPause     // Claude's pause_turn: send the reply back to go on
	StopMalformed // what the model wrote could not be read as a reply, or as a call
)

// StopNames is a dialect's table of stop reasons. Of several names for one reason the first is written.
type StopNames []struct {
	Name string
	Stop StopReason
}

// Read returns the reason for its name in a reply; one that the table does not know is noted.
func (t StopNames) Read(tok String, x *Exchange) StopReason {
	if len(tok) < 2 {
		return StopUnknown
	}
	for i := range t {
		if string(tok[1:len(tok)-1]) == t[i].Name {
			return t[i].Stop
		}
	}
	x.Note("unknown stop reason " + Clip(tok.Unquote()))
	return StopUnknown
}

// Name returns the name of s; otherwise if the dialect has none.
func (t StopNames) Name(s StopReason, otherwise string) string {
	for i := range t {
		if t[i].Stop == s {
			return t[i].Name
		}
	}
	return otherwise
}
