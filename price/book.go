package price

import (
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/internal/kept"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/translate/model"
)

// Book finds the price of a model: the configuration's own, else the price file's. It is safe for concurrent use, and finding
// a price takes no lock and allocates nothing. A nil Book has no prices.
type Book struct {
	own  []own
	file *file // nil: none
	none list  // in place of the file's
}

type own struct {
	match func(modelID string) bool
	price *Price
}

// Of returns the price of a model by its upstream's id: by that id as it is, then without what an ARN has around it, without
// its region, without its version; nil if there is none.
func (b *Book) Of(modelID string) *Price {
	if b == nil || modelID == "" {
		return nil
	}
	l := &b.none
	if b.file != nil {
		l = b.file.list()
	}
	p := l.found.Get(modelID)
	if p == nil {
		if p = b.find(modelID, l); p == nil {
			p = &unpriced
		}
		l.found.Add(modelID, maxFound, func() *Price { return p })
	}
	if p == &unpriced {
		return nil
	}
	return p
}

// unpriced stands for a model that was looked for and has no price.
var unpriced Price

// maxFound bounds the models of which it is remembered what was found.
const maxFound = 1024

// find looks for the price of a model.
func (b *Book) find(modelID string, l *list) *Price {
	forms := formsOf(modelID)
	for _, id := range forms {
		for i := range b.own {
			if b.own[i].match(id) {
				return b.own[i].price
			}
		}
	}
	for _, id := range forms {
		if p := l.prices[id]; p != nil {
			return p
		}
	}
	// An id without a version, as bedrock-mantle has them, stands for the one model that the file has with a version.
	if plain := model.WithoutGeography(model.Resource(modelID)); withoutVersion(plain) == plain {
		return l.versioned[plain]
	}
	return nil
}

// Cost returns what a call to the model costs, as Price.Cost does; false where the model has no price.
func (b *Book) Cost(modelID string, u *chat.Usage, serviceTier string) (Amount, bool) {
	if b == nil || !u.Known {
		return 0, false
	}
	return b.Of(modelID).Cost(u, serviceTier)
}

// formsOf returns the names under which a model's price may stand, the most exact first and each once.
func formsOf(id string) []string {
	forms := []string{id}
	for _, shorten := range [...]func(string) string{model.Resource, model.WithoutGeography, withoutVersion} {
		if short := shorten(id); short != id {
			forms = append(forms, short)
			id = short
		}
	}
	return forms
}

// withoutVersion returns a model's id without its version, -v1:0 of Bedrock's, and a fine-tuned model's without what it was
// tuned by: ft:gpt-4o of ft:gpt-4o:acme::x.
func withoutVersion(id string) string {
	if rest, ok := strings.CutPrefix(id, "ft:"); ok {
		base, _, _ := strings.Cut(rest, ":")
		return id[:len("ft:")+len(base)]
	}
	id, _, _ = strings.Cut(id, ":")
	i := len(id)
	for i > 0 && id[i-1] >= '0' && id[i-1] <= '9' {
		i--
	}
	if i < len(id) && strings.HasSuffix(id[:i], "-v") {
		return id[:i-len("-v")]
	}
	return id
}

// list is the content of a price file.
type list struct {
	prices map[string]*Price
	// versioned has those of models without region by their ids without version, where one alone has that id.
	versioned map[string]*Price
	// found remembers the prices of models that were looked for, the configuration's own included.
	found kept.Map[string, Price]
}

func newList(prices map[string]*Price) *list {
	l := &list{prices: prices, versioned: map[string]*Price{}}
	for id, p := range prices {
		short := withoutVersion(id)
		if short == id || model.WithoutGeography(id) != id || strings.Contains(id, "/") {
			continue
		}
		if _, other := l.versioned[short]; other {
			p = nil
		}
		l.versioned[short] = p
	}
	return l
}
