//go:build faults

package faults

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
	"github.com/muslsafe/coredns-muslsafe/test/upstream"
)

var soak = flag.Duration("soak", 8*time.Second, "how long the soak lasts")

// looks is how often memory is measured in a soak, in equal intervals.
const looks = 4

// growth is how much more memory than in the first half of a soak the second may have, in kB: what the heap of a Go program
// moves by from one look to the next.
const growth = 4 << 10

// TestSoak has clients look up names of all kinds, with all fixes at work and an upstream that misbehaves now and then, and
// finds the memory flat and no goroutine left over.
func TestSoak(t *testing.T) {
	lab.Require(t)
	for _, s := range []*side{
		{name: "plain", addr: [4]byte{127, 0, 0, 11}, muslsafe: plain},
		{name: "complete", addr: [4]byte{127, 0, 0, 12}, muslsafe: complete},
	} {
		t.Run(s.name, func(t *testing.T) {
			w := &world{sides: []*side{s}, upstreams: []*authority{
				startAuthority(t, 0, [4]byte{127, 0, 0, 2}), startAuthority(t, 1, [4]byte{127, 0, 0, 3}),
			}}
			s.start(t)
			w.idle = []int{s.gauge(t, "go_goroutines")}
			fill(t, s)
			w.set(t, nowAndThen, 0)
			live := w.soak(t, s)
			t.Logf("live after each of %d intervals: %d kB; %d kB resident at the most", looks, live, s.peak(t))
			if first, second := slices.Max(live[:looks/2]), slices.Max(live[looks/2:]); second > first+growth {
				t.Errorf("live after each interval: %d kB; want it flat", live)
			}
			w.set(t, nil, 0)
			w.recovers(t, fault{})
		})
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

// fill has the server remember as much as it ever will: each of its memories has room for less than the names of a flood.
func fill(t *testing.T, s *side) {
	t.Helper()
	dnsperf(t, s, 30_000)
}

// soak puts the load on the server and measures what it holds after each interval, with the clients at rest.
func (w *world) soak(t *testing.T, s *side) (live []int) {
	t.Helper()
	each := *soak / 2 / looks // there are two soaks
	for i := range looks {
		l := load{clients: 24, pause: 20 * time.Millisecond, lasts: each, name: func(n int) target { return mixed(i<<24 | n) }}
		var wg sync.WaitGroup
		wg.Go(func() { l.run(s.addr) })
		wg.Go(func() { leaks(s, each) })
		wg.Wait()
		live = append(live, s.liveHeap(t))
	}
	return live
}

// leaks has other clients ask for services with the search domain of the node at their ends.
func leaks(s *side, lasts time.Duration) {
	l := load{clients: 4, pause: 10 * time.Millisecond, lasts: lasts, name: func(n int) target {
		return target{name: fmt.Sprintf("web%d.default.svc.cluster.local.corp.example.com.", n)}
	}}
	l.run(s.addr)
}
