package muslsafe

import (
	"slices"

	"github.com/miekg/dns"
)

// denial returns an authoritative NXDOMAIN for r. The SOA says for which zone it speaks and for how long, in
// seconds (RFC 2308, section 3).
func denial(r *dns.Msg, zone string, ttl uint32, f fix) *dns.Msg {
	m := new(dns.Msg)
	m.SetRcode(r, dns.RcodeNameError)
	m.Authoritative = true
	m.Ns = []dns.RR{soa(zone, ttl)}
	explain(m, r, f)
	return m
}

// asNodata returns a copy of m, the NXDOMAIN of an upstream for r, that says NODATA instead (RFC 2308, section
// 2.2). The upstream's SOA stays if there is one; else the SOA is ours, for zone.
func asNodata(m, r *dns.Msg, zone string, ttl uint32, f fix) *dns.Msg {
	c := *m
	c.Rcode = dns.RcodeSuccess
	c.Authoritative = true
	c.AuthenticatedData = false // nobody validated what we say
	c.Question = r.Question
	if !slices.ContainsFunc(c.Ns, isType(dns.TypeSOA)) {
		c.Ns = []dns.RR{soa(zone, ttl)}
	}
	explain(&c, r, f)
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

// explain adds an Extended DNS Error (RFC 8914) that names the fix, if the client speaks EDNS, and takes care
// that there is no OPT record if it does not (RFC 6891, section 7). The additional section of m is replaced,
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
