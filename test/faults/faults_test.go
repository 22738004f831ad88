//go:build faults

// Package faults does to a server under load what production does to it, and compares what clients notice with and
// without muslsafe. Both servers meet the same fault at the same time, in one network.
package faults

import (
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
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
		w.idle = append(w.idle, s.gauge(t, "go_goroutines"))
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
		writeFile(t, *out, table.markdown())
	}
}

// attempts is how often a fault is measured at the most. What comes of a few hundred lookups, which are not independent of each
// other, on a machine that does other things as well, is worse by chance now and then; what is worse is so each time.
const attempts = 3

// measure compares what clients notice of a fault with and without muslsafe. What they notice more is measured again, for
// longer each time, and is an error if it stays; a wrong answer is one at once.
func (w *world) measure(t *testing.T, f fault) []tally {
	t.Helper()
	for attempt := 1; ; attempt++ {
		tallies := w.run(t, f, attempt)
		with := tallies[1]
		if with.wrong > 0 {
			t.Errorf("%d wrong answers with muslsafe, such as %s", with.wrong, with.example)
		}
		err := compare(tallies[0], with)
		if err == nil {
			return tallies
		}
		if attempt == attempts {
			t.Error(err)
			return tallies
		}
		t.Logf("measured again, as %v", err)
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
	file := t.TempDir() + "/rules"
	writeFile(t, file, rules)
	if text, err := exec.Command("nft", "-f", file).CombinedOutput(); err != nil {
		t.Errorf("nft: %v: %s", err, text)
	}
}

// slack is for a machine that does other things as well.
const slack = time.Second

// limit is how long muslsafe lets a lookup of these names wait for answers: 1.25 s for each of two steps that go upstream.
const limit = 2 * 1250 * time.Millisecond

// compare returns an error if something is lost with muslsafe that is not lost without it. After any time as many lookups are to
// have succeeded. How long the others take is another matter: where musl gives up without muslsafe, it may get a step further
// with it, and give up there.
func compare(without, with tally) error {
	for _, d := range []time.Duration{time.Second, interval, patience, math.MaxInt64 - slack} {
		least := without.within(d) - 0.01 - chance(without, with, d)
		if got := with.within(d + slack); got < least {
			return fmt.Errorf("%.1f %% of %d lookups succeed within %v with muslsafe, %.1f %% of %d within %v without; want at least %.1f %%",
				100*got, with.lookups, d+slack, 100*without.within(d), without.lookups, d, 100*least)
		}
	}
	most := max(without.quantile(0.99)*11/10, limit)
	if most > patience {
		most += patience
	}
	if got := with.quantile(0.99); got > most+slack {
		return fmt.Errorf("p99 = %v with muslsafe, %v without; want at most %v", got, without.quantile(0.99), most+slack)
	}
	return nil
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
		for !f.restarts && s.gauge(t, "go_goroutines") > w.idle[i]+20 {
			if time.Now().After(deadline) {
				t.Errorf("%s: %d goroutines 30 s after the fault; %d before", s.name, s.gauge(t, "go_goroutines"), w.idle[i])
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
	}
}
