//go:build faults

// Package faults does to a server under load what production does to it, and compares what clients notice with and
// without muslsafe. Both servers meet the same fault at the same time, in one network.
package faults

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

var (
	lasts    = flag.Duration("lasts", 1500*time.Millisecond, "how long each fault lasts")
	distinct = flag.Int("names", 40_000, "distinct names in the flood")
	out      = flag.String("results", "", "file to write the table to")
)

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(lab.Main(m))
}

// world is the two servers, and what is behind them.
type world struct {
	sides     []*side
	upstreams []*authority
	idle      []int // goroutines of the servers
}

func newWorld(t *testing.T, f fault) *world {
	t.Helper()
	w := &world{sides: newSides(), upstreams: []*authority{
		startAuthority(t, 0, [4]byte{127, 0, 0, 2}),
		startAuthority(t, 1, [4]byte{127, 0, 0, 3}),
	}}
	for _, s := range w.sides {
		if f.prepare != nil {
			f.prepare(t, s)
		}
		s.start(t)
		w.idle = append(w.idle, lab.Goroutines(t, s.addr))
	}
	return w
}

// TestFaults has a row for each fault.
func TestFaults(t *testing.T) {
	lab.Require(t)
	var table table
	for _, f := range faults {
		t.Run(f.about, func(t *testing.T) {
			w := newWorld(t, f)
			table.add(f.about, w.measure(t, f))
			w.recovers(t, f)
		})
	}
	t.Logf("\n%s", table.text())
	if *out != "" {
		lab.WriteFile(t, *out, table.markdown())
	}
}

// run puts the load on both servers while the fault lasts, which is so many times as long as usual.
func (w *world) run(t *testing.T, f fault, times int) []tally {
	t.Helper()
	l := load{clients: 100, pause: 400 * time.Millisecond, name: mixed, lasts: time.Duration(times) * max(*lasts, f.least)}
	if f.load != nil {
		l = f.load(l)
	}
	w.set(t, f.mood, f.loss)
	tallies := make([]tally, len(w.sides))
	var wg, busy sync.WaitGroup
	over := make(chan struct{})
	for i, s := range w.sides {
		busy.Go(func() {
			for { // for as long as the fault lasts
				tallies[i].add(l.run(s))
				select {
				case <-over:
					return
				default:
				}
			}
		})
	}
	wg.Go(func() {
		time.Sleep(l.lasts)
		if f.during == nil {
			w.set(t, nil, 0)
		}
	})
	if f.during != nil {
		f.during(t, w)
	}
	close(over)
	wg.Wait()
	w.set(t, nil, 0)
	busy.Wait()
	for i := range tallies {
		tallies[i].sort()
	}
	return tallies
}

// set begins a fault of the network or of the upstreams, or ends it.
func (w *world) set(t *testing.T, m mood, loss int) {
	for _, u := range w.upstreams {
		u.setMood(m)
	}
	rules := "add table ip faults\ndelete table ip faults\n"
	if loss > 0 {
		rules += fmt.Sprintf(`table ip faults {
			chain input {
				type filter hook input priority filter
				meta l4proto udp numgen random mod 100 < %d drop
			}
		}`, loss)
	}
	nft := exec.Command("nft", "-f", "-")
	nft.Stdin = strings.NewReader(rules)
	if text, err := nft.CombinedOutput(); err != nil {
		t.Errorf("nft: %v: %s", err, text)
	}
}

// recovers checks that after the fault all is as before: lookups succeed, and no work is left over.
func (w *world) recovers(t *testing.T, f fault) {
	t.Helper()
	l := load{clients: 20, once: true, lasts: 200 * time.Millisecond, name: mixed}
	for i, s := range w.sides {
		deadline := time.Now().Add(30 * time.Second)
		for y := l.run(s); y.success() < 1; y = l.run(s) {
			if time.Now().After(deadline) {
				t.Errorf("%s: %d of %d lookups succeed 30 s after the fault", s.name, len(y.right), y.lookups)
				break
			}
		}
		for !f.restarts && lab.Goroutines(t, s.addr) > w.idle[i]+20 {
			if time.Now().After(deadline) {
				t.Errorf("%s: %d goroutines 30 s after the fault; %d before", s.name, lab.Goroutines(t, s.addr), w.idle[i])
				break
			}
			lab.Get(t, "http://"+s.addr+":6053/debug/pprof/heap?gc=1") // forward lets go of its connections in a finalizer
			time.Sleep(200 * time.Millisecond)
		}
	}
}
