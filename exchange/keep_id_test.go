package exchange

import "testing"

// A client chooses its metadata, and could have had another caller's response recorded as its own by naming it there.
func TestTheIDOfARelayedReplyIsTheResponsesOwn(t *testing.T) {
	const created = "event: response.created\ndata: "
	for reply, want := range map[string]string{
		`{"id":"resp_1","object":"response"}`:                     "resp_1",
		`{"metadata":{"id":"resp_anns"}, "id" : "resp_1", "x":1}`: "resp_1",
		`{"metadata":{"id":"resp_anns"}, "id" : "resp_1`:          "",
		`{"metadata":{"id":"resp_anns"`:                           "",
		`{"object":"list","data":[{"id":"resp_anns"}]}`:           "",
		`["id","resp_anns"]`:                                      "",
		created + `{"type":"response.created","response":{"metadata":{"id":"resp_anns"},"id":"resp_1",`: "resp_1",
		created + `{"id":"resp_anns","response":{"id":"resp`:                                            "",
		"event: response.created\nda":                                                                   "",
		"":                                                                                              "",
	} {
		if id, ok := idAtHead([]byte(reply)); ok && id != want || ok != (want != "") {
			t.Errorf("%s: %q, %v", reply, id, ok)
		}
	}
}
