package handler

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// content sends a file's bytes, or one range of them.
func (a *filesAPI) content(w http.ResponseWriter, r *http.Request, owner, id string) {
	f, err := a.lookUp(r, owner, id)
	if err != nil {
		a.fail(w, r, id, err)
		return
	}
	etag := `"` + f.SHA256 + `"`
	h := w.Header()
	h.Set("ETag", etag)
	h.Set("Accept-Ranges", "bytes")
	// The same owner's caches only, and asked each time: a deleted file must be gone.
	h.Set("Cache-Control", "private, no-cache")
	if !matches(r.Header, "If-Match", etag, true) {
		writeFilesError(w, http.StatusPreconditionFailed, "", "", "The file is not the one that If-Match names.")
		return
	}
	if matches(r.Header, "If-None-Match", etag, false) {
		w.WriteHeader(http.StatusNotModified)
		return
	}

	span, status := contentRange(r.Header, etag, f.Bytes)
	if status == http.StatusRequestedRangeNotSatisfiable {
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", f.Bytes))
		writeFilesError(w, status, "", "", fmt.Sprintf("The range asked for is not in the file's %d bytes.", f.Bytes))
		return
	}
	body := io.ReadCloser(http.NoBody)
	if r.Method != http.MethodHead {
		// Opened before anything is promised to the client.
		if body, err = a.store.Open(r.Context(), f, span.from, span.length); err != nil {
			a.fail(w, r, id, err)
			return
		}
	}
	defer func() { _ = body.Close() }()

	// The bytes are a stranger's: no browser may take them for a page of this site.
	h.Set("Content-Type", f.MediaType)
	h.Set("Content-Disposition", contentDisposition(f.Filename))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Length", strconv.FormatInt(span.length, 10))
	if status == http.StatusPartialContent {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", span.from, span.from+span.length-1, f.Bytes))
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	if n, err := io.Copy(w, body); err != nil || n != span.length {
		// The head is out; only a broken connection shows the client that the rest is missing.
		panic(http.ErrAbortHandler)
	}
}

// contentDisposition names a download by RFC 6266: a plain name for every client, and where that cannot say it the
// exact one by RFC 8187.
func contentDisposition(name string) string {
	var plain strings.Builder
	exact := true
	for _, c := range name {
		// '%' is legal, yet some browsers decode it.
		if c < ' ' || c > '~' || c == '"' || c == '\\' || c == '%' {
			c, exact = '_', false
		}
		plain.WriteRune(c)
	}
	value := `attachment; filename="` + plain.String() + `"`
	if !exact {
		value += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return value
}

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
