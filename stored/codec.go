package stored

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"time"

	"github.com/open-bedrock/caddy-bedrock-gateway/files"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// version is of the form of records. Another one is not read.
const version = `1`

// A record is one JSON object, packed by zstd. A large one is two frames, one behind the other: the first is packed while the
// model still writes.

// appendConversation appends the first part.
func appendConversation(dst []byte, core string, before, input json.Value) []byte {
	dst = append(dst, `{"version":`+version+`,"before":`...)
	if len(before) == 0 {
		before = empty
	}
	dst = append(append(dst, before...), `,"input":`...)
	return appendInput(dst, core, input)
}

// appendReply appends the second part.
func appendReply(dst []byte, r *Record) []byte {
	dst = append(dst, `,"id":`...)
	dst = json.AppendQuoted(dst, r.ID)
	dst = append(dst, `,"owner":`...)
	dst = json.AppendQuoted(dst, files.OwnerKey(r.Owner))
	dst = append(dst, `,"model":`...)
	dst = json.AppendQuoted(dst, r.Model)
	dst = append(dst, `,"created_at":`...)
	dst = strconv.AppendInt(dst, r.CreatedAt.Unix(), 10)
	dst = append(dst, `,"response":`...)
	dst = append(dst, r.Response...)
	if r.Marks != nil {
		dst = append(dst, `,"marks":"`...)
		dst = append(base64.StdEncoding.AppendEncode(dst, r.Marks), '"')
	}
	return append(dst, '}')
}

// decode reads a record that is unpacked. It shares plain's memory. Owner is the name that stands for the owner.
func decode(plain []byte) (*Record, error) {
	var space [8]json.Member
	members, err := json.Index(space[:0], plain)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	r := new(Record)
	known := false
	for i := range members {
		m := &members[i]
		v := json.Value(plain[m.ValueStart:m.ValueEnd])
		switch string(m.Key) {
		case "version":
			known = string(v) == version
		case "before":
			r.Before = v
		case "input":
			r.Input = v
		case "id":
			r.ID = json.String(v).Unquote()
		case "owner":
			r.Owner = json.String(v).Unquote()
		case "model":
			r.Model = json.String(v).Unquote()
		case "created_at":
			n, _ := json.ParseInt(v)
			r.CreatedAt = time.Unix(n, 0).UTC()
		case "response":
			r.Response = v
		case "marks":
			if r.Marks, err = base64.StdEncoding.DecodeString(json.String(v).Unquote()); err != nil {
				return nil, fmt.Errorf("%w: %w", errDamaged, err)
			}
		}
	}
	switch {
	case !known:
		return nil, fmt.Errorf("%w: another version's", errDamaged)
	case !isArray(r.Before), !isArray(r.Input), len(r.Response) == 0, r.Response[0] != '{', !Ours(r.ID):
		return nil, fmt.Errorf("%w: members are missing", errDamaged)
	}
	return r, nil
}

func isArray(v json.Value) bool { return len(v) > 0 && v[0] == '[' }
