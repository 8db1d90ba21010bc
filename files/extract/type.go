package extract

import (
	"mime"
	"net/http"
	"path"
	"strings"
)

// sniffLen is how much of the content is looked at to tell its kind.
const sniffLen = 4096

// generic are the types that say nothing: what clients send when they do not know. curl, for one, declares every file
// whose extension it does not know as application/octet-stream, .csv and .json among them.
var generic = map[string]bool{
	"":                                  true,
	"application/octet-stream":          true,
	"binary/octet-stream":               true,
	"application/binary":                true,
	"application/unknown":               true,
	"application/x-download":            true,
	"application/force-download":        true,
	"application/x-www-form-urlencoded": true,
	"multipart/form-data":               true,
	"*/*":                               true,
}

// byExtension is our own table, since the system's (mime.TypeByExtension) differs from machine to machine. Types from
// the IANA registry where it has one; source code is text/x-… as editors call it.
var byExtension = map[string]string{
	".txt": "text/plain", ".text": "text/plain", ".log": "text/plain", ".rst": "text/plain",
	".md": "text/markdown", ".markdown": "text/markdown", ".mdx": "text/markdown",
	".csv": "text/csv", ".tsv": "text/tab-separated-values", ".tab": "text/tab-separated-values",
	".json": "application/json", ".geojson": "application/json", ".ipynb": "application/json",
	".jsonl": "application/jsonl", ".ndjson": "application/jsonl",
	".xml": "application/xml", ".xsd": "application/xml", ".xsl": "application/xml", ".rss": "application/xml",
	".atom": "application/xml", ".plist": "application/xml", ".svg": "image/svg+xml",
	".html": "text/html", ".htm": "text/html", ".xhtml": "text/html",
	".pdf":  "application/pdf",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".docm": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".xlsm": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".doc":  "application/msword", ".xls": "application/vnd.ms-excel", ".ppt": "application/vnd.ms-powerpoint",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".bmp": "image/bmp", ".tif": "image/tiff", ".tiff": "image/tiff",
	".zip": "application/zip", ".gz": "application/gzip", ".mp3": "audio/mpeg", ".wav": "audio/wav",
	".mp4":  "video/mp4",
	".yaml": "application/yaml", ".yml": "application/yaml", ".toml": "application/toml",
	".ini": "text/plain", ".cfg": "text/plain", ".conf": "text/plain", ".env": "text/plain",
	".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript", ".ts": "text/x-typescript",
	".tsx": "text/x-typescript", ".jsx": "text/javascript", ".go": "text/x-go", ".py": "text/x-python",
	".rb": "text/x-ruby", ".rs": "text/x-rust", ".java": "text/x-java", ".kt": "text/x-kotlin", ".c": "text/x-c",
	".h": "text/x-c", ".cc": "text/x-c++", ".cpp": "text/x-c++", ".hpp": "text/x-c++", ".cs": "text/x-csharp",
	".php": "text/x-php", ".swift": "text/x-swift", ".sh": "text/x-shellscript", ".bash": "text/x-shellscript",
	".ps1": "text/x-powershell", ".sql": "application/sql", ".r": "text/x-r", ".lua": "text/x-lua",
	".pl": "text/x-perl", ".scala": "text/x-scala", ".tex": "text/x-tex", ".proto": "text/x-protobuf",
	".tf": "text/x-terraform", ".diff": "text/x-diff", ".patch": "text/x-diff", ".eml": "message/rfc822",
	".srt": "text/plain", ".vtt": "text/vtt",
}

// Type is the media type to treat content as: declared unless that is generic, else by filename's extension, else by
// the first bytes. It is lower-case and keeps only a declared charset parameter.
func Type(declared, filename string, head []byte) string {
	ext := strings.ToLower(path.Ext(filename))
	t, params, err := mime.ParseMediaType(declared)
	if err != nil && t == "" {
		t, _, _ = strings.Cut(strings.ToLower(declared), ";")
		t = strings.TrimSpace(t)
	}
	if !wellFormed(t) {
		t = ""
	}
	// Browsers on Windows with Office installed declare a .csv as Excel's.
	if t == "application/vnd.ms-excel" && ext == ".csv" {
		return "text/csv"
	}
	if !generic[t] {
		if cs := strings.ToLower(params["charset"]); cs != "" && wellFormed("x/"+cs) {
			return t + "; charset=" + cs
		}
		return t
	}
	if t, ok := byExtension[ext]; ok {
		return t
	}
	return sniff(head)
}

// wellFormed reports whether t is type/subtype of RFC 9110 tokens, so that it can go into a header as it is.
func wellFormed(t string) bool {
	major, minor, ok := strings.Cut(t, "/")
	return ok && isToken(major) && isToken(minor)
}

func isToken(s string) bool {
	if s == "" || len(s) > 127 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return true
}

// sniff tells the kind from the first bytes.
func sniff(head []byte) string {
	t, _, _ := strings.Cut(http.DetectContentType(head), ";")
	return t
}
