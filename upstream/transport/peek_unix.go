//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package transport

import (
	"fmt"
	"net"
	"syscall"
)

// canPeek says whether a connection can be looked at without reading from it or waiting.
const canPeek = true

// peeker returns a function that reports whether the peer has neither sent anything nor closed the connection.
func peeker(nc net.Conn) (func() bool, error) {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return nil, fmt.Errorf("a %T has no descriptor", nc)
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil, err
	}
	var b [1]byte
	var got error
	look := func(fd uintptr) bool {
		_, _, got = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true // whatever it is, nobody waits for it
	}
	return func() bool { return raw.Read(look) == nil && got == syscall.EAGAIN }, nil
}
