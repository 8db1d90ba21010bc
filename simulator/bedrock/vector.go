package bedrock

import (
	"fmt"
	"hash/fnv"
	"math"
	"sort"
	"strings"
	"unicode"
)

// words are the text's words in small letters, each cut to its first five, so that forms of a word are one.
func words(text string) []string {
	list := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range list {
		list[i] = short(w, 5)
	}
	return list
}

// weight is how much a word says: short ones stand in every text.
func weight(word string) float64 {
	if len(word) < 4 {
		return 0.1
	}
	return 1
}

// textVector is a unit vector of the text: texts that share words have vectors that are near to each other.
func textVector(text string, size int) []float32 {
	sum := make([]float64, size)
	add := func(word string, by float64) {
		h := fnv.New64a()
		_, _ = h.Write([]byte(word))
		seed := h.Sum64()
		for range 4 {
			seed = seed*6364136223846793005 + 1442695040888963407
			if at := seed >> 33 % uint64(size); seed&(1<<20) == 0 {
				sum[at] += by
			} else {
				sum[at] -= by
			}
		}
	}
	for _, w := range words(text) {
		add(w, weight(w))
	}
	add("\x00"+text, 0.05) // so that no vector is zero, and no two texts have the same
	norm := 0.0
	for _, x := range sum {
		norm += x * x
	}
	norm = math.Sqrt(norm)
	v := make([]float32, size)
	for i, x := range sum {
		v[i] = float32(x / norm)
	}
	return v
}

// bits is a vector as Titan's binary form has it: one number a dimension.
func bits(v []float32) []int {
	b := make([]int, len(v))
	for i, x := range v {
		if x > 0 {
			b[i] = 1
		}
	}
	return b
}

// rank orders documents by how many of the query's words they have.
func rank(_ *model, body map[string]any) (map[string]any, int, string, *apiError) {
	query := body["query"].(string)
	documents := body["documents"].([]any)
	all := 0.0
	for _, w := range words(query) {
		all += weight(w)
	}
	type result struct {
		Index int     `json:"index"`
		Score float64 `json:"relevance_score"`
	}
	results := make([]result, len(documents))
	n := tokens(query)
	for i, d := range documents {
		text, ok := d.(string)
		if !ok {
			return nil, 0, "", malformed(fmt.Sprintf("#/documents/%d", i), "expected type: String, found: "+jsonType(d))
		}
		n += tokens(text)
		has := map[string]bool{}
		for _, w := range words(text) {
			has[w] = true
		}
		shared := 0.0
		for _, w := range words(query) {
			if has[w] {
				shared += weight(w)
			}
		}
		results[i] = result{i, math.Round(1e6*shared/max(all, 0.1)) / 1e6}
	}
	sort.SliceStable(results, func(i, j int) bool { return results[i].Score > results[j].Score })
	top := numberOr(body["top_n"], len(results))
	return map[string]any{"results": results[:min(top, len(results))]}, n, query, nil
}
