package muslsafe

import (
	"context"
	"net"
	"testing"

	"github.com/coredns/coredns/plugin"
	"github.com/coredns/coredns/plugin/test"
	"github.com/miekg/dns"
)

// firstPlugin calls next as the plugin before muslsafe does.
type firstPlugin struct{ next plugin.Handler }

func (p firstPlugin) ServeDNS(ctx context.Context, w dns.ResponseWriter, r *dns.Msg) (int, error) {
	return plugin.NextOrFailure("first", p.next, ctx, w, r)
}

func (firstPlugin) Name() string { return "first" }

// cannedData is an upstream that answers the same message each time, without an allocation.
func cannedData(name string) plugin.Handler {
	m := answer(query(name, dns.TypeA), data)
	return test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
}

// TestPassThroughAllocs holds the budget: an answer with data costs one allocation more than without the plugin.
func TestPassThroughAllocs(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeSRV} {
		const name = "www.example.com."
		without := allocs(t, firstPlugin{cannedData(name)}, query(name, qtype))
		next := cannedData(name)
		if qtype == dns.TypeAAAA {
			next = answers(data, data)
			without = allocs(t, firstPlugin{next}, query(name, qtype))
		}
		with := allocs(t, firstPlugin{testPlugin(next)}, query(name, qtype))
		if with > without+1 {
			t.Errorf("%s: %v allocations with the plugin, %v without; want at most one more", dns.TypeToString[qtype], with, without)
		}
	}
}

// client is a writer whose address costs nothing, as that of a real server.
type client struct {
	test.ResponseWriter
	addr net.Addr
}

func (c *client) RemoteAddr() net.Addr { return c.addr }

func newClient() *client { return &client{addr: (&test.ResponseWriter{}).RemoteAddr()} }

// allocs counts with the context of a server for UDP and TCP, which nobody can cancel.
func allocs(t *testing.T, h plugin.Handler, r *dns.Msg) float64 {
	t.Helper()
	w := newClient()
	return testing.AllocsPerRun(1000, func() { _, _ = h.ServeDNS(context.Background(), w, r) })
}

func BenchmarkServeDNS(b *testing.B) {
	next := cannedData("www.example.com.")
	denied := answers(data, nxdomain)
	big := bigAnswer("www.example.com.", dns.TypeA, 0, 0, 100)
	overflow := test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(big)
	})
	benchmarks := []struct {
		about string
		h     plugin.Handler
		r     *dns.Msg
	}{
		{"data/without", firstPlugin{next}, query("www.example.com.", dns.TypeA)},
		{"data/with", firstPlugin{testPlugin(next)}, query("www.example.com.", dns.TypeA)},
		{"pair/without", firstPlugin{denied}, query("www.example.com.", dns.TypeAAAA)},
		{"pair/with", firstPlugin{testPlugin(denied)}, query("www.example.com.", dns.TypeAAAA)},
		{"fit/without", firstPlugin{overflow}, query("www.example.com.", dns.TypeA)},
		{"fit/with", firstPlugin{testPlugin(overflow)}, query("www.example.com.", dns.TypeA)},
		{"leak/without", firstPlugin{denied}, query(leaked, dns.TypeAAAA)},
		{"leak/with", firstPlugin{testPlugin(denied)}, query(leaked, dns.TypeAAAA)},
	}
	w := newClient()
	for _, bm := range benchmarks {
		b.Run(bm.about, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = bm.h.ServeDNS(context.Background(), w, bm.r)
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	on := newConfig().enabled
	benchmarks := []struct {
		about string
		e     evidence
	}{
		{"data", evidence{qtype: dns.TypeA, own: data}},
		{"denied half", evidence{qtype: dns.TypeAAAA, own: nxdomain, sibling: data}},
		{"expanded nodata", evidence{qtype: dns.TypeA, scope: node, own: nodata, sibling: nodata}},
		{"failure with an address ahead", evidence{qtype: dns.TypeA, scope: node, own: failure, sibling: failure, ahead: data}},
	}
	for _, bm := range benchmarks {
		bm.e.enabled = &on
		b.Run(bm.about, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				judge(bm.e)
			}
		})
	}
}

func BenchmarkFit(b *testing.B) {
	const name = "www.example.org."
	benchmarks := []struct {
		about string
		m     *dns.Msg
	}{
		{"small", bigAnswer(name, dns.TypeA, 1, 30, 2)},
		{"29 addresses fit", bigAnswer(name, dns.TypeA, 0, 0, 29)},
		{"100 addresses", bigAnswer(name, dns.TypeA, 0, 0, 100)},
		{"8 aliases", bigAnswer(name, dns.TypeAAAA, 8, 60, 4)},
	}
	for _, bm := range benchmarks {
		b.Run(bm.about, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				fit(bm.m, bm.m.Question[0], 1)
			}
		})
	}
}
