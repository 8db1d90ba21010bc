package auth

// The messages of a 401, for the tests outside the package.
const (
	Wrong   = wrong
	Missing = missing
)
