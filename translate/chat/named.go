package chat

import "github.com/open-bedrock/caddy-bedrock-gateway/wire/json"

// AppendNamed appends body, a whole reply or the payload of a stream's frame, with name in place of the model's, and
// reports whether it names one: as its member model, or as that of the message or response in it (Anthropic's message_start,
// the events of OpenAI's Responses). All
// other bytes stay as they are. If it names none, nothing is appended. body must be valid JSON.
func AppendNamed(dst, body []byte, name string) ([]byte, bool) {
	w := json.WalkAt(body, 0)
	start, end := modelIn(&w, true)
	if end == 0 {
		return dst, false
	}
	dst = append(dst, body[:start]...)
	dst = json.AppendQuoted(dst, name)
	return append(dst, body[end:]...), true
}

// modelIn returns where the model's name stands in the object before w; 0, 0 if nowhere.
func modelIn(w *json.Walker, deeper bool) (start, end int) {
	if !w.Object() {
		return 0, 0
	}
	for w.Member() {
		switch key := string(w.Key()); {
		case key == "model" && w.Kind() == json.Text:
			start = w.Skip()
			return start, w.Offset()
		case (key == "message" || key == "response") && deeper && w.Kind() == json.Object:
			return modelIn(w, false)
		default:
			w.Skip()
		}
	}
	return 0, 0
}
