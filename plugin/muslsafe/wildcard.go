package muslsafe

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// probeTTL is how long the answers of a wildcard are remembered.
const probeTTL = time.Minute

// probes remembers, for each search domain of the nodes, what a name that nobody can have made resolves to there. It
// has at most as many elements as there are search domains.
type probes struct {
	mu sync.Mutex
	m  map[string]*probe
}

// probe is a random name below a search domain, and its pair of lookups.
type probe struct {
	name    string
	pair    []*flight
	expires time.Time
}

// wildcardCheck asks whether X.S, where S is a search domain of the nodes, has been taken over by a wildcard of S: its
// addresses are those of a random name below S, and X is the name of a host by itself.
type wildcardCheck struct {
	random []*flight // the pair of the random name
	twin   []*flight // the pair of X
}

// checkWildcard sends out what the proof needs.
func (q *inquiry) checkWildcard() *wildcardCheck {
	x, zone := q.name[:q.place.at], q.name[q.place.at:]
	return &wildcardCheck{random: q.probe(zone), twin: q.askPair(x)}
}

// readPublic returns data if a wildcard is proven to have taken the name over, nodata if it is not. A name of one label is
// looked up for the sake of the search domain, so there is nothing to prove.
func (q *inquiry) readPublic(overdue bool) outcome {
	switch {
	case !q.p.cfg.enabled[fixWildcard] || q.place.scope != node || domain(q.name[:q.place.at]).labels() < 2:
		return nodata
	case q.public != nil:
		return q.public.read(q, overdue)
	case overdue:
		return nodata
	}
	return unknown
}

// probe returns the remembered pair of a random name below zone, or asks for it.
func (q *inquiry) probe(zone string) []*flight {
	ps := &q.p.probes
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.m[zone]
	if p == nil || q.began.After(p.expires) {
		p = &probe{name: "muslsafe-" + strconv.FormatUint(rand.Uint64(), 36) + "." + zone, expires: q.began.Add(probeTTL)}
	} else if p.isKnown() {
		return p.pair
	}
	p.pair = q.askPair(p.name) // or join it, if it is in the air
	if ps.m == nil {
		ps.m = make(map[string]*probe)
	}
	ps.m[zone] = p
	return p.pair
}

// isKnown reports whether both lookups are over and none has failed.
func (p *probe) isKnown() bool {
	return !slices.ContainsFunc(p.pair, func(f *flight) bool { return !f.landed.Load() || f.outcome == failure })
}

// read returns data if the proof holds and nodata if it does not. What is overdue or cut proves nothing.
func (c *wildcardCheck) read(q *inquiry, overdue bool) outcome {
	own := q.ownPair()
	for _, f := range slices.Concat(own, c.random, c.twin) {
		switch q.read(f, overdue) {
		case unknown:
			return unknown
		case failure:
			return nodata
		}
		if f.isCut {
			return nodata
		}
	}
	hasTwin := slices.ContainsFunc(c.twin, func(f *flight) bool { return f.outcome == data })
	isWild := slices.EqualFunc(own, c.random, func(f, random *flight) bool {
		return f.outcome == random.outcome && slices.Equal(f.addrs, random.addrs)
	})
	if hasTwin && isWild {
		return data
	}
	return nodata
}

// addresses returns the addresses of a type in m, in order.
func addresses(m *dns.Msg, qtype uint16) []netip.Addr {
	var addrs []netip.Addr
	for _, rr := range m.Answer {
		var ip []byte
		switch rr := rr.(type) {
		case *dns.A:
			ip = rr.A.To4()
		case *dns.AAAA:
			ip = rr.AAAA
		}
		if addr, ok := netip.AddrFromSlice(ip); ok && rr.Header().Rrtype == qtype {
			addrs = append(addrs, addr)
		}
	}
	slices.SortFunc(addrs, netip.Addr.Compare)
	return addrs
}
