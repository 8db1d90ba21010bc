package embed

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"
	"math"
	"strconv"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Vector is one vector as the answer has it: a list of numbers as the model wrote them, or a string in base64.
type Vector []byte

// DecodeReply reads the reply to the ith call: a vector for each of its items, which share no memory with the reply, and the
// tokens that it counts; below 0 if it does not. Errors are *chat.Error.
func (p *Plan) DecodeReply(reply []byte, i int) (vectors []Vector, tokens int64, err error) {
	from, to := p.Span(i)
	d := decoder{plan: p, vectors: make([]Vector, 0, to-from), tokens: -1}
	d.r.Reset(reply)
	for d.r.Object(); d.r.Member(); {
		d.member(string(d.r.Key()))
	}
	if err := d.r.End(); err != nil {
		return nil, 0, chat.Unreadable("vectors", err)
	}
	if d.message != "" && len(d.vectors) == 0 {
		return nil, 0, &chat.Error{Kind: chat.ErrUpstream, Code: "upstream_error", Message: "the model made no vector: " + d.message}
	}
	if len(d.vectors) != to-from {
		return nil, 0, chat.Unreadable("a number of vectors other than that of the inputs", nil)
	}
	return d.vectors, d.tokens, nil
}

// decoder reads one reply.
type decoder struct {
	plan    *Plan
	r       json.Reader
	vectors []Vector
	tokens  int64
	message string // Titan's word for what went wrong
}

func (d *decoder) member(key string) {
	r := &d.r
	switch {
	case key == "embedding": // Titan
		d.vector()
	case key == "inputTextTokenCount" || key == "inputTokenCount":
		if n, ok := r.MaybeCount(); ok {
			d.tokens = n
		}
	case key == "message" && d.plan.facts.Form == model.TitanEmbedImage:
		d.message = r.MaybeText()
	case key == "embeddings" && d.plan.facts.Form == model.NovaEmbed, key == "data" && r.Kind() == json.Array: // Marengo
		for r.Array(); r.Element(); {
			d.entry()
		}
	case key == "data":
		d.entry()
	case key == "embeddings" && r.Kind() == json.Object: // Cohere, by type
		for r.Object(); r.Member(); {
			if string(r.Key()) == "float" {
				d.list()
			} else {
				r.Skip()
			}
		}
	case key == "embeddings":
		d.list()
	default:
		r.Skip()
	}
}

// entry reads an object with one vector.
func (d *decoder) entry() {
	for d.r.Object(); d.r.Member(); {
		if string(d.r.Key()) == "embedding" {
			d.vector()
		} else {
			d.r.Skip()
		}
	}
}

// list reads a list of vectors.
func (d *decoder) list() {
	for d.r.Array(); d.r.Element(); {
		d.vector()
	}
}

// vector reads one list of numbers.
func (d *decoder) vector() {
	if d.r.Null() {
		return
	}
	v := d.r.ArrayValue()
	if d.r.Err() != nil {
		return
	}
	n := 0
	var floats []byte
	if d.plan.base64 {
		floats = make([]byte, 0, 4*d.plan.dimensions())
	}
	inner := json.NewReader(v)
	for inner.Array(); inner.Element(); n++ {
		number := inner.Number()
		if d.plan.base64 {
			f, err := strconv.ParseFloat(string(number), 32)
			if err != nil {
				inner.Fail(err) // a number that no float32 holds
			}
			floats = binary.LittleEndian.AppendUint32(floats, math.Float32bits(float32(f)))
		}
	}
	if err := inner.End(); err != nil || n == 0 {
		d.r.Fail(chat.Unreadable("a vector", err))
		return
	}
	if !d.plan.base64 {
		d.vectors = append(d.vectors, json.AppendCompact(make(Vector, 0, len(v)), v))
		return
	}
	out := append(make(Vector, 0, base64.StdEncoding.EncodedLen(len(floats))+2), '"')
	out = base64.StdEncoding.AppendEncode(out, floats)
	d.vectors = append(d.vectors, append(out, '"'))
}

// Answer is OpenAI's reply, made piece by piece: it may be large.
type Answer struct {
	Vectors []Vector
	Model   string // as the client named it
	Usage   chat.Usage
	buf     []byte
}

// Len is the number of bytes that Write writes.
func (a *Answer) Len() int {
	n := len(head) + len(a.tail())
	for i, v := range a.Vectors {
		n += len(a.before(i)) + len(v) + len(after)
	}
	return n
}

// Write writes the reply.
func (a *Answer) Write(w io.Writer) error {
	var b bytes.Buffer
	b.Grow(pieceSize)
	b.WriteString(head)
	for i, v := range a.Vectors {
		b.Write(a.before(i))
		b.Write(v)
		b.WriteString(after)
		if b.Len() < pieceSize/2 {
			continue
		}
		if _, err := b.WriteTo(w); err != nil {
			return err
		}
	}
	b.Write(a.tail())
	_, err := b.WriteTo(w)
	return err
}

const (
	head      = `{"object":"list","data":[`
	after     = `}`
	pieceSize = 64 << 10
)

// before is what stands before the ith vector.
func (a *Answer) before(i int) []byte {
	a.buf = a.buf[:0]
	if i > 0 {
		a.buf = append(a.buf, ',')
	}
	a.buf = append(a.buf, `{"object":"embedding","index":`...)
	a.buf = strconv.AppendInt(a.buf, int64(i), 10)
	return append(a.buf, `,"embedding":`...)
}

// tail is what stands behind the vectors. Tokens that nobody counted are not told.
func (a *Answer) tail() []byte {
	b := append([]byte(`],"model":`), json.Quote(a.Model)...)
	if a.Usage.Known {
		n := strconv.FormatInt(a.Usage.Prompt(), 10)
		b = append(b, `,"usage":{"prompt_tokens":`+n+`,"total_tokens":`+n+`}`...)
	}
	return append(b, '}')
}
