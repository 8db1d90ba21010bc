//go:build !linux

package main

import "time"

// cpu is the CPU time that the server has used, user and system together, as it tells of itself: no other process can
// ask for it in a way that all systems share.
func (s *server) cpu() (time.Duration, error) {
	seconds, err := s.metric("process_cpu_seconds_total")
	return time.Duration(seconds * float64(time.Second)), err
}

// memory is the server's resident memory in bytes.
func (s *server) memory() (float64, error) { return s.metric("process_resident_memory_bytes") }
