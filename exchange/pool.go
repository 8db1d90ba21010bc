package exchange

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
)

// maxReply bounds a whole reply of an upstream: far above what a model says at once, far below what hurts.
const maxReply = 64 << 20

// maxPooled is the largest buffer that is kept: one huge reply must not hold its memory forever.
const maxPooled = 256 << 10

var errReplyTooLarge = fmt.Errorf("the upstream's reply is larger than %d bytes", maxReply)

// buffer is reusable memory for a reply on its way through: read, translated and written before it goes back.
type buffer struct {
	b      []byte
	events []chat.Event // room for those of one frame
}

// leastPooled is the smallest buffer that is kept: a relay reads into the room that there is.
const leastPooled = 4 << 10

// bufferPool exists because a reply's bytes live only between reading and writing, in one goroutine; its memory is what
// most of a request's garbage would be.
var bufferPool = sync.Pool{New: func() any { return &buffer{b: make([]byte, 0, leastPooled)} }}

func getBuffer() *buffer {
	b := bufferPool.Get().(*buffer)
	b.b = b.b[:0]
	return b
}

func putBuffer(b *buffer) {
	if b == nil {
		return
	}
	clear(b.events[:cap(b.events)]) // they hold on to frames
	if n := cap(b.b); n >= leastPooled && n <= maxPooled {
		bufferPool.Put(b)
	}
}

// fill reads r to its end.
func (b *buffer) fill(r io.Reader) error {
	for {
		if len(b.b) == cap(b.b) {
			b.b = append(b.b, 0)[:len(b.b)]
		}
		n, err := r.Read(b.b[len(b.b):cap(b.b)])
		b.b = b.b[:len(b.b)+n]
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case len(b.b) > maxReply:
			return errReplyTooLarge
		}
	}
}
