package reply

import (
	"slices"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// An Alias is the answer to one step of a search. It points to the step that has an address.
type Alias struct {
	Target string
	TTL    uint32      // in seconds
	Fix    verdict.Fix // behind the answer
}

// To returns the alias as the answer to r, with the answer m about its target. Its TTL is no longer than any other in the
// chain. If m is nil, the target has no records of the asked type.
func (a Alias) To(r, m *dns.Msg) *dns.Msg {
	link := &dns.CNAME{
		Hdr:    dns.RR_Header{Name: r.Question[0].Name, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: a.TTL},
		Target: a.Target,
	}
	if m == nil {
		c := Denial{Rcode: dns.RcodeSuccess, Zone: a.Target, TTL: a.TTL, Fix: a.Fix}.To(r)
		c.Answer = []dns.RR{link}
		return c
	}
	c := *m
	c.Id, c.Question = r.Id, r.Question
	c.Authoritative = true // for the first owner in the answer (RFC 1035, section 4.1.1)
	c.AuthenticatedData = false
	c.RecursionAvailable = m.RecursionAvailable || r.RecursionDesired // as in a denial
	c.Answer = a.lead(link, m.Answer, r.Question[0].Qtype)
	c.Ns = slices.DeleteFunc(slices.Clone(m.Ns), isNot(dns.TypeSOA))
	if verdict.OutcomeOf(m, r.Question[0].Qtype) == verdict.Nodata && len(c.Ns) == 0 {
		c.Ns = []dns.RR{Denial{Zone: a.Target, TTL: link.Hdr.Ttl}.soa()}
	}
	explain(&c, r, a.Fix)
	return &c
}

// lead returns link, followed by copies of the aliases and the records of qtype in answer.
func (a Alias) lead(link *dns.CNAME, answer []dns.RR, qtype uint16) []dns.RR {
	list := make([]dns.RR, 1, 1+len(answer))
	list[0] = link
	for _, rr := range answer {
		if t := rr.Header().Rrtype; t == dns.TypeCNAME || t == qtype {
			link.Hdr.Ttl = min(link.Hdr.Ttl, rr.Header().Ttl)
			list = append(list, dns.Copy(rr))
		}
	}
	return list
}
