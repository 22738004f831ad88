// Package stub models the stub resolvers of libcs: what getaddrinfo asks, in which order, how long it waits,
// and what it makes of the answers. It knows the four generations of musl that have a search list, and glibc.
//
// A model is a function from a resolv.conf, a name and an Exchange to a Result. It keeps a clock of its own
// and never sleeps, so that a lookup that takes a real libc 15 seconds is done in microseconds.
//
// What is left out: /etc/hosts, numeric names, the order of addresses (RFC 6724), AI_ADDRCONFIG, the resolver
// environment variables, EDNS, and replies with a foreign ID or source, which an Exchange reports as silence.
package stub

import (
	"net/netip"
	"time"
)

// A Family says which addresses a program asks for.
type Family uint8

// The families of getaddrinfo's hints.
const (
	Both Family = iota // AF_UNSPEC: A and AAAA
	V4                 // AF_INET: A only
	V6                 // AF_INET6: AAAA only
)

// Forever is the elapsed time of a lookup that never returns.
const Forever = time.Duration(1<<63 - 1)

// A Result is what getaddrinfo returns, and how it got there.
type Result struct {
	V4, V6  []netip.Addr // in the order in which the libc read them, before any sorting
	Err     Errno        // OK if there is an address
	Elapsed time.Duration
	Steps   []Step // one per name tried, in order
}

// A Config is what a libc makes of a resolv.conf.
type Config struct {
	Servers  []netip.Addr
	Search   []string // as written: a final dot, or a lone ".", is kept
	Ndots    int
	Timeout  time.Duration // musl: for one name; glibc: for one try of one server
	Attempts int

	// The rest is read by glibc only.
	SingleRequest       bool // A first, AAAA after its answer
	SingleRequestReopen bool // the same, from a new socket each
	UseTCP              bool // use-vc
	NoAAAA              bool
}

// Lookup does what the modelled libc's getaddrinfo does for name. It calls ask once for each packet sent,
// in the order of sending.
func (m *Model) Lookup(c Config, name string, f Family, ask Exchange) Result {
	l := &lookup{conf: c, family: f, ask: ask, sent: make(map[Query]int)}
	r := m.libc.getaddrinfo(l, name)
	r.Steps = l.steps
	if r.Err != Hang {
		r.Elapsed = l.now
	}
	return r
}

// found sorts addresses into a result; none at all is the error e.
func found(addrs []netip.Addr, e Errno) Result {
	r := Result{Err: e}
	for _, a := range addrs {
		r.Err = OK
		if a.Is4() {
			r.V4 = append(r.V4, a)
		} else {
			r.V6 = append(r.V6, a)
		}
	}
	return r
}
