package reply

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// SmallSize is the longest answer that a client without EDNS takes over UDP, in octets (RFC 1035, section 2.3.4). musl before
// 1.2.4 cannot repeat a query over TCP, and treats an answer that is truncated to nothing as NODATA.
const SmallSize = dns.MinMsgSize

// Fit returns m itself if a client without EDNS can take it: it has at most SmallSize octets, and only aliases and records of
// the asked type in the answer section, because some versions of musl stop reading at others. Otherwise it returns a copy that
// is made to fit, in this order:
//
//  1. records of other types go,
//  2. the authority and additional sections go, except for the SOA of a negative answer,
//  3. a chain of aliases becomes one link, or no link if not even one address fits beside it,
//  4. as many addresses stay as fit, at least one, beginning with number start.
//
// TC is set if and only if addresses are left out, or were before.
func Fit(m *dns.Msg, q dns.Question, start int) *dns.Msg {
	isKept := func(rr dns.RR) bool { return rr.Header().Rrtype == dns.TypeCNAME || rr.Header().Rrtype == q.Qtype }
	isClean := !slices.ContainsFunc(m.Answer, func(rr dns.RR) bool { return !isKept(rr) })
	if isClean && isSmall(m) {
		return m
	}
	c := *m
	c.Answer = slices.DeleteFunc(slices.Clone(m.Answer), func(rr dns.RR) bool { return !isKept(rr) })
	if isSmall(&c) {
		return &c
	}
	chain, addresses := split(c.Answer, q.Qtype)
	c.Ns, c.Extra = nil, nil
	if len(addresses) == 0 {
		c.Ns = slices.DeleteFunc(slices.Clone(m.Ns), isNot(dns.TypeSOA))
		if !isSmall(&c) {
			c.Answer = nil
		}
		return &c
	}
	if isSmall(&c) {
		return &c
	}
	if len(chain) > 0 {
		c.Answer = shorten(chain, addresses, q.Name)
	}
	if !isSmall(&c) {
		cut(&c, q, start)
	}
	return &c
}

// isSmall reports whether m fits, with its names compressed.
func isSmall(m *dns.Msg) bool {
	c := *m
	c.Compress = false
	if c.Len() <= SmallSize {
		return true
	}
	c.Compress = true
	return c.Len() <= SmallSize
}

// split separates the aliases and the addresses of an answer section.
func split(answer []dns.RR, qtype uint16) (chain []*dns.CNAME, addresses []dns.RR) {
	for _, rr := range answer {
		if cname, ok := rr.(*dns.CNAME); ok {
			chain = append(chain, cname)
		} else if rr.Header().Rrtype == qtype {
			addresses = append(addresses, rr)
		}
	}
	return chain, addresses
}

// shorten returns the addresses behind one alias, from qname to the end of the chain.
func shorten(chain []*dns.CNAME, addresses []dns.RR, qname string) []dns.RR {
	end, ttl := qname, addresses[0].Header().Ttl
	for range chain { // at most as many steps as links, so that a loop of aliases ends
		for _, link := range chain {
			if strings.EqualFold(link.Hdr.Name, end) {
				end, ttl = link.Target, min(ttl, link.Hdr.Ttl)
				break
			}
		}
	}
	link := &dns.CNAME{Hdr: dns.RR_Header{Name: qname, Rrtype: dns.TypeCNAME, Class: dns.ClassINET, Ttl: ttl}, Target: end}
	return append([]dns.RR{link}, owned(addresses, end)...)
}

// owned returns copies of the addresses that belong to name.
func owned(addresses []dns.RR, name string) []dns.RR {
	list := make([]dns.RR, len(addresses))
	for i, rr := range addresses {
		list[i] = dns.Copy(rr)
		list[i].Header().Name = name
	}
	return list
}

// cut leaves as many addresses in m as fit. The alias stays if there is room for an address beside it.
func cut(m *dns.Msg, q dns.Question, start int) {
	links, addresses := split(m.Answer, q.Qtype)
	var head []dns.RR
	for _, link := range links {
		head = append(head, link)
	}
	m.Answer = append(slices.Clone(head), addresses[0])
	if !isSmall(m) {
		head, addresses = nil, owned(addresses, q.Name)
	}
	n := len(addresses)
	start %= n
	rotated := slices.Concat(addresses[start:], addresses[:start])
	for {
		m.Answer = slices.Concat(head, rotated[:n])
		if n == 1 || isSmall(m) {
			break
		}
		n -= max(1, (n*16-SmallSize)/32) // an address takes 16 octets or more; come close in few steps
	}
	m.Truncated = m.Truncated || n < len(addresses)
}
