package muslsafe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/pkg/dnstest"
	clog "github.com/coredns/coredns/plugin/pkg/log"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/lookup"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/sample"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/internal/verdict"
	"github.com/muslsafe/coredns-muslsafe/plugin/muslsafe/names"
)

func init() { clog.Discard() }

// The outcomes and the fixes under short names, as tables are full of them.
type (
	outcome = verdict.Outcome
	fix     = verdict.Fix
	domain  = names.Domain
)

const (
	unknown  = verdict.Unknown
	failure  = verdict.Failed
	data     = verdict.Data
	nodata   = verdict.Nodata
	nxdomain = verdict.Nxdomain
)

// The messages of these tests.
var (
	newQuery  = sample.Query
	answer    = sample.Answer
	bigAnswer = sample.Big
	longName  = sample.LongName
)

// testSuffixes are those of the usual cluster.
var testSuffixes = names.New([]domain{"cluster.local."}, []domain{"corp.example.org.", "example.org."}, nil)

// The names of these tests, one for each kind, with testSuffixes.
const (
	plainName   = "www.example.com."
	clusterName = "web.default.svc.cluster.local."
	nodeName    = "db.corp.example.org." // ahead of it are nextName and "db."
	nextName    = "db.example.org."
	leaked      = "httpd.dnscheck.svc.cluster.local.example.com."

	originalName = "www.example.net."                 // what the next two are searched for
	firstName    = originalName + inDefault           // the first step of a search
	wildName     = originalName + "corp.example.org." // a name that a wildcard may answer for
	inDefault    = "default.svc.cluster.local."       // the namespace of the search, which exists in most tests
)

// queryWith returns a query of a client that sends an OPT record, or of one that does not.
func queryWith(name string, qtype uint16, edns bool) *dns.Msg {
	r := newQuery(name, qtype)
	if edns {
		r.SetEdns0(1232, false)
	}
	return r
}

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

// completing returns a plugin with complete, and what more is asked of it.
func completing(next plugin.Handler, more ...func(*config)) *Muslsafe {
	return testPlugin(next, slices.Insert(more, 0, with(verdict.Complete))...)
}

func with(f fix) func(*config) { return func(cfg *config) { cfg.fixes[f] = true } }

func without(f fix) func(*config) { return func(cfg *config) { cfg.fixes[f] = false } }

func reporting(on bool) func(*config) { return func(cfg *config) { cfg.report = on } }

func withTTL(seconds uint32) func(*config) { return func(cfg *config) { cfg.ttl = seconds } }

// asItIs changes nothing in a configuration.
func asItIs(*config) {}

// off switches all fixes off.
func off(cfg *config) { cfg.fixes = verdict.Fixes{} }

// allFixes switches on every fix that can be on together with the others.
func allFixes(cfg *config) {
	for f := verdict.None + 1; f < verdict.NumFixes; f++ {
		cfg.fixes[f] = f != verdict.Dot && f != verdict.IPv4Only
	}
}

// answers is a next plugin that gives the outcomes a and aaaa to all queries of these types.
func answers(a, aaaa outcome) plugin.Handler {
	return test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		o := a
		if r.Question[0].Qtype == dns.TypeAAAA {
			o = aaaa
		}
		return give(w, r, o)
	})
}

// give answers r as an upstream with this outcome does: with a message, or with an error if it fails.
func give(w dns.ResponseWriter, r *dns.Msg, o outcome) (int, error) {
	if o == failure {
		return dns.RcodeServerFailure, errors.New("upstream is down")
	}
	return dns.RcodeSuccess, w.WriteMsg(answer(r, o))
}

// writes is a next plugin that writes the messages that make returns.
func writes(make func(r *dns.Msg, overTCP bool) *dns.Msg) test.HandlerFunc {
	return func(_ context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(make(r, isOverTCP(w)))
	}
}

// isOverTCP reports whether a query has come over TCP, as far as a plugin can tell.
func isOverTCP(w dns.ResponseWriter) bool {
	_, tcp := lookup.AddrOf(w)
	return tcp
}

// cutToNothing returns an answer that has room for none of its addresses.
func cutToNothing(r *dns.Msg) *dns.Msg {
	m := answer(r, data)
	m.Answer, m.Truncated = nil, true
	return m
}

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

// serve sends a query of a client to h, and returns the reply, or nil.
func serve(t *testing.T, h plugin.Handler, w dns.ResponseWriter, r *dns.Msg) *dns.Msg {
	t.Helper()
	rec := dnstest.NewMultiRecorder(w)
	if _, err := h.ServeDNS(t.Context(), rec, r); err != nil && len(rec.Msgs) > 0 {
		t.Errorf("error = %v", err)
	}
	if len(rec.Msgs) != 1 {
		return nil
	}
	return rec.Msgs[0]
}

// panicOf runs f as a server does, and returns what it panics with.
func panicOf(f func()) (cause string) {
	defer func() {
		if v := recover(); v != nil {
			cause = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

// packed returns m on the wire, and nothing if there is no message.
func packed(t *testing.T, m *dns.Msg) []byte {
	t.Helper()
	if m == nil {
		return nil
	}
	wire, err := m.Pack()
	if err != nil {
		t.Errorf("reply does not pack: %v", err)
	}
	return wire
}

func isType(rrtype uint16) func(dns.RR) bool {
	return func(rr dns.RR) bool { return rr.Header().Rrtype == rrtype }
}

// addressesOf returns the A records of an answer.
func addressesOf(m *dns.Msg) []dns.RR {
	return slices.DeleteFunc(slices.Clone(m.Answer), func(rr dns.RR) bool { return rr.Header().Rrtype != dns.TypeA })
}

// firstAddress returns the first address of an answer.
func firstAddress(m *dns.Msg) string { return addressesOf(m)[0].(*dns.A).A.String() }

// setSOATTL gives the SOA of a denial, if m is one, a TTL and the same minimum.
func setSOATTL(m *dns.Msg, ttl uint32) {
	if len(m.Ns) > 0 {
		soa := m.Ns[0].(*dns.SOA)
		soa.Hdr.Ttl, soa.Minttl = ttl, ttl
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

// checkEDE checks that a client that sent an OPT record gets one with an Extended DNS Error, and another client none.
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
