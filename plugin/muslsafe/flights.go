package muslsafe

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
)

// maxFlight is how long a flight can be joined. It is the time after which a client gives up (musl, res_msend.c).
const maxFlight = 5 * time.Second

// flightKey tells which queries are equal, so that one flight serves for all of them: the name, in lower case, the
// type, and the client, because access rules and views may give two clients two answers.
type flightKey struct {
	name   string
	client netip.Addr
	tcp    bool // what is cut for UDP is no answer over TCP
	qtype  uint16
	rd, ad bool // bits of the header that the answer may depend on (RFC 1035, section 4.1.1; RFC 6840, section 5.7)
	routed bool // it goes through the whole server, which picks the server block
}

func keyOf(w dns.ResponseWriter, r *dns.Msg, name string, qtype uint16) flightKey {
	client, tcp := clientOf(w)
	return flightKey{name: name, client: client, tcp: tcp, qtype: qtype, rd: r.RecursionDesired, ad: r.AuthenticatedData}
}

// clientOf returns the address of the client without its port, and whether it came over a stream.
func clientOf(w dns.ResponseWriter) (client netip.Addr, tcp bool) {
	switch addr := w.RemoteAddr().(type) {
	case *net.UDPAddr:
		return addr.AddrPort().Addr(), false
	case *net.TCPAddr:
		return addr.AddrPort().Addr(), true
	default:
		state := request.Request{W: w}
		client, err := netip.ParseAddr(state.IP())
		if err != nil {
			return netip.Addr{}, state.Proto() == "tcp"
		}
		return client, state.Proto() == "tcp"
	}
}

// maxFlights is how many flights one server block has at the most, in the air and kept. Queries of clients are judged up to
// half of that, so that there is room for what their verdicts need.
const maxFlights = 1 << 14

// flights are the queries in the air.
type flights struct {
	mu        sync.Mutex
	m         map[flightKey]*flight
	size      atomic.Int64 // those that fly alone and those that failed and are kept included
	max       int64
	keepAddrs bool // wildcard compares them
}

// isCrowded reports whether no other query of a client should be judged now.
func (fs *flights) isCrowded() bool { return fs.size.Load() >= fs.max/2 }

// fruitless stands for all queries of our own that find no room, or came with nothing even over TCP. They have failed, which
// no verdict takes for a proof.
var fruitless = func() *flight {
	f := &flight{rcode: dns.RcodeServerFailure, err: errors.New("too many lookups in flight"), outcome: failure}
	f.landed.Store(true)
	return f
}()

// admit takes a new flight in, unless there is no room and it is one of our own.
func (fs *flights) admit(f *flight) (admitted *flight, isNew bool) {
	if f.ours && fs.size.Load() >= fs.max {
		return fruitless, false
	}
	fs.size.Add(1)
	return f, true
}

// keepFailure is for how long a query of a client that failed stands for its half of the pair, which is as long as a verdict
// on it may take. The halves of a pair come together; and what a client gets for one should be what the verdict on the
// other builds on.
const keepFailure = overAfter

// join returns the flight that is equal to f, or f itself, which is then registered and must be started, or
// fruitless. When it lands, wake gets an element if it has room. A caller who wants the message, not the outcome alone,
// says so. Queries with EDNS fly alone, as their options may differ.
func (fs *flights) join(f *flight, wake chan<- struct{}, wantsMessage bool) (joined *flight, isNew bool) {
	f.wake = wake
	if len(f.query.Extra) > 0 {
		return fs.admit(f)
	}
	fs.mu.Lock()
	defer fs.mu.Unlock()
	switch other := fs.m[f.key]; {
	case other == nil:
	case other.landed.Load() && f.ours:
		return other, false // a failure that is kept
	case !other.landed.Load() && f.began.Sub(other.began) < maxFlight:
		other.wakes = append(other.wakes, wake)
		other.shared = other.shared || wantsMessage
		return other, false
	}
	if joined, isNew = fs.admit(f); isNew {
		fs.m[f.key] = f
	}
	return joined, isNew
}

// land takes a flight that is over out of the air and wakes those who wait for it.
func (fs *flights) land(f *flight) {
	f.counts.inFlight.Dec()
	if f.ours {
		f.counts.results[f.outcome].Inc()
		f.counts.duration.Observe(time.Since(f.began).Seconds())
	}
	fs.takeOut(f)
	signal(f.wake)
	for _, wake := range f.wakes {
		signal(wake)
	}
}

// takeOut sees to it that nobody joins f from here on. The failure of a client's query is kept, for what asks about it.
func (fs *flights) takeOut(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if f.shared {
		f.copy()
	}
	f.landed.Store(true)
	if fs.m[f.key] == f && f.outcome == failure && !f.ours {
		time.AfterFunc(keepFailure, func() { fs.forget(f) })
		return
	}
	fs.remove(f)
}

// forget ends the time for which a failure is kept.
func (fs *flights) forget(f *flight) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.remove(f)
}

// remove gives the room of f to others. It needs the lock.
func (fs *flights) remove(f *flight) {
	fs.size.Add(-1)
	if fs.m[f.key] == f { // not one that took its place
		delete(fs.m, f.key)
	}
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it has one to find already
	}
}
