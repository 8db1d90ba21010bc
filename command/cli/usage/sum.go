package usage

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxLine bounds a line of a log, in bytes. A call's is below a kilobyte.
const maxLine = 1 << 20

// maxGroups bounds what is summed by, in groups.
const maxGroups = 1_000_000

// sums are the calls of all files, by their groups.
type sums struct {
	by    []string
	since time.Time

	groups         map[string]*sum
	total          sum
	lines, foreign int64 // lines of calls, those before since included, and others
}

// sum is what the calls of a group used.
type sum struct {
	Calls      int64 `json:"calls"`
	Failed     int64 `json:"failed"`
	Input      int64 `json:"input_tokens"`
	Output     int64 `json:"output_tokens"`
	CacheRead  int64 `json:"cache_read_tokens"`
	CacheWrite int64 `json:"cache_write_tokens"`
	Unpriced   int64 `json:"calls_without_price"`

	key    []string
	cost   big.Rat
	priced bool
}

// dollars returns the cost, exact to a billionth of a cent: prices are whole millionths of a dollar for a million tokens.
func (g *sum) dollars() string {
	text := strings.TrimRight(g.cost.FloatString(12), "0")
	if i := strings.IndexByte(text, '.'); len(text)-i <= 2 {
		text += strings.Repeat("0", 3-len(text)+i) // cents, at least
	}
	return text
}

// call is a line of a usage log: what package usage of the gateway writes, with the time that Caddy's logger adds.
type call struct {
	Time       json.RawMessage `json:"ts"`
	User       *string         `json:"user_id"`
	Model      *string         `json:"model"`
	Attempts   *int            `json:"attempts"`
	Status     int             `json:"status"`
	Cause      string          `json:"cause"`
	Input      int64           `json:"input_tokens"`
	Output     int64           `json:"output_tokens"`
	CacheRead  int64           `json:"cache_read_tokens"`
	CacheWrite int64           `json:"cache_write_tokens"`
	Cost       *json.Number    `json:"cost"`
}

// read adds a log, which may be compressed.
func (s *sums) read(in io.Reader) error {
	r := bufio.NewReaderSize(in, 64<<10)
	if magic, err := r.Peek(2); err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(r)
		if err != nil {
			return err
		}
		r = bufio.NewReaderSize(z, 64<<10)
	}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		if err := s.add(lines.Bytes()); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	return lines.Err()
}

func (s *sums) add(line []byte) error {
	var c call
	if json.Unmarshal(line, &c) != nil || c.User == nil || c.Model == nil || c.Attempts == nil {
		s.foreign++
		return nil
	}
	s.lines++
	var at time.Time
	if !s.since.IsZero() || slices.Contains(s.by, "day") {
		var err error
		if at, err = parseTime(c.Time); err != nil {
			return err
		}
		if at.Before(s.since) {
			return nil
		}
	}
	cost, err := c.cost()
	if err != nil {
		return err
	}
	key := make([]string, len(s.by))
	for i, b := range s.by {
		switch b {
		case "user":
			key[i] = *c.User
		case "model":
			key[i] = *c.Model
		case "day":
			key[i] = at.UTC().Format(time.DateOnly)
		}
	}
	name := strings.Join(key, "\x00")
	g := s.groups[name]
	if g == nil {
		if len(s.groups) >= maxGroups {
			return fmt.Errorf("more than %d groups", maxGroups)
		}
		g = &sum{key: key}
		s.groups[name] = g
	}
	for _, g := range []*sum{g, &s.total} {
		g.Calls++
		if c.Cause != "" || c.Status >= 400 {
			g.Failed++
		}
		g.Input += c.Input
		g.Output += c.Output
		g.CacheRead += c.CacheRead
		g.CacheWrite += c.CacheWrite
		if cost == nil {
			g.Unpriced++
			continue
		}
		g.priced = true
		g.cost.Add(&g.cost, cost)
	}
	return nil
}

// cost returns the call's cost in dollars; nil if it has none.
func (c *call) cost() (*big.Rat, error) {
	if c.Cost == nil {
		return nil, nil //nolint:nilnil // no cost is no error
	}
	// Bounded before it is read exactly: an exponent can make a number of any size.
	f, err := c.Cost.Float64()
	if err != nil || math.Abs(f) > 1e12 || len(*c.Cost) > 64 {
		return nil, fmt.Errorf("the cost %.64s is none", c.Cost.String())
	}
	cost := new(big.Rat)
	if math.Abs(f) < 1e-15 {
		return cost, nil
	}
	if _, ok := cost.SetString(c.Cost.String()); !ok {
		return nil, fmt.Errorf("the cost %.64s is none", c.Cost.String())
	}
	return cost, nil
}

// layouts are the forms of times that Caddy's encoders write as text.
var layouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.000Z0700", "2006/01/02 15:04:05.000", "2006/01/02 15:04:05", time.RFC1123Z,
	"02/Jan/2006:15:04:05 -0700",
}

// parseTime reads the time of a line: seconds, or milliseconds or nanoseconds, or a text.
func parseTime(raw json.RawMessage) (time.Time, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		for _, layout := range layouts {
			if t, err := time.Parse(layout, text); err == nil {
				return t, nil
			}
		}
		return time.Time{}, fmt.Errorf("the time %.64q is in a form that is not known; use time_format rfc3339_nano", text)
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case err != nil:
		return time.Time{}, errors.New("the line has no time 'ts'")
	case n > 1e17:
		return time.Unix(0, int64(min(n, math.MaxInt64/2))), nil
	case n > 1e11:
		return time.UnixMilli(int64(n)), nil
	}
	seconds, fraction := math.Modf(n)
	return time.Unix(int64(seconds), int64(fraction*1e9)), nil
}

// sorted returns the groups: by day in order of time, else the dearest first, then those that used most.
func (s *sums) sorted() []*sum {
	day := slices.Index(s.by, "day")
	return slices.SortedFunc(maps.Values(s.groups), func(a, b *sum) int {
		if day >= 0 {
			if d := strings.Compare(a.key[day], b.key[day]); d != 0 {
				return d
			}
		}
		if d := b.cost.Cmp(&a.cost); d != 0 {
			return d
		}
		if d := (b.Input + b.Output) - (a.Input + a.Output); d != 0 {
			return int(max(-1, min(1, d)))
		}
		return slices.Compare(a.key, b.key)
	})
}
