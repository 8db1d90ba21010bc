package pages

import (
	"embed"
	"io/fs"
	"iter"
)

//go:embed api/*.json
var api embed.FS

// API returns the files of the API's description, by their names: what package handler makes /openapi.json of.
func API() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		entries, err := fs.ReadDir(api, "api")
		if err != nil {
			panic(err) // it is embedded
		}
		for _, e := range entries {
			data, err := api.ReadFile("api/" + e.Name())
			if err != nil {
				panic(err)
			}
			if !yield(e.Name(), data) {
				return
			}
		}
	}
}
