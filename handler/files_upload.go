package handler

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract"
)

const (
	// maxFormField and maxFormParts bound what may stand beside the file in an upload.
	maxFormField = 1 << 10
	maxFormParts = 64
	// formOverhead is room for boundaries, part headers and fields above the file's own size.
	formOverhead = 1 << 20
	// sniffBytes is how much of a file its type is detected from.
	sniffBytes = 4 << 10
)

// formError is an upload that is the client's mistake; the message is for the client.
type formError struct {
	param   string
	message string
}

func (e *formError) Error() string { return e.message }

// upload takes a multipart form and streams its file part into the store as it comes in. The fields may stand before or
// after the file, so the store asks for them at the end.
func (a *filesAPI) upload(w http.ResponseWriter, r *http.Request, owner, _ string) {
	boundary, ok := isMultipart(r.Header.Get("Content-Type"))
	if !ok {
		writeFilesError(w, http.StatusBadRequest, "file", "",
			"Expected a multipart/form-data body with the parts 'file' and 'purpose'.")
		return
	}
	limit := a.store.Options().MaxSize + formOverhead
	if r.ContentLength > limit {
		// The server closes the connection after the answer, and lingers for a client that still sends. Saying so here would
		// make it close at once, and the answer be lost in the reset.
		a.fail(w, r, "", files.ErrTooLarge)
		return
	}
	body := http.MaxBytesReader(w, r.Body, limit)
	form := &uploadForm{reader: multipart.NewReader(body, boundary), fields: make(map[string]string)}

	f, err := a.receive(r, owner, form)
	if err != nil {
		var bad *formError
		if errors.As(err, &bad) && r.Context().Err() == nil {
			writeFilesError(w, http.StatusBadRequest, bad.param, "", bad.message)
			return
		}
		a.fail(w, r, "", err)
		return
	}
	a.stored(f.Bytes)
	writeFilesJSON(w, http.StatusOK, newFileObject(f))
}

func (a *filesAPI) receive(r *http.Request, owner string, form *uploadForm) (files.File, error) {
	part, err := form.nextFile()
	if err != nil {
		return files.File{}, err
	}
	if part == nil {
		return files.File{}, &formError{"file", "Missing required parameter: 'file'."}
	}
	// What stands before the file is checked before the file is read.
	if err := form.check(false); err != nil {
		return files.File{}, err
	}
	name := files.CleanName(partFilename(part))
	if name == "" {
		return files.File{}, &formError{"file", "The 'file' part needs a filename."}
	}
	content := bufio.NewReaderSize(partReader{part}, sniffBytes)
	head, err := content.Peek(sniffBytes)
	if err != nil && !errors.Is(err, io.EOF) {
		return files.File{}, err
	}
	if len(head) == 0 {
		return files.File{}, &formError{"file", "The file is empty."}
	}
	mediaType := extract.Type(part.Header.Get("Content-Type"), name, head)

	return a.store.Put(r.Context(), files.Upload{
		Owner: owner,
		Body:  content,
		Describe: func() (files.Description, error) {
			second, err := form.nextFile()
			if err != nil {
				return files.Description{}, err
			}
			if second != nil {
				return files.Description{}, &formError{"file", "Only one 'file' part is allowed in an upload."}
			}
			if err := form.check(true); err != nil {
				return files.Description{}, err
			}
			return files.Description{
				Filename: name, Purpose: form.fields["purpose"], MediaType: mediaType, ExpiresAfter: form.expiresAfter,
			}, nil
		},
	})
}

// uploadForm reads a multipart form part by part.
type uploadForm struct {
	reader       *multipart.Reader
	parts        int
	fields       map[string]string
	expiresAfter time.Duration
}

// nextFile reads fields up to the next file part; nil is the form's end. Unknown fields are skipped.
func (f *uploadForm) nextFile() (*multipart.Part, error) {
	for {
		part, err := f.reader.NextRawPart()
		// A bare io.EOF is the last boundary, the one with "--" behind it (RFC 2046, 5.1.1). A body that ends before it is
		// an upload that was cut, whose error wraps io.EOF.
		if err == io.EOF { //nolint:errorlint // see above
			return nil, nil
		}
		if err != nil {
			return nil, formReadError(err)
		}
		if f.parts++; f.parts > maxFormParts {
			return nil, &formError{"", fmt.Sprintf("The form has more than %d parts.", maxFormParts)}
		}
		name := part.FormName()
		if name == "file" {
			return part, nil
		}
		if name != "purpose" && !strings.HasPrefix(name, "expires_after") {
			continue
		}
		value, err := io.ReadAll(io.LimitReader(partReader{part}, maxFormField+1))
		if err != nil {
			return nil, err
		}
		if len(value) > maxFormField {
			return nil, &formError{name, "The field '" + name + "' is too long."}
		}
		if _, ok := f.fields[name]; ok {
			return nil, &formError{name, "The field '" + name + "' is given twice."}
		}
		f.fields[name] = string(value)
	}
}

// check looks at the fields that are there and, at the form's end, at those that are not.
func (f *uploadForm) check(end bool) error {
	purpose, ok := f.fields["purpose"]
	if !ok && end {
		return &formError{"purpose", "Missing required parameter: 'purpose'."}
	}
	if ok && !files.ValidPurpose(purpose) {
		return &formError{"purpose", fmt.Sprintf("Invalid value for 'purpose': %q. Expected one of: %s.",
			purpose, strings.Join(files.Purposes, ", "))}
	}
	anchor, hasAnchor := f.fields["expires_after[anchor]"]
	if hasAnchor && anchor != "created_at" {
		return &formError{
			"expires_after.anchor",
			fmt.Sprintf("Invalid value for 'expires_after.anchor': %q. Expected 'created_at'.", anchor),
		}
	}
	seconds, hasSeconds := f.fields["expires_after[seconds]"]
	if hasSeconds {
		// In seconds: as a duration, a large number would overflow into the range.
		n, err := strconv.ParseInt(seconds, 10, 64)
		if err != nil || n > int64(files.MaxExpiry/time.Second) || n < int64(files.MinExpiry/time.Second) {
			return &formError{"expires_after.seconds", fmt.Sprintf(
				"Invalid value for 'expires_after.seconds': %q. Expected an integer from %d to %d.",
				seconds, files.MinExpiry/time.Second, files.MaxExpiry/time.Second)}
		}
		f.expiresAfter = time.Duration(n) * time.Second
	}
	if end && hasAnchor != hasSeconds {
		return &formError{"expires_after", "'expires_after' needs both 'anchor' and 'seconds'."}
	}
	return nil
}

// partFilename is the name as the client sent it. Part.FileName would already cut it at slashes, and by the rules of
// the server's system; files.CleanName does that for both systems.
func partFilename(p *multipart.Part) string {
	_, params, _ := mime.ParseMediaType(p.Header.Get("Content-Disposition")) // FormName has parsed it before
	return params["filename"]
}

// partReader marks the errors of reading a part, which are the client's.
type partReader struct{ part *multipart.Part }

func (p partReader) Read(b []byte) (int, error) {
	n, err := p.part.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		err = formReadError(err)
	}
	return n, err
}

// formReadError says in the client's terms why its form could not be read. Too long stays itself.
func formReadError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	return &formError{"file", "The multipart body is malformed or ended early: " + err.Error()}
}
