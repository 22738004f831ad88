package muslsafe

import (
	"maps"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/metadata"
	"github.com/miekg/dns"
)

// pass waits for the client's own half and returns what it brought.
func (q *inquiry) pass() (m *dns.Msg, rcode int, err error) {
	for !q.half().landed.Load() {
		<-q.wait.wake
	}
	q.read(q.half(), false) // for its panic
	if q.own == nil {
		return q.derive()
	}
	m, rcode, err = q.own.copied, q.own.rcode, q.own.err
	switch {
	case q.wait.own == q.own:
		m = q.own.msg
		if values := metadata.ValueFuncs(q.ctx); values != nil {
			maps.Copy(values, metadata.ValueFuncs(q.own.Context))
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
	record(q.ctx, fixIPv4only)
	return q.negative(rule), dns.RcodeSuccess, nil
}

// negative returns the answer that a ruling asks for. An SOA of the upstream is kept where it says as much as ours.
func (q *inquiry) negative(rule ruling) *dns.Msg {
	rcode := dns.RcodeSuccess
	if rule.verdict == toNxdomain {
		rcode = dns.RcodeNameError
	}
	zone, ttl := q.r.Question[0].Name[q.place.at:], q.p.cfg.ttl
	if rule.brief {
		return negative(q.r, rcode, zone, min(ttl, briefTTL), rule.fix)
	}
	if o := q.read(q.own, true); q.wait.own == q.own && (o == nodata || o == nxdomain) {
		return turned(q.own.msg, q.r, rcode, zone, ttl, rule.fix)
	}
	return negative(q.r, rcode, zone, ttl, rule.fix)
}
