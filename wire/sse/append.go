package sse

// AppendEvent appends one event to dst and returns the extended slice. The
// event field is left out if eventType is empty.
//
// Neither eventType nor data may hold a CR or LF, which would end the line: JSON
// that came from elsewhere is compacted before.
func AppendEvent(dst []byte, eventType string, data []byte) []byte {
	if eventType != "" {
		dst = append(dst, "event: "...)
		dst = append(dst, eventType...)
		dst = append(dst, '\n')
	}
	dst = append(dst, "data: "...)
	dst = append(dst, data...)
	return append(dst, "\n\n"...)
}

// AppendComment appends a comment, which clients ignore and which keeps a
// connection alive, to dst and returns the extended slice. The text may not
// hold a CR or LF. The blank line after it is for clients that wait for one
// before they look at what came.
func AppendComment(dst []byte, text string) []byte {
	dst = append(dst, ':')
	if text != "" {
		dst = append(dst, ' ')
		dst = append(dst, text...)
	}
	return append(dst, "\n\n"...)
}
