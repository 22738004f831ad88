package muslsafe

import (
	"maps"
	"math/rand/v2"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/miekg/dns"
)

// pass waits for what goes out and returns it.
func (q *inquiry) pass() (m *dns.Msg, rcode int, err error) {
	if q.own == nil {
		return q.derive()
	}
	for !q.own.landed.Load() {
		<-q.wait.wake
	}
	q.read(q.own, false) // for its panic
	f := q.brought()
	m, rcode, err = f.copied, f.rcode, f.err
	switch {
	case f == q.whole || f == q.wait.own:
		m = f.msg
		if values := metadata.ValueFuncs(q.ctx); values != nil {
			maps.Copy(values, metadata.ValueFuncs(f.Context))
		}
	case m != nil: // the message of an equal query that was in the air already
		m = m.Copy()
		m.Id, m.Question = q.r.Id, q.r.Question
	}
	if m != nil && !plugin.ClientWrite(rcode) {
		rcode = dns.RcodeSuccess // something was written, so nobody may write again
	}
	return m, rcode, err
}

// finished returns an answer that passes, which may be nil, as the client can take it, and the fix that changed it or
// with report would have.
func (q *inquiry) finished(m *dns.Msg) (*dns.Msg, fix) {
	if !q.follows() {
		return q.fitted(m)
	}
	if q.read(q.sibling, true) == failure {
		return m, noFix
	}
	return m, fixIPv4only
}

// brought is the flight whose answer counts for the own half.
func (q *inquiry) brought() *flight {
	if q.whole != nil && q.whole.landed.Load() && q.whole.outcome != failure {
		return q.whole
	}
	return q.own
}

// fitted returns m as the client can take it.
func (q *inquiry) fitted(m *dns.Msg) (*dns.Msg, fix) {
	if m == nil || outcomeOf(m, q.r.Question[0].Qtype) == failure || !q.mustFit() {
		return m, noFix
	}
	small := fit(m, q.r.Question[0], rand.IntN(maxStart))
	if small == m && q.brought() == q.own && !(q.own.isCut && q.p.cfg.report) {
		return m, noFix
	}
	if q.p.cfg.report {
		return m, fixFit
	}
	return small, fixFit
}

// maxStart bounds the number of the address that a cut answer begins with. No answer has as many.
const maxStart = 1 << 16

// derive makes the AAAA half out of the A half, the failure of which is passed on.
func (q *inquiry) derive() (m *dns.Msg, rcode int, err error) {
	rule := ruling{fix: fixIPv4only, verdict: toNodata}
	switch q.sibling.outcome {
	case nxdomain:
		rule.verdict = toNxdomain
	case failure:
		if q.sibling.failed != dns.RcodeSuccess {
			return new(dns.Msg).SetRcode(q.r, q.sibling.failed), dns.RcodeSuccess, nil
		}
		return nil, q.sibling.rcode, q.sibling.err
	}
	return q.negative(rule), dns.RcodeSuccess, nil
}

// negative returns the answer that a ruling asks for, as the client can take it.
func (q *inquiry) negative(rule ruling) *dns.Msg {
	m := q.denied(rule)
	if q.mustFit() {
		return fit(m, q.r.Question[0], 0)
	}
	return m
}

// denied returns the answer that a ruling asks for. An SOA of the upstream is kept where it says as much as ours.
func (q *inquiry) denied(rule ruling) *dns.Msg {
	rcode := dns.RcodeSuccess
	if rule.verdict == toNxdomain {
		rcode = dns.RcodeNameError
	}
	zone, ttl := q.r.Question[0].Name[q.place.at:], q.p.cfg.ttl
	if rule.brief {
		return negative(q.r, rcode, zone, min(ttl, briefTTL), rule.fix)
	}
	f := q.brought()
	if o := q.read(f, true); f != nil && (f == q.whole || f == q.wait.own) && (o == nodata || o == nxdomain) {
		return turned(f.msg, q.r, rcode, zone, ttl, rule.fix)
	}
	return negative(q.r, rcode, zone, ttl, rule.fix)
}
