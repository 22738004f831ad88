package muslsafe

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/miekg/dns"
)

// complete returns an answer to the first query of a search with what the whole search finds, and when it began. There is
// none where the client is left to search by itself, which is never wrong: what it asks for exists nowhere, and it
// is told so.
func (p *Muslsafe) complete(ctx context.Context, w dns.ResponseWriter, r *dns.Msg, name string, counts *series) (*dns.Msg, time.Time) {
	s, ok := p.cfg.suffixes.firstStep(name)
	if !ok {
		return nil, time.Time{}
	}
	q := inquiry{p: p, ctx: ctx, w: w, r: r, name: name, counts: counts}
	return q.complete(s), q.began
}

func (q *inquiry) complete(s search) *dns.Msg {
	q.open()
	defer q.close()

	found := q.choose(s)
	if found.winner == "" {
		return nil
	}
	o, m := nodata, (*dns.Msg)(nil) // of AAAA, if it follows from A
	qtype := q.r.Question[0].Qtype
	if !q.follows() {
		o, m = q.fetch(found)
	}
	if o != data && !found.has[halfOf(siblingType(qtype))] {
		q.p.choices.forget(found.choice) // it has no address any more
		return nil
	}
	if o == failure && !q.claim() {
		return new(dns.Msg).SetRcode(q.r, dns.RcodeServerFailure)
	}
	reply := q.completed(found.choice, o, m)
	if q.mustFit() {
		return fit(reply, q.r.Question[0], rand.IntN(maxStart))
	}
	return reply
}

// fetch returns the client's half of the pair of the winner. There is a message if that is data or nodata; it must not
// be modified.
func (q *inquiry) fetch(found walked) (outcome, *dns.Msg) {
	qtype := q.r.Question[0].Qtype
	var f *flight
	if found.pair != nil && found.pair[halfOf(qtype)].landed.Load() {
		f = found.pair[halfOf(qtype)]
	} else {
		f = q.p.ask(q, found.winner, qtype)
	}
	o := q.await(f)
	if o == data && f.isCut && q.mustFit() {
		if whole := q.p.askWhole(q, found.winner, qtype); q.await(whole) == data {
			f = whole
		}
	}
	if o != data && o != nodata {
		return o, nil
	}
	return o, f.msg
}

// completed makes the reply: an alias from the question to the winner, and what m says about that.
func (q *inquiry) completed(c *choice, o outcome, m *dns.Msg) *dns.Msg {
	ttl := c.ttl(q.began)
	if o == failure {
		ttl = min(ttl, briefTTL)
	}
	link := &dns.CNAME{
		Hdr:    dns.RR_Header{Name: q.r.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl},
		Target: c.winner,
	}
	if m != nil {
		return aliased(m, q.r, link)
	}
	reply := negative(q.r, dns.RcodeSuccess, c.winner, ttl, fixComplete)
	reply.Answer = []dns.RR{link}
	return reply
}
