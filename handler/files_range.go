package handler

import (
	"net/http"
	"strconv"
	"strings"
)

// byteSpan is a stretch of a file.
type byteSpan struct{ from, length int64 }

// contentRange is what to send of a file of size bytes, by RFC 9110, 14.2: 206 and a part, 416, or 200 and the whole.
// The whole is also the answer, as the RFC allows, to a range that is malformed, in another unit, of several parts, or
// under an If-Range that no longer holds.
func contentRange(h http.Header, etag string, size int64) (byteSpan, int) {
	whole := byteSpan{0, size}
	spec, ok := strings.CutPrefix(strings.TrimSpace(h.Get("Range")), "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return whole, http.StatusOK
	}
	// Dates never match: the content's hash is the only validator given out.
	if cond := h.Get("If-Range"); cond != "" && cond != etag {
		return whole, http.StatusOK
	}
	first, last, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return whole, http.StatusOK
	}
	if first == "" {
		n, ok := digits(last)
		if !ok {
			return whole, http.StatusOK
		}
		if n == 0 || size == 0 {
			return byteSpan{}, http.StatusRequestedRangeNotSatisfiable
		}
		n = min(n, size)
		return byteSpan{size - n, n}, http.StatusPartialContent
	}
	from, ok := digits(first)
	if !ok {
		return whole, http.StatusOK
	}
	to := size - 1
	if last != "" {
		n, ok := digits(last)
		if !ok || n < from {
			return whole, http.StatusOK
		}
		to = min(n, to)
	}
	if from >= size {
		return byteSpan{}, http.StatusRequestedRangeNotSatisfiable
	}
	return byteSpan{from, to - from + 1}, http.StatusPartialContent
}

// digits parses a number without a sign.
func digits(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// matches reports whether the list of entity tags in the header named has etag; absent is what a missing header means.
// If-None-Match compares weakly (RFC 9110, 13.1.2), and since our tags are strong, If-Match can do so too only for
// strong ones.
func matches(h http.Header, name, etag string, absent bool) bool {
	values := h.Values(name)
	if len(values) == 0 {
		return absent
	}
	for _, v := range values {
		for tag := range strings.SplitSeq(v, ",") {
			tag = strings.TrimSpace(tag)
			if name == "If-None-Match" {
				tag = strings.TrimPrefix(tag, "W/")
			}
			if tag == "*" || tag == etag {
				return true
			}
		}
	}
	return false
}
