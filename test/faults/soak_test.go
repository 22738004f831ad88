//go:build faults

package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var soak = flag.Duration("soak", 8*time.Second, "how long the soak lasts")

// looks is how often is measured what the server holds in a soak, in equal intervals.
const looks = 4

// look is what a server holds at one time.
type look struct {
	live       int // memory, in kB
	goroutines int
	files      int // and sockets
}

// growth is how much more than in the first half of a soak there may be in the second: what the heap of a Go program moves by
// from one look to the next, and what is still open from the moments before.
var growth = look{live: 4 << 10, goroutines: 50, files: 50}

func (s *side) look(t *testing.T) look {
	t.Helper()
	return look{lab.LiveHeap(t, s.addr), lab.Goroutines(t, s.addr), s.files(t)}
}

// most returns the most of each.
func most(seen []look) (h look) {
	for _, l := range seen {
		h = look{max(h.live, l.live), max(h.goroutines, l.goroutines), max(h.files, l.files)}
	}
	return h
}

// TestSoak has clients look up names of all kinds, with all fixes at work and an upstream that misbehaves now and then, and
// finds memory, goroutines and open files flat, and none of the latter two left over.
func TestSoak(t *testing.T) {
	lab.Require(t)
	for _, s := range []*side{
		{name: "plain", addr: "127.0.0.11", muslsafe: plain},
		{name: "complete", addr: "127.0.0.12", muslsafe: complete},
	} {
		t.Run(s.name, func(t *testing.T) {
			w := &world{sides: []*side{s}, upstreams: []*authority{
				startAuthority(t, 0, [4]byte{127, 0, 0, 2}), startAuthority(t, 1, [4]byte{127, 0, 0, 3}),
			}}
			s.start(t)
			w.idle = []int{lab.Goroutines(t, s.addr)}
			idle := s.files(t)
			fill(t, s)
			w.set(t, nowAndThen, 0)
			seen := w.soak(t, s)
			t.Logf("%d kB resident at the most", s.peak(t))
			first, second := most(seen[:looks/2]), most(seen[looks/2:])
			if second.live > first.live+growth.live || second.goroutines > first.goroutines+growth.goroutines || second.files > first.files+growth.files {
				t.Errorf("after each interval: %+v; want it flat", seen)
			}
			w.set(t, nil, 0)
			w.recovers(t, fault{})
			s.closes(t, idle)
		})
	}
}

// closes checks that the server has no more open than when it was idle, once forward has given up its connections.
func (s *side) closes(t *testing.T, idle int) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); s.files(t) > idle+10; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d open files 30 s after the soak; %d before", s.name, s.files(t), idle)
		}
	}
}

// nowAndThen has one question of twenty fail, each in some way.
func nowAndThen(int, time.Duration) upstream.Behaviour {
	answers := []upstream.Answer{upstream.ServFail, upstream.Refused, upstream.Silence, upstream.NoData, upstream.Garbage}
	if rand.IntN(20) > 0 {
		return upstream.Behaviour{}
	}
	return upstream.Behaviour{Answer: answers[rand.IntN(len(answers))]}
}

// fill has the server remember as much as it ever will. Each of its memories has room for less than the names of a flood; of
// these, a quarter goes to the largest one, the denials in cache, 10,000 in 256 parts that must all be full.
func fill(t *testing.T, s *side) {
	t.Helper()
	dnsperf(t, s, 80_000)
}

// soak puts the load on the server and looks at what it holds after each interval, with the clients at rest.
func (w *world) soak(t *testing.T, s *side) (seen []look) {
	t.Helper()
	each := *soak / 2 / looks // there are two soaks
	for range looks {
		l := load{clients: 24, pause: 20 * time.Millisecond, lasts: each, name: mixed}
		var wg sync.WaitGroup
		var y tally
		wg.Go(func() { y = l.run(s) })
		wg.Go(func() { leaks(s, each) })
		wg.Wait()
		seen = append(seen, s.look(t))
		t.Logf("after %d lookups, %.1f %% of them right: %+v", s.asked.Load(), 100*y.success(), seen[len(seen)-1])
	}
	return seen
}

// leaks has other clients ask for services with the search domain of the node at their ends.
func leaks(s *side, lasts time.Duration) {
	l := load{clients: 4, pause: 10 * time.Millisecond, lasts: lasts, name: func(n int) target {
		return target{name: fmt.Sprintf("web%d.default.svc.cluster.local.corp.example.com.", n)}
	}}
	l.run(s)
}
