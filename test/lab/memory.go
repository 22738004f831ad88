package lab

import (
	"fmt"
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"
)

// Memory returns a size of a process in kB, by its name in /proc/PID/status: VmRSS is the resident size now, VmHWM its maximum.
func Memory(pid int, name string) (kB int, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	m := regexp.MustCompile(`(?m)^` + name + `:\s+(\d+) kB$`).FindSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no %s of process %d", name, pid)
	}
	return strconv.Atoi(string(m[1]))
}

// LiveHeap returns the live heap of the server at an address, in kB: the smallest of several readings, each after a garbage
// collection, because later allocations count too. The server has pprof on port 6053.
func LiveHeap(t *testing.T, addr string) int {
	t.Helper()
	least := math.MaxInt
	for range 5 {
		Get(t, "http://"+addr+":6053/debug/pprof/heap?gc=1")
		least = min(least, gauge(t, addr, "go_memstats_heap_alloc_bytes")>>10)
	}
	return least
}
