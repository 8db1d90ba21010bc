package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"go.uber.org/zap"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
)

// filesAPI serves OpenAI's Files API (https://platform.openai.com/docs/api-reference/files) out of a store. It is safe for
// concurrent use.
type filesAPI struct {
	store files.Store
	// owner is whose files a request sees.
	owner func(*http.Request) string
	log   *zap.Logger
	// stored is told of each upload.
	stored func(bytes int64)
}

// filesEndpoint returns the endpoint that f serves.
func filesEndpoint(f func(a *filesAPI, w http.ResponseWriter, r *http.Request, owner, id string)) func(*Gateway, http.ResponseWriter, *http.Request, string) {
	return func(g *Gateway, w http.ResponseWriter, r *http.Request, id string) {
		f(g.files, w, r, g.files.owner(r), id)
	}
}

// notFound answers for a path below /v1/files that OpenAI has nothing at.
func (a *filesAPI) notFound(w http.ResponseWriter, r *http.Request, _, _ string) {
	writeFilesError(w, http.StatusNotFound, "", "", "Invalid URL ("+r.Method+" "+r.URL.Path+")")
}

// fileObject is a file as OpenAI's API writes it.
type fileObject struct {
	ID            string  `json:"id"`
	Object        string  `json:"object"`
	Bytes         int64   `json:"bytes"`
	CreatedAt     int64   `json:"created_at"`
	ExpiresAt     int64   `json:"expires_at,omitempty"`
	Filename      string  `json:"filename"`
	Purpose       string  `json:"purpose"`
	Status        string  `json:"status"`
	StatusDetails *string `json:"status_details"`
}

func newFileObject(f files.File) fileObject {
	o := fileObject{
		ID: f.ID, Object: "file", Bytes: f.Bytes, CreatedAt: f.CreatedAt.Unix(), Filename: f.Filename,
		// A file is listed once it is whole, and text is taken from it when it is asked for: there is no other state.
		Purpose: f.Purpose, Status: "processed",
	}
	if !f.ExpiresAt.IsZero() {
		o.ExpiresAt = f.ExpiresAt.Unix()
	}
	return o
}

const maxFilesPage = 10_000

func (a *filesAPI) list(w http.ResponseWriter, r *http.Request, owner, _ string) {
	q, param, err := listQuery(r.URL.Query())
	if err != nil {
		writeFilesError(w, http.StatusBadRequest, param, "", err.Error())
		return
	}
	page, err := a.store.List(r.Context(), owner, q)
	if err != nil {
		a.fail(w, r, "", err)
		return
	}
	body := struct {
		Object  string       `json:"object"`
		Data    []fileObject `json:"data"`
		FirstID *string      `json:"first_id"`
		LastID  *string      `json:"last_id"`
		HasMore bool         `json:"has_more"`
	}{Object: "list", Data: make([]fileObject, len(page.Files)), HasMore: page.More}
	for i, f := range page.Files {
		body.Data[i] = newFileObject(f)
	}
	if n := len(page.Files); n > 0 {
		body.FirstID, body.LastID = &page.Files[0].ID, &page.Files[n-1].ID
	}
	writeFilesJSON(w, http.StatusOK, body)
}

// listQuery reads a listing's parameters; with an error goes the name of the one at fault.
func listQuery(v url.Values) (q files.Query, param string, err error) {
	q.Limit = maxFilesPage
	if s := v.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxFilesPage {
			return q, "limit", fmt.Errorf("Invalid 'limit': expected an integer from 1 to %d, got %q.", maxFilesPage, s) //nolint:staticcheck // shown to clients as it stands
		}
		q.Limit = n
	}
	switch s := v.Get("order"); s {
	case "", "desc":
	case "asc":
		q.Ascending = true
	default:
		return q, "order", fmt.Errorf("Invalid 'order': expected 'asc' or 'desc', got %q.", s) //nolint:staticcheck // as above
	}
	if s := v.Get("after"); s != "" {
		if !files.ValidID(s) {
			return q, "after", fmt.Errorf("Invalid 'after': %q is not the id of a file.", s) //nolint:staticcheck // as above
		}
		q.After = s
	}
	// Any purpose may be asked for: one that no upload can have matches nothing.
	q.Purpose = v.Get("purpose")
	return q, "", nil
}

func (a *filesAPI) get(w http.ResponseWriter, r *http.Request, owner, id string) {
	f, err := a.lookUp(r, owner, id)
	if err != nil {
		a.fail(w, r, id, err)
		return
	}
	writeFilesJSON(w, http.StatusOK, newFileObject(f))
}

func (a *filesAPI) lookUp(r *http.Request, owner, id string) (files.File, error) {
	if !files.ValidID(id) {
		return files.File{}, files.ErrNotFound
	}
	return a.store.Get(r.Context(), owner, id)
}

func (a *filesAPI) remove(w http.ResponseWriter, r *http.Request, owner, id string) {
	err := files.ErrNotFound
	if files.ValidID(id) {
		err = a.store.Delete(r.Context(), owner, id)
	}
	if err != nil {
		a.fail(w, r, id, err)
		return
	}
	writeFilesJSON(w, http.StatusOK, struct {
		ID      string `json:"id"`
		Object  string `json:"object"`
		Deleted bool   `json:"deleted"`
	}{id, "file", true})
}

// health answers 200 only if the store could be used just now.
func (a *filesAPI) health(w http.ResponseWriter, r *http.Request, _, _ string) {
	h, err := a.store.Check(r.Context())
	body := struct {
		Status             string  `json:"status"`
		Service            string  `json:"service"`
		Store              string  `json:"store"`
		S3BucketConfigured bool    `json:"s3_bucket_configured"`
		AWSRegion          *string `json:"aws_region"`
		CredentialsValid   bool    `json:"credentials_valid"`
		Damaged            int     `json:"damaged_files,omitempty"`
		Error              string  `json:"error,omitempty"`
		Timestamp          string  `json:"timestamp"`
	}{
		Status: "healthy", Service: "files", Store: h.Store, S3BucketConfigured: h.Bucket != "",
		CredentialsValid: h.CredentialsValid, Damaged: h.Damaged, Timestamp: time.Now().UTC().Format(time.RFC3339),
	}
	if h.Region != "" {
		body.AWSRegion = &h.Region
	}
	status := http.StatusOK
	if err != nil {
		a.log.Error("files: health check", zap.Error(err))
		body.Status, body.Error = "unhealthy", errStoreDown
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", filesRetryAfter)
	}
	writeFilesJSON(w, status, body)
}

// errStoreDown is the message for a store's own error, which may hold names of hosts and buckets.
const errStoreDown = "The file store is unavailable; the gateway's log says why. Please try again later."

// filesRetryAfter is how many seconds a client should wait for a store that is down; OpenAI's clients honour it.
const filesRetryAfter = "5"

// fail answers an error of the store. id is the file asked for, if one was.
func (a *filesAPI) fail(w http.ResponseWriter, r *http.Request, id string, err error) {
	var tooBig *http.MaxBytesError
	switch {
	case r.Context().Err() != nil:
		// The client is gone: nobody reads an answer, and it must not look like one in the log.
		panic(http.ErrAbortHandler)
	case errors.Is(err, files.ErrNotFound):
		writeFilesError(w, http.StatusNotFound, "id", "", "No such File object: "+id)
	case errors.Is(err, files.ErrTooLarge), errors.As(err, &tooBig):
		writeFilesError(w, http.StatusRequestEntityTooLarge, "file", "",
			"File is too large. The limit is "+files.FormatSize(a.store.Options().MaxSize)+".")
	case errors.Is(err, files.ErrUnavailable):
		a.log.Error("files: store", zap.String("method", r.Method), zap.String("id", id), zap.Error(err))
		w.Header().Set("Retry-After", filesRetryAfter)
		writeFilesError(w, http.StatusServiceUnavailable, "", "", errStoreDown)
	default:
		a.log.Error("files", zap.String("method", r.Method), zap.String("id", id), zap.Error(err))
		writeFilesError(w, http.StatusInternalServerError, "", "", "The gateway failed; its log says why.")
	}
}

// writeFilesError answers in OpenAI's error shape; an empty param or code is null.
func writeFilesError(w http.ResponseWriter, status int, param, code, message string) {
	type body struct {
		Message string  `json:"message"`
		Type    string  `json:"type"`
		Param   *string `json:"param"`
		Code    *string `json:"code"`
	}
	e := body{Message: message, Type: "invalid_request_error"}
	if status >= http.StatusInternalServerError {
		e.Type = "server_error"
	}
	if param != "" {
		e.Param = &param
	}
	if code != "" {
		e.Code = &code
	}
	writeFilesJSON(w, status, struct {
		Error body `json:"error"`
	}{e})
}

func writeFilesJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		// Only strings, numbers and booleans are ever given.
		panic(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	w.WriteHeader(status)
	_, _ = w.Write(b) // the client is gone; nobody is left to tell
}

// isMultipart returns the boundary of a multipart/form-data body.
func isMultipart(contentType string) (boundary string, ok bool) {
	t, params, err := mime.ParseMediaType(contentType)
	return params["boundary"], err == nil && t == "multipart/form-data" && params["boundary"] != ""
}
