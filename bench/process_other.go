//go:build !linux

package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
)

// cpu is the CPU time that the server has used, user and system together, as it tells of itself: no other process can
// ask for it in a way that all systems share.
func (s *server) cpu() (time.Duration, error) {
	seconds, err := s.metric("process_cpu_seconds_total")
	return time.Duration(seconds * float64(time.Second)), err
}

// memory is the server's resident memory in bytes.
func (s *server) memory() (float64, error) { return s.metric("process_resident_memory_bytes") }

// metric reads a number of the process from Caddy's own metrics, where the system has no better source.
func (s *server) metric(name string) (float64, error) {
	text, err := s.get("/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			var v float64
			_, err := fmt.Sscan(value, &v)
			return v, err
		}
	}
	return 0, errors.New("the server does not tell " + name + " on this system")
}

var errPeers = errors.New("other processes are measured on Linux alone")

func family(int) ([]int, error)           { return nil, errPeers }
func cpuOf(...int) (time.Duration, error) { return 0, errPeers }
func memoryOf(...int) (float64, error)    { return 0, errPeers }

// openFiles is how many files a process may open, which is not known here.
func openFiles() int { return math.MaxInt32 }
