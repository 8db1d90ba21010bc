package main

import (
	"bytes"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	// slowInterval is how far the events of a slow stream are apart.
	slowInterval = time.Second
	// stampMark stands before the time in an event's text, and nowhere else in a stream.
	stampMark = '@'
	// stampDigits is how long a time is: nanoseconds since 1970, until the year 2286.
	stampDigits = 19
)

// slowEvents are the events of a stream in one form. The text of each is the time at which it was sent.
type slowEvents struct {
	contentType string
	first       string
	next        func(stamp string) string
}

// The forms, by name.
const (
	formFrames = "frames"
	formSSE    = "sse"
)

func eventsOf(form string) slowEvents {
	if form == formFrames {
		return slowEvents{typeFrames, converseStream(0)[0], func(stamp string) string {
			return frame("contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"`+stamp+`"},"p":"abcdefghijklmnopqrstuvwxyz"}`)
		}}
	}
	return slowEvents{typeSSE, openaiStream(0)[0], func(stamp string) string {
		return `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"` + stamp +
			`"},"logprobs":null,"finish_reason":null}]}` + "\n\n"
	}}
}

// stamp is the time as events bear it.
func stamp() string { return string(stampMark) + strconv.FormatInt(time.Now().UnixNano(), 10) }

// pumped counts the streams of this process.
var pumped atomic.Int64

// pump sends a stream's first event and then one each second, until sending fails. However streams begin, their events are spread
// evenly over the second: each is the golden section of it later than that of the stream before.
func pump(send func(stamped bool) error) {
	const golden = 618_033_989
	phase := time.Duration(pumped.Add(1)*golden) % slowInterval
	if send(false) != nil {
		return
	}
	for next := time.Now().Truncate(slowInterval).Add(slowInterval + phase); ; next = next.Add(slowInterval) {
		time.Sleep(time.Until(next))
		if send(true) != nil {
			return
		}
	}
}

// delays counts the events that arrived by how long they were under way. Its methods are not safe for concurrent use but add,
// which several may call at once.
type delays struct {
	steps [200_000]atomic.Int64
	on    atomic.Bool
}

// delayStep is how exact a delay is kept; what took longer than all steps counts as the last.
const delayStep = 5 * time.Microsecond

// scan adds the events of which stamps are in b, which arrived now.
func (d *delays) scan(b []byte) {
	if !d.on.Load() {
		return
	}
	now := time.Now().UnixNano()
	for {
		i := bytes.IndexByte(b, stampMark)
		if i < 0 || len(b) < i+1+stampDigits {
			return
		}
		b = b[i+1:]
		if sent, err := strconv.ParseInt(string(b[:stampDigits]), 10, 64); err == nil {
			step := max(0, (now-sent)/int64(delayStep))
			d.steps[min(step, int64(len(d.steps)-1))].Add(1)
		}
	}
}

// slowResult is what the streams' client measured.
type slowResult struct {
	Events      int64
	Median, P99 time.Duration
}

func (d *delays) result() slowResult {
	var r slowResult
	for i := range d.steps {
		r.Events += d.steps[i].Load()
	}
	var seen int64
	for i := range d.steps {
		seen += d.steps[i].Load()
		delay := time.Duration(i+1) * delayStep
		if r.Median == 0 && seen*2 >= r.Events {
			r.Median = delay
		}
		if seen*100 >= r.Events*99 {
			r.P99 = delay
			break
		}
	}
	return r
}
