package main

import (
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

// clients is how many lookups run at a time where speed is measured.
const clients = 32

// longestLoad bounds what looks each name up once, through a server that gives no answers.
const longestLoad = time.Minute

// load is a number of lookups to do: each target once, or over and over for a time.
type load struct {
	targets []target
	clients int
	lasts   time.Duration // 0: each target once
}

// outcome is what came of a load.
type outcome struct {
	lookups, wrong, packets int
	took                    time.Duration
	latencies               []time.Duration // sorted
}

// newResolver returns a client of the server on a port of this machine.
func newResolver(port int, id uint16) *lab.Resolver {
	server := netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(port))
	return lab.NewResolver(resolvConf, server, netip.Addr{}, id)
}

// run does the lookups through the server on a port of this machine.
func (l load) run(port int) outcome {
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		total outcome
		next  atomic.Int64
	)
	start := time.Now()
	for i := range l.clients {
		wg.Go(func() {
			o := l.work(newResolver(port, uint16(i)<<8), &next, start)
			mu.Lock()
			defer mu.Unlock()
			total.add(o)
		})
	}
	wg.Wait()
	total.took = time.Since(start)
	slices.Sort(total.latencies)
	return total
}

// work is one client's share.
func (l load) work(c *lab.Resolver, next *atomic.Int64, start time.Time) (o outcome) {
	for {
		n := int(next.Add(1) - 1)
		if l.over(n, o.lookups, time.Since(start)) {
			o.packets = c.Packets
			return o
		}
		t := l.targets[n%len(l.targets)]
		r, took := c.Lookup(t.name)
		o.latencies = append(o.latencies, took)
		o.lookups++
		if !t.right(r) {
			o.wrong++
		}
	}
}

// over reports whether a client that did some lookups should do the n-th of all. For a time, each client does one at the least.
func (l load) over(n, done int, since time.Duration) bool {
	if l.lasts == 0 {
		return n >= len(l.targets) || since >= longestLoad
	}
	return done > 0 && since >= l.lasts
}

func (o *outcome) add(p outcome) {
	o.lookups += p.lookups
	o.wrong += p.wrong
	o.packets += p.packets
	o.latencies = append(o.latencies, p.latencies...)
}

func (o outcome) perSecond() float64 { return float64(o.lookups-o.wrong) / o.took.Seconds() }

// quantile returns a latency in microseconds.
func (o outcome) quantile(q float64) float64 {
	if len(o.latencies) == 0 {
		return 0
	}
	return float64(o.latencies[int(q*float64(len(o.latencies)-1))].Nanoseconds()) / 1000
}
