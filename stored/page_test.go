package stored

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

func TestInputItemsComeInPages(t *testing.T) {
	items := func(from, to int) string {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, fmt.Sprintf(`{"id":"msg_%d"}`, i))
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	r := &Record{Before: json.Value(items(0, 3)), Input: json.Value(items(3, 5))}
	page := func(ids ...int) string {
		var list []string
		for _, i := range ids {
			list = append(list, fmt.Sprintf(`{"id":"msg_%d"}`, i))
		}
		if len(ids) == 0 {
			return `{"object":"list","data":[],"first_id":null,"last_id":null,"has_more":`
		}
		return fmt.Sprintf(`{"object":"list","data":[%s],"first_id":"msg_%d","last_id":"msg_%d","has_more":`, strings.Join(list, ","), ids[0], ids[len(ids)-1])
	}
	for query, want := range map[string]string{
		"":                              page(4, 3, 2, 1, 0) + "false}",
		"order=asc":                     page(0, 1, 2, 3, 4) + "false}",
		"limit=2":                       page(4, 3) + "true}",
		"limit=2&after=msg_3":           page(2, 1) + "true}",
		"limit=2&after=msg_1":           page(0) + "false}",
		"limit=5&order=asc&after=msg_2": page(3, 4) + "false}",
		"after=msg_0":                   page() + "false}",
		"limit=0":                       "Invalid 'limit'",
		"limit=101":                     "Invalid 'limit'",
		"limit=1e1":                     "Invalid 'limit'",
		"order=up":                      "Invalid 'order'",
		"after=msg_9":                   "no item of this response has the id 'msg_9'",
	} {
		q, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.InputItems(nil, q)
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != want && (err == nil || !strings.Contains(string(got), want)) {
			t.Errorf("%s:\n%s\n%s", query, got, want)
		}
	}
	if got, err := new(Record).InputItems(nil, nil); err != nil || string(got) != page()+"false}" {
		t.Errorf("%s %v", got, err)
	}
}
