package embed

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// Plan is a request in the words of one model: the calls that it takes. It is immutable, and safe for concurrent use.
type Plan struct {
	facts    model.Embedding
	base64   bool
	items    []json.Value // what is embedded, in order: texts, or values of the member named media
	media    string       // "": texts
	text     json.String  // beside the one medium
	size     int          // of the vectors; 0: the model's default, which is not named
	purpose  string       // a word of purposes; "": the model has none
	truncate string
	passed   []own // members that are passed on as they are
}

// media are the members by which each form of model takes something else than texts, and passed those that it takes beside
// them. Sources are those of model.EmbeddingOf.
var (
	media = map[model.EmbedForm][]string{
		model.TitanEmbedImage: {"inputImage"},
		model.NovaEmbed:       {"image", "audio", "video"},
		model.CohereEmbed3:    {"images"},
		model.CohereEmbed4:    {"images", "inputs"},
		model.MarengoEmbed3:   {"image", "text_image"},
	}
	passed = map[model.EmbedForm][]string{
		model.TitanEmbed2:  {"normalize"},
		model.CohereEmbed4: {"max_tokens"},
	}
)

// Plan returns the calls by which the model is asked for what r wants. Members that the model has no words for are dropped by
// x's rules. Errors are *chat.Error.
func (r *Request) Plan(f *model.Embedding, x *chat.Exchange) (*Plan, error) {
	p := &Plan{facts: *f, base64: r.Base64}
	if err := p.setSize(r.dimensions, x); err != nil {
		return nil, err
	}
	if err := p.setWords(r, x); err != nil {
		return nil, err
	}
	for i := range r.others {
		o := &r.others[i]
		switch {
		case slices.Contains(media[f.Form], o.name):
			if p.media != "" {
				return nil, chat.Invalid(o.name, "'%s' and '%s' exclude each other; send one of them", p.media, o.name)
			}
			if err := p.setMedia(o); err != nil {
				return nil, err
			}
		case slices.Contains(passed[f.Form], o.name):
			p.passed = append(p.passed, *o)
		default:
			if err := x.Drop(o.name); err != nil {
				return nil, err
			}
		}
	}
	return p, p.setTexts(r)
}

// setSize checks the number of dimensions against those that the model has.
func (p *Plan) setSize(asked int64, x *chat.Exchange) error {
	sizes := p.facts.Sizes
	switch {
	case asked == 0 || asked == int64(sizes[0]):
	case !slices.Contains(sizes, int(asked)):
		list := make([]string, len(sizes))
		for i, n := range sizes {
			list[i] = strconv.Itoa(n)
		}
		return chat.Invalid("dimensions", "the model '%s' has no vectors of %d dimensions; it has %s", x.Model, asked, strings.Join(list, ", "))
	default:
		p.size = int(asked)
	}
	return nil
}

// setWords sets purpose and truncation where the model has them: the request's, else the configuration's.
func (p *Plan) setWords(r *Request, x *chat.Exchange) error {
	switch form := p.facts.Form; {
	case form == model.NovaEmbed || form == model.CohereEmbed3 || form == model.CohereEmbed4:
		if p.purpose = r.purpose.value; p.purpose == "" {
			p.purpose = purposeOf(p.facts.InputType)
		}
	case r.purpose.member != "":
		if err := x.Drop(r.purpose.member); err != nil {
			return err
		}
	}
	switch form := p.facts.Form; {
	case form == model.NovaEmbed || form == model.CohereEmbed4 || p.facts.Chars > 0:
		if p.truncate = r.truncate.value; p.truncate == "" {
			p.truncate = truncations[p.facts.Truncate]
		}
	case r.truncate.member != "":
		return x.Drop(r.truncate.member)
	}
	return nil
}

// setMedia takes what is to be embedded from a member of the model's own.
func (p *Plan) setMedia(o *own) error {
	p.media = o.name
	switch o.name {
	case "images", "inputs":
		rd := json.NewReader(o.value)
		for rd.Array(); rd.Element(); {
			if len(p.items) == MaxInputs {
				return chat.Invalid(o.name, "'%s' has more than %d entries, the most of one request", o.name, MaxInputs)
			}
			p.items = append(p.items, rd.Value())
		}
		if rd.End() != nil || len(p.items) == 0 {
			return chat.Invalid(o.name, "'%s' must be a list with at least one entry", o.name)
		}
	case "inputImage":
		if o.value[0] != '"' {
			return chat.Invalid(o.name, "'inputImage' must be an image in base64")
		}
		p.items = []json.Value{o.value}
	default:
		if o.value[0] != '{' {
			return chat.Invalid(o.name, "'%s' must be an object, as the model has it", o.name)
		}
		p.items = []json.Value{o.value}
	}
	return nil
}

// setTexts takes the request's texts, and cuts those that are too long if it may.
func (p *Plan) setTexts(r *Request) error {
	switch {
	case p.media == "inputImage" && len(r.Texts) == 1:
		p.text = r.Texts[0] // both together have one vector
		return nil
	case p.media != "" && len(r.Texts) > 0:
		return chat.Invalid("input", "'input' and '%s' exclude each other; send one of them", p.media)
	case p.media != "":
		return nil
	case len(r.Texts) == 0:
		return chat.Invalid("input", "'input' is missing or empty; set it to a text or a list of texts")
	}
	p.items = make([]json.Value, len(r.Texts))
	for i, text := range r.Texts {
		fitting, err := p.fit(text)
		if err != nil {
			if r.Listed {
				err.Message = indexed(i) + ": " + err.Message
			}
			return err
		}
		p.items[i] = json.Value(fitting)
	}
	return nil
}

// fit returns the text within the model's bound on characters.
func (p *Plan) fit(text json.String) (json.String, *chat.Error) {
	limit := p.facts.Chars
	if limit == 0 || len(text)-2 <= limit {
		return text, nil // no character takes less than a byte
	}
	said := text.Unquote()
	n := utf8.RuneCountInString(said)
	if n <= limit {
		return text, nil
	}
	switch p.truncate {
	case truncateEnd:
		return json.Quote(said[:runeAt(said, limit)]), nil
	case truncateStart:
		return json.Quote(said[runeAt(said, n-limit):]), nil
	}
	e := chat.Invalid("input", "the text has %d characters, and the model takes %d; shorten it, or send \"truncate\": \"end\" to have it cut", n, limit)
	e.Code = "context_length_exceeded"
	return nil, e
}

// runeAt returns the offset of the nth character.
func runeAt(s string, n int) int {
	for i := range s {
		if n == 0 {
			return i
		}
		n--
	}
	return len(s)
}

// Vectors is how many vectors the answer has.
func (p *Plan) Vectors() int { return len(p.items) }

// VectorSize returns about how many bytes a vector takes in the answer.
func (p *Plan) VectorSize() int {
	n := p.dimensions()
	if p.base64 {
		return n * 16 / 3
	}
	return n * 12 // a number with its comma, as the models write them
}

// dimensions is how many numbers a vector has.
func (p *Plan) dimensions() int { return cmp.Or(p.size, p.facts.Sizes[0]) }

// batch is how many items one call takes.
func (p *Plan) batch() int {
	if p.media == "" {
		return p.facts.Texts
	}
	return p.facts.Images
}

// Calls is how many calls the request takes.
func (p *Plan) Calls() int { return (len(p.items) + p.batch() - 1) / p.batch() }

// Span returns which of the vectors the ith call is for.
func (p *Plan) Span(i int) (from, to int) {
	return i * p.batch(), min((i+1)*p.batch(), len(p.items))
}

// Place names what the ith call is for, as errors do; "" where the request has one item alone.
func (p *Plan) Place(i int) string {
	name := p.media
	if name == "" {
		name = "input"
	}
	switch from, to := p.Span(i); {
	case len(p.items) == 1:
		return ""
	case to-from == 1:
		return fmt.Sprintf("%s[%d]", name, from)
	default:
		return fmt.Sprintf("%s[%d] to [%d]", name, from, to-1)
	}
}
