//go:build faults

package faults

import (
	"fmt"
	"math"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/muslsafe/coredns-muslsafe/plugin/pkg/stub"
	"github.com/muslsafe/coredns-muslsafe/test/lab"
)

const (
	patience = 5 * time.Second // of musl, for one name
	interval = patience / 2    // after which it asks again
)

// resolvConf is that of a pod in the namespace default, without the server.
var resolvConf = stub.Config{
	Search:   []string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.example.com"},
	Ndots:    5,
	Timeout:  patience,
	Attempts: 2,
}

// service is the address of all services.
var service = netip.MustParseAddr("10.96.7.7")

// A target is a name to look up.
type target struct {
	name   string
	v4, v6 netip.Addr // what it has; nothing, if it does not exist
}

// mixed is what programs look up: names that nobody has asked for yet, outside and inside of the cluster, names that
// everybody asks for, and names that do not exist.
func mixed(n int) target {
	switch n % 5 {
	case 0:
		return target{name: fmt.Sprintf("nope%d.example.net", n)}
	case 1:
		return target{name: fmt.Sprintf("web%d.default.svc.cluster.local", n), v4: service}
	case 2:
		return external(n % 50)
	}
	return external(n)
}

// absolute names are not searched for: two queries each.
func absolute(n int) target {
	t := external(n)
	t.name += "."
	return t
}

func external(n int) target {
	name := fmt.Sprintf("www%d.example.org", n)
	v4, v6 := lab.AddressesOf(name + ".")
	return target{name: name, v4: v4, v6: v6}
}

// tally is what came of lookups.
type tally struct {
	lookups int
	wrong   int             // another address, or a denial of what there is: nobody tries again after that
	example string          // of a wrong one
	took    []time.Duration // sorted
	right   []time.Duration // sorted; of those that found what there is, or that there is nothing
}

// count adds a lookup. Without one of the two families a program connects all the same; that is what musl makes of a
// failure too.
func (y *tally) count(t target, r stub.Result, took time.Duration) {
	y.lookups++
	y.took = append(y.took, took)
	denied := r.Err == stub.NoName || r.Err == stub.NoData
	isOther := slices.ContainsFunc(slices.Concat(r.V4, r.V6), func(a netip.Addr) bool { return a != t.v4 && a != t.v6 })
	switch {
	case isOther, denied && t.v4.IsValid():
		y.wrong++
		y.example = fmt.Sprintf("%s: %v %v %v", t.name, r.Err, r.V4, r.V6)
	case r.Err == stub.OK, denied:
		y.right = append(y.right, took)
	}
}

func (y *tally) add(z tally) {
	y.lookups += z.lookups
	y.wrong += z.wrong
	if z.wrong > 0 {
		y.example = z.example
	}
	y.took = append(y.took, z.took...)
	y.right = append(y.right, z.right...)
}

// success returns the share of lookups that came to what they should.
func (y *tally) success() float64 { return y.within(math.MaxInt64) }

// within returns the share of lookups that had come to what they should after some time.
func (y *tally) within(d time.Duration) float64 {
	n, _ := slices.BinarySearch(y.right, d)
	return float64(n) / float64(max(y.lookups, 1))
}

// chance is the difference that two runs of the same server may have by chance in the share of lookups that succeed within some
// time: three standard deviations.
func chance(y, z tally, d time.Duration) float64 {
	variance := func(t tally) float64 { return t.within(d) * (1 - t.within(d)) / float64(max(t.lookups, 1)) }
	return 3 * math.Sqrt(variance(y)+variance(z))
}

func (y *tally) sort() {
	slices.Sort(y.took)
	slices.Sort(y.right)
}

func (y *tally) quantile(q float64) time.Duration {
	if len(y.took) == 0 {
		return 0
	}
	return y.took[int(q*float64(len(y.took)-1))]
}

// load is what clients do: each looks up a name, waits, and looks up the next.
type load struct {
	clients int
	pause   time.Duration
	name    func(n int) target
	lasts   time.Duration
	once    bool // each client does one lookup, at its time within lasts
}

// run puts the load on a server. Lookups that are under way at its end are waited for. No two are numbered alike, in this run
// or another, so that a cold name is one.
func (l load) run(s *side) (total tally) {
	var (
		mu sync.Mutex
		wg sync.WaitGroup
	)
	server := netip.AddrPortFrom(netip.MustParseAddr(s.addr), 53)
	end := time.Now().Add(l.lasts)
	for i := range l.clients {
		wg.Go(func() {
			own := netip.AddrFrom4([4]byte{127, 1, byte(i >> 8), byte(i)})
			mine := l.client(lab.NewResolver(resolvConf, server, own, uint16(i)<<4), i, &s.asked, end)
			mu.Lock()
			defer mu.Unlock()
			total.add(mine)
		})
	}
	wg.Wait()
	total.sort()
	return total
}

// client is the share of one.
func (l load) client(c *lab.Resolver, i int, next *atomic.Int64, end time.Time) (y tally) {
	first := l.pause
	if l.once {
		first = l.lasts
	}
	time.Sleep(first * time.Duration(i) / time.Duration(l.clients)) // not all at the same moment
	for {
		t := l.name(int(next.Add(1)))
		r, took := c.Lookup(t.name)
		y.count(t, r, took)
		if l.once || time.Now().After(end) {
			return y
		}
		time.Sleep(l.pause)
	}
}
