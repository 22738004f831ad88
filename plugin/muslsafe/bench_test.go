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
	m := answer(newQuery(name, dns.TypeA), data)
	return test.HandlerFunc(func(_ context.Context, w dns.ResponseWriter, _ *dns.Msg) (int, error) {
		return dns.RcodeSuccess, w.WriteMsg(m)
	})
}

// TestPassThroughAllocs holds the budget: an answer with data costs one allocation more than without the plugin.
func TestPassThroughAllocs(t *testing.T) {
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeSRV} {
		const name = "www.example.com."
		without := allocs(t, firstPlugin{cannedData(name)}, newQuery(name, qtype))
		next := cannedData(name)
		if qtype == dns.TypeAAAA {
			next = answers(data, data)
			without = allocs(t, firstPlugin{next}, newQuery(name, qtype))
		}
		with := allocs(t, firstPlugin{testPlugin(next)}, newQuery(name, qtype))
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
		{"data/without", firstPlugin{next}, newQuery(plainName, dns.TypeA)},
		{"data/with", firstPlugin{testPlugin(next)}, newQuery(plainName, dns.TypeA)},
		{"pair/without", firstPlugin{denied}, newQuery(plainName, dns.TypeAAAA)},
		{"pair/with", firstPlugin{testPlugin(denied)}, newQuery(plainName, dns.TypeAAAA)},
		{"fit/without", firstPlugin{overflow}, newQuery(plainName, dns.TypeA)},
		{"fit/with", firstPlugin{testPlugin(overflow)}, newQuery(plainName, dns.TypeA)},
		{"leak/without", firstPlugin{denied}, newQuery(leaked, dns.TypeAAAA)},
		{"leak/with", firstPlugin{testPlugin(denied)}, newQuery(leaked, dns.TypeAAAA)},
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
