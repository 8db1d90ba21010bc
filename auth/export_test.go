package auth

// What a client without a good key is told.
const (
	Wrong   = wrong
	Missing = missing
)
