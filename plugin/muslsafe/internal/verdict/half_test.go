package verdict

import (
	"fmt"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

func TestOutcomeOf(t *testing.T) {
	reply := func(rcode int, rrs ...dns.RR) *dns.Msg {
		return &dns.Msg{MsgHdr: dns.MsgHdr{Rcode: rcode}, Answer: rrs}
	}
	a := test.A("lb.example.net. 60 IN A 192.0.2.1")
	cname := test.CNAME("www.example.com. 60 IN CNAME lb.example.net.")
	truncated := reply(dns.RcodeSuccess)
	truncated.Truncated = true

	tests := []struct {
		about string
		m     *dns.Msg
		want  Outcome
	}{
		{"nothing written", nil, Failed},
		{"address", reply(dns.RcodeSuccess, a), Data},
		{"chain with address", reply(dns.RcodeSuccess, cname, a), Data},
		{"chain without address", reply(dns.RcodeSuccess, cname), Nodata},
		{"other family", reply(dns.RcodeSuccess, test.AAAA("www.example.com. 60 IN AAAA 2001:db8::1")), Nodata},
		{"empty", reply(dns.RcodeSuccess), Nodata},
		{"truncated to nothing", truncated, Data},
		{"no such name", reply(dns.RcodeNameError), Nxdomain},
		{"dangling chain", reply(dns.RcodeNameError, cname), Nxdomain},
		{"address in a denial", reply(dns.RcodeNameError, a), Nxdomain},
		{"SERVFAIL", reply(dns.RcodeServerFailure), Failed},
		{"REFUSED", reply(dns.RcodeRefused), Failed},
		{"NOTIMP", reply(dns.RcodeNotImplemented), Failed},
		{"FORMERR", reply(dns.RcodeFormatError), Failed},
		{"extended return code", reply(dns.RcodeBadVers), Failed},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			if got := OutcomeOf(tc.m, dns.TypeA); got != tc.want {
				t.Errorf("OutcomeOf = %s; want %s", got, tc.want)
			}
		})
	}
}

// TestAddresses has a message with records of all kinds, from which the Addresses of one type are taken.
func TestAddresses(t *testing.T) {
	m := &dns.Msg{Answer: []dns.RR{
		test.CNAME("www.example.org. 60 IN CNAME lb.example.org."),
		test.AAAA("lb.example.org. 60 IN AAAA 2001:db8::2"), test.A("lb.example.org. 60 IN A 192.0.2.2"),
		test.AAAA("lb.example.org. 60 IN AAAA 2001:db8::1"), test.A("lb.example.org. 60 IN A 192.0.2.1"),
	}}
	for qtype, want := range map[uint16]string{dns.TypeA: "[192.0.2.1 192.0.2.2]", dns.TypeAAAA: "[2001:db8::1 2001:db8::2]"} {
		if got := fmt.Sprint(Addresses(m, qtype)); got != want {
			t.Errorf("Addresses of %s = %s; want %s", dns.TypeToString[qtype], got, want)
		}
	}
}
