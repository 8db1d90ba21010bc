package directive

import "github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

// Words are the sub-directives of a block, by name.
type Words map[string]Word

// Word is a sub-directive.
type Word struct {
	// Read is called with the dispenser on the word itself, and leaves it on the last token of the word's arguments and
	// block.
	Read func(d *caddyfile.Dispenser) error
	// Repeats allows the word more than once in a block.
	Repeats bool
}

// Block reads the block that follows the current line, if one does, and returns the words that were in it.
func (w Words) Block(d *caddyfile.Dispenser) (Seen, error) {
	seen := make(Seen)
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		word, ok := w[d.Val()]
		if !ok {
			return seen, Unknown(d)
		}
		if word.Repeats {
			seen[d.Val()] = true
		} else if err := seen.Once(d); err != nil {
			return seen, err
		}
		if err := word.Read(d); err != nil {
			return seen, err
		}
	}
	return seen, nil
}

// Flag returns the word that sets *dst and takes no argument.
func Flag(dst *bool) Word {
	return Word{Read: func(d *caddyfile.Dispenser) error {
		*dst = true
		return None(d)
	}}
}

// Off returns the word whose only argument is "off", which sets *dst. It is for features that are on by default.
func Off(dst *bool) Word {
	return Word{Read: func(d *caddyfile.Dispenser) error {
		_, err := OneOf(d, "off")
		*dst = err == nil
		return err
	}}
}

// Text returns the word that reads one argument into *dst.
func Text(dst *string) Word {
	return Word{Read: func(d *caddyfile.Dispenser) error { return Set(d, dst) }}
}

// Choice returns the word that reads one of the given words into *dst.
func Choice(dst *string, words ...string) Word {
	return Word{Read: func(d *caddyfile.Dispenser) (err error) {
		*dst, err = OneOf(d, words...)
		return err
	}}
}

// Bytes returns the word that reads a size, as Size does, into *dst.
func Bytes(dst *int64) Word {
	return Word{Read: func(d *caddyfile.Dispenser) (err error) {
		*dst, err = Size(d)
		return err
	}}
}

// Number returns the word that reads a whole number of at least low into *dst.
func Number(dst *int, low int) Word {
	return Word{Read: func(d *caddyfile.Dispenser) (err error) {
		*dst, err = Int(d, low)
		return err
	}}
}
