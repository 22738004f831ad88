package muslsafe

import (
	"context"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// TestReplies looks at what pair makes of an NXDOMAIN.
func TestReplies(t *testing.T) {
	cname := test.CNAME("www.example.com. 60 IN CNAME lb.example.net.")
	extra := test.A("ns.upstream.example. 60 IN A 192.0.2.53")
	theirs := &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "aa"}}}
	tests := []struct {
		about    string
		name     string
		edns     bool
		upstream func(m *dns.Msg) // what the NXDOMAIN looks like
		zone     string           // owner of the SOA
		ttl      uint32           // of the SOA
		answers  int
	}{
		{"SOA of the upstream stays", "www.example.com.", false, func(*dns.Msg) {}, "upstream.example.", 7, 0},
		{"no SOA", "www.example.com.", false, func(m *dns.Msg) { m.Ns = nil }, "www.example.com.", defaultTTL, 0},
		{"no SOA, expanded", "WWW.corp.Example.ORG.", false, func(m *dns.Msg) { m.Ns = nil }, "corp.Example.ORG.", defaultTTL, 0},
		{"no SOA, in cluster", "web.default.svc.cluster.local.", false, func(m *dns.Msg) { m.Ns = nil }, "default.svc.cluster.local.", defaultTTL, 0},
		{"EDNS", "www.example.com.", true, func(*dns.Msg) {}, "upstream.example.", 7, 0},
		{"EDNS on both sides", "www.example.com.", true, func(m *dns.Msg) { m.Extra = []dns.RR{theirs} }, "upstream.example.", 7, 0},
		{"OPT that nobody asked for", "www.example.com.", false, func(m *dns.Msg) { m.Extra = []dns.RR{theirs} }, "upstream.example.", 7, 0},
		{"dangling chain", "www.example.com.", false, func(m *dns.Msg) { m.Answer = []dns.RR{cname} }, "upstream.example.", 7, 1},
		{"addresses in a denial", "www.example.com.", false, func(m *dns.Msg) {
			m.Answer = []dns.RR{cname, test.AAAA("lb.example.net. 60 IN AAAA 2001:db8::66")}
		}, "upstream.example.", 7, 1},
		{"additional records", "www.example.com.", true, func(m *dns.Msg) { m.Extra = []dns.RR{extra, theirs} }, "upstream.example.", 7, 0},
		{"other question", "www.EXAMPLE.com.", false, func(m *dns.Msg) {
			m.Question = []dns.Question{{Name: "www.example.com.", Qtype: dns.TypeAAAA, Qclass: dns.ClassINET}}
		}, "upstream.example.", 7, 0},
		{"validated", "www.example.com.", false, func(m *dns.Msg) { m.AuthenticatedData = true }, "upstream.example.", 7, 0},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			var made, before *dns.Msg
			p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Qtype == dns.TypeA {
					return dns.RcodeSuccess, w.WriteMsg(answer(r, data))
				}
				made = answer(r, nxdomain)
				tc.upstream(made)
				before = made.Copy()
				return dns.RcodeSuccess, w.WriteMsg(made)
			}))
			r := query(tc.name, dns.TypeAAAA)
			if tc.edns {
				r.SetEdns0(1232, false)
			}
			m, _, err := exchange(t, p, r)
			if err != nil || outcomeOf(m, dns.TypeAAAA) != nodata {
				t.Fatalf("reply = %v, %v; want NODATA", m, err)
			}
			if !m.Authoritative || m.AuthenticatedData || m.Question[0] != r.Question[0] || len(m.Answer) != tc.answers {
				t.Errorf("reply = %v; want it authoritative, not validated, to the question as it was asked, with %d answers", m, tc.answers)
			}
			i := slices.IndexFunc(m.Ns, isType(dns.TypeSOA))
			if i < 0 || m.Ns[i].Header().Name != tc.zone || m.Ns[i].Header().Ttl != tc.ttl {
				t.Errorf("authority = %v; want the SOA of %q with TTL %d", m.Ns, tc.zone, tc.ttl)
			}
			checkEDE(t, m, tc.edns, "muslsafe pair")
			if slices.ContainsFunc(before.Extra, hasCookie) != slices.ContainsFunc(m.Extra, hasCookie) && tc.edns {
				t.Errorf("additional section = %v; want the cookie of the upstream in it", m.Extra)
			}
			if n := len(before.Extra); tc.edns && n > 0 && len(m.Extra) != n {
				t.Errorf("additional section = %v; want all %d records", m.Extra, n)
			}
			if made.String() != before.String() {
				t.Errorf("the message of the upstream became %v; want it unmodified", made)
			}
		})
	}
}

func hasCookie(rr dns.RR) bool {
	opt, ok := rr.(*dns.OPT)
	return ok && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0COOKIE })
}

func checkEDE(t *testing.T, m *dns.Msg, edns bool, text string) {
	t.Helper()
	opt := m.IsEdns0()
	if !edns {
		if opt != nil {
			t.Errorf("reply has %v; the client sent no OPT", opt)
		}
		return
	}
	if opt == nil {
		t.Fatal("reply has no OPT")
	}
	if opt.Hdr.Name != "." || opt.UDPSize() == 0 && m.Rcode != dns.RcodeSuccess {
		t.Errorf("OPT = %v; want a size, at the root", opt)
	}
	i := slices.IndexFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0EDE })
	if i < 0 {
		t.Fatalf("no Extended DNS Error in %v", opt)
	}
	if ede := opt.Option[i].(*dns.EDNS0_EDE); ede.InfoCode != 29 || ede.ExtraText != text {
		t.Errorf("Extended DNS Error = %d %q; want 29 %q", ede.InfoCode, ede.ExtraText, text)
	}
}

func TestLeakEDE(t *testing.T) {
	r := query(leaked, dns.TypeA)
	r.SetEdns0(1232, false)
	m, _, _ := exchange(t, testPlugin(nil), r)
	checkEDE(t, m, true, "muslsafe leak")
}

// TestDeniedChain has a NODATA at the end of a chain of aliases become an NXDOMAIN: the SOA of the upstream speaks for the
// end of the chain, and must not deny the name that was asked for; ours does.
func TestDeniedChain(t *testing.T) {
	for _, hasAlias := range []bool{false, true} {
		p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
			m := answer(r, nodata)
			if hasAlias {
				m.Answer = []dns.RR{test.CNAME(clusterName + " 60 IN CNAME lb.upstream.example.")}
			}
			return m
		}))
		m, _, _ := exchange(t, p, query(clusterName, dns.TypeA))
		if outcomeOf(m, dns.TypeA) != nxdomain || len(m.Answer) != 0 || len(m.Ns) != 1 {
			t.Fatalf("alias %v: reply = %v; want NXDOMAIN with an SOA alone", hasAlias, m)
		}
		want := "upstream.example."
		if hasAlias {
			want = "default.svc.cluster.local."
		}
		if got := m.Ns[0].Header().Name; got != want {
			t.Errorf("alias %v: SOA of %s; want that of %s", hasAlias, got, want)
		}
	}
}

// TestOptionsAreNotShared has an upstream whose OPT record has room for one more option, as a slice that grew has: what is
// put into the reply must not be put there.
func TestOptionsAreNotShared(t *testing.T) {
	options := append(make([]dns.EDNS0, 0, 4), &dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "aa"})
	p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
		if r.Question[0].Qtype == dns.TypeA {
			return answer(r, data)
		}
		m := answer(r, nxdomain)
		m.Extra = []dns.RR{&dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: options}}
		return m
	}))
	r := query(plainName, dns.TypeAAAA)
	r.SetEdns0(1232, false)
	m, _, _ := exchange(t, p, r)
	checkEDE(t, m, true, "muslsafe pair")
	if got := options[:cap(options)][1]; got != nil {
		t.Errorf("the options of the upstream have %v behind them; want nothing", got)
	}
}
