package pages

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
)

// Page is a page for browsers with its files, all of which lie under the page's path. It is safe for concurrent use.
type Page struct {
	fsys   fs.FS
	policy string // the content security policy of all its files
	files  func() map[string]*File
}

// newPage returns the page whose files are in a folder of an embedded file system, index.html among them. A file whose name
// ends in .gz is served under the name without it. Nothing is read before the page is asked for.
func newPage(fsys fs.FS, folder, policy string) *Page {
	sub, err := fs.Sub(fsys, folder)
	if err != nil {
		panic(err) // the folder's name is a constant
	}
	p := &Page{fsys: sub, policy: policy}
	p.files = sync.OnceValue(p.load)
	return p
}

func (p *Page) load() map[string]*File {
	files := map[string]*File{}
	err := fs.WalkDir(p.fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(p.fsys, name)
		if err != nil {
			return err
		}
		if plain, packed := strings.CutSuffix(name, ".gz"); packed {
			files[plain] = packedFile(mediaType(plain), content)
		} else {
			files[name] = NewFile(mediaType(name), content)
		}
		return nil
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	files[""] = files["index.html"]
	return files
}

// mediaType returns the type of a file by its name. The table is here, for that of the operating system says text/plain for
// scripts on some machines, which browsers then refuse.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".json":
		return "application/json"
	case ".svg":
		return "image/svg+xml"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	return mime.TypeByExtension(path.Ext(name))
}

// Serve answers a request for a file of the page, by its name; "" is the page itself.
func (p *Page) Serve(w http.ResponseWriter, r *http.Request, name string) {
	f := p.files()[name]
	h := w.Header()
	h.Set("Content-Security-Policy", p.policy)
	if f == nil {
		h.Set("X-Content-Type-Options", "nosniff")
		http.Error(w, "There is no such file.", http.StatusNotFound)
		return
	}
	f.ServeHTTP(w, r)
}

// ServeSlash answers a request for the page's path without the slash at its end. The address is relative, for a proxy may
// have taken a part of the path away; http.Redirect would make it absolute.
func ServeSlash(w http.ResponseWriter, r *http.Request) {
	to := url.URL{Path: path.Base(r.URL.Path) + "/", RawQuery: r.URL.RawQuery}
	h := w.Header()
	h.Set("Location", to.String())
	h.Set("Cache-Control", "no-cache")
	w.WriteHeader(http.StatusPermanentRedirect)
}

// File is content that is served with a validator, so that it is sent once, and compressed once.
type File struct {
	mediaType string
	etag      string // without quotes
	plain     func() []byte
	gzip      func() []byte
}

// NewFile returns the file of a content.
func NewFile(mediaType string, content []byte) *File {
	return &File{
		mediaType: mediaType, etag: tag(content),
		plain: func() []byte { return content },
		gzip:  sync.OnceValue(func() []byte { return compress(content) }),
	}
}

// packedFile returns the file of a content in gzip.
func packedFile(mediaType string, packed []byte) *File {
	return &File{
		mediaType: mediaType, etag: tag(packed),
		plain: func() []byte { return unpack(packed) }, // not kept: every browser takes gzip
		gzip:  func() []byte { return packed },
	}
}

func tag(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:12])
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = z.Write(content) // to memory
	_ = z.Close()
	return b.Bytes()
}

func unpack(packed []byte) []byte {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		panic(err) // the file is part of the program
	}
	content, err := io.ReadAll(z)
	if err != nil {
		panic(err)
	}
	return content
}

// ServeHTTP answers with the file: compressed where the client takes gzip, and not at all where it has it.
func (f *File) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Add("Vary", "Accept-Encoding")
	if r.URL.Query().Get("v") != "" { // the page names the version, so that another version is another address
		h.Set("Cache-Control", "max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache") // to be asked again, by the tag
	}
	content, suffix := f.plain, ""
	if httpguts.HeaderValuesContainsToken(r.Header["Accept-Encoding"], "gzip") {
		content, suffix = f.gzip, "-gzip"
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Etag", `"`+f.etag+suffix+`"`) // a tag is that of one encoding: RFC 9110, section 8.8.3
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content()))
}
