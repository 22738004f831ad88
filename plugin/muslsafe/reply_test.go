package muslsafe

import (
	"context"
	"slices"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
)

// The records that an upstream puts into an NXDOMAIN.
var (
	danglingAlias = test.CNAME(plainName + " 60 IN CNAME lb.example.net.")
	glue          = test.A("ns.upstream.example. 60 IN A 192.0.2.53")
	theirOPT      = &dns.OPT{Hdr: dns.RR_Header{Name: ".", Rrtype: dns.TypeOPT}, Option: []dns.EDNS0{&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "aa"}}}
)

// replyCase is an NXDOMAIN about AAAA, which pair makes a NODATA of, as A exists.
type replyCase struct {
	about    string
	name     string
	edns     bool
	upstream func(m *dns.Msg) // what the NXDOMAIN looks like
	zone     string           // owner of the SOA
	ttl      uint32           // of the SOA
	answers  int
}

var replies = []replyCase{
	{"SOA of the upstream stays", plainName, false, func(*dns.Msg) {}, "upstream.example.", 7, 0},
	{"no SOA", plainName, false, func(m *dns.Msg) { m.Ns = nil }, plainName, defaultTTL, 0},
	{"no SOA, expanded", "WWW.corp.Example.ORG.", false, func(m *dns.Msg) { m.Ns = nil }, "corp.Example.ORG.", defaultTTL, 0},
	{"no SOA, in cluster", clusterName, false, func(m *dns.Msg) { m.Ns = nil }, inDefault, defaultTTL, 0},
	{"EDNS", plainName, true, func(*dns.Msg) {}, "upstream.example.", 7, 0},
	{"EDNS on both sides", plainName, true, func(m *dns.Msg) { m.Extra = []dns.RR{theirOPT} }, "upstream.example.", 7, 0},
	{"OPT that nobody asked for", plainName, false, func(m *dns.Msg) { m.Extra = []dns.RR{theirOPT} }, "upstream.example.", 7, 0},
	{"dangling chain", plainName, false, func(m *dns.Msg) { m.Answer = []dns.RR{danglingAlias} }, "upstream.example.", 7, 1},
	{"addresses in a denial", plainName, false, func(m *dns.Msg) {
		m.Answer = []dns.RR{danglingAlias, test.AAAA("lb.example.net. 60 IN AAAA 2001:db8::66")}
	}, "upstream.example.", 7, 1},
	{"additional records", plainName, true, func(m *dns.Msg) { m.Extra = []dns.RR{glue, theirOPT} }, "upstream.example.", 7, 0},
	{"other question", "www.EXAMPLE.com.", false, func(m *dns.Msg) {
		m.Question = []dns.Question{{Name: plainName, Qtype: dns.TypeAAAA, Qclass: dns.ClassINET}}
	}, "upstream.example.", 7, 0},
	{"validated", plainName, false, func(m *dns.Msg) { m.AuthenticatedData = true }, "upstream.example.", 7, 0},
}

// TestReplies looks at that NODATA.
func TestReplies(t *testing.T) {
	for _, tc := range replies {
		t.Run(tc.about, func(t *testing.T) {
			var made, before *dns.Msg
			p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Qtype == dns.TypeA {
					return give(w, r, data)
				}
				if isRandomName(r.Question[0].Name) {
					return give(w, r, nxdomain)
				}
				made = answer(r, nxdomain)
				tc.upstream(made)
				before = made.Copy()
				return dns.RcodeSuccess, w.WriteMsg(made)
			}))
			r := queryWith(tc.name, dns.TypeAAAA, tc.edns)
			m, _, err := exchange(t, p, r)
			if err != nil || verdict.OutcomeOf(m, dns.TypeAAAA) != nodata {
				t.Fatalf("reply = %v, %v; want NODATA", m, err)
			}
			checkReply(t, tc, m, r, before)
			if made.String() != before.String() {
				t.Errorf("the message of the upstream became %v; want it unmodified", made)
			}
		})
	}
}

// checkReply checks a reply to r that was made of before.
func checkReply(t *testing.T, tc replyCase, m, r, before *dns.Msg) {
	t.Helper()
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
}

func hasCookie(rr dns.RR) bool {
	opt, ok := rr.(*dns.OPT)
	return ok && slices.ContainsFunc(opt.Option, func(o dns.EDNS0) bool { return o.Option() == dns.EDNS0COOKIE })
}

// TestDeniedChain has a NODATA at the end of a chain of aliases become an NXDOMAIN. The SOA of the upstream is that of the
// end of the chain, and must not deny the name that was asked for; so ours takes its place.
func TestDeniedChain(t *testing.T) {
	for _, hasAlias := range []bool{false, true} {
		p := testPlugin(writes(func(r *dns.Msg, _ bool) *dns.Msg {
			m := answer(r, nodata)
			if hasAlias {
				m.Answer = []dns.RR{test.CNAME(clusterName + " 60 IN CNAME lb.upstream.example.")}
			}
			return m
		}))
		m, _, _ := exchange(t, p, newQuery(clusterName, dns.TypeA))
		if verdict.OutcomeOf(m, dns.TypeA) != nxdomain || len(m.Answer) != 0 || len(m.Ns) != 1 {
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

// TestOptionsAreNotShared has an upstream whose OPT record has room for one more option, as a slice that grew has. What
// muslsafe adds for its client must not be written there.
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
	m, _, _ := exchange(t, p, queryWith(plainName, dns.TypeAAAA, true))
	checkEDE(t, m, true, "muslsafe pair")
	if got := options[:cap(options)][1]; got != nil {
		t.Errorf("the options of the upstream have %v behind them; want nothing", got)
	}
}

// TestDenialsAreSmall bounds how much bigger than the question a denial is that muslsafe makes, so that somebody who forges
// the address of a client gains little.
func TestDenialsAreSmall(t *testing.T) {
	const factor = 4
	worst := 0.0
	check := func(next plugin.Handler, name string, edns bool) {
		r := queryWith(name, dns.TypeAAAA, edns)
		p := testPlugin(next)
		_ = serve(t, p, &test.ResponseWriter{}, queryWith(name, dns.TypeA, edns))
		m := serve(t, p, &test.ResponseWriter{}, r)
		if m == nil || verdict.OutcomeOf(m, dns.TypeAAAA) == data {
			t.Fatalf("%s: reply = %v; want a denial", name, m)
		}
		worst = max(worst, float64(len(packed(t, m)))/float64(len(packed(t, r))))
	}
	for _, edns := range []bool{false, true} {
		for octets := 40; octets <= 250; octets += 7 {
			check(nil, longName("www", octets-len("svc.cluster.local.example.com."))+"svc.cluster.local.example.com.", edns)
		}
		check(nil, "a.svc.cluster.local.b.", edns)
		check(nil, "a.svc.cluster.local."+longName("b", 230), edns)
		check(answers(data, failure), "a.b.", edns)
		check(answers(data, failure), longName("www", 254), edns)
	}
	if worst > factor || worst < 1 {
		t.Errorf("an answer of %.1f times the question; want at most %d", worst, factor)
	}
	t.Logf("an answer of %.1f times the question at the most", worst)
}
