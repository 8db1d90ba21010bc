package pdf

import (
	"bytes"
	"fmt"
	"math"
	"slices"

	"github.com/open-bedrock/caddy-bedrock-gateway/files/extract/budget"
)

// file is a PDF whose objects have been found.
type file struct {
	budget  *budget.Budget
	data    []byte
	objects map[int]place
	streams map[int][]byte // decoded object streams, held until the end
	parsed  map[int]object // objects that were read before, as far as maxParsed allows
	kept    int            // bytes that parsed takes
	root    dict           // the trailer that names the catalog
	crypt   *crypt
	catalog int // the last object that calls itself the catalog
}

// place is where an object is: at an offset in the file or, with in set, in an object stream's decoded bytes. Files are
// far below 2 GiB, and there may be many objects.
type place struct {
	offset int32
	in     int32
	// found is where in the file it was defined; of several definitions the last one counts (7.5.6).
	found      int32
	generation uint32
}

// object is an object that was parsed, and where it ended.
type object struct {
	v   any
	end int
}

const (
	// placeSize is what the place of an object takes in a map, in bytes, the map's growth included.
	placeSize = 64
	// maxParsed bounds what is kept of objects for the next reference to them, in bytes: fonts and resources are looked
	// up on every page.
	maxParsed = 6 << 20
)

// note remembers where an object is.
func (f *file) note(num int, at place) error {
	if _, ok := f.objects[num]; !ok {
		if len(f.objects) == maxObjects {
			return fmt.Errorf("%w: more than %d objects", ErrLimit, maxObjects)
		}
		if err := f.budget.Hold(placeSize); err != nil {
			return err
		}
	}
	f.objects[num] = at
	return nil
}

// load finds all objects by going through the bytes once.
func (f *file) load() error {
	f.objects = make(map[int]place)
	f.streams = make(map[int][]byte)
	f.parsed = make(map[int]object)
	// What the words looked for cost: two passes that compare little.
	if err := f.budget.Step(len(f.data) / 8); err != nil {
		return err
	}
	var containers []int
	streamsEnd := false
	for pos := 0; ; {
		i := bytes.Index(f.data[pos:], []byte("obj"))
		if i < 0 {
			break
		}
		at := pos + i
		pos = at + len("obj")
		num, generation, ok := numberBefore(f.data, at)
		if !ok {
			continue
		}
		if err := f.note(num, place{offset: int32(pos), generation: uint32(generation), found: int32(at)}); err != nil { //nolint:gosec // within a file
			return err
		}
		p := parser{b: f.data, pos: pos, refs: true, budget: f.budget}
		v, _ := p.object()
		if err := f.budget.Err(); err != nil {
			return err
		}
		pos = p.pos
		d, ok := v.(dict)
		if !ok {
			continue
		}
		switch d["Type"] {
		case name("ObjStm"):
			containers = append(containers, num)
		case name("XRef"):
			f.trailer(d)
		case name("Catalog"):
			f.catalog = num
		}
		// What stands in a stream is not the file's own: an embedded PDF, or chance.
		if start, ok := streamStart(f.data, pos); ok && !streamsEnd {
			end := f.streamEnd(d, start)
			if streamsEnd = end < 0; !streamsEnd {
				pos = end
			}
		}
	}
	for pos := 0; ; {
		i := bytes.Index(f.data[pos:], []byte("trailer"))
		if i < 0 {
			break
		}
		p := parser{b: f.data, pos: pos + i + len("trailer"), refs: true, budget: f.budget}
		if v, ok := p.object(); ok {
			if d, ok := v.(dict); ok {
				f.trailer(d)
			}
		}
		// A dict without an end reaches to the file's; the next would too.
		if pos = p.pos; pos >= len(f.data) {
			break
		}
	}
	if encrypt := f.root["Encrypt"]; encrypt != nil {
		var first string
		if id := f.array(f.root["ID"]); len(id) > 0 {
			s, _ := f.get(id[0]).(str)
			first = string(s)
		}
		var ok bool
		if f.crypt, ok = f.unlock(f.dict(encrypt), first); !ok {
			return ErrEncrypted
		}
	}
	for _, num := range containers {
		if err := f.loadContainer(num); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) trailer(d dict) {
	if d["Root"] == nil {
		return
	}
	// A later trailer may leave out what an earlier one said.
	for _, key := range []name{"Encrypt", "ID"} {
		if d[key] == nil && f.root[key] != nil {
			d[key] = f.root[key]
		}
	}
	f.root = d
}

// numberBefore reads "12 0 ", an object's number and generation, backwards from the word obj.
func numberBefore(b []byte, at int) (num, generation int, ok bool) {
	i := at
	back := func(is func(byte) bool, most int) int {
		n := 0
		for i > 0 && n < most && is(b[i-1]) {
			i--
			n++
		}
		return n
	}
	digit := func(c byte) bool { return c >= '0' && c <= '9' }
	back(isSpace, 8)
	value := func(most int) (n int, ok bool) {
		end := i
		if back(digit, most) == 0 {
			return 0, false
		}
		for _, c := range b[i:end] {
			n = n*10 + int(c-'0')
		}
		return n, true
	}
	if generation, ok = value(5); !ok || back(isSpace, 8) == 0 {
		return 0, 0, false
	}
	num, ok = value(9)
	return num, generation, ok
}

// streamStart is where a stream's bytes begin if one follows the dict that ends at pos (7.3.8.1).
func streamStart(b []byte, pos int) (int, bool) {
	for pos < len(b) && isSpace(b[pos]) {
		pos++
	}
	if !bytes.HasPrefix(b[pos:], []byte("stream")) {
		return 0, false
	}
	pos += len("stream")
	if pos < len(b) && b[pos] == '\r' {
		pos++
	}
	if pos < len(b) && b[pos] == '\n' {
		pos++
	}
	return pos, true
}

// streamEnd is where the bytes from start on end: by their length if the word endstream stands there, else at the next
// such word. -1: there is none any more.
func (f *file) streamEnd(d dict, start int) int {
	if n, ok := d["Length"].(float64); ok && n >= 0 && n <= float64(len(f.data)-start) {
		end := start + int(n)
		if bytes.HasPrefix(bytes.TrimLeft(f.data[end:min(len(f.data), end+16)], "\r\n \t\x00"), []byte("endstream")) {
			return end
		}
	}
	i := bytes.Index(f.data[start:], []byte("endstream"))
	if i < 0 {
		return -1
	}
	return start + i
}

// loadContainer notes the objects in an object stream (7.5.7).
func (f *file) loadContainer(num int) error {
	at := f.objects[num]
	d, b, err := f.stream(ref{num})
	if err != nil || d == nil {
		return err
	}
	first, count := toInt(f.get(d["First"])), toInt(f.get(d["N"]))
	if first <= 0 || first > len(b) {
		f.budget.Release(len(b))
		return nil
	}
	f.streams[num] = b // and stays held
	p := parser{b: b[:first], budget: f.budget}
	for range min(count, first/2) {
		n, ok1 := p.object()
		offset, ok2 := p.object()
		if !ok1 || !ok2 {
			break
		}
		id, o := toInt(n), toInt(offset)
		if id <= 0 || o < 0 || first+o >= len(b) {
			continue
		}
		if old, ok := f.objects[id]; ok && old.found > at.found {
			continue
		}
		if err := f.note(id, place{offset: int32(first + o), in: int32(num), found: at.found}); err != nil { //nolint:gosec // toInt bounds them
			return err
		}
	}
	return nil
}

// toInt is a number as an int; what is none, or out of all reason, is -1.
func toInt(v any) int {
	n, ok := v.(float64)
	if !ok || math.Abs(n) > 1<<30 {
		return -1
	}
	return int(n)
}

// get follows references; one that leads nowhere, or in circles, is nil.
func (f *file) get(v any) any {
	for range 16 {
		r, ok := v.(ref)
		if !ok {
			return v
		}
		v, _ = f.read(r.num)
	}
	return nil
}

func (f *file) dict(v any) dict {
	d, _ := f.get(v).(dict)
	return d
}

func (f *file) array(v any) array {
	a, _ := f.get(v).(array)
	return a
}

// read parses an object, and returns where it ended. What it returns may be shared: it is never changed.
func (f *file) read(num int) (any, int) {
	if o, ok := f.parsed[num]; ok {
		return o.v, o.end
	}
	at, ok := f.objects[num]
	if !ok {
		return nil, 0
	}
	b := f.data
	if at.in != 0 {
		b = f.streams[int(at.in)]
	}
	p := parser{b: b, pos: int(at.offset), refs: true, budget: f.budget}
	v, _ := p.object()
	if _, ok := v.(operator); ok {
		v, p.pos = nil, 0
	}
	if size := p.memory + placeSize; f.kept+size <= maxParsed && f.budget.Hold(size) == nil {
		f.kept += size
		f.parsed[num] = object{v, p.pos}
	}
	return v, p.pos
}

// stream is a stream's dict and its decoded bytes, which are held: release them. What is not a stream, or cannot be
// decoded, is nil; the error is that of a limit.
func (f *file) stream(v any) (dict, []byte, error) {
	var num int
	for range 16 {
		r, ok := v.(ref)
		if !ok {
			break
		}
		num = r.num
		v, _ = f.read(num)
	}
	d, ok := v.(dict)
	if !ok || num == 0 || f.objects[num].in != 0 {
		return nil, nil, f.budget.Err()
	}
	_, end := f.read(num)
	start, ok := streamStart(f.data, end)
	if !ok {
		return nil, nil, f.budget.Err()
	}
	sized := dict{"Length": f.get(d["Length"])}
	stop := f.streamEnd(sized, start)
	if stop < 0 {
		stop = len(f.data)
	}
	raw := f.data[start:stop]
	if err := f.budget.Step(len(raw)/8 + streamSteps); err != nil {
		return nil, nil, err
	}
	held := 0
	if f.crypt != nil && d["Type"] != name("XRef") {
		held = len(raw)
		if err := f.budget.Hold(held); err != nil {
			return nil, nil, err
		}
		if err := f.budget.Step(len(raw)); err != nil {
			return nil, nil, err
		}
		raw = f.crypt.decrypt(raw, num, int(f.objects[num].generation))
	}
	b, err := f.decode(d, raw)
	f.budget.Release(held)
	return d, b, err
}

// streamSteps is what a stream costs besides its bytes: the tables of its decoder.
const streamSteps = 4096

// page is a page of the page tree with what it inherits.
type page struct {
	contents  any
	resources dict
}

const (
	// maxNodes bounds the nodes of the page tree that wait to be looked at.
	maxNodes = 1 << 16
	// pageSteps is what a node of the page tree costs besides its object.
	pageSteps = 64
)

// pages walks the page tree (7.7.3) without recursion.
func (f *file) pages() ([]page, error) {
	type node struct {
		v         any
		resources dict
	}
	catalog := f.dict(f.root["Root"])
	if catalog["Pages"] == nil && f.catalog != 0 {
		catalog = f.dict(ref{f.catalog})
	}
	stack := []node{{v: catalog["Pages"]}}
	seen := make(map[int]bool)
	var pages []page
	for len(stack) > 0 && len(pages) < maxPages {
		if err := f.budget.Step(pageSteps); err != nil {
			return nil, err
		}
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if r, ok := n.v.(ref); ok {
			if seen[r.num] {
				continue
			}
			seen[r.num] = true
		}
		d := f.dict(n.v)
		if d == nil {
			continue
		}
		if r := f.dict(d["Resources"]); r != nil {
			n.resources = r
		}
		kids := f.array(d["Kids"])
		if kids == nil {
			if d["Contents"] != nil || d["Type"] == name("Page") {
				pages = append(pages, page{d["Contents"], n.resources})
			}
			continue
		}
		if len(stack)+len(kids) > maxNodes {
			return nil, fmt.Errorf("%w: a page tree of more than %d nodes", ErrLimit, maxNodes)
		}
		for _, kid := range slices.Backward(kids) {
			// A node that is not a reference could be seen any number of times.
			if _, ok := kid.(ref); ok {
				stack = append(stack, node{kid, n.resources})
			}
		}
	}
	return pages, nil
}
