package bedrock

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// apiError is a refusal in AWS's restJson1 form: the name in x-amzn-errortype, the text in {"message"}.
type apiError struct {
	name    string
	message string
	// retryAfter, where not 0, becomes Retry-After in whole seconds.
	retryAfter time.Duration
	// page, where not 0, is the status of an HTML page sent in place of an AWS error.
	page int
}

func (e *apiError) Error() string { return e.name + ": " + e.message }

// statuses are the HTTP statuses of the errors, from the httpError traits of the bedrockruntime and bedrock models and
// from AWS's common errors; everything else is a 400.
var statuses = map[string]int{
	"AccessDeniedException":               http.StatusForbidden,
	"ExpiredTokenException":               http.StatusForbidden,
	"IncompleteSignatureException":        http.StatusForbidden,
	"InternalServerException":             http.StatusInternalServerError,
	"InvalidSignatureException":           http.StatusForbidden,
	"MissingAuthenticationTokenException": http.StatusForbidden,
	"ModelErrorException":                 http.StatusFailedDependency,
	"ModelNotReadyException":              http.StatusTooManyRequests,
	"ModelStreamErrorException":           http.StatusFailedDependency,
	"ModelTimeoutException":               http.StatusRequestTimeout,
	"RequestEntityTooLargeException":      http.StatusRequestEntityTooLarge,
	"ResourceNotFoundException":           http.StatusNotFound,
	"ServiceUnavailableException":         http.StatusServiceUnavailable,
	"ThrottlingException":                 http.StatusTooManyRequests,
	"UnknownOperationException":           http.StatusNotFound,
	"UnrecognizedClientException":         http.StatusForbidden,
}

// messages are what AWS says with the errors that a fault asks for by name.
var messages = map[string]string{
	"AccessDeniedException":         "You don't have access to the model with the specified model ID.",
	"ConflictException":             "Error occurred because of a conflict while performing an operation.",
	"ExpiredTokenException":         "The security token included in the request is expired",
	"InternalServerException":       "The system encountered an unexpected error during processing. Try your request again.",
	"ModelErrorException":           "The model returned an error while processing the request.",
	"ModelNotReadyException":        "Model is not ready for inference. Wait and try your request again.",
	"ModelStreamErrorException":     "The system encountered an error while streaming the response.",
	"ModelTimeoutException":         "Model has timed out in processing the request. Try your request again.",
	"ResourceNotFoundException":     "The specified model could not be found.",
	"ServiceQuotaExceededException": "Your request exceeds the service quota for your account.",
	"ServiceUnavailableException":   "Bedrock is unable to process your request.",
	"ThrottlingException":           "Too many requests, please wait before trying again.",
	"UnrecognizedClientException":   "The security token included in the request is invalid.",
	"ValidationException":           "The request was refused as a fault asked for.",
}

func invalid(format string, args ...any) *apiError {
	return &apiError{name: "ValidationException", message: fmt.Sprintf(format, args...)}
}

// modelError is a refusal by the model itself, which Converse wraps.
func modelError(format string, args ...any) *apiError {
	return invalid("The model returned the following errors: "+format, args...)
}

// malformed is the refusal of a body that Bedrock's own schema check does not let through to the model.
func malformed(pointer, problem string) *apiError {
	return invalid("Malformed input request: %s: %s, please reformat your input and try again.", pointer, problem)
}

func (e *apiError) status() int {
	if s, ok := statuses[e.name]; ok {
		return s
	}
	return http.StatusBadRequest
}

func (e *apiError) write(w http.ResponseWriter) {
	if e.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(e.retryAfter/time.Second)))
	}
	if e.page != 0 {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(e.page)
		_, _ = fmt.Fprintf(w, "<html><head><title>%[1]d %[2]s</title></head>\n<body><center><h1>%[1]d %[2]s</h1></center></body></html>\n",
			e.page, http.StatusText(e.page))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	// The service appends where the shape is documented; clients cut at the colon.
	w.Header().Set("X-Amzn-Errortype", e.name+":http://internal.amazon.com/coral/com.amazon.bedrock/")
	w.WriteHeader(e.status())
	body, _ := json.Marshal(map[string]string{"message": e.message})
	_, _ = w.Write(body)
}

// streamName is the error's name as an exception inside a stream: validationException.
func streamName(name string) string {
	if name == "" {
		return name
	}
	return strings.ToLower(name[:1]) + name[1:]
}
