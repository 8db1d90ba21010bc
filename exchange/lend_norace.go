//go:build !race

package exchange

const overwrites = false
