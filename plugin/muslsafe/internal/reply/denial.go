// Package reply makes the messages that muslsafe answers with: denials, aliases, and answers that fit. It is pure: it takes
// messages, returns messages, and modifies none of those that it takes.
package reply

import (
	"slices"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// BriefTTL is the TTL, in seconds, of a denial that stands in for a failure.
const BriefTTL = 5

// A Denial is a negative answer: NXDOMAIN, or NODATA if the return code is NOERROR.
type Denial struct {
	Rcode int
	Zone  string      // that it covers: the owner of its SOA
	TTL   uint32      // in seconds
	Fix   verdict.Fix // behind the answer
}

// To returns the denial as an authoritative answer to r without records. The SOA says which zone it covers and for how long
// (RFC 2308, sections 2 and 3).
func (d Denial) To(r *dns.Msg) *dns.Msg {
	// One allocation in place of three: this is the cheapest answer there is.
	all := new(struct {
		dns.Msg
		soa       dns.SOA
		authority [1]dns.RR
	})
	all.soa = *d.soa()
	all.authority[0] = &all.soa
	m := &all.Msg
	m.SetRcode(r, d.Rcode)
	m.Authoritative = true
	m.RecursionAvailable = r.RecursionDesired // as in other answers of a forwarding server
	m.Ns = all.authority[:]
	explain(m, r, d.Fix)
	return m
}

// From returns the denial made of m, a negative answer of an upstream to r with another return code. The upstream's SOA stays
// if possible. A NODATA keeps its aliases, because it is about the end of the chain, and no other records: libcs ignore those
// in an NXDOMAIN and must not see them now. Our NXDOMAIN is about the name that was asked for, so it has no aliases.
func (d Denial) From(m, r *dns.Msg) *dns.Msg {
	c := *m
	c.Rcode = d.Rcode
	c.Authoritative = true
	c.AuthenticatedData = false // nobody has validated our answer
	c.Question = r.Question
	c.Answer = slices.DeleteFunc(slices.Clone(m.Answer), isNot(dns.TypeCNAME))
	isChain := len(c.Answer) > 0 && d.Rcode == dns.RcodeNameError
	if isChain {
		c.Answer = nil
	}
	if isChain || !slices.ContainsFunc(c.Ns, is(dns.TypeSOA)) {
		c.Ns = []dns.RR{d.soa()}
	}
	explain(&c, r, d.Fix)
	return &c
}

// soa returns the SOA of an empty zone in the form of RFC 6303, section 3, with the TTL for denials.
func (d Denial) soa() *dns.SOA {
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: d.Zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: d.TTL},
		Ns:      d.Zone,
		Mbox:    "nobody.invalid.",
		Serial:  1,
		Refresh: 3600,
		Retry:   1200,
		Expire:  604800,
		Minttl:  d.TTL,
	}
}

// DenialTTL returns for how many seconds the denial m holds (RFC 2308, section 5). Without an SOA, it holds briefly.
func DenialTTL(m *dns.Msg) uint32 {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return BriefTTL
}

// explain adds an Extended DNS Error (RFC 8914) that names the fix if the client uses EDNS, and removes an OPT record if it
// does not (RFC 6891, section 7). The additional section of m is replaced, not modified.
func explain(m, r *dns.Msg, f verdict.Fix) {
	opt := r.IsEdns0()
	if opt == nil {
		m.Extra = slices.DeleteFunc(slices.Clone(m.Extra), is(dns.TypeOPT))
		return
	}
	ours := dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	ours.SetUDPSize(opt.UDPSize())
	if theirs := m.IsEdns0(); theirs != nil {
		ours = *theirs
	}
	ours.Option = append(slices.Clip(ours.Option), &dns.EDNS0_EDE{
		InfoCode:  dns.ExtendedErrorCodeSynthesized,
		ExtraText: "muslsafe " + f.String(),
	})
	m.Extra = append(slices.DeleteFunc(slices.Clone(m.Extra), is(dns.TypeOPT)), &ours)
}

func is(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}

func isNot(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype != rrtype }
}
