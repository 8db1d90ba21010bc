// Command freeport prints a TCP port of 127.0.0.1 that nobody listens on, for scripts
// that start a server. Tests in Go let the system choose the port of their listener.
package main

import (
	"fmt"
	"net"
	"os"
)

func main() {
	l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		fmt.Fprintln(os.Stderr, "freeport:", err)
		os.Exit(1)
	}
	fmt.Println(l.Addr().(*net.TCPAddr).Port)
	_ = l.Close()
}
