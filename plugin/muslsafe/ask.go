package muslsafe

import (
	"context"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
)

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

// askWhole asks for the records of name of one type so that it is answered as over TCP. Nobody joins it:
// what the client needs is the message.
func (p *Muslsafe) askWhole(q *inquiry, name string, qtype uint16) *flight {
	f, isNew := p.inAir.admit(newSubquery(q, overTCP{q.w}, name, qtype))
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
