package price

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/open-bedrock/caddy-bedrock-gateway/translate/chat"
	"github.com/open-bedrock/caddy-bedrock-gateway/wire/json"
)

// The form of a price file is that of LiteLLM's public model_prices_and_context_window.json: an object of models, each with
// its prices for a token. Which members count and what they mean follows litellm_core_utils/llm_cost_calc/utils.py of PyPI
// litellm 1.110.2.

// costs are the members that have a price. Behind them may stand for what it holds: _above_1hr for a cache that is kept for an
// hour, _above_200k_tokens for longer prompts, _priority or _flex for a service tier. Others, such as _batches, are for calls
// that the gateway does not make.
var costs = []struct {
	name string
	kind
}{
	{"input_cost_per_token", input},
	{"output_cost_per_token", output},
	{"output_cost_per_reasoning_token", reasoning},
	{"cache_read_input_token_cost", cacheRead},
	{"cache_creation_input_token_cost", cacheWrite},
}

// sample is the entry that describes the others.
const sample = "sample_spec"

// serviceTiers are the tiers that have prices of their own.
var serviceTiers = []string{"priority", "flex"}

// member is what a price's name means.
type member struct {
	kind
	above int64 // 0 for any prompt
	tier  string
}

// memberOf reads a price's name; false if it is none that counts.
func memberOf(name string) (m member, ok bool) {
	rest := ""
	for _, c := range costs {
		if rest, ok = strings.CutPrefix(name, c.name); ok {
			m.kind = c.kind
			break
		}
	}
	for ok && rest != "" {
		if after, is := strings.CutPrefix(rest, "_above_1hr"); is && m.kind == cacheWrite {
			m.kind, rest = cacheHour, after
			continue
		}
		if after, is := strings.CutPrefix(rest, "_above_"); is && m.above == 0 {
			var count string
			if count, rest, ok = strings.Cut(after, "_tokens"); ok {
				m.above, ok = threshold(count)
			}
			continue
		}
		before := rest
		for _, tier := range serviceTiers {
			if after, is := strings.CutPrefix(rest, "_"+tier); is && m.tier == "" {
				m.tier, rest = tier, after
			}
		}
		ok = rest != before
	}
	return m, ok
}

// threshold reads 200k or 128000.
func threshold(s string) (int64, bool) {
	digits, thousands := strings.CutSuffix(s, "k")
	n, err := strconv.ParseInt(digits, 10, 32)
	if thousands {
		n *= 1000
	}
	return n, err == nil && n > 0
}

// parse reads a price file. It is read whole or not at all: a price that cannot be read is an error.
func parse(data []byte) (map[string]*Price, error) {
	prices := map[string]*Price{}
	r := json.NewReader(data)
	if r.Kind() != json.Object {
		return nil, errors.New("it is no JSON object of models")
	}
	for r.Object(); r.Member(); {
		id := string(r.Key())
		if id == sample || r.Kind() != json.Object {
			r.Skip()
			continue
		}
		p, err := parseModel(r)
		if err != nil {
			return nil, fmt.Errorf("the model '%s': %w", chat.Clip(id), err)
		}
		if p != nil {
			prices[id] = p
		}
	}
	if err := r.End(); err != nil {
		return nil, err
	}
	if len(prices) == 0 {
		return nil, errors.New("it has no model with a price for tokens")
	}
	return prices, nil
}

// parseModel reads a model's prices; nil if none of them is for tokens.
func parseModel(r *json.Reader) (*Price, error) {
	given := map[string]map[int64]rates{} // by tier and threshold
	for r.Object(); r.Member(); {
		name := string(r.Key())
		m, ok := memberOf(name)
		if !ok || r.Kind() == json.Null {
			r.Skip()
			continue
		}
		text := ""
		if r.Kind() == json.Text { // a hand-written 1e-6 may be in quotes
			text = r.Text()
		} else {
			text = string(r.Number())
		}
		if err := r.Err(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		f, err := strconv.ParseFloat(text, 64)
		price, ok := perToken(f)
		if err != nil || !ok {
			return nil, fmt.Errorf("%s: '%s' is no price", name, chat.Clip(text))
		}
		if given[m.tier] == nil {
			given[m.tier] = map[int64]rates{}
		}
		at, ok := given[m.tier][m.above]
		if !ok {
			at = noRates()
		}
		at[m.kind] = price
		given[m.tier][m.above] = at
	}
	if r.Err() != nil || len(given[""]) == 0 {
		return nil, r.Err()
	}
	p := newPrice(given[""], given[""])
	for _, tier := range serviceTiers {
		if own := given[tier]; own != nil {
			if p.tiers == nil {
				p.tiers = map[string]*Price{}
			}
			p.tiers[tier] = newPrice(own, given[""])
		}
	}
	return p, nil
}

// newPrice returns the price of a tier's own rates by threshold. What it lacks at a threshold is the standard tier's there,
// else that of shorter prompts.
func newPrice(own, standard map[int64]rates) *Price {
	at := func(tokens int64) rates {
		r, ok := own[tokens]
		if !ok {
			r = noRates()
		}
		if s, ok := standard[tokens]; ok {
			r = r.over(s)
		}
		return r
	}
	p := &Price{rates: at(0)}
	var thresholds []int64
	for _, m := range []map[int64]rates{own, standard} {
		for t := range m {
			if t > 0 && !slices.Contains(thresholds, t) {
				thresholds = append(thresholds, t)
			}
		}
	}
	slices.Sort(thresholds)
	shorter := p.rates
	for _, t := range thresholds {
		shorter = at(t).over(shorter)
		p.above = append(p.above, above{t, shorter})
	}
	return p
}
