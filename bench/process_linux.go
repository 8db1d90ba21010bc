package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// cpu is the CPU time that the server has used, user and system together.
func (s *server) cpu() (time.Duration, error) { return cpuOf(s.pid()) }

// cpuOf is the CPU time that processes have used, from the clock that the kernel keeps of each: what /proc/<pid>/stat
// says in ticks of 10 ms, to the nanosecond, with the threads that ended.
func cpuOf(pids ...int) (time.Duration, error) {
	var total time.Duration
	for _, pid := range pids {
		// The id of a process's clock, as clock_getcpuclockid makes it: the complement of the pid, and 2 for the scheduler's time.
		clock := int32(^pid<<3 | 2)
		var t unix.Timespec
		if err := unix.ClockGettime(clock, &t); err != nil {
			return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
		}
		total += time.Duration(t.Nano())
	}
	return total, nil
}

// family is the process and its descendants.
func family(pid int) ([]int, error) {
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := map[int][]int{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the process ended meanwhile
		}
		// The name in parentheses can hold anything; the state and the parent's id follow.
		_, rest, _ := strings.Cut(string(text[max(0, strings.LastIndexByte(string(text), ')')):]), " ")
		fields := strings.Fields(rest)
		child, err := strconv.Atoi(filepath.Base(filepath.Dir(file)))
		if err != nil || len(fields) < 2 {
			return nil, fmt.Errorf("%s: %q", file, text)
		}
		parent, err := strconv.Atoi(fields[1])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		children[parent] = append(children[parent], child)
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

// memory is the server's resident memory in bytes.
func (s *server) memory() (float64, error) { return memoryOf(s.pid()) }

// memoryOf is the resident memory of processes in bytes.
func memoryOf(pids ...int) (float64, error) {
	var total float64
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			return 0, err
		}
		fields := strings.Fields(string(text))
		if len(fields) < 2 {
			return 0, fmt.Errorf("statm: %q", text)
		}
		pages, err := strconv.ParseFloat(fields[1], 64)
		if err != nil {
			return 0, err
		}
		total += pages * float64(os.Getpagesize())
	}
	return total, nil
}

// openFiles is how many files a process may open: Go's processes raise their own limit to the highest that is allowed.
func openFiles() int {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return math.MaxInt32
	}
	return int(min(limit.Max, math.MaxInt32))
}
