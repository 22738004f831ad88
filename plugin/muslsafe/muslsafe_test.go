package muslsafe

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/mocktracer"
)

// TestOtherTypesAreNotJudged checks that muslsafe passes denials of other types than A and AAAA, and asks nothing.
func TestOtherTypesAreNotJudged(t *testing.T) {
	next := counted(answers(nxdomain, data))
	for _, qtype := range []uint16{dns.TypeMX, dns.TypeTXT, dns.TypeSRV, dns.TypeHTTPS, dns.TypeANY} {
		m, _, _ := exchange(t, testPlugin(next), newQuery(plainName, qtype))
		if m.Rcode != dns.RcodeNameError {
			t.Errorf("%s: %v; want the NXDOMAIN of the upstream", dns.TypeToString[qtype], m)
		}
	}
	if n := next.n.Load(); n != 5 {
		t.Errorf("%d queries to the next plugin; want one for each", n)
	}
}

// TestServeLeak checks that a leak is denied at once, for every type, in the case in which it was asked for.
func TestServeLeak(t *testing.T) {
	next := counted(answers(data, data))
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeSRV, dns.TypeTXT, dns.TypeHTTPS, dns.TypeANY, dns.TypeSOA} {
		r := newQuery("HTTPD.dnscheck.svc.Cluster.LOCAL.example.com.", qtype)
		m, _, err := exchange(t, testPlugin(next), r)
		if err != nil || m == nil {
			t.Fatalf("%s: %v, %v; want a reply", dns.TypeToString[qtype], m, err)
		}
		if m.Rcode != dns.RcodeNameError || !m.Authoritative || !m.Response || m.Id != r.Id {
			t.Errorf("header = %+v; want an authoritative NXDOMAIN with ID %d", m.MsgHdr, r.Id)
		}
		if len(m.Question) != 1 || m.Question[0] != r.Question[0] {
			t.Errorf("question = %v; want %v as it was asked", m.Question, r.Question)
		}
		if m.RecursionAvailable != m.RecursionDesired {
			t.Errorf("RA = %v, RD = %v; want RA where it is asked for", m.RecursionAvailable, m.RecursionDesired)
		}
		if len(m.Answer) != 0 || len(m.Extra) != 0 || len(m.Ns) != 1 {
			t.Fatalf("sections = %d, %d, %d; want an SOA in the authority section alone", len(m.Answer), len(m.Ns), len(m.Extra))
		}
		checkSOA(t, m, "Cluster.LOCAL.example.com.", defaultTTL)
	}
	if n := next.n.Load(); n != 0 {
		t.Errorf("%d queries reached the next plugin; want none", n)
	}
}

// TestLeakEDE checks that a client that understands it is told why.
func TestLeakEDE(t *testing.T) {
	m, _, _ := exchange(t, testPlugin(nil), queryWith(leaked, dns.TypeA, true))
	checkEDE(t, m, true, "muslsafe leak")
}

// TestPassUntouched lists the queries that muslsafe must not touch: the next plugin gets the query itself, its answer is not
// captured, and what it returns is what ServeDNS returns.
func TestPassUntouched(t *testing.T) {
	edit := func(name string, f func(*dns.Msg)) *dns.Msg {
		r := newQuery(name, dns.TypeA)
		f(r)
		return r
	}
	tests := []struct {
		about string
		r     *dns.Msg
	}{
		{"class CHAOS", edit(leaked, func(r *dns.Msg) { r.Question[0].Qclass = dns.ClassCHAOS })},
		{"opcode NOTIFY", edit(leaked, func(r *dns.Msg) { r.Opcode = dns.OpcodeNotify })},
		{"no question", edit(leaked, func(r *dns.Msg) { r.Question = nil })},
		{"two questions", edit(leaked, func(r *dns.Msg) { r.Question = append(r.Question, r.Question[0]) })},
		{"DO", edit(leaked, func(r *dns.Msg) { r.SetEdns0(4096, true) })},
		{"CD", edit(leaked, func(r *dns.Msg) { r.CheckingDisabled = true })},
		{"TSIG", edit(leaked, func(r *dns.Msg) { r.SetTsig("key.example.org.", dns.HmacSHA256, 300, 0) })},
		{"outside of the zones", newQuery("web.default.svc.cluster.local.example.com.", dns.TypeA)},
		{"excepted name", newQuery("untouched.example.net.", dns.TypeA)},
		{"below an excepted name", newQuery("x.default.svc.cluster.local.Untouched.example.net.", dns.TypeA)},
	}
	for _, tc := range tests {
		t.Run(tc.about, func(t *testing.T) {
			var saw dns.ResponseWriter
			p := testPlugin(test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				saw = w
				if r != tc.r {
					t.Error("the next plugin got another message")
				}
				return dns.RcodeRefused, errors.New("mine")
			}))
			p.cfg.zones = []domain{"example.net.", "dnscheck.svc.cluster.local.example.com."}
			p.cfg.except = []domain{"untouched.example.net."}
			m, rcode, err := exchange(t, p, tc.r)
			if m != nil || rcode != dns.RcodeRefused || err == nil || err.Error() != "mine" {
				t.Errorf("ServeDNS = %v, %d, %v; want what the next plugin returned", m, rcode, err)
			}
			if _, captured := saw.(*lookup.Exchange); captured {
				t.Error("the answer was captured")
			}
		})
	}
}

// TestDisable switches off one fix, and all of them.
func TestDisable(t *testing.T) {
	p := testPlugin(answers(data, nxdomain), without(verdict.Leak))
	if m, _, _ := exchange(t, p, newQuery(leaked, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != data {
		t.Errorf("leak disabled: %v; want the data of the next plugin", m)
	}
	p = testPlugin(answers(data, nxdomain), off)
	if m, _, _ := exchange(t, p, newQuery(plainName, dns.TypeAAAA)); verdict.OutcomeOf(m, dns.TypeAAAA) != nxdomain {
		t.Errorf("all disabled: %v; want the NXDOMAIN of the next plugin", m)
	}
}

// TestSpans checks that a traced query is handed on with a span for the next plugin.
func TestSpans(t *testing.T) {
	tracer := mocktracer.New()
	span := tracer.StartSpan("servedns")
	ctx := opentracing.ContextWithSpan(t.Context(), span)
	if m, _, _ := exchangeContext(ctx, t, testPlugin(answers(data, data)), newQuery(plainName, dns.TypeA)); m == nil {
		t.Fatal("no reply")
	}
	if spans := tracer.FinishedSpans(); len(spans) != 1 {
		t.Errorf("%d spans; want 1, of the next plugin", len(spans))
	}
}

// TestReentry has a plugin that sends lookups through the whole server, as kubernetes does for an ExternalName. They pass as
// they come, whether they are part of the client's query or of the one for the other half.
func TestReentry(t *testing.T) {
	var p *Muslsafe
	inner := 0
	p = testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		if r.Question[0].Name == "target.example.com." {
			inner++
			return give(w, r, nxdomain)
		}
		m, _, _ := exchangeContext(ctx, t, p, newQuery("target.example.com.", r.Question[0].Qtype))
		if verdict.OutcomeOf(m, r.Question[0].Qtype) != nxdomain {
			t.Errorf("lookup of the target = %v; want it untouched", m)
		}
		return give(w, r, nxdomain)
	}))
	if m, _, _ := exchange(t, p, newQuery(clusterName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != nxdomain {
		t.Errorf("reply = %v; want NXDOMAIN", m)
	}
	if inner != 2 {
		t.Errorf("%d lookups of the target; want 2, one for each half of the pair", inner)
	}
}

// TestReentryOfUntouched has a plugin that looks up another name to answer for one that must pass untouched. That lookup
// passes untouched as well.
func TestReentryOfUntouched(t *testing.T) {
	for _, tc := range []struct{ about, name string }{
		{"excepted name", "legacy.example.net."},
		{"outside of the zones", "www.example.com."},
	} {
		t.Run(tc.about, func(t *testing.T) {
			var p *Muslsafe
			p = testPlugin(test.HandlerFunc(func(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
				if r.Question[0].Name == nodeName {
					return give(w, r, nodata) // search would deny it
				}
				inner, _, _ := exchangeContext(ctx, t, p, newQuery(nodeName, r.Question[0].Qtype))
				m := answer(r, nodata)
				m.Rcode = inner.Rcode
				return dns.RcodeSuccess, w.WriteMsg(m)
			}), func(cfg *config) {
				cfg.zones, cfg.except = []domain{"example.net.", "example.org."}, []domain{"legacy.example.net."}
			})
			if m, _, _ := exchange(t, p, newQuery(tc.name, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != nodata {
				t.Errorf("reply = %v; want NODATA, as the target has it", m)
			}
			if m, _, _ := exchange(t, p, newQuery(nodeName, dns.TypeA)); verdict.OutcomeOf(m, dns.TypeA) != nxdomain {
				t.Errorf("reply about the target = %v; want NXDOMAIN", m)
			}
		})
	}
}

// TestConcurrentPairs is for the race detector: many clients use one plugin at once.
func TestConcurrentPairs(t *testing.T) {
	p := testPlugin(answers(data, nxdomain))
	var wg sync.WaitGroup
	for range 16 {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			wg.Go(func() {
				for range 50 {
					if m, _, err := exchange(t, p, newQuery(plainName, qtype)); err != nil || m.Rcode != dns.RcodeSuccess {
						t.Errorf("reply = %v, %v; want NOERROR", m, err)
					}
					_, _, _ = exchange(t, p, newQuery(leaked, qtype))
				}
			})
		}
	}
	wg.Wait()
}
