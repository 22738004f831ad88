// Package sample makes messages for tests: queries, what upstreams answer, and answers that are too big.
package sample

import (
	"fmt"
	"net"
	"strings"

	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// Query returns a query of a stub resolver.
func Query(name string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, qtype) }

// Answer returns an upstream's answer to r, with the upstream's own SOA in denials.
func Answer(r *dns.Msg, o verdict.Outcome) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(r)
	m.RecursionAvailable = true
	q := r.Question[0]
	switch o {
	case verdict.Failed:
		m.Rcode = dns.RcodeServerFailure
	case verdict.Data:
		m.Answer = []dns.RR{Address(q.Name, q.Qtype, 1)}
	default:
		m.Ns = []dns.RR{&dns.SOA{
			Hdr: header("upstream.example.", dns.TypeSOA, 7), Ns: "ns.upstream.example.", Mbox: "mail.upstream.example.",
			Serial: 1, Refresh: 2, Retry: 3, Expire: 4, Minttl: 5,
		}}
		if o == verdict.Nxdomain {
			m.Rcode = dns.RcodeNameError
		}
	}
	return m
}

// Address returns an address record with the n-th address, which is in the documentation ranges if n is below 256.
func Address(owner string, qtype uint16, n int) dns.RR {
	if qtype == dns.TypeAAAA {
		return &dns.AAAA{Hdr: header(owner, qtype, 60), AAAA: net.ParseIP(fmt.Sprintf("2001:db8::%x", n))}
	}
	return &dns.A{Hdr: header(owner, dns.TypeA, 60), A: net.IPv4(192, 0, 2+byte(n>>8), byte(n))}
}

func header(owner string, rrtype uint16, ttl uint32) dns.RR_Header {
	return dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET, Ttl: ttl}
}

// Big returns an answer about qname with a chain of links aliases of the given octets each, and n addresses at its end.
func Big(qname string, qtype uint16, links, octets, n int) *dns.Msg {
	m := new(dns.Msg).SetReply(Query(qname, qtype))
	owner := qname
	for i := range links {
		target := LongName(fmt.Sprintf("link%d", i), octets)
		m.Answer = append(m.Answer, &dns.CNAME{Hdr: header(owner, dns.TypeCNAME, uint32(300-i)), Target: target})
		owner = target
	}
	for i := range n {
		m.Answer = append(m.Answer, Address(owner, qtype, i))
	}
	return m
}

// LongName returns a name of the given octets on the wire, which has no suffix in common with others.
func LongName(start string, octets int) string {
	name := start
	for left := octets - len(name) - 2; left > len(start)+1; left = octets - len(name) - 2 {
		name += "." + start + strings.Repeat("x", min(63, left-1)-len(start))
	}
	return name + "."
}
