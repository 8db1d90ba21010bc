package sigv4

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// The rules in this file are those of httpSigner.Build in aws/signer/v4 and of
// aws/signer/internal/v4 in the AWS SDK for Go.

// header is one that is signed. Its name is names[from:to] of the workspace.
type header struct {
	from, to int
	one      string   // the value of those that are not in the request's map
	values   []string // the values of those that are
}

// canonicalize writes the canonical request of req and the names of the signed
// headers. It reports false, with nothing but req.Host changed as the SDK would,
// if req has something this package does not cover: an opaque URL, a host that
// is an IPv6 address, a header whose name is not in canonical form, or a header
// value with spaces to be folded or other than printable ASCII characters.
func (w *workspace) canonicalize(req *http.Request, payloadHash string) bool {
	if req.URL.Opaque != "" {
		return false
	}
	host, ok := hostOf(req)
	if !ok || !w.collect(req, host) {
		return false
	}

	query := ""
	if req.URL.RawQuery != "" {
		query = canonicalQuery(req.URL.Query())
	}
	b := append(w.canonical[:0], req.Method...)
	b = append(b, '\n')
	b = appendPath(b, req.URL.EscapedPath())
	b = append(b, '\n')
	b = append(b, query...)
	b = append(b, '\n')
	w.signed = w.signed[:0]
	for i, h := range w.headers {
		name := w.names[h.from:h.to]
		if i > 0 {
			w.signed = append(w.signed, ';')
		}
		w.signed = append(w.signed, name...)
		b = append(b, name...)
		b = append(b, ':')
		b = append(b, h.one...)
		for j, v := range h.values {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(b, v...)
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, w.signed...)
	b = append(b, '\n')
	w.canonical = append(b, payloadHash...)

	req.URL.RawQuery = query
	return true
}

// hostOf returns the host to be signed, without a port that is the scheme's
// default, which no client sends.
func hostOf(req *http.Request) (host string, ok bool) {
	host = req.Host
	if host == "" {
		host = req.URL.Host
	}
	if !plain(host) || strings.ContainsAny(host, "[]") {
		return "", false
	}
	name, port, found := strings.Cut(host, ":")
	if !found {
		return host, true
	}
	if name == "" {
		return "", false
	}
	scheme := req.URL.Scheme
	if (port == "443" && strings.EqualFold(scheme, "https")) || (port == "80" && strings.EqualFold(scheme, "http")) {
		req.Host = name
		return name, true
	}
	return host, true
}

// collect gathers the headers to be signed in the order of their names.
func (w *workspace) collect(req *http.Request, host string) bool {
	w.headers, w.names = w.headers[:0], w.names[:0]
	w.add("host", host, nil)
	if req.ContentLength > 0 {
		w.add("content-length", strconv.FormatInt(req.ContentLength, 10), nil)
	}
	for name, values := range req.Header {
		switch name {
		case "Authorization", "User-Agent", "X-Amzn-Trace-Id", "Expect", "Transfer-Encoding":
			continue // change on their way, or are what is being made
		case "Content-Length":
			continue // signed above
		case "Host":
			return false // net/http sends another
		}
		if !canonicalName(name) {
			return false
		}
		for _, v := range values {
			if !plain(v) {
				return false
			}
		}
		w.add(name, "", values)
	}
	slices.SortFunc(w.headers, func(a, b header) int {
		return bytes.Compare(w.names[a.from:a.to], w.names[b.from:b.to])
	})
	return true
}

// add notes a header to be signed, its name in lower case.
func (w *workspace) add(name, one string, values []string) {
	from := len(w.names)
	for i := range len(name) {
		c := name[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		w.names = append(w.names, c)
	}
	w.headers = append(w.headers, header{from, len(w.names), one, values})
}

// canonicalName reports whether name is as net/http writes it, of letters,
// digits and hyphens: then no other key of the map is the same header.
func canonicalName(name string) bool {
	upper := true
	for i := range len(name) {
		c := name[i]
		switch {
		case 'a' <= c && c <= 'z':
			if upper {
				return false
			}
		case 'A' <= c && c <= 'Z':
			if !upper {
				return false
			}
		case c != '-' && (c < '0' || c > '9'):
			return false
		}
		upper = c == '-'
	}
	return name != ""
}

// plain reports whether a header value is its own canonical form: printable
// ASCII without spaces at its ends or two in a row.
func plain(v string) bool {
	space := true // as if one stood before
	for i := range len(v) {
		c := v[i]
		if c < ' ' || c > '~' || (c == ' ' && space) {
			return false
		}
		space = c == ' '
	}
	return !space || v == ""
}

const upperHex = "0123456789ABCDEF"

// appendPath appends a path that is already escaped, escaped once more: %3A
// becomes %253A.
func appendPath(dst []byte, path string) []byte {
	if path == "" {
		return append(dst, '/')
	}
	for i := range len(path) {
		if c := path[i]; c == '/' || unreserved(c) {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&0xf])
		}
	}
	return dst
}

// unreserved reports whether c is of RFC 3986's set of that name.
func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// canonicalQuery returns the query escaped and then sorted, by name and value.
// The runtime's operations have none; those of the control plane are rare.
func canonicalQuery(query url.Values) string {
	pairs := make([][2]string, 0, len(query))
	for name, values := range query {
		name = escapeQuery(name)
		for _, v := range values {
			pairs = append(pairs, [2]string{name, escapeQuery(v)})
		}
	}
	slices.SortFunc(pairs, func(a, b [2]string) int {
		if c := strings.Compare(a[0], b[0]); c != 0 {
			return c
		}
		return strings.Compare(a[1], b[1])
	})
	var b strings.Builder
	for i, p := range pairs {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(p[0])
		b.WriteByte('=')
		b.WriteString(p[1])
	}
	return b.String()
}

// escapeQuery escapes all but the unreserved characters; a space is %20.
func escapeQuery(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
