package openai

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// What the API keeps of responses, unless a request says store:false: GET, DELETE, cancel and input_items of
// resources/responses/responses.py and input_items.py of the openai Python library 3.57.0, and previous_response_id and
// item_reference of POST /v1/responses. The instructions of a turn are not carried to the next.

// maxStored bounds how many responses are kept; the oldest go first.
const maxStored = 4096

// storage is safe for concurrent use.
type storage struct {
	mu        sync.Mutex
	responses map[string]*storedResponse
	items     map[string]map[string]any
	thoughts  map[string]string // what was thought before an item, which does without it no more
	order     []string
}

// storedResponse is one response. A background one is queued when it was made, runs when it is first looked at, and is
// done by the next look.
type storedResponse struct {
	object     map[string]any   // when it is done
	before     []map[string]any // the conversation before this turn
	input      []map[string]any // of this turn, each with an id
	output     []map[string]any
	frames     [][]byte // of a background stream; nil: it cannot be streamed again
	background bool
	looks      int
	cancelled  bool
}

// recall puts the items that a request names into its input, and returns those of earlier turns and of this one.
func (s *server) recall(present map[string]any) (before, input []map[string]any, f *failure) {
	if id, _ := present["previous_response_id"].(string); id != "" {
		if present["conversation"] != nil {
			return nil, nil, invalid("previous_response_id", "mutually_exclusive_parameters", "Mutually exclusive parameters: Ensure you are only providing one of: 'previous_response_id' or 'conversation'.")
		}
		r := s.storage.get(id)
		if r == nil {
			return nil, nil, invalid("previous_response_id", "previous_response_not_found", "Previous response with id '"+id+"' not found.")
		}
		before = slices.Concat(r.before, r.input, r.output)
	}
	if c := present["conversation"]; c != nil {
		id, _ := c.(string)
		if o, is := c.(map[string]any); is {
			id, _ = o["id"].(string)
		}
		f := invalid("", "", "Conversation with id '"+id+"' not found.") // none is ever made
		f.status = http.StatusNotFound
		return nil, nil, f
	}
	switch given := present["input"].(type) {
	case string:
		input = []map[string]any{{"type": "message", "role": "user", "content": given}}
	case []any:
		for _, one := range given {
			item, _ := one.(map[string]any)
			id, _ := item["id"].(string)
			looked := s.storage != nil && item["type"] == "reasoning" && item["encrypted_content"] == nil && id != ""
			if !looked && item["type"] != "item_reference" && (item["type"] != nil || item["role"] != nil || id == "") {
				input = append(input, item)
				continue
			}
			kept := s.storage.item(id)
			if kept == nil {
				f := invalid("input", "", "Item with id '"+id+"' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input.")
				f.status = http.StatusNotFound
				return nil, nil, f
			}
			input = append(input, kept)
		}
	}
	for i, item := range input {
		id, _ := item["id"].(string)
		if thought := s.storage.thought(id); thought != "" && (i == 0 || input[i-1]["id"] != thought) {
			return nil, nil, invalid("input", "", fmt.Sprintf("Item '%s' of type '%s' was provided without its required 'reasoning' item: '%s'.", id, item["type"], thought))
		}
	}
	if before != nil || input != nil {
		all := make([]any, 0, len(before)+len(input))
		for _, item := range slices.Concat(before, input) {
			all = append(all, item)
		}
		present["input"] = all
	}
	return before, input, nil
}

// keep keeps a reply, and returns how it is kept.
func (s *server) keep(p *response, before, input []map[string]any) *storedResponse {
	r := &storedResponse{object: p.object(p.items, p.status()), before: before, output: p.items, background: p.request.Background}
	for i, item := range input {
		item = maps.Clone(item)
		kind, _ := item["type"].(string)
		if kind == "" {
			kind = "message"
			item["type"] = kind
		}
		if text, is := item["content"].(string); is {
			part := "input_text"
			if item["role"] == "assistant" {
				part = "output_text"
			}
			item["content"] = []any{map[string]any{"type": part, "text": text}}
		}
		if item["id"] == nil {
			item["id"] = fmt.Sprintf("%s_in%s%032x%08x", prefixes[kind], p.series, p.number, i)
		}
		if kind == "message" && item["status"] == nil {
			item["status"] = "completed"
		}
		r.input = append(r.input, item)
	}
	if r.background && p.request.Stream {
		e := &responsesStream{response: p, collect: true}
		e.run()
		r.frames, r.looks = e.frames, 2
	}
	s.storage.put(r)
	return r
}

// prefixes begin the ids of input items.
var prefixes = map[string]string{
	"message": "msg", "function_call": "fc", "function_call_output": "fco", "custom_tool_call": "ctc", "custom_tool_call_output": "ctco", "reasoning": "rs",
}

// now is the object as it stands.
func (r *storedResponse) now() map[string]any {
	status := ""
	switch {
	case r.cancelled:
		status = "cancelled"
	case !r.background || r.looks > 1:
		return r.object
	case r.looks == 1:
		status = "in_progress"
	default:
		status = "queued"
	}
	o := maps.Clone(r.object)
	o["status"], o["output"], o["usage"], o["incomplete_details"] = status, []any{}, nil, nil
	return o
}

func (s *storage) get(id string) *storedResponse {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.responses[id]
}

func (s *storage) item(id string) map[string]any {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.items[id]
}

// thought is the id of the reasoning that an item needs before it; empty if it needs none.
func (s *storage) thought(id string) string {
	if s == nil || id == "" {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.thoughts[id]
}

func (s *storage) put(r *storedResponse) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.order) == maxStored {
		s.remove(s.order[0])
	}
	id := r.object["id"].(string)
	s.responses[id], s.order = r, append(s.order, id)
	for _, item := range slices.Concat(r.input, r.output) {
		s.items[item["id"].(string)] = item
	}
	for i, item := range r.output {
		if i > 0 && r.output[i-1]["type"] == "reasoning" {
			s.thoughts[item["id"].(string)] = r.output[i-1]["id"].(string)
		}
	}
}

// remove takes a response and its items out. s is locked.
func (s *storage) remove(id string) {
	r := s.responses[id]
	for _, item := range slices.Concat(r.input, r.output) {
		delete(s.items, item["id"].(string))
		delete(s.thoughts, item["id"].(string))
	}
	delete(s.responses, id)
	s.order = slices.DeleteFunc(s.order, func(other string) bool { return other == id })
}

// stored serves the paths of a response that is kept. rest is what follows /v1/responses/.
func (s *server) stored(w http.ResponseWriter, r *http.Request, rest string) {
	id, what, more := strings.Cut(rest, "/")
	serve, method := (*server).retrieve, http.MethodGet
	switch {
	case id == "" || more && what != "cancel" && what != "input_items":
		unknownURL(r).write(w)
		return
	case what == "cancel":
		serve, method = (*server).cancel, http.MethodPost
	case what == "input_items":
		serve = (*server).inputItems
	case r.Method == http.MethodDelete:
		serve, method = (*server).remove, http.MethodDelete
	}
	if r.Method != method {
		wrongMethod(r).write(w)
		return
	}
	kept := s.storage.get(id)
	if kept == nil {
		f := invalid("", "", "Response with id '"+id+"' not found.")
		f.status = http.StatusNotFound
		f.write(w)
		return
	}
	serve(s, w, r, kept)
}

func (s *server) retrieve(w http.ResponseWriter, r *http.Request, kept *storedResponse) {
	q := r.URL.Query()
	after, err := strconv.Atoi(q.Get("starting_after"))
	switch stream := q.Get("stream"); {
	case stream != "" && stream != "true" && stream != "false":
		invalid("stream", "invalid_type", "Invalid type for 'stream': expected a boolean.").write(w)
	case q.Get("starting_after") != "" && (err != nil || after < 0):
		invalid("starting_after", "invalid_type", "Invalid type for 'starting_after': expected an integer.").write(w)
	case q.Get("starting_after") != "" && stream != "true":
		invalid("starting_after", "", "The 'starting_after' parameter is only allowed when 'stream' is true.").write(w)
	case stream == "true" && kept.frames == nil:
		invalid("stream", "", "Only responses created with 'background' and 'stream' set to true can be streamed.").write(w)
	case stream == "true":
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		from := 0
		if q.Get("starting_after") != "" {
			from = min(after+1, len(kept.frames))
		}
		for _, frame := range kept.frames[from:] {
			_, _ = w.Write(frame)
		}
	default:
		s.storage.mu.Lock()
		kept.looks++
		o := kept.now()
		s.storage.mu.Unlock()
		writeJSON(w, http.StatusOK, o)
	}
}

func (s *server) remove(w http.ResponseWriter, _ *http.Request, kept *storedResponse) {
	id := kept.object["id"].(string)
	s.storage.mu.Lock()
	if s.storage.responses[id] != nil {
		s.storage.remove(id)
	}
	s.storage.mu.Unlock()
	writeJSON(w, http.StatusOK, map[string]any{"id": id, "object": "response", "deleted": true})
}

// cancel ends a response in the background. What is over stays as it is.
func (s *server) cancel(w http.ResponseWriter, _ *http.Request, kept *storedResponse) {
	if !kept.background {
		f := invalid("", "", "Cannot cancel a synchronous response.")
		f.status = http.StatusConflict
		f.write(w)
		return
	}
	s.storage.mu.Lock()
	kept.cancelled = kept.cancelled || kept.looks < 2
	o := kept.now()
	s.storage.mu.Unlock()
	writeJSON(w, http.StatusOK, o)
}

// inputItems lists what the model was given, the newest first unless asked otherwise.
func (s *server) inputItems(w http.ResponseWriter, r *http.Request, kept *storedResponse) {
	q := r.URL.Query()
	limit := 20
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 100 {
			invalid("limit", "", "Invalid 'limit': expected an integer between 1 and 100.").write(w)
			return
		}
		limit = n
	}
	list := slices.Concat(kept.before, kept.input)
	switch q.Get("order") {
	case "", "desc":
		slices.Reverse(list)
	case "asc":
	default:
		invalid("order", "", "Invalid 'order': expected 'asc' or 'desc'.").write(w)
		return
	}
	if after := q.Get("after"); after != "" {
		i := slices.IndexFunc(list, func(item map[string]any) bool { return item["id"] == after })
		if i < 0 {
			f := invalid("after", "", "Item with id '"+after+"' not found.")
			f.write(w)
			return
		}
		list = list[i+1:]
	}
	page := map[string]any{"object": "list", "data": list, "first_id": nil, "last_id": nil, "has_more": len(list) > limit}
	if len(list) > limit {
		list = list[:limit]
		page["data"] = list
	}
	if len(list) > 0 {
		page["first_id"], page["last_id"] = list[0]["id"], list[len(list)-1]["id"]
	}
	writeJSON(w, http.StatusOK, page)
}
