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
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/reply"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// bigWinner is an upstream on which the search from firstName ends at originalName, with n addresses, which may be cut over
// UDP.
func bigWinner(n int, isCut bool, overTCP outcome) plugin.Handler {
	return writes(func(r *dns.Msg, isTCP bool) *dns.Msg {
		q := r.Question[0]
		switch {
		case q.Name == inDefault:
			return answer(r, nodata)
		case q.Name != originalName:
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

// TestCompleteBigAnswers has a search end at a name with more addresses than fit, or with an answer that comes cut.
func TestCompleteBigAnswers(t *testing.T) {
	for _, tc := range []struct {
		about   string
		next    plugin.Handler
		more    func(*config)
		isSmall bool // fits clients that take small answers alone
		small   int  // addresses for them; -1 for any number
		udp     int  // addresses for other clients over UDP
		isCut   [2]bool
	}{
		{"many addresses", bigWinner(60, false, data), asItIs, true, -1, 60, [2]bool{true, false}},
		{"many addresses, without fit", bigWinner(60, false, data), without(verdict.Fit), false, 60, 60, [2]bool{false, false}},
		{"cut", bigWinner(3, true, data), asItIs, true, 3, 1, [2]bool{false, true}},
		{"cut, without fit", bigWinner(3, true, data), without(verdict.Fit), true, 1, 1, [2]bool{true, true}},
		{"cut, and TCP fails", bigWinner(3, true, failure), asItIs, true, 1, 1, [2]bool{true, true}},
	} {
		for _, c := range clients[:2] {
			for _, round := range []string{"cold", "warm"} {
				t.Run(fmt.Sprint(tc.about, " over ", c.about, " ", round), func(t *testing.T) {
					p := completing(tc.next, tc.more)
					r := newQuery(firstName, dns.TypeA)
					if c.edns {
						r.SetEdns0(4096, false)
					}
					if round == "warm" {
						serve(t, p, c.w, newQuery(firstName, dns.TypeA))
					}
					m := serve(t, p, c.w, r)
					addresses := addressesOf(m)
					want, isCut := tc.udp, tc.isCut[1]
					if c.isSmall {
						want, isCut = tc.small, tc.isCut[0]
					}
					if want >= 0 && len(addresses) != want || m.Truncated != isCut {
						t.Errorf("%d addresses, TC %v; want %d, %v", len(addresses), m.Truncated, want, isCut)
					}
					if m.Compress = true; c.isSmall && tc.isSmall && m.Len() > reply.SmallSize {
						t.Errorf("%d octets; want at most %d", m.Len(), reply.SmallSize)
					}
				})
			}
		}
	}
}

// TestCompletedReply looks at what becomes of the answer about the name at which the search ends.
func TestCompletedReply(t *testing.T) {
	cname := test.CNAME(originalName + " 40 IN CNAME lb.example.com.")
	a := test.A("lb.example.com. 50 IN A 192.0.2.1")
	ns, odd := test.NS("example.com. 60 IN NS ns.example.com."), test.CAA(originalName+" 4 IN CAA 0 issue \"ca.example.net\"")
	var made *dns.Msg
	p := completing(writes(func(r *dns.Msg, _ bool) *dns.Msg {
		q := r.Question[0]
		m := answer(r, nxdomain)
		switch {
		case q.Name == inDefault:
			m = answer(r, nodata)
		case q.Name == originalName && q.Qtype == dns.TypeA:
			m = answer(r, data)
			m.Answer, m.Ns, m.AuthenticatedData = []dns.RR{odd, cname, a}, []dns.RR{ns}, true
			made = m
		case q.Name == originalName:
			m = answer(r, nodata)
			m.Answer, m.Ns = []dns.RR{cname}, nil
		}
		if q.Name != originalName {
			setSOATTL(m, 600)
		}
		return m
	}), withTTL(100))
	r := newQuery(firstName, dns.TypeA)
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
	if m = serve(t, p, &test.ResponseWriter{}, newQuery(firstName, dns.TypeAAAA)); verdict.OutcomeOf(m, dns.TypeAAAA) != nodata || len(m.Answer) != 2 {
		t.Fatalf("reply about AAAA = %v; want the two aliases", m)
	}
	checkSOA(t, m, originalName, 40)
}

// TestCompletedFailure has AAAA fail at the name at which the search ends. That there is none may be kept briefly.
func TestCompletedFailure(t *testing.T) {
	for _, tc := range []struct {
		aaaa outcome
		ttl  uint32
	}{{nxdomain, 100}, {failure, reply.BriefTTL}} {
		p := completing(writes(func(r *dns.Msg, _ bool) *dns.Msg {
			q := r.Question[0]
			m := answer(r, nxdomain)
			switch {
			case q.Name == inDefault:
				m = answer(r, nodata)
			case q.Name == originalName && q.Qtype == dns.TypeA:
				return answer(r, data)
			case q.Name == originalName:
				m = answer(r, tc.aaaa)
			}
			setSOATTL(m, 600)
			return m
		}), withTTL(100))
		_ = serve(t, p, &test.ResponseWriter{}, newQuery(firstName, dns.TypeA))
		m := serve(t, p, &test.ResponseWriter{}, newQuery(firstName, dns.TypeAAAA))
		if verdict.OutcomeOf(m, dns.TypeAAAA) != nodata || len(m.Answer) != 1 {
			t.Fatalf("reply = %v; want NODATA behind an alias", m)
		}
		if ttl := m.Answer[0].Header().Ttl; ttl > tc.ttl || ttl+1 < tc.ttl { // a second may begin meanwhile
			t.Errorf("AAAA %s: TTL %d; want %d", tc.aaaa, ttl, tc.ttl)
		}
		checkSOA(t, m, originalName, m.Answer[0].Header().Ttl)
	}
}

// TestCompletedRecursion has an upstream that offers no recursion, as authorities do. The completed answer says RA all the
// same, as it is that of this server.
func TestCompletedRecursion(t *testing.T) {
	u := &upstream{script: searchScript(nil)}
	p := completing(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		nw := nonwriter.New(w)
		rcode, err := u.ServeDNS(ctx, nw, r)
		if nw.Msg == nil {
			return rcode, err
		}
		nw.Msg.RecursionAvailable = false
		return rcode, w.WriteMsg(nw.Msg)
	}))
	m, _, err := exchange(t, p, newQuery(firstName, dns.TypeA))
	if err != nil || !m.RecursionAvailable || verdict.OutcomeOf(m, dns.TypeA) != data {
		t.Errorf("reply = %v, %v; want the address, and RA as it was asked for", m, err)
	}
}
