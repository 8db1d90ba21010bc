//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package transport

import (
	"errors"
	"net"
)

// canPeek says whether a connection can be looked at without reading from it or waiting.
const canPeek = false

func peeker(net.Conn) (func() bool, error) { return nil, errors.ErrUnsupported }
