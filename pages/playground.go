package pages

import "embed"

//go:embed playground
var playground embed.FS

// playgroundPolicy lets the playground load its own files and ask its own address, and show the images that a user attaches.
// Nothing turns text into markup or script, so that what a model writes stays text (Trusted Types).
const playgroundPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Playground is the page on which models are tried. It is a client of the gateway's own API, and its scripts are served as they
// stand here: there is nothing to build.
var Playground = newPage(playground, "playground", playgroundPolicy)
