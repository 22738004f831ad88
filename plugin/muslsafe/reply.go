package muslsafe

import (
	"slices"

	"github.com/miekg/dns"
)

// briefTTL is the TTL, in seconds, of a negative answer that covers for a failure.
const briefTTL = 5

// negative returns an authoritative answer to r without records: NXDOMAIN, or NODATA if rcode is NOERROR. The SOA
// says for which zone it speaks and for how long, in seconds (RFC 2308, sections 2 and 3).
func negative(r *dns.Msg, rcode int, zone string, ttl uint32, f fix) *dns.Msg {
	m := new(dns.Msg)
	m.SetRcode(r, rcode)
	m.Authoritative = true
	m.RecursionAvailable = r.RecursionDesired // as in the other answers of a server that forwards
	m.Ns = []dns.RR{soa(zone, ttl)}
	explain(m, r, f)
	return m
}

// turned returns a copy of m, a negative answer of an upstream to r, with another return code. The SOA of the
// upstream stays if it can; else the SOA is ours, for zone. Aliases stay in a NODATA, which speaks for the end of the
// chain, and nothing else does: libcs ignore the records of a denial, and must not be made to see them. An NXDOMAIN of
// ours speaks for the name that was asked for, so there are no aliases in it.
func turned(m, r *dns.Msg, rcode int, zone string, ttl uint32, f fix) *dns.Msg {
	c := *m
	c.Rcode = rcode
	c.Authoritative = true
	c.AuthenticatedData = false // nobody validated what we say
	c.Question = r.Question
	c.Answer = slices.DeleteFunc(slices.Clone(m.Answer), func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeCNAME })
	isChain := len(c.Answer) > 0 && rcode == dns.RcodeNameError
	if isChain {
		c.Answer = nil
	}
	if isChain || !slices.ContainsFunc(c.Ns, isType(dns.TypeSOA)) {
		c.Ns = []dns.RR{soa(zone, ttl)}
	}
	explain(&c, r, f)
	return &c
}

// aliased returns the answer to r that leads over link to what m says about its target. The link, which is modified, is
// kept no longer than anything behind it. Nothing of m is.
func aliased(m, r *dns.Msg, link *dns.CNAME) *dns.Msg {
	c := *m
	c.Id, c.Question = r.Id, r.Question
	c.Authoritative = true // which speaks for the first owner in the answer (RFC 1035, section 4.1.1)
	c.AuthenticatedData = false
	c.RecursionAvailable = m.RecursionAvailable || r.RecursionDesired // as in negative
	c.Answer = make([]dns.RR, 1, 1+len(m.Answer))
	c.Answer[0] = link
	for _, rr := range m.Answer {
		if t := rr.Header().Rrtype; t == dns.TypeCNAME || t == r.Question[0].Qtype {
			link.Hdr.Ttl = min(link.Hdr.Ttl, rr.Header().Ttl)
			c.Answer = append(c.Answer, dns.Copy(rr))
		}
	}
	c.Ns = slices.DeleteFunc(slices.Clone(m.Ns), func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeSOA })
	if outcomeOf(m, r.Question[0].Qtype) == nodata && len(c.Ns) == 0 {
		c.Ns = []dns.RR{soa(link.Target, link.Hdr.Ttl)}
	}
	explain(&c, r, fixComplete)
	return &c
}

// soa returns the SOA of an empty zone as RFC 6303, section 3, makes it, with the TTL for negative answers.
func soa(zone string, ttl uint32) *dns.SOA {
	return &dns.SOA{
		Hdr:     dns.RR_Header{Name: zone, Rrtype: dns.TypeSOA, Class: dns.ClassINET, Ttl: ttl},
		Ns:      zone,
		Mbox:    "nobody.invalid.",
		Serial:  1,
		Refresh: 3600,
		Retry:   1200,
		Expire:  604800,
		Minttl:  ttl,
	}
}

// negativeTTL returns for how many seconds m holds that there is nothing (RFC 2308, section 5). If it does not say, it
// holds briefly.
func negativeTTL(m *dns.Msg) uint32 {
	for _, rr := range m.Ns {
		if soa, ok := rr.(*dns.SOA); ok {
			return min(soa.Hdr.Ttl, soa.Minttl)
		}
	}
	return briefTTL
}

// explain adds an Extended DNS Error (RFC 8914) that names the fix, if the client speaks EDNS, and removes an OPT
// record if it does not (RFC 6891, section 7). The additional section of m is replaced,
// not modified.
func explain(m, r *dns.Msg, f fix) {
	opt := r.IsEdns0()
	if opt == nil {
		m.Extra = slices.DeleteFunc(slices.Clone(m.Extra), isType(dns.TypeOPT))
		return
	}
	ours := dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}}
	ours.SetUDPSize(opt.UDPSize())
	if theirs := m.IsEdns0(); theirs != nil {
		ours = *theirs
	}
	ours.Option = append(slices.Clip(ours.Option), &dns.EDNS0_EDE{
		InfoCode:  dns.ExtendedErrorCodeSynthesized,
		ExtraText: pluginName + " " + f.String(),
	})
	m.Extra = append(slices.DeleteFunc(slices.Clone(m.Extra), isType(dns.TypeOPT)), &ours)
}

func isType(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}
