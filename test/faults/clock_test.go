//go:build faults

package faults

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// What makes the wall clock of a Go program settable. NTP and people set that clock; the monotonic one goes on as before, and
// both are in what time.Now returns. So time.Now adds a number of seconds to the one and leaves the other alone.
const (
	nowReads = "\tsec, nsec, mono := runtimeNow()\n" // in time.Now, and nowhere else in its file
	nowAdds  = nowReads + "\tsec += Ahead.Load()\n"
	ahead    = `package time

import "sync/atomic"

// Ahead is what the wall clock of this program is ahead of that of the machine, in seconds.
var Ahead atomic.Int64
`
	// From then on the server reads the number from its standard input, and says what its two clocks make of it.
	reader = `package main

import (
	"fmt"
	"os"
	"time"
)

func init() {
	began := time.Now()
	go func() {
		var seconds int64
		for {
			if _, err := fmt.Fscan(os.Stdin, &seconds); err != nil {
				return
			}
			time.Ahead.Store(seconds)
			now := time.Now()
			wall, monotonic := now.Round(0).Sub(began.Round(0)), now.Sub(began)
			fmt.Println("the wall clock is", (wall - monotonic).Round(time.Second), "ahead")
		}
	}()
}
`
)

// settable builds a server whose wall clock setClock can set. All of CoreDNS and of the standard library below it is built for
// that: minutes, if the build cache does not have it.
func settable(t *testing.T, s *side) {
	t.Helper()
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Fatal(err)
	}
	std := filepath.Join(strings.TrimSpace(string(goroot)), "src", "time")
	own, err := filepath.Abs("../../build/coredns")
	if err != nil {
		t.Fatal(err)
	}
	text := lab.ReadFile(t, filepath.Join(std, "time.go"))
	if n := strings.Count(text, nowReads); n != 1 {
		t.Fatalf("%s/time.go has %q %d times; want it once", std, nowReads, n)
	}
	replaced := map[string]string{}
	dir := t.TempDir()
	for file, text := range map[string]string{
		filepath.Join(std, "time.go"):  strings.Replace(text, nowReads, nowAdds, 1),
		filepath.Join(std, "ahead.go"): ahead,
		filepath.Join(own, "clock.go"): reader,
	} {
		replaced[file] = filepath.Join(dir, filepath.Base(file))
		lab.WriteFile(t, replaced[file], text)
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	lab.WriteFile(t, file, string(overlay))
	s.binary = lab.Overlaid(t, file)
}

// setClock sets the wall clocks of both servers an hour ahead, and back, several times.
func setClock(t *testing.T, w *world) {
	const times = 4
	for n := range times {
		for _, step := range []time.Duration{time.Hour, 0} {
			for _, s := range w.sides {
				if _, err := fmt.Fprintln(s.stdin, step.Seconds()); err != nil {
					t.Fatal(err)
				}
			}
			for _, s := range w.sides {
				s.process.AwaitTimes(t, fmt.Sprintf("the wall clock is %v ahead", step), n+1)
			}
			time.Sleep(max(*lasts, outlast) / times / 2)
		}
	}
}
