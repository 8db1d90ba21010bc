//go:build race

package exchange

// overwrites: memory that was given back is overwritten, so that who still uses it fails.
const overwrites = true
