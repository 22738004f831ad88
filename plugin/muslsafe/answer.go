package muslsafe

import (
	"math/rand/v2"

	"github.com/coredns/coredns/plugin"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// denial returns the answer that a ruling asks for, in a form that the client can take. The upstream's SOA is kept if it
// says as much as ours would.
func (p *pair) denial(ruling verdict.Ruling) *dns.Msg {
	d := reply.Denial{Zone: p.Query.Question[0].Name[p.expansion.At:], TTL: p.cfg.ttl, Fix: ruling.Fix}
	if ruling.Verdict == verdict.ToNxdomain {
		d.Rcode = dns.RcodeNameError
	}
	if ruling.IsBrief {
		d.TTL = min(d.TTL, reply.BriefTTL)
	}
	m := d.To(p.Query)
	if o := p.best().Half().Outcome; !ruling.IsBrief && (o == verdict.Nodata || o == verdict.Nxdomain) {
		if theirs, _, _ := p.Take(p.best()); theirs != nil {
			m = d.From(theirs, p.Query)
		}
	}
	if p.mustFit() {
		return reply.Fit(m, p.Query.Question[0], 0)
	}
	return m
}

// best is the lookup whose answer counts for the own half: the one over TCP if that brought more.
func (p *pair) best() *lookup.Lookup {
	if p.overTCP.Half().IsAnswer() {
		return p.overTCP
	}
	return p.Own()
}

// answer writes what a ruling asks for. A report only counts it, and the client's own answer passes.
func (p *pair) answer(ruling verdict.Ruling) (int, error) {
	if ruling.Verdict != verdict.Pass {
		p.counts.record(p.Context, ruling.Fix)
		if !p.cfg.report {
			return dns.RcodeSuccess, p.Writer.WriteMsg(p.denial(ruling))
		}
	}
	m, rcode, err := p.take()
	if ruling.Verdict == verdict.Pass {
		return p.pass(m, rcode, err)
	}
	return send(p.Writer, m, rcode, err)
}

// take waits for the answer and returns it. An AAAA half that follows from A fails as A does.
func (p *pair) take() (m *dns.Msg, rcode int, err error) {
	if p.Own() == nil {
		isWritten, rcode, err := p.sibling.Best().Failure()
		if !isWritten {
			return nil, rcode, err
		}
		return new(dns.Msg).SetRcode(p.Query, rcode), dns.RcodeSuccess, nil
	}
	p.WaitFor(p.Own())
	p.Own().Raise()
	return p.Take(p.best())
}

// pass counts and writes an answer that passes, which may be nil, in a form that the client can take.
func (p *pair) pass(m *dns.Msg, rcode int, err error) (int, error) {
	m, f := p.fitted(m)
	p.counts.record(p.Context, f)
	return send(p.Writer, m, rcode, err)
}

// send writes a message, if there is one, and returns what ServeDNS has to return.
func send(w dns.ResponseWriter, m *dns.Msg, rcode int, err error) (int, error) {
	if m == nil {
		return rcode, err
	}
	if !plugin.ClientWrite(rcode) {
		rcode = dns.RcodeSuccess // something is written, so nobody may write again
	}
	if werr := w.WriteMsg(m); err == nil {
		err = werr
	}
	return rcode, err
}

// fitted returns m, which may be nil, in a form that the client can take. It also returns the fix if that changes m, or with
// report would.
func (p *pair) fitted(m *dns.Msg) (*dns.Msg, verdict.Fix) {
	if m == nil || verdict.OutcomeOf(m, p.Qtype()) == verdict.Failed || p.isDerived || !p.mustFit() {
		return m, verdict.None
	}
	small := reply.Fit(m, p.Query.Question[0], rand.IntN(maxStart))
	isSame := small == m && p.overTCP == nil
	switch {
	case p.cfg.report && (!isSame || m.Truncated):
		return m, verdict.Fit
	case isSame || p.overTCP != nil && p.best() == p.Own() && small == m:
		return m, verdict.None
	}
	return small, verdict.Fit
}

// maxStart bounds the random number of the address that a truncated answer begins with. No answer has as many addresses.
const maxStart = 1 << 16
