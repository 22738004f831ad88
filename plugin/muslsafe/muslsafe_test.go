package muslsafe

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/opentracing/opentracing-go"
	"github.com/opentracing/opentracing-go/mocktracer"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func init() { clog.Discard() }

// testPlugin returns a plugin as configured in the usual cluster of testSuffixes, in front of next, with what more is asked
// of it.
func testPlugin(next plugin.Handler, more ...func(*config)) *Muslsafe {
	cfg := newConfig()
	cfg.suffixes = testSuffixes
	for _, f := range more {
		f(cfg)
	}
	return newMuslsafe(next, cfg)
}

func with(f fix) func(*config) { return func(cfg *config) { cfg.enabled[f] = true } }

func without(f fix) func(*config) { return func(cfg *config) { cfg.enabled[f] = false } }

func reporting(on bool) func(*config) { return func(cfg *config) { cfg.report = on } }

// answers is a next plugin that gives the outcomes a and aaaa to all queries of these types.
func answers(a, aaaa outcome) plugin.Handler {
	return test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		o := a
		if r.Question[0].Qtype == dns.TypeAAAA {
			o = aaaa
		}
		if o == failure {
			return dns.RcodeServerFailure, errors.New("upstream is down")
		}
		return dns.RcodeSuccess, w.WriteMsg(answer(r, o))
	})
}

// answer returns what an upstream says, with an SOA of its own in negative answers.
func answer(r *dns.Msg, o outcome) *dns.Msg {
	m := new(dns.Msg)
	m.SetReply(r)
	m.RecursionAvailable = true
	switch q := r.Question[0]; {
	case o == failure:
		m.Rcode = dns.RcodeServerFailure
	case o == data && q.Qtype == dns.TypeAAAA:
		m.Answer = []dns.RR{test.AAAA(q.Name + " 60 IN AAAA 2001:db8::1")}
	case o == data:
		m.Answer = []dns.RR{test.A(q.Name + " 60 IN A 192.0.2.1")}
	default:
		m.Ns = []dns.RR{test.SOA("upstream.example. 7 IN SOA ns.upstream.example. mail.upstream.example. 1 2 3 4 5")}
		if o == nxdomain {
			m.Rcode = dns.RcodeNameError
		}
	}
	return m
}

// exchange sends a query to h and returns the message that was written, or nil. More than one is an error.
func exchange(t *testing.T, h plugin.Handler, r *dns.Msg) (*dns.Msg, int, error) {
	t.Helper()
	return exchangeContext(t.Context(), t, h, r)
}

func exchangeContext(ctx context.Context, t *testing.T, h plugin.Handler, r *dns.Msg) (*dns.Msg, int, error) {
	t.Helper()
	rec := dnstest.NewMultiRecorder(&test.ResponseWriter{})
	rcode, err := h.ServeDNS(ctx, rec, r)
	switch len(rec.Msgs) {
	case 0:
		return nil, rcode, err
	case 1:
		if !plugin.ClientWrite(rcode) {
			t.Errorf("return code %s after a message was written", dns.RcodeToString[rcode])
		}
		if _, err := rec.Msgs[0].Pack(); err != nil {
			t.Errorf("reply does not pack: %v", err)
		}
		return rec.Msgs[0], rcode, err
	}
	t.Fatalf("%d messages written; want at most 1", len(rec.Msgs))
	return nil, 0, nil
}

func query(name string, qtype uint16) *dns.Msg { return new(dns.Msg).SetQuestion(name, qtype) }

// counter counts the queries to a plugin.
type counter struct {
	plugin.Handler
	n atomic.Int64
}

func counted(h plugin.Handler) *counter { return &counter{Handler: h} }

func (c *counter) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	c.n.Add(1)
	return c.Handler.ServeDNS(ctx, w, r)
}

// TestOtherTypesAreNotJudged checks that a denial of another type is nothing to muslsafe.
func TestOtherTypesAreNotJudged(t *testing.T) {
	next := counted(answers(nxdomain, data))
	for _, qtype := range []uint16{dns.TypeMX, dns.TypeTXT, dns.TypeSRV, dns.TypeHTTPS, dns.TypeANY} {
		if m, _, _ := exchange(t, testPlugin(next), query("www.example.com.", qtype)); m.Rcode != dns.RcodeNameError {
			t.Errorf("%s: %v; want the NXDOMAIN of the upstream", dns.TypeToString[qtype], m)
		}
	}
	if n := next.n.Load(); n != 5 {
		t.Errorf("%d queries to the next plugin; want one for each", n)
	}
}

const leaked = "httpd.dnscheck.svc.cluster.local.example.com."

func TestServeLeak(t *testing.T) {
	next := counted(answers(data, data))
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeSRV, dns.TypeTXT, dns.TypeHTTPS, dns.TypeANY, dns.TypeSOA} {
		r := query("HTTPD.dnscheck.svc.Cluster.LOCAL.example.com.", qtype)
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

func checkSOA(t *testing.T, m *dns.Msg, zone string, ttl uint32) {
	t.Helper()
	i := slices.IndexFunc(m.Ns, isType(dns.TypeSOA))
	if i < 0 {
		t.Fatalf("no SOA in %v", m.Ns)
	}
	soa := m.Ns[i].(*dns.SOA)
	if soa.Hdr.Name != zone || soa.Hdr.Ttl != ttl || soa.Minttl != ttl {
		t.Errorf("SOA = %v; want zone %q with TTL %d", soa, zone, ttl)
	}
}

// TestPassUntouched lists the queries that muslsafe has no say in. For each, the next plugin sees the client's own
// writer and query, and what it does is what the client gets.
func TestPassUntouched(t *testing.T) {
	edit := func(name string, f func(*dns.Msg)) *dns.Msg {
		r := query(name, dns.TypeA)
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
		{"outside of the zones", query("web.default.svc.cluster.local.example.com.", dns.TypeA)},
		{"excepted name", query("untouched.example.net.", dns.TypeA)},
		{"below an excepted name", query("x.default.svc.cluster.local.Untouched.example.net.", dns.TypeA)},
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
			if _, captured := saw.(*flight); captured {
				t.Error("the answer was captured")
			}
		})
	}
}

func TestDisable(t *testing.T) {
	p := testPlugin(answers(data, nxdomain))
	p.cfg.enabled[fixLeak] = false
	if m, _, _ := exchange(t, p, query(leaked, dns.TypeA)); outcomeOf(m, dns.TypeA) != data {
		t.Errorf("leak disabled: %v; want the data of the next plugin", m)
	}
	p.cfg.enabled = [numFixes]bool{}
	if m, _, _ := exchange(t, p, query("www.example.com.", dns.TypeAAAA)); outcomeOf(m, dns.TypeAAAA) != nxdomain {
		t.Errorf("all disabled: %v; want the NXDOMAIN of the next plugin", m)
	}
}

func TestMetrics(t *testing.T) {
	server := &dnsserver.Server{Addr: "dns://:53"}
	ctx := context.WithValue(t.Context(), dnsserver.Key{}, server)
	ctx = context.WithValue(ctx, dnsserver.ViewKey{}, "pods")
	fixes := fixesTotal.WithLabelValues("dns://:53", "pods", "pair")
	asked := subqueriesTotal.WithLabelValues("dns://:53", "pods", "data")
	beforeF, beforeA := testutil.ToFloat64(fixes), testutil.ToFloat64(asked)
	for range 3 {
		_, _, _ = exchangeContext(ctx, t, testPlugin(answers(data, nxdomain)), query("www.example.com.", dns.TypeAAAA))
	}
	if f, a := testutil.ToFloat64(fixes)-beforeF, testutil.ToFloat64(asked)-beforeA; f != 3 || a != 3 {
		t.Errorf("fixes_total rose by %v, subqueries_total by %v; want 3 and 3", f, a)
	}
	for _, c := range []prometheus.Collector{fixesTotal, subqueriesTotal} {
		if problems, err := testutil.CollectAndLint(c); err != nil || len(problems) > 0 {
			t.Errorf("lint says %v, %v", problems, err)
		}
	}
}

// TestSpans checks that a traced query is handed on with a span for the next plugin.
func TestSpans(t *testing.T) {
	tracer := mocktracer.New()
	span := tracer.StartSpan("servedns")
	ctx := opentracing.ContextWithSpan(t.Context(), span)
	if m, _, _ := exchangeContext(ctx, t, testPlugin(answers(data, data)), query("www.example.com.", dns.TypeA)); m == nil {
		t.Fatal("no reply")
	}
	if spans := tracer.FinishedSpans(); len(spans) != 1 {
		t.Errorf("%d spans; want 1, of the next plugin", len(spans))
	}
}

// TestConcurrentPairs is for the race detector: clients of all kinds share one plugin and its configuration.
func TestConcurrentPairs(t *testing.T) {
	p := testPlugin(answers(data, nxdomain))
	var wg sync.WaitGroup
	for range 16 {
		for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
			wg.Go(func() {
				for range 50 {
					if m, _, err := exchange(t, p, query("www.example.com.", qtype)); err != nil || m.Rcode != dns.RcodeSuccess {
						t.Errorf("reply = %v, %v; want NOERROR", m, err)
					}
					_, _, _ = exchange(t, p, query(leaked, qtype))
				}
			})
		}
	}
	wg.Wait()
}
