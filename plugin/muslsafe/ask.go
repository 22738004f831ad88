package muslsafe

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/request"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
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

// crowdedOut stands for all queries of our own that find no room. They have failed, which no verdict takes for a proof.
var crowdedOut = func() *flight {
	f := &flight{rcode: dns.RcodeServerFailure, err: errors.New("too many lookups in flight"), outcome: failure}
	f.landed.Store(true)
	return f
}()

// admit takes a new flight in, unless there is no room and it is one of our own.
func (fs *flights) admit(f *flight) (admitted *flight, isNew bool) {
	if f.ours && fs.size.Load() >= fs.max {
		return crowdedOut, false
	}
	fs.size.Add(1)
	return f, true
}

// keepFailure is for how long a query of a client that failed stands for its half of the pair. The halves of a pair come
// together; and what a client gets for one must be what the verdict on the other builds on. If each of two halves that
// failed were asked for anew and found, both would be told that the other one has the addresses.
const keepFailure = time.Second

// join returns the flight that is equal to f, or f itself, which is then registered and must be started, or
// crowdedOut. When it lands, wake gets an element if it has room. A caller who wants the message, not the outcome alone,
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
	if isKept := fs.takeOut(f); !isKept {
		fs.size.Add(-1)
	}
	f.counts.inFlight.Dec()
	if f.ours {
		f.counts.results[f.outcome].Inc()
		f.counts.duration.Observe(time.Since(f.began).Seconds())
	}
	if f.shared {
		f.copy()
	}
	f.landed.Store(true)
	signal(f.wake)
	for _, wake := range f.wakes {
		signal(wake)
	}
}

// takeOut sees to it that nobody joins f from here on. The failure of a client's query is kept, for what asks about it.
func (fs *flights) takeOut(f *flight) (isKept bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.m[f.key] != f {
		return false
	}
	if f.outcome != failure || f.ours {
		delete(fs.m, f.key)
		return false
	}
	if f.shared {
		f.copy() // before it has landed, as others may see it from now on
		f.shared = false
	}
	f.landed.Store(true)
	time.AfterFunc(keepFailure, func() { fs.forget(f) })
	return true
}

// forget ends the time for which a failure is kept.
func (fs *flights) forget(f *flight) {
	fs.size.Add(-1)
	fs.mu.Lock()
	defer fs.mu.Unlock()
	if fs.m[f.key] == f {
		delete(fs.m, f.key)
	}
}

func signal(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default: // it has one to find already
	}
}

// launch starts a flight: here and now if it can be expected to land at once, else in a goroutine, by fly.
func (p *Muslsafe) launch(f *flight, fly func()) {
	if f.isExpected = p.hints.expect(f); f.isExpected {
		p.fly(f)
		return
	}
	go fly()
}

// fly sends a flight through the chain, or through the whole server, and lands it.
func (p *Muslsafe) fly(f *flight) {
	f.counts.inFlight.Inc()
	defer p.inAir.land(f)
	defer f.crash()
	server, ok := f.Context.Value(dnsserver.Key{}).(*dnsserver.Server)
	if f.key.routed && ok {
		server.ServeDNS(f, f, &f.query)
	} else {
		f.rcode, f.err = p.callNext(f, f, &f.query)
	}
	f.examine(p.inAir.keepAddrs)
	p.hints.learn(f)
}

// callNext hands a query to the next plugin. It is [plugin.NextOrFailure] without the writer that this wraps around
// w, one allocation for each query: that writer tells the metrics who answered, and cannot tell them through
// ours. Spans need the real one.
func (p *Muslsafe) callNext(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if p.Next == nil || opentracing.SpanFromContext(ctx) != nil {
		return plugin.NextOrFailure(p.Name(), p.Next, ctx, w, r)
	}
	return p.Next.ServeDNS(ctx, w, r)
}

// ask sends a query of our own on behalf of the client of q, or joins an equal one. What is asked for another name
// than the client's goes through the whole server, to the server block that owns the name.
func (p *Muslsafe) ask(q *inquiry, name string, qtype uint16) *flight {
	f, isNew := p.inAir.join(newSubquery(q, q.w, name, qtype), q.wait.wake, false)
	if isNew {
		p.launch(f, func() { p.fly(f) })
	}
	return f
}

// askWhole asks for name, with the type that the client of q wants, so that it is answered as over TCP. Nobody joins it:
// what the client needs is the message.
func (p *Muslsafe) askWhole(q *inquiry, name string) *flight {
	f, isNew := p.inAir.admit(newSubquery(q, overTCP{q.w}, name, q.r.Question[0].Qtype))
	if isNew {
		f.wake = q.wait.wake
		go p.fly(f)
	}
	return f
}

// newSubquery prepares a query of our own.
func newSubquery(q *inquiry, w dns.ResponseWriter, name string, qtype uint16) *flight {
	key := keyOf(w, q.r, lower(name), qtype)
	key.routed = key.name != q.name
	f := newFlight(q.ctx, w, q.r, key)
	f.question[0].Name, f.question[0].Qtype = name, qtype
	f.ours, f.counts = true, q.counts
	return f
}

// siblingType returns AAAA for A, and A for AAAA.
func siblingType(qtype uint16) uint16 {
	if qtype == dns.TypeA {
		return dns.TypeAAAA
	}
	return dns.TypeA
}
