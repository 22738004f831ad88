package muslsafe

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/nonwriter"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// bigWinner is an upstream on which the search ends at www.example.net, with so many addresses, which may be cut over UDP.
func bigWinner(n int, isCut bool, overTCP outcome) plugin.Handler {
	return writes(func(r *dns.Msg, isTCP bool) *dns.Msg {
		q := r.Question[0]
		switch {
		case q.Name == inDefault:
			return answer(r, nodata)
		case q.Name != "www.example.net.":
			return answer(r, nxdomain)
		case isCut && isTCP && overTCP == failure:
			return answer(r, failure)
		}
		m := bigAnswer(q.Name, q.Qtype, 0, 0, n)
		if isCut && !isTCP {
			m.Answer, m.Truncated = m.Answer[:1], true
		}
		return m
	})
}

// TestCompleteBigAnswers has a winner with more addresses than fit, or with an answer that comes cut, for all kinds of
// clients.
func TestCompleteBigAnswers(t *testing.T) {
	for _, tc := range []struct {
		about   string
		next    plugin.Handler
		more    func(*config)
		isSmall bool // fits for clients that take small answers alone
		small   int  // addresses for them; -1 for any number
		udp     int  // addresses for other clients over UDP
		isCut   [2]bool
	}{
		{"many addresses", bigWinner(60, false, data), reporting(false), true, -1, 60, [2]bool{true, false}},
		{"many addresses, without fit", bigWinner(60, false, data), without(fixFit), false, 60, 60, [2]bool{false, false}},
		{"cut", bigWinner(3, true, data), reporting(false), true, 3, 1, [2]bool{false, true}},
		{"cut, without fit", bigWinner(3, true, data), without(fixFit), true, 1, 1, [2]bool{true, true}},
		{"cut, and TCP fails", bigWinner(3, true, failure), reporting(false), true, 1, 1, [2]bool{true, true}},
	} {
		for _, c := range clients[:2] {
			for _, round := range []string{"cold", "warm"} {
				t.Run(fmt.Sprint(tc.about, " over ", c.about, " ", round), func(t *testing.T) {
					p := completing(tc.next, tc.more)
					r := query(firstName, dns.TypeA)
					if c.edns {
						r.SetEdns0(4096, false)
					}
					if round == "warm" {
						serve(t, p, c.w, query(firstName, dns.TypeA))
					}
					m := serve(t, p, c.w, r)
					_, addresses := split(m.Answer, dns.TypeA)
					want, isCut := tc.udp, tc.isCut[1]
					if c.isSmall {
						want, isCut = tc.small, tc.isCut[0]
					}
					if want >= 0 && len(addresses) != want || m.Truncated != isCut {
						t.Errorf("%d addresses, TC %v; want %d, %v", len(addresses), m.Truncated, want, isCut)
					}
					if m.Compress = true; c.isSmall && tc.isSmall && m.Len() > smallSize {
						t.Errorf("%d octets; want at most %d", m.Len(), smallSize)
					}
				})
			}
		}
	}
}

// TestCompletedReply looks at what is kept of the answer about the winner.
func TestCompletedReply(t *testing.T) {
	const last = "www.example.net."
	cname := test.CNAME(last + " 40 IN CNAME lb.example.com.")
	a := test.A("lb.example.com. 50 IN A 192.0.2.1")
	ns, odd := test.NS("example.com. 60 IN NS ns.example.com."), test.CAA(last+" 4 IN CAA 0 issue \"ca.example.net\"")
	var made *dns.Msg
	p := completing(writes(func(r *dns.Msg, _ bool) *dns.Msg {
		q := r.Question[0]
		m := answer(r, nxdomain)
		switch {
		case q.Name == inDefault:
			m = answer(r, nodata)
		case q.Name == last && q.Qtype == dns.TypeA:
			m = answer(r, data)
			m.Answer, m.Ns, m.AuthenticatedData = []dns.RR{odd, cname, a}, []dns.RR{ns}, true
			made = m
		case q.Name == last:
			m = answer(r, nodata)
			m.Answer, m.Ns = []dns.RR{cname}, nil
		}
		if q.Name != last && len(m.Ns) > 0 {
			soa := m.Ns[0].(*dns.SOA)
			soa.Hdr.Ttl, soa.Minttl = 600, 600
		}
		return m
	}), func(cfg *config) { cfg.ttl = 100 })
	r := query(firstName, dns.TypeA)
	m := serve(t, p, &test.ResponseWriter{}, r)
	if m.Id != r.Id || !m.Authoritative || m.AuthenticatedData || len(m.Answer) != 3 || len(m.Ns) != 0 {
		t.Fatalf("reply = %v; want an alias, the one of the winner, and its address", m)
	}
	if ttl := m.Answer[0].Header().Ttl; ttl != 40 {
		t.Errorf("the alias has TTL %d; want 40, as what is behind it", ttl)
	}
	for _, rr := range m.Answer {
		if slices.Contains(made.Answer, rr) {
			t.Errorf("%v belongs to the answer of the upstream", rr)
		}
	}
	if m = serve(t, p, &test.ResponseWriter{}, query(firstName, dns.TypeAAAA)); outcomeOf(m, dns.TypeAAAA) != nodata || len(m.Answer) != 2 {
		t.Fatalf("reply about AAAA = %v; want the two aliases", m)
	}
	checkSOA(t, m, last, 40)
}

// TestCompletedFailure has a half of the winner that fails: that it has none is kept briefly.
func TestCompletedFailure(t *testing.T) {
	for _, tc := range []struct {
		aaaa outcome
		ttl  uint32
	}{{nxdomain, 100}, {failure, briefTTL}} {
		p := completing(writes(func(r *dns.Msg, _ bool) *dns.Msg {
			q := r.Question[0]
			m := answer(r, nxdomain)
			switch {
			case q.Name == inDefault:
				m = answer(r, nodata)
			case q.Name == "www.example.net." && q.Qtype == dns.TypeA:
				return answer(r, data)
			case q.Name == "www.example.net.":
				m = answer(r, tc.aaaa)
			}
			if len(m.Ns) > 0 {
				soa := m.Ns[0].(*dns.SOA)
				soa.Hdr.Ttl, soa.Minttl = 600, 600
			}
			return m
		}), func(cfg *config) { cfg.ttl = 100 })
		m := serve(t, p, &test.ResponseWriter{}, query(firstName, dns.TypeAAAA))
		if outcomeOf(m, dns.TypeAAAA) != nodata || len(m.Answer) != 1 {
			t.Fatalf("reply = %v; want NODATA behind an alias", m)
		}
		if ttl := m.Answer[0].Header().Ttl; ttl > tc.ttl || ttl+1 < tc.ttl { // a second may begin meanwhile
			t.Errorf("AAAA %s: TTL %d; want %d", tc.aaaa, ttl, tc.ttl)
		}
		checkSOA(t, m, "www.example.net.", m.Answer[0].Header().Ttl)
	}
}

// TestCompletedRecursion has an authority for the last name of the search, which offers no recursion. The answer to the
// first one is that of a server which does.
func TestCompletedRecursion(t *testing.T) {
	u := &upstream{script: map[string]step{inDefault + " A": {outcome: nodata}, "www.example.net. A": {outcome: data}}}
	p := completing(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		nw := nonwriter.New(w)
		rcode, err := u.ServeDNS(ctx, nw, r)
		if nw.Msg == nil {
			return rcode, err
		}
		nw.Msg.RecursionAvailable = false
		return rcode, w.WriteMsg(nw.Msg)
	}))
	m, _, err := exchange(t, p, query(firstName, dns.TypeA))
	if err != nil || !m.RecursionAvailable || outcomeOf(m, dns.TypeA) != data {
		t.Errorf("reply = %v, %v; want the address, and RA as it was asked for", m, err)
	}
}
