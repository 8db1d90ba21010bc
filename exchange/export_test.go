package exchange

// What tests through the handler, in package exchange_test, know of the inside.
const (
	LingerTime       = lingerTime
	StatusClientGone = statusClientGone
)
