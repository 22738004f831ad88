// Package muslsafe implements a CoreDNS plugin that makes the answers of a DNS server safe for programs that are
// linked with musl, whose resolver is strict where that of glibc is forgiving.
package muslsafe

import (
	"context"
	"time"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"golang.org/x/sync/singleflight"
)

// Muslsafe keeps answers from clients that would make the resolver of musl fail or wait. It is safe for
// concurrent use.
type Muslsafe struct {
	Next plugin.Handler

	cfg     *config
	inAir   flights
	probes  probes
	hints   hints
	choices choices
	denials denials
	walks   singleflight.Group
	pairs   *pairTable   // nil unless clients are counted
	waiters chan *waiter // free ones
}

func newMuslsafe(next plugin.Handler, cfg *config) *Muslsafe {
	p := &Muslsafe{
		hints:   newHints(),
		choices: newChoices(),
		denials: newDenials(),
		Next:    next,
		cfg:     cfg,
		inAir:   flights{m: make(map[flightKey]*flight), max: maxFlights, keepAddrs: cfg.enabled[fixWildcard]},
		waiters: make(chan *waiter, maxWaiters),
	}
	if cfg.clients {
		p.pairs = newPairTable()
	}
	return p
}

// Name implements [plugin.Handler].
func (p *Muslsafe) Name() string { return pluginName }

// ServeDNS implements [plugin.Handler].
func (p *Muslsafe) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	if isWatched(ctx) { // part of a query that is judged already
		return plugin.NextOrFailure(p.Name(), p.Next, ctx, w, r)
	}
	counts := seriesOf(ctx)
	if !concerns(r) {
		counts.queries[untouched].Inc()
		return plugin.NextOrFailure(p.Name(), p.Next, ctx, w, r)
	}
	name := lower(r.Question[0].Name)
	if !p.cfg.covers(name) {
		counts.queries[untouched].Inc()
		return plugin.NextOrFailure(p.Name(), p.Next, withWatch(ctx), w, r)
	}
	if p.pairs != nil && asksAddress(r) {
		p.countClient(w, r, name, counts)
	}
	var began time.Time // of what has been done about the query so far
	if p.cfg.enabled[fixComplete] && asksAddress(r) && !p.inAir.isCrowded() {
		var m *dns.Msg
		if m, began = p.complete(ctx, w, r, name, counts); m != nil {
			return p.serveCompleted(ctx, w, r, m, counts)
		}
	}
	if at, ok := p.cfg.suffixes.leak(name); ok && p.cfg.enabled[fixLeak] {
		return p.serveLeak(ctx, w, r, at, counts)
	}
	if !asksAddress(r) || !p.cfg.judges() {
		counts.record(ctx, noFix)
		return plugin.NextOrFailure(p.Name(), p.Next, ctx, w, r)
	}
	if p.inAir.isCrowded() {
		counts.queries[crowded].Inc()
		return plugin.NextOrFailure(p.Name(), p.Next, withWatch(ctx), w, r)
	}
	return p.servePair(ctx, w, r, name, began, counts)
}

// concerns reports whether r is a query that muslsafe may answer or judge. A client that sets DO or CD validates
// and must see what was signed (RFC 4035, section 3.2). One that signs its query takes a signed answer alone (RFC 8945,
// section 5.3): where tsig stands behind muslsafe, as in CoreDNS 1.13, it has not taken the TSIG record away yet.
func concerns(r *dns.Msg) bool {
	if len(r.Question) != 1 || r.Question[0].Qclass != dns.ClassINET || r.Opcode != dns.OpcodeQuery {
		return false
	}
	opt := r.IsEdns0()
	return !r.CheckingDisabled && r.IsTsig() == nil && (opt == nil || !opt.Do())
}

func asksAddress(r *dns.Msg) bool {
	return r.Question[0].Qtype == dns.TypeA || r.Question[0].Qtype == dns.TypeAAAA
}

// serveCompleted answers the first query of a search with what the whole search finds.
func (p *Muslsafe) serveCompleted(ctx context.Context, w dns.ResponseWriter, r, m *dns.Msg, counts *series) (int, error) {
	counts.record(ctx, fixComplete)
	if p.cfg.report {
		return plugin.NextOrFailure(p.Name(), p.Next, ctx, w, r)
	}
	return dns.RcodeSuccess, w.WriteMsg(m)
}

// serveLeak denies a name, of which the part from offset at on cannot exist.
func (p *Muslsafe) serveLeak(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, at int, counts *series) (int, error) {
	counts.record(ctx, fixLeak)
	if p.cfg.report {
		return plugin.NextOrFailure(p.Name(), p.Next, ctx, w, r)
	}
	return dns.RcodeSuccess, w.WriteMsg(negative(r, dns.RcodeNameError, r.Question[0].Name[at:], p.cfg.ttl, fixLeak))
}

// servePair asks the rest of the chain, judges what it writes together with what else the verdict needs, and writes
// the result.
func (p *Muslsafe) servePair(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string, began time.Time, counts *series) (int, error) {
	q := inquiry{p: p, ctx: ctx, w: w, r: r, name: name, began: began, counts: counts}
	q.begin()
	defer q.close()

	rule := q.settle()
	if !q.mayDeny(rule) {
		rule = ruling{verdict: pass}
	}
	if rule.verdict != pass {
		q.counts.record(q.ctx, rule.fix)
		if !q.p.cfg.report {
			return dns.RcodeSuccess, q.w.WriteMsg(q.negative(rule))
		}
	}
	reply, rcode, err := q.pass()
	if rule.verdict == pass {
		reply, rule.fix = q.finished(reply)
		q.counts.record(q.ctx, rule.fix)
	}
	if reply == nil {
		return rcode, err
	}
	if werr := q.w.WriteMsg(reply); err == nil {
		err = werr
	}
	return rcode, err
}
