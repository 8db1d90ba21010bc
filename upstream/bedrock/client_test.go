package bedrock

import (
	"net/url"
	"testing"
)

// A model id is one segment of the path. These two would make it another path on its way, signed with our credentials.
func TestDotsAreNoModelID(t *testing.T) {
	u := &Upstream{runtime: &url.URL{Scheme: "https", Host: "bedrock.example"}}
	for id, refused := range map[string]bool{".": true, "..": true, "": true, "...": false, "../x": false, "amazon.nova-lite-v1:0": false} {
		target, err := u.modelURL(id, converse)
		if (err != nil) != refused {
			t.Errorf("%q: %v, %v", id, target, err)
		}
		if id == "../x" && target.EscapedPath() != "/model/..%2Fx/converse" {
			t.Errorf("%q became %s", id, target.EscapedPath())
		}
	}
}
