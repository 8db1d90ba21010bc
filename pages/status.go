// Package pages has the pages that the gateway serves to browsers, embedded in the binary.
package pages

import _ "embed"

// The status page: its HTML has neither script nor style within, so that a strict content security policy holds. What it shows
// comes from the JSON at its own path.
var (
	//go:embed status/index.html
	StatusHTML []byte
	//go:embed status/app.js
	StatusScript []byte
	//go:embed status/style.css
	StatusStyle []byte
)
