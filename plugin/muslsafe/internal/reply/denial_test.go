package reply

import (
	"fmt"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

func TestDenialTTL(t *testing.T) {
	soa := func(ttl, minimum uint32) *dns.Msg {
		return &dns.Msg{Ns: []dns.RR{
			test.NS("example.org. 60 IN NS ns.example.org."),
			test.SOA(fmt.Sprintf("example.org. %d IN SOA ns.example.org. mail.example.org. 1 2 3 4 %d", ttl, minimum)),
		}}
	}
	for _, tc := range []struct {
		about string
		m     *dns.Msg
		want  uint32
	}{
		{"TTL of the SOA", soa(7, 9), 7},
		{"MINIMUM of the SOA", soa(9, 7), 7},
		{"no SOA", new(dns.Msg), BriefTTL},
	} {
		if got := DenialTTL(tc.m); got != tc.want {
			t.Errorf("%s: %d; want %d", tc.about, got, tc.want)
		}
	}
}
